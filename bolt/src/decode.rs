//! Frames to values.
//!
//! [`start`] reads the fixed head alone and says what to do with the frame; [`frame`] gets the frame when it is
//! whole. Nothing is copied: names, header block and content are slices of the frame.

use std::time::Duration;

use bytes::{Buf, Bytes};
use wireloom_codecs::{
    Body, Class, ErrorKind, Fault, Fields, FrameLimits, Inbound, Kind, LocalError, Needs, Origin,
    Outcome, ProtocolId, Request, RequestHead, Response, ResponseHead, Str, StreamId, Wire,
};

use crate::names;
use crate::types::{
    BadStart, Head, MAX_HEAD, MAX_SHORT, NAME, Type, VER2, Version, command, status,
};

/// What the fixed head at the start of the buffer says.
#[derive(Debug)]
pub(crate) enum Start {
    /// Too few bytes.
    More,
    /// A frame of `len` bytes, within the limits.
    Frame { head: Head, len: usize },
    /// A frame beyond the limits, whose end is known.
    TooLarge { head: Head, fault: LocalError },
    /// A frame whose end is not known, though it can be answered.
    Broken {
        head: Head,
        fault: LocalError,
        why: &'static str,
    },
    /// No frame.
    Lost(BadStart),
}

/// Judges the frame at the start of `src` by its fixed head.
pub(crate) fn start(src: &[u8], limits: &FrameLimits) -> Start {
    let head_len = match Head::len_at(src) {
        Ok(Some(len)) => len,
        Ok(None) => return Start::More,
        Err(error) => return Start::Lost(error),
    };
    let Some(head) = head_at(src, head_len) else {
        return Start::More;
    };
    let broken = |why| Start::Broken {
        head,
        fault: LocalError::new(ErrorKind::Malformed, why),
        why,
    };
    if head.content_len < 0 {
        return broken("the content length is negative");
    }
    if head.class_len > MAX_SHORT || head.header_len > MAX_SHORT {
        // Java reads a negative length here, others an unsigned one: they disagree where the frame ends.
        return broken("a class name or header block is longer than 32767 bytes");
    }
    if head.version == Version::V2 {
        if !matches!(head.ver1, 1 | 2) {
            return broken("ver1 is neither 1 nor 2, so it is unknown whether there is a CRC");
        }
        if head.switch > 0x7f {
            // A Java server would close the upstream connection, which others share.
            return broken("the switch byte is over 127, which Java refuses");
        }
    }
    let too_large = |fault: String| Start::TooLarge {
        head,
        fault: LocalError::new(ErrorKind::TooLarge, fault),
    };
    if usize::from(head.header_len) > limits.header {
        return too_large(format!("header block over {} bytes", limits.header));
    }
    match usize::try_from(head.frame_len()) {
        Ok(len) if len <= limits.frame => Start::Frame { head, len },
        _ => too_large(format!("frame over {} bytes", limits.frame)),
    }
}

/// The head of `len` bytes in front; None if they are not all there.
fn head_at(src: &[u8], len: usize) -> Option<Head> {
    if let Some(fixed) = src.first_chunk() {
        return Head::parse(fixed);
    }
    let mut fixed = [0; MAX_HEAD];
    fixed.get_mut(..len)?.copy_from_slice(src.get(..len)?);
    Head::parse(&fixed)
}

/// A frame that is refused, as an event.
pub(crate) fn fault(head: &Head, error: LocalError) -> Inbound {
    Inbound::Fault(
        StreamId(head.id.into()),
        Fault {
            origin: Origin {
                kind: kind(head),
                fixed: head.to_bytes(),
                method: Str::default(),
            },
            error,
            is_request: head.kind != Type::Response,
        },
    )
}

fn kind(head: &Head) -> Kind {
    match head.kind {
        Type::OneWay => Kind::OneWay,
        Type::Request | Type::Response => Kind::Unary,
    }
}

/// The event of a whole frame: exactly the `head.frame_len()` bytes of it.
pub(crate) fn frame(head: &Head, frame: Bytes, needs: &Needs, limits: &FrameLimits) -> Inbound {
    match whole(head, frame, needs, limits) {
        Ok(event) => event,
        Err(error) => fault(head, error),
    }
}

fn malformed(what: &'static str) -> LocalError {
    LocalError::new(ErrorKind::Malformed, what)
}

fn whole(
    head: &Head,
    mut frame: Bytes,
    needs: &Needs,
    limits: &FrameLimits,
) -> Result<Inbound, LocalError> {
    if head.has_crc() {
        let (covered, crc) = frame
            .split_last_chunk()
            .ok_or_else(|| malformed("no CRC"))?;
        if crc32fast::hash(covered) != u32::from_be_bytes(*crc) {
            return Err(malformed("the CRC is wrong"));
        }
        frame.truncate(covered.len());
    }
    if head.ver2 != VER2 {
        return Err(malformed("ver2 is not 1"));
    }
    let fixed = head.to_bytes();
    frame.advance(head.len().min(frame.len()));
    let image_len = usize::from(head.class_len) + usize::from(head.header_len);
    let image = frame.split_to(image_len.min(frame.len()));
    let wire = Wire { fixed, image };

    let id = StreamId(head.id.into());
    match (head.kind, head.command) {
        (Type::Request | Type::OneWay, command::REQUEST) => Ok(Inbound::Request(
            id,
            request(head, wire, frame, needs, limits)?,
        )),
        (Type::Response, command::RESPONSE) => Ok(Inbound::Response(
            id,
            response(head, wire, frame, needs, limits)?,
        )),
        _ => crate::control::control(head, || wire)
            .map(Inbound::Control)
            .ok_or_else(|| malformed("no such command for this type of frame")),
    }
}

fn body(content: Bytes) -> Body {
    if content.is_empty() {
        Body::Empty
    } else {
        Body::Whole(content)
    }
}

fn request(
    head: &Head,
    wire: Wire,
    content: Bytes,
    needs: &Needs,
    limits: &FrameLimits,
) -> Result<Request, LocalError> {
    let names = names::of_request(head, &wire.image, &content, needs, limits)?;
    let millis = head.timeout_or_status.cast_signed();
    let head = RequestHead {
        protocol: ProtocolId(NAME),
        kind: kind(head),
        service: names.service,
        method: names.method,
        fields: names.fields,
        timeout: u64::try_from(millis)
            .ok()
            .filter(|millis| *millis > 0)
            .map(Duration::from_millis),
        wire,
        http: None,
    };
    Ok(Request::new(head, body(content)))
}

fn response(
    head: &Head,
    wire: Wire,
    content: Bytes,
    needs: &Needs,
    limits: &FrameLimits,
) -> Result<Response, LocalError> {
    let status = head.status();
    let mut class = class_of(status);
    let mut fields = Fields::new();
    if head.header_len > 0 {
        let seen = names::of_response(head, &wire.image, needs, limits)?;
        if seen.is_error && status == status::SUCCESS {
            class = Class::AppError;
        }
        fields = seen.fields;
    }
    let head = ResponseHead {
        outcome: Outcome::new(class, status.into()),
        fields,
        wire,
        http: None,
    };
    Ok(Response::new(head, body(content)))
}

/// What a status means to policy.
pub(crate) const fn class_of(status: u16) -> Class {
    match status {
        status::SUCCESS => Class::Success,
        status::SERVER_THREADPOOL_BUSY => Class::Overloaded,
        status::NO_PROCESSOR => Class::Refused,
        status::TIMEOUT => Class::Timeout,
        status::CLIENT_SEND_ERROR | status::CONNECTION_CLOSED => Class::Unavailable,
        status::CODEC_EXCEPTION => Class::ClientError,
        _ => Class::ServerError,
    }
}
