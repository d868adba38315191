//! The codec itself: what of it is per connection, and the trait.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::{
    Argument, ArgumentPath, Class, Codec, ConnError, FrameLimits, Inbound, LocalError, Mode, Needs,
    Origin, Outbound, Probe, ProtocolId, Request, RequestHead, Response, Role, Sniff, Str,
    WriteBuf,
};

use crate::call::ThriftCall;
use crate::calls::{Calls, Past};
use crate::decode::{Opened, lost};
use crate::fixed::Fixed;
use crate::head::word;
use crate::types::{Dialect, NAME, Transport, exception};
use crate::walk::Walker;
use crate::{ThriftSettings, argument, detect, dialect, edits, error_reply, outcome, sniff};

/// Thrift on one connection, in one dialect.
///
/// Downstream the dialect is the settings' or the first message's. Upstream it is that of the request under way, as it was written,
/// since a server answers in the dialect it was asked in.
#[derive(Debug)]
pub struct ThriftCodec {
    pub(crate) settings: Arc<ThriftSettings>,
    pub(crate) default_service: Str,
    pub(crate) role: Role,
    pub(crate) limits: FrameLimits,
    pub(crate) needs: Needs,
    pub(crate) state: State,
    pub(crate) dialect: Option<Dialect>,
    /// Unframed: the message whose end is not found yet.
    pub(crate) under_way: Option<Box<(Opened, Walker)>>,
    pub(crate) calls: Calls,
}

/// Where in the byte stream the next byte lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    /// At the start of a message or within one that is not whole.
    Message,
    /// So many bytes before the end of a frame that was refused.
    Discard(u64),
    /// Nobody knows.
    Lost(&'static str),
}

impl Decoder for ThriftCodec {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        match self.state {
            State::Message => {}
            State::Discard(left) => {
                let now = usize::try_from(left).map_or(src.len(), |left| left.min(src.len()));
                src.advance(now);
                let left = left - now as u64;
                if left > 0 {
                    self.state = State::Discard(left);
                    return Ok(None);
                }
                self.state = State::Message;
            }
            State::Lost(why) => return Err(lost(why)),
        }
        let dialect = match self.dialect {
            Some(dialect) => self.spoken(dialect, src),
            None => match detect::detect(src, &self.settings.config).map_err(lost)? {
                Some(dialect) => {
                    self.dialect = Some(dialect);
                    dialect
                }
                None => return Ok(None),
            },
        };
        if dialect.transport == Transport::Buffered {
            self.unframed(dialect, src)
        } else {
            self.framed(dialect, src)
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        if let Some(event) = self.decode(src)? {
            return Ok(Some(event));
        }
        match self.state {
            State::Message if src.is_empty() => Ok(None),
            _ => Err(ConnError::Truncated(src.len())),
        }
    }
}

impl Codec for ThriftCodec {
    const ID: ProtocolId = ProtocolId(NAME);
    /// Seqids are often constant, and servers answer in order, unless the settings say that they do not.
    const MODE: Mode = Mode::PingPong;
    const MAX_ID: u64 = i32::MAX as u64;
    type Settings = Arc<ThriftSettings>;

    fn mode(settings: &Arc<ThriftSettings>) -> Mode {
        match settings.multiplexed {
            true => Mode::Multiplexed,
            false => Mode::PingPong,
        }
    }

    fn pipelined(settings: &Arc<ThriftSettings>) -> usize {
        settings.config.pipelined.0
    }

    fn lanes(settings: &Arc<ThriftSettings>) -> usize {
        dialect::lanes(settings)
    }

    fn lane(settings: &Arc<ThriftSettings>, head: &RequestHead) -> usize {
        // A request that is none of this protocol is refused wherever it goes.
        Fixed::parse(&head.wire.fixed).map_or(0, |fixed| dialect::lane(settings, fixed.dialect))
    }

    fn new(settings: &Arc<ThriftSettings>, role: Role, limits: FrameLimits) -> Self {
        Self {
            settings: settings.clone(),
            default_service: settings
                .config
                .service
                .as_deref()
                .map_or_else(Str::default, Str::from),
            role,
            limits,
            needs: Needs::NOTHING,
            state: State::Message,
            dialect: None,
            under_way: None,
            calls: match role {
                Role::Downstream => Calls::Asked(VecDeque::new()),
                Role::Upstream if settings.multiplexed => Calls::Many(HashMap::new()),
                Role::Upstream => Calls::One(None, Past::default()),
            },
        }
    }

    fn sniff(prefix: &[u8]) -> Sniff {
        sniff::sniff(prefix)
    }

    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError> {
        match out {
            Outbound::Request(id, request) => self.write(id, request, dst),
            Outbound::Response(id, response) => self.answer(id, response, dst),
            // Thrift has none of these.
            Outbound::Ping(_) | Outbound::Pong(..) | Outbound::GoAway => Ok(()),
        }
    }

    fn adapt(&mut self, request: &mut Request) -> Result<(), LocalError> {
        self.adapt_request(request)
    }

    fn error_reply(&self, to: &Origin, error: &LocalError) -> Response {
        error_reply::error_reply(to, error)
    }

    fn set_needs(&mut self, needs: &Needs) {
        self.needs = needs.clone();
    }

    fn pending_frame(&self, buffered: &BytesMut) -> Option<usize> {
        match (self.state, self.dialect) {
            (State::Message, Some(dialect)) if dialect.transport != Transport::Buffered => {
                let len = word(buffered, 0)? as usize + 4;
                (len <= self.longest()).then_some(len)
            }
            // Nobody knows, so room is asked for in steps that double.
            (State::Message, Some(_)) => {
                let room = (2 * buffered.len()).min(self.limits.frame);
                (room > buffered.len()).then_some(room)
            }
            _ => None,
        }
    }

    fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    fn mid_frame(&self) -> bool {
        matches!(self.state, State::Discard(_))
    }

    fn max_frame(settings: &Arc<ThriftSettings>) -> usize {
        settings.config.max_frame.0.saturating_add(4)
    }

    fn statuses() -> &'static [(&'static str, u32)] {
        &exception::NAMES
    }

    fn trace_fields() -> &'static [&'static str] {
        &["traceparent"]
    }

    fn probe(settings: &Arc<ThriftSettings>, probe: &Probe) -> Option<Request> {
        let Probe::Method { service, method } = probe else {
            return None;
        };
        let upstream = &settings.upstream;
        let call = ThriftCall {
            dialect: Dialect {
                transport: upstream.transport.unwrap_or_default(),
                protocol: upstream.protocol.unwrap_or_default(),
            },
            service: service.clone(),
            multiplexed: !service.is_empty(),
            method: method.clone(),
            ..ThriftCall::default()
        };
        call.request().ok()
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
        outcome::class_of(native)
    }
}
