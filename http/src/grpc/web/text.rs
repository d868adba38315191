//! The text form of a request: base64, perhaps in segments that are padded each by itself.

use std::task::{Context, Poll, ready};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use wireloom_codecs::{ErrorKind, LocalError, Part, Pull, Stream};

fn malformed() -> LocalError {
    LocalError::new(ErrorKind::Malformed, "the body is not base64")
}

/// Decodes groups of four characters; padding ends a segment and another may follow.
fn decode_groups(text: &[u8], to: &mut BytesMut) -> Result<(), LocalError> {
    let mut rest = text;
    while !rest.is_empty() {
        let padding = rest.iter().position(|byte| *byte == b'=');
        let end = padding.map_or(rest.len(), |at| (at / 4 + 1) * 4);
        let (segment, after) = rest.split_at_checked(end).ok_or_else(malformed)?;
        to.extend_from_slice(&STANDARD.decode(segment).map_err(|_| malformed())?);
        rest = after;
    }
    Ok(())
}

/// Decodes a body that is all there.
pub(super) fn decode_whole(text: &[u8]) -> Result<Bytes, LocalError> {
    let mut decoded = BytesMut::with_capacity(text.len() / 4 * 3);
    decode_groups(text, &mut decoded)?;
    Ok(decoded.freeze())
}

/// Decodes a body as it comes.
pub(super) struct Decoding {
    body: Stream,
    /// Up to three characters of a group that is not whole yet.
    left: BytesMut,
}

impl Decoding {
    pub(super) fn new(body: Stream) -> Self {
        Self {
            body,
            left: BytesMut::new(),
        }
    }

    fn decode(&mut self, data: &[u8]) -> Result<Bytes, LocalError> {
        self.left.extend_from_slice(data);
        let whole = self.left.len() / 4 * 4;
        decode_whole(&self.left.split_to(whole))
    }
}

impl Pull for Decoding {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        Poll::Ready(match ready!(self.body.poll_next(cx)) {
            Some(Ok(Part::Data(data))) => Some(self.decode(&data).map(Part::Data)),
            None if !self.left.is_empty() => {
                self.left.clear();
                Some(Err(malformed()))
            }
            other => other,
        })
    }
}
