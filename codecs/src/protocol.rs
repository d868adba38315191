//! The two seams of a protocol: serving downstream connections and opening upstream ones.
//!
//! `Framed` implements both for any [`Codec`](crate::Codec). A protocol that is no codec
//! (HTTP/2 has streams and flow control of its own) implements them by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::edits::FieldEdits;
use crate::{
    Argument, ArgumentPath, Body, ByteBudget, ConnError, DrainWatch, ErrorKind, FrameLimits,
    LocalError, Mode, Needs, Prefixed, ProtocolId, Request, RequestHead, Response, ResponseHead,
    Sniff,
};

/// A byte stream: a socket, TLS over one, or either with sniffed bytes put back.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A boxed future, for what happens once per connection and never per request.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What becomes of a request. Cloned per connection, called per request.
pub trait Service: Clone + Send + Sync + 'static {
    /// Carries the request out. For a one-way request the answer is dropped.
    ///
    /// The future is polled on the connection's own task and dropped if the client goes away.
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<Self>;

    /// What the configuration wants decoded now. Asked once per read, so it must be cheap.
    fn needs(&self) -> Arc<Needs>;

    /// A whole request was refused before it reached [`Service::call`] (it was invalid, too large, or the proxy drains).
    fn refused(&self, error: &LocalError) {
        let _ = error;
    }
}

/// Bounds of one downstream connection. Every wait and every buffer has one.
#[derive(Clone, Debug)]
pub struct ServeLimits {
    /// Sizes within a frame.
    pub frame: FrameLimits,
    /// Requests under way at once; further ones stay unread in the socket.
    pub in_flight: usize,
    /// From the first byte of a frame to its last, and a second more for every 64 KiB of it that came. What was
    /// announced buys no time. As long may a frame wait for memory before it is answered with an error.
    pub header_timeout: Duration,
    /// Without progress in a frame under way, or in writing to a client that does not read; such a one must then take
    /// 16 KiB a second.
    pub body_idle: Duration,
    /// Without any request.
    pub idle: Duration,
    /// After a drain began, how long requests may still take.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            frame: FrameLimits::default(),
            in_flight: 1024,
            header_timeout: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            idle: Duration::from_secs(3600),
            drain: Duration::from_secs(30),
        }
    }
}

/// A downstream connection, accepted and recognised.
pub struct Accepted {
    /// The connection.
    pub io: Box<dyn Io>,
    /// What detection has read of it already; it comes before whatever `io` yields.
    pub prefix: Bytes,
    /// Its bounds.
    pub limits: ServeLimits,
    /// Memory for request frames, shared by the worker's connections.
    pub budget: ByteBudget,
    /// Tells when to stop taking requests.
    pub drain: DrainWatch,
    /// Whether the bytes came over TLS.
    pub tls: bool,
}

impl Accepted {
    /// The connection with what was read of it put back in front.
    pub fn into_io(self) -> Box<dyn Io> {
        if self.prefix.is_empty() {
            self.io
        } else {
            Box::new(Prefixed::new(self.prefix, self.io))
        }
    }
}

/// The downstream side of a protocol, as a listener's registry holds it.
pub trait Protocol<S: Service>: Send + Sync {
    /// Its name.
    fn id(&self) -> ProtocolId;
    /// The protocols that its requests may be in: those that it recognises request by request, beside its own.
    fn carries(&self) -> &'static [ProtocolId] {
        &[]
    }
    /// The longest message that it takes from a client, in bytes, where the configuration names no limit.
    fn max_frame(&self) -> usize {
        FrameLimits::default().frame
    }
    /// Judges the first bytes of a connection.
    fn sniff(&self, prefix: &[u8]) -> Sniff;
    /// The value at `path` in a request's body that is whole; see [`Codec::argument`](crate::Codec::argument).
    fn argument<'a>(
        &self,
        request: &'a Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'a>> {
        let _ = (request, path, budget);
        None
    }
    /// Changes header fields of a request of one of its protocols but HTTP's, whose fields anybody can change; see
    /// [`Codec::edit_request`](crate::Codec::edit_request).
    fn edit_request(&self, request: &mut Request, edits: &FieldEdits<'_>) -> bool {
        let _ = request;
        edits.is_empty()
    }
    /// The same for a response.
    fn edit_response(&self, response: &mut Response, edits: &FieldEdits<'_>) -> bool {
        let _ = response;
        edits.is_empty()
    }
    /// Serves the connection to its end. `Ok` is a clean end, by either side.
    fn serve(&self, connection: Accepted, service: S) -> BoxFuture<Result<(), ConnError>>;
}

/// Bounds of one upstream connection.
#[derive(Clone, Debug)]
pub struct ChannelLimits {
    /// Sizes within a frame.
    pub frame: FrameLimits,
    /// Requests under way at once, at most 65,536; fewer where the protocol's ids are few.
    pub in_flight: usize,
    /// Requests that wait for the peer to read. Further ones fail unsent.
    pub queue: usize,
    /// Without any request under way; then it closes.
    pub idle: Duration,
    /// Overrides the codec's own keep-alive times.
    pub keep_alive: Option<crate::KeepAlive>,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self {
            frame: FrameLimits::default(),
            in_flight: 4096,
            queue: 1024,
            idle: Duration::from_secs(300),
            keep_alive: None,
        }
    }
}

/// The upstream side of a protocol.
pub trait Connector: Send + Sync {
    /// Its name.
    fn id(&self) -> ProtocolId;
    /// Whether one connection carries one call at a time or many.
    fn mode(&self) -> Mode {
        Mode::Multiplexed
    }
    /// How many kinds of connections it makes that do not carry each other's requests; each has a set of its own.
    fn lanes(&self) -> usize {
        1
    }
    /// Which of them a request goes over, below [`Connector::lanes`].
    fn lane(&self, request: &RequestHead) -> usize {
        let _ = request;
        0
    }
    /// The longest message that it takes from a server, in bytes, where the configuration names no larger one.
    fn max_frame(&self) -> usize {
        FrameLimits::default().frame
    }
    /// Names that a configuration may use for the statuses of a protocol that it [serves](Connector::serves).
    fn statuses(&self, of: ProtocolId) -> &'static [(&'static str, u32)] {
        let _ = of;
        &[]
    }
    /// The protocols that are carried over its connections and bear names of their own, beside [`Connector::id`].
    fn carries(&self) -> &'static [ProtocolId] {
        &[]
    }
    /// Whether it can carry a request of that protocol: one of its own, or one that it translates.
    fn takes(&self, protocol: ProtocolId) -> bool {
        self.serves(protocol)
    }
    /// Whether it is what a request of that protocol goes to where the configuration names no protocol.
    fn serves(&self, protocol: ProtocolId) -> bool {
        protocol == self.id() || self.carries().contains(&protocol)
    }
    /// Whether the configuration may call it so.
    fn named(&self, name: &str) -> bool {
        self.id().as_str() == name || self.carries().iter().any(|id| id.as_str() == name)
    }
    /// How many connections to one endpoint there may be where the configuration names no number and those there take no
    /// more calls.
    fn connections(&self) -> u32 {
        1
    }
    /// Whether it can ask a server that.
    fn has_probe(&self, probe: &crate::Probe) -> bool {
        let _ = probe;
        false
    }
    /// Asks a server whether it is well, if it [has](Connector::has_probe) that question.
    fn probe(&self, probe: &crate::Probe, over: crate::Probing) -> crate::Probed {
        let _ = (probe, over);
        Box::pin(std::future::ready(Err(
            "the protocol has no such question".to_owned()
        )))
    }
    /// Takes over a connected stream, with whatever handshake the protocol has, and spawns its task.
    ///
    /// `budget` is memory for response frames, shared by the worker's connections.
    fn open(
        &self,
        io: Box<dyn Io>,
        limits: ChannelLimits,
        budget: ByteBudget,
        events: Arc<dyn ChannelEvents>,
    ) -> BoxFuture<Result<Arc<dyn Channel>, ConnError>>;
}

/// What an upstream connection reports about itself, for metrics and health. All methods are cheap and never block.
pub trait ChannelEvents: Send + Sync {
    /// A reply that nobody waits for: it came after its timeout, twice, or with an unknown id.
    fn stray_reply(&self) {}
    /// A heartbeat was not answered in time.
    fn missed_ping(&self) {}
    /// A server sent a request of its own, which was refused.
    fn refused_push(&self) {}
    /// The connection will take no more requests (goaway, or too many unanswered ones).
    fn draining(&self) {}
    /// The connection is gone; None if it was idle and closed on purpose or by the peer.
    fn closed(&self, error: Option<&ConnError>) {
        let _ = error;
    }
}

/// No interest in any of it.
impl ChannelEvents for () {}

/// Whether an upstream connection takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChannelState {
    /// Yes.
    Open,
    /// No; those under way finish.
    Draining,
    /// It is gone.
    Closed,
}

/// One upstream connection that carries calls.
pub trait Channel: Send + Sync {
    /// Hands the call over and never waits. A call that the connection cannot take now comes back whole.
    fn send(&self, call: Call) -> Result<Answer, Box<Call>>;
    /// Whether it takes requests.
    fn state(&self) -> ChannelState;
    /// Requests under way.
    fn in_flight(&self) -> usize;
    /// Takes no more requests, and closes when the last one is done.
    fn drain(&self);
}

/// A request on its way up.
pub struct Call {
    /// The request. Boxed once, where it is read, since it changes hands a dozen times.
    pub request: Box<Request>,
    /// When its caller stops waiting. The connection keeps it until the answer's head is there.
    pub deadline: Instant,
}

/// The wait for the answer to a call. Dropping it gives up on the answer.
#[must_use = "a dropped answer is given up"]
pub enum Answer {
    /// There will be none: the request is one-way.
    Nothing,
    /// The connection's task brings it.
    Waiting(oneshot::Receiver<Result<Response, CallError>>),
    /// The caller's own task drives the exchange.
    Driven(BoxFuture<Result<Response, CallError>>),
}

impl Future for Answer {
    /// For a one-way request an empty success.
    type Output = Result<Response, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Nothing => Poll::Ready(Ok(Response::new(ResponseHead::default(), Body::Empty))),
            Self::Waiting(receiver) => {
                let result = ready!(Pin::new(receiver).poll(cx));
                Poll::Ready(result.unwrap_or_else(|_| Err(CallError::vanished())))
            }
            Self::Driven(future) => future.as_mut().poll(cx),
        }
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub struct CallError {
    /// What happened.
    pub error: LocalError,
    /// Whether any byte of the request may have left: the one fact that retry safety turns on.
    pub sent: bool,
    /// The request itself, if it is still whole and the peer closed the connection without a byte of an answer: a server
    /// that tired of a resting connection does so, and another connection may carry it.
    pub request: Option<Box<Request>>,
}

impl CallError {
    /// A failure of a request that is gone.
    pub fn new(error: LocalError, sent: bool) -> Self {
        Self {
            error,
            sent,
            request: None,
        }
    }

    /// The connection's task ended without a word about the call: whether it was written is not known. Whoever knows
    /// the address says it.
    #[cold]
    fn vanished() -> Self {
        Self::new(ErrorKind::Reset.into(), true)
    }
}
