//! Frames to values.

use std::ops::Range;

use bytes::Bytes;
use wireloom_codecs::{
    Body, ErrorKind, Fault, Inbound, Kind, LocalError, Origin, ProtocolId, Request, RequestHead,
    Response, ResponseHead, Role, Str, StreamId, Wire,
};

use super::{ID, MAGIC, NAME, SERVICE, VERSION};
use crate::head::{self, word};
use crate::outcome;
use crate::types::{MessageType, Protocol};
use crate::walk::Walker;

/// How long the frame is that begins here, its length included.
pub(crate) fn length(src: &[u8]) -> Option<usize> {
    word(src, 0).map(|length| length as usize + 4)
}

/// What precedes a message's struct.
struct Head {
    service: Range<usize>,
    id: Range<usize>,
    kind: MessageType,
    method: Range<usize>,
    body: usize,
}

impl Head {
    /// None where it breaks off or is not what it should be.
    fn read(frame: &[u8], longest: usize) -> Option<Self> {
        let &[_, _, _, _, a, b, _, _, _, _, high, low, VERSION] = frame.first_chunk::<SERVICE>()?
        else {
            return None;
        };
        let message = 4 + usize::from(u16::from_be_bytes([high, low]));
        let id = message.checked_sub(ID)?..message;
        let name = SERVICE + 4;
        let service = name..name.checked_add(word(frame, SERVICE)? as usize)?;
        if [a, b] != MAGIC || service.end != id.start || service.len() > longest {
            return None;
        }
        let head = head::parse(Protocol::Binary, frame, message, longest);
        let head = head.ok().flatten()?;
        Some(Self {
            service,
            id,
            kind: MessageType::of(head.kind)?,
            method: head.name,
            body: head.body,
        })
    }

    fn id(&self, frame: &[u8]) -> Option<StreamId> {
        let bytes = frame.get(self.id.clone())?;
        Some(StreamId(u64::from_be_bytes(*bytes.first_chunk()?)))
    }
}

/// The event of a frame. What is wrong with one of which the id cannot be found has the id 0: nobody's.
pub(crate) fn event(frame: &Bytes, role: Role, longest: usize) -> Inbound {
    let Some(head) = Head::read(frame, longest) else {
        return unreadable(role, ErrorKind::Malformed);
    };
    let id = head.id(frame).unwrap_or_default();
    let mut walker = Walker::new(Protocol::Binary, head.body);
    let is_whole = matches!(walker.walk(frame, frame.len()), Ok(Some(end)) if end == frame.len());
    if !is_whole || head.kind.is_request() != (role == Role::Downstream) {
        return fault(&head, frame, role, ErrorKind::Malformed);
    }
    let wire = wire(&head, frame);
    let body = Body::Whole(frame.slice(head.id.end..));
    if role == Role::Upstream {
        let message = frame.get(head.body..).unwrap_or_default();
        let head = ResponseHead {
            outcome: outcome::of(head.kind, Protocol::Binary, message),
            wire,
            ..ResponseHead::default()
        };
        return Inbound::Response(id, Response::new(head, body));
    }
    let text = |range: &Range<usize>| Str::from_utf8_lossy(frame.slice(range.clone()));
    let mut request = RequestHead::new(ProtocolId(NAME), text(&head.service), text(&head.method));
    request.kind = kind(&head);
    request.wire = wire;
    Inbound::Request(id, Request::new(request, body))
}

/// What becomes of a frame over the limit, of which this is the start.
pub(crate) fn too_large(start: &[u8], role: Role, longest: usize) -> Inbound {
    match Head::read(start, longest) {
        Some(head) => fault(&head, start, role, ErrorKind::TooLarge),
        None => unreadable(role, ErrorKind::TooLarge),
    }
}

/// What stands before the id; the id itself comes with the encoding, and the rest is the body.
fn wire(head: &Head, frame: &Bytes) -> Wire {
    Wire {
        image: frame.slice(4..head.id.start),
        ..Wire::default()
    }
}

fn kind(head: &Head) -> Kind {
    match head.kind {
        MessageType::OneWay => Kind::OneWay,
        _ => Kind::Unary,
    }
}

fn fault(head: &Head, frame: &[u8], role: Role, error: ErrorKind) -> Inbound {
    let method = frame.get(head.method.clone()).unwrap_or_default();
    let origin = Origin {
        kind: kind(head),
        method: Str::from_utf8_lossy(Bytes::copy_from_slice(method)),
        ..Origin::default()
    };
    refusal(head.id(frame).unwrap_or_default(), origin, role, error)
}

fn unreadable(role: Role, error: ErrorKind) -> Inbound {
    refusal(StreamId(0), Origin::default(), role, error)
}

fn refusal(id: StreamId, origin: Origin, role: Role, error: ErrorKind) -> Inbound {
    let what = match error {
        ErrorKind::TooLarge => "the frame exceeds the limit",
        _ => "the frame holds no message of this protocol",
    };
    let fault = Fault {
        origin,
        error: LocalError::new(error, what),
        is_request: role == Role::Downstream,
    };
    Inbound::Fault(id, fault)
}
