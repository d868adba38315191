//! The failures that requests can be given.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU16;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wireloom_codecs::http::{GRPC, HTTP1, HTTP2, TRIPLE};
use wireloom_codecs::{ErrorKind, LocalError, ProtocolId};

/// A failure of the proxy, by the name that metrics have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(pub ErrorKind);

impl Kind {
    /// The kind of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut kinds = ErrorKind::ALL.into_iter();
        kinds.find(|kind| kind.as_str() == name).map(Self)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let names = ErrorKind::ALL.map(|kind| format!("`{kind}`")).join(", ");
            // As serde says it of variants that it knows by itself.
            de::Error::custom(format_args!(
                "unknown variant `{name}`, expected one of {names}"
            ))
        })
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "FaultError".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = ErrorKind::ALL.map(ErrorKind::as_str);
        json_schema!({"type": "string", "enum": names})
    }
}

/// The names of gRPC's statuses (gRPC, "Status codes"); the first is 1.
const NAMES: [&str; 16] = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// A status of gRPC other than OK: `UNAVAILABLE`, or 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcStatus(u16);

impl GrpcStatus {
    fn of(number: u64) -> Option<Self> {
        let number = u16::try_from(number).ok()?;
        (1..=16).contains(&number).then_some(Self(number))
    }

    /// The kind of failure whose status is nearest.
    fn kind(self) -> ErrorKind {
        match self.0 {
            4 => ErrorKind::Timeout,
            7 | 16 => ErrorKind::Denied,
            8 => ErrorKind::RateLimited,
            12 => ErrorKind::Unsupported,
            14 => ErrorKind::NoEndpoint,
            3 | 5 | 6 | 9 | 11 => ErrorKind::Malformed,
            _ => ErrorKind::Internal,
        }
    }
}

impl Serialize for GrpcStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = usize::from(self.0).checked_sub(1);
        let name = place.and_then(|place| NAMES.get(place));
        serializer.serialize_str(name.copied().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for GrpcStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = GrpcStatus;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status of gRPC, like UNAVAILABLE, or its number, from 1 to 16")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<GrpcStatus, E> {
                let status = GrpcStatus::of(number);
                status.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<GrpcStatus, E> {
                let place = NAMES.iter().position(|known| *known == name);
                let status = place.and_then(|place| GrpcStatus::of(place as u64 + 1));
                status.ok_or_else(|| E::unknown_variant(name, &NAMES))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for GrpcStatus {
    fn schema_name() -> Cow<'static, str> {
        "GrpcStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string", "enum": NAMES},
            {"type": "integer", "minimum": 1, "maximum": 16}
        ]})
    }
}

/// How requests fail: an error of the proxy, which HTTP and gRPC may tell by a status of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    http: Option<NonZeroU16>,
    grpc: Option<NonZeroU16>,
}

impl Failure {
    /// None if nothing says how.
    pub(super) fn new(
        error: Option<Kind>,
        http: Option<u16>,
        grpc: Option<GrpcStatus>,
    ) -> Option<Self> {
        let nearest = || match (http, grpc) {
            (Some(status), _) => Some(of_http(status)),
            (None, grpc) => grpc.map(GrpcStatus::kind),
        };
        Some(Self {
            kind: error.map(|kind| kind.0).or_else(nearest)?,
            http: http.and_then(NonZeroU16::new),
            grpc: grpc.and_then(|status| NonZeroU16::new(status.0)),
        })
    }

    /// What a header field asks for.
    pub(super) fn asked(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?.trim();
        let status = || {
            text.parse()
                .ok()
                .filter(|status| (400..=599).contains(status))
        };
        match Kind::named(text) {
            Some(kind) => Self::new(Some(kind), None, None),
            None => Self::new(None, Some(status()?), None),
        }
    }

    /// The error that a client of this protocol is answered with.
    pub(super) fn error(self, protocol: ProtocolId) -> LocalError {
        let error = LocalError::new(self.kind, "a fault that the configuration asks for");
        let status = match protocol {
            HTTP1 | HTTP2 => self.http,
            GRPC | TRIPLE => self.grpc,
            _ => None,
        };
        match status {
            Some(status) => error.with_status(status),
            None => error,
        }
    }
}

/// The kind of failure that is nearest to an HTTP status.
fn of_http(status: u16) -> ErrorKind {
    match status {
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::NoRoute,
        408 | 504 => ErrorKind::Timeout,
        413 | 431 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited,
        501 => ErrorKind::Unsupported,
        502 => ErrorKind::Reset,
        503 => ErrorKind::Overloaded,
        400..=499 => ErrorKind::Malformed,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: de::DeserializeOwned>(json: &str) -> Result<T, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_status_is_a_name_or_a_number() {
        assert_eq!(
            read::<GrpcStatus>("14"),
            read::<GrpcStatus>(r#""UNAVAILABLE""#)
        );
        let status = read::<GrpcStatus>("16").unwrap();
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            r#""UNAUTHENTICATED""#
        );
        for bad in ["0", "17", r#""OK""#, r#""unavailable""#, "-1", "true"] {
            assert!(read::<GrpcStatus>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_is_one_of_those_that_there_are() {
        assert_eq!(
            read::<Kind>(r#""rate_limited""#).unwrap().0,
            ErrorKind::RateLimited
        );
        assert!(
            read::<Kind>(r#""gone""#)
                .unwrap_err()
                .contains("`no_route`")
        );
    }

    #[test]
    fn each_protocol_has_its_own_status() {
        let failure = Failure::new(None, Some(507), Some(GrpcStatus(9))).unwrap();
        let status = |protocol| failure.error(protocol).status.map(NonZeroU16::get);
        assert_eq!([status(HTTP1), status(HTTP2)], [Some(507); 2]);
        assert_eq!([status(GRPC), status(TRIPLE)], [Some(9); 2]);
        assert_eq!(status(ProtocolId("dubbo")), None);
        assert_eq!(failure.kind, ErrorKind::Internal);
        let failure = Failure::new(None, None, Some(GrpcStatus(4))).unwrap();
        assert_eq!(failure.kind, ErrorKind::Timeout);
        assert_eq!(failure.error(HTTP1).status, None);
        assert_eq!(Failure::new(None, None, None), None);
    }

    #[test]
    fn a_header_asks_by_name_or_status() {
        let asked = |text: &str| Failure::asked(text.as_bytes()).map(|failure| failure.kind);
        assert_eq!(asked("overloaded"), Some(ErrorKind::Overloaded));
        assert_eq!(asked(" 404 "), Some(ErrorKind::NoRoute));
        for bad in ["", "200", "399", "600", "Overloaded", "503.0", "\u{fe}"] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }
}
