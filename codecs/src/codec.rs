//! What a protocol answers to be proxied: the [`Codec`] trait and the events it speaks in.

use bytes::BytesMut;
use tokio_util::codec::Decoder;

use crate::edits::FieldEdits;
use crate::{
    Argument, ArgumentPath, Class, ConnError, Frames, LocalError, Needs, Origin, ProtocolId,
    Request, RequestHead, Response, Sniff, StreamId, Wire, WriteBuf,
};

/// How many exchanges a connection carries at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Many; answers name their request by id and come in any order.
    Multiplexed,
    /// One; the next answer belongs to the only request.
    PingPong,
}

/// Which end of a connection this codec serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The peer is a client: requests come in.
    Downstream,
    /// The peer is a server: responses come in.
    Upstream,
}

/// Sizes that a codec enforces while it decodes. All are in bytes but `headers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// The longest frame, fixed head included.
    pub frame: usize,
    /// The longest header block.
    pub header: usize,
    /// The most fields in a header block.
    pub headers: usize,
}

impl Default for FrameLimits {
    /// 8 MiB, 64 KiB and 100 fields.
    fn default() -> Self {
        Self {
            frame: 8 << 20,
            header: 64 << 10,
            headers: 100,
        }
    }
}

/// One protocol on one connection. A value is made per connection and may keep state.
///
/// The [`Decoder`] half turns bytes into [`Inbound`] events: it peeks at the fixed head, checks the limits, and
/// answers `None` until the frame is whole (never allocating by an announced length). An `Err` means that no
/// further frame boundary can be found; whatever is wrong inside a frame of known length is an
/// [`Inbound::Fault`], and the connection goes on.
///
/// Everything else has a default that suits a protocol without the feature.
pub trait Codec: Decoder<Item = Inbound, Error = ConnError> + Send + Sized + 'static {
    /// The protocol's name.
    const ID: ProtocolId;
    /// Whether answers carry ids.
    const MODE: Mode;
    /// The largest id that peers accept; the upstream driver uses `0..=MAX_ID`.
    const MAX_ID: u64;
    /// What the user configures for the protocol.
    type Settings: Clone + Send + Sync + 'static;

    /// Whether upstream connections with these settings carry many calls or one at a time. What clients send is always taken
    /// as [`Codec::MODE`] says.
    fn mode(settings: &Self::Settings) -> Mode {
        let _ = settings;
        Self::MODE
    }

    /// How many requests of one client connection are carried out beside each other where answers have no ids. Their answers leave
    /// in order; what they do need not happen in order.
    fn pipelined(settings: &Self::Settings) -> usize {
        let _ = settings;
        1
    }

    /// How many kinds of upstream connections there are that do not carry each other's requests: dialects, of which a server
    /// takes one per connection.
    fn lanes(settings: &Self::Settings) -> usize {
        let _ = settings;
        1
    }

    /// The lane of a request, below [`Codec::lanes`].
    fn lane(settings: &Self::Settings, head: &RequestHead) -> usize {
        let _ = (settings, head);
        0
    }

    /// The longest frame, in bytes with its fixed head, where the configuration names no limit.
    fn max_frame(settings: &Self::Settings) -> usize {
        let _ = settings;
        FrameLimits::default().frame
    }

    /// A codec for one connection.
    fn new(settings: &Self::Settings, role: Role, limits: FrameLimits) -> Self;

    /// Judges the first bytes of a connection: a pure function of the prefix. See [`Sniff`].
    fn sniff(prefix: &[u8]) -> Sniff;

    /// Writes one event. Called once per event; must not fail for an event that this codec decoded.
    ///
    /// Ids are the receiving connection's own. A message that nobody changed leaves as it came but for its id
    /// and what depends on the id.
    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError>;

    /// Upstream: makes a request ready to be written here, before it gets an id. A codec of several dialects rewrites it in the
    /// connection's. An error is that request's alone, of which nothing was sent; the connection goes on.
    fn adapt(&mut self, request: &mut Request) -> Result<(), LocalError> {
        let _ = request;
        Ok(())
    }

    /// The reply that makes a real client raise the exception that fits `error`. Never called for one-way requests.
    fn error_reply(&self, to: &Origin, error: &LocalError) -> Response;

    /// From the next frame on, decode these fields. Called when the configuration changes, and once at the start.
    fn set_needs(&mut self, needs: &Needs) {
        let _ = needs;
    }

    /// What the codec cuts its frames with, if it does so with [`Frames`]: [`Codec::pending_frame`], [`Codec::set_limits`] and
    /// [`Codec::mid_frame`] are answered there then.
    fn frames(&self) -> Option<&Frames> {
        None
    }

    /// After `decode` answered `None`: how many bytes, counted from the start of the buffer, the frame under way
    /// takes in all, if its head told. The driver reserves memory for it before it reads on. Where only a frame's end tells, it
    /// is twice what there is or so, and asked for again once so much is there.
    fn pending_frame(&self, buffered: &BytesMut) -> Option<usize> {
        let _ = buffered;
        self.frames()?.pending()
    }

    /// From now on these limits apply, also to a frame of which only the head has come. The driver lowers them for a
    /// moment when there is no memory for such a frame: the codec then treats it as one that is too large: it
    /// throws it away as it comes and gives its [`Fault`], and nobody behind it has to wait. A codec that keeps this
    /// default has its connection wait instead.
    fn set_limits(&mut self, limits: FrameLimits) {
        if let Some(frames) = self.frames() {
            frames.set_limits(limits);
        }
    }

    /// True from the moment that `decode` has taken the start of a frame out of the buffer until it has taken the end: while
    /// the rest of a refused body is thrown away. A frame that is still in the buffer needs no telling. The driver
    /// bounds the time of every frame, and sees none in an empty buffer.
    fn mid_frame(&self) -> bool {
        self.frames().is_some_and(Frames::mid_frame)
    }

    /// How long ([`KeepAlive::interval`]) an upstream connection is quiet before a ping, where the protocol has one.
    fn keep_alive(settings: &Self::Settings) -> Option<KeepAlive> {
        let _ = settings;
        None
    }

    /// True if `encode` of [`Outbound::GoAway`] writes something that the peer understands.
    fn sends_go_away(&self) -> bool {
        false
    }

    /// The fields that carry trace context in this protocol, first choice first.
    fn trace_fields() -> &'static [&'static str] {
        &[]
    }

    /// The value at `path` in the body of a request that this codec decoded, of which at most `budget` bytes are looked at.
    /// None if there is none, if it lies behind the budget, and for a path of another protocol's kind.
    fn argument<'a>(
        request: &'a Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'a>> {
        let _ = (request, path, budget);
        None
    }

    /// Changes header fields of a request that this codec decoded, and says whether all was done. A message that it cannot
    /// change without a doubt (a body that is not what it should be, fields that would not fit) stays wholly as it is, and
    /// fields that say where the message goes and how it is read ([`FieldEdits::sparing`]) stay too. The image of a message
    /// is shared with its copies, so what changes is written anew.
    fn edit_request(request: &mut Request, edits: &FieldEdits<'_>) -> bool {
        let _ = request;
        edits.is_empty()
    }

    /// The same for a response.
    fn edit_response(response: &mut Response, edits: &FieldEdits<'_>) -> bool {
        let _ = response;
        edits.is_empty()
    }

    /// What the protocol calls its statuses: names that a configuration may use for the numbers.
    fn statuses() -> &'static [(&'static str, u32)] {
        &[]
    }

    /// The request that asks a server whether it is well; None if the protocol has no such question. A heartbeat is none:
    /// [`Outbound::Ping`] serves for that.
    fn probe(settings: &Self::Settings, probe: &crate::Probe) -> Option<Request> {
        let _ = (settings, probe);
        None
    }

    /// The class of a status given in the protocol's own code, for `retriable-status` and logs.
    fn classify(native: u32) -> Class {
        let _ = native;
        Class::Success
    }
}

/// When to ask an idle upstream connection whether it still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Quiet time (nothing read) before a ping.
    pub interval: std::time::Duration,
    /// How long the answer may take before it counts as missed.
    pub timeout: std::time::Duration,
    /// Misses in a row that close the connection.
    pub misses: u32,
}

/// What a codec read.
#[derive(Debug)]
pub enum Inbound {
    /// A request; its id is the client's.
    Request(StreamId, Request),
    /// A response; its id is the one that the request was sent with.
    Response(StreamId, Response),
    /// Something between the two ends of this connection only.
    Control(Control),
    /// A frame that is whole but not valid; framing is intact and the connection goes on.
    Fault(StreamId, Fault),
}

/// Events of the connection itself; never forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// "Are you there?": answered at once with [`Outbound::Pong`].
    Ping(StreamId, Wire),
    /// The answer to our ping.
    Pong(StreamId),
    /// Send no new requests here; those under way finish.
    GoAway,
    /// New requests are welcome again.
    Resume,
    /// Understood, and nothing to do.
    Ignore,
}

/// A whole frame with something invalid in it.
#[derive(Debug)]
pub struct Fault {
    /// What an error reply must know. [`Kind::OneWay`](crate::Kind::OneWay) means that nobody waits for one.
    pub origin: Origin,
    /// What is wrong.
    pub error: LocalError,
    /// True if it came as a request, false if it came as a response.
    pub is_request: bool,
}

/// What a codec is asked to write.
#[derive(Debug)]
pub enum Outbound<'a> {
    /// A request under this connection's own id.
    Request(StreamId, &'a Request),
    /// A response under the client's id.
    Response(StreamId, &'a Response),
    /// "Are you there?"
    Ping(StreamId),
    /// The answer to a ping, which is given back with its wire.
    Pong(StreamId, &'a Wire),
    /// The request to send nothing new here. Writes nothing where the protocol has no such thing.
    GoAway,
}
