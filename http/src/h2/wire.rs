//! The byte stream under h2: it writes once per turn, and counts frames as they pass.
//!
//! h2 flushes after every frame of some size; here small writes are gathered until the connection's task says that its
//! turn is over. What passes is looked at nine bytes per frame, to see what h2 does not count: frames that cost the peer
//! nothing and us a little, for ever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wireloom_codecs::Io;

use super::frames::{Calm, Direction, Frames};
use super::server::PREFACE;
use super::spare::Spare;

/// Writes up to this size are gathered; larger ones go out at once, behind what was gathered.
const SMALL: usize = 4 << 10;
/// What is gathered at the most.
const GATHER: usize = 32 << 10;

/// Who began the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Peer,
    Us,
}

/// What h2 reads and writes.
pub(super) struct Wire(Arc<Mutex<Inner>>);

/// The task's hold on it.
pub(super) struct Hold(Arc<Mutex<Inner>>);

struct Inner {
    io: Box<dyn Io>,
    gathered: Vec<u8>,
    /// How much of that has left already.
    left: usize,
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
        gathered: Vec::new(),
        left: 0,
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
            Poll::Ready(Ok(())) => match Pin::new(&mut inner.io).poll_flush(cx) {
                Poll::Ready(Err(error)) => inner.fail(&error),
                Poll::Ready(Ok(())) | Poll::Pending => false,
            },
            Poll::Ready(Err(error)) => inner.fail(&error),
            Poll::Pending => false,
        }
    }

    /// Since when the peer takes nothing of what waits for it.
    pub(super) fn blocked(&self) -> Option<Instant> {
        self.0.lock().blocked
    }

    /// Grows with everything that comes.
    pub(super) fn heard(&self) -> u64 {
        self.0.lock().heard
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
        while let Some(rest) = self
            .gathered
            .get(self.left..)
            .filter(|rest| !rest.is_empty())
        {
            match Pin::new(&mut self.io).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    self.left += written;
                    self.blocked = None;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.blocked.get_or_insert_with(Instant::now);
                    return Poll::Pending;
                }
            }
        }
        if self.left > 0 {
            self.left = 0;
            // A quiet connection holds no buffer.
            self.gathered = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    fn waiting(&self) -> usize {
        self.gathered.len() - self.left
    }

    fn gather(&mut self, bytes: &[u8]) {
        let before = self.gathered.len();
        self.gathered.extend_from_slice(bytes);
        if let Some(new) = self.gathered.get_mut(before..) {
            self.spare.pass(new);
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
        if length <= SMALL && self.waiting() + length <= GATHER {
            bufs.iter().for_each(|buf| self.gather(buf));
            return Poll::Ready(Ok(length));
        }
        ready!(self.poll_out(cx))?;
        self.spare.give_up();
        let written = match Pin::new(&mut self.io).poll_write_vectored(cx, bufs) {
            Poll::Ready(written) => written?,
            Poll::Pending => {
                self.blocked.get_or_insert_with(Instant::now);
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
        ready!(Pin::new(&mut inner.io).poll_read(cx, buf))?;
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
