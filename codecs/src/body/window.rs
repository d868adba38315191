//! A body that one task feeds and another takes: a queue with a window, and credit that flows back as parts are taken.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::{Part, Stream};
use crate::{ErrorKind, LocalError, Outcome};

impl Part {
    /// Of the window.
    fn cost(&self) -> usize {
        match self {
            Self::Data(data) => data.len().max(LEAST),
            // The last, and there is one of them.
            Self::Trailers(_) => 0,
        }
    }
}

/// What a part costs of the window at least: an endless row of empty parts is no way around it.
const LEAST: usize = 16;

/// A streamed body and the end to feed it by. `window` is how many bytes may wait untaken; a larger part is let
/// through alone, when nothing else waits.
pub fn stream(window: usize) -> (StreamSender, Stream) {
    let shared = Arc::new(Mutex::new(Shared {
        outcome: None,
        parts: VecDeque::new(),
        queued: 0,
        window,
        end: End::Open,
        receiver: None,
        sender: None,
        wanted: false,
    }));
    (
        StreamSender(shared.clone()),
        Stream::windowed(Receiver(shared)),
    )
}

#[derive(Debug)]
struct Shared {
    outcome: Option<Outcome>,
    parts: VecDeque<Part>,
    queued: usize,
    window: usize,
    end: End,
    receiver: Option<Waker>,
    sender: Option<Waker>,
    /// The receiver has asked for a part.
    wanted: bool,
}

#[derive(Debug)]
enum End {
    Open,
    Finished,
    Failed(LocalError),
    /// The receiver is gone.
    Abandoned,
}

impl Shared {
    fn wake_sender(&mut self) {
        if let Some(waker) = self.sender.take() {
            waker.wake();
        }
    }

    fn wake_receiver(&mut self) {
        if let Some(waker) = self.receiver.take() {
            waker.wake();
        }
    }
}

/// The receiving end. Taking a part returns its credit to the sender; dropping the end tells the sender to stop.
#[derive(Debug)]
pub(super) struct Receiver(Arc<Mutex<Shared>>);

impl Receiver {
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Part, LocalError>>> {
        let mut shared = self.0.lock();
        if !shared.wanted {
            shared.wanted = true;
            shared.wake_sender();
        }
        if let Some(part) = shared.parts.pop_front() {
            shared.queued -= part.cost();
            shared.wake_sender();
            return Poll::Ready(Some(Ok(part)));
        }
        match &shared.end {
            End::Finished | End::Abandoned => Poll::Ready(None),
            End::Failed(error) => {
                let error = error.clone();
                shared.end = End::Finished;
                Poll::Ready(Some(Err(error)))
            }
            End::Open => {
                shared.receiver = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn ended(&self) -> bool {
        let shared = self.0.lock();
        shared.parts.is_empty() && matches!(shared.end, End::Finished)
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.0.lock().outcome
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut shared = self.0.lock();
        shared.end = End::Abandoned;
        shared.parts.clear();
        shared.queued = 0;
        shared.wake_sender();
    }
}

/// The receiver of a streamed body does not want more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receiver of the body is gone")]
pub struct Abandoned;

/// The feeding end of a streamed body. Dropping it without [`StreamSender::finish`] fails the stream: a truncated
/// body never looks complete.
#[derive(Debug)]
pub struct StreamSender(Arc<Mutex<Shared>>);

impl StreamSender {
    /// Ready when there is credit for more.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Abandoned>> {
        let mut shared = self.0.lock();
        if matches!(shared.end, End::Abandoned) {
            return Poll::Ready(Err(Abandoned));
        }
        if shared.queued == 0 || shared.queued < shared.window {
            return Poll::Ready(Ok(()));
        }
        shared.sender = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Queues a part without waiting; the caller asked [`StreamSender::poll_ready`] first.
    pub fn push(&mut self, part: Part) -> Result<(), Abandoned> {
        let mut shared = self.0.lock();
        if matches!(shared.end, End::Abandoned) {
            return Err(Abandoned);
        }
        shared.queued += part.cost();
        shared.parts.push_back(part);
        shared.wake_receiver();
        Ok(())
    }

    /// Waits for credit, then queues a part.
    pub async fn send(&mut self, part: Part) -> Result<(), Abandoned> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.push(part)
    }

    /// Waits until the receiver asks for a part for the first time.
    pub fn poll_wanted(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Abandoned>> {
        let mut shared = self.0.lock();
        if matches!(shared.end, End::Abandoned) {
            return Poll::Ready(Err(Abandoned));
        }
        if shared.wanted {
            return Poll::Ready(Ok(()));
        }
        shared.sender = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Waits until the receiver is gone, to carry a cancellation on.
    pub fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.0.lock();
        if matches!(shared.end, End::Abandoned) {
            return Poll::Ready(());
        }
        shared.sender = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The body is complete.
    pub fn finish(self) {
        self.end(End::Finished);
    }

    /// The body is complete, and with it the answer is known to be this (gRPC says so in its trailers).
    pub fn finish_as(self, outcome: Outcome) {
        self.0.lock().outcome = Some(outcome);
        self.end(End::Finished);
    }

    /// The body breaks off here.
    pub fn fail(self, error: LocalError) {
        self.end(End::Failed(error));
    }

    fn end(&self, end: End) {
        let mut shared = self.0.lock();
        if matches!(shared.end, End::Open) {
            shared.end = end;
            shared.wake_receiver();
        }
    }
}

impl Drop for StreamSender {
    fn drop(&mut self) {
        self.end(End::Failed(LocalError::new(
            ErrorKind::Reset,
            "the body broke off",
        )));
    }
}
