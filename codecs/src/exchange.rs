//! A request's future together with what it takes to answer it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::{LocalError, Origin, Response, StreamId};

pin_project! {
    /// Polls the service's future; keeps the client's id and what an error reply needs.
    pub(crate) struct Exchange<F> {
        #[pin]
        future: F,
        id: StreamId,
        size: usize,
        turn: u64,
        origin: Origin,
    }
}

/// An exchange that is done.
pub(crate) struct Finished {
    pub(crate) id: StreamId,
    /// The request frame's length in bytes.
    pub(crate) size: usize,
    /// Where answers have no ids: the request's place among the others.
    pub(crate) turn: u64,
    pub(crate) origin: Origin,
    pub(crate) result: Result<Response, LocalError>,
}

impl<F> Exchange<F> {
    pub(crate) fn new(future: F, id: StreamId, size: usize, turn: u64, origin: Origin) -> Self {
        Self {
            future,
            id,
            size,
            turn,
            origin,
        }
    }

    /// Whose it is, for an answer that does not come from the future.
    pub(crate) fn identity(&self) -> (StreamId, u64, &Origin) {
        (self.id, self.turn, &self.origin)
    }
}

impl<F: Future<Output = Result<Response, LocalError>>> Future for Exchange<F> {
    type Output = Finished;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let this = self.project();
        let result = ready!(this.future.poll(cx));
        Poll::Ready(Finished {
            id: *this.id,
            size: *this.size,
            turn: *this.turn,
            origin: std::mem::take(this.origin),
            result,
        })
    }
}
