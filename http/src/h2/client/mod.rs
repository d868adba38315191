//! The upstream side: callers drive their own exchanges; one task per connection moves the bytes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use wireloom_codecs::http::{GRPC, HTTP1, HTTP2, TRIPLE};
use wireloom_codecs::{
    BoxFuture, ByteBudget, Channel, ChannelEvents, ChannelLimits, ConnError, Connector, Io, Probe,
    Probed, Probing, ProtocolId,
};

use super::pings::Pings;
use super::settings;
use super::wire::{Client, wire};
use crate::config::H2Config;
use link::{Link, Shared};

mod body;
mod call;
mod deadlines;
mod error;
mod link;
mod request;
mod task;

/// HTTP/2 upstream, for every protocol that HTTP carries.
#[derive(Clone, Debug, Default)]
pub struct Http2Connector {
    config: Arc<H2Config>,
}

impl Http2Connector {
    /// With these settings.
    pub fn new(config: H2Config) -> Self {
        Self {
            config: Arc::new(config),
        }
    }
}

/// Connections to one endpoint, where it allows no more streams on those there are.
const CONNECTIONS: u32 = 8;

impl Connector for Http2Connector {
    fn id(&self) -> ProtocolId {
        HTTP2
    }

    fn connections(&self) -> u32 {
        CONNECTIONS
    }

    fn carries(&self) -> &'static [ProtocolId] {
        &[GRPC, TRIPLE]
    }

    fn statuses(&self, of: ProtocolId) -> &'static [(&'static str, u32)] {
        match of {
            GRPC | TRIPLE => &crate::grpc::NAMES,
            _ => &[],
        }
    }

    fn takes(&self, protocol: ProtocolId) -> bool {
        protocol == HTTP1 || self.serves(protocol)
    }

    fn has_probe(&self, probe: &Probe) -> bool {
        matches!(probe, Probe::Http { .. } | Probe::Grpc { .. })
    }

    fn probe(&self, probe: &Probe, over: Probing) -> Probed {
        crate::probe::probe(self, probe, over)
    }

    /// Ready when the server's SETTINGS are there: one that speaks no HTTP/2 is found out here and not by a request.
    fn open(
        &self,
        io: Box<dyn Io>,
        limits: ChannelLimits,
        _: ByteBudget,
        events: Arc<dyn ChannelEvents>,
    ) -> BoxFuture<Result<Arc<dyn Channel>, ConnError>> {
        let config = self.config.clone();
        Box::pin(async move {
            let builder = settings::client(&config, limits.frame.header);
            let (wire, hold) = wire(io, Client::Us, config.resets);
            let (sender, mut connection) = builder
                .handshake::<_, Bytes>(wire)
                .await
                .map_err(|error| error::connection(&error))?;
            poll_fn(|cx| {
                let polled = Pin::new(&mut connection).poll(cx);
                if hold.flush(cx) {
                    cx.waker().wake_by_ref();
                }
                match polled {
                    Poll::Ready(Ok(())) => Poll::Ready(Err(not_http2("it closed the connection"))),
                    Poll::Ready(Err(error)) => Poll::Ready(Err(not_http2(&error.to_string()))),
                    Poll::Pending if sender.current_max_send_streams() == settings::UNSETTLED => {
                        Poll::Pending
                    }
                    Poll::Pending => Poll::Ready(Ok(())),
                }
            })
            .await?;
            let pings = match limits.keep_alive {
                Some(every) => Pings::every(every.interval, every.timeout, connection.ping_pong()),
                None => Pings::new(&config, connection.ping_pong()),
            };
            let shared = Arc::new(Shared::new(sender, limits.in_flight, limits.frame.headers));
            let task =
                task::Task::new(connection, hold, shared.clone(), pings, limits.idle, events);
            tokio::spawn(task.run());
            let link: Arc<dyn Channel> = Arc::new(Link::new(shared));
            Ok(link)
        })
    }
}

fn not_http2(why: &str) -> ConnError {
    ConnError::protocol(
        HTTP2.as_str(),
        format!("the server did not answer in HTTP/2: {why}"),
    )
}
