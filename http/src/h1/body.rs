//! Bodies, as they come.

use bytes::BytesMut;

use crate::h1::chunked::{Chunked, Piece};
use crate::h1::refusal::Refusal;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// There is none.
    None,
    /// After so many bytes; at least one.
    Known(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// Takes a body out of what was read.
#[derive(Debug)]
pub(crate) enum BodyDecoder {
    /// So many bytes are left.
    Known(u64),
    Chunked(Chunked),
    UntilClose,
}

impl BodyDecoder {
    pub(crate) const fn new(length: Length) -> Self {
        match length {
            Length::None => Self::Known(0),
            Length::Known(length) => Self::Known(length),
            Length::Chunked => Self::Chunked(Chunked::new()),
            Length::UntilClose => Self::UntilClose,
        }
    }

    /// The next piece of `buffer`; None if it takes more bytes.
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Piece>, Refusal> {
        let left = match self {
            Self::Known(0) => return Ok(Some(Piece::End)),
            Self::Known(left) => usize::try_from(*left).unwrap_or(usize::MAX),
            Self::Chunked(chunked) => return chunked.decode(buffer),
            Self::UntilClose => usize::MAX,
        };
        if buffer.is_empty() {
            return Ok(None);
        }
        let data = buffer.split_to(left.min(buffer.len())).freeze();
        if let Self::Known(left) = self {
            *left -= data.len() as u64;
        }
        Ok(Some(Piece::Data(data)))
    }

    /// True once nothing more comes: the end is told without another byte.
    pub(crate) const fn ended(&self) -> bool {
        match self {
            Self::Known(left) => *left == 0,
            Self::Chunked(chunked) => chunked.ended(),
            Self::UntilClose => false,
        }
    }

    /// True if the end of the connection is the end of the body.
    pub(crate) const fn ends_with_connection(&self) -> bool {
        matches!(self, Self::UntilClose)
    }

    /// How much is to come at least.
    pub(crate) const fn left(&self) -> u64 {
        match self {
            Self::Known(left) => *left,
            Self::Chunked(_) | Self::UntilClose => 0,
        }
    }
}
