//! The codec itself: what of it is per connection, and the trait.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Argument, ArgumentPath, Class, Codec, ConnError, ErrorKind, FrameLimits, Inbound, Kind,
    LocalError, Mode, Needs, Origin, Outbound, ProtocolId, Request, Response, Role, Sniff, Str,
    StreamId, WriteBuf,
};

use crate::decode::{self, Checked, Context, Opened, lost, malformed};
use crate::fixed::Fixed;
use crate::head::word;
use crate::infos::Seen;
use crate::types::{Dialect, FRAME_CEILING, NAME, Transport};
use crate::walk::{Broken, Walker};
use crate::{ThriftSettings, argument, detect, encode, error_reply, outcome, sniff};

/// Thrift on one connection, in one dialect.
///
/// Downstream the dialect is the settings' or the first message's. Upstream it is that of the request under way, since a
/// server answers in the dialect it was asked in; the settings' dialect is not looked at.
#[derive(Debug)]
pub struct ThriftCodec {
    settings: Arc<ThriftSettings>,
    default_service: Str,
    role: Role,
    limits: FrameLimits,
    needs: Needs,
    state: State,
    dialect: Option<Dialect>,
    /// Unframed: the message whose end is not found yet.
    under_way: Option<Box<(Opened, Walker)>>,
    exchange: Exchange,
    /// Downstream, behind THeader and TTHeader: the two seqids of each request that is not answered, which may differ.
    asked: VecDeque<(u32, u32)>,
}

/// Where in the byte stream the next byte lies.
#[derive(Clone, Copy, Debug)]
enum State {
    /// At the start of a message or within one that is not whole.
    Message,
    /// So many bytes before the end of a frame that was refused.
    Discard(u64),
    /// Nobody knows.
    Lost(&'static str),
}

/// The call under way upstream, of which a ping-pong connection has one.
#[derive(Debug)]
enum Exchange {
    None,
    /// What the answer must fit.
    Sent {
        id: u32,
        inner: u32,
        method: Str,
    },
}

/// Why a connection ends behind a message that was answered.
const UNKNOWN_END: &str = "nobody knows where the next message starts";
const POISONED: &str = "an answer of the server was unusable";

impl ThriftCodec {
    /// The next event of a message with a length in front.
    fn framed(
        &mut self,
        dialect: Dialect,
        src: &mut BytesMut,
    ) -> Result<Option<Inbound>, ConnError> {
        let Some(announced) = word(src, 0) else {
            return Ok(None);
        };
        if announced == 0 || announced >= FRAME_CEILING {
            return Err(lost("a frame length that is 0, negative or over 2^30"));
        }
        let len = announced as usize + 4;
        if len > self.longest() {
            return self.too_large(dialect, len, src);
        }
        let Some(frame) = src.get(..len) else {
            return Ok(None);
        };
        let mut opened = decode::open(dialect, frame, len, &self.limits)?
            .ok_or_else(|| lost("a message start that runs past its frame"))?;
        if let Some(error) = opened.fault.take() {
            return Ok(Some(self.refuse(&opened, len, error, None, src)));
        }
        match decode::check(&opened, frame) {
            Checked::Good => {}
            Checked::Bad(error) => {
                return Ok(Some(self.refuse(&opened, len, error, None, src)));
            }
            Checked::Trailing(error) => {
                let why = "bytes behind a message in its frame";
                return Ok(Some(self.refuse(&opened, len, error, Some(why), src)));
            }
        }
        match decode::pairs(&opened, frame, &self.context()) {
            Ok(seen) => Ok(Some(self.deliver(opened, &seen, len, src))),
            Err(error) => Ok(Some(self.refuse(&opened, len, error, None, src))),
        }
    }

    /// The longest frame with its length word. The two limits count differently, as those who set them do.
    fn longest(&self) -> usize {
        let own = self.settings.config.max_frame.0.saturating_add(4);
        own.min(self.limits.frame)
    }

    /// A frame over the limits is answered as soon as it is known what to answer.
    fn too_large(
        &mut self,
        dialect: Dialect,
        len: usize,
        src: &mut BytesMut,
    ) -> Result<Option<Inbound>, ConnError> {
        let frame = src.get(..len).unwrap_or(src);
        let opened = match decode::open(dialect, frame, len, &self.limits)? {
            Some(opened) => opened,
            None if src.len() >= len => {
                return Err(lost("a message start that runs past its frame"));
            }
            None => return Ok(None),
        };
        let what = format!("frame over {} bytes", self.longest().saturating_sub(4));
        let error = LocalError::new(ErrorKind::TooLarge, what);
        let lost = (len > self.settings.config.discard.0)
            .then_some("a frame is longer than anything that would be read to its end");
        Ok(Some(self.refuse(&opened, len, error, lost, src)))
    }

    /// The next event of a message that ends where its struct does.
    fn unframed(
        &mut self,
        dialect: Dialect,
        src: &mut BytesMut,
    ) -> Result<Option<Inbound>, ConnError> {
        let limit = self.limits.frame;
        let (mut opened, mut walker) = match self.under_way.take() {
            Some(under_way) => *under_way,
            None => match decode::open(dialect, src, limit, &self.limits)? {
                Some(opened) => {
                    let walker = Walker::new(dialect.protocol, opened.image.end);
                    (opened, walker)
                }
                None if src.len() >= limit => {
                    return Err(lost("a message start over the frame limit"));
                }
                None => return Ok(None),
            },
        };
        let error = match opened.fault.take() {
            Some(error) => error,
            None => match walker.walk(src, limit) {
                Ok(Some(len)) => {
                    return Ok(Some(self.deliver(opened, &Seen::default(), len, src)));
                }
                Ok(None) => {
                    // Boxed once per message that did not come in one piece.
                    self.under_way = Some(Box::new((opened, walker)));
                    return Ok(None);
                }
                Err(Broken::TooLong) => {
                    LocalError::new(ErrorKind::TooLarge, format!("message over {limit} bytes"))
                }
                Err(Broken::Malformed(what)) => malformed(what),
            },
        };
        let len = src.len();
        Ok(Some(self.refuse(
            &opened,
            len,
            error,
            Some(UNKNOWN_END),
            src,
        )))
    }

    fn context(&self) -> Context<'_> {
        Context {
            settings: &self.settings.config,
            default_service: &self.default_service,
            limits: &self.limits,
            needs: &self.needs,
        }
    }

    /// A message of `len` bytes that is as it should be.
    fn deliver(&mut self, opened: Opened, seen: &Seen, len: usize, src: &mut BytesMut) -> Inbound {
        let fixed = opened.fixed;
        if self.role == Role::Upstream
            && !fixed.kind.is_request()
            && let Some(error) = self.unfit(&opened, src)
        {
            return self.refuse(&opened, len, error, Some(POISONED), src);
        }
        let frame = src.split_to(len).freeze();
        let mut event = decode::event(opened, seen, frame, &self.context());
        match (&mut event, &self.exchange) {
            (Inbound::Response(id, _), Exchange::Sent { id: sent, .. }) => {
                *id = StreamId((*sent).into());
                self.exchange = Exchange::None;
            }
            (Inbound::Request(_, request), _) => self.ask(request.head.kind, fixed),
            _ => {}
        }
        event
    }

    /// A request that is to be answered, under both of its seqids.
    fn ask(&mut self, kind: Kind, fixed: Fixed) {
        let two = matches!(
            fixed.dialect.transport,
            Transport::Header | Transport::TtHeader
        );
        if two && kind != Kind::OneWay && self.role == Role::Downstream {
            self.asked.push_back((fixed.outer, fixed.inner));
        }
    }

    /// Why an answer is not the one to the call under way. With none under way, the driver knows what to do.
    fn unfit(&self, opened: &Opened, src: &[u8]) -> Option<LocalError> {
        let Exchange::Sent { id, inner, method } = &self.exchange else {
            return None;
        };
        let Fixed {
            outer, inner: own, ..
        } = opened.fixed;
        // Behind THeader a server may repeat either of the two.
        if outer != *id && own != *inner {
            let what = format!(
                "the answer has seqid {}, the call had {}",
                own.cast_signed(),
                inner.cast_signed()
            );
            return Some(LocalError::new(ErrorKind::Malformed, what));
        }
        if decode::method(opened, src) != method.as_bytes() {
            return Some(malformed("the answer names another method than the call"));
        }
        None
    }

    /// A message that is wrong. `len` is its frame's; what of it has not come yet is dropped when it comes.
    fn refuse(
        &mut self,
        opened: &Opened,
        len: usize,
        error: LocalError,
        lost: Option<&'static str>,
        src: &mut BytesMut,
    ) -> Inbound {
        let is_request = match self.role {
            // Also of a type that nobody knows.
            Role::Downstream => opened.fixed.kind.is_request(),
            Role::Upstream => false,
        };
        let mut event = decode::fault(opened, src, error, &self.context(), is_request);
        let mut lost = lost;
        match (&mut event, &self.exchange) {
            (Inbound::Fault(id, _), Exchange::Sent { id: sent, .. }) => {
                *id = StreamId((*sent).into());
                self.exchange = Exchange::None;
            }
            (Inbound::Fault(_, fault), _) if fault.is_request => {
                self.ask(fault.origin.kind, opened.fixed);
            }
            _ => {}
        }
        if self.role == Role::Upstream {
            // Nobody should send another call to a server that answers like this.
            lost = lost.or(Some(POISONED));
        }
        let here = len.min(src.len());
        self.state = match lost {
            Some(why) => State::Lost(why),
            None if here < len => State::Discard((len - here) as u64),
            None => State::Message,
        };
        // An event takes bytes. Where the connection ends one stays, so that the next call is not left out for want of any.
        src.advance(here - usize::from(lost.is_some()).min(here));
        event
    }

    fn write(
        &mut self,
        id: StreamId,
        request: &Request,
        dst: &mut WriteBuf,
    ) -> Result<(), ConnError> {
        let wire = &request.head.wire;
        let fixed = encode::head_of(wire)?;
        let outer = encode::wire_id(id)?;
        let inner = if outer == fixed.outer {
            fixed.inner
        } else {
            outer
        };
        if self.role == Role::Upstream {
            self.dialect = Some(fixed.dialect);
            self.exchange = match request.head.kind {
                Kind::OneWay => Exchange::None,
                _ => Exchange::Sent {
                    id: outer,
                    inner: if fixed.sealed { fixed.inner } else { inner },
                    method: request.head.method.clone(),
                },
            };
        }
        encode::message(&fixed, outer, inner, wire, &request.body, dst)
    }

    fn answer(
        &mut self,
        id: StreamId,
        response: &Response,
        dst: &mut WriteBuf,
    ) -> Result<(), ConnError> {
        let wire = &response.head.wire;
        let fixed = encode::head_of(wire)?;
        let outer = encode::wire_id(id)?;
        // Answers come in the order of their requests.
        let inner = match self.asked.pop_front() {
            Some((own, inner)) if own == outer => inner,
            _ if outer == fixed.outer => fixed.inner,
            _ => outer,
        };
        encode::message(&fixed, outer, inner, wire, &response.body, dst)
    }
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
            Some(dialect) => dialect,
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
    /// Seqids are often constant, and servers answer in order.
    const MODE: Mode = Mode::PingPong;
    const MAX_ID: u64 = i32::MAX as u64;
    type Settings = Arc<ThriftSettings>;

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
            exchange: Exchange::None,
            asked: VecDeque::new(),
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
            _ => None,
        }
    }

    fn mid_frame(&self) -> bool {
        matches!(self.state, State::Discard(_))
    }

    fn trace_fields() -> &'static [&'static str] {
        &["traceparent"]
    }

    fn argument<'a>(
        request: &'a Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'a>> {
        argument::find(request, path, budget)
    }

    fn classify(native: u32) -> Class {
        outcome::class_of(native)
    }
}
