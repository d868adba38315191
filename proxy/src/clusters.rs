//! The clusters of a running proxy, and each worker's side of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinHandle;
use wireloom_cluster::config::{DiscoveryConfig, OriginalDestination};
use wireloom_cluster::{Cluster, ClusterConfig, Condition, LocalCluster, Subset, Upstream};
use wireloom_codecs::{ByteBudget, Connector, FrameLimits, Needs};
use wireloom_router::config::SubsetMatch;
use wireloom_router::{BudgetLimits, Edits, RetryBudget, RouteTable};
use wireloom_telemetry::{ClusterStats, Metrics};

use crate::config::{ClusterEntry, ProtocolKeys};
use crate::protocols::Protocols;
use crate::routing::Binding;
use crate::sources::Sources;
use crate::worker::Worker;

/// Memory for the answers to one cluster's health checks, in bytes.
const PROBE_MEMORY: usize = 1 << 20;

/// Every cluster by name.
pub(crate) struct Clusters {
    metrics: Arc<Metrics>,
    protocols: Protocols,
    /// What each worker connects with, for the clusters that want no connectors of their own.
    upstreams: Vec<Arc<Upstream>>,
    /// Each worker's memory for answers.
    budgets: Vec<ByteBudget>,
    /// Bounds what servers answer.
    frame: FrameLimits,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    cluster: Arc<Cluster>,
    /// What its connectors were made for.
    own: ProtocolKeys,
    locals: Vec<Arc<LocalCluster>>,
    budget: Arc<RetryBudget>,
    stats: ClusterStats,
    edits: Option<Arc<Edits>>,
    /// Looks for outliers, from the first configuration on that wants it.
    outliers: Option<Task>,
    /// Checks the endpoints, likewise.
    health: Option<Task>,
    /// Finds the endpoints, as this says.
    discovery: Option<(DiscoveryConfig, Task)>,
}

/// A task that ends with the handle.
struct Task(JoinHandle<()>);

impl Task {
    fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Clusters {
    /// None yet. `frame` bounds what servers answer.
    pub(crate) fn new(
        protocols: &Protocols,
        metrics: Arc<Metrics>,
        workers: &[Worker],
        frame: FrameLimits,
    ) -> Self {
        let budgets: Vec<_> = workers.iter().map(|w| w.responses.clone()).collect();
        let connectors = protocols.connectors();
        Self {
            metrics,
            upstreams: upstreams(&connectors, &budgets, frame),
            protocols: protocols.clone(),
            budgets,
            frame,
            entries: BTreeMap::new(),
        }
    }

    /// Makes what is new, changes what is not as it was, and lets go of the rest: connections of clusters that are gone
    /// end with the last exchange on them. `zone` is where the proxy stands.
    pub(crate) fn update(&mut self, configs: &BTreeMap<String, ClusterEntry>, zone: Option<&str>) {
        self.entries.retain(|name, _| configs.contains_key(name));
        for (name, config) in configs {
            let config = &*placed(config, zone);
            let entry = match self.entries.remove(name) {
                Some(mut entry) => {
                    entry.reconfigure(&config.cluster);
                    if entry.own != config.own {
                        // Its servers are asked in other words now.
                        entry.health = None;
                    }
                    entry.watch(&config.cluster, || self.prober(config));
                    entry.discover(&config.cluster, self.protocols.sources());
                    if entry.own != config.own {
                        // The counts stay; connections that speak otherwise end with the last exchange on them.
                        entry.own = config.own.clone();
                        entry.locals = self.locals(&entry.cluster, config);
                    }
                    entry
                }
                None => self.create(name, config),
            };
            self.entries.insert(name.clone(), entry);
        }
    }

    fn create(&self, name: &str, config: &ClusterEntry) -> Entry {
        let cluster = Cluster::new(name, config.cluster.clone());
        let mut entry = Entry {
            own: config.own.clone(),
            locals: self.locals(&cluster, config),
            budget: budget(&config.cluster),
            stats: self.metrics.cluster(name),
            edits: edits(&config.cluster),
            discovery: None,
            outliers: None,
            health: None,
            cluster,
        };
        entry.watch(&config.cluster, || self.prober(config));
        entry.discover(&config.cluster, self.protocols.sources());
        entry
    }

    /// What health checks connect with.
    fn prober(&self, config: &ClusterEntry) -> Arc<Upstream> {
        let own = self.protocols.connectors_of(config);
        let connectors = own.unwrap_or_else(|| self.protocols.connectors());
        let budget = ByteBudget::new(PROBE_MEMORY);
        Arc::new(Upstream::new(connectors, budget, self.frame))
    }

    /// Each worker's side of a cluster.
    fn locals(&self, cluster: &Arc<Cluster>, config: &ClusterEntry) -> Vec<Arc<LocalCluster>> {
        let own = self.protocols.connectors_of(config);
        let own = own.map(|connectors| upstreams(&connectors, &self.budgets, self.frame));
        let upstreams = own.as_ref().unwrap_or(&self.upstreams).iter();
        upstreams
            .map(|upstream| LocalCluster::new(cluster.clone(), upstream.clone()))
            .collect()
    }

    /// The clusters of a table as one worker uses them, in the table's order.
    pub(crate) fn bindings(&self, table: &RouteTable, worker: usize) -> Vec<Binding> {
        let entries = table.clusters().iter().enumerate().map(|(at, name)| {
            let entry = self.entries.get(&**name)?;
            Some(Binding {
                cluster: entry.locals.get(worker)?.clone(),
                subset: table.subset(at).map(|subset| Arc::new(subset_of(subset))),
                budget: entry.budget.clone(),
                stats: entry.stats.clone(),
                edits: entry.edits.clone(),
                destination: destination(&entry.cluster.config()),
            })
        });
        // `check` has refused a table that names a cluster which is not there.
        entries.collect::<Option<Vec<_>>>().unwrap_or_default()
    }

    /// What the table's clusters read of requests.
    pub(crate) fn needs(&self, table: &RouteTable) -> Needs {
        let clusters = table.clusters().iter();
        let clusters = clusters.filter_map(|name| self.entries.get(&**name));
        Needs::fields(clusters.filter_map(|entry| {
            let own = destination(&entry.cluster.config())?;
            own.header.clone()
        }))
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

fn upstreams(
    connectors: &Arc<[Arc<dyn Connector>]>,
    budgets: &[ByteBudget],
    frame: FrameLimits,
) -> Vec<Arc<Upstream>> {
    let upstream =
        |budget: &ByteBudget| Arc::new(Upstream::new(connectors.clone(), budget.clone(), frame));
    budgets.iter().map(upstream).collect()
}

/// The configuration of a cluster for a proxy in that zone.
fn placed<'a>(config: &'a ClusterEntry, zone: Option<&str>) -> Cow<'a, ClusterEntry> {
    let mut config = Cow::Borrowed(config);
    let zone_aware = config.cluster.zone_aware.as_ref();
    if zone.is_some()
        && zone_aware.is_some_and(|zone_aware| zone_aware.own.is_none())
        && let Some(zone_aware) = &mut config.to_mut().cluster.zone_aware
    {
        zone_aware.own = zone.map(str::to_owned);
    }
    config
}

fn subset_of(metadata: &SubsetMatch) -> Subset {
    let pairs = metadata.iter();
    Subset::new(pairs.map(|(key, value)| (&**key, &**value)))
}

fn edits(config: &ClusterConfig) -> Option<Arc<Edits>> {
    // `check` has refused what does not compile.
    let edits = Edits::compile("headers", &config.headers).ok()?;
    (!edits.is_empty()).then(|| Arc::new(edits))
}

fn destination(config: &ClusterConfig) -> Option<Arc<OriginalDestination>> {
    match &config.discovery {
        Some(DiscoveryConfig::OriginalDestination(own)) => Some(Arc::new(own.clone())),
        _ => None,
    }
}

fn budget(config: &ClusterConfig) -> Arc<RetryBudget> {
    Arc::new(RetryBudget::new(BudgetLimits {
        percent: config.retry_budget.percent,
        min: config.retry_budget.min,
    }))
}

impl Entry {
    fn reconfigure(&mut self, config: &ClusterConfig) {
        let old = self.cluster.config();
        if self.cluster.is_configured(config) {
            return;
        }
        if old.retry_budget != config.retry_budget {
            self.budget = budget(config);
        }
        self.edits = edits(config);
        self.cluster.reconfigure(config.clone());
    }

    /// Starts what watches the endpoints, on the control plane's runtime. A cluster that wants none of it has no task.
    fn watch(&mut self, config: &ClusterConfig, prober: impl FnOnce() -> Arc<Upstream>) {
        if config.health.is_some() && self.health.is_none() {
            let checks = self.cluster.clone().check_health(prober());
            self.health = Some(Task::spawn(checks));
        }
        if config.outlier.is_some() && self.outliers.is_none() {
            self.outliers = Some(Task::spawn(self.cluster.clone().detect_outliers()));
        }
    }

    /// Starts what finds the endpoints, on the control plane's runtime. The source before it ends; what it had found stays
    /// until the new one has found something.
    fn discover(&mut self, config: &ClusterConfig, sources: &Sources) {
        let running = self.discovery.as_ref().map(|(running, _)| running);
        if running == config.discovery.as_ref() {
            return;
        }
        self.discovery = config.discovery.as_ref().and_then(|wanted| {
            let cluster = self.cluster.clone();
            let source = match wanted {
                DiscoveryConfig::OriginalDestination(_) => {
                    return Some((wanted.clone(), Task::spawn(cluster.sweep_destinations())));
                }
                DiscoveryConfig::Dns(dns) => wireloom_discovery::dns(dns.clone()),
                // `check` has refused a name that nobody has.
                DiscoveryConfig::Other(name, settings) => {
                    sources.source(name, cluster.name(), settings)?.ok()?
                }
            };
            Some((wanted.clone(), Task::spawn(cluster.discover(source))))
        });
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
        raise(&stats.checks_passed, now.checks_passed);
        raise(&stats.checks_failed, now.checks_failed);
        for (limit, total) in &now.overflow {
            raise(&stats.overflow(limit), *total);
        }
        for (reason, total) in &now.ejections {
            raise(&stats.ejections(reason), *total);
        }
        raise(&stats.ejections_refused, now.ejections_refused);
        raise(&stats.discovery_updates, now.discovery_updates);
        raise(&stats.discovery_failures, now.discovery_failures);
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
        let unhealthy = endpoints
            .clone()
            .filter(|e| e.health == Condition::Unhealthy);
        stats.endpoints_unhealthy.set(gauge(unhealthy.count()));
        let ejected = endpoints.clone().filter(|e| e.ejected_for.is_some());
        stats.endpoints_ejected.set(gauge(ejected.count()));
        let usable = endpoints
            .filter(|e| e.weight > 0 && e.backing_off.is_none() && e.health.takes_calls())
            .count();
        stats.endpoints_healthy.set(gauge(usable));
    }
}

fn gauge(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
