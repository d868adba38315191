//! One exchange, from start to drop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Outcome, RequestStats};

/// The record of one exchange. It counts as in flight while it lives, and is observed once, on drop: no path through
/// the code can forget it. One dropped without an outcome was [cancelled](Outcome::Cancelled).
#[derive(Debug)]
pub struct Record {
    /// None once it is dismissed.
    stats: Option<Arc<RequestStats>>,
    started: Instant,
    outcome: Outcome,
}

impl Record {
    /// An exchange that starts now.
    pub fn start(stats: Arc<RequestStats>) -> Self {
        Self::started_at(stats, Instant::now())
    }

    /// An exchange that started at `started`, before it was known what to count it under.
    pub fn started_at(stats: Arc<RequestStats>, started: Instant) -> Self {
        stats.in_flight.inc();
        Self {
            stats: Some(stats),
            started,
            outcome: Outcome::default(),
        }
    }

    /// How it ended. May be called again; the last word counts.
    pub fn set(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// How it ended, and that it did.
    pub fn finish(mut self, outcome: Outcome) {
        self.set(outcome);
    }

    /// Takes it back: the exchange goes on, and is counted under something else.
    pub fn dismiss(mut self) {
        if let Some(stats) = self.stats.take() {
            stats.in_flight.dec();
        }
    }

    /// When it started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// How long it has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(stats) = &self.stats {
            stats.ended(self.outcome, self.started.elapsed().as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metrics, RequestLabels};

    #[test]
    fn is_observed_once_whatever_happens() {
        let metrics = Metrics::new("0").unwrap();
        let stats = metrics.request(RequestLabels {
            listener: "l",
            route: "r",
            cluster: "c",
            protocol: "bolt",
        });

        Record::start(stats.clone()).finish(Outcome::Success);
        let mut twice = Record::start(stats.clone());
        twice.set(Outcome::Unavailable);
        twice.set(Outcome::Timeout);
        assert_eq!(stats.in_flight.get(), 1);
        drop(twice);
        Record::start(stats.clone()).dismiss();
        drop(Record::start(stats.clone()));

        let counts: Vec<u64> = Outcome::ALL.iter().map(|o| stats.count(*o)).collect();
        assert_eq!(counts, [1, 0, 0, 0, 0, 0, 1, 0, 1]);
        assert_eq!(stats.in_flight.get(), 0);
        assert_eq!(stats.duration.get_sample_count(), 3);
    }

    #[test]
    fn a_panic_in_the_exchange_is_counted_too() {
        let metrics = Metrics::new("0").unwrap();
        let stats = metrics.request(RequestLabels::default());
        let inner = stats.clone();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _record = Record::start(inner);
            panic!("a bug in a filter");
        }));
        assert!(result.is_err());
        assert_eq!(stats.count(Outcome::Cancelled), 1);
        assert_eq!(stats.in_flight.get(), 0);
    }
}
