//! What an endpoint's requests came to, counted by all workers.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use wireloom_codecs::{CallError, Class, ErrorKind, Response};

use super::Reason;
use crate::config::Consecutive;

/// What a request says of its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It answered.
    Good,
    /// It answered that it failed, or, if `gateway`, that it cannot serve.
    Failed { gateway: bool },
    /// There was no answer.
    Unanswered,
    /// Nothing: the failure is not the endpoint's.
    Nothing,
}

impl Seen {
    pub(crate) fn of(result: &Result<Response, CallError>) -> Self {
        match result {
            Ok(response) => Self::class(response.head.outcome.class),
            Err(failed) => Self::error(failed.error.kind),
        }
    }

    /// An answer.
    pub(crate) const fn class(class: Class) -> Self {
        match class {
            Class::Success | Class::AppError | Class::ClientError => Self::Good,
            Class::ServerError => Self::Failed { gateway: false },
            Class::Refused | Class::Unavailable | Class::Overloaded | Class::Timeout => {
                Self::Failed { gateway: true }
            }
        }
    }

    /// No answer.
    pub(crate) const fn error(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::ConnectFailure | ErrorKind::Reset | ErrorKind::Timeout => Self::Unanswered,
            _ => Self::Nothing,
        }
    }
}

/// An endpoint's counts: rows of failures, and what an interval brought.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    failures: AtomicU32,
    gateway: AtomicU32,
    local_origin: AtomicU32,
    /// The rows that are full, one bit for each [`Reason`].
    full: AtomicU8,
    requests: AtomicU32,
    failed: AtomicU32,
    answers: AtomicU32,
    micros: AtomicU64,
}

/// What came since the last one was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) requests: u32,
    pub(crate) failed: u32,
    pub(crate) answers: u32,
    pub(crate) micros: u64,
}

impl Tally {
    /// Counts a request. True if a row of failures is full with it: then the detector is to be woken.
    pub(crate) fn count(&self, seen: Seen, rows: Consecutive) -> bool {
        let (failed, gateway, unanswered) = match seen {
            Seen::Nothing => return false,
            Seen::Good => (false, false, false),
            Seen::Failed { gateway } => (true, gateway, false),
            Seen::Unanswered => (true, true, true),
        };
        self.requests.fetch_add(1, Relaxed);
        if !failed {
            for row in [&self.failures, &self.gateway, &self.local_origin] {
                // A load is cheaper than a store to what all workers read.
                if row.load(Relaxed) > 0 {
                    row.store(0, Relaxed);
                }
            }
            return false;
        }
        self.failed.fetch_add(1, Relaxed);
        if unanswered && rows.local_origin > 0 {
            return self.step(&self.local_origin, rows.local_origin, Reason::LocalOrigin);
        }
        if !unanswered {
            self.local_origin.store(0, Relaxed);
        }
        let mut full = self.step(&self.failures, rows.failures, Reason::Failures);
        if gateway {
            full |= self.step(&self.gateway, rows.gateway, Reason::Gateway);
        } else {
            self.gateway.store(0, Relaxed);
        }
        full
    }

    fn step(&self, row: &AtomicU32, most: u32, reason: Reason) -> bool {
        // Only one of those that count at once sees the number that fills the row.
        if most == 0 || row.fetch_add(1, Relaxed).checked_add(1) != Some(most) {
            return false;
        }
        row.store(0, Relaxed);
        self.full.fetch_or(1 << reason as u8, Relaxed);
        true
    }

    /// Counts how long an answer took.
    pub(crate) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.answers.fetch_add(1, Relaxed);
        // A year of answers of an hour each fits.
        self.micros.fetch_add(micros.min(3_600_000_000), Relaxed);
    }

    /// A row that has been filled since the last call.
    pub(crate) fn take_full(&self) -> Option<Reason> {
        if self.full.load(Relaxed) == 0 {
            return None;
        }
        let full = self.full.swap(0, Relaxed);
        let filled = |reason: &Reason| full & (1 << *reason as u8) != 0;
        Reason::ALL.into_iter().find(filled)
    }

    /// Rows begin anew.
    pub(crate) fn forget_rows(&self) {
        for row in [&self.failures, &self.gateway, &self.local_origin] {
            row.store(0, Relaxed);
        }
        self.full.store(0, Relaxed);
    }

    /// What came since the last call.
    pub(crate) fn take_interval(&self) -> Interval {
        Interval {
            requests: self.requests.swap(0, Relaxed),
            failed: self.failed.swap(0, Relaxed),
            answers: self.answers.swap(0, Relaxed),
            micros: self.micros.swap(0, Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Seen = Seen::Failed { gateway: false };
    const AWAY: Seen = Seen::Failed { gateway: true };

    fn rows(failures: u32, gateway: u32, local_origin: u32) -> Consecutive {
        Consecutive {
            failures,
            gateway,
            local_origin,
        }
    }

    fn fills(tally: &Tally, seen: &[Seen], rows: Consecutive) -> Vec<bool> {
        seen.iter().map(|seen| tally.count(*seen, rows)).collect()
    }

    #[test]
    fn an_answer_ends_a_row_and_a_full_row_is_told_once() {
        let tally = Tally::default();
        let rows = rows(3, 0, 0);
        let seen = [BAD, AWAY, Seen::Good, BAD, Seen::Unanswered, BAD, BAD];
        let told = [false, false, false, false, false, true, false];
        assert_eq!(fills(&tally, &seen, rows), told);
        assert_eq!(tally.take_full(), Some(Reason::Failures));
        assert_eq!(tally.take_full(), None);
        assert_eq!(
            fills(&tally, &[Seen::Nothing, BAD, BAD], rows),
            [false, false, true]
        );
        let interval = tally.take_interval();
        assert_eq!((interval.requests, interval.failed), (9, 8));
        assert_eq!(tally.take_interval(), Interval::default());
    }

    #[test]
    fn kinds_of_failures_have_rows_of_their_own() {
        let tally = Tally::default();
        let rows = rows(0, 2, 2);
        assert_eq!(fills(&tally, &[AWAY, BAD, AWAY], rows), [false; 3]);
        assert_eq!(fills(&tally, &[AWAY], rows), [true]);
        assert_eq!(tally.take_full(), Some(Reason::Gateway));
        assert_eq!(
            fills(&tally, &[Seen::Unanswered, AWAY, Seen::Unanswered], rows),
            [false; 3]
        );
        assert!(tally.count(Seen::Unanswered, rows));
        assert_eq!(tally.take_full(), Some(Reason::LocalOrigin));
    }

    #[test]
    fn concurrent_failures_fill_exactly_their_rows() {
        let tally = Tally::default();
        let full = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let filled = tally.count(BAD, rows(400, 0, 0));
                        full.fetch_add(filled.into(), Relaxed);
                    }
                });
            }
        });
        assert_eq!(full.into_inner(), 1);
    }
}
