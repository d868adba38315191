//! Drawing a member of a group at random, by weight.

use rand::RngExt;
use rand::rngs::SmallRng;

use super::group::Group;
use super::slow_start::Warmth;
use crate::{Member, Members, Tried};

/// Draws before all members are gone through, or a newcomer is taken for want of others.
pub(super) const DRAWS: usize = 16;

/// A group, and who in it may be picked.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) members: &'a Members,
    pub(super) group: &'a Group,
    pub(super) tried: &'a Tried,
    /// None if nobody is new.
    pub(super) warmth: Option<Warmth<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn member(&self, position: usize) -> Option<&'a Member> {
        self.members.get(self.group.index(position)?)
    }

    /// Whether the exchange has not been there.
    pub(super) fn is_open(&self, position: usize) -> bool {
        self.tried.is_empty()
            || self
                .member(position)
                .is_some_and(|member| !self.tried.contains(&member.endpoint))
    }

    /// Whether a member that has been picked stays so, which newcomers only do now and then.
    pub(super) fn accepts(&self, position: usize, rng: &mut SmallRng) -> bool {
        match (&self.warmth, self.member(position)) {
            (Some(warmth), Some(member)) => warmth.accepts(&member.endpoint, rng),
            _ => true,
        }
    }

    /// A member with the probability of its weight among those that are open and not at `except`.
    ///
    /// Constant time for equal weights and a binary search for others; all are gone through only where most of the weight
    /// was tried.
    pub(super) fn draw(&self, except: Option<usize>, rng: &mut SmallRng) -> Option<usize> {
        let group = self.group;
        let hole = except.map(|except| (group.before(except), group.weight(except)));
        let total = group.total() - hole.map_or(0, |(_, weight)| weight);
        if total == 0 {
            return None;
        }
        let mut last = None;
        for _ in 0..DRAWS {
            // With one that can be drawn there is nothing to draw.
            let mut point = match total {
                1 => 0,
                _ => rng.random_range(0..total),
            };
            // Skipping over the excepted one keeps the others' shares.
            if let Some((before, weight)) = hole
                && point >= before
            {
                point += weight;
            }
            let position = group.at(point);
            if !self.is_open(position) {
                continue;
            }
            if self.accepts(position, rng) {
                return Some(position);
            }
            last = Some(position);
        }
        last.or_else(|| self.scan(except, rng))
    }

    /// The same by going through all.
    #[cold]
    pub(super) fn scan(&self, except: Option<usize>, rng: &mut SmallRng) -> Option<usize> {
        let open = || {
            (0..self.group.len())
                .filter(|position| Some(*position) != except && self.is_open(*position))
                .map(|position| (position, self.group.weight(position)))
        };
        let total: u64 = open().map(|(_, weight)| weight).sum();
        if total == 0 {
            return None;
        }
        let mut point = rng.random_range(0..total);
        for (position, weight) in open() {
            match point.checked_sub(weight) {
                Some(rest) => point = rest,
                None => return Some(position),
            }
        }
        None
    }
}
