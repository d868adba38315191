//! What is known against an endpoint, and whether it therefore takes calls.
//!
//! Health checks, outlier detection and whoever else knows something sets [`Mark`]s through
//! [`Cluster::mark`](crate::Cluster::mark), on any thread. Balancers do not look at marks: a change of them makes a new
//! [plan](crate::balance) as a change of membership does, so that a pick costs the same whether all are well or not.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Something against an endpoint. Each mark has one owner, who sets and clears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mark {
    /// Health checks have failed, or none has succeeded yet.
    FailedCheck = 1,
    /// It is an outlier among the cluster's endpoints.
    Ejected = 2,
    /// It has announced that it is about to go.
    Draining = 4,
    /// It says itself that others are the better choice.
    Degraded = 8,
}

/// What follows from an endpoint's marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It takes calls.
    #[default]
    Healthy,
    /// It takes calls that the healthy ones cannot take.
    Degraded,
    /// It takes calls only where so few are well that the marks are not believed (panic).
    Unhealthy,
    /// The same, for another reason.
    Ejected,
    /// It takes no new calls, whatever becomes of the others.
    Draining,
}

impl Condition {
    /// True if it takes calls by right, rather than for want of others.
    pub const fn takes_calls(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded)
    }
}

/// An endpoint's marks, and since when it has been fit to serve.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    bits: AtomicU8,
    /// Milliseconds of [`START`]'s clock, from 1; 0 = as long as the cluster.
    since: AtomicU64,
}

/// Where the clock of [`Marks::since`] begins.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Marks {
    /// Sets or clears a mark. True if that made a difference.
    pub(crate) fn set(&self, mark: Mark, on: bool) -> bool {
        let bit = mark as u8;
        let before = if on {
            self.bits.fetch_or(bit, Relaxed)
        } else {
            self.bits.fetch_and(!bit, Relaxed)
        };
        let changed = (before & bit != 0) != on;
        if changed && !fit(before) && fit(before & !bit) {
            self.joins(Instant::now());
        }
        changed
    }

    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.bits.load(Relaxed) & mark as u8 != 0
    }

    pub(crate) fn condition(&self) -> Condition {
        let bits = self.bits.load(Relaxed);
        let has = |mark: Mark| bits & mark as u8 != 0;
        if has(Mark::Draining) {
            Condition::Draining
        } else if has(Mark::Ejected) {
            Condition::Ejected
        } else if has(Mark::FailedCheck) {
            Condition::Unhealthy
        } else if has(Mark::Degraded) {
            Condition::Degraded
        } else {
            Condition::Healthy
        }
    }

    /// It begins to serve now, among others that do already.
    pub(crate) fn joins(&self, now: Instant) {
        let since = now.saturating_duration_since(*START).as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1);
        self.since.store(since, Relaxed);
    }

    /// Since when it has served; None if as long as the cluster.
    pub(crate) fn since(&self) -> Option<Instant> {
        let since = self.since.load(Relaxed).checked_sub(1)?;
        START.checked_add(Duration::from_millis(since))
    }
}

/// Whether an endpoint with these marks takes calls by right.
const fn fit(bits: u8) -> bool {
    bits & !(Mark::Degraded as u8) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_mark_decides() {
        let marks = Marks::default();
        assert_eq!(marks.condition(), Condition::Healthy);
        for (mark, condition) in [
            (Mark::Degraded, Condition::Degraded),
            (Mark::FailedCheck, Condition::Unhealthy),
            (Mark::Ejected, Condition::Ejected),
            (Mark::Draining, Condition::Draining),
        ] {
            assert!(marks.set(mark, true) && !marks.set(mark, true));
            assert_eq!(marks.condition(), condition);
            assert!(marks.has(mark));
        }
        assert!(marks.set(Mark::Draining, false) && !marks.set(Mark::Draining, false));
        assert_eq!(marks.condition(), Condition::Ejected);
    }

    #[test]
    fn the_last_bad_mark_that_goes_makes_a_newcomer() {
        let marks = Marks::default();
        marks.set(Mark::Degraded, true);
        marks.set(Mark::Degraded, false);
        marks.set(Mark::FailedCheck, true);
        marks.set(Mark::Ejected, true);
        marks.set(Mark::Ejected, false);
        assert_eq!(marks.since(), None);
        let before = Instant::now();
        marks.set(Mark::FailedCheck, false);
        let since = marks.since().unwrap();
        assert!(since + Duration::from_millis(2) > before && since <= Instant::now());
    }
}
