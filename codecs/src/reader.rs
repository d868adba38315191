//! The reading half of a framed connection: borrowed blocks for small frames, reserved memory for large ones.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use tokio_util::io::poll_read_buf;

use crate::budget::Account;
use crate::progress::Progress;
use crate::{
    ByteBudget, Claim, Codec, ConnError, ErrorKind, FrameLimits, Inbound, Io, LocalError, Reserved,
    scratch,
};

/// Frames from this size on get memory of their own, reserved from the budget before it is read.
const LARGE: usize = 16 << 10;
/// How long after one frame was turned away for want of memory others are turned away without waiting.
const RECENT: Duration = Duration::from_secs(5);

/// What reading came to.
pub(crate) enum Read {
    /// More bytes are there.
    Some,
    /// The peer will send no more.
    End,
}

/// What became of a frame that there was no memory for.
pub(crate) enum Shed {
    /// It waits on.
    Waits,
    /// It is thrown away as it comes; its fault is told at its end.
    Begun,
    /// This is its fault; the rest is thrown away.
    Told(Box<Inbound>),
}

/// Buffered bytes of a connection, and what its frames hold of the worker's memory.
pub(crate) struct Reader {
    buffer: BytesMut,
    /// The longest frame, in bytes.
    limit: usize,
    claim: Claim,
    account: Account,
    /// Reserved for the large frame under way, and that frame's length.
    large: Option<(Reserved, usize)>,
    /// How the frame under way comes.
    frame: Option<Progress>,
    /// Since when a large frame has waited for memory.
    starving: Option<Instant>,
    /// When the last one was turned away for want of memory.
    shed: Option<Instant>,
    /// One is being turned away: the next event is its fault.
    shedding: bool,
    /// See [`Self::uncovered`].
    uncovered: usize,
}

impl Reader {
    /// Starts with what was read already. `limit` is the longest frame that the codec lets through.
    pub(crate) fn new(prefix: &[u8], limit: usize, budget: ByteBudget) -> Self {
        Self {
            buffer: BytesMut::from(prefix),
            limit,
            claim: budget.claim(),
            account: Account::new(budget),
            large: None,
            frame: None,
            starving: None,
            shed: None,
            shedding: false,
            uncovered: 0,
        }
    }

    /// Bytes of a frame that is not whole yet.
    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// True while what the peer sends stays unread for want of memory.
    pub(crate) fn waits_for_memory(&self) -> bool {
        self.claim.waits()
    }

    /// Decoding pauses here. `held` bytes of small frames are kept alive by the connection's exchanges.
    pub(crate) fn settle(&mut self, held: usize) {
        if self.buffer.is_empty() {
            self.release();
        }
        self.account.set(held);
    }

    /// The next event in what was read. A large frame's message holds the memory reserved for it; for others see
    /// [`Self::uncovered`].
    pub(crate) fn decode<C: Codec>(
        &mut self,
        codec: &mut C,
        now: Instant,
    ) -> Result<Option<Inbound>, ConnError> {
        let before = self.buffer.len();
        // Looked at where it lies: an event is large, and moving it costs more than all that is done here.
        let mut decoded = match before {
            0 => Ok(None),
            _ => codec.decode(&mut self.buffer),
        };
        match &mut decoded {
            Ok(Some(event)) => self.decoded(event, before),
            Ok(None) => self.undecoded(codec, before, now),
            Err(_) => {}
        }
        decoded
    }

    /// How many bytes of the last event's frame no reservation covers.
    pub(crate) fn uncovered(&self) -> usize {
        self.uncovered
    }

    /// An event was read from a buffer of `before` bytes.
    fn decoded(&mut self, event: &mut Inbound, before: usize) {
        self.frame = None;
        if std::mem::take(&mut self.shedding)
            && let Inbound::Fault(_, fault) = event
        {
            let what = "no memory for a large message";
            fault.error = LocalError::new(ErrorKind::Overloaded, what);
        }
        self.uncovered = before - self.buffer.len();
        if let Some((reserved, _)) = self.large.take() {
            self.uncovered = 0;
            let hold = Some(Arc::new(reserved));
            match event {
                Inbound::Request(_, request) => request.hold = hold,
                Inbound::Response(_, response) => response.hold = hold,
                Inbound::Control(_) | Inbound::Fault(..) => {}
            }
        }
    }

    /// The codec wants more than the `before` bytes that there were.
    fn undecoded<C: Codec>(&mut self, codec: &C, before: usize, now: Instant) {
        if self.buffer.is_empty() {
            self.release();
        }
        if self.buffer.is_empty() && !codec.mid_frame() {
            self.frame = None;
        } else if self.frame.is_none() {
            self.frame = Some(Progress::begun(now, before));
        }
    }

    /// Reads once. Pending also while the budget has nothing left for the frame that comes.
    pub(crate) fn poll_read<C: Codec>(
        &mut self,
        io: &mut Box<dyn Io>,
        codec: &C,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Read, ConnError>> {
        // If all that was announced is there and the codec wants more, it has announced too little.
        if self
            .large
            .as_ref()
            .is_none_or(|(_, frame)| self.buffer.len() >= *frame)
        {
            match self.poll_memory(codec, cx) {
                Poll::Ready(ready) => {
                    self.starving = None;
                    ready?;
                }
                Poll::Pending => {
                    if self.claim.reserves() {
                        self.starving.get_or_insert(now);
                    }
                    // The peer is not to blame for the time that passes meanwhile.
                    self.excuse_frame(now);
                    return Poll::Pending;
                }
            }
        }
        let room = match &self.large {
            // Exactly the frame, so that nothing of the next one shares its memory.
            Some((_, frame)) => frame.saturating_sub(self.buffer.len()),
            None => usize::MAX,
        };
        let polled = self.poll_fill(io, room, cx);
        if self.buffer.is_empty() {
            self.release();
        }
        let read = ready!(polled)?;
        if let Some(frame) = &mut self.frame {
            frame.moved(now, read);
        }
        Poll::Ready(Ok(if read == 0 { Read::End } else { Read::Some }))
    }

    /// Ready when there is memory for what comes next.
    fn poll_memory<C: Codec>(
        &mut self,
        codec: &C,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ConnError>> {
        let announced = match self.buffer.len() {
            0 => None,
            // What is buffered is no frame.
            _ if codec.mid_frame() => None,
            buffered => codec.pending_frame(&self.buffer).or(Some(buffered)),
        };
        match announced {
            // The codec should have refused it. Nothing is allocated by an announced length without a bound.
            Some(frame) if frame.max(self.buffer.len()) > self.limit => {
                let what = "a frame over the limit is not refused";
                return Poll::Ready(Err(ConnError::protocol(C::ID.as_str(), what)));
            }
            Some(frame) if frame >= LARGE && frame > self.buffer.len() => {
                match &mut self.large {
                    Some((reserved, announced)) => {
                        ready!(self.claim.poll_grow(reserved, frame, cx));
                        *announced = frame;
                    }
                    None => {
                        let reserved = ready!(self.claim.poll_reserve(frame, cx));
                        self.large = Some((reserved, frame));
                    }
                }
                let mut own = BytesMut::with_capacity(frame);
                own.put_slice(&self.buffer);
                scratch::give(std::mem::replace(&mut self.buffer, own));
            }
            _ => {
                self.large = None;
                ready!(self.claim.poll_solvent(cx));
            }
        }
        Poll::Ready(Ok(()))
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
        // Also one without room left, which may be the rest of a large one.
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.capacity() > 0 {
            scratch::give(buffer);
        }
    }

    /// When the frame under way must be whole, or have got on: see [`Progress::deadline`].
    pub(crate) fn frame_deadline(&self, grace: Duration, idle: Duration) -> Option<Instant> {
        Some(self.frame?.deadline(grace, idle, Progress::SLOWEST))
    }

    /// Nothing is read for now: the frame under way waits for us, and others may have the memory that it waits for.
    pub(crate) fn pause(&mut self, now: Instant) {
        self.claim.leave();
        self.starving = None;
        self.excuse_frame(now);
    }

    /// When the large frame that waits for memory is to be [shed](Self::shed); at once if another was just now.
    pub(crate) fn shed_at(&self, patience: Duration) -> Option<Instant> {
        let since = self.starving?;
        let recent = self.shed.is_some_and(|shed| since < shed + RECENT);
        Some(if recent { since } else { since + patience })
    }

    /// Turns the frame away that waits for memory, if the codec knows how, so that reading goes on.
    pub(crate) fn shed<C: Codec>(
        &mut self,
        codec: &mut C,
        limits: FrameLimits,
        now: Instant,
    ) -> Result<Shed, ConnError> {
        self.starving = None;
        let frame = limits.frame.min(LARGE - 1);
        codec.set_limits(FrameLimits { frame, ..limits });
        self.shedding = true;
        let decoded = self.decode(codec, now);
        codec.set_limits(limits);
        let shed = match decoded? {
            Some(event) => Shed::Told(Box::new(event)),
            None if codec.mid_frame() => Shed::Begun,
            None => {
                self.shedding = false;
                return Ok(Shed::Waits);
            }
        };
        self.claim.leave();
        self.shed = Some(now);
        Ok(shed)
    }

    fn excuse_frame(&mut self, now: Instant) {
        if let Some(frame) = &mut self.frame {
            frame.excuse(now);
        }
    }
}

#[cfg(test)]
mod tests;
