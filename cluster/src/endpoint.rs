//! One server of a cluster: what the workers share about it.

use std::sync::Weak;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use wireloom_net::Address;

use crate::channels::ChannelSet;

/// An endpoint's identity and counts, shared by all workers and kept for as long as the cluster has its address.
///
/// Its weight and metadata are the [`Member`](crate::Member)'s, so that a change of them is a new snapshot.
#[derive(Debug)]
pub struct Endpoint {
    address: Address,
    active: AtomicU32,
    pub(crate) requests: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) connects: AtomicU64,
    pub(crate) connect_failures: AtomicU64,
    /// Every worker's connections, for the admin page.
    sets: Mutex<Vec<Weak<ChannelSet>>>,
}

impl Endpoint {
    /// An endpoint that nothing is known of.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            active: AtomicU32::new(0),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            connect_failures: AtomicU64::new(0),
            sets: Mutex::new(Vec::new()),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Requests under way over all workers, those that wait for a connection included.
    pub fn active(&self) -> u32 {
        self.active.load(Relaxed)
    }

    /// Counts a request as under way until the value is dropped.
    pub(crate) fn begin(&self) -> Active<'_> {
        self.active.fetch_add(1, Relaxed);
        Active(self)
    }

    pub(crate) fn register(&self, set: Weak<ChannelSet>) {
        let mut sets = self.sets.lock();
        sets.retain(|set| set.strong_count() > 0);
        sets.push(set);
    }

    pub(crate) fn sets(&self) -> Vec<std::sync::Arc<ChannelSet>> {
        self.sets.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

/// A request under way at an endpoint.
#[derive(Debug)]
pub(crate) struct Active<'a>(&'a Endpoint);

impl Active<'_> {
    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.0
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Relaxed);
    }
}
