//! At random.

use rand::rngs::SmallRng;

use super::{Balancer, draw::draw};
use crate::{Members, Tried};

/// Each member with the probability of its weight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Balancer for Random {
    fn pick(&self, members: &Members, tried: &Tried, rng: &mut SmallRng) -> Option<usize> {
        draw(members, tried, None, rng)
    }
}
