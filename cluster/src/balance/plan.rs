//! How a cluster is divided, worked out when it changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use rand::RngExt;
use rand::rngs::SmallRng;
use wireloom_codecs::clock;

use super::draw::Scope;
use super::group::{Group, GroupKey};
use super::hash::Table;
use super::locality::{Part, Source, Zones, divide};
use super::priority::{Level, loads};
use super::slow_start::{Warmth, warm_at};
use super::subset::{Subset, subsets};
use super::{Ask, Turns};
use crate::config::{Balance, Fallback, SlowStart, ZoneAware};
use crate::{ClusterConfig, Condition, Member, Members};

/// Everything that a pick looks up. All workers share it.
#[derive(Debug)]
pub(crate) struct Plan {
    balance: Balance,
    slow_start: Option<SlowStart>,
    /// When the last newcomer has its full share.
    warm_at: Option<Instant>,
    groups: Vec<Group>,
    /// The whole cluster first.
    divisions: Vec<Division>,
    /// The subsets that somebody is in; None if the cluster is not divided.
    subsets: Option<HashMap<Subset, usize>>,
    /// The division for requests that choose no subset, or one that nobody is in.
    fallback: Option<usize>,
}

/// The cluster or a subset of it: priorities in order, first their healthy endpoints and then the degraded ones.
#[derive(Debug)]
struct Division(Box<[Share]>);

/// A part of the load.
#[derive(Debug)]
struct Share {
    /// Its percent and those of the shares before it.
    end: u32,
    source: Source,
}

impl Plan {
    pub(crate) fn new(config: &ClusterConfig, members: &Members) -> Self {
        let mut builder = Builder {
            config,
            members,
            groups: Vec::new(),
        };
        let all: Vec<usize> = (0..members.len()).collect();
        let mut divisions = vec![builder.division(None, &all)];
        let mut fallback = Some(0);
        let by_key = config.subset.as_ref().map(|subset| {
            let inside = subsets(subset, members.iter().enumerate());
            let mut places = HashMap::with_capacity(inside.len());
            for (key, indexes) in inside {
                places.insert(key.clone(), divisions.len());
                divisions.push(builder.division(Some(Arc::new(key)), &indexes));
            }
            fallback = match subset.fallback {
                Fallback::None => None,
                Fallback::Any => Some(0),
                Fallback::Default => {
                    let default = &subset.default;
                    let key = Subset::new(default.iter().map(|(key, value)| (&**key, &**value)));
                    let has = members.iter().enumerate();
                    let indexes: Vec<_> = has
                        .filter(|(_, member)| key.has(member))
                        .map(|(index, _)| index)
                        .collect();
                    divisions.push(builder.division(Some(Arc::new(key)), &indexes));
                    Some(divisions.len() - 1)
                }
            };
            places
        });
        Self {
            balance: config.balance,
            slow_start: config.slow_start.clone(),
            warm_at: warm_at(config.slow_start.as_ref(), members),
            groups: builder.groups,
            divisions,
            subsets: by_key,
            fallback,
        }
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// True if members have turns.
    pub(super) fn is_in_turn(&self) -> bool {
        self.balance == Balance::RoundRobin
    }

    /// True if picks depend on the requests under way in the cluster.
    pub(crate) fn is_bounded(&self) -> bool {
        match self.balance {
            Balance::RingHash(ring) => ring.bound.is_some(),
            Balance::Maglev(maglev) => maglev.bound.is_some(),
            _ => false,
        }
    }

    /// The index of a member that the request may go to and has not been to; None if there is none.
    pub(crate) fn pick(
        &self,
        members: &Members,
        turns: &Turns,
        ask: Ask<'_>,
        rng: &mut SmallRng,
    ) -> Option<usize> {
        let shares = &*self.division(ask.selection.subset)?.0;
        let hash = match ask.selection.hash {
            Some(hash) => hash,
            None if shares.len() > 1 || self.balance.is_hash() => rng.random(),
            None => 0,
        };
        let share = match shares {
            [only] => only,
            // By the hash, so that requests of the same hash are of the same priority too.
            many => {
                let point = hash % 100;
                let found = many.iter().find(|share| point < u64::from(share.end));
                found.or(many.first())?
            }
        };
        let warmth = self.warmth();
        let from = |group: usize, rng: &mut SmallRng| {
            let scope = Scope {
                members,
                group: self.groups.get(group)?,
                tried: ask.tried,
                warmth,
            };
            let position = self.balanced(scope, turns, group, (hash, ask.in_flight), rng)?;
            scope.group.index(position)
        };
        let group = share.source.pick(rng);
        let picked = from(group, rng);
        if picked.is_some() || ask.tried.is_empty() {
            return picked;
        }
        // Everybody there was tried: the other zones and the other priorities, in their order.
        let mut others = shares.iter().flat_map(|share| share.source.groups());
        others.find_map(|group| from(group, rng))
    }

    fn balanced(
        &self,
        scope: Scope<'_>,
        turns: &Turns,
        group: usize,
        (hash, in_flight): (u64, u32),
        rng: &mut SmallRng,
    ) -> Option<usize> {
        match self.balance {
            Balance::LeastRequest(config) => scope.least_request(config, rng),
            Balance::RoundRobin => scope.next(turns.of(group)?, rng),
            Balance::Random => scope.draw(None, rng),
            Balance::LeastConnections(config) => scope.least_connections(config, rng),
            Balance::PeakEwma(config) => scope.peak_ewma(config, clock::now(), rng),
            Balance::RingHash(config) => scope.hashed(hash, config.bound, in_flight, rng),
            Balance::Maglev(config) => scope.hashed(hash, config.bound, in_flight, rng),
        }
    }

    fn division(&self, subset: Option<&Subset>) -> Option<&Division> {
        let place = match (&self.subsets, subset) {
            (None, _) => Some(0),
            (Some(_), None) => self.fallback,
            (Some(subsets), Some(subset)) => subsets.get(subset).copied().or(self.fallback),
        };
        self.divisions.get(place?)
    }

    fn warmth(&self) -> Option<Warmth<'_>> {
        let (config, warm_at) = (self.slow_start.as_ref()?, self.warm_at?);
        let now = clock::now();
        (now < warm_at).then_some(Warmth { config, now })
    }
}

struct Builder<'a> {
    config: &'a ClusterConfig,
    members: &'a Members,
    groups: Vec<Group>,
}

/// The members of one priority, by index.
#[derive(Default)]
struct Ranks {
    all: Vec<usize>,
    healthy: Vec<usize>,
    degraded: Vec<usize>,
}

impl Builder<'_> {
    fn division(&mut self, subset: Option<Arc<Subset>>, indexes: &[usize]) -> Division {
        let mut priorities: BTreeMap<u32, Ranks> = BTreeMap::new();
        for index in indexes {
            let Some(member) = self.members.get(*index) else {
                continue;
            };
            let condition = member.condition();
            let is_hash = self.config.balance.is_hash();
            if self.weight(member, is_hash) == 0 || condition == Condition::Draining {
                continue;
            }
            let ranks = priorities.entry(member.priority).or_default();
            ranks.all.push(*index);
            match condition {
                Condition::Healthy => ranks.healthy.push(*index),
                Condition::Degraded => ranks.degraded.push(*index),
                Condition::Unhealthy | Condition::Ejected | Condition::Draining => {}
            }
        }
        let levels: Vec<Level> = priorities
            .values()
            .map(|ranks| Level {
                all: ranks.all.len(),
                healthy: ranks.healthy.len(),
                degraded: ranks.degraded.len(),
            })
            .collect();
        let panic = self.config.panic;
        let loads = loads(&levels, self.config.overprovisioning.get(), panic.threshold);
        let (mut healthy, mut degraded) = (Vec::new(), Vec::new());
        for ((priority, ranks), load) in priorities.iter().zip(&loads) {
            let key = |degraded| GroupKey {
                subset: subset.clone(),
                priority: *priority,
                degraded,
                zone: None,
            };
            if load.panic {
                let source = if panic.refuse {
                    Source::One(usize::MAX)
                } else {
                    Source::One(self.group(key(false), &ranks.all))
                };
                healthy.push((load.healthy + load.degraded, source));
                continue;
            }
            if !ranks.healthy.is_empty() {
                let source = self.source(&key(false), &ranks.healthy, &ranks.all);
                healthy.push((load.healthy, source));
            }
            if !ranks.degraded.is_empty() {
                let source = self.source(&key(true), &ranks.degraded, &ranks.all);
                degraded.push((load.degraded, source));
            }
        }
        let mut end = 0;
        let shares = healthy.into_iter().chain(degraded).map(|(load, source)| {
            end += load;
            Share { end, source }
        });
        Division(shares.collect())
    }

    /// Adds a group of these members.
    fn group(&mut self, key: GroupKey, indexes: &[usize]) -> usize {
        let weighted = self.weighted(indexes, self.config.balance.is_hash());
        let table = self.config.balance.is_hash().then(|| {
            let named = weighted.iter().filter_map(|(index, weight)| {
                let address = self.members.get(*index)?.endpoint.address();
                Some((address.to_string(), f64::from(*weight)))
            });
            Table::build(self.config.balance, &named.collect::<Vec<_>>())
        });
        self.groups
            .push(Group::new(key, &weighted, table.flatten()));
        self.groups.len() - 1
    }

    fn weighted(&self, indexes: &[usize], with_zones: bool) -> Vec<(usize, u32)> {
        let weight = |index: &usize| Some(self.weight(self.members.get(*index)?, with_zones));
        indexes
            .iter()
            .filter_map(|index| Some((*index, weight(index)?)))
            .collect()
    }

    /// The weight of a member, with that of its zone where no zone is picked before.
    fn weight(&self, member: &Member, with_zone: bool) -> u32 {
        if with_zone && !self.config.localities.is_empty() {
            let zone = self.config.locality_weight(member.zone.as_deref());
            member.weight.saturating_mul(zone)
        } else {
            member.weight
        }
    }

    /// Divides `indexes`, which are of the members of a priority those that may be picked, into zones if these count.
    fn source(&mut self, key: &GroupKey, indexes: &[usize], all: &[usize]) -> Source {
        if self.config.balance.is_hash() {
            return Source::One(self.group(key.clone(), indexes));
        }
        if !self.config.localities.is_empty() {
            return self.weighted_zones(key, indexes, all);
        }
        if let Some(zone_aware) = self.config.zone_aware.clone()
            && let Some(zones) = self.own_zone(key, indexes, &zone_aware)
        {
            return Source::Own(zones);
        }
        Source::One(self.group(key.clone(), indexes))
    }

    fn weighted_zones(&mut self, key: &GroupKey, indexes: &[usize], all: &[usize]) -> Source {
        let sizes = self.zones(all);
        let mut total = 0;
        let mut spans = Vec::new();
        for (zone, inside) in self.zones(indexes) {
            let size = sizes.get(&zone).map_or(inside.len(), Vec::len);
            let well = self.config.overprovisioning.get() * ratio(inside.len(), size);
            let weight = f64::from(self.config.locality_weight(zone.as_deref()));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most ten thousand thousandths"
            )]
            let span = (weight * well.min(1.0) * 1000.0).round() as u64;
            total += span;
            spans.push((total, self.group(in_zone(key, &zone), &inside)));
        }
        if total == 0 {
            return Source::One(self.group(key.clone(), indexes));
        }
        Source::Weighted(spans.into())
    }

    /// None if zones cannot be followed.
    fn own_zone(&mut self, key: &GroupKey, indexes: &[usize], config: &ZoneAware) -> Option<Zones> {
        let own: Option<Arc<str>> = Some(Arc::from(config.own.as_deref()?));
        let mut zones = self.zones(indexes);
        let count = zones.len();
        let few = indexes.len() < usize::try_from(config.min_endpoints).unwrap_or(usize::MAX);
        if count < 2 || few {
            return None;
        }
        let inside = zones.remove(&own)?;
        let callers: u64 = config.callers.values().map(|n| u64::from(*n)).sum();
        let part = |zone: &Option<Arc<str>>, inside: &[usize]| Part {
            endpoints: per_ten_thousand(inside.len() as u64, indexes.len() as u64),
            requests: if callers == 0 {
                per_ten_thousand(1, count as u64)
            } else {
                let named = zone.as_deref().and_then(|zone| config.callers.get(zone));
                per_ten_thousand(named.map_or(0, |n| u64::from(*n)), callers)
            },
        };
        let others: Vec<Part> = zones
            .iter()
            .map(|(zone, inside)| part(zone, inside))
            .collect();
        let (stay, spare) = divide(part(&own, &inside), &others);
        let mut total = 0;
        let mut spans = Vec::new();
        for ((zone, inside), spare) in zones.iter().zip(spare) {
            total += spare;
            spans.push((total, self.group(in_zone(key, zone), inside)));
        }
        Some(Zones {
            own: self.group(in_zone(key, &own), &inside),
            all: self.group(key.clone(), indexes),
            percent: config.percent,
            stay,
            others: spans.into(),
        })
    }

    fn zones(&self, indexes: &[usize]) -> BTreeMap<Option<Arc<str>>, Vec<usize>> {
        let mut zones: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for index in indexes {
            if let Some(member) = self.members.get(*index) {
                zones.entry(member.zone.clone()).or_default().push(*index);
            }
        }
        zones
    }
}

fn in_zone(key: &GroupKey, zone: &Option<Arc<str>>) -> GroupKey {
    GroupKey {
        zone: Some(zone.clone()),
        ..key.clone()
    }
}

fn per_ten_thousand(part: u64, of: u64) -> u64 {
    (part * 10_000).checked_div(of).unwrap_or(0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of endpoints are far below 2^52"
)]
fn ratio(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}
