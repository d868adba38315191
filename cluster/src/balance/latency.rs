//! How long an endpoint takes to answer, of late.

use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Where the clock of the stamps begins.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// An average that weighs what is recent more: all workers feed it and read it without a lock.
///
/// It is a moving average with exponential decay over time, not over the number of answers: what was known
/// `t` ago counts `e^(-t / decay)`. A latency above it is taken over at once (that is the peak), so that one slow answer
/// is enough to turn to others, and only time and quick answers bring the endpoint back. While nothing comes the
/// average falls, so that an endpoint that was slow is tried again.
///
/// The low half is the average in microseconds, a 32 bit float; the high half when it was, in milliseconds. Answers of the
/// same millisecond count only if they are slower.
#[derive(Debug, Default)]
pub(crate) struct Latency(AtomicU64);

impl Latency {
    /// Takes note of an answer.
    pub(crate) fn observe(&self, took: Duration, now: Instant, decay: Duration) {
        let (stamp, took) = (stamp(now), micros(took));
        let next = |old: u64| {
            let (value, since) = unpack(old);
            let elapsed = elapsed(since, stamp);
            let value = f64::from(value);
            if took > value {
                return Some(pack(took, stamp));
            }
            if elapsed.is_zero() {
                return None;
            }
            let keep = kept(elapsed, decay);
            Some(pack(value * keep + took * (1.0 - keep), stamp))
        };
        // Fails only if there was nothing to change.
        let _ = self.0.fetch_update(Relaxed, Relaxed, next);
    }

    /// The average now, in microseconds; 0 if there was no answer yet.
    pub(crate) fn at(&self, now: Instant, decay: Duration) -> f64 {
        let (value, since) = unpack(self.0.load(Relaxed));
        if value <= 0.0 {
            return 0.0;
        }
        // Never so low that it looks like nothing is known.
        let value = f64::from(value) * kept(elapsed(since, stamp(now)), decay);
        value.max(1.0)
    }
}

fn kept(elapsed: Duration, decay: Duration) -> f64 {
    (-elapsed.as_secs_f64() / decay.as_secs_f64()).exp()
}

/// When a call began, in half of the space of an [`Instant`]: in microseconds that begin anew after 71 minutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(NonZeroU32);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(NonZeroU32::new(lap()).unwrap_or(NonZeroU32::MIN))
    }

    pub(crate) fn elapsed(self) -> Duration {
        let micros = lap().wrapping_sub(self.0.get());
        // One who began at 0 counts as having begun at 1.
        Duration::from_micros(u64::from(if micros == u32::MAX { 0 } else { micros }))
    }
}

fn lap() -> u32 {
    let since = START.elapsed().as_micros();
    u32::try_from(since & u128::from(u32::MAX)).unwrap_or(0)
}

/// Milliseconds, which begin anew after 49 days.
fn stamp(now: Instant) -> u32 {
    let since = now.saturating_duration_since(*START).as_millis();
    u32::try_from(since & u128::from(u32::MAX)).unwrap_or(0)
}

fn elapsed(since: u32, stamp: u32) -> Duration {
    let millis = stamp.wrapping_sub(since);
    // A worker that is a little behind has not gone all around.
    let behind = millis > u32::MAX / 2;
    Duration::from_millis(u64::from(if behind { 0 } else { millis }))
}

fn micros(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).max(1.0)
}

fn pack(value: f64, stamp: u32) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seven digits of a latency are enough"
    )]
    let value = value as f32;
    u64::from(stamp) << 32 | u64::from(value.to_bits())
}

fn unpack(both: u64) -> (f32, u32) {
    let low = u32::try_from(both & u64::from(u32::MAX)).unwrap_or(0);
    let high = u32::try_from(both >> 32).unwrap_or(0);
    (f32::from_bits(low), high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECAY: Duration = Duration::from_secs(10);
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_peak_counts_at_once_and_is_forgotten_with_time() {
        let latency = Latency::default();
        let start = *START + Duration::from_secs(5);
        assert_eq!(latency.at(start, DECAY), 0.0);
        latency.observe(2 * MS, start, DECAY);
        latency.observe(100 * MS, start, DECAY);
        latency.observe(2 * MS, start, DECAY);
        assert_eq!(latency.at(start, DECAY), 100_000.0);
        let later = start + DECAY;
        let left = latency.at(later, DECAY);
        assert!((left - 36_788.0).abs() < 10.0, "{left}");
        latency.observe(2 * MS, later, DECAY);
        let mixed = latency.at(later, DECAY);
        assert!((mixed - (36_788.0 + 1_264.0)).abs() < 10.0, "{mixed}");
        assert_eq!(latency.at(later + 100 * DECAY, DECAY), 1.0);
    }

    #[test]
    fn a_worker_that_is_behind_does_no_harm() {
        let latency = Latency::default();
        let start = *START + Duration::from_secs(5);
        latency.observe(10 * MS, start, DECAY);
        latency.observe(MS, start - 3 * MS, DECAY);
        assert_eq!(latency.at(start - 3 * MS, DECAY), 10_000.0);
    }
}
