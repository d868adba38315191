//! A connection whose other end never pauses, or never reads: what tests cannot get from a pipe.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What both the test and the connection see.
#[derive(Default)]
pub(crate) struct Script {
    /// Whether the peer reads.
    pub(crate) reads: AtomicBool,
    /// What it has read.
    pub(crate) taken: AtomicUsize,
    /// How often it was asked for more.
    pub(crate) polls: AtomicUsize,
    writer: AtomicWaker,
}

impl Script {
    /// From now on the peer reads.
    pub(crate) fn read_on(&self) {
        self.reads.store(true, Ordering::Relaxed);
        self.writer.wake();
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }
}

/// How the peer's side ends when it has sent everything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Silence,
    Reset,
}

/// Sends `first`, then `frame` so many `times`, then what `then` says.
pub(crate) struct Scripted {
    pub(crate) first: Vec<u8>,
    pub(crate) frame: Vec<u8>,
    pub(crate) times: usize,
    pub(crate) then: Then,
    pub(crate) script: Arc<Script>,
}

impl AsyncRead for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.script.polls.fetch_add(1, Ordering::Relaxed);
        let before = buf.filled().len();
        while buf.remaining() > 0 && (self.times > 0 || !self.first.is_empty()) {
            if self.first.is_empty() {
                self.first = self.frame.clone();
                self.times -= 1;
            }
            let fits = self.first.len().min(buf.remaining());
            buf.put_slice(&self.first[..fits]);
            self.first.drain(..fits);
        }
        if buf.filled().len() > before {
            return Poll::Ready(Ok(()));
        }
        match self.then {
            Then::Silence => Poll::Pending,
            Then::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.script.writer.register(cx.waker());
        if !self.script.reads.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.script.taken.fetch_add(bytes.len(), Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
