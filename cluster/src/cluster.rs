//! A cluster, as all workers share it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::balance::Plan;
use crate::condition::Mark;
use crate::config::DiscoveryConfig;
use crate::counters::Counters;
use crate::local::LocalCluster;
use crate::{ClusterConfig, Endpoint, EndpointConfig, Members};

/// A named set of endpoints that serve the same, with what all workers share of it.
pub struct Cluster {
    name: Arc<str>,
    current: ArcSwap<Current>,
    pub(crate) in_flight: AtomicU32,
    /// As many may be by how long answers take, where somebody looks.
    pub(crate) concurrency: AtomicU32,
    pub(crate) pending: AtomicU32,
    pub(crate) connections: Arc<AtomicU32>,
    pub(crate) counters: Arc<Counters>,
    /// Told of changes; the lock also orders changes and new workers.
    locals: Mutex<Vec<Weak<LocalCluster>>>,
    /// The same for tasks of the control plane.
    changes: watch::Sender<()>,
    /// Some endpoint has filled a row of failures.
    pub(crate) tripped: Notify,
    /// Who is in it is being found out for the first time.
    pub(crate) warming: AtomicBool,
}

/// Configuration and members of one moment.
pub(crate) struct Current {
    pub(crate) config: Arc<ClusterConfig>,
    pub(crate) members: Arc<Members>,
    pub(crate) plan: Arc<Plan>,
}

impl Current {
    fn new(config: ClusterConfig) -> Self {
        let members = Members::next(&Members::default(), &config.endpoints);
        Self {
            plan: Arc::new(Plan::new(&config, &members)),
            members: Arc::new(members),
            config: Arc::new(config),
        }
    }

    /// Another configuration takes the place of this one. Endpoints that were discovered stay.
    fn next(&self, mut config: ClusterConfig) -> Self {
        if config.discovery.is_some() {
            config.endpoints.clone_from(&self.config.endpoints);
        }
        self.with(config)
    }

    fn with(&self, config: ClusterConfig) -> Self {
        if self.config.picks_like(&config) {
            return Self {
                members: self.members.clone(),
                plan: self.plan.clone(),
                config: Arc::new(config),
            };
        }
        let members = Members::next(&self.members, &config.endpoints);
        Self {
            plan: Arc::new(Plan::new(&config, &members)),
            members: Arc::new(members),
            config: Arc::new(config),
        }
    }

    /// The same members, whose marks have changed.
    fn refreshed(&self) -> Self {
        let members = self.members.refreshed();
        Self {
            plan: Arc::new(Plan::new(&self.config, &members)),
            members: Arc::new(members),
            config: self.config.clone(),
        }
    }
}

impl Cluster {
    /// A cluster without any connection yet.
    pub fn new(name: impl Into<Arc<str>>, config: ClusterConfig) -> Arc<Self> {
        let discovery = config.discovery.as_ref();
        let warming = discovery.is_some_and(DiscoveryConfig::is_followed);
        Arc::new(Self {
            name: name.into(),
            warming: AtomicBool::new(warming),
            current: ArcSwap::from_pointee(Current::new(config)),
            in_flight: AtomicU32::new(0),
            concurrency: AtomicU32::new(u32::MAX),
            pending: AtomicU32::new(0),
            connections: Arc::default(),
            counters: Arc::new(Counters::default()),
            locals: Mutex::new(Vec::new()),
            changes: watch::Sender::new(()),
            tripped: Notify::new(),
        })
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is configured to be now.
    pub fn config(&self) -> Arc<ClusterConfig> {
        self.current.load().config.clone()
    }

    /// Who is in it now.
    pub fn members(&self) -> Arc<Members> {
        self.current.load().members.clone()
    }

    /// True if that is what it is configured to be, whoever was discovered meanwhile.
    pub fn is_configured(&self, config: &ClusterConfig) -> bool {
        let current = self.config();
        if config.discovery.is_none() || current.endpoints.is_empty() {
            return *current == *config;
        }
        let mut config = config.clone();
        config.endpoints.clone_from(&current.endpoints);
        *current == config
    }

    /// Changes the cluster while it serves, on all workers before this returns. Where `config` says that endpoints are
    /// discovered, those that there are stay, and its own count for nothing.
    ///
    /// Addresses that stay keep their counts and connections; connections to others take no more requests and
    /// close when those under way are done. New limits hold for the next request, new times for the next
    /// connection, and a cluster that balances as before goes on where it was.
    pub fn reconfigure(&self, config: ClusterConfig) {
        let mut locals = self.locals.lock();
        let current = self.current.load();
        let is_followed = |config: &ClusterConfig| {
            let discovery = config.discovery.as_ref();
            discovery.is_some_and(DiscoveryConfig::is_followed)
        };
        if is_followed(&config) && !is_followed(&current.config) && current.members.is_empty() {
            self.warming.store(true, Relaxed);
        }
        let next = current.next(config);
        self.replace(&mut locals, next);
    }

    /// Changes who is in the cluster and nothing else, as [`Self::reconfigure`] does. True if that made a difference.
    pub fn set_endpoints(&self, endpoints: Vec<EndpointConfig>) -> bool {
        self.edit_endpoints(|before| {
            let changed = *before != endpoints;
            *before = endpoints;
            changed
        })
    }

    /// The same by a change of those that there are, which says whether it made a difference.
    pub(crate) fn edit_endpoints(
        &self,
        edit: impl FnOnce(&mut Vec<EndpointConfig>) -> bool,
    ) -> bool {
        let mut locals = self.locals.lock();
        let current = self.current.load();
        let mut config = ClusterConfig::clone(&current.config);
        let changed = edit(&mut config.endpoints);
        if changed {
            self.replace(&mut locals, current.with(config));
        }
        changed
    }

    /// Tells whoever watches that something about the cluster is otherwise.
    pub(crate) fn changed(&self) {
        self.changes.send_replace(());
    }

    fn replace(&self, locals: &mut Vec<Weak<LocalCluster>>, next: Current) {
        let next = Arc::new(next);
        self.current.store(next.clone());
        locals.retain(|local| match local.upgrade() {
            Some(local) => {
                local.follow(&next);
                true
            }
            None => false,
        });
        self.changed();
    }

    /// Every worker's side of it.
    pub(crate) fn each_local(&self) -> Vec<Arc<LocalCluster>> {
        self.locals
            .lock()
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// Tells of every later change of configuration, members or marks.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Sets or clears a mark of one of the cluster's endpoints and, if that made a difference, has it hold for the next
    /// pick of every worker before this returns. True if it made a difference.
    ///
    /// What balancers look up is made anew here, which may take milliseconds with a thousand endpoints and a hash
    /// balancer: not for the path of a request. See [`Self::mark_all`] for several changes at once.
    pub fn mark(&self, endpoint: &Endpoint, mark: Mark, on: bool) -> bool {
        self.mark_all([(endpoint, mark, on)]) > 0
    }

    /// The same for several marks at once; says how many made a difference.
    pub fn mark_all<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a Endpoint, Mark, bool)>,
    ) -> usize {
        let changes = changes.into_iter();
        let changed = changes
            .filter(|(endpoint, mark, on)| endpoint.marks.set(*mark, *on))
            .count();
        if changed > 0 {
            let mut locals = self.locals.lock();
            let current = self.current.load();
            self.replace(&mut locals, current.refreshed());
        }
        changed
    }

    /// Makes one worker's side while nothing changes, and keeps telling it of changes.
    pub(crate) fn join(&self, make: impl FnOnce(&Current) -> LocalCluster) -> Arc<LocalCluster> {
        let mut locals = self.locals.lock();
        let local = Arc::new(make(&self.current.load()));
        locals.push(Arc::downgrade(&local));
        local
    }
}
