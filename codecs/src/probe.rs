//! Questions that tell whether a server is well, in the protocol's own terms.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use crate::{
    BoxFuture, ByteBudget, Call, Channel, ChannelLimits, Class, Codec, ConnError, Control, Inbound,
    Io, Outbound, Request, Response, Role, StreamId, WriteBuf,
};

/// A question to a server. Each protocol has some of them: see [`Connector::has_probe`](crate::Connector::has_probe).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The protocol's own "are you there?".
    Heartbeat,
    /// A service is asked to give back what it is sent (Dubbo's `$echo`).
    Echo {
        /// The interface.
        service: String,
        /// Its version, if it has one.
        version: Option<String>,
        /// Its group, if it has one.
        group: Option<String>,
    },
    /// A method without arguments is called; that it ran is enough.
    Method {
        /// The service; empty where the protocol names none.
        service: String,
        /// The method.
        method: String,
    },
    /// A GET.
    Http {
        /// The host that is asked for.
        host: String,
        /// The path with its query.
        path: String,
        /// The statuses that are good.
        codes: Vec<RangeInclusive<u16>>,
    },
    /// gRPC's health service: `grpc.health.v1.Health/Check` answers SERVING.
    Grpc {
        /// The authority that is asked for.
        host: String,
        /// The service that is asked after; empty for the server as a whole.
        service: String,
    },
}

/// What a probe goes over. Whoever asks bounds the time of it all.
pub struct Probing {
    /// A connection of its own.
    pub io: Box<dyn Io>,
    /// Its bounds.
    pub limits: ChannelLimits,
    /// Memory for the answer.
    pub budget: ByteBudget,
    /// How long the answer may take.
    pub timeout: Duration,
}

/// How a probe ends: well, or with what speaks against the server, as the end of a sentence.
pub type Probed = BoxFuture<Result<(), String>>;

/// Sends a request over a connection that is used for nothing else, and waits for the answer.
///
/// # Errors
/// A sentence's end that says why there is no answer.
pub async fn ask(
    opening: BoxFuture<Result<Arc<dyn Channel>, ConnError>>,
    request: Request,
    timeout: Duration,
) -> Result<Response, String> {
    /// Closes the connection, also if nobody waits any more.
    struct Drained(Arc<dyn Channel>);
    impl Drop for Drained {
        fn drop(&mut self) {
            self.0.drain();
        }
    }
    let channel = Drained(opening.await.map_err(|error| error.to_string())?);
    let call = Call {
        request: Box::new(request),
        deadline: crate::clock::read() + timeout,
    };
    let answer = channel.0.send(call);
    let answer = answer.map_err(|_| "the connection takes no request".to_owned())?;
    let answered = answer.await;
    answered.map_err(|failed| match failed.error.detail.is_empty() {
        true => failed.error.kind.to_string(),
        false => failed.error.detail.into_owned(),
    })
}

/// Judges an answer by its class.
///
/// # Errors
/// If the server did not do what it was asked.
pub fn judge(response: &Response, exceptions: bool) -> Result<(), String> {
    let outcome = response.head.outcome;
    match outcome.class {
        Class::Success => Ok(()),
        Class::AppError if exceptions => Ok(()),
        class => Err(format!("it answered {class} ({})", outcome.native)),
    }
}

/// True if the codec writes something for a ping.
pub(crate) fn pings<C: Codec>(settings: &C::Settings) -> bool {
    let mut out = WriteBuf::new();
    let mut codec = C::new(settings, Role::Upstream, Default::default());
    codec.encode(Outbound::Ping(StreamId(1)), &mut out).is_ok() && !out.is_empty()
}

/// Sends a ping, and waits for the pong.
pub(crate) async fn heartbeat<C: Codec>(mut codec: C, mut io: Box<dyn Io>) -> Result<(), String> {
    let mut out = WriteBuf::new();
    let written = codec.encode(Outbound::Ping(StreamId(1)), &mut out);
    written.map_err(|error| error.to_string())?;
    while !out.is_empty() {
        let flushed = std::future::poll_fn(|cx| out.poll_flush(&mut io, cx)).await;
        flushed.map_err(|error| error.to_string())?;
    }
    let mut buffer = BytesMut::new();
    loop {
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(Inbound::Control(Control::Pong(_)))) => return Ok(()),
                // Whatever else a server says to a new connection.
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        match io.read_buf(&mut buffer).await {
            Ok(0) => return Err("it closed the connection without an answer".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}
