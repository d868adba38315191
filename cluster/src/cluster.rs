//! A cluster, as all workers share it.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::counters::Counters;
use crate::local::LocalCluster;
use crate::{ClusterConfig, Members};

/// A named set of endpoints that serve the same, with what all workers share of it.
pub struct Cluster {
    name: Arc<str>,
    current: ArcSwap<Current>,
    pub(crate) in_flight: AtomicU32,
    pub(crate) pending: AtomicU32,
    pub(crate) counters: Arc<Counters>,
    /// Told of changes; the lock also orders changes and new workers.
    locals: Mutex<Vec<Weak<LocalCluster>>>,
}

/// Configuration and members of one moment.
pub(crate) struct Current {
    pub(crate) config: Arc<ClusterConfig>,
    pub(crate) members: Arc<Members>,
}

impl Current {
    fn next(old: &Members, config: ClusterConfig) -> Self {
        Self {
            members: Arc::new(Members::next(old, &config.endpoints)),
            config: Arc::new(config),
        }
    }
}

impl Cluster {
    /// A cluster without any connection yet.
    pub fn new(name: impl Into<Arc<str>>, config: ClusterConfig) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            current: ArcSwap::from_pointee(Current::next(&Members::default(), config)),
            in_flight: AtomicU32::new(0),
            pending: AtomicU32::new(0),
            counters: Arc::new(Counters::default()),
            locals: Mutex::new(Vec::new()),
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

    /// Changes the cluster while it serves, on all workers before this returns.
    ///
    /// Addresses that stay keep their counts and connections; connections to others take no more requests and
    /// close when those under way are done. New limits hold for the next request, new times for the next
    /// connection, and a cluster that balances as before goes on where it was.
    pub fn reconfigure(&self, config: ClusterConfig) {
        let mut locals = self.locals.lock();
        let next = Arc::new(Current::next(&self.members(), config));
        self.current.store(next.clone());
        locals.retain(|local| match local.upgrade() {
            Some(local) => {
                local.follow(&next);
                true
            }
            None => false,
        });
    }

    /// Makes one worker's side while nothing changes, and keeps telling it of changes.
    pub(crate) fn join(&self, make: impl FnOnce(&Current) -> LocalCluster) -> Arc<LocalCluster> {
        let mut locals = self.locals.lock();
        let local = Arc::new(make(&self.current.load()));
        locals.push(Arc::downgrade(&local));
        local
    }
}
