//! The clusters of a running proxy, and each worker's side of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Weak};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use wireloom_cluster::config::{DiscoveryConfig, OriginalDestination};
use wireloom_cluster::{Cluster, ClusterConfig, Condition, EndpointConfig, LocalCluster, Upstream};
use wireloom_codecs::{ByteBudget, Connector, FrameLimits, Needs};
use wireloom_router::{BudgetLimits, Edits, RetryBudget, RouteTable};
use wireloom_telemetry::{ClusterStats, Metrics};

use crate::config::{ClusterEntry, ProtocolKeys};
use crate::mirrors::Mirrors;
use crate::protocols::Protocols;
use crate::routing::{Binding, Part};
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
    /// Each worker's memory for answers, and where its tasks run.
    budgets: Vec<(ByteBudget, Handle)>,
    /// Bounds what servers answer.
    frame: FrameLimits,
    entries: BTreeMap<String, Entry>,
    /// Made ahead of the configuration that brings them.
    coming: BTreeMap<String, Entry>,
    /// How often they were updated.
    updates: u64,
    /// Of clusters that are gone: requests may be under way to them still.
    left: Vec<Weak<Mirrors>>,
}

/// What an update did to how many clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) made: usize,
    pub(crate) changed: usize,
    pub(crate) removed: usize,
}

struct Entry {
    cluster: Arc<Cluster>,
    /// The update since which its bindings are as they are.
    bound: u64,
    /// What its connectors were made for.
    own: ProtocolKeys,
    locals: Vec<Arc<LocalCluster>>,
    budget: Arc<RetryBudget>,
    stats: ClusterStats,
    edits: Option<Arc<Edits>>,
    mirrors: Arc<Mirrors>,
    /// Looks for outliers, from the first configuration on that wants it.
    outliers: Option<Task>,
    /// Moves the limit of requests under way, likewise.
    adaptive: Option<Task>,
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
        let means = workers
            .iter()
            .map(|worker| (worker.responses.clone(), worker.runtime.clone()));
        let budgets: Vec<_> = means.collect();
        let connectors = protocols.connectors();
        Self {
            metrics,
            upstreams: upstreams(&connectors, &budgets, frame),
            protocols: protocols.clone(),
            budgets,
            frame,
            entries: BTreeMap::new(),
            coming: BTreeMap::new(),
            updates: 0,
            left: Vec::new(),
        }
    }

    /// Makes what a configuration is about to bring where connections are to be made ahead: whole clusters, and endpoints
    /// that no request goes to yet. Returns what is to be waited for. To be followed by [`Self::update`].
    pub(crate) fn prepare(
        &mut self,
        configs: &BTreeMap<String, ClusterEntry>,
        zone: Option<&str>,
    ) -> Vec<Arc<LocalCluster>> {
        let mut ahead = Vec::new();
        self.coming.clear();
        for (name, config) in configs {
            if config.cluster.warm_up.is_off() {
                continue;
            }
            match self.entries.get(name) {
                Some(entry) => {
                    if let Some(step) = joined(&entry.cluster.config(), &config.cluster) {
                        entry.cluster.reconfigure(step);
                        ahead.extend(entry.locals.iter().cloned());
                    }
                }
                None => {
                    let entry = self.create(name, &placed(config, zone));
                    ahead.extend(entry.locals.iter().cloned());
                    self.coming.insert(name.clone(), entry);
                }
            }
        }
        ahead
    }

    /// What is to be waited for once the first configuration is at work.
    pub(crate) fn ahead(&self) -> Vec<Arc<LocalCluster>> {
        let entries = self.entries.values();
        let warm = entries.filter(|entry| !entry.cluster.config().warm_up.is_off());
        warm.flat_map(|entry| entry.locals.iter().cloned())
            .collect()
    }

    /// Makes what is new, changes what is not as it was, and lets go of the rest: connections of clusters that are gone
    /// end with the last exchange on them. What is as it was is not touched. `zone` is where the proxy stands.
    pub(crate) fn update(
        &mut self,
        configs: &BTreeMap<String, ClusterEntry>,
        zone: Option<&str>,
    ) -> Changes {
        self.updates += 1;
        let before = self.entries.len();
        self.left.retain(|mirrors| mirrors.strong_count() > 0);
        self.entries.retain(|name, entry| {
            let stays = configs.contains_key(name);
            if !stays {
                self.left.push(Arc::downgrade(&entry.mirrors));
            }
            stays
        });
        let mut changes = Changes {
            removed: before - self.entries.len(),
            ..Changes::default()
        };
        for (name, config) in configs {
            let config = &*placed(config, zone);
            let Some(mut entry) = self.entries.remove(name) else {
                changes.made += 1;
                let coming = self.coming.remove(name).filter(|entry| entry.is(config));
                let mut entry = coming.unwrap_or_else(|| self.create(name, config));
                entry.bound = self.updates;
                self.entries.insert(name.clone(), entry);
                continue;
            };
            if !entry.is(config) {
                changes.changed += 1;
                self.change(&mut entry, config);
            }
            self.entries.insert(name.clone(), entry);
        }
        self.coming.clear();
        changes
    }

    fn change(&self, entry: &mut Entry, config: &ClusterEntry) {
        if entry.reconfigure(&config.cluster) {
            entry.bound = self.updates;
        }
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
            entry.bound = self.updates;
        }
    }

    /// How often they were updated.
    pub(crate) fn updates(&self) -> u64 {
        self.updates
    }

    /// Whether [`Self::bindings`] would give the table something else than it gave after that update.
    pub(crate) fn rebound(&self, table: &RouteTable, update: u64) -> bool {
        let mut entries = table
            .clusters()
            .iter()
            .map(|name| self.entries.get(&**name));
        entries.any(|entry| entry.is_none_or(|entry| entry.bound > update))
    }

    fn create(&self, name: &str, config: &ClusterEntry) -> Entry {
        let cluster = Cluster::new(name, config.cluster.clone());
        let mut entry = Entry {
            bound: self.updates,
            own: config.own.clone(),
            locals: self.locals(&cluster, config),
            budget: budget(&config.cluster),
            stats: self.metrics.cluster(name),
            mirrors: Mirrors::new(config.cluster.limits.mirrors, self.metrics.cluster(name)),
            edits: edits(&config.cluster),
            discovery: None,
            outliers: None,
            adaptive: None,
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
                name: name.clone(),
                cluster: entry.locals.get(worker)?.clone(),
                part: table.subset(at).map(Part::of),
                budget: entry.budget.clone(),
                stats: entry.stats.clone(),
                edits: entry.edits.clone(),
                mirrors: entry.mirrors.clone(),
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
        Needs::fields(clusters.flat_map(|entry| {
            let own = destination(&entry.cluster.config());
            let named = own.and_then(|own| own.header.clone());
            let read = entry.edits.iter().flat_map(|edits| edits.field_names());
            named.into_iter().chain(read.map(str::to_owned))
        }))
    }

    /// What counts the mirrored requests, also those to clusters that are gone.
    pub(crate) fn mirrors(&self) -> Vec<Arc<Mirrors>> {
        let entries = self.entries.values().map(|entry| entry.mirrors.clone());
        let left = self.left.iter().filter_map(Weak::upgrade);
        entries.chain(left).collect()
    }

    /// Those whose endpoints are being found out for the first time.
    pub(crate) fn undiscovered(&self) -> Vec<Arc<Cluster>> {
        let clusters = self.entries.values().map(|entry| &entry.cluster);
        let warming = clusters.filter(|cluster| cluster.is_warming());
        warming.cloned().collect()
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
    budgets: &[(ByteBudget, Handle)],
    frame: FrameLimits,
) -> Vec<Arc<Upstream>> {
    let upstream = |(budget, runtime): &(ByteBudget, Handle)| {
        let upstream = Upstream::new(connectors.clone(), budget.clone(), frame);
        Arc::new(upstream.on(runtime.clone()))
    };
    budgets.iter().map(upstream).collect()
}

/// The cluster as it is, with the endpoints that are about to join it, which are not picked yet; None if there are none.
fn joined(now: &ClusterConfig, next: &ClusterConfig) -> Option<ClusterConfig> {
    let there: HashSet<_> = now.endpoints.iter().map(|one| &one.address).collect();
    let joins = |one: &&EndpointConfig| !there.contains(&one.address);
    let new: Vec<_> = next.endpoints.iter().filter(joins).cloned().collect();
    if new.is_empty() {
        return None;
    }
    let mut joined = now.clone();
    joined.warm_up = next.warm_up;
    joined.endpoints.extend(new.into_iter().map(|mut one| {
        one.weight = 0;
        one
    }));
    Some(joined)
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
    /// True if that is what it is already.
    fn is(&self, config: &ClusterEntry) -> bool {
        self.cluster.is_configured(&config.cluster) && self.own == config.own
    }

    /// Says whether what routes have of it is something else now.
    fn reconfigure(&mut self, config: &ClusterConfig) -> bool {
        let old = self.cluster.config();
        let (budgets, edited) = (
            old.retry_budget != config.retry_budget,
            old.headers != config.headers,
        );
        let redirected = old.discovery != config.discovery;
        if budgets {
            self.budget = budget(config);
        }
        if edited {
            self.edits = edits(config);
        }
        self.mirrors.limit(config.limits.mirrors);
        self.cluster.reconfigure(config.clone());
        budgets || edited || redirected
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
        if config.limits.adaptive.is_some() && self.adaptive.is_none() {
            self.adaptive = Some(Task::spawn(self.cluster.clone().adapt()));
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
        for (reason, total) in &now.connections_retired {
            raise(&stats.retired(reason), *total);
        }
        for (reason, total) in &now.ejections {
            raise(&stats.ejections(reason), *total);
        }
        raise(&stats.ejections_refused, now.ejections_refused);
        let limit = now.concurrency_limit.unwrap_or_default();
        stats.concurrency_limit.set(i64::from(limit));
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
