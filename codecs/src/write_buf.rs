//! Bytes on their way out: small pieces copied together, large ones linked.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::{Reserved, scratch};

/// Pieces up to this size are copied into blocks, which is cheaper than another entry in a vectored write.
const COPY_MAX: usize = 16 << 10;
/// Entries of one vectored write.
const SLICES: usize = 32;

/// An output queue, written once per turn with as few system calls as possible. Holds no memory while empty.
#[derive(Debug, Default)]
pub struct WriteBuf {
    /// What comes before the tail, in order.
    sealed: VecDeque<Piece>,
    /// The block that is being filled.
    tail: BytesMut,
    len: usize,
    /// The writer took bytes and may have them still: TLS encrypts into a buffer of its own.
    unflushed: bool,
}

/// Part of the queue that takes no more.
#[derive(Debug)]
enum Piece {
    /// Small pieces, copied together.
    Block(BytesMut),
    /// A large piece, shared with whoever else holds it.
    Linked(Bytes),
    /// The reservation of what comes before it.
    Hold(#[expect(dead_code, reason = "it is kept to be dropped")] Arc<Reserved>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Block(block) => block,
            Self::Linked(bytes) => bytes,
            Self::Hold(_) => &[],
        }
    }
}

impl WriteBuf {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that wait. Those that the writer took and has not sent count as one, whatever their number.
    pub fn len(&self) -> usize {
        self.len + usize::from(self.unflushed)
    }

    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Queues a copy of `bytes`: for heads and other small things.
    pub fn put_slice(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len();
        loop {
            let room = self.tail.capacity() - self.tail.len();
            if bytes.len() <= room {
                self.tail.put_slice(bytes);
                return;
            }
            let (fits, rest) = bytes.split_at(room);
            self.tail.put_slice(fits);
            bytes = rest;
            let full = std::mem::replace(&mut self.tail, scratch::take());
            if !full.is_empty() {
                self.sealed.push_back(Piece::Block(full));
            }
        }
    }

    /// Queues `bytes`: copied if they are few, else linked at the cost of one reference.
    pub fn put(&mut self, bytes: &Bytes) {
        if bytes.len() <= COPY_MAX {
            self.put_slice(bytes);
            return;
        }
        self.seal();
        self.sealed.push_back(Piece::Linked(bytes.clone()));
        self.len += bytes.len();
    }

    /// Keeps the reservation of a message that was queued until its bytes are out: the queue holds its memory, though
    /// the message itself is gone by then.
    pub fn hold(&mut self, reserved: Arc<Reserved>) {
        if self.len > 0 {
            self.seal();
            self.sealed.push_back(Piece::Hold(reserved));
        }
    }

    /// Ends the tail, so that something else can come behind it.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            // What room the block still has goes on as the tail.
            let filled = self.tail.split();
            self.sealed.push_back(Piece::Block(filled));
        }
    }

    /// Writes until all is out or the peer takes no more. Ready when the queue is empty and the writer too.
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
                let pieces = self.sealed.iter().map(Piece::bytes);
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
            self.unflushed = true;
            self.advance(written);
        }
        self.release();
        if self.unflushed {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        self.len -= written;
        while let Some(front) = self.sealed.front_mut() {
            let length = front.bytes().len();
            if written < length {
                match front {
                    Piece::Block(block) => block.advance(written),
                    Piece::Linked(bytes) => bytes.advance(written),
                    Piece::Hold(_) => {}
                }
                return;
            }
            written -= length;
            if let Some(Piece::Block(block)) = self.sealed.pop_front() {
                scratch::give(block);
            }
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
            all.extend_from_slice(piece.bytes());
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
    async fn a_reservation_is_kept_until_its_bytes_are_out() {
        let budget = crate::ByteBudget::new(100);
        let mut claim = budget.claim();
        let reserved = std::future::poll_fn(|cx| claim.poll_reserve(60, cx)).await;
        let mut queue = WriteBuf::new();
        queue.put_slice(b"head");
        queue.hold(Arc::new(reserved));
        queue.put_slice(b"next");
        let (mut near, mut far) = tokio::io::duplex(3);
        let mut first = [0; 3];
        for expected in [b"hea", b"dne"] {
            assert_eq!(budget.free(), 40);
            let write = std::future::poll_fn(|cx| {
                assert!(queue.poll_flush(&mut near, cx).is_pending());
                Poll::Ready(())
            });
            write.await;
            far.read_exact(&mut first).await.unwrap();
            assert_eq!(&first, expected);
        }
        assert_eq!(budget.free(), 100);
        assert_eq!(queue.to_vec(), b"xt");
    }

    #[tokio::test]
    async fn what_the_writer_keeps_still_waits() {
        let (near, mut far) = tokio::io::duplex(2);
        // As TLS: takes all at once, and sends what the peer has room for.
        let mut writer = tokio::io::BufWriter::with_capacity(64, near);
        let mut queue = WriteBuf::new();
        queue.put_slice(b"answer");
        std::future::poll_fn(|cx| {
            assert!(queue.poll_flush(&mut writer, cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!((queue.len(), queue.is_empty()), (1, false));
        let mut got = [0; 6];
        let flush = std::future::poll_fn(|cx| queue.poll_flush(&mut writer, cx));
        let (flushed, read) = tokio::join!(flush, far.read_exact(&mut got));
        flushed.unwrap();
        read.unwrap();
        assert_eq!(&got, b"answer");
        assert!(queue.is_empty());
    }

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
