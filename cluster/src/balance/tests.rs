//! Picks of whole plans, from configurations.

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::*;
use crate::{ClusterConfig, Endpoint, Mark, Members};

mod anything;
mod cost;
mod distribution;
mod division;
mod hashing;
mod newcomers;

/// A cluster and one worker's turns in it.
#[derive(Debug)]
struct Bench {
    config: ClusterConfig,
    members: Members,
    plan: Plan,
    turns: Turns,
    rng: SmallRng,
}

impl Bench {
    fn new(yaml: &str) -> Self {
        let config: ClusterConfig = serde_saphyr::from_str(yaml).unwrap();
        let members = Members::next(&Members::default(), &config.endpoints);
        let plan = Plan::new(&config, &members);
        Self {
            turns: Turns::from_start(&plan),
            config,
            members,
            plan,
            rng: SmallRng::seed_from_u64(7),
        }
    }

    /// With endpoints 10.0.0.0:1, 10.0.0.1:1 and so on of these weights.
    fn weighted(weights: &[u32], keys: &str) -> Self {
        let endpoints = weights.iter().enumerate().map(|(at, weight)| {
            let (high, low) = (at / 256, at % 256);
            format!("  - {{address: '10.0.{high}.{low}:1', weight: {weight}}}\n")
        });
        let endpoints: String = endpoints.collect();
        let list = if endpoints.is_empty() {
            "endpoints: []\n".to_owned()
        } else {
            format!("endpoints:\n{endpoints}")
        };
        Self::new(&format!("{list}{keys}\n"))
    }

    fn endpoint(&self, index: usize) -> &Arc<Endpoint> {
        &self.members.get(index).unwrap().endpoint
    }

    /// As [`Cluster::mark`](crate::Cluster::mark) does it.
    fn mark(&mut self, mark: Mark, indexes: impl IntoIterator<Item = usize>) {
        for index in indexes {
            self.endpoint(index).marks.set(mark, true);
        }
        self.replan();
    }

    fn replan(&mut self) {
        let plan = Plan::new(&self.config, &self.members);
        let (old, new) = ((&self.plan, &self.members), (&plan, &self.members));
        self.turns = self.turns.follow(old, new, &mut self.rng);
        self.plan = plan;
    }

    fn pick(&mut self, ask: Ask<'_>) -> Option<usize> {
        self.plan
            .pick(&self.members, &self.turns, ask, &mut self.rng)
    }

    fn any(&mut self, tried: &Tried) -> Option<usize> {
        self.pick(Ask {
            selection: Selection::default(),
            tried,
            in_flight: 0,
        })
    }

    fn hashed(&mut self, hash: u64) -> Option<usize> {
        self.pick(Ask {
            selection: Selection {
                hash: Some(hash),
                subset: None,
                ..Selection::ANY
            },
            tried: &Tried::new(),
            in_flight: 0,
        })
    }

    /// How often each is picked.
    fn counts(&mut self, tried: &Tried, picks: usize) -> Vec<u32> {
        let mut counts = vec![0; self.members.len()];
        for _ in 0..picks {
            counts[self.any(tried).unwrap()] += 1;
        }
        counts
    }

    fn tried(&self, indexes: &[usize]) -> Tried {
        let mut tried = Tried::new();
        for index in indexes {
            tried.push(self.endpoint(*index).clone());
        }
        tried
    }
}

/// Pearson's statistic of `counts` against `weights`.
fn chi_square(counts: &[u32], weights: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum();
    let sum: u32 = weights.iter().sum();
    let pairs = counts.iter().zip(weights);
    pairs
        .map(|(count, weight)| {
            if *weight == 0 {
                assert_eq!(*count, 0);
                return 0.0;
            }
            let expected = f64::from(total) * f64::from(*weight) / f64::from(sum);
            (f64::from(*count) - expected).powi(2) / expected
        })
        .sum()
}

/// What the statistic exceeds once in a thousand times, by degrees of freedom.
const fn critical(degrees: usize) -> f64 {
    [0.0, 10.83, 13.82, 16.27, 18.47, 20.52][degrees]
}
