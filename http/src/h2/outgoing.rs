//! A streamed body on its way out through h2, of either side.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::SendStream;
use http::HeaderMap;
use wireloom_codecs::{LocalError, Part, Stream};

/// Why a body did not get out to its end.
pub(super) enum Broken {
    /// The peer wants no more of it, or is gone.
    Peer,
    /// It broke off where it came from.
    Body(LocalError),
    /// It holds what HTTP/2 cannot carry.
    Unwritable,
}

/// Where the parts come from.
enum Source {
    Stream(Stream),
    /// All of it waits already; what comes after it.
    Whole(Option<HeaderMap>),
}

impl Source {
    fn ended(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.ended(),
            Self::Whole(trailers) => trailers.is_none(),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        match self {
            Self::Stream(stream) => stream.poll_next(cx),
            Self::Whole(trailers) => {
                let trailers = trailers.take().map(|map| Ok(Part::Trailers(map.into())));
                Poll::Ready(trailers)
            }
        }
    }
}

/// Parts before others get their turn.
const PARTS: usize = 64;

/// Moves the parts of a body into a stream as fast as its peer's flow control lets it: one part waits at the most.
pub(super) struct Outgoing {
    pub(super) send: SendStream<Bytes>,
    source: Source,
    waiting: Bytes,
    /// Parts and pieces that went out so far: whether it gets on.
    pub(super) moved: u64,
    /// The peer is what it waits for, and not the body.
    pub(super) blocked: bool,
}

impl Outgoing {
    pub(super) fn new(send: SendStream<Bytes>, body: Stream) -> Self {
        Self {
            send,
            source: Source::Stream(body),
            waiting: Bytes::new(),
            moved: 0,
            blocked: false,
        }
    }

    /// A body that is all there, but larger than what the peer takes at once. Capacity has been asked for.
    pub(super) fn whole(send: SendStream<Bytes>, body: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self {
            send,
            source: Source::Whole(trailers),
            waiting: body,
            moved: 0,
            blocked: true,
        }
    }

    /// Ready when the end of the body is queued.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        for _ in 0..PARTS {
            if !self.waiting.is_empty() {
                self.blocked = true;
                if ready!(self.poll_send(cx))? {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            self.blocked = false;
            match self.source.poll_next(cx) {
                Poll::Ready(Some(Ok(Part::Data(data)))) => {
                    self.send.reserve_capacity(data.len());
                    self.waiting = data;
                }
                Poll::Ready(Some(Ok(Part::Trailers(fields)))) => {
                    let fields = fields.into_map().map_err(|_| Broken::Unwritable)?;
                    self.moved += 1;
                    // Whoever watches the body learns of its end by the question after the last part.
                    let _ = self.source.poll_next(cx);
                    return Poll::Ready(self.send.send_trailers(fields).map_err(refused));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(Broken::Body(error))),
                Poll::Ready(None) => {
                    let end = self.send.send_data(Bytes::new(), true);
                    return Poll::Ready(end.map_err(refused));
                }
                Poll::Pending => {
                    return match self.send.poll_reset(cx) {
                        Poll::Ready(_) => Poll::Ready(Err(Broken::Peer)),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends of the waiting part what the peer takes; true if that was the end of the body.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Broken>> {
        while !self.waiting.is_empty() {
            let room = self.send.capacity();
            if room == 0 {
                match ready!(self.send.poll_capacity(cx)) {
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => return Poll::Ready(Err(refused(error))),
                    None => return Poll::Ready(Err(Broken::Peer)),
                }
            }
            let piece = self.waiting.split_to(room.min(self.waiting.len()));
            let last = self.waiting.is_empty() && self.source.ended();
            self.send.send_data(piece, last).map_err(refused)?;
            self.moved += 1;
            if last {
                let _ = self.source.poll_next(cx);
                return Poll::Ready(Ok(true));
            }
        }
        Poll::Ready(Ok(false))
    }
}

/// h2 takes no more: the stream is closed.
fn refused(_: h2::Error) -> Broken {
    Broken::Peer
}
