//! One worker's side of a cluster.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock, OnceLock};

use arc_swap::ArcSwap;
use rand::rngs::SmallRng;
use wireloom_codecs::Connector;
use wireloom_net::Address;

use crate::adaptive::Samples;
use crate::balance::{Ask, Plan, Selection, Turns};
use crate::cluster::Current;
use crate::pins::Pinned;
use crate::set::Set;
use crate::upkeep::Upkeep;
use crate::upstream::Way;
use crate::{Cluster, ClusterConfig, Endpoint, Members, Tried, Upstream};

thread_local! {
    /// Every worker is a thread, so this is the worker's.
    static RNG: RefCell<SmallRng> = RefCell::new(rand::make_rng());
}

/// Lends the thread's source of randomness out. Not to be nested.
pub(crate) fn with_rng<T>(use_it: impl FnOnce(&mut SmallRng) -> T) -> T {
    RNG.with_borrow_mut(use_it)
}

/// One worker's side of a [`Cluster`]: its balancer's turns and its connections.
///
/// Must be used on the worker's runtime, which the connections' tasks are spawned on. When the last reference is
/// dropped, the connections take no more requests and close as those under way end.
pub struct LocalCluster {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) view: ArcSwap<View>,
    pub(crate) upkeep: Upkeep,
    /// How long answers take, where the cluster's limit goes by that.
    pub(crate) samples: LazyLock<Samples>,
}

/// Everything that an attempt reads, of one moment.
pub(crate) struct View {
    pub(crate) config: Arc<ClusterConfig>,
    pub(crate) members: Arc<Members>,
    pub(crate) plan: Arc<Plan>,
    turns: Arc<Turns>,
    /// At each member's index what this worker has of it.
    pub(crate) endpoints: Box<[Arc<LocalEndpoint>]>,
    /// The members by address, if requests say which one they want.
    places: Option<HashMap<Address, usize>>,
}

/// One worker's connections to one endpoint, by protocol.
pub(crate) struct LocalEndpoint {
    pub(crate) endpoint: Arc<Endpoint>,
    /// At each connector's position its connections, once there was a request for them.
    sets: Box<[OnceLock<Lanes>]>,
    /// Those that downstream connections have to themselves.
    pinned: Pinned,
}

/// The connections of one connector.
enum Lanes {
    /// They all carry the same requests.
    One(Set),
    /// At each lane those that carry its requests, once there was one.
    Many(Box<[OnceLock<Set>]>),
}

impl LocalCluster {
    /// One worker's side of `cluster`. It makes no connection before a request needs one, unless the configuration says so.
    pub fn new(cluster: Arc<Cluster>, upstream: Arc<Upstream>) -> Arc<Self> {
        let shared = cluster.clone();
        let local = shared.join(|current| {
            let turns = with_rng(|rng| Turns::new(&current.plan, rng));
            let none = HashMap::new();
            Self {
                view: ArcSwap::from_pointee(View::new(current, turns.into(), &none, &upstream)),
                cluster,
                upstream,
                upkeep: Upkeep::default(),
                samples: LazyLock::new(Samples::default),
            }
        });
        local.keep_up();
        local
    }

    /// The connections that carry such requests to the endpoint: all share them, or the downstream connection has them to
    /// itself. None if no connector carries any.
    pub(crate) fn set(
        &self,
        endpoint: &Arc<LocalEndpoint>,
        way: Way,
        selection: &Selection<'_>,
        config: &ClusterConfig,
    ) -> Option<Set> {
        match selection.pins(config) {
            None => endpoint.set(way, self).cloned(),
            Some(pins) => pins.set(endpoint, way, self),
        }
    }

    /// The cluster that it belongs to.
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// Takes over what the cluster has become. Connections to endpoints that left drain as the old view is dropped.
    pub(crate) fn follow(self: &Arc<Self>, current: &Current) {
        let old = self.view.load_full();
        let turns = if Arc::ptr_eq(&old.plan, &current.plan) {
            old.turns.clone()
        } else {
            let (before, now) = (
                (&*old.plan, &*old.members),
                (&*current.plan, &*current.members),
            );
            Arc::new(with_rng(|rng| old.turns.follow(before, now, rng)))
        };
        // Connections that are shared are of no use where each downstream has its own, nor the other way round.
        let per_downstream = |config: &ClusterConfig| config.connections.per_downstream;
        let kept = per_downstream(&old.config) == per_downstream(&current.config);
        let known = old
            .endpoints
            .iter()
            .filter(|_| kept)
            .map(|local| (Arc::as_ptr(&local.endpoint), local))
            .collect();
        let next = View::new(current, turns, &known, &self.upstream);
        self.view.store(Arc::new(next));
        self.keep_up();
    }
}

impl View {
    fn new(
        current: &Current,
        turns: Arc<Turns>,
        known: &HashMap<*const Endpoint, &Arc<LocalEndpoint>>,
        upstream: &Upstream,
    ) -> Self {
        let protocols = upstream.protocols().len();
        let endpoints = current.members.iter().map(|member| {
            known.get(&Arc::as_ptr(&member.endpoint)).map_or_else(
                || {
                    Arc::new(LocalEndpoint {
                        endpoint: member.endpoint.clone(),
                        sets: (0..protocols).map(|_| OnceLock::new()).collect(),
                        pinned: Pinned::default(),
                    })
                },
                |local| (*local).clone(),
            )
        });
        let places = current.config.is_on_the_fly().then(|| {
            let members = current.members.iter().enumerate();
            members
                .map(|(at, member)| (member.endpoint.address().clone(), at))
                .collect()
        });
        Self {
            places,
            endpoints: endpoints.collect(),
            config: current.config.clone(),
            members: current.members.clone(),
            plan: current.plan.clone(),
            turns,
        }
    }

    /// A member that the request may go to and that is not in `avoid`.
    pub(crate) fn pick(
        &self,
        selection: Selection<'_>,
        avoid: &Tried,
        cluster: &Cluster,
    ) -> Option<&Arc<LocalEndpoint>> {
        if self.is_on_the_fly() {
            let local = self.at(self.place(selection.destination?)?)?;
            return (!avoid.contains(&local.endpoint)).then_some(local);
        }
        let ask = Ask {
            selection,
            tried: avoid,
            in_flight: if self.plan.is_bounded() {
                cluster.in_flight.load(Relaxed)
            } else {
                0
            },
        };
        let index = with_rng(|rng| self.plan.pick(&self.members, &self.turns, ask, rng))?;
        self.endpoints.get(index)
    }

    /// True if requests say which endpoint they want.
    pub(crate) const fn is_on_the_fly(&self) -> bool {
        self.places.is_some()
    }

    /// Where the endpoint of that address is, if requests say which one they want.
    pub(crate) fn place(&self, address: &Address) -> Option<usize> {
        self.places.as_ref()?.get(address).copied()
    }

    /// The member at that place.
    pub(crate) fn at(&self, index: usize) -> Option<&Arc<LocalEndpoint>> {
        self.endpoints.get(index)
    }
}

impl LocalEndpoint {
    /// The connections that carry such requests; None if no connector does.
    pub(crate) fn set(&self, way: Way, local: &LocalCluster) -> Option<&Set> {
        let slot = self.sets.get(way.position)?;
        match slot.get().or_else(|| self.lanes(slot, way, local))? {
            Lanes::One(set) => Some(set),
            Lanes::Many(sets) => {
                let slot = sets.get(way.lane)?;
                slot.get().or_else(|| {
                    let connector = local.upstream.connector(way.position)?;
                    Some(slot.get_or_init(|| self.connect(connector, local)))
                })
            }
        }
    }

    /// Connections for one downstream connection; None if no connector carries such requests.
    pub(crate) fn pinned(&self, way: Way, local: &LocalCluster) -> Option<Set> {
        let connector = local.upstream.connector(way.position)?;
        let set = self.connect(connector, local);
        self.pinned.add(&set);
        Some(set)
    }

    /// The ways that requests have come.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let mut ways = Vec::new();
        for (position, slot) in self.sets.iter().enumerate() {
            match slot.get() {
                None => {}
                Some(Lanes::One(_)) => ways.push(Way { position, lane: 0 }),
                Some(Lanes::Many(sets)) => {
                    let used = sets
                        .iter()
                        .enumerate()
                        .filter(|(_, set)| set.get().is_some());
                    ways.extend(used.map(|(lane, _)| Way { position, lane }));
                }
            }
        }
        ways
    }

    #[cold]
    fn lanes<'a>(
        &self,
        slot: &'a OnceLock<Lanes>,
        way: Way,
        local: &LocalCluster,
    ) -> Option<&'a Lanes> {
        let connector = local.upstream.connector(way.position)?;
        Some(slot.get_or_init(|| match connector.lanes() {
            0 | 1 => Lanes::One(self.connect(connector, local)),
            lanes => Lanes::Many((0..lanes).map(|_| OnceLock::new()).collect()),
        }))
    }

    fn connect(&self, connector: &Arc<dyn Connector>, local: &LocalCluster) -> Set {
        Set::new(
            self.endpoint.clone(),
            connector.clone(),
            local.upstream.clone(),
            local.cluster.clone(),
            local.upkeep.poke.clone(),
        )
    }
}
