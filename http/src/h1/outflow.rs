//! The body of an answer on its way to the client.

use std::task::{Context, Poll};

use wireloom_codecs::{LocalError, Part, Stream, WriteBuf};

use crate::h1::encode::{self, Framing};

/// Above this many unwritten bytes no more parts are taken.
const HIGH_WATER: usize = 64 << 10;

/// A body in parts.
pub(crate) struct Outflow {
    stream: Stream,
    /// What was taken of it already.
    begun: Option<Part>,
    framing: Framing,
    /// Under a Content-Length: what is still to come.
    left: u64,
}

/// What taking parts came to.
pub(crate) enum Took {
    /// There is room for no more, or nothing is there.
    Waits,
    /// That was all of it.
    All,
}

/// The body breaks off, or is not as long as announced: the other side must not take it for complete.
#[derive(Debug)]
pub(crate) enum BrokeOff {
    Failed(LocalError),
    Length,
}

impl Outflow {
    pub(crate) fn new(stream: Stream, framing: Framing, begun: Option<Part>) -> Self {
        let left = match framing {
            Framing::Length(length) => length,
            _ => 0,
        };
        Self {
            stream,
            begun,
            framing,
            left,
        }
    }

    /// Takes parts as long as there is room in `out`.
    pub(crate) fn take(
        &mut self,
        out: &mut WriteBuf,
        cx: &mut Context<'_>,
    ) -> Result<Took, BrokeOff> {
        while out.len() < HIGH_WATER {
            let polled = match self.begun.take() {
                Some(part) => Poll::Ready(Some(Ok(part))),
                None => self.stream.poll_next(cx),
            };
            let part = match polled {
                Poll::Pending => return Ok(Took::Waits),
                Poll::Ready(Some(Err(error))) => return Err(BrokeOff::Failed(error)),
                Poll::Ready(Some(Ok(part))) => Some(part),
                Poll::Ready(None) => None,
            };
            match (part, self.framing) {
                (Some(Part::Data(data)), Framing::Chunked) => {
                    encode::chunk(out, &data);
                }
                (Some(Part::Data(data)), framing) => {
                    if let Framing::Length(_) = framing {
                        let left = self.left.checked_sub(data.len() as u64);
                        self.left = left.ok_or(BrokeOff::Length)?;
                    }
                    out.put(&data);
                }
                (Some(Part::Trailers(fields)), Framing::Chunked) => {
                    encode::last_chunk(out, Some(&fields));
                    self.framing = Framing::Bare;
                }
                // Nothing but chunks has a place for them.
                (Some(Part::Trailers(_)), _) => {}
                (None, Framing::Chunked) => {
                    encode::last_chunk(out, None);
                    return Ok(Took::All);
                }
                (None, Framing::Length(_)) if self.left > 0 => return Err(BrokeOff::Length),
                (None, _) => return Ok(Took::All),
            }
        }
        Ok(Took::Waits)
    }
}
