//! The best of a few.
//!
//! Two choices keep the longest queue close to the shortest without looking at all of them (Mitzenmacher, "The power of
//! two choices", 2001); more come closer. Drawing by weight and leaving ties to the draw makes an idle cluster follow the
//! weights exactly; drawing evenly and comparing `(active + 1) / weight` instead would send every request of an idle
//! cluster to the heaviest.

use std::time::Instant;

use rand::rngs::SmallRng;

use super::draw::Scope;
use crate::config::{LeastConnections, LeastRequest, PeakEwma, Ratio};
use crate::{Endpoint, Member};

impl Scope<'_> {
    /// The one of a few that nobody of the others `beats`. It is asked with a challenger and its weight, and then
    /// the best so far.
    fn best(
        &self,
        choices: u32,
        rng: &mut SmallRng,
        beats: impl Fn((&Member, u64), (&Member, u64)) -> bool,
    ) -> Option<usize> {
        let mut best = self.draw(None, rng)?;
        for _ in 1..choices {
            // Each differs from the best so far, if not from those that have lost.
            let Some(other) = self.draw(Some(best), rng) else {
                break;
            };
            let of = |position| Some((self.member(position)?, self.group.weight(position)));
            if beats(of(other)?, of(best)?) {
                best = other;
            }
        }
        Some(best)
    }

    /// The one with the fewest requests under way for its weight.
    pub(super) fn least_request(&self, config: LeastRequest, rng: &mut SmallRng) -> Option<usize> {
        let choices = config.choices;
        if config.bias == Ratio::ONE {
            return self.best(choices, rng, |(a, weight_a), (b, weight_b)| {
                less(a.endpoint.active(), weight_a, b.endpoint.active(), weight_b)
            });
        }
        let bias = config.bias.get();
        if bias == 0.0 {
            return self.draw(None, rng);
        }
        self.best(choices, rng, |(a, weight_a), (b, weight_b)| {
            let load = |member: &Member, weight| {
                f64::from(member.endpoint.active()).powf(bias) / float(weight)
            };
            load(a, weight_a) < load(b, weight_b)
        })
    }

    /// The one with the fewest connections for its weight, and of those with as many the one with fewer requests.
    pub(super) fn least_connections(
        &self,
        config: LeastConnections,
        rng: &mut SmallRng,
    ) -> Option<usize> {
        self.best(config.choices, rng, |(a, weight_a), (b, weight_b)| {
            let (a, b) = (&a.endpoint, &b.endpoint);
            less(a.connections(), weight_a, b.connections(), weight_b)
                || (!less(b.connections(), weight_b, a.connections(), weight_a)
                    && less(a.active(), weight_a, b.active(), weight_b))
        })
    }

    /// The one that is expected to answer soonest.
    pub(super) fn peak_ewma(
        &self,
        config: PeakEwma,
        now: Instant,
        rng: &mut SmallRng,
    ) -> Option<usize> {
        let cost = |endpoint: &Endpoint, weight| {
            let active = f64::from(endpoint.active());
            let latency = endpoint.latency.at(now, config.decay.0);
            if latency > 0.0 {
                latency * (1.0 + active / float(weight))
            } else {
                // Nothing is known of it: one request at a time finds out.
                config.penalty.0.as_secs_f64() * 1e6 * active
            }
        };
        self.best(config.choices, rng, |(a, weight_a), (b, weight_b)| {
            cost(&a.endpoint, weight_a) < cost(&b.endpoint, weight_b)
        })
    }
}

/// `a / weight_a < b / weight_b`, without the divisions.
fn less(a: u32, weight_a: u64, b: u32, weight_b: u64) -> bool {
    u64::from(a) * weight_b < u64::from(b) * weight_a
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a weight is far below 2^52, and this is a comparison of loads"
)]
fn float(weight: u64) -> f64 {
    weight as f64
}
