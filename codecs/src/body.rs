//! A message's payload: nothing, a finished value, or parts that come one by one with credit flowing back.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use crate::{ErrorKind, Fields, LocalError};

/// A payload. Only [`Body::Stream`] costs a channel.
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
    pub async fn collect(self, cap: usize) -> Result<(Bytes, Fields), LocalError> {
        let too_large = || LocalError::new(ErrorKind::TooLarge, format!("body over {cap} bytes"));
        let mut stream = match self {
            Self::Empty => return Ok((Bytes::new(), Fields::new())),
            Self::Whole(bytes) if bytes.len() > cap => return Err(too_large()),
            Self::Whole(bytes) => return Ok((bytes, Fields::new())),
            Self::Stream(stream) => stream,
        };
        let mut all = BytesMut::new();
        let mut trailers = Fields::new();
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
    Trailers(Fields),
}

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
        parts: VecDeque::new(),
        queued: 0,
        window,
        end: End::Open,
        receiver: None,
        sender: None,
    }));
    (StreamSender(shared.clone()), Stream(shared))
}

#[derive(Debug)]
struct Shared {
    parts: VecDeque<Part>,
    queued: usize,
    window: usize,
    end: End,
    receiver: Option<Waker>,
    sender: Option<Waker>,
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
    fn wake_receiver(&mut self) {
        if let Some(waker) = self.receiver.take() {
            waker.wake();
        }
    }
}

/// The receiving end of a streamed body. Taking a part returns its credit to the sender; dropping the end tells
/// the sender to stop.
#[derive(Debug)]
pub struct Stream(Arc<Mutex<Shared>>);

impl Stream {
    /// The next part; None after the last; an error if the sender failed or vanished.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let mut shared = self.0.lock();
        if let Some(part) = shared.parts.pop_front() {
            shared.queued -= part.cost();
            if let Some(waker) = shared.sender.take() {
                waker.wake();
            }
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

    /// The next part. See [`Stream::poll_next`].
    pub async fn next(&mut self) -> Option<Result<Part, LocalError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut shared = self.0.lock();
        shared.end = End::Abandoned;
        shared.parts.clear();
        shared.queued = 0;
        if let Some(waker) = shared.sender.take() {
            waker.wake();
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn data(text: &'static str) -> Part {
        Part::Data(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn parts_then_trailers_then_the_end() {
        let (mut tx, mut rx) = stream(64);
        tx.send(data("ab")).await.unwrap();
        let trailers: Fields = [("grpc-status".into(), "0".into())].into_iter().collect();
        tx.send(Part::Trailers(trailers.clone())).await.unwrap();
        tx.finish();
        assert_eq!(rx.next().await.unwrap().unwrap(), data("ab"));
        assert_eq!(rx.next().await.unwrap().unwrap(), Part::Trailers(trailers));
        assert!(rx.next().await.is_none());
    }

    #[tokio::test]
    async fn credit_flows_back_as_parts_are_taken() {
        let (mut tx, mut rx) = stream(4);
        tx.send(data("abcd")).await.unwrap();
        assert!(
            tx.send(data("e")).now_or_never().is_none(),
            "no credit left"
        );
        assert_eq!(rx.next().await.unwrap().unwrap(), data("abcd"));
        tx.send(data("longer than the window"))
            .now_or_never()
            .unwrap()
            .unwrap();
        assert!(tx.send(data("x")).now_or_never().is_none());
    }

    #[tokio::test]
    async fn empty_parts_take_credit_too() {
        let (mut tx, mut rx) = stream(64);
        let mut sent = 0;
        while tx.send(data("")).now_or_never().is_some() {
            sent += 1;
        }
        assert_eq!(sent, 4);
        assert_eq!(rx.next().await.unwrap().unwrap(), data(""));
        assert!(tx.send(data("")).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_sender_that_vanishes_is_an_error_and_not_an_end() {
        let (mut tx, mut rx) = stream(64);
        tx.send(data("half")).await.unwrap();
        drop(tx);
        assert_eq!(rx.next().await.unwrap().unwrap(), data("half"));
        assert_eq!(rx.next().await.unwrap().unwrap_err().kind, ErrorKind::Reset);
        assert!(rx.next().await.is_none());
    }

    #[tokio::test]
    async fn a_receiver_that_vanishes_stops_the_sender() {
        let (mut tx, rx) = stream(1);
        tx.send(data("ab")).await.unwrap();
        drop(rx);
        assert_eq!(tx.send(data("c")).await, Err(Abandoned));
        poll_fn(|cx| tx.poll_abandoned(cx)).await;
    }

    #[tokio::test]
    async fn collect_has_a_cap_and_keeps_trailers() {
        let (mut tx, rx) = stream(64);
        tx.send(data("ab")).await.unwrap();
        tx.send(data("cd")).await.unwrap();
        let trailers: Fields = [("t".into(), "1".into())].into_iter().collect();
        tx.send(Part::Trailers(trailers.clone())).await.unwrap();
        tx.finish();
        let (bytes, fields) = Body::Stream(rx).collect(4).await.unwrap();
        assert_eq!((&bytes[..], fields), (&b"abcd"[..], trailers));

        let (mut tx, rx) = stream(64);
        tx.send(data("abcde")).await.unwrap();
        let error = Body::Stream(rx).collect(4).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
        assert!(
            Body::Whole(Bytes::from_static(b"abcde"))
                .collect(4)
                .await
                .is_err()
        );
    }
}
