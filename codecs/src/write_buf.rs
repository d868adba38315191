//! Bytes on their way out: small pieces copied together, large ones linked.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::scratch;

/// Pieces up to this size are copied: cheaper than another entry in a vectored write.
const COPY_MAX: usize = 4096;
/// Entries of one vectored write.
const SLICES: usize = 32;

/// An output queue, written once per turn with as few system calls as possible. Holds no memory while empty.
#[derive(Debug, Default)]
pub struct WriteBuf {
    /// What was sealed by a linked piece behind it.
    sealed: VecDeque<Bytes>,
    /// The copied pieces at the tail.
    tail: BytesMut,
    len: usize,
}

impl WriteBuf {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Queues a copy of `bytes`: for heads and other small things.
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.reserve_tail(bytes.len());
        self.tail.put_slice(bytes);
        self.len += bytes.len();
    }

    /// Queues `bytes`: copied if they are few, else linked at the cost of one reference.
    pub fn put(&mut self, bytes: &Bytes) {
        if bytes.len() <= COPY_MAX {
            self.put_slice(bytes);
            return;
        }
        if !self.tail.is_empty() {
            self.sealed.push_back(self.tail.split().freeze());
        }
        self.sealed.push_back(bytes.clone());
        self.len += bytes.len();
    }

    fn reserve_tail(&mut self, more: usize) {
        if self.tail.capacity() - self.tail.len() < more {
            if self.tail.capacity() == 0 {
                self.tail = scratch::take();
            }
            self.tail.reserve(more);
        }
    }

    /// Writes until all is out or the peer takes no more. Ready when the queue is empty.
    pub fn poll_flush<W: AsyncWrite + Unpin + ?Sized>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.len > 0 {
            let written = if self.sealed.is_empty() {
                ready!(Pin::new(&mut *io).poll_write(cx, &self.tail))?
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let pieces = self.sealed.iter().map(|piece| &piece[..]);
                let pieces = pieces.chain(std::iter::once(&self.tail[..]));
                let mut used = 0;
                for (slot, piece) in slices.iter_mut().zip(pieces) {
                    *slot = IoSlice::new(piece);
                    used += 1;
                }
                let slices = slices.get(..used).unwrap_or_default();
                ready!(Pin::new(&mut *io).poll_write_vectored(cx, slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        self.release();
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        self.len -= written;
        while let Some(front) = self.sealed.front_mut() {
            if written < front.len() {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.sealed.pop_front();
        }
        self.tail.advance(written);
    }

    fn release(&mut self) {
        if self.tail.capacity() > 0 {
            scratch::give(std::mem::take(&mut self.tail));
        }
        if self.sealed.capacity() > SLICES {
            self.sealed = VecDeque::new();
        }
    }

    /// Everything that waits, as one piece: for tests and for writers that are not async.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len);
        for piece in &self.sealed {
            all.extend_from_slice(piece);
        }
        all.extend_from_slice(&self.tail);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn order_is_kept_across_copied_and_linked_pieces() {
        let large = Bytes::from(vec![7u8; COPY_MAX + 1]);
        let mut queue = WriteBuf::new();
        queue.put_slice(b"head");
        queue.put(&large);
        queue.put(&Bytes::from_static(b"small"));
        queue.put(&large);
        let expected = queue.to_vec();
        assert_eq!(expected.len(), queue.len());

        // A pipe that takes a few bytes at a time.
        let (mut near, mut far) = tokio::io::duplex(100);
        let write = std::future::poll_fn(|cx| queue.poll_flush(&mut near, cx));
        let mut got = vec![0; expected.len()];
        let (written, read) = tokio::join!(write, far.read_exact(&mut got));
        written.unwrap();
        read.unwrap();
        assert_eq!(got, expected);
        assert!(queue.is_empty());
        assert_eq!(queue.tail.capacity(), 0, "no memory held while idle");
    }
}
