//! Whose turn it is on one worker.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rand::RngExt;
use rand::rngs::SmallRng;

use super::Plan;
use super::group::Group;
use crate::{Endpoint, Members};

/// For each group of a plan the next turn; nothing where there are no turns.
#[derive(Debug)]
pub(crate) struct Turns(Box<[AtomicU64]>);

impl Turns {
    /// Anywhere in the round, so that workers do not march in step.
    pub(crate) fn new(plan: &Plan, rng: &mut SmallRng) -> Self {
        let groups = if plan.is_in_turn() {
            plan.groups()
        } else {
            &[]
        };
        let start = |_: &Group| AtomicU64::new(u64::from(rng.random::<u32>()));
        Self(groups.iter().map(start).collect())
    }

    pub(super) fn of(&self, group: usize) -> Option<&AtomicU64> {
        self.0.get(group)
    }

    #[cfg(test)]
    pub(super) fn from_start(plan: &Plan) -> Self {
        Self(plan.groups().iter().map(|_| AtomicU64::new(0)).collect())
    }

    /// The turns after a change: whoever's turn it was next has it next, if it is still there, else the one after it.
    /// `before` is what they were, with its members.
    pub(crate) fn follow(
        &self,
        before: (&Plan, &Members),
        (plan, members): (&Plan, &Members),
        rng: &mut SmallRng,
    ) -> Self {
        let next = Self::new(plan, rng);
        let (old, old_members) = before;
        let known: HashMap<_, _> = old
            .groups()
            .iter()
            .zip(&self.0)
            .map(|(group, turn)| (&group.key, (group, turn.load(Relaxed))))
            .collect();
        for (group, turn) in plan.groups().iter().zip(&next.0) {
            if let Some((old, at)) = known.get(&group.key)
                && let Some(kept) = keep((old, old_members, *at), (group, members))
            {
                turn.store(kept, Relaxed);
            }
        }
        next
    }
}

/// Turns that are looked at to find somebody who stays.
const LOOK_AHEAD: u64 = 4096;

fn keep(
    (old, old_members, at): (&Group, &Members, u64),
    (group, members): (&Group, &Members),
) -> Option<u64> {
    let endpoint = |members: &Members, index: usize| -> Option<*const Endpoint> {
        Some(std::sync::Arc::as_ptr(&members.get(index)?.endpoint))
    };
    let both = old.indexes().iter().zip(group.indexes());
    let mut same = both.map(|(a, b)| endpoint(old_members, *a) == endpoint(members, *b));
    if old.is_shaped_like(group) && same.all(|same| same) {
        return Some(at);
    }
    let positions: HashMap<_, _> = group
        .indexes()
        .iter()
        .enumerate()
        .filter_map(|(position, index)| Some((endpoint(members, *index)?, position)))
        .collect();
    (0..LOOK_AHEAD.min(old.total())).find_map(|ahead| {
        let turn = at.wrapping_add(ahead);
        let stays = endpoint(old_members, old.index(old.in_turn(turn))?)?;
        let position = positions.get(&stays)?;
        Some(group.turn_of(*position, old.offset(turn)))
    })
}
