//! How a transfer gets on. Whoever sends or reads more slowly than this holds memory that others wait for.

use std::time::{Duration, Instant};

/// A transfer under way: a frame that comes, or a queue that goes.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    since: Instant,
    last: Instant,
    bytes: u64,
}

impl Progress {
    /// The slowest that a message may come, in bytes per second, beyond the time that any message has.
    pub const SLOWEST: u64 = 64 << 10;

    /// It began at `now`, and `bytes` of it have moved.
    pub fn begun(now: Instant, bytes: usize) -> Self {
        Self {
            since: now,
            last: now,
            bytes: bytes as u64,
        }
    }

    /// So many more have moved.
    pub fn moved(&mut self, now: Instant, bytes: usize) {
        self.last = now;
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// How a queue gets on that a write took from `before` to `after` bytes; None once it is empty.
    pub fn of_queue(
        progress: Option<Self>,
        now: Instant,
        before: usize,
        after: usize,
    ) -> Option<Self> {
        if after == 0 {
            return None;
        }
        let mut progress = progress.unwrap_or_else(|| Self::begun(now, 0));
        if after < before {
            progress.moved(now, before - after);
        }
        Some(progress)
    }

    /// Its time starts anew: it waited for us and not for the peer.
    pub fn excuse(&mut self, now: Instant) {
        self.since = now;
        self.last = now;
    }

    /// When it must be over, or have got on: `grace` after it began and as much later as the bytes that moved take at
    /// `slowest` bytes per second, but no longer than `idle` after the last of them.
    ///
    /// What was announced buys no time, only what came.
    pub fn deadline(&self, grace: Duration, idle: Duration, slowest: u64) -> Instant {
        let earned = Duration::from_millis(self.bytes.saturating_mul(1000) / slowest.max(1));
        (self.since + grace + earned).min(self.last + idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bytes_buy_time_and_standing_still_costs_it() {
        let start = Instant::now();
        let deadline = |progress: &Progress| progress.deadline(10 * SECOND, 30 * SECOND, 1000);
        let mut progress = Progress::begun(start, 0);
        assert_eq!(deadline(&progress), start + 10 * SECOND);
        progress.moved(start + SECOND, 5000);
        assert_eq!(deadline(&progress), start + 15 * SECOND);
        progress.moved(start + SECOND, 1_000_000);
        assert_eq!(
            deadline(&progress),
            start + 31 * SECOND,
            "no progress since"
        );
        progress.excuse(start + 60 * SECOND);
        assert_eq!(deadline(&progress), start + 90 * SECOND);
    }
}
