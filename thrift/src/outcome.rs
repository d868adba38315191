//! What an answer means to policy, from its first bytes.

use wireloom_codecs::{Class, Outcome};

use crate::head::word;
use crate::types::{MessageType, Protocol, exception};
use crate::varint;

/// The native code of a REPLY with a value, or without any. No exception has it: their types are not negative.
pub const REPLY: u32 = 1 << 31;
/// The native code of a REPLY with an exception that the method declares.
pub const DECLARED_EXCEPTION: u32 = REPLY + 1;

/// The outcome of an answer whose struct is `body`, or starts with it. The native code is a
/// `TApplicationException`'s type, [`REPLY`] or [`DECLARED_EXCEPTION`].
pub(crate) fn of(kind: MessageType, protocol: Protocol, body: &[u8]) -> Outcome {
    match kind {
        MessageType::Exception => {
            // A negative type means nothing to anybody.
            let native = exception_type(protocol, body).and_then(|of| u32::try_from(of).ok());
            let native = native.unwrap_or(exception::UNKNOWN.cast_unsigned());
            Outcome::new(class_of(native), native)
        }
        _ if is_declared_exception(protocol, body) => {
            Outcome::new(Class::AppError, DECLARED_EXCEPTION)
        }
        _ => Outcome::new(Class::Success, REPLY),
    }
}

/// The class of a native code.
pub(crate) const fn class_of(native: u32) -> Class {
    const UNKNOWN_METHOD: u32 = exception::UNKNOWN_METHOD.cast_unsigned();
    match native {
        UNKNOWN_METHOD => Class::Refused,
        REPLY => Class::Success,
        DECLARED_EXCEPTION => Class::AppError,
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
