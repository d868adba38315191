//! Idleness and drain of a downstream connection, on one coarse timer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use h2::server::Connection;
use tokio::time::{Sleep, sleep_until};
use wireloom_codecs::{ConnError, DrainPoll, DrainWatch, ServeLimits};

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
    drain_time: Duration,
    drain: DrainPoll,
    phase: Phase,
    /// Something began or ended since the last look.
    stirred: bool,
    active: Instant,
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
}

impl Timers {
    pub(super) fn new(limits: &ServeLimits, drain: DrainWatch) -> Self {
        let now = Instant::now();
        let idle = match limits.idle.is_zero() {
            true => FAR,
            false => limits.idle.min(FAR),
        };
        Self {
            idle,
            drain_time: limits.drain.min(FAR),
            drain: DrainPoll::new(drain),
            phase: Phase::Open,
            stirred: false,
            active: now,
            sleep: Box::pin(sleep_until((now + idle).into())),
            armed: now + idle,
        }
    }

    /// A request came, or one was done with.
    pub(super) fn stir(&mut self) {
        self.stirred = true;
    }

    /// Asked at the end of a turn. Ready when the connection is to be dropped, whatever is left on it.
    pub(super) fn poll<T>(
        &mut self,
        connection: &mut Connection<T, Bytes>,
        under_way: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ConnError>>
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        if self.stirred {
            self.stirred = false;
            self.active = Instant::now();
        }
        if self.drain.poll(cx).is_ready() {
            self.leave(connection, self.drain_time, cx);
        }
        loop {
            let due = self.due(under_way);
            if due < self.armed {
                self.arm(due);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if now < due {
                self.arm(due);
                continue;
            }
            match self.phase {
                // Nobody is idle who waits for an answer: that has times of its own.
                Phase::Open if under_way > 0 => self.active = now,
                Phase::Open => self.leave(connection, FAREWELL, cx),
                Phase::Leaving { .. } => {
                    connection.abrupt_shutdown(Reason::NO_ERROR);
                    self.phase = Phase::Closing {
                        end: now + FAREWELL,
                    };
                    cx.waker().wake_by_ref();
                }
                Phase::Closing { .. } => return Poll::Ready(Ok(())),
            }
        }
    }

    fn leave<T>(
        &mut self,
        connection: &mut Connection<T, Bytes>,
        within: Duration,
        cx: &mut Context<'_>,
    ) where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        if self.phase == Phase::Open {
            connection.graceful_shutdown();
            self.phase = Phase::Leaving {
                end: Instant::now() + within,
            };
            // h2 sends it when it is polled next.
            cx.waker().wake_by_ref();
        }
    }

    fn due(&self, under_way: usize) -> Instant {
        match self.phase {
            Phase::Open if under_way > 0 => self.active + FAR,
            Phase::Open => self.active + self.idle,
            Phase::Leaving { end } | Phase::Closing { end } => end,
        }
    }

    fn arm(&mut self, at: Instant) {
        self.armed = at;
        self.sleep.as_mut().reset(at.into());
    }
}
