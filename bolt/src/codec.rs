//! The codec itself: what of it is per connection, and the trait.

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::{
    Argument, ArgumentPath, Class, Codec, ConnError, FrameLimits, Inbound, KeepAlive, LocalError,
    Mode, Needs, Origin, Outbound, ProtocolId, Refused, Request, Response, Role, Sniff, WriteBuf,
};

use crate::decode::{self, Start};
use crate::types::{Head, NAME, Version};
use crate::{BoltConfig, argument, control, edits, encode, error_reply, sniff};

/// Bolt on one connection. Both versions may alternate on it.
#[derive(Debug)]
pub struct BoltCodec {
    settings: BoltConfig,
    role: Role,
    limits: FrameLimits,
    needs: Needs,
    state: State,
    /// Whether any frame of the peer was v2. See [`BoltCodec::answer_version`].
    peer_reads_v2: bool,
}

/// Where in the byte stream the next byte lies.
#[derive(Debug)]
enum State {
    /// At the start of a frame or within one that is not whole.
    Frame,
    /// Within a frame that was refused.
    Refused(Refused),
    /// Nobody knows.
    Lost(&'static str),
}

impl BoltCodec {
    /// Java answers in the version of the connection's first frame, whatever the request's was, so an upstream
    /// connection that clients of both versions share gives v2 answers to all. A client that never spoke v2 gets
    /// them in v1; the others read both.
    fn answer_version(&self, head: Head) -> Head {
        match (self.role, head.version) {
            (Role::Downstream, Version::V2) if !self.peer_reads_v2 => head.to_v1(),
            _ => head,
        }
    }

    fn started(&mut self, start: Start, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        let (head, fault) = match start {
            Start::More => return Ok(None),
            Start::Lost(error) => return Err(ConnError::protocol(NAME, error.to_string())),
            Start::Frame { head, len } => {
                if src.len() < len {
                    return Ok(None);
                }
                self.peer_reads_v2 |= head.version == Version::V2;
                let frame = src.split_to(len).freeze();
                return Ok(Some(decode::frame(&head, frame, &self.needs, &self.limits)));
            }
            Start::Broken { head, fault, why } => {
                self.state = State::Lost(why);
                (head, fault)
            }
            Start::TooLarge { head, fault } => {
                let len = head.frame_len();
                if len <= self.settings.discard.0 as u64 {
                    self.peer_reads_v2 |= head.version == Version::V2;
                    let refused = Refused::new(len, decode::fault(&head, fault));
                    return Ok(self.discard(refused, src));
                }
                self.state =
                    State::Lost("a frame is longer than anything that would be read to its end");
                (head, fault)
            }
        };
        self.peer_reads_v2 |= head.version == Version::V2;
        // An event takes bytes. Where the connection ends one stays, so that the next call is not left out for want of any.
        let keep = usize::from(matches!(self.state, State::Lost(_)));
        src.advance(head.len().saturating_sub(keep).min(src.len()));
        Ok(Some(decode::fault(&head, fault)))
    }

    fn discard(&mut self, refused: Refused, src: &mut BytesMut) -> Option<Inbound> {
        match refused.discard(src) {
            Ok(event) => Some(event),
            Err(more) => {
                self.state = State::Refused(more);
                None
            }
        }
    }
}

impl Decoder for BoltCodec {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        match std::mem::replace(&mut self.state, State::Frame) {
            State::Frame => {}
            State::Refused(refused) => return Ok(self.discard(refused, src)),
            State::Lost(why) => {
                self.state = State::Lost(why);
                return Err(ConnError::protocol(NAME, why));
            }
        }
        let start = decode::start(src, &self.limits);
        self.started(start, src)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        if let Some(event) = self.decode(src)? {
            return Ok(Some(event));
        }
        match self.state {
            State::Frame if src.is_empty() => Ok(None),
            _ => Err(ConnError::Truncated(src.len())),
        }
    }
}

impl Codec for BoltCodec {
    const ID: ProtocolId = ProtocolId(NAME);
    const MODE: Mode = Mode::Multiplexed;
    /// Java reads ids as signed numbers and counts up from 0.
    const MAX_ID: u64 = i32::MAX as u64;
    type Settings = BoltConfig;

    fn new(settings: &BoltConfig, role: Role, limits: FrameLimits) -> Self {
        Self {
            settings: settings.clone(),
            role,
            limits,
            needs: Needs::NOTHING,
            state: State::Frame,
            peer_reads_v2: false,
        }
    }

    fn sniff(prefix: &[u8]) -> Sniff {
        sniff::sniff(prefix)
    }

    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError> {
        match out {
            Outbound::Request(id, request) => {
                let wire = &request.head.wire;
                encode::message(encode::head_of(wire)?, id, wire, &request.body, dst)
            }
            Outbound::Response(id, response) => {
                let wire = &response.head.wire;
                let head = self.answer_version(encode::head_of(wire)?);
                encode::message(head, id, wire, &response.body, dst)
            }
            Outbound::Ping(id) => {
                encode::bare(&control::ping(encode::wire_id(id)?), dst);
                Ok(())
            }
            Outbound::Pong(id, wire) => {
                let pong = control::pong(&encode::head_of(wire)?, encode::wire_id(id)?);
                encode::bare(&pong, dst);
                Ok(())
            }
            Outbound::GoAway => {
                if self.settings.go_away {
                    encode::bare(&control::go_away(), dst);
                }
                Ok(())
            }
        }
    }

    fn error_reply(&self, to: &Origin, error: &LocalError) -> Response {
        error_reply::error_reply(to, error)
    }

    fn set_needs(&mut self, needs: &Needs) {
        self.needs = needs.clone();
    }

    fn pending_frame(&self, buffered: &BytesMut) -> Option<usize> {
        match (&self.state, decode::start(buffered, &self.limits)) {
            (State::Frame, Start::Frame { len, .. }) => Some(len),
            _ => None,
        }
    }

    fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    fn mid_frame(&self) -> bool {
        matches!(self.state, State::Refused(_))
    }

    fn keep_alive(_: &BoltConfig) -> Option<KeepAlive> {
        Some(control::KEEP_ALIVE)
    }

    fn sends_go_away(&self) -> bool {
        self.settings.go_away
    }

    /// SOFATracer's id in its flattened and its newer form, then W3C's.
    fn trace_fields() -> &'static [&'static str] {
        &[
            "rpc_trace_context.sofaTraceId",
            "new_rpc_trace_context",
            "traceparent",
        ]
    }

    fn argument<'a>(
        request: &'a Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'a>> {
        argument::find(request, path, budget)
    }

    fn edit_request(request: &mut Request, edits: &FieldEdits<'_>) -> bool {
        edits::message(&mut request.head.wire, edits)
    }

    fn edit_response(response: &mut Response, edits: &FieldEdits<'_>) -> bool {
        edits::message(&mut response.head.wire, edits)
    }

    fn classify(native: u32) -> Class {
        u16::try_from(native).map_or(Class::ServerError, decode::class_of)
    }
}
