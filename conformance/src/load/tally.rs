//! What came of a load.

use std::time::Duration;

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When it was due, since the load began.
    pub due: Duration,
    /// From then until its answer was there, or the failure.
    pub took: Duration,
    /// Whether the answer was the right one.
    pub ok: bool,
}

/// Requests that were due within some time.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many.
    pub count: usize,
    /// How many of them had no answer or the wrong one.
    pub errors: usize,
    /// Of all of them, failed ones too, in order.
    sorted: Vec<Duration>,
}

impl Tally {
    /// Of the samples that were due from `from` to `to`.
    pub fn of(samples: &[Sample], from: Duration, to: Duration) -> Self {
        let within = samples.iter().filter(|s| s.due >= from && s.due < to);
        let mut tally = Self::default();
        for sample in within {
            tally.count += 1;
            tally.errors += usize::from(!sample.ok);
            tally.sorted.push(sample.took);
        }
        tally.sorted.sort_unstable();
        tally
    }

    /// Percent of them that failed.
    pub fn error_percent(&self) -> f64 {
        100.0 * self.errors as f64 / self.count.max(1) as f64
    }

    /// What that share of them took at most, in ‰: 990 is p99. None if there are none.
    pub fn per_mille(&self, share: usize) -> Option<Duration> {
        let last = self.sorted.len().checked_sub(1)?;
        let at = (self.sorted.len() * share).div_ceil(1000).saturating_sub(1);
        self.sorted.get(at.min(last)).copied()
    }

    /// The same in milliseconds, as tables show it.
    pub fn millis(&self, share: usize) -> String {
        match self.per_mille(share) {
            Some(took) => format!("{:.1}", took.as_secs_f64() * 1e3),
            None => "–".to_owned(),
        }
    }

    /// How many took so long, doubling from a quarter of a millisecond.
    pub fn histogram(&self) -> Vec<(Duration, usize)> {
        let mut rows = Vec::new();
        let mut bound = Duration::from_micros(250);
        let mut before = 0;
        while before < self.sorted.len() {
            let upto = self.sorted.partition_point(|took| *took <= bound);
            rows.push((bound, upto - before));
            (before, bound) = (upto, bound * 2);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_samples_in_time() {
        let sample = |at: u64| Sample {
            due: Duration::from_millis(at),
            took: Duration::from_millis(at),
            ok: !at.is_multiple_of(10),
        };
        let samples: Vec<_> = (1..=1000).map(sample).collect();
        let all = Tally::of(&samples, Duration::ZERO, Duration::from_secs(9));
        assert_eq!((all.count, all.errors), (1000, 100));
        assert_eq!(all.per_mille(500), Some(Duration::from_millis(500)));
        assert_eq!(all.per_mille(999), Some(Duration::from_millis(999)));
        assert_eq!(all.per_mille(1000), Some(Duration::from_secs(1)));
        assert_eq!(all.histogram().iter().map(|row| row.1).sum::<usize>(), 1000);
        let part = Tally::of(
            &samples,
            Duration::from_millis(500),
            Duration::from_millis(600),
        );
        assert_eq!(part.count, 100);
        assert_eq!(Tally::default().millis(990), "–");
    }
}
