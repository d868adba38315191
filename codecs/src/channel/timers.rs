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

use super::driver::{Driver, Pending, Waiter};
use crate::{ChannelState, Codec, ConnError, ErrorKind, KeepAlive, Mode, Outbound};

/// Deadlines are met this much late at the most; scans are no more frequent than that.
const COARSE: Duration = Duration::from_millis(5);
/// How long a peer may leave what we write unread.
const WRITE_STALL: Duration = Duration::from_secs(30);
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
    /// When writing last got on, while something waits to be written.
    stalled: Option<Instant>,
    /// When the heartbeat under way counts as missed.
    ping: Option<Instant>,
    missed: u32,
}

impl Timers {
    pub(super) fn new(keep_alive: Option<KeepAlive>, idle: Duration) -> Self {
        let now = Instant::now();
        let idle = if idle.is_zero() { FAR } else { idle.min(FAR) };
        Self {
            sleep: Box::pin(sleep_until((now + FAR).into())),
            armed: now + FAR,
            deadline: None,
            keep_alive: keep_alive.filter(|k| !k.interval.is_zero()),
            idle,
            heard: now,
            called: now,
            stalled: None,
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
        if after == 0 {
            self.stalled = None;
        } else if after < before || self.stalled.is_none() {
            self.stalled = Some(now);
        }
    }

    fn next(&self) -> Instant {
        let mut next = self.called + self.idle;
        if let Some(deadline) = self.deadline {
            next = next.min(deadline);
        }
        if let Some(stalled) = self.stalled {
            next = next.min(stalled + WRITE_STALL);
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
        if self.timers.deadline.is_some_and(|deadline| deadline <= now) {
            self.expire(now)?;
        }
        let stalled = self.timers.stalled;
        if stalled.is_some_and(|since| now >= since + WRITE_STALL) {
            return Err(ConnError::Timeout("write"));
        }
        self.keep_alive(now)?;
        if now >= self.timers.called + self.timers.idle {
            if self.slots.live() == 0 && self.unsent.is_empty() {
                return Ok(ControlFlow::Break(()));
            }
            self.timers.called = now;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Ends the calls whose time is up. Their slots stay taken until the late replies come.
    fn expire(&mut self, now: Instant) -> Result<(), ConnError> {
        let due = |pending: &Pending| {
            matches!(pending.waiter, Waiter::Call(_)) && pending.deadline <= now
        };
        let mut expired = Vec::new();
        let mut next: Option<Instant> = None;
        let mut later = |deadline: Instant| {
            next = Some(next.map_or(deadline, |first| first.min(deadline)));
        };
        self.slots.quarantine_if(
            |pending| {
                let due = due(pending);
                if !due && matches!(pending.waiter, Waiter::Call(_)) {
                    later(pending.deadline);
                }
                due
            },
            |pending| expired.push(pending),
        );
        for pending in expired {
            self.fail(
                pending,
                ErrorKind::Timeout,
                "no answer from the upstream",
                true,
            );
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
        if self.slots.quarantined() > 0 && C::MODE == Mode::PingPong {
            // The next reply would answer the wrong request.
            return Err(ConnError::Timeout("reply"));
        }
        if self.slots.quarantined() >= self.capacity {
            self.drain();
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
            None => {}
        }
        if self.shared.state() == ChannelState::Closed {
            return Ok(());
        }
        let pending = Pending {
            deadline: now + FAR,
            waiter: Waiter::Ping,
        };
        self.timers.ping = Some(now + keep_alive.timeout);
        match self.slots.insert(pending) {
            Ok(id) => self.codec.encode(Outbound::Ping(id), &mut self.write),
            Err(_) => Ok(()),
        }
    }
}
