//! What an answer means to policy, from its first bytes.

use wireloom_codecs::{Class, Outcome};

use crate::head::word;
use crate::types::{MessageType, Protocol, exception};
use crate::varint;

/// The outcome of an answer whose struct is `body`, or starts with it. The native code is a `TApplicationException`'s type.
pub(crate) fn of(kind: MessageType, protocol: Protocol, body: &[u8]) -> Outcome {
    match kind {
        MessageType::Exception => {
            let native = exception_type(protocol, body).unwrap_or(exception::UNKNOWN);
            let native = native.cast_unsigned();
            Outcome::new(class_of(native), native)
        }
        _ if is_declared_exception(protocol, body) => Outcome::new(Class::AppError, 0),
        _ => Outcome::new(Class::Success, 0),
    }
}

/// The class of a `TApplicationException`'s type.
pub(crate) const fn class_of(native: u32) -> Class {
    match native.cast_signed() {
        exception::UNKNOWN_METHOD => Class::Refused,
        _ => Class::ServerError,
    }
}

/// Field 0 is the value; the others are the exceptions that the method declares. A method without a value answers with none.
fn is_declared_exception(protocol: Protocol, body: &[u8]) -> bool {
    match (protocol, body) {
        (_, [] | [0, ..]) => false,
        (Protocol::Compact, [first, ..]) if first >> 4 != 0 => true,
        (Protocol::Compact, _) => matches!(varint::read(body, 1), Ok(Some((id, _))) if id != 0),
        (_, [_, high, low, ..]) => (*high, *low) != (0, 0),
        _ => false,
    }
}

/// Field 2, an i32, which comes after field 1, a string.
fn exception_type(protocol: Protocol, body: &[u8]) -> Option<i32> {
    let compact = protocol == Protocol::Compact;
    let (mut at, mut id) = (0usize, 0i32);
    // There are two; a few more do no harm.
    for _ in 0..8 {
        let first = *body.get(at)?;
        let of = if compact {
            at += 1;
            match first >> 4 {
                0 => {
                    let (coded, width) = varint::read(body, at).ok()??;
                    at += width;
                    id = varint::unzigzag(coded);
                }
                delta => id += i32::from(delta),
            }
            first & 0x0f
        } else {
            let &[high, low] = body.get(at + 1..)?.first_chunk()?;
            id = i16::from_be_bytes([high, low]).into();
            at += 3;
            first
        };
        let (value, width) = match (compact, of) {
            (true, 5 | 8) => varint::read(body, at).ok()??,
            (false, 8 | 11) => (word(body, at)?, 4),
            _ => return None,
        };
        at += width;
        match (of, id) {
            (5, 2) => return Some(varint::unzigzag(value)),
            (8, 2) if !compact => return Some(value.cast_signed()),
            (8, _) if compact => at = at.checked_add(value as usize)?,
            (11, _) => at = at.checked_add(value as usize)?,
            _ => {}
        }
    }
    None
}
