//! How the load of a priority is divided among zones.

use rand::RngExt;
use rand::rngs::SmallRng;

/// Where the requests of a priority go, as indexes of groups.
#[derive(Debug)]
pub(super) enum Source {
    /// Zones do not count.
    One(usize),
    /// Zones by weight: where each one's span ends.
    Weighted(Box<[(u64, usize)]>),
    /// The proxy's own zone first.
    Own(Zones),
}

/// The proxy's own zone, and what the others take of its requests.
///
/// The rule is Envoy's ("Zone aware routing"): while the own zone has no smaller a part of the endpoints than of the
/// requests, it keeps them all. Else it keeps what gives its endpoints the load that all have, and the others take the
/// rest as far as they have a larger part of the endpoints than of the requests.
#[derive(Debug)]
pub(super) struct Zones {
    pub(super) own: usize,
    /// All endpoints, for requests that no zone is tried for.
    pub(super) all: usize,
    /// How many of a hundred requests zones are tried for.
    pub(super) percent: u32,
    /// Of ten thousand requests those that stay in the zone.
    pub(super) stay: u64,
    /// The other zones: where the span of what each can take ends.
    pub(super) others: Box<[(u64, usize)]>,
}

impl Source {
    pub(super) fn pick(&self, rng: &mut SmallRng) -> usize {
        match self {
            Self::One(group) => *group,
            Self::Weighted(spans) => pick(spans, rng).unwrap_or(usize::MAX),
            Self::Own(zones) => {
                if zones.percent < 100 && rng.random_range(0..100) >= zones.percent {
                    return zones.all;
                }
                if zones.stay >= 10_000 || rng.random_range(0..10_000) < zones.stay {
                    return zones.own;
                }
                pick(&zones.others, rng).unwrap_or(zones.all)
            }
        }
    }

    /// All of its groups.
    pub(super) fn groups(&self) -> impl Iterator<Item = usize> {
        let (one, spans) = match self {
            Self::One(group) => (*group, None),
            Self::Own(zones) => (zones.all, None),
            Self::Weighted(spans) => (usize::MAX, Some(spans)),
        };
        let several = spans.into_iter().flatten().map(|(_, group)| *group);
        std::iter::once(one).chain(several)
    }
}

fn pick(spans: &[(u64, usize)], rng: &mut SmallRng) -> Option<usize> {
    let (total, _) = spans.last()?;
    if *total == 0 {
        return None;
    }
    let point = rng.random_range(0..*total);
    let at = spans.partition_point(|(end, _)| *end <= point);
    spans.get(at).map(|(_, group)| *group)
}

/// A zone's part of the endpoints that are well and of the requests, each of ten thousand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) endpoints: u64,
    pub(super) requests: u64,
}

/// Of ten thousand requests those that stay in the `own` zone, and what each of the `others` can take of the rest.
pub(super) fn divide(own: Part, others: &[Part]) -> (u64, Vec<u64>) {
    let spare = others
        .iter()
        .map(|other| other.endpoints.saturating_sub(other.requests))
        .collect();
    if own.requests == 0 || own.endpoints >= own.requests {
        return (10_000, spare);
    }
    (own.endpoints * 10_000 / own.requests, spare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(endpoints: u64, requests: u64) -> Part {
        Part {
            endpoints,
            requests,
        }
    }

    #[test]
    fn a_zone_with_enough_endpoints_keeps_its_requests() {
        assert_eq!(divide(part(5000, 5000), &[part(5000, 5000)]).0, 10_000);
        assert_eq!(divide(part(6000, 5000), &[part(4000, 5000)]).0, 10_000);
    }

    #[test]
    fn what_is_too_much_goes_where_there_is_room() {
        // A quarter of the endpoints and half of the requests: half of them stay.
        let (stay, spare) = divide(part(2500, 5000), &[part(2500, 3000), part(5000, 2000)]);
        assert_eq!((stay, spare), (5000, vec![0, 3000]));
    }
}
