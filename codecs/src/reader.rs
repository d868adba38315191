//! The reading half of a framed connection: borrowed blocks for small frames, reserved memory for large ones.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use tokio_util::io::poll_read_buf;

use crate::budget::Account;
use crate::{ByteBudget, Codec, ConnError, Inbound, Io, Reserved, scratch};

/// Frames from this size on get memory of their own, reserved from the budget before it is read.
const LARGE: usize = 16 << 10;
/// The slowest that a large frame may come, in bytes per second, beyond the time that any frame has.
const SLOWEST: u64 = 64 << 10;

/// What reading came to.
pub(crate) enum Read {
    /// More bytes are there.
    Some,
    /// The peer will send no more.
    End,
}

/// Buffered bytes of a connection, and what its frames hold of the worker's memory.
pub(crate) struct Reader {
    buffer: BytesMut,
    budget: ByteBudget,
    account: Account,
    /// Reserved for the large frame under way, and that frame's length.
    large: Option<(Reserved, usize)>,
    /// When the frame under way began to come.
    since: Option<Instant>,
}

impl Reader {
    pub(crate) fn new(prefix: &[u8], budget: ByteBudget) -> Self {
        Self {
            buffer: BytesMut::from(prefix),
            account: Account::new(budget.clone()),
            budget,
            large: None,
            since: None,
        }
    }

    /// Bytes of a frame that is not whole yet.
    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Tells how many bytes of small frames the connection's exchanges keep alive.
    pub(crate) fn account(&mut self, bytes: usize) {
        self.account.set(bytes);
    }

    /// The next event in what was read, and the length of its frame. A large frame's message holds its reservation.
    pub(crate) fn decode<C: Codec>(
        &mut self,
        codec: &mut C,
        now: Instant,
    ) -> Result<Option<(Inbound, usize)>, ConnError> {
        if self.buffer.is_empty() {
            self.release();
            return Ok(None);
        }
        let before = self.buffer.len();
        let Some(mut event) = codec.decode(&mut self.buffer)? else {
            if self.buffer.is_empty() {
                self.release();
            } else {
                self.since.get_or_insert(now);
            }
            return Ok(None);
        };
        self.since = None;
        if let Some((reserved, _)) = self.large.take() {
            let hold = Some(Arc::new(reserved));
            match &mut event {
                Inbound::Request(_, request) => request.hold = hold,
                Inbound::Response(_, response) => response.hold = hold,
                Inbound::Control(_) | Inbound::Fault(..) => {}
            }
        }
        Ok(Some((event, before - self.buffer.len())))
    }

    /// Reads once. Pending also while the budget has nothing left for the frame that comes.
    pub(crate) fn poll_read<C: Codec>(
        &mut self,
        io: &mut Box<dyn Io>,
        codec: &C,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Read>> {
        if self.large.is_none() {
            let announced = if self.buffer.is_empty() {
                None
            } else {
                codec.pending_frame(&self.buffer)
            };
            match announced {
                Some(frame) if frame >= LARGE && frame > self.buffer.len() => {
                    let reserved = ready!(self.budget.poll_reserve(frame, cx));
                    self.large = Some((reserved, frame));
                    let mut own = BytesMut::with_capacity(frame);
                    own.put_slice(&self.buffer);
                    scratch::give(std::mem::replace(&mut self.buffer, own));
                }
                _ => ready!(self.budget.poll_solvent(cx)),
            }
        }
        let room = match &self.large {
            // Exactly the frame, so that nothing of the next one shares its memory.
            Some((_, frame)) => frame.saturating_sub(self.buffer.len()).max(1),
            None => usize::MAX,
        };
        let polled = self.poll_fill(io, room, cx);
        if self.buffer.is_empty() {
            self.release();
        }
        match ready!(polled)? {
            0 => Poll::Ready(Ok(Read::End)),
            _ => Poll::Ready(Ok(Read::Some)),
        }
    }

    fn poll_fill(
        &mut self,
        io: &mut Box<dyn Io>,
        room: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() == 0 {
            self.buffer = scratch::take();
        }
        if self.buffer.capacity() - self.buffer.len() < room.min(scratch::BLOCK / 8) {
            self.buffer.reserve(scratch::BLOCK.min(room));
        }
        poll_read_buf(Pin::new(io), cx, &mut (&mut self.buffer).limit(room))
    }

    fn release(&mut self) {
        if self.buffer.capacity() > 0 {
            scratch::give(std::mem::take(&mut self.buffer));
        }
        self.since = None;
    }

    /// When the frame under way must be whole: `allowed` after it began, and what a slow sender of a large one needs.
    pub(crate) fn frame_deadline(&self, allowed: Duration) -> Option<Instant> {
        let length = self.large.as_ref().map_or(0, |(_, frame)| *frame as u64);
        Some(self.since? + allowed + Duration::from_secs(length / SLOWEST))
    }

    /// The frame's time starts anew: it waited for us and not for the peer.
    pub(crate) fn excuse(&mut self, now: Instant) {
        if self.since.is_some() {
            self.since = Some(now);
        }
    }
}
