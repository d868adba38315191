//! Where a cluster's endpoints come from, if its configuration does not list them.
//!
//! A [`Source`] is a stream of [`Update`]s and failures: DNS is one, an xDS subscription another, and a crate of somebody
//! else's may bring its own. [`Cluster::discover`] reads it on the control plane and puts each set to work as a reload does:
//! endpoints that stay keep their counts, marks, connections and the balancer's turns; those that leave take no new calls
//! and end with what is under way.
//!
//! * The last set stays until there is another: through failures, and also when the source ends.
//! * A set without any endpoint is a set. A source that does not mean it has to keep it to itself.
//! * What comes in quick succession is put to work together: the first at once, then at most one set every 50 ms.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use wireloom_net::Address;

use crate::config::{MAX_PRIORITY, MAX_WEIGHT};
use crate::counters::count;
use crate::{Cluster, EndpointConfig};

/// The most endpoints that a source may give to one cluster; more are left out, and the log says so.
pub const MAX_ENDPOINTS: usize = 10_000;

/// The least time between two sets. A set costs every worker a new plan.
const GAP: Duration = Duration::from_millis(50);

/// What a source has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// Exactly these are the endpoints.
    Full(Vec<EndpointConfig>),
    /// The others stay as they are.
    Delta {
        /// New ones, and those of which something else is known now.
        changed: Vec<EndpointConfig>,
        /// Those that are gone.
        removed: Vec<Address>,
    },
}

/// Why a source has nothing to say: one sentence for the log, without the cluster's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError(String);

impl SourceError {
    /// A failure that is told so.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SourceError {}

/// Endpoints as they come: any stream of updates. It is polled on the control plane's runtime, never on a worker, and must
/// not block it. It paces itself: how often it asks its server, and how long it waits after a failure, is its own affair.
/// Each address counts once, weights are at most 10000 and priorities at most 127; what is beyond that is brought back.
pub trait Source: Stream<Item = Result<Update, SourceError>> + Send {}

impl<T: Stream<Item = Result<Update, SourceError>> + Send + ?Sized> Source for T {}

/// A source whose type nobody has to know.
pub type BoxSource = Pin<Box<dyn Source>>;

/// Makes sources of one kind, for the clusters that name it: `discovery: {name: settings}`.
pub trait Discovery: Send + Sync + 'static {
    /// A source for the cluster of that name. Called when a configuration is checked too, so nothing may begin before the
    /// source is polled.
    ///
    /// # Errors
    /// What is wrong with the settings, and what would be right.
    fn source(&self, cluster: &str, settings: &Value) -> Result<BoxSource, String>;
}

/// The endpoints that the updates so far come to.
struct Set {
    endpoints: BTreeMap<Address, EndpointConfig>,
}

impl Set {
    fn of(endpoints: &[EndpointConfig]) -> Self {
        let endpoints = endpoints.iter().cloned();
        Self {
            endpoints: endpoints.map(|one| (one.address.clone(), one)).collect(),
        }
    }

    /// Says how many had to be left out.
    fn take(&mut self, update: Update) -> usize {
        let changed = match update {
            Update::Full(all) => {
                self.endpoints.clear();
                all
            }
            Update::Delta { changed, removed } => {
                for address in &removed {
                    self.endpoints.remove(address);
                }
                changed
            }
        };
        let mut left_out = 0;
        for mut endpoint in changed {
            endpoint.weight = endpoint.weight.min(MAX_WEIGHT);
            endpoint.priority = endpoint.priority.min(MAX_PRIORITY);
            if self.endpoints.len() >= MAX_ENDPOINTS
                && !self.endpoints.contains_key(&endpoint.address)
            {
                left_out += 1;
                continue;
            }
            self.endpoints.insert(endpoint.address.clone(), endpoint);
        }
        left_out
    }

    /// In an order that does not depend on the source's.
    fn list(&self) -> Vec<EndpointConfig> {
        self.endpoints.values().cloned().collect()
    }
}

impl Cluster {
    /// Keeps the cluster's endpoints as `source` says, until the source ends or the future is dropped. For the control
    /// plane's runtime; a cluster follows one source at a time.
    pub async fn discover(self: Arc<Self>, mut source: BoxSource) {
        let mut set = Set::of(&self.config().endpoints);
        let mut last: Option<Instant> = None;
        let mut due: Option<Instant> = None;
        let mut failing = false;
        loop {
            // Before the source is asked: one that always has news would never let a set through.
            if due.is_some_and(|due| due <= Instant::now()) {
                self.put(&set);
                (due, last) = (None, Some(Instant::now()));
            }
            let news = match due {
                None => source.next().await,
                Some(due) => match timeout_at(due, source.next()).await {
                    Ok(news) => news,
                    Err(_) => continue,
                },
            };
            match news {
                Some(Ok(update)) => {
                    let left_out = set.take(update);
                    if left_out > 0 {
                        let cluster = self.name();
                        tracing::warn!(
                            cluster,
                            left_out,
                            "discovery: more than {MAX_ENDPOINTS} endpoints"
                        );
                    }
                    if std::mem::take(&mut failing) {
                        tracing::info!(cluster = self.name(), "discovery works again");
                    }
                    let now = Instant::now();
                    due.get_or_insert_with(|| last.map_or(now, |last| now.max(last + GAP)));
                    // A stream need not let others run.
                    tokio::task::yield_now().await;
                }
                Some(Err(error)) => {
                    count(&self.counters.discovery_failures);
                    if !std::mem::replace(&mut failing, true) {
                        let (cluster, endpoints) = (self.name(), self.members().len());
                        tracing::warn!(
                            cluster,
                            endpoints,
                            "discovery failed, the endpoints stay as they are: {error}"
                        );
                    }
                    self.settle();
                    tokio::task::yield_now().await;
                }
                None => {
                    self.put(&set);
                    let cluster = self.name();
                    tracing::warn!(
                        cluster,
                        "discovery has ended, the endpoints stay as they are"
                    );
                    return;
                }
            }
        }
    }

    fn put(&self, set: &Set) {
        if self.set_endpoints(set.list()) {
            count(&self.counters.discovery_updates);
            let (cluster, endpoints) = (self.name(), set.endpoints.len());
            tracing::info!(cluster, endpoints, "discovered");
        }
        self.settle();
    }

    /// Requests need not wait for endpoints any longer: there are some, or it is known why there are none.
    fn settle(&self) {
        if self.warming.swap(false, Relaxed) {
            self.changed();
        }
    }

    /// Waits until it is known who is in the cluster, or that this cannot be found out. May wait for ever.
    pub async fn warmed(&self) {
        // Before the first look, so that no change is missed.
        let mut changes = self.changes();
        while self.is_warming() {
            // The cluster has the sender.
            let _ = changes.changed().await;
        }
    }

    /// True until it is known who is in the cluster, or that this cannot be found out.
    pub fn is_warming(&self) -> bool {
        self.warming.load(Relaxed)
    }
}
