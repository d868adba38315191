//! How long answers took, in buckets.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// Buckets of a power of two, so that a time is known to a thirtieth.
const PARTS: u32 = 16;
/// `PARTS` is two to this.
const BITS: u32 = PARTS.ilog2();
/// Times from two to this of microseconds on are all the same: 19 hours.
const LAST: u32 = 36;
const BUCKETS: usize = ((LAST - BITS + 1) * PARTS) as usize;

/// Times that one worker counts and the control plane takes away.
pub(crate) struct Samples(Box<[AtomicU32]>);

impl Default for Samples {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU32::new(0)).collect())
    }
}

impl Samples {
    /// Counts an answer.
    pub(crate) fn took(&self, time: Duration) {
        if let Some(bucket) = self.0.get(bucket(time)) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    /// Takes the counts away and adds them to `to`.
    pub(crate) fn move_to(&self, to: &mut Histogram) {
        for (from, to) in self.0.iter().zip(&mut to.0) {
            if from.load(Relaxed) > 0 {
                *to += u64::from(from.swap(0, Relaxed));
            }
        }
    }
}

/// Times of all workers together.
#[derive(Clone)]
pub(crate) struct Histogram(Box<[u64]>);

impl Default for Histogram {
    fn default() -> Self {
        Self(vec![0; BUCKETS].into())
    }
}

impl Histogram {
    /// Answers in it.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (to, from) in self.0.iter_mut().zip(&other.0) {
            *to += from;
        }
    }

    /// The time that so many percent of the answers keep to; None without answers.
    pub(crate) fn percentile(&self, percent: u32) -> Option<Duration> {
        let count = self.count();
        let rank = (count * u64::from(percent)).div_ceil(100).max(1);
        let mut before = 0;
        let place = self.0.iter().position(|bucket| {
            before += bucket;
            before >= rank
        })?;
        Some(middle(place))
    }

    #[cfg(test)]
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let samples = Samples::default();
        times.into_iter().for_each(|time| samples.took(time));
        let mut histogram = Self::default();
        samples.move_to(&mut histogram);
        histogram
    }
}

fn bucket(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let micros = micros.min((1 << LAST) - 1);
    let part = match micros.checked_ilog2() {
        Some(power) if power >= BITS => {
            let within = (micros >> (power - BITS)) & u64::from(PARTS - 1);
            u64::from((power - BITS + 1) * PARTS) + within
        }
        _ => micros,
    };
    usize::try_from(part).unwrap_or(usize::MAX)
}

/// The middle of a bucket.
fn middle(bucket: usize) -> Duration {
    let bucket = bucket as u64;
    let (power, within) = (bucket / u64::from(PARTS), bucket % u64::from(PARTS));
    let micros = match power.checked_sub(1) {
        None => within,
        Some(power) => {
            let width = 1 << power;
            (u64::from(PARTS) + within) * width + width / 2
        }
    };
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_known_to_a_thirtieth() {
        let mut micros = 1_u64;
        while micros < 1 << LAST {
            let time = Duration::from_micros(micros);
            let told = middle(bucket(time)).as_secs_f64() / time.as_secs_f64();
            assert!((0.96..=1.04).contains(&told), "{micros} us: {told}");
            assert!(bucket(time) < BUCKETS);
            micros += 1 + micros / 7;
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
        assert_eq!(bucket(Duration::ZERO), 0);
    }

    #[test]
    fn percentiles_and_sums() {
        let ms = Duration::from_millis;
        let mut all = Histogram::of((1..=100).map(ms));
        assert_eq!(all.count(), 100);
        for (percent, time) in [(1, 1.0), (50, 50.0), (90, 90.0), (99, 99.0)] {
            let told = all.percentile(percent).unwrap().as_secs_f64() * 1000.0;
            assert!((told / time - 1.0).abs() < 0.05, "{percent}: {told}");
        }
        all.add(&Histogram::of((0..900).map(|_| ms(1))));
        assert!(all.percentile(50).unwrap() < ms(2));
        assert_eq!(Histogram::default().percentile(50), None);
    }

    #[test]
    fn what_was_taken_is_gone() {
        let samples = Samples::default();
        samples.took(Duration::from_millis(3));
        let (mut first, mut second) = (Histogram::default(), Histogram::default());
        samples.move_to(&mut first);
        samples.move_to(&mut second);
        assert_eq!((first.count(), second.count()), (1, 0));
    }
}
