//! A brake on warnings that a peer can cause at will.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Lets one event through per second, and counts those in between. Fit for a `static`, and lock-free.
///
/// ```
/// use wireloom_telemetry::Limited;
/// static UNKNOWN: Limited = Limited::new();
/// if let Some(suppressed) = UNKNOWN.pass() {
///     tracing::warn!(suppressed, "first bytes of no known protocol");
/// }
/// ```
#[derive(Debug)]
pub struct Limited {
    period: u64,
    /// Milliseconds since the first use in this process, from which on the next event passes.
    next: AtomicU64,
    suppressed: AtomicU64,
}

fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

impl Limited {
    /// One event per second.
    pub const fn new() -> Self {
        Self::every(Duration::from_secs(1))
    }

    /// One event per `period`, in whole milliseconds.
    pub const fn every(period: Duration) -> Self {
        Self {
            period: period.as_millis() as u64,
            next: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }

    /// None if the event is to be kept quiet; else how many were, since the last one that passed.
    pub fn pass(&self) -> Option<u64> {
        self.pass_at(now())
    }

    fn pass_at(&self, now: u64) -> Option<u64> {
        let next = self.next.load(Relaxed);
        let later = now.saturating_add(self.period);
        // Of several threads at once one wins the exchange; the others count as suppressed.
        let won = now >= next
            && self
                .next
                .compare_exchange(next, later, Relaxed, Relaxed)
                .is_ok();
        if won {
            Some(self.suppressed.swap(0, Relaxed))
        } else {
            self.suppressed.fetch_add(1, Relaxed);
            None
        }
    }
}

impl Default for Limited {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_per_period_and_the_rest_are_counted() {
        let limited = Limited::new();
        assert_eq!(limited.pass_at(0), Some(0));
        assert_eq!(limited.pass_at(1), None);
        assert_eq!(limited.pass_at(999), None);
        assert_eq!(limited.pass_at(1000), Some(2));
        assert_eq!(limited.pass_at(1001), None);
        assert_eq!(limited.pass_at(60_000), Some(1));
    }

    #[test]
    fn threads_together_pass_one() {
        let limited = Limited::every(Duration::from_secs(3600));
        let passed: usize = std::thread::scope(|scope| {
            let run = || (0..1000).filter(|_| limited.pass().is_some()).count();
            let all: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 1);
        assert_eq!(limited.suppressed.load(Relaxed), 3999);
    }
}
