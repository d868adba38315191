//! The less busy of two.

use rand::rngs::SmallRng;

use super::{Balancer, draw::draw};
use crate::{Members, Tried};

/// Draws two members by weight and takes the one with fewer requests under way for its weight; the first of them if
/// they are equally busy.
///
/// Two choices keep the longest queue close to the shortest without looking at all of them (Mitzenmacher, "The power
/// of two choices", 2001). Drawing by weight and leaving ties to the draw makes an idle cluster follow the weights
/// exactly; comparing `(active + 1) / weight` instead would send every request of an idle cluster to the heaviest.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastRequest;

impl Balancer for LeastRequest {
    fn pick(&self, members: &Members, tried: &Tried, rng: &mut SmallRng) -> Option<usize> {
        let first = draw(members, tried, None, rng)?;
        let Some(second) = draw(members, tried, Some(first), rng) else {
            return Some(first);
        };
        let (a, b) = (members.get(first)?, members.get(second)?);
        // active_b / weight_b < active_a / weight_a, without the division.
        let load_b = u64::from(b.endpoint.active()) * u64::from(a.weight);
        let load_a = u64::from(a.endpoint.active()) * u64::from(b.weight);
        Some(if load_b < load_a { second } else { first })
    }
}
