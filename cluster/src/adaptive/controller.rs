//! What the limit is: nothing but arithmetic, with the time given.

use std::time::Duration;

use tokio::time::Instant;

use super::samples::Histogram;
use crate::config::AdaptiveLimit;

/// A measurement ends after this if there are any answers.
const LONGEST: Duration = Duration::from_secs(10);
/// The limit changes by this factor at most in one interval.
const STEEPEST: f64 = 2.0;
/// Intervals in a row at the least limit, after which what an answer takes without load is doubted.
const DOUBT: u32 = 5;

/// The gradient between how long answers take and how long they take without load moves the limit: by its factor, and a
/// little up, so that the limit grows until answers do take longer.
pub(crate) struct Controller {
    limit: f64,
    min_rtt: Option<Duration>,
    state: State,
    /// Intervals in a row at the least limit.
    low: u32,
}

enum State {
    /// Until then.
    Steering { until: Instant },
    Measuring {
        since: Instant,
        /// Answers to requests of before are out of it.
        settled: bool,
        answers: Histogram,
    },
}

impl Controller {
    /// It begins with a measurement.
    pub(crate) fn new(config: &AdaptiveLimit, now: Instant) -> Self {
        Self {
            limit: f64::from(config.min),
            min_rtt: None,
            state: measuring(now),
            low: 0,
        }
    }

    /// The limit now.
    pub(crate) fn limit(&self, config: &AdaptiveLimit) -> u32 {
        match self.state {
            State::Measuring { .. } => config.min,
            State::Steering { .. } => whole(self.limit).clamp(config.min, config.max),
        }
    }

    /// How long an answer takes without load, once that is known.
    #[cfg(test)]
    fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt
    }

    /// An interval has passed with these answers. `drawn` is a number from 0 to 1.
    pub(crate) fn interval(
        &mut self,
        config: &AdaptiveLimit,
        now: Instant,
        answers: &Histogram,
        drawn: f64,
    ) {
        match &mut self.state {
            State::Measuring { settled, .. } if !*settled => *settled = true,
            State::Measuring {
                since,
                answers: all,
                ..
            } => {
                all.add(answers);
                let enough = all.count() >= u64::from(config.min_rtt.requests);
                if (enough || now >= *since + LONGEST)
                    && let Some(time) = all.percentile(config.percentile)
                {
                    self.min_rtt = Some(time.max(Duration::from_micros(1)));
                    let jitter = f64::from(config.min_rtt.jitter) / 100.0 * drawn;
                    let until = now + config.min_rtt.interval.0.mul_f64(1.0 + jitter);
                    self.state = State::Steering { until };
                    self.low = 0;
                }
            }
            State::Steering { until } => {
                if *until <= now || self.low >= DOUBT {
                    self.state = measuring(now);
                } else if let Some(time) = answers.percentile(config.percentile) {
                    self.steer(config, time);
                }
            }
        }
    }

    fn steer(&mut self, config: &AdaptiveLimit, time: Duration) {
        let Some(min_rtt) = self.min_rtt else {
            return;
        };
        let buffer = 1.0 + f64::from(config.min_rtt.buffer) / 100.0;
        let time = time.max(Duration::from_micros(1));
        let gradient = min_rtt.as_secs_f64() * buffer / time.as_secs_f64();
        let gradient = gradient.clamp(1.0 / STEEPEST, STEEPEST);
        let (least, most) = (f64::from(config.min), f64::from(config.max));
        let next = self.limit * gradient + self.limit.sqrt();
        self.limit = next.clamp(least, most.max(least));
        self.low = match self.limit <= least && gradient < 1.0 {
            true => self.low + 1,
            false => 0,
        };
    }
}

fn measuring(now: Instant) -> State {
    State::Measuring {
        since: now,
        settled: false,
        answers: Histogram::default(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and the largest u32"
)]
fn whole(limit: f64) -> u32 {
    limit as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    struct Bench {
        config: AdaptiveLimit,
        controller: Controller,
        now: Instant,
    }

    impl Bench {
        fn new(config: AdaptiveLimit) -> Self {
            let now = Instant::now();
            Self {
                controller: Controller::new(&config, now),
                config,
                now,
            }
        }

        /// An interval in which that many answers took `time`; the limit after it.
        fn interval(&mut self, answers: usize, time: Duration) -> u32 {
            self.now += self.config.interval.0;
            let answers = Histogram::of(std::iter::repeat_n(time, answers));
            self.controller
                .interval(&self.config, self.now, &answers, 0.5);
            self.controller.limit(&self.config)
        }

        /// A server that carries `fits` requests beside each other and has the others wait, and is always asked for as many as
        /// the limit lets in.
        fn under_load(&mut self, fits: f64, time: Duration) -> u32 {
            let limit = f64::from(self.controller.limit(&self.config));
            self.interval(200, time.mul_f64((limit / fits).max(1.0)))
        }

        fn is_measuring(&self) -> bool {
            matches!(self.controller.state, State::Measuring { .. })
        }
    }

    #[test]
    fn it_measures_first_and_lets_few_in_meanwhile() {
        let mut bench = Bench::new(AdaptiveLimit::default());
        assert_eq!(bench.controller.limit(&bench.config), 3);
        // Of requests from before.
        assert_eq!(bench.interval(100, 900 * MS), 3);
        assert_eq!(
            (bench.interval(49, 10 * MS), bench.is_measuring()),
            (3, true)
        );
        bench.interval(1, 10 * MS);
        assert!(!bench.is_measuring());
        let measured = bench.controller.min_rtt().unwrap();
        assert!(measured.abs_diff(10 * MS) < MS, "{measured:?}");
    }

    #[test]
    fn a_quiet_cluster_is_measured_with_what_there_is() {
        let mut bench = Bench::new(AdaptiveLimit::default());
        bench.interval(0, MS);
        bench.interval(1, 5 * MS);
        for _ in 0..97 {
            bench.interval(0, MS);
            assert!(bench.is_measuring());
        }
        bench.interval(0, MS);
        assert!(!bench.is_measuring());
        // And without any answer there is nothing to go by.
        let mut silent = Bench::new(AdaptiveLimit::default());
        for _ in 0..500 {
            assert_eq!(silent.interval(0, MS), 3);
        }
        assert!(silent.is_measuring());
    }

    #[test]
    fn the_limit_finds_what_the_server_carries() {
        let mut bench = Bench::new(AdaptiveLimit::default());
        bench.interval(0, MS);
        bench.interval(50, 10 * MS);
        let limits: Vec<_> = (0..100).map(|_| bench.under_load(80.0, 10 * MS)).collect();
        let late = &limits[50..];
        assert!(
            late.iter().all(|limit| (80..160).contains(limit)),
            "{late:?}"
        );
        // It carries less from now on.
        let limits: Vec<_> = (0..100).map(|_| bench.under_load(10.0, 10 * MS)).collect();
        let late = &limits[50..];
        assert!(
            late.iter().all(|limit| (10..30).contains(limit)),
            "{late:?}"
        );
    }

    #[test]
    fn it_keeps_to_its_bounds() {
        let config = AdaptiveLimit {
            min: 5,
            max: 40,
            ..AdaptiveLimit::default()
        };
        let mut bench = Bench::new(config);
        bench.interval(0, MS);
        bench.interval(50, 10 * MS);
        for _ in 0..50 {
            assert!((5..=40).contains(&bench.interval(50, MS)));
        }
        assert_eq!(bench.interval(50, MS), 40);
        let mut least = 40;
        for _ in 0..20 {
            least = least.min(bench.interval(50, 1000 * MS));
        }
        assert_eq!(least, 5);
    }

    #[test]
    fn intervals_without_answers_change_nothing() {
        let mut bench = Bench::new(AdaptiveLimit::default());
        bench.interval(0, MS);
        bench.interval(50, 10 * MS);
        let before = bench.interval(50, 10 * MS);
        assert_eq!(bench.interval(0, MS), before);
    }

    #[test]
    fn it_is_measured_again_now_and_then_and_goes_on_where_it_was() {
        let mut bench = Bench::new(AdaptiveLimit::default());
        bench.interval(0, MS);
        bench.interval(50, 10 * MS);
        // 60s and half of 15 percent.
        let (mut intervals, mut before) = (0, 0);
        while !bench.is_measuring() {
            before = bench.controller.limit(&bench.config);
            bench.under_load(80.0, 10 * MS);
            intervals += 1;
        }
        assert_eq!(intervals, 645);
        assert_eq!(bench.controller.limit(&bench.config), 3);
        bench.interval(0, MS);
        assert_eq!(bench.interval(50, 20 * MS), before);
        assert!(bench.controller.min_rtt().unwrap() > 15 * MS);
    }

    #[test]
    fn a_server_that_has_become_slower_for_good_is_measured_anew() {
        let config = AdaptiveLimit {
            min: 10,
            ..AdaptiveLimit::default()
        };
        let mut bench = Bench::new(config);
        bench.interval(0, MS);
        bench.interval(50, 10 * MS);
        let mut intervals = 0;
        while !bench.is_measuring() {
            bench.interval(50, 100 * MS);
            intervals += 1;
            assert!(intervals < 100, "long before its time");
        }
        bench.interval(0, MS);
        bench.interval(50, 100 * MS);
        assert!(bench.interval(50, 100 * MS) > 10, "and it grows again");
    }
}
