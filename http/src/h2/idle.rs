//! A bound on how long a body may stand still.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};
use wireloom_codecs::clock;

/// What has moved of a streamed exchange so far, in both directions: a stream that is quiet one way is not idle.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved(Arc<AtomicU64>);

impl Moved {
    /// Answers how many there are now.
    pub(super) fn add(&self, parts: u64) -> u64 {
        self.0.fetch_add(parts, Ordering::Relaxed) + parts
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ready when nothing has moved for `limit`. The timer exists only once something had to wait, and is moved only when
/// it fires: progress costs no more than a comparison.
pub(super) struct Idle {
    limit: Duration,
    moved: u64,
    /// When the last progress was noticed.
    since: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    /// No limit if it is zero.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            moved: 0,
            since: None,
            sleep: None,
        }
    }

    /// Another limit, from now on; none if it is zero.
    pub(super) fn set(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Asked after whatever it bounds could not go on. `moved` is a number that changes with any progress.
    pub(super) fn poll(&mut self, moved: u64, cx: &mut Context<'_>) -> Poll<()> {
        if self.limit.is_zero() {
            return Poll::Pending;
        }
        if self.since.is_none() || moved != self.moved {
            self.moved = moved;
            self.since = Some(clock::read());
        }
        let Some(since) = self.since else {
            return Poll::Pending;
        };
        let due = since + self.limit;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(due.into())));
        while sleep.as_mut().poll(cx).is_ready() {
            if clock::read() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due.into());
        }
        Poll::Pending
    }
}
