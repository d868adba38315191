//! Protocols of whole messages: connect, send, wait.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use wireloom_codecs::{
    ByteBudget, Call, ChannelEvents, ChannelLimits, ConnError, Connector, FrameLimits, Kind,
    Request, Response,
};
use wireloom_net::connect;

use super::caller::Messages;
use super::{CallError, CallUrl, Caller, LONGEST, Out, options};
use crate::cli::CallArgs;

impl<M: Messages> Caller for M {
    fn scheme(&self) -> &'static str {
        M::SCHEME
    }

    fn call<'a>(
        &'a self,
        url: &'a CallUrl,
        args: &'a CallArgs,
        out: Out<'a>,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            options::only(args, M::SCHEME, &[options::TYPE, options::DIALECT])?;
            let request = self.request(url, args)?;
            if let Some(response) = exchange(self.connector(), url, args, request).await? {
                self.read(&response)?.pieces().try_for_each(out)?;
            }
            Ok(())
        })
    }
}

/// The answer; None for a request that has none.
pub(super) async fn exchange(
    connector: Arc<dyn Connector>,
    url: &CallUrl,
    args: &CallArgs,
    request: Request,
) -> Result<Option<Response>, CallError> {
    let lost = |what: String| CallError::Lost(url.address.clone(), what);
    // A deadline of its own comes with an exact message; here it must only not be the earlier one.
    let long = args.timeout.0 * 2;
    let io = connect(&url.address, long).await?;
    let limits = ChannelLimits {
        frame: FrameLimits {
            frame: LONGEST,
            ..FrameLimits::default()
        },
        idle: long,
        ..ChannelLimits::default()
    };
    let (closed, end) = Closed::watched();
    let budget = ByteBudget::new(LONGEST);
    let opened = connector.open(Box::new(io), limits, budget, closed).await;
    let channel = opened.map_err(|error| lost(error.to_string()))?;

    let one_way = request.head.kind == Kind::OneWay;
    let sent = channel.send(Call {
        request: Box::new(request),
        deadline: Instant::now() + long,
    });
    let answer = sent.map_err(|_| lost("the connection takes no request".to_owned()))?;
    if one_way {
        // It has left when the connection has closed of itself.
        channel.drain();
        return match end.await {
            Ok(Some(error)) => Err(lost(error)),
            _ => Ok(None),
        };
    }
    match answer.await {
        Ok(response) => Ok(Some(response)),
        Err(failed) => Err(lost(failed.error.detail.into_owned())),
    }
}

/// Tells when the connection is closed, and by what error.
struct Closed(Mutex<Option<oneshot::Sender<Option<String>>>>);

impl Closed {
    fn watched() -> (Arc<dyn ChannelEvents>, oneshot::Receiver<Option<String>>) {
        let (sender, receiver) = oneshot::channel();
        (Arc::new(Self(Mutex::new(Some(sender)))), receiver)
    }
}

impl ChannelEvents for Closed {
    fn closed(&self, error: Option<&ConnError>) {
        if let Some(sender) = self.0.lock().take() {
            // Whoever waits no more knows already.
            let _ = sender.send(error.map(ToString::to_string));
        }
    }
}
