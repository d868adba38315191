//! Connect, send, wait.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout_at;
use wireloom_codecs::{
    ByteBudget, Call, ChannelEvents, ChannelLimits, ConnError, FrameLimits, Kind, Request, Response,
};
use wireloom_net::connect;

use super::{CallError, CallUrl, Caller, Reply, caller};
use crate::cli::CallArgs;

/// The longest answer that is taken, in bytes.
const LONGEST: usize = 256 << 20;

/// Sends what was written over a connection of its own, and waits for the answer: for all of it together no longer
/// than `args.timeout`.
pub async fn call(args: &CallArgs) -> Result<Reply, CallError> {
    let url: CallUrl = args.url.parse()?;
    let caller = caller::of_scheme(&url.scheme)?;
    let request = caller.request(&url, args)?;
    let deadline = tokio::time::Instant::now() + args.timeout.0;
    match timeout_at(deadline, exchange(caller, &url, args, request)).await {
        Ok(Ok(Some(response))) => Ok(caller.read(&response)?),
        Ok(Ok(None)) => Ok(Reply::default()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(CallError::Timeout(url.address, args.timeout)),
    }
}

/// The answer; None for a request that has none.
async fn exchange(
    caller: &dyn Caller,
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
    let connector = caller.connector();
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
