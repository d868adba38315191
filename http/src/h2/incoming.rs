//! A body as h2 receives it, of either side.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use wireloom_codecs::{Body, Headers, Part};

/// A body that is complete by the time its head is looked at is handed on as a value up to this size; larger ones
/// stream.
const WHOLE: usize = 64 << 10;

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
    ready: Option<Bytes>,
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
            ready: None,
            state: State::Data,
        }
    }

    /// The next part; None after the last.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Part, h2::Error>>> {
        if let Some(data) = self.ready.take() {
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
        self.ready.is_some()
    }

    /// True if no further part comes.
    pub(super) fn ended(&self) -> bool {
        self.ready.is_none() && (self.state == State::Done || self.recv.is_end_stream())
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
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        loop {
            match self.recv.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) if data.is_empty() => {}
                Poll::Ready(Some(Ok(data))) if first.is_empty() => first = data,
                Poll::Ready(Some(Ok(data))) => {
                    if rest.is_empty() {
                        rest.extend_from_slice(&first);
                    }
                    rest.extend_from_slice(&data);
                }
                Poll::Ready(Some(Err(error))) => return Err(error),
                Poll::Ready(None) => break,
                Poll::Pending => return Ok(Taken::Part(self.keep(first, rest))),
            }
            if first.len().max(rest.len()) > WHOLE {
                return Ok(Taken::Part(self.keep(first, rest)));
            }
            if self.recv.is_end_stream() {
                self.state = State::Done;
                return Ok(self.whole(first, rest, None));
            }
        }
        match self.recv.poll_trailers(cx) {
            Poll::Ready(Ok(trailers)) => Ok(self.whole(first, rest, trailers)),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => {
                self.state = State::Trailers;
                Ok(Taken::Part(self.keep(first, rest)))
            }
        }
    }

    fn keep(mut self, first: Bytes, rest: BytesMut) -> Self {
        let data = if rest.is_empty() {
            first
        } else {
            rest.freeze()
        };
        self.ready = Some(data).filter(|data| !data.is_empty());
        self
    }

    fn whole(mut self, first: Bytes, rest: BytesMut, trailers: Option<http::HeaderMap>) -> Taken {
        let data = if rest.is_empty() {
            first
        } else {
            rest.freeze()
        };
        self.release(data.len());
        let body = match data.is_empty() {
            true => Body::Empty,
            false => Body::Whole(data),
        };
        Taken::Whole(body, trailers.map(|map| Box::new(Headers::Map(map))))
    }
}
