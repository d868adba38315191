//! Which endpoint takes a request.
//!
//! A [`Balancer`] is one worker's and is asked once per attempt. All of them respect weights, never pick what an
//! exchange has tried already, and never pick a member of weight 0.

mod draw;
mod least_request;
mod random;
mod round_robin;

use std::fmt::Debug;

use rand::rngs::SmallRng;

use crate::config::Balance;
use crate::{Members, Tried};

pub use least_request::LeastRequest;
pub use random::Random;
pub use round_robin::RoundRobin;

/// A way to pick an endpoint. It keeps what state it has between picks by itself, and outlives changes of membership.
pub trait Balancer: Send + Sync + Debug {
    /// The index of a member that is not in `tried`; None if there is none.
    fn pick(&self, members: &Members, tried: &Tried, rng: &mut SmallRng) -> Option<usize>;
}

/// The balancer of that name, in its first state.
pub fn balancer(balance: Balance, rng: &mut SmallRng) -> Box<dyn Balancer> {
    match balance {
        Balance::LeastRequest => Box::new(LeastRequest),
        Balance::RoundRobin => Box::new(RoundRobin::new(rng)),
        Balance::Random => Box::new(Random),
    }
}

#[cfg(test)]
mod tests;
