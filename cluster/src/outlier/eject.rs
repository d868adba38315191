//! How often and until when an endpoint is out.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::OutlierConfig;

/// An endpoint's ejections. Only the detector changes them.
#[derive(Debug, Default)]
pub(crate) struct Ejections {
    /// All there were.
    pub(crate) total: u64,
    /// Those that the next one's length is told by: one more with each, one less with each good interval.
    in_a_row: u32,
    until: Option<Instant>,
    since: Option<Instant>,
    /// When it was last said that it has to stay.
    refused: Option<Instant>,
}

impl Ejections {
    /// Takes note of one that begins now, and says how long it is. `drawn` is a number from 0 to 1.
    pub(crate) fn eject(&mut self, config: &OutlierConfig, now: Instant, drawn: f64) -> Duration {
        self.total += 1;
        self.in_a_row = self.in_a_row.saturating_add(1);
        let most = config.max_ejection.0.max(config.base_ejection.0);
        let length = config.base_ejection.0.saturating_mul(self.in_a_row);
        let length = length.min(most);
        if length == most {
            // It need not grow on, or a long outage would be paid for long after.
            let fits = most
                .as_nanos()
                .div_ceil(config.base_ejection.0.as_nanos().max(1));
            self.in_a_row = self.in_a_row.min(u32::try_from(fits).unwrap_or(u32::MAX));
        }
        let length = length.mul_f64(1.0 + f64::from(config.jitter) / 100.0 * drawn);
        self.until = Some(now + length);
        self.since = Some(now);
        length
    }

    /// It has to stay though it is an outlier. True if that is to be said: once in an ejection's time.
    pub(crate) fn refuse(&mut self, config: &OutlierConfig, now: Instant) -> bool {
        let said = |at: Instant| now < at + config.base_ejection.0;
        if self.refused.is_some_and(said) {
            return false;
        }
        self.refused = Some(now);
        true
    }

    /// It is back.
    pub(crate) fn end(&mut self) {
        self.until = None;
    }

    /// Whether it is out, and has been since before `time`.
    pub(crate) fn began_before(&self, time: Instant) -> bool {
        self.until.is_some() && self.since.is_some_and(|since| since < time)
    }

    /// When it is to be back, while it is out.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// An interval has passed. One without an ejection takes one back.
    pub(crate) fn interval(&mut self) {
        if self.until.is_none() {
            self.in_a_row = self.in_a_row.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn grows_to_its_bound_and_shrinks() {
        let (mut ejections, now) = (Ejections::default(), Instant::now());
        let config = OutlierConfig::default();
        let lengths: Vec<u64> = (0..12)
            .map(|_| ejections.eject(&config, now, 0.9).as_secs())
            .collect();
        assert_eq!(
            lengths,
            [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]
        );
        ejections.interval();
        assert_eq!(ejections.until(), Some(now + Duration::from_secs(300)));
        ejections.end();
        for _ in 0..4 {
            ejections.interval();
        }
        // Six of ten are left.
        assert_eq!(ejections.eject(&config, now, 0.9).as_secs(), 210);
        assert_eq!(ejections.total, 13);
        assert!(ejections.refuse(&config, now) && !ejections.refuse(&config, now));
        assert!(ejections.refuse(&config, now + config.base_ejection.0));
    }

    #[test]
    fn chance_makes_it_longer_by_so_many_percent_at_most() {
        let (mut ejections, now) = (Ejections::default(), Instant::now());
        let config = OutlierConfig {
            jitter: 50,
            ..OutlierConfig::default()
        };
        let lengths = [0.0, 0.5, 1.0].map(|drawn| ejections.eject(&config, now, drawn).as_secs());
        assert_eq!(lengths, [30, 75, 135]);
        assert_eq!(ejections.until(), Some(now + Duration::from_secs(135)));
    }
}
