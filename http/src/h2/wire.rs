//! The byte stream under h2: it reads and writes in large pieces, and counts frames as they pass.
//!
//! h2 flushes after every frame of some size and reads 8 KiB at a time; here writes are gathered until the connection's
//! task says that its turn is over, and where more comes than h2 asks for it is read ahead. A system call costs more
//! than the copy. Nothing of it is held while nothing waits. What passes is looked at nine bytes per frame, to see what h2 does not count: frames that cost the peer
//! nothing and us a little, for ever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;
use wireloom_codecs::clock;
use wireloom_codecs::{Io, WriteBuf, scratch};

use super::frames::{Calm, Direction, Frames, Half};
use super::server::PREFACE;
use super::spare::Spare;

/// Writes up to this size are gathered, which are frames of the usual 16 KiB; larger ones go out at once, behind what
/// was gathered.
const SMALL: usize = 17 << 10;
/// What is gathered at the most: a body of 64 KiB with what belongs to it.
const GATHER: usize = 80 << 10;

/// Who began the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Peer,
    Us,
}

/// What h2 reads and writes.
pub(super) struct Wire(Arc<Mutex<Inner>>);

/// How it stands with a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Since when the peer takes nothing of what waits for it.
    pub(super) blocked: Option<Instant>,
    /// What h2 has taken of a frame that is not whole yet.
    pub(super) half: Option<Half>,
    /// Bytes that came.
    pub(super) heard: u64,
}

/// The task's hold on it.
pub(super) struct Hold(Arc<Mutex<Inner>>);

struct Inner {
    io: Box<dyn Io>,
    gathered: WriteBuf,
    /// Read and not taken by h2.
    ahead: BytesMut,
    /// The last read filled the room that there was: there is more.
    more: bool,
    /// Since when the peer takes nothing.
    blocked: Option<Instant>,
    /// The connection is of no use any more.
    failed: Option<io::ErrorKind>,
    /// Bytes that came.
    heard: u64,
    read: Frames,
    written: Frames,
    spare: Spare,
    calm: Calm,
}

/// A wire over `io`. A client's first bytes are its preface, which is no frame: `peer` is the client downstream, and we
/// are it upstream. `resets` is how many come to be a flood.
pub(super) fn wire(io: Box<dyn Io>, client: Client, resets: u32) -> (Wire, Hold) {
    let (read, written) = match client {
        Client::Peer => (PREFACE.len(), 0),
        Client::Us => (0, PREFACE.len()),
    };
    let inner = Arc::new(Mutex::new(Inner {
        io,
        gathered: WriteBuf::new(),
        ahead: BytesMut::new(),
        more: false,
        blocked: None,
        failed: None,
        heard: 0,
        read: Frames::new(read),
        written: Frames::new(written),
        spare: Spare::new(client == Client::Us),
        calm: Calm::new(resets),
    }));
    (Wire(inner.clone()), Hold(inner))
}

impl Hold {
    /// The turn is over: what was gathered goes out. A failure is h2's to find, when it is polled next: then it answers
    /// true.
    pub(super) fn flush(&self, cx: &mut Context<'_>) -> bool {
        let mut inner = self.0.lock();
        match inner.poll_out(cx) {
            // What went out at once may wait in a writer that encrypts.
            Poll::Ready(Ok(())) => match Pin::new(&mut inner.io).poll_flush(cx) {
                Poll::Ready(Err(error)) => inner.fail(&error),
                Poll::Ready(Ok(())) | Poll::Pending => false,
            },
            Poll::Ready(Err(error)) => inner.fail(&error),
            Poll::Pending => false,
        }
    }

    /// How it stands with both directions.
    pub(super) fn standing(&self) -> Standing {
        let inner = self.0.lock();
        Standing {
            blocked: inner.blocked,
            half: inner.read.half(),
            heard: inner.heard,
        }
    }

    /// The peer sends too much of what is of no use.
    pub(super) fn flooded(&self) -> bool {
        self.0.lock().calm.lost()
    }

    /// Another stream was reset before it could be answered.
    pub(super) fn wasted(&self) {
        self.0.lock().calm.wasted();
    }

    /// Reads and forgets, until the peer closes: what it still sends must not make the system reset the connection
    /// before the peer has read why it ends.
    pub(super) fn poll_linger(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.0.lock();
        let mut scrap = [0; 4096];
        for _ in 0..64 {
            let mut buf = ReadBuf::new(&mut scrap);
            match ready!(Pin::new(&mut inner.io).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Inner {
    fn fail(&mut self, error: &io::Error) -> bool {
        self.failed = Some(error.kind());
        true
    }

    /// Writes what was gathered.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let before = self.gathered.len();
        let polled = self.gathered.poll_flush(&mut self.io, cx);
        let after = self.gathered.len();
        if after < before {
            self.blocked = None;
        }
        if after > 0 {
            self.blocked.get_or_insert_with(clock::read);
        }
        polled
    }

    /// Reads what h2 has room for, or more where more is there.
    fn poll_in(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            if !self.more {
                let polled = Pin::new(&mut self.io).poll_read(cx, buf);
                self.more = buf.remaining() == 0;
                return polled;
            }
            self.ahead = scratch::take();
            let room = self.ahead.capacity();
            match poll_read_buf(Pin::new(&mut self.io), cx, &mut self.ahead) {
                Poll::Ready(Ok(came)) => self.more = came == room,
                other => {
                    self.more = false;
                    self.release();
                    return other.map_ok(|_| ());
                }
            }
        }
        let length = self.ahead.len().min(buf.remaining());
        buf.put_slice(self.ahead.get(..length).unwrap_or_default());
        self.ahead.advance(length);
        self.release();
        Poll::Ready(Ok(()))
    }

    /// Gives the buffer back if h2 has taken everything.
    fn release(&mut self) {
        if self.ahead.is_empty() {
            scratch::give(std::mem::take(&mut self.ahead));
        }
    }

    fn gather(&mut self, bytes: &[u8]) {
        if self.spare.looks() {
            let mut changed = bytes.to_vec();
            self.spare.pass(&mut changed);
            self.gathered.put_slice(&changed);
        } else {
            self.gathered.put_slice(bytes);
        }
        self.pass(bytes);
    }

    /// Bytes have left, or are as good as gone.
    fn pass(&mut self, bytes: &[u8]) {
        let calm = &mut self.calm;
        self.written
            .pass(bytes, |frame| calm.count(Direction::Out, frame));
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(kind) = self.failed {
            return Poll::Ready(Err(kind.into()));
        }
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        if length > SMALL || self.gathered.len() + length > GATHER {
            ready!(self.poll_out(cx))?;
        }
        if length <= SMALL {
            bufs.iter().for_each(|buf| self.gather(buf));
            return Poll::Ready(Ok(length));
        }
        self.spare.give_up();
        let written = match Pin::new(&mut self.io).poll_write_vectored(cx, bufs) {
            Poll::Ready(written) => written?,
            Poll::Pending => {
                self.blocked.get_or_insert_with(clock::read);
                return Poll::Pending;
            }
        };
        self.blocked = None;
        let mut rest = written;
        for buf in bufs {
            let piece = buf.get(..rest.min(buf.len())).unwrap_or_default();
            rest -= piece.len();
            self.pass(piece);
        }
        Poll::Ready(Ok(written))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut inner = self.0.lock();
        if let Some(kind) = inner.failed {
            return Poll::Ready(Err(kind.into()));
        }
        if inner.calm.lost() {
            // The task is about to end it, and asks for no more.
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(inner.poll_in(cx, buf))?;
        let came = buf.filled().get(before..).unwrap_or_default();
        let inner = &mut *inner;
        inner.heard += came.len() as u64;
        let calm = &mut inner.calm;
        inner
            .read
            .pass(came, |frame| calm.count(Direction::In, frame));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().poll_write(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().poll_write(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Not yet: see [`Hold::flush`].
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.lock();
        ready!(inner.poll_out(cx))?;
        Pin::new(&mut inner.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures_util::task::noop_waker;
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Counts what it is asked for.
    #[derive(Default)]
    struct Counting {
        incoming: VecDeque<u8>,
        reads: usize,
        written: Arc<Mutex<Vec<usize>>>,
    }

    impl AsyncRead for Counting {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let length = buf.remaining().min(self.incoming.len());
            if length == 0 {
                return Poll::Pending;
            }
            self.reads += 1;
            assert!(self.reads <= 4, "too many reads");
            buf.put_slice(&self.incoming.drain(..length).collect::<Vec<_>>());
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Counting {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(buf)])
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let length = bufs.iter().map(|buf| buf.len()).sum();
            self.written.lock().push(length);
            Poll::Ready(Ok(length))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn data(length: usize) -> Vec<u8> {
        let mut frame = (length as u32).to_be_bytes()[1..].to_vec();
        frame.extend([0, 0, 0, 0, 0, 1]);
        frame.extend((0..length).map(|at| at as u8));
        frame
    }

    #[test]
    fn a_body_of_64_kib_leaves_in_one_write() {
        let io = Counting::default();
        let written = io.written.clone();
        let (mut wire, hold) = wire(Box::new(io), Client::Peer, 100);
        let waker = noop_waker();
        let cx = &mut Context::from_waker(&waker);
        let frame = data(16 << 10);
        for _ in 0..4 {
            let (head, rest) = frame.split_at(256);
            let bufs = [IoSlice::new(head), IoSlice::new(rest)];
            let polled = Pin::new(&mut wire).poll_write_vectored(cx, &bufs);
            assert!(matches!(polled, Poll::Ready(Ok(n)) if n == frame.len()));
        }
        assert!(!hold.flush(cx));
        assert_eq!(*written.lock(), [4 * frame.len()]);
        // A writer that never ends its turn is written out as well.
        for _ in 0..8 {
            let polled = Pin::new(&mut wire).poll_write(cx, &frame);
            assert!(polled.is_ready());
            assert!(hold.0.lock().gathered.len() <= GATHER);
        }
        assert_eq!(written.lock().len(), 2);
    }

    #[tokio::test]
    async fn what_comes_in_bulk_is_read_in_large_pieces_and_a_quiet_wire_holds_none() {
        let sent = data(64 << 10);
        let io = Counting {
            incoming: sent.iter().copied().collect(),
            ..Counting::default()
        };
        let (mut wire, hold) = wire(Box::new(io), Client::Us, 100);
        let mut came = Vec::new();
        let mut room = [0; 8 << 10];
        while came.len() < sent.len() {
            let length = wire.read(&mut room).await.unwrap();
            came.extend_from_slice(&room[..length]);
        }
        assert!(came == sent);
        assert_eq!(hold.standing().heard, sent.len() as u64);
        let inner = hold.0.lock();
        assert_eq!(inner.ahead.capacity(), 0);
    }
}
