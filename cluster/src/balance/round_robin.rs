//! In turn.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rand::RngExt;
use rand::rngs::SmallRng;

use super::Balancer;
use crate::{Members, Tried};

/// Weighted round robin from nothing but a counter: no lock, no schedule to rebuild when members change.
///
/// The counter goes around the members, lap after lap. In each lap the heaviest gets a request, and another one
/// whenever the line `lap × weight / heaviest` passes a whole number (the way a straight line is drawn on a grid), so
/// that over `heaviest` laps everybody gets exactly its weight, evenly spread. The lines start apart, so that light
/// members do not have their turn in the same lap. Workers start anywhere, so that they do not march in step.
#[derive(Debug)]
pub struct RoundRobin {
    turn: AtomicU64,
}

impl RoundRobin {
    /// Starts with a random turn.
    pub fn new(rng: &mut SmallRng) -> Self {
        Self::starting_at(u64::from(rng.random::<u32>()))
    }

    pub(super) const fn starting_at(turn: u64) -> Self {
        Self {
            turn: AtomicU64::new(turn),
        }
    }
}

/// Whether the member at `index` has a request in `lap`.
fn due(members: &Members, lap: u64, index: u64, count: u64) -> bool {
    if members.is_uniform() {
        return true;
    }
    let weight = usize::try_from(index)
        .ok()
        .and_then(|index| members.get(index))
        .map_or(0, |member| u64::from(member.weight));
    let heaviest = u64::from(members.heaviest());
    if heaviest == 0 {
        return false;
    }
    let start = index * heaviest / count;
    // The position within the cell of the grid after this lap's step: the line passed a whole number if it is
    // smaller than the step.
    let position = (start + (lap % heaviest + 1) * weight) % heaviest;
    position < weight
}

impl Balancer for RoundRobin {
    fn pick(&self, members: &Members, tried: &Tried, _: &mut SmallRng) -> Option<usize> {
        let count = members.len() as u64;
        if members.heaviest() == 0 {
            return None;
        }
        // The heaviest is due in every lap, so two laps always find somebody, unless somebody was tried.
        for _ in 0..2 * count {
            let turn = self.turn.fetch_add(1, Relaxed);
            let (lap, index) = (turn / count, turn % count);
            if due(members, lap, index, count) {
                let index = usize::try_from(index).ok()?;
                let member = members.get(index)?;
                if !tried.contains(&member.endpoint) {
                    return Some(index);
                }
            }
        }
        // Only light ones are left, and none was due: the next one in the circle.
        let start = usize::try_from(self.turn.load(Relaxed) % count).ok()?;
        (start..members.len()).chain(0..start).find(|index| {
            members
                .get(*index)
                .is_some_and(|member| member.weight > 0 && !tried.contains(&member.endpoint))
        })
    }
}
