//! One server of a cluster: what the workers share about it.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wireloom_net::Address;

use crate::balance::Latency;
use crate::channels::ChannelSet;
use crate::condition::{Condition, Mark, Marks};
use crate::config::Balance;
use crate::health::Health;
use crate::outlier::{Ejections, Tally};
use crate::permit::take;
use crate::pins::tidy;
use crate::pool::Pool;

/// An endpoint's identity and counts, shared by all workers and kept for as long as the cluster has its address.
///
/// Its weight and metadata are the [`Member`](crate::Member)'s, so that a change of them is a new snapshot.
pub struct Endpoint {
    address: Address,
    active: AtomicU32,
    pub(crate) pending: AtomicU32,
    pub(crate) marks: Marks,
    /// Fed while the cluster balances by it.
    pub(crate) latency: Latency,
    /// Fed while the cluster looks for outliers.
    pub(crate) tally: Tally,
    pub(crate) ejections: Mutex<Ejections>,
    pub(crate) health: Mutex<Health>,
    connections: Arc<AtomicU32>,
    pub(crate) requests: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) connects: AtomicU64,
    pub(crate) connect_failures: AtomicU64,
    /// Every worker's connections, for the admin page.
    sets: Mutex<Vec<Weak<ChannelSet>>>,
    pools: Mutex<Vec<Weak<Pool>>>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.address).finish()
    }
}

impl Endpoint {
    /// An endpoint that nothing is known of.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            active: AtomicU32::new(0),
            pending: AtomicU32::new(0),
            marks: Marks::default(),
            latency: Latency::default(),
            tally: Tally::default(),
            ejections: Mutex::default(),
            health: Mutex::default(),
            connections: Arc::default(),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            connect_failures: AtomicU64::new(0),
            sets: Mutex::default(),
            pools: Mutex::default(),
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

    /// Connections over all workers, those that are being made and those that drain included.
    pub fn connections(&self) -> u32 {
        self.connections.load(Relaxed)
    }

    /// Takes note of how long an answer took, if the cluster balances by that.
    pub(crate) fn took(&self, balance: Balance, time: Duration, failed: bool) {
        if let Balance::PeakEwma(config) = balance {
            let least = if failed {
                config.penalty.0
            } else {
                Duration::ZERO
            };
            self.latency
                .observe(time.max(least), Instant::now(), config.decay.0);
        }
    }

    /// Counts a connection until the value is dropped; None if `limit` are there already.
    pub(crate) fn connection(&self, limit: u32) -> Option<Counted> {
        Counted::take(&self.connections, limit)
    }

    /// What follows from its marks. What the configuration says of it is the [`Member`](crate::Member)'s.
    pub fn condition(&self) -> Condition {
        self.marks.condition()
    }

    /// Whether it has that mark.
    pub fn is_marked(&self, mark: Mark) -> bool {
        self.marks.has(mark)
    }

    /// Since when it has been fit to serve; None if it always was, and came with the cluster.
    pub fn joined(&self) -> Option<Instant> {
        self.marks.since()
    }

    /// Counts a request as under way until the value is dropped; None if `limit` are already.
    pub(crate) fn begin(self: &Arc<Self>, limit: u32) -> Option<Active> {
        take(&self.active, limit).then(|| Active(self.clone()))
    }

    pub(crate) fn register(&self, set: Weak<ChannelSet>) {
        let mut sets = self.sets.lock();
        tidy(&mut sets, |set| set.strong_count() > 0);
        sets.push(set);
    }

    pub(crate) fn sets(&self) -> Vec<Arc<ChannelSet>> {
        self.sets.lock().iter().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn register_pool(&self, pool: Weak<Pool>) {
        let mut pools = self.pools.lock();
        tidy(&mut pools, |pool| pool.strong_count() > 0);
        pools.push(pool);
    }

    pub(crate) fn pools(&self) -> Vec<Arc<Pool>> {
        self.pools.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

/// A request under way at an endpoint.
#[derive(Debug)]
pub(crate) struct Active(Arc<Endpoint>);

impl Active {
    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.0
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Relaxed);
    }
}

/// A connection that is counted.
pub(crate) struct Counted(Arc<AtomicU32>);

impl Counted {
    /// None if `limit` are there already.
    pub(crate) fn take(count: &Arc<AtomicU32>, limit: u32) -> Option<Self> {
        take(count, limit).then(|| Self(count.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
