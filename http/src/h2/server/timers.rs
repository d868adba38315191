//! The times of a downstream connection, on one coarse timer: idleness, drain, a client that does not read or is gone.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use h2::server::Connection;
use tokio::time::{Sleep, sleep_until};
use wireloom_codecs::clock;
use wireloom_codecs::http::HTTP2;
use wireloom_codecs::{ConnError, DrainPoll, DrainWatch, ServeLimits};

use super::super::half::Halves;
use super::super::pings::{Looked, Pings};
use super::super::wire::{Hold, Standing, Wire};

/// How long a client has to take a GOAWAY and to answer the PING after it, or to read the last bytes.
const FAREWELL: Duration = Duration::from_secs(5);
/// Longer than any timer needs; keeps sums of instants small.
const FAR: Duration = Duration::from_secs(24 * 3600);

/// Where the connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The first GOAWAY is on its way: streams are still taken, until h2 sends the second and real one.
    Leaving {
        end: Instant,
    },
    /// No stream goes on; what is queued may still leave.
    Closing {
        end: Instant,
    },
}

pub(super) struct Timers {
    idle: Duration,
    stall: Duration,
    drain_time: Duration,
    drain: DrainPoll,
    pings: Option<Pings>,
    halves: Halves,
    phase: Phase,
    /// Why it ends, if there is something to tell.
    fate: Option<ConnError>,
    /// The time of this turn, once something asked for it.
    turn: Option<Instant>,
    /// When a request last began or ended.
    active: Instant,
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
}

/// What is due at some time.
enum Due {
    Idle,
    /// A time of the phase's own.
    Phase,
    /// The client does not read.
    Stalled,
    /// A frame has begun and does not end.
    Half,
    /// Look at the keep-alive.
    Ping,
}

impl Timers {
    pub(super) fn new(limits: &ServeLimits, drain: DrainWatch, pings: Option<Pings>) -> Self {
        let now = clock::read();
        let idle = match limits.idle.is_zero() {
            true => FAR,
            false => limits.idle.min(FAR),
        };
        Self {
            idle,
            stall: limits.body_idle.min(FAR),
            drain_time: limits.drain.min(FAR),
            drain: DrainPoll::new(drain),
            pings,
            halves: Halves::new(limits.header_timeout, limits.body_idle),
            phase: Phase::Open,
            fate: None,
            turn: None,
            active: now,
            sleep: Box::pin(sleep_until((now + idle).into())),
            armed: now + idle,
        }
    }

    /// A request came, or one was done with. Answers the time, which is asked for once per turn.
    pub(super) fn stir(&mut self) -> Instant {
        let now = *self.turn.get_or_insert_with(clock::read);
        self.active = now;
        now
    }

    /// How the connection ended: as h2 has it, if we had no reason of our own.
    pub(super) fn fate(&mut self, result: Result<(), ConnError>) -> Result<(), ConnError> {
        match (self.fate.take(), result) {
            (Some(error), _) => Err(error),
            // Who was told goodbye may hang up on the rest of it.
            (None, Err(ConnError::Io(_))) if self.phase != Phase::Open => Ok(()),
            (None, result) => result,
        }
    }

    /// Asked at the end of a turn. Ready when the connection is to be dropped, whatever is left on it.
    pub(super) fn poll(
        &mut self,
        connection: &mut Connection<Wire, Bytes>,
        hold: &Hold,
        under_way: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ConnError>> {
        self.turn = None;
        if self.drain.poll(cx).is_ready() {
            self.leave(connection, self.drain_time, cx);
        }
        if hold.flooded() && !matches!(self.phase, Phase::Closing { .. }) {
            self.fate = Some(ConnError::protocol(
                HTTP2.as_str(),
                "the client sends too many frames that are of no use",
            ));
            self.close(connection, Reason::ENHANCE_YOUR_CALM, cx);
        }
        if under_way == 0 && self.fate.is_some() && matches!(self.phase, Phase::Leaving { .. }) {
            self.close(connection, Reason::NO_ERROR, cx);
        }
        loop {
            let (due, what) = self.due(&hold.standing(), under_way, cx);
            if due < self.armed {
                self.arm(due);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = clock::read();
            if now < due {
                self.arm(due);
                continue;
            }
            match (what, self.phase) {
                (Due::Stalled, _) => return Poll::Ready(Err(ConnError::Timeout("write"))),
                (Due::Ping, _) => {
                    let heard = hold.standing().heard;
                    if let Some(Looked::Missed) = self.look(heard, now, cx) {
                        return Poll::Ready(Err(ConnError::Timeout("heartbeat")));
                    }
                }
                (Due::Half, _) => self.give_up(connection, under_way, cx),
                (Due::Phase, Phase::Closing { .. }) => {
                    return Poll::Ready(self.fate(Ok(())));
                }
                (Due::Phase, _) => self.close(connection, Reason::NO_ERROR, cx),
                // Nobody is idle who waits for an answer: that has times of its own.
                (Due::Idle, _) if under_way > 0 => self.active = now,
                (Due::Idle, _) => self.leave(connection, FAREWELL, cx),
            }
        }
    }

    /// No request can come any more, behind half a frame. Those that came are still answered.
    fn give_up(
        &mut self,
        connection: &mut Connection<Wire, Bytes>,
        under_way: usize,
        cx: &mut Context<'_>,
    ) {
        self.fate = Some(ConnError::Timeout("frame"));
        match under_way {
            0 => self.close(connection, Reason::NO_ERROR, cx),
            _ => self.leave(connection, self.drain_time, cx),
        }
    }

    fn look(&mut self, heard: u64, now: Instant, cx: &mut Context<'_>) -> Option<Looked> {
        let pings = self.pings.as_mut()?;
        Some(pings.look(heard, now, cx))
    }

    fn leave(
        &mut self,
        connection: &mut Connection<Wire, Bytes>,
        within: Duration,
        cx: &mut Context<'_>,
    ) {
        if self.phase == Phase::Open {
            connection.graceful_shutdown();
            self.phase = Phase::Leaving {
                end: clock::read() + within,
            };
            // h2 sends it when it is polled next.
            cx.waker().wake_by_ref();
        }
    }

    fn close(
        &mut self,
        connection: &mut Connection<Wire, Bytes>,
        reason: Reason,
        cx: &mut Context<'_>,
    ) {
        connection.abrupt_shutdown(reason);
        self.phase = Phase::Closing {
            end: clock::read() + FAREWELL,
        };
        cx.waker().wake_by_ref();
    }

    fn due(
        &mut self,
        standing: &Standing,
        under_way: usize,
        cx: &mut Context<'_>,
    ) -> (Instant, Due) {
        let mut due = match self.phase {
            Phase::Open if under_way > 0 => (self.active + FAR, Due::Idle),
            Phase::Open => (self.active + self.idle, Due::Idle),
            Phase::Leaving { end } | Phase::Closing { end } => (end, Due::Phase),
        };
        if self.fate.is_none()
            && !matches!(self.phase, Phase::Closing { .. })
            && let Some(at) = self.halves.deadline(standing, clock::read)
            && at < due.0
        {
            due = (at, Due::Half);
        }
        if let Some(since) = standing.blocked
            && since + self.stall < due.0
        {
            due = (since + self.stall, Due::Stalled);
        }
        if self.pings.is_some() {
            let now = clock::read();
            let at = match self.look(standing.heard, now, cx) {
                Some(Looked::Again(at)) => at,
                Some(Looked::Missed) => now,
                None => due.0,
            };
            if at < due.0 {
                due = (at, Due::Ping);
            }
        }
        due
    }

    fn arm(&mut self, at: Instant) {
        self.armed = at;
        self.sleep.as_mut().reset(at.into());
    }
}
