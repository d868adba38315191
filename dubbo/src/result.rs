//! What a response's status and the first byte of its body mean to policy.

use wireloom_codecs::{Class, Outcome};
use wireloom_hessian::{Dialect, Reader};

use crate::types::{Head, serialization, status};

/// Result flags of a body of status 20. Source: apache/dubbo `DubboCodec.java`. Those with attachments are
/// written only if the request's protocol version is 2.0.2 to 2.0.99.
pub mod flag {
    /// An exception of the service.
    pub const EXCEPTION: i32 = 0;
    /// A value.
    pub const VALUE: i32 = 1;
    /// Null, or a method without a result; nothing follows.
    pub const NULL: i32 = 2;
    /// An exception, then attachments.
    pub const EXCEPTION_WITH_ATTACHMENTS: i32 = 3;
    /// A value, then attachments.
    pub const VALUE_WITH_ATTACHMENTS: i32 = 4;
    /// Null; attachments follow.
    pub const NULL_WITH_ATTACHMENTS: i32 = 5;
}

/// The outcome of a response. An exception of the service has status 20 and is told from a value by the body's
/// first byte, in the serializations that are understood here.
pub(crate) fn outcome(head: Head, body: &[u8]) -> Outcome {
    let class = match head.status {
        status::OK if is_exception(head.serialization(), body) => Class::AppError,
        code => class_of(code.into()),
    };
    Outcome::new(class, head.status.into())
}

/// What a status means, the body unseen.
pub(crate) fn class_of(native: u32) -> Class {
    match u8::try_from(native).unwrap_or_default() {
        status::OK => Class::Success,
        status::CLIENT_TIMEOUT | status::SERVER_TIMEOUT => Class::Timeout,
        status::CHANNEL_INACTIVE => Class::Unavailable,
        status::BAD_REQUEST => Class::ClientError,
        // The provider looked for the service and ran nothing.
        status::SERVICE_NOT_FOUND => Class::Refused,
        status::THREADPOOL_EXHAUSTED => Class::Overloaded,
        _ => Class::ServerError,
    }
}

fn is_exception(serialization: u8, body: &[u8]) -> bool {
    let flag = match (serialization, body) {
        // The one-byte form that every encoder writes.
        (serialization::HESSIAN2, [first @ 0x80..=0xbf, ..]) => i32::from(*first) - 0x90,
        (serialization::HESSIAN2, _) => match Reader::new(body, Dialect::Final).read_int() {
            Ok(flag) => flag,
            Err(_) => return false,
        },
        // A length of two, the tag of an i8, and the i8.
        (serialization::FASTJSON2, [0, 0, 0, 2, 0xbd, flag, ..]) => i32::from(*flag),
        _ => return false,
    };
    matches!(flag, flag::EXCEPTION | flag::EXCEPTION_WITH_ATTACHMENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u8, serialization: u8, body: &[u8]) -> Class {
        outcome(Head::response(serialization, status), body).class
    }

    #[test]
    fn exceptions_are_told_from_values() {
        for (body, expected) in [
            (&b"\x90C"[..], Class::AppError),
            (b"\x93C", Class::AppError),
            (b"\x91\x05hello", Class::Success),
            (b"\x92", Class::Success),
            (b"\x94\x05hello", Class::Success),
            (b"\xc8\x00C", Class::AppError),
            (b"I\x00\x00\x00\x03C", Class::AppError),
            (b"N", Class::Success),
            (b"", Class::Success),
        ] {
            assert_eq!(class(20, 2, body), expected, "{body:x?}");
        }
        assert_eq!(class(20, 23, b"\0\0\0\x02\xbd\x03\0\0"), Class::AppError);
        assert_eq!(class(20, 23, b"\0\0\0\x02\xbd\x04\0\0"), Class::Success);
        assert_eq!(class(20, 3, b"\x90"), Class::Success);
        assert_eq!(class(31, 2, b"\x90"), Class::Timeout);
    }

    #[test]
    fn statuses_are_classed() {
        for (status, expected) in [
            (20, Class::Success),
            (25, Class::ServerError),
            (30, Class::Timeout),
            (31, Class::Timeout),
            (35, Class::Unavailable),
            (40, Class::ClientError),
            (50, Class::ServerError),
            (60, Class::Refused),
            (70, Class::ServerError),
            (80, Class::ServerError),
            (90, Class::ServerError),
            (100, Class::Overloaded),
            (0, Class::ServerError),
            (276, Class::ServerError),
        ] {
            assert_eq!(class_of(status), expected, "{status}");
        }
    }
}
