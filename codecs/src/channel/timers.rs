//! Deadlines, heartbeats and idleness of an upstream connection, on one coarse timer.
//!
//! The timer is armed for the earliest thing that may be due, and moved only when something must come sooner. A call
//! costs one comparison; when the timer fires, everything is looked at, and calls that ended meanwhile cost nothing.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};

use super::driver::{Driver, PATIENCE, Pending};
use crate::clock;
use crate::progress::Progress;
use crate::reader::Reader;
use crate::{Codec, ConnError, ErrorKind, KeepAlive, Mode, Outbound};

/// Deadlines are met this much late at the most; scans are no more frequent than that.
const COARSE: Duration = Duration::from_millis(5);
/// How long a peer may leave what we write unread, or a frame of its own unfinished.
const STALL: Duration = Duration::from_secs(30);
/// The slowest that a peer may read, in bytes per second, beyond that.
const SLOWEST: u64 = 16 << 10;
/// Longer than any timer needs; keeps sums of instants small.
const FAR: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Timers {
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
    /// No call ends before this.
    deadline: Option<Instant>,
    keep_alive: Option<KeepAlive>,
    idle: Duration,
    /// When anything was last read.
    heard: Instant,
    /// When a call was last taken.
    called: Instant,
    /// How the peer reads, while something waits to be written.
    writing: Option<Progress>,
    /// When the frame under way has taken too long.
    frame: Option<Instant>,
    /// When the frame that waits for memory is to be turned away.
    shed: Option<Instant>,
    /// When the heartbeat under way counts as missed.
    ping: Option<Instant>,
    missed: u32,
}

impl Timers {
    pub(super) fn new(keep_alive: Option<KeepAlive>, idle: Duration) -> Self {
        let now = clock::read();
        let idle = if idle.is_zero() { FAR } else { idle.min(FAR) };
        Self {
            sleep: Box::pin(sleep_until((now + FAR).into())),
            armed: now + FAR,
            deadline: None,
            keep_alive: keep_alive.filter(|k| !k.interval.is_zero()),
            idle,
            heard: now,
            called: now,
            writing: None,
            frame: None,
            shed: None,
            ping: None,
            missed: 0,
        }
    }

    /// Something came: the peer lives.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.ping = None;
        self.missed = 0;
    }

    /// A call was taken.
    pub(super) fn called(&mut self, now: Instant, deadline: Instant) {
        self.called = now;
        self.deadline = Some(self.deadline.map_or(deadline, |first| first.min(deadline)));
    }

    /// A write took the queue from `before` to `after` bytes.
    pub(super) fn wrote(&mut self, now: Instant, before: usize, after: usize) {
        self.writing = Progress::of_queue(self.writing, now, before, after);
    }

    /// Something came, or could not be read.
    pub(super) fn reading(&mut self, reader: &Reader) {
        self.frame = reader.frame_deadline(STALL, STALL);
        self.shed = reader.shed_at(PATIENCE);
    }

    fn stalled(&self) -> Option<Instant> {
        Some(self.writing?.deadline(STALL, STALL, SLOWEST))
    }

    fn next(&self) -> Instant {
        let mut next = self.called + self.idle;
        for due in [self.deadline, self.stalled(), self.frame, self.shed] {
            next = due.map_or(next, |due| next.min(due));
        }
        match (self.ping, self.keep_alive) {
            (Some(missed), _) => next.min(missed),
            (None, Some(keep_alive)) => next.min(self.heard + keep_alive.interval),
            (None, None) => next,
        }
    }

    /// Ready when something may be due.
    pub(super) fn poll(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let next = self.next();
        if next < self.armed || self.armed <= now {
            self.armed = next.max(now + COARSE);
            self.sleep.as_mut().reset(self.armed.into());
        }
        self.sleep.as_mut().poll(cx)
    }
}

impl<C: Codec> Driver<C> {
    /// Does what is due at `now`. Breaks when the connection has been idle for long enough.
    pub(super) fn run_timers(&mut self, now: Instant) -> Result<ControlFlow<()>, ConnError> {
        if self.timers.next() > now {
            return Ok(ControlFlow::Continue(()));
        }
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.timers.deadline) {
            self.expire(now, false)?;
        }
        if due(self.timers.stalled()) {
            return Err(ConnError::Timeout("write"));
        }
        if due(self.timers.frame) {
            return Err(ConnError::Timeout("frame"));
        }
        self.keep_alive(now)?;
        if now >= self.timers.called + self.timers.idle {
            // A call without a deadline whose caller is gone has no other time to end at.
            self.expire(now, true)?;
            if self.slots.live() == 0 && self.unsent.is_empty() {
                return Ok(ControlFlow::Break(()));
            }
            self.timers.called = now;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Ends the calls whose time is up, and if asked those whose callers are gone. Their slots stay taken until the
    /// late replies come.
    pub(super) fn expire(&mut self, now: Instant, abandoned: bool) -> Result<(), ConnError> {
        let mut expired = Vec::new();
        let mut next: Option<Instant> = None;
        let mut later = |deadline: Instant| {
            next = Some(next.map_or(deadline, |first| first.min(deadline)));
        };
        self.slots.quarantine_if(
            |pending: &Pending| {
                let due = pending.deadline <= now || abandoned && pending.reply.is_closed();
                if !due {
                    later(pending.deadline);
                }
                due
            },
            |pending| expired.push(pending),
        );
        for pending in expired {
            let what = "no answer from the upstream";
            self.fail(pending, ErrorKind::Timeout, what, true);
        }
        for call in std::mem::take(&mut self.unsent) {
            if call.deadline <= now {
                self.fail_unsent(call, ErrorKind::Timeout, "the upstream does not read");
            } else {
                later(call.deadline);
                self.unsent.push_back(call);
            }
        }
        self.timers.deadline = next;
        if self.slots.quarantined() > 0 && self.mode == Mode::PingPong {
            // The next reply would answer the wrong request.
            return Err(ConnError::Timeout("reply"));
        }
        if self.slots.quarantined() >= self.capacity {
            self.retire();
        }
        Ok(())
    }

    /// Pings a quiet peer; gives one up that does not answer.
    fn keep_alive(&mut self, now: Instant) -> Result<(), ConnError> {
        let Some(keep_alive) = self.timers.keep_alive else {
            return Ok(());
        };
        match self.timers.ping {
            Some(missed) if now >= missed => {
                self.events.missed_ping();
                self.timers.missed += 1;
                if self.timers.missed >= keep_alive.misses {
                    return Err(ConnError::Timeout("heartbeat"));
                }
            }
            Some(_) => return Ok(()),
            None if now < self.timers.heard + keep_alive.interval => return Ok(()),
            None if self.mode == Mode::PingPong && self.slots.live() > 0 => {
                // There is no telling whose the next answer would be. The call has a deadline.
                self.timers.heard = now;
                return Ok(());
            }
            None => {}
        }
        self.timers.ping = Some(now + keep_alive.timeout);
        match self.slots.spare_id() {
            Some(id) => self.codec.encode(Outbound::Ping(id), &mut self.write),
            None => Ok(()),
        }
    }
}
