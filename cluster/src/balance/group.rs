//! Endpoints among which nothing but the balancer decides.

use std::sync::Arc;

use super::hash::Table;
use super::subset::Subset;

/// Which part of a cluster a group is: by this a worker finds its turn again after a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupKey {
    /// None = the whole cluster.
    pub(super) subset: Option<Arc<Subset>>,
    pub(super) priority: u32,
    pub(super) degraded: bool,
    /// None = zones do not count; else the zone, which may be none.
    pub(super) zone: Option<Option<Arc<str>>>,
}

/// Some members of a cluster with their weights, all over 0. They have positions here, from 0, and indexes there.
///
/// Each has a span as long as its weight; the spans lie end to end, and a point is in one of them. Weights are divided by
/// what they have in common, so that equal ones are 1 and a point is a position.
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) key: GroupKey,
    members: Box<[usize]>,
    /// Where each span ends; empty if all weights are 1.
    ends: Box<[u64]>,
    total: u64,
    /// See [`Self::in_turn`].
    stride: u64,
    inverse: u64,
    pub(super) table: Option<Table>,
}

impl Group {
    /// Of members by index and weight. Those of weight 0 must have been left out.
    pub(super) fn new(key: GroupKey, members: &[(usize, u32)], table: Option<Table>) -> Self {
        let common = members
            .iter()
            .fold(0, |common, (_, weight)| gcd(common, u64::from(*weight)));
        let mut total = 0;
        let ends: Box<[u64]> = members
            .iter()
            .map(|(_, weight)| {
                total += u64::from(*weight) / common.max(1);
                total
            })
            .collect();
        let uniform = total == members.len() as u64;
        let stride = if uniform { 1 } else { stride(total) };
        Self {
            key,
            members: members.iter().map(|(index, _)| *index).collect(),
            ends: if uniform { Box::default() } else { ends },
            total,
            stride,
            inverse: inverse(stride, total),
            table,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The sum of the weights.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Where the member at that position is in the cluster.
    pub(super) fn index(&self, position: usize) -> Option<usize> {
        self.members.get(position).copied()
    }

    pub(super) fn indexes(&self) -> &[usize] {
        &self.members
    }

    /// True if there are as many members with the same weights.
    pub(super) fn is_shaped_like(&self, other: &Self) -> bool {
        self.members.len() == other.members.len() && self.ends == other.ends
    }

    pub(super) fn weight(&self, position: usize) -> u64 {
        match self.ends.get(position) {
            Some(end) => end - self.before(position),
            None => 1,
        }
    }

    /// The sum of the weights before a position.
    pub(super) fn before(&self, position: usize) -> u64 {
        if self.ends.is_empty() {
            return position as u64;
        }
        let last = position.checked_sub(1).and_then(|last| self.ends.get(last));
        last.copied().unwrap_or(0)
    }

    /// The position in whose span a point below the total is.
    pub(super) fn at(&self, point: u64) -> usize {
        if self.ends.is_empty() {
            usize::try_from(point).unwrap_or(usize::MAX)
        } else {
            self.ends.partition_point(|end| *end <= point)
        }
    }

    /// Whose turn it is.
    ///
    /// The turns go over the points with a stride that has nothing in common with their number, so that as many turns as
    /// there are points come to each once: everybody has exactly its weight. The stride is the golden section of the
    /// number, which spreads the turns of each member as evenly as a fixed stride can (the three-distance theorem).
    /// Of equal weights it is 1: one after the other.
    pub(super) fn in_turn(&self, turn: u64) -> usize {
        self.at(self.point(turn))
    }

    fn point(&self, turn: u64) -> u64 {
        let point = u128::from(turn % self.total.max(1)) * u128::from(self.stride);
        u64::try_from(point % u128::from(self.total.max(1))).unwrap_or(0)
    }

    /// How far into its member's span a turn is.
    pub(super) fn offset(&self, turn: u64) -> u64 {
        let point = self.point(turn);
        point - self.before(self.at(point))
    }

    /// The first turn of the member at that position which is that far into its span, or as far as there is one.
    pub(super) fn turn_of(&self, position: usize, offset: u64) -> u64 {
        let most = self.weight(position).saturating_sub(1);
        let point = self.before(position) + offset.min(most);
        let turn = u128::from(point) * u128::from(self.inverse) % u128::from(self.total.max(1));
        u64::try_from(turn).unwrap_or(0)
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The number nearest to the golden section of `total` that has no divisor in common with it.
fn stride(total: u64) -> u64 {
    // 0.618 034 in 2^32ths.
    let golden = u64::try_from((u128::from(total) * 2_654_435_769) >> 32).unwrap_or(1);
    let around =
        (0..total).flat_map(|away| [golden.saturating_add(away), golden.saturating_sub(away)]);
    let mut coprime = around.filter(|stride| *stride > 0 && gcd(*stride, total) == 1);
    coprime.next().unwrap_or(1)
}

/// What takes a stride back: `stride × inverse = 1` modulo `total`.
fn inverse(stride: u64, total: u64) -> u64 {
    let (mut a, mut b) = (i128::from(total.max(1)), i128::from(stride));
    let (mut x, mut y) = (0_i128, 1_i128);
    while b > 1 {
        let quotient = a / b;
        (a, b) = (b, a % b);
        (x, y) = (y, x - quotient * y);
    }
    u64::try_from(y.rem_euclid(i128::from(total.max(1)))).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(weights: &[u32]) -> Group {
        let key = GroupKey {
            subset: None,
            priority: 0,
            degraded: false,
            zone: None,
        };
        let members: Vec<_> = weights.iter().copied().enumerate().collect();
        Group::new(key, &members, None)
    }

    #[test]
    fn points_fall_into_spans_as_long_as_the_weights() {
        let group = group(&[10, 2, 6]);
        assert_eq!(group.total(), 9);
        let positions: Vec<_> = (0..9).map(|point| group.at(point)).collect();
        assert_eq!(positions, [0, 0, 0, 0, 0, 1, 2, 2, 2]);
        let spans: Vec<_> = (0..3)
            .map(|at| (group.before(at), group.weight(at)))
            .collect();
        assert_eq!(spans, [(0, 5), (5, 1), (6, 3)]);
    }

    #[test]
    fn equal_weights_are_one_after_the_other() {
        let group = group(&[7, 7, 7]);
        let turns: Vec<_> = (0..6).map(|turn| group.in_turn(turn)).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn every_turn_can_be_found_again() {
        for weights in [
            vec![1],
            vec![3, 3],
            vec![5, 1, 1, 3],
            vec![10_000, 1, 77],
            vec![1, 2],
        ] {
            let group = group(&weights);
            for turn in 0..group.total() {
                let position = group.in_turn(turn);
                assert_eq!(
                    group.turn_of(position, group.offset(turn)),
                    turn,
                    "{weights:?}"
                );
            }
        }
    }
}
