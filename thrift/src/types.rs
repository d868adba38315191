//! The names of things on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name that errors and metrics use.
pub const NAME: &str = "thrift";
/// The longest frame, its length word aside, that Thrift libraries take by default (`TConfiguration`), in bytes.
pub const MAX_FRAME: usize = 16_384_000;
/// No library takes a frame of this length: the two high bits tell lengths from versions (HeaderFormat.md).
pub const FRAME_CEILING: u32 = 0x4000_0000;
/// How deep structs and containers may nest, the outermost struct included: `TConfiguration`'s recursion limit.
pub const MAX_DEPTH: usize = 64;

/// Where a message ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A length in front.
    #[default]
    Framed,
    /// Nothing: the message's struct tells.
    Buffered,
    /// THeader.
    Header,
    /// Kitex's TTHeader.
    TtHeader,
}

/// How a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Strict binary: a version in front.
    #[default]
    Binary,
    /// Compact.
    Compact,
    /// Binary without the version, as the oldest clients write it.
    BinaryNonStrict,
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// Where a message ends.
    pub transport: Transport,
    /// How it is written.
    pub protocol: Protocol,
}

/// What a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// A request that is answered.
    #[default]
    Call = 1,
    /// An answer: a value or a declared exception.
    Reply = 2,
    /// An answer: a `TApplicationException`.
    Exception = 3,
    /// A request that is never answered.
    OneWay = 4,
}

impl MessageType {
    /// The type of this number.
    pub const fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Call,
            2 => Self::Reply,
            3 => Self::Exception,
            4 => Self::OneWay,
            _ => return None,
        })
    }

    /// True for what a client sends.
    pub const fn is_request(self) -> bool {
        matches!(self, Self::Call | Self::OneWay)
    }
}

/// Types of `TApplicationException`. Some libraries know more than these.
pub mod exception {
    /// An error of no particular kind.
    pub const UNKNOWN: i32 = 0;
    /// The service has no such method.
    pub const UNKNOWN_METHOD: i32 = 1;
    /// A request that is none.
    pub const INVALID_MESSAGE_TYPE: i32 = 2;
    /// The answer names another method.
    pub const WRONG_METHOD_NAME: i32 = 3;
    /// The answer has another seqid.
    pub const BAD_SEQUENCE_ID: i32 = 4;
    /// The answer holds neither a value nor an exception.
    pub const MISSING_RESULT: i32 = 5;
    /// The server failed.
    pub const INTERNAL_ERROR: i32 = 6;
    /// The request cannot be read.
    pub const PROTOCOL_ERROR: i32 = 7;
    /// A transform that the receiver does not know.
    pub const INVALID_TRANSFORM: i32 = 8;
    /// A protocol that the receiver does not know.
    pub const INVALID_PROTOCOL: i32 = 9;
    /// A dialect that the receiver does not take.
    pub const UNSUPPORTED_CLIENT_TYPE: i32 = 10;

    /// The names that configurations use, those of Thrift's libraries, with the types as
    /// [`Outcome::native`](wireloom_codecs::Outcome) has them.
    pub const NAMES: [(&str, u32); 11] = [
        ("UNKNOWN", UNKNOWN.cast_unsigned()),
        ("UNKNOWN_METHOD", UNKNOWN_METHOD.cast_unsigned()),
        ("INVALID_MESSAGE_TYPE", INVALID_MESSAGE_TYPE.cast_unsigned()),
        ("WRONG_METHOD_NAME", WRONG_METHOD_NAME.cast_unsigned()),
        ("BAD_SEQUENCE_ID", BAD_SEQUENCE_ID.cast_unsigned()),
        ("MISSING_RESULT", MISSING_RESULT.cast_unsigned()),
        ("INTERNAL_ERROR", INTERNAL_ERROR.cast_unsigned()),
        ("PROTOCOL_ERROR", PROTOCOL_ERROR.cast_unsigned()),
        ("INVALID_TRANSFORM", INVALID_TRANSFORM.cast_unsigned()),
        ("INVALID_PROTOCOL", INVALID_PROTOCOL.cast_unsigned()),
        (
            "UNSUPPORTED_CLIENT_TYPE",
            UNSUPPORTED_CLIENT_TYPE.cast_unsigned(),
        ),
    ];

    /// The type of this name; None for an unknown name.
    pub fn named(name: &str) -> Option<u32> {
        let (_, number) = NAMES.iter().find(|(known, _)| *known == name)?;
        Some(*number)
    }
}
