//! Status codes: what they mean, and which one stands for what (gRPC's status code and HTTP mapping documents).

use std::fmt::Write;

use wireloom_codecs::{Class, ErrorKind, Headers, Outcome};

use super::GRPC_STATUS;

/// OK.
pub const OK: u32 = 0;
/// UNKNOWN.
pub const UNKNOWN: u32 = 2;
const DEADLINE_EXCEEDED: u32 = 4;
const PERMISSION_DENIED: u32 = 7;
const RESOURCE_EXHAUSTED: u32 = 8;
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;
const DATA_LOSS: u32 = 15;
const UNAUTHENTICATED: u32 = 16;

/// The names of all but OK.
pub const NAMES: [(&str, u32); 16] = [
    ("CANCELLED", 1),
    ("UNKNOWN", UNKNOWN),
    ("INVALID_ARGUMENT", 3),
    ("DEADLINE_EXCEEDED", DEADLINE_EXCEEDED),
    ("NOT_FOUND", 5),
    ("ALREADY_EXISTS", 6),
    ("PERMISSION_DENIED", PERMISSION_DENIED),
    ("RESOURCE_EXHAUSTED", RESOURCE_EXHAUSTED),
    ("FAILED_PRECONDITION", 9),
    ("ABORTED", 10),
    ("OUT_OF_RANGE", 11),
    ("UNIMPLEMENTED", UNIMPLEMENTED),
    ("INTERNAL", INTERNAL),
    ("UNAVAILABLE", UNAVAILABLE),
    ("DATA_LOSS", DATA_LOSS),
    ("UNAUTHENTICATED", UNAUTHENTICATED),
];

/// The status in a trailers-only head or in trailers; None if there is none. One that is no number is UNKNOWN.
pub fn status_of(fields: &Headers) -> Option<u32> {
    let value = fields.get(&GRPC_STATUS)?;
    let digits = std::str::from_utf8(value).ok();
    Some(
        digits
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(UNKNOWN),
    )
}

/// A status with what it means to policy.
pub fn outcome(code: u32) -> Outcome {
    let class = match code {
        OK => Class::Success,
        DEADLINE_EXCEEDED => Class::Timeout,
        RESOURCE_EXHAUSTED => Class::Overloaded,
        UNAVAILABLE => Class::Unavailable,
        UNKNOWN | INTERNAL | DATA_LOSS => Class::ServerError,
        1 | 3 | 5..=7 | 9..=12 | UNAUTHENTICATED => Class::ClientError,
        _ => Class::ServerError,
    };
    Outcome::new(class, code)
}

/// What a client makes of a response whose HTTP status is not 200 and that has no gRPC status.
pub fn code_of_http(status: u16) -> u32 {
    match status {
        400 | 431 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// The status of a failure in the proxy.
pub fn code_of(kind: ErrorKind) -> u32 {
    match kind {
        ErrorKind::NoRoute | ErrorKind::Unsupported => UNIMPLEMENTED,
        ErrorKind::NoEndpoint
        | ErrorKind::ConnectFailure
        | ErrorKind::Reset
        | ErrorKind::Overloaded
        | ErrorKind::Draining => UNAVAILABLE,
        ErrorKind::Timeout => DEADLINE_EXCEEDED,
        ErrorKind::Malformed | ErrorKind::Internal => INTERNAL,
        ErrorKind::TooLarge | ErrorKind::RateLimited => RESOURCE_EXHAUSTED,
        ErrorKind::Denied => PERMISSION_DENIED,
    }
}

/// A text as `grpc-message` carries it: printable ASCII but `%` as it is, every other byte as `%XX`. So is `+`, which
/// Dubbo's Java client would take for a space.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (0x20..=0x7e).contains(&byte) && byte != b'%' && byte != b'+' {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_percent_encoded() {
        // As grpcio encodes it.
        assert_eq!(percent_encoded("busy 100% 中"), "busy 100%25 %E4%B8%AD");
        assert_eq!(percent_encoded("1+1"), "1%2B1");
    }

    #[test]
    fn every_failure_has_a_status_of_its_own_class_or_near() {
        for kind in ErrorKind::ALL {
            assert_ne!(outcome(code_of(kind)).class, Class::Success, "{kind}");
        }
    }
}
