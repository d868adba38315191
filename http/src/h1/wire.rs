//! A socket with its buffers, borrowed while there is something in them, and its one timer.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};
use tokio_util::io::poll_read_buf;
use wireloom_codecs::{Io, WriteBuf, clock, scratch};

/// What is read at a time while only the end of the connection matters.
const GLANCE: usize = 1 << 10;
/// What may wait unread in the buffer of a connection whose turn is not to be read.
const AHEAD: usize = 16 << 10;

/// One side's connection.
pub(crate) struct Wire {
    pub(crate) io: Box<dyn Io>,
    /// Read and not taken.
    pub(crate) buffer: BytesMut,
    /// To be written.
    pub(crate) out: WriteBuf,
    /// Since when the peer has taken nothing of what waits for it.
    stuck: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    armed: Instant,
}

impl Wire {
    /// `armed` is when the timer first looks what is due.
    pub(crate) fn new(io: Box<dyn Io>, prefix: &Bytes, armed: Instant) -> Self {
        Self {
            io,
            buffer: BytesMut::from(&prefix[..]),
            out: WriteBuf::new(),
            stuck: None,
            timer: Box::pin(sleep_until(armed.into())),
            armed,
        }
    }

    /// Reads once into the buffer; 0 is the end.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() == 0 {
            self.buffer = scratch::take();
        }
        if self.buffer.capacity() - self.buffer.len() < scratch::BLOCK / 8 {
            self.buffer.reserve(scratch::BLOCK);
        }
        let polled = poll_read_buf(Pin::new(&mut self.io), cx, &mut self.buffer);
        self.release();
        polled
    }

    /// Reads a little, to see the end of the connection; 0 is the end. Pending also while enough waits unread.
    pub(crate) fn poll_glance(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buffer.len() >= AHEAD {
            return Poll::Pending;
        }
        let mut bytes = [MaybeUninit::uninit(); GLANCE];
        let mut read = ReadBuf::uninit(&mut bytes);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
        let read = read.filled();
        if !read.is_empty() {
            if self.buffer.capacity() == 0 {
                self.buffer = scratch::take();
            }
            self.buffer.put_slice(read);
        }
        Poll::Ready(Ok(read.len()))
    }

    /// Gives the buffer back if there is nothing in it.
    pub(crate) fn release(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > 0 {
            scratch::give(std::mem::take(&mut self.buffer));
        }
    }

    /// Writes what waits; ready when that was all.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let before = self.out.len();
        if before == 0 {
            return Poll::Ready(Ok(()));
        }
        let polled = self.out.poll_flush(&mut self.io, cx);
        let after = self.out.len();
        if after == 0 {
            self.stuck = None;
        } else if after < before || self.stuck.is_none() {
            self.stuck = Some(clock::now());
        }
        polled
    }

    /// Says that nothing more will be written.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    /// When a peer that does not read has had `patience`; None while nothing waits for it.
    pub(crate) fn stalls(&self, patience: Duration) -> Option<Instant> {
        Some(self.stuck? + patience)
    }

    /// Ready once `due` has passed. The timer is moved only when it would come too late.
    pub(crate) fn poll_due(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let now = clock::now();
        if due <= now {
            return Poll::Ready(());
        }
        if due < self.armed || self.armed <= now {
            self.arm(due);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if due <= clock::read() {
                return Poll::Ready(());
            }
            self.arm(due);
        }
        Poll::Pending
    }

    fn arm(&mut self, due: Instant) {
        self.armed = due;
        self.timer.as_mut().reset(due.into());
    }
}
