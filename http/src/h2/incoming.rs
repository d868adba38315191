//! A body as h2 receives it, of either side.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use smallvec::SmallVec;
use wireloom_codecs::{Body, Headers, Part};

/// A body that is complete by the time its head is looked at is handed on as a value up to this size; larger ones
/// stream.
const WHOLE: usize = 64 << 10;
/// Pieces that are kept as they came until it is known whether they must be joined; more than these are small.
const PIECES: usize = 8;

type Pieces = SmallVec<[Bytes; 1]>;

/// What is there of a body when its head is handed on.
pub(super) enum Taken {
    /// All of it, with the fields after it.
    Whole(Body, Option<Box<Headers>>),
    /// It goes on.
    Part(Incoming),
}

/// The receiving end of a stream. Flow-control credit goes back as parts are taken, so a taker that stops stops
/// the sender.
pub(super) struct Incoming {
    recv: RecvStream,
    /// Read already, not taken yet.
    ready: smallvec::IntoIter<[Bytes; 1]>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    Trailers,
    Done,
}

impl Incoming {
    pub(super) fn new(recv: RecvStream) -> Self {
        Self {
            recv,
            ready: Pieces::new().into_iter(),
            state: State::Data,
        }
    }

    /// The next part; None after the last.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Part, h2::Error>>> {
        if let Some(data) = self.ready.next() {
            self.release(data.len());
            return Poll::Ready(Some(Ok(Part::Data(data))));
        }
        loop {
            match self.state {
                State::Data => match ready!(self.recv.poll_data(cx)) {
                    Some(Ok(data)) if data.is_empty() => {}
                    Some(Ok(data)) => {
                        self.release(data.len());
                        return Poll::Ready(Some(Ok(Part::Data(data))));
                    }
                    Some(Err(error)) => return self.fail(error),
                    None => self.state = State::Trailers,
                },
                State::Trailers => {
                    let trailers = match ready!(self.recv.poll_trailers(cx)) {
                        Ok(trailers) => trailers,
                        Err(error) => return self.fail(error),
                    };
                    self.state = State::Done;
                    let Some(trailers) = trailers else { continue };
                    return Poll::Ready(Some(Ok(Part::Trailers(trailers.into()))));
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }

    /// True if some of it was read already and not taken yet.
    pub(super) fn begun(&self) -> bool {
        self.ready.len() > 0
    }

    /// True if no further part comes.
    pub(super) fn ended(&self) -> bool {
        self.ready.len() == 0 && (self.state == State::Done || self.recv.is_end_stream())
    }

    fn fail(&mut self, error: h2::Error) -> Poll<Option<Result<Part, h2::Error>>> {
        self.state = State::Done;
        Poll::Ready(Some(Err(error)))
    }

    fn release(&mut self, bytes: usize) {
        // It fails only for more than was received.
        let _ = self.recv.flow_control().release_capacity(bytes);
    }

    /// Looks at what is there. `cx` is woken for more only if the body goes on and is polled again.
    pub(super) fn take(mut self, cx: &mut Context<'_>) -> Result<Taken, h2::Error> {
        if self.recv.is_end_stream() {
            return Ok(Taken::Whole(Body::Empty, None));
        }
        let mut there = There::default();
        loop {
            match self.recv.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => there.push(data),
                Poll::Ready(Some(Err(error))) => return Err(error),
                Poll::Ready(None) => break,
                Poll::Pending => return Ok(Taken::Part(self.keep(there))),
            }
            if there.length > WHOLE {
                return Ok(Taken::Part(self.keep(there)));
            }
            if self.recv.is_end_stream() {
                self.state = State::Done;
                return Ok(self.whole(there, None));
            }
        }
        match self.recv.poll_trailers(cx) {
            Poll::Ready(Ok(trailers)) => Ok(self.whole(there, trailers)),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => {
                self.state = State::Trailers;
                Ok(Taken::Part(self.keep(there)))
            }
        }
    }

    fn keep(mut self, there: There) -> Self {
        self.ready = there.pieces().into_iter();
        self
    }

    fn whole(mut self, there: There, trailers: Option<http::HeaderMap>) -> Taken {
        self.release(there.length);
        let body = match there.length {
            0 => Body::Empty,
            _ => Body::Whole(there.join()),
        };
        Taken::Whole(body, trailers.map(|map| Box::new(Headers::Map(map))))
    }
}

/// The beginning of a body.
#[derive(Default)]
struct There {
    length: usize,
    pieces: Pieces,
    /// All of it, once there were too many pieces.
    joined: BytesMut,
}

impl There {
    fn push(&mut self, data: Bytes) {
        self.length += data.len();
        if data.is_empty() {
            return;
        }
        if self.joined.is_empty() {
            if self.pieces.len() < PIECES {
                return self.pieces.push(data);
            }
            for piece in self.pieces.drain(..) {
                self.joined.extend_from_slice(&piece);
            }
        }
        self.joined.extend_from_slice(&data);
    }

    fn pieces(mut self) -> Pieces {
        if !self.joined.is_empty() {
            self.pieces.push(self.joined.freeze());
        }
        self.pieces
    }

    fn join(mut self) -> Bytes {
        if self.pieces.len() == 1 {
            return self.pieces.remove(0);
        }
        if self.joined.is_empty() {
            self.joined.reserve(self.length);
            for piece in &self.pieces {
                self.joined.extend_from_slice(piece);
            }
        }
        self.joined.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(pieces: &[&'static [u8]]) -> There {
        let mut there = There::default();
        pieces
            .iter()
            .for_each(|piece| there.push(Bytes::from_static(piece)));
        there
    }

    #[test]
    fn a_single_piece_is_not_copied_and_several_are_joined_in_order() {
        let piece = b"alone";
        let alone = there(&[piece, b""]).join();
        assert_eq!(alone.as_ptr(), piece.as_ptr());
        assert_eq!(there(&[b"a", b"bc", b"d"]).join(), "abcd");
    }

    #[test]
    fn many_pieces_are_kept_as_one() {
        let letters: Vec<&[u8]> = b"abcdefghijkl".chunks(1).collect();
        assert_eq!(there(&letters).join(), "abcdefghijkl");
        let kept = there(&letters).pieces();
        assert_eq!(kept.concat(), b"abcdefghijkl");
        assert_eq!(kept.len(), 1);
        assert_eq!(there(&letters[..PIECES]).pieces().len(), PIECES);
    }
}
