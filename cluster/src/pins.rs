//! Upstream connections that one downstream connection has to itself.
//!
//! A protocol whose servers keep something per connection (a login, a transaction, a prepared statement) needs that. Where a
//! cluster says `connections: {per_downstream: true}`, each downstream connection has a set of its own for each endpoint that
//! the balancer picks. It is an ordinary set, so that limits, ages and counts hold for it; it only has another owner, and the
//! connections close when that one ends, as they do when the endpoint leaves the cluster.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::channels::ChannelSet;
use crate::local::{LocalCluster, LocalEndpoint};
use crate::pool::Pool;
use crate::set::Set;
use crate::upstream::Way;

/// The upstream connections of one downstream connection, in clusters that want that. Empty it takes no memory of its own.
///
/// Dropping it closes them: at once if nobody waits for an answer over them.
#[derive(Default)]
pub struct Pins(Mutex<Option<Box<Sets>>>);

/// By the endpoint's place in memory, which the weak reference keeps from being another's.
type Sets = HashMap<(usize, Way), Pin>;

struct Pin {
    endpoint: Weak<LocalEndpoint>,
    set: Set,
}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = self.0.lock().as_ref().map_or(0, |sets| sets.len());
        f.debug_tuple("Pins").field(&sets).finish()
    }
}

impl Pins {
    /// The downstream connection's own connections to the endpoint; None if no connector carries such requests.
    pub(crate) fn set(
        &self,
        endpoint: &Arc<LocalEndpoint>,
        way: Way,
        local: &LocalCluster,
    ) -> Option<Set> {
        let mut sets = self.0.lock();
        let sets = sets.get_or_insert_default();
        let key = (Arc::as_ptr(endpoint).addr(), way);
        if let Some(pin) = sets.get(&key) {
            return Some(pin.set.clone());
        }
        // So that no more are kept than there are endpoints and ways.
        sets.retain(|_, pin| pin.endpoint.strong_count() > 0);
        let set = endpoint.pinned(way, local)?;
        let pin = Pin {
            endpoint: Arc::downgrade(endpoint),
            set: set.clone(),
        };
        sets.insert(key, pin);
        Some(set)
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        for pin in self.0.get_mut().iter().flat_map(|sets| sets.values()) {
            pin.set.close();
        }
    }
}

/// The pinned sets of an endpoint, which close when it leaves: their owners may not ask for it again for long.
#[derive(Default)]
pub(crate) struct Pinned(Mutex<Vec<WeakSet>>);

enum WeakSet {
    Shared(Weak<ChannelSet>),
    Exclusive(Weak<Pool>),
}

impl WeakSet {
    fn of(set: &Set) -> Self {
        match set {
            Set::Shared(set) => Self::Shared(Arc::downgrade(set)),
            Set::Exclusive(pool) => Self::Exclusive(Arc::downgrade(pool)),
        }
    }

    fn is_alive(&self) -> bool {
        match self {
            Self::Shared(set) => set.strong_count() > 0,
            Self::Exclusive(pool) => pool.strong_count() > 0,
        }
    }

    fn upgrade(&self) -> Option<Set> {
        Some(match self {
            Self::Shared(set) => Set::Shared(set.upgrade()?),
            Self::Exclusive(pool) => Set::Exclusive(pool.upgrade()?),
        })
    }
}

impl Pinned {
    pub(crate) fn add(&self, set: &Set) {
        let mut sets = self.0.lock();
        tidy(&mut sets, WeakSet::is_alive);
        sets.push(WeakSet::of(set));
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        for set in self.0.get_mut().iter().filter_map(WeakSet::upgrade) {
            set.close();
        }
    }
}

/// Forgets what is dead before a list would grow. Looking at all of it each time would make many downstream connections pay
/// for each other.
pub(crate) fn tidy<T>(list: &mut Vec<T>, is_alive: impl FnMut(&T) -> bool) {
    if list.len() == list.capacity() {
        list.retain(is_alive);
        // Room for as many again, or a full list of living ones would be looked through for each that comes.
        list.reserve(list.len().max(4));
    }
}
