//! Cutting frames out of the byte stream.

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Body, ConnError, Control, ErrorKind, Fault, Inbound, Kind, LocalError, Origin, Refused,
    Request, RequestHead, Response, ResponseHead, StreamId, Wire,
};

use crate::codec::DubboCodec;
use crate::invocation::{self, Invocation};
use crate::types::{HEAD, Head, MAGIC};
use crate::{PROTOCOL, control, result};

/// The longest body over the limit that is read and thrown away, so that the connection survives it.
const DISCARD_MAX: u32 = 64 << 20;

/// What the next bytes are.
#[derive(Debug, Default)]
pub(crate) enum State {
    /// A frame.
    #[default]
    Frame,
    /// The rest of a frame that was refused.
    Refused(Refused),
    /// Nothing that could be told.
    Lost(&'static str),
}

impl Decoder for DubboCodec {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        match std::mem::take(&mut self.state) {
            State::Frame => {}
            State::Refused(refused) => return Ok(self.discard(refused, src)),
            State::Lost(what) => {
                self.state = State::Lost(what);
                return Err(ConnError::protocol(PROTOCOL, what));
            }
        }
        if let Some(wrong) = src.iter().zip(MAGIC).find(|(byte, magic)| **byte != *magic) {
            // Java scans for the next magic; what lies between would have been read in two ways.
            let what = format!("0x{:02x} where a frame should start", wrong.0);
            return Err(ConnError::protocol(PROTOCOL, what));
        }
        let Some(head) = Head::parse(src) else {
            return Ok(None);
        };
        let size = usize::try_from(head.length)
            .ok()
            .and_then(|length| length.checked_add(HEAD))
            .filter(|size| head.length <= i32::MAX.unsigned_abs() && *size <= self.limits.frame);
        let Some(size) = size else {
            return Ok(self.refuse(head, src));
        };
        if src.len() < size {
            return Ok(None);
        }
        src.advance(HEAD);
        let body = src.split_to(size - HEAD).freeze();
        Ok(Some(self.frame(head, body)))
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        match self.decode(src)? {
            Some(inbound) => Ok(Some(inbound)),
            None if src.is_empty() && matches!(self.state, State::Frame) => Ok(None),
            None => Err(ConnError::Truncated(src.len())),
        }
    }
}

impl DubboCodec {
    /// The size in all of a frame whose head is there.
    pub(crate) fn frame_under_way(&self, buffered: &[u8]) -> Option<usize> {
        let head = Head::parse(buffered).filter(|_| matches!(self.state, State::Frame))?;
        let length = usize::try_from(head.length).ok()?;
        length
            .checked_add(HEAD)
            .filter(|size| *size <= self.limits.frame)
    }

    fn frame(&self, head: Head, body: Bytes) -> Inbound {
        let id = StreamId(head.id);
        match (head.is_request(), head.is_event()) {
            (true, true) => Inbound::Control(control::event(head, body)),
            // Java sets the bit on answers to heartbeats only.
            (false, true) => Inbound::Control(Control::Pong(id)),
            (true, false) => self.request(head, body),
            (false, false) => {
                let head = ResponseHead {
                    outcome: result::outcome(head, &body),
                    wire: wire(head),
                    ..ResponseHead::default()
                };
                Inbound::Response(id, Response::new(head, Body::Whole(body)))
            }
        }
    }

    fn request(&self, head: Head, body: Bytes) -> Inbound {
        match invocation::read(head.serialization(), &body, &self.wants) {
            Ok(Invocation {
                service,
                method,
                fields,
                timeout,
            }) => {
                let request = RequestHead {
                    protocol: wireloom_codecs::ProtocolId(PROTOCOL),
                    kind: kind(head),
                    service,
                    method,
                    fields,
                    timeout,
                    wire: wire(head),
                    http: None,
                };
                Inbound::Request(StreamId(head.id), Request::new(request, Body::Whole(body)))
            }
            Err(error) => fault(head, error),
        }
    }

    /// Refuses a frame by its length alone.
    fn refuse(&mut self, head: Head, src: &mut BytesMut) -> Option<Inbound> {
        if head.length > i32::MAX.unsigned_abs() {
            src.advance(HEAD);
            self.state = State::Lost("a negative body length");
            let detail = "the body length is negative";
            return Some(fault(head, LocalError::new(ErrorKind::Malformed, detail)));
        }
        let limit = self.limits.frame.saturating_sub(HEAD);
        let detail = format!("{} bytes, the limit is {limit}", head.length);
        let fault = fault(head, LocalError::new(ErrorKind::TooLarge, detail));
        if head.length > DISCARD_MAX {
            src.advance(HEAD);
            self.state = State::Lost("a body length far beyond the limit");
            return Some(fault);
        }
        let frame = HEAD as u64 + u64::from(head.length);
        self.discard(Refused::new(frame, fault), src)
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

fn wire(head: Head) -> Wire {
    Wire {
        fixed: head.to_fixed(),
        image: Bytes::new(),
    }
}

/// Whether somebody waits for an answer. Events are none of the exchanges that errors are for.
fn kind(head: Head) -> Kind {
    match head.is_request() && (head.is_event() || !head.is_two_way()) {
        true => Kind::OneWay,
        false => Kind::Unary,
    }
}

fn fault(head: Head, error: LocalError) -> Inbound {
    let origin = Origin {
        kind: kind(head),
        fixed: head.to_fixed(),
        ..Origin::default()
    };
    let fault = Fault {
        origin,
        error,
        is_request: head.is_request(),
    };
    Inbound::Fault(StreamId(head.id), fault)
}
