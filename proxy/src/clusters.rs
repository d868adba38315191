//! The clusters of a running proxy, and each worker's side of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use wireloom_cluster::{Cluster, ClusterConfig, LocalCluster, Upstream};
use wireloom_codecs::FrameLimits;
use wireloom_router::config::BudgetConfig;
use wireloom_router::{Edits, RetryBudget, RouteTable};
use wireloom_telemetry::{ClusterStats, Metrics};

use crate::protocols::Protocols;
use crate::routing::Binding;
use crate::worker::Worker;

/// Every cluster by name.
pub(crate) struct Clusters {
    metrics: Arc<Metrics>,
    /// What each worker connects with.
    upstreams: Vec<Arc<Upstream>>,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    cluster: Arc<Cluster>,
    locals: Vec<Arc<LocalCluster>>,
    budget: Arc<RetryBudget>,
    stats: ClusterStats,
    edits: Option<Arc<Edits>>,
}

impl Clusters {
    /// None yet. `frame` bounds what servers answer.
    pub(crate) fn new(
        protocols: &Protocols,
        metrics: Arc<Metrics>,
        workers: &[Worker],
        frame: FrameLimits,
    ) -> Self {
        let connectors = protocols.connectors();
        let upstream = |worker: &Worker| {
            let budget = worker.responses.clone();
            Arc::new(Upstream::new(connectors.clone(), budget, frame))
        };
        Self {
            metrics,
            upstreams: workers.iter().map(upstream).collect(),
            entries: BTreeMap::new(),
        }
    }

    /// Makes what is new, changes what is not as it was, and lets go of the rest: connections of clusters that are gone
    /// end with the last exchange on them.
    pub(crate) fn update(&mut self, configs: &BTreeMap<String, ClusterConfig>) {
        self.entries.retain(|name, _| configs.contains_key(name));
        for (name, config) in configs {
            match self.entries.get_mut(name) {
                Some(entry) => entry.reconfigure(config),
                None => {
                    let entry = self.create(name, config);
                    self.entries.insert(name.clone(), entry);
                }
            }
        }
    }

    fn create(&self, name: &str, config: &ClusterConfig) -> Entry {
        let cluster = Cluster::new(name, config.clone());
        let locals = self.upstreams.iter();
        Entry {
            locals: locals
                .map(|upstream| LocalCluster::new(cluster.clone(), upstream.clone()))
                .collect(),
            budget: budget(config),
            stats: self.metrics.cluster(name),
            edits: edits(config),
            cluster,
        }
    }

    /// The clusters of a table as one worker uses them, in the table's order.
    pub(crate) fn bindings(&self, table: &RouteTable, worker: usize) -> Vec<Binding> {
        let entries = table.clusters().iter().map(|name| {
            let entry = self.entries.get(&**name)?;
            Some(Binding {
                cluster: entry.locals.get(worker)?.clone(),
                budget: entry.budget.clone(),
                stats: entry.stats.clone(),
                edits: entry.edits.clone(),
            })
        });
        // `check` has refused a table that names a cluster which is not there.
        entries.collect::<Option<Vec<_>>>().unwrap_or_default()
    }

    /// Every cluster's state.
    pub(crate) fn stats(&self) -> Vec<wireloom_cluster::ClusterStats> {
        let entries = self.entries.values();
        entries.map(|entry| entry.cluster.stats()).collect()
    }

    /// Brings the metrics up to date with what the clusters counted, before they are read.
    pub(crate) fn publish(&self) {
        for entry in self.entries.values() {
            entry.publish();
        }
    }
}

fn edits(config: &ClusterConfig) -> Option<Arc<Edits>> {
    // `check` has refused what does not compile.
    let edits = Edits::compile("headers", &config.headers).ok()?;
    (!edits.is_empty()).then(|| Arc::new(edits))
}

fn budget(config: &ClusterConfig) -> Arc<RetryBudget> {
    Arc::new(RetryBudget::new(BudgetConfig {
        percent: config.retry_budget.percent,
        min: config.retry_budget.min,
    }))
}

impl Entry {
    fn reconfigure(&mut self, config: &ClusterConfig) {
        let old = self.cluster.config();
        if *old == *config {
            return;
        }
        if old.retry_budget != config.retry_budget {
            self.budget = budget(config);
        }
        self.edits = edits(config);
        self.cluster.reconfigure(config.clone());
    }

    fn publish(&self) {
        let now = self.cluster.stats();
        let raise = |counter: &prometheus::IntCounter, total: u64| {
            counter.inc_by(total.saturating_sub(counter.get()));
        };
        let stats = &self.stats;
        raise(&stats.stray_replies, now.stray_replies);
        raise(&stats.missed_heartbeats, now.missed_pings);
        raise(&stats.refused_pushes, now.refused_pushes);
        raise(&stats.drained, now.connections_drained);
        raise(&stats.lost, now.connections_lost);
        let endpoints = now.endpoints.iter();
        raise(&stats.connects, endpoints.clone().map(|e| e.connects).sum());
        let failures = endpoints.clone().map(|e| e.connect_failures).sum();
        raise(&stats.connect_failures, failures);
        let open: usize = endpoints
            .clone()
            .map(|e| e.channels.open + e.channels.draining)
            .sum();
        stats.connections.set(gauge(open));
        stats.endpoints.set(gauge(now.endpoints.len()));
        let usable = endpoints
            .filter(|e| e.weight > 0 && e.backing_off.is_none())
            .count();
        stats.endpoints_healthy.set(gauge(usable));
    }
}

fn gauge(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
