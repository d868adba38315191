//! Token buckets, kept as the time at which they are full again.
//!
//! That one number is all there is to know of a bucket (the generic cell rate algorithm): every request that passes
//! makes it later by the time that one token takes, and a request passes if the bucket is full again within the time that
//! all its tokens take. So a bucket is one atomic word, and nothing ever has to fill it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::rate::Rate;

/// Ticks in a nanosecond. 64 bits of them are 36 years.
const TICKS: u64 = 16;

/// The least time of a token, in ticks, of which it has a whole number: then a rate is exact to 0.05 %, and one of 100,000
/// a second to 0.0003 %.
const LEAST: u64 = 1000;

/// No time that is reckoned with is longer: a year.
const LONGEST: u64 = 365 * 86_400 * 1_000_000_000 * TICKS;

/// The time since some beginning, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticks(pub(super) u64);

impl From<Duration> for Ticks {
    fn from(time: Duration) -> Self {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(nanos.saturating_mul(TICKS))
    }
}

/// How fast a bucket fills and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// The time that a token takes, in ticks.
    token: u64,
    /// The time that all of its tokens take, in ticks.
    all: u64,
}

impl Limit {
    /// None if the rate is zero, or more than the clock tells apart, or the bucket takes more than a year to fill.
    pub(super) fn new(rate: Rate, burst: u32) -> Option<Self> {
        let unit = rate.per.seconds() * 1_000_000_000 * TICKS;
        let requests = u64::from(rate.requests);
        let token = (unit + requests / 2).checked_div(requests)?;
        let all = token.checked_mul(burst.into())?;
        (token >= LEAST && all <= LONGEST).then_some(Self { token, all })
    }

    /// Takes a token from a bucket that is full at `full`: when it will be full now, or how long there will be none.
    pub(super) fn take(&self, full: Ticks, now: Ticks) -> Result<Ticks, Wait> {
        let next = full.0.max(now.0).saturating_add(self.token);
        let missing = next.saturating_sub(now.0).saturating_sub(self.all);
        match missing {
            0 => Ok(Ticks(next)),
            missing => Err(Wait(missing)),
        }
    }
}

/// How long there is no token, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait(u64);

impl Wait {
    pub(super) fn duration(self) -> Duration {
        Duration::from_nanos(self.0.div_ceil(TICKS))
    }
}

/// A bucket that any number of threads take from. It begins full.
#[derive(Debug, Default)]
pub(super) struct Bucket(AtomicU64);

impl Bucket {
    pub(super) fn take(&self, limit: &Limit, now: Ticks) -> Result<(), Wait> {
        // Nothing else is published with it.
        let order = Ordering::Relaxed;
        let mut full = self.0.load(order);
        loop {
            let next = limit.take(Ticks(full), now)?;
            match self.0.compare_exchange_weak(full, next.0, order, order) {
                Ok(_) => return Ok(()),
                Err(other) => full = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(rate: &str, burst: u32) -> Limit {
        Limit::new(rate.parse().unwrap(), burst).unwrap()
    }

    fn at(millis: u64) -> Ticks {
        Duration::from_millis(millis).into()
    }

    /// How many of so many requests at one time pass.
    fn pass(bucket: &Bucket, limit: &Limit, of: usize, now: Ticks) -> usize {
        (0..of).filter(|_| bucket.take(limit, now).is_ok()).count()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (bucket, limit) = (Bucket::default(), limit("100/s", 20));
        assert_eq!(pass(&bucket, &limit, 100, at(0)), 20);
        assert_eq!(
            bucket.take(&limit, at(0)).unwrap_err().duration(),
            Duration::from_millis(10)
        );
        assert_eq!(
            bucket.take(&limit, at(4)).unwrap_err().duration(),
            Duration::from_millis(6)
        );
        assert_eq!(pass(&bucket, &limit, 100, at(10)), 1);
        assert_eq!(pass(&bucket, &limit, 100, at(55)), 4);
        assert_eq!(pass(&bucket, &limit, 100, at(60)), 1);
        // However long it rests, it holds no more than its burst.
        assert_eq!(pass(&bucket, &limit, 100, at(3_600_000)), 20);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_away() {
        let (bucket, limit) = (Bucket::default(), limit("1000/s", 5));
        assert_eq!(pass(&bucket, &limit, 9, at(100)), 5);
        assert_eq!(pass(&bucket, &limit, 9, at(90)), 0);
        assert_eq!(pass(&bucket, &limit, 9, at(100)), 0);
        assert_eq!(pass(&bucket, &limit, 9, at(101)), 1);
    }

    #[test]
    fn many_threads_take_exactly_what_there_is() {
        let (bucket, limit) = (Bucket::default(), limit("100/s", 500));
        let now = AtomicU64::new(at(0).0);
        let taken = AtomicU64::new(0);
        let take_all = |more: u64| {
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let now = Ticks(now.load(Ordering::Relaxed));
                        let mine = pass(&bucket, &limit, 300, now);
                        taken.fetch_add(mine as u64, Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(taken.swap(0, Ordering::Relaxed), more);
        };
        take_all(500);
        take_all(0);
        // 2.5 s are 250 tokens.
        now.store(at(2_500).0, Ordering::Relaxed);
        take_all(250);
        now.store(at(100_000).0, Ordering::Relaxed);
        take_all(500);
    }

    #[test]
    fn a_long_time_is_exact_too() {
        // 3 a second are not a whole number of nanoseconds apart.
        let (bucket, limit) = (Bucket::default(), limit("3/s", 1));
        let passed = (0..=100_000).map(|tenth| pass(&bucket, &limit, 1, at(tenth * 100)));
        // A request every 0.1 s: every fourth passes, 0.4 s after the one before.
        assert_eq!(passed.sum::<usize>(), 25_001);
        let (bucket, limit) = (Bucket::default(), limit_of_a_million());
        let passed = (0..1000).map(|milli| pass(&bucket, &limit, 2_000, at(milli)));
        let passed = passed.sum::<usize>();
        // 1000 at once, and a million in a second.
        assert!((999_900..=1_000_100).contains(&passed), "{passed}");
    }

    fn limit_of_a_million() -> Limit {
        limit("1000000/s", 1000)
    }

    #[test]
    fn what_cannot_be_kept_is_none() {
        let new = |rate: &str, burst| Limit::new(rate.parse().unwrap(), burst).is_some();
        assert!(!new("0/s", 1));
        assert!(new("10000000/s", u32::MAX));
        assert!(!new("4000000000/s", 1));
        assert!(new("1/d", 365));
        assert!(!new("1/d", 366));
    }
}
