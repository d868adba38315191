//! A message's payload: nothing, a finished value, or parts that come one by one.

use bytes::{Bytes, BytesMut};

use crate::{ErrorKind, Headers, LocalError};

mod stream;
mod window;

pub use stream::{BodyEnd, Pull, Stream, Watch};
pub use window::{Abandoned, StreamSender, stream};

/// A payload. Only [`Body::Stream`] costs anything.
#[derive(Debug, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// All of it.
    Whole(Bytes),
    /// It comes in parts.
    Stream(Stream),
}

impl Body {
    /// A second copy that shares the bytes; None if it is streamed.
    pub fn try_clone(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Whole(bytes) => Some(Self::Whole(bytes.clone())),
            Self::Stream(_) => None,
        }
    }

    /// The bytes, if they are all here.
    pub fn whole(&self) -> Option<&[u8]> {
        match self {
            Self::Empty => Some(&[]),
            Self::Whole(bytes) => Some(bytes),
            Self::Stream(_) => None,
        }
    }

    /// Waits for all of it, up to `cap` bytes, and gives the trailers too. Free if it is whole.
    pub async fn collect(self, cap: usize) -> Result<(Bytes, Headers), LocalError> {
        let too_large = || LocalError::new(ErrorKind::TooLarge, format!("body over {cap} bytes"));
        let mut stream = match self {
            Self::Empty => return Ok((Bytes::new(), Headers::new())),
            Self::Whole(bytes) if bytes.len() > cap => return Err(too_large()),
            Self::Whole(bytes) => return Ok((bytes, Headers::new())),
            Self::Stream(stream) => stream,
        };
        let mut all = BytesMut::new();
        let mut trailers = Headers::new();
        while let Some(part) = stream.next().await {
            match part? {
                Part::Data(data) if all.len() + data.len() > cap => return Err(too_large()),
                Part::Data(data) => all.extend_from_slice(&data),
                Part::Trailers(fields) => trailers = fields,
            }
        }
        Ok((all.freeze(), trailers))
    }
}

/// A piece of a streamed body.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// Payload.
    Data(Bytes),
    /// The fields after it; always the last part.
    Trailers(Headers),
}

#[cfg(test)]
mod tests;
