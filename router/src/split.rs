//! Sharing a route's requests among clusters.

/// The clusters of a route and their shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split(Shares);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shares {
    One(usize),
    Many {
        /// Each cluster and the sum of the weights up to and with its own. Without those of weight 0.
        ends: Box<[(u64, usize)]>,
        total: u64,
    },
}

impl Split {
    /// No cluster, for a route that answers by itself.
    pub(crate) fn none() -> Self {
        Self(Shares::Many {
            ends: Box::default(),
            total: 0,
        })
    }

    /// All requests to one cluster.
    pub(crate) fn one(cluster: usize) -> Self {
        Self(Shares::One(cluster))
    }

    /// Shares by weight; None if the weights sum to 0, or to more than 2^32 - 1, past which 32 random bits could
    /// not reach every share.
    pub(crate) fn weighted(clusters: impl IntoIterator<Item = (usize, u32)>) -> Option<Self> {
        let mut total = 0_u64;
        let mut ends = Vec::new();
        for (cluster, weight) in clusters {
            if weight > 0 {
                total = total.checked_add(u64::from(weight))?;
                ends.push((total, cluster));
            }
        }
        match ends.as_slice() {
            [] => None,
            [(_, cluster)] => Some(Self::one(*cluster)),
            _ if total > u64::from(u32::MAX) => None,
            _ => Some(Self(Shares::Many {
                ends: ends.into(),
                total,
            })),
        }
    }

    /// True if there is a choice, so that a random number is worth drawing.
    pub fn is_choice(&self) -> bool {
        matches!(self.0, Shares::Many { total: 1.., .. })
    }

    /// The cluster that `random`, uniform over all `u32`, chooses, as an index into
    /// [`RouteTable::clusters`](crate::RouteTable::clusters).
    ///
    /// Each cluster is chosen by its exact share of the 2^32 numbers, give or take one number. If there are none, no
    /// cluster has the index.
    pub fn pick(&self, random: u32) -> usize {
        match &self.0 {
            Shares::One(cluster) => *cluster,
            Shares::Many { ends, total } => {
                let point = (u64::from(random) * total) >> 32;
                let above = ends.partition_point(|(end, _)| *end <= point);
                // `point` is below `total`, which is the last end.
                ends.get(above)
                    .or(ends.last())
                    .map_or(usize::MAX, |(_, cluster)| *cluster)
            }
        }
    }

    /// The clusters that get requests.
    pub fn clusters(&self) -> impl Iterator<Item = usize> {
        let (one, many) = match &self.0 {
            Shares::One(cluster) => (Some(*cluster), None),
            Shares::Many { ends, .. } => (None, Some(ends.iter().map(|(_, cluster)| *cluster))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest random number that falls on each unit of weight, so every unit is counted once.
    fn count(split: &Split, total: u64, clusters: usize) -> Vec<u32> {
        let mut counts = vec![0; clusters];
        for unit in 0..total {
            let random = (unit << 32).div_ceil(total);
            counts[split.pick(u32::try_from(random).unwrap())] += 1;
        }
        counts
    }

    #[test]
    fn shares_are_exact() {
        let split = Split::weighted([(0, 5), (1, 95)]).unwrap();
        assert_eq!(count(&split, 100, 2), [5, 95]);
        let split = Split::weighted([(2, 1), (0, 3), (1, 7)]).unwrap();
        assert_eq!(count(&split, 11, 3), [3, 7, 1]);
    }

    #[test]
    fn zero_weight_is_never_picked_even_at_the_ends() {
        let split = Split::weighted([(0, 0), (1, 1), (2, 0), (3, 1), (4, 0)]).unwrap();
        assert_eq!([split.pick(0), split.pick((1 << 31) - 1)], [1, 1]);
        assert_eq!([split.pick(1 << 31), split.pick(u32::MAX)], [3, 3]);
        assert_eq!(split.clusters().collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn one_that_is_left_is_no_choice() {
        let split = Split::weighted([(0, 0), (7, 9)]).unwrap();
        assert!(!split.is_choice());
        assert_eq!(split, Split::one(7));
        assert_eq!([split.pick(0), split.pick(u32::MAX)], [7, 7]);
    }

    #[test]
    fn none_is_nowhere() {
        let split = Split::none();
        assert!(!split.is_choice() && split.clusters().next().is_none());
        assert_eq!([split.pick(0), split.pick(u32::MAX)], [usize::MAX; 2]);
    }

    #[test]
    fn impossible_weights() {
        assert_eq!(Split::weighted([]), None);
        assert_eq!(Split::weighted([(0, 0)]), None);
        assert_eq!(Split::weighted([(0, u32::MAX), (1, 1)]), None);
        let split = Split::weighted([(0, u32::MAX - 1), (1, 1)]).unwrap();
        assert_eq!([split.pick(0), split.pick(u32::MAX)], [0, 1]);
    }
}
