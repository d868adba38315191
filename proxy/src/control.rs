//! The control plane: what runs, and how another configuration takes its place.
//!
//! A configuration is put to work whole or not at all: tables are compiled, certificates read and sockets bound before
//! anything that runs is touched. What stays the same stays: listeners keep their socket and connections, clusters
//! their channels, and route tables what they were compiled to. Nothing of it happens on a worker, which finds
//! another pointer at its next request.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::{Value, json};
use wireloom_cluster::{Cluster, LocalCluster};
use wireloom_codecs::{FrameLimits, Needs};
use wireloom_net::tls::TlsAcceptor;
use wireloom_router::Edits;
use wireloom_router::config::FilterConfig;
use wireloom_router::filter::Registry;
use wireloom_telemetry::Metrics;

use crate::clusters::Clusters;
use crate::config::{Config, ListenerConfig};
use crate::connection;
use crate::filters::{Chains, Standing};
use crate::listener::{Bound, Listener, Parts};
use crate::mirrors;
use crate::protocols::Protocols;
use crate::routing::{Routing, StatsTable};
use crate::sources::Sources;
use crate::tables::{self, Table, Tables};
use crate::worker::Worker;

/// Why a configuration cannot be put to work.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A port cannot be listened on.
    #[error(transparent)]
    Listen(#[from] wireloom_net::ListenError),
    /// Routes do not compile, which `check` should have found.
    #[error("routes.{table}: {problems}")]
    Routes {
        /// The table.
        table: String,
        /// What is wrong with it.
        problems: String,
    },
    /// A filter cannot be made, which `check` should have found.
    #[error("{place}, filter {filter}: {problems}")]
    Filter {
        /// The list that it stands in.
        place: String,
        /// Its name.
        filter: String,
        /// What is wrong with it.
        problems: String,
    },
    /// A listener's certificates are of no use.
    #[error("the listener {listener} gets no TLS: {problems}")]
    Tls {
        /// Its name.
        listener: String,
        /// What is wrong with the files.
        problems: String,
    },
    /// The system refuses a thread or a socket.
    #[error("cannot start: {0}")]
    Io(#[from] io::Error),
    /// The proxy is stopping.
    #[error("the proxy is draining, and takes no other configuration")]
    Draining,
}

/// What putting a configuration to work took. What is not counted stayed as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Route tables that were compiled.
    pub tables: usize,
    /// Listeners that route by something else than before, be it a table or how a cluster is used.
    pub rerouted: usize,
    /// Listeners whose next connections are served otherwise than before. Those with certificates always are, for
    /// their files are read again.
    pub listeners: usize,
    /// Clusters that there were not.
    pub clusters_made: usize,
    /// Clusters that are configured otherwise.
    pub clusters_changed: usize,
    /// Clusters that there are no more.
    pub clusters_removed: usize,
}

/// A running proxy.
pub struct Proxy {
    protocols: Protocols,
    filters: Registry,
    metrics: Arc<Metrics>,
    workers: Vec<Worker>,
    /// Held by who puts a configuration to work, for as long as that takes.
    applying: Mutex<()>,
    /// Never held for long: the control plane's other tasks want it too.
    state: Mutex<State>,
    /// Endpoints that are discovered are known and connections that were to be made ahead are, or both were waited for
    /// long enough.
    warm: Arc<AtomicBool>,
}

struct State {
    config: Arc<Config>,
    /// What its routes were compiled to.
    tables: Arc<Tables>,
    generation: u64,
    clusters: Clusters,
    /// Those of the configuration, which the next one takes over as far as it has them.
    filters: Standing,
    /// By address.
    listeners: BTreeMap<String, Listener>,
    /// Listeners that accept no more, with connections that may be open still.
    leaving: Vec<Listener>,
    draining: bool,
}

impl Proxy {
    /// Starts the workers and puts `config` to work. Must be called on the control runtime.
    pub fn start(
        config: Config,
        protocols: Protocols,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ApplyError> {
        Self::start_with(config, protocols, Registry::builtin(), metrics)
    }

    /// The same with these filters.
    pub fn start_with(
        config: Config,
        protocols: Protocols,
        filters: Registry,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ApplyError> {
        let count = config
            .workers
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
            .max(1);
        let memory = &config.limits;
        let workers = (0..count)
            .map(|index| {
                let requests = memory.request_memory.0 / count;
                Worker::start(index, requests, memory.response_memory.0 / count)
            })
            .collect::<io::Result<Vec<_>>>()?;
        let clusters = Clusters::new(&protocols, metrics.clone(), &workers, frame(&config));
        let proxy = Self {
            protocols,
            filters,
            metrics,
            workers,
            applying: Mutex::new(()),
            state: Mutex::new(State {
                config: Arc::new(config.clone()),
                tables: Arc::default(),
                generation: 0,
                clusters,
                filters: Standing::default(),
                listeners: BTreeMap::new(),
                leaving: Vec::new(),
                draining: false,
            }),
            warm: Arc::default(),
        };
        proxy.apply(config)?;
        let (undiscovered, ahead) = {
            let clusters = &proxy.state.lock().clusters;
            (clusters.undiscovered(), clusters.ahead())
        };
        let warm = proxy.warm.clone();
        if undiscovered.is_empty() && ahead.is_empty() {
            warm.store(true, Ordering::Release);
        } else {
            tokio::spawn(async move {
                // First, for there is nothing to connect to before.
                discovered(&undiscovered).await;
                warmed_up(&ahead).await;
                warm.store(true, Ordering::Release);
            });
        }
        Ok(proxy)
    }

    /// The same as [`Self::apply`], after connections were made to what the configuration brings, as far as its clusters
    /// want that (`warm_up`); their times for it bound the wait.
    pub async fn apply_warm(&self, config: Config) -> Result<Applied, ApplyError> {
        let ahead = {
            let mut state = self.state.lock();
            if state.draining {
                return Err(ApplyError::Draining);
            }
            let zone = config.zone.as_deref();
            state.clusters.prepare(&config.clusters, zone)
        };
        if !ahead.is_empty() {
            warmed_up(&ahead).await;
        }
        let applied = self.apply(config);
        if applied.is_err() {
            // What was prepared goes again.
            let state = &mut *self.state.lock();
            let zone = state.config.zone.as_deref();
            state.clusters.update(&state.config.clusters, zone);
        }
        applied
    }

    /// Puts another configuration to work, or leaves everything as it is.
    ///
    /// Workers and memory limits keep what they were started with. Must be called within the control runtime, on one
    /// of its blocking threads if the configuration is a large one: to compile ten thousand routes takes a while.
    pub fn apply(&self, config: Config) -> Result<Applied, ApplyError> {
        let _turn = self.applying.lock();
        let (before, old, draining) = {
            let state = self.state.lock();
            (state.config.clone(), state.tables.clone(), state.draining)
        };
        if draining {
            return Err(ApplyError::Draining);
        }
        let workers = self.workers.len();
        let (tables, built) = tables::compile(&config, &before, &old, &self.protocols, workers)?;
        let tls = self.secure(&config)?;
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.draining {
            return Err(ApplyError::Draining);
        }
        let (chains, filters) = self.chains(&config, &tables, &state.filters)?;
        let mut bound = BTreeMap::new();
        for listener in &config.listeners {
            let address = listener.address.to_string();
            if !state.listeners.contains_key(&address) {
                bound.insert(address, Bound::new(listener, &self.metrics)?);
            }
        }
        // From here on nothing fails.
        state.filters = filters;
        let seen = state.clusters.updates();
        let changes = state
            .clusters
            .update(&config.clusters, config.zone.as_deref());
        let mut applied = Applied {
            tables: built,
            clusters_made: changes.made,
            clusters_changed: changes.changed,
            clusters_removed: changes.removed,
            ..Applied::default()
        };
        let parts = Parts {
            config: &config,
            protocols: &self.protocols,
            metrics: &self.metrics,
            workers: &self.workers,
        };
        let mut replaced = Vec::new();
        for (listener, chains) in config.listeners.iter().zip(chains) {
            // `check` has refused a listener whose table is not there.
            let Some(table) = tables.get(&listener.routes) else {
                continue;
            };
            let address = listener.address.to_string();
            let tls = tls.get(&address);
            let Some(running) = state.listeners.get_mut(&address) else {
                if let Some(bound) = bound.remove(&address) {
                    let routings = self.routings(listener, table, chains, &state.clusters, None);
                    let started = Listener::start(listener, bound, routings, tls, &parts);
                    let local = started.local;
                    tracing::info!(listener = listener.name(), %local, "listening");
                    state.listeners.insert(address, started);
                    applied.listeners += 1;
                    applied.rerouted += 1;
                }
                continue;
            };
            if !self.routes_alike(running, listener, table, &state.clusters, seen) {
                let old = running.routings();
                let routings = self.routings(listener, table, chains, &state.clusters, Some(&old));
                replaced.extend(old);
                running.reroute(routings);
                applied.rerouted += 1;
            }
            // The files of certificates may be others under the same names.
            if running.config != *listener
                || tls.is_some()
                || before.drain_timeout != config.drain_timeout
            {
                running.update(listener, tls, &parts);
                applied.listeners += 1;
            }
        }
        let wanted: HashSet<String> = config
            .listeners
            .iter()
            .map(|l| l.address.to_string())
            .collect();
        for (address, listener) in std::mem::take(&mut state.listeners) {
            if wanted.contains(&address) {
                state.listeners.insert(address, listener);
            } else {
                tracing::info!(listener = listener.config.name(), "no longer listening");
                listener.stop();
                state.leaving.push(listener);
            }
        }
        // Those whose last connection is gone are of no more interest.
        state.leaving.retain(|listener| listener.limit.open() > 0);
        state.config = Arc::new(config);
        state.tables = Arc::new(tables);
        state.generation += 1;
        self.metrics.config_loaded(state.generation);
        tables::retire(replaced);
        Ok(applied)
    }

    /// True if the listener's requests would find what they find already. `seen` is the last update of the clusters
    /// before this one.
    fn routes_alike(
        &self,
        running: &Listener,
        listener: &ListenerConfig,
        table: &Table,
        clusters: &Clusters,
        seen: u64,
    ) -> bool {
        let tables = running.routings();
        let same = tables.iter().zip(&table.copies);
        let same = same.filter(|(routing, copy)| Arc::ptr_eq(&routing.table, copy));
        same.count() == self.workers.len()
            && running.config.name() == listener.name()
            && running.config.headers == listener.headers
            && running.config.filters == listener.filters
            && !table
                .copies
                .first()
                .is_some_and(|copy| clusters.rebound(copy, seen))
    }

    /// Reads the certificates of the listeners that have TLS, by their addresses.
    fn secure(&self, config: &Config) -> Result<BTreeMap<String, TlsAcceptor>, ApplyError> {
        let secured = config.listeners.iter().filter_map(|listener| {
            let tls = listener.tls.as_ref()?;
            let taken = self.protocols.taken_by(listener);
            let alpn = connection::offered(taken.map(|entry| entry.id.as_str()));
            let loaded = TlsAcceptor::load(tls, &alpn).map_err(|errors| {
                let problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
                ApplyError::Tls {
                    listener: listener.name(),
                    problems: problems.join("; "),
                }
            });
            Some(loaded.map(|acceptor| (listener.address.to_string(), acceptor)))
        });
        secured.collect()
    }

    /// The filters of each listener, and all of them by their places: `before`'s, as far as they stay as they are.
    fn chains(
        &self,
        config: &Config,
        tables: &Tables,
        before: &Standing,
    ) -> Result<(Vec<Option<Chains>>, Standing), ApplyError> {
        let mut standing = Standing::default();
        let chains = config.listeners.iter().map(|listener| {
            let name = listener.routes.as_str();
            let table = tables.get(name).and_then(|table| table.copies.first());
            let (Some(routes), Some(table)) = (config.routes.get(name), table) else {
                return Ok(None);
            };
            let mut make = |place: &str, entry: &FilterConfig| {
                standing.take_over(before, &self.filters, place, entry)
            };
            Chains::compile(listener, name, routes, table, &mut make)
        });
        let chains = chains.collect::<Result<Vec<_>, _>>()?;
        Ok((chains, standing))
    }

    /// What each worker routes by. What `old` ones counted goes on if their routes are the same.
    fn routings(
        &self,
        listener: &ListenerConfig,
        table: &Table,
        chains: Option<Chains>,
        clusters: &Clusters,
        old: Option<&[Arc<Routing>]>,
    ) -> Vec<Routing> {
        let name: Arc<str> = listener.name().into();
        let mut needs = table.needs.clone();
        let wanted = table.copies.first().map(|copy| clusters.needs(copy));
        let wanted = wanted.filter(|wanted| !wanted.is_empty());
        for more in chains.iter().map(Chains::needs).chain(&wanted) {
            needs = Arc::new(needs.union(more));
        }
        let chains = chains.map(Arc::new);
        // `check` has refused what does not compile.
        let edits = Edits::compile("headers", &listener.headers).ok();
        let edits = edits.filter(|edits| !edits.is_empty()).map(Arc::new);
        if let Some(edits) = &edits {
            needs = Arc::new(needs.union(&Needs::fields(edits.field_names())));
        }
        let copies = table.copies.iter().enumerate();
        copies
            .map(|(worker, copy)| {
                let old = old.and_then(|old| old.get(worker));
                let old = old
                    .filter(|old| Arc::ptr_eq(&old.table, copy) && old.stats.listener() == &*name);
                let stats = old.map(|old| old.stats.clone()).unwrap_or_else(|| {
                    let (metrics, protocols) = (self.metrics.clone(), self.protocols.names());
                    Arc::new(StatsTable::new(metrics, name.clone(), protocols, copy))
                });
                Routing {
                    table: copy.clone(),
                    bindings: clusters.bindings(copy, worker),
                    needs: needs.clone(),
                    edits: edits.clone(),
                    filters: chains.clone(),
                    stats,
                }
            })
            .collect()
    }

    /// Stops accepting, tells every client, and waits until the connections are gone and the mirrored requests over, or the
    /// drain timeout has passed.
    pub async fn drain(&self) {
        let (timeout, drains, mirrors) = {
            let mut state = self.state.lock();
            state.draining = true;
            let listeners = std::mem::take(&mut state.listeners);
            state.leaving.extend(listeners.into_values());
            for listener in &state.leaving {
                listener.stop();
            }
            let drains: Vec<_> = state.leaving.iter().map(|l| l.drain.clone()).collect();
            let mirrors = state.clusters.mirrors();
            (state.config.drain_timeout.0, drains, mirrors)
        };
        let begun = Instant::now();
        let all = async {
            for drain in &drains {
                drain.finished().await;
            }
            // Without clients there come no more.
            mirrors::finished(&mirrors).await;
        };
        // The connections end by themselves when the timeout has passed; they get a moment for their last words.
        let finished = tokio::time::timeout(timeout + Duration::from_secs(1), all).await;
        let seconds = begun.elapsed().as_secs_f64();
        match finished {
            Ok(()) => tracing::info!(seconds, "drained"),
            Err(_) => tracing::warn!(seconds, "drained as far as the drain timeout allowed"),
        }
    }

    /// Where the listeners listen, in the order of the configuration.
    pub fn addresses(&self) -> Vec<std::net::SocketAddr> {
        let state = self.state.lock();
        let listeners = state.config.listeners.iter();
        listeners
            .filter_map(|l| state.listeners.get(&l.address.to_string()))
            .map(|listener| listener.local)
            .collect()
    }

    /// True while connections are accepted, from when every cluster whose endpoints are discovered has its first ones, or
    /// cannot find them, or 5 s have passed; and then the connections were made that `warm_up` wants, or its time has
    /// passed. Listeners accept earlier: a request that comes meanwhile waits for its own cluster alone.
    pub fn ready(&self) -> bool {
        self.warm.load(Ordering::Acquire) && !self.state.lock().draining
    }

    /// The configuration that is at work, and its number; the first is 1.
    pub fn config(&self) -> (Arc<Config>, u64) {
        let state = self.state.lock();
        (state.config.clone(), state.generation)
    }

    /// The listeners as the admin server shows them.
    pub fn listeners(&self) -> Value {
        let state = self.state.lock();
        let open = state.listeners.values().map(|listener| (listener, "open"));
        let leaving = state.leaving.iter().map(|listener| (listener, "draining"));
        let shown = open.chain(leaving).map(|(listener, state)| {
            json!({
                "name": listener.config.name(),
                "address": listener.local.to_string(),
                "state": state,
                "connections": listener.limit.open(),
                "connection_limit": listener.limit.most(),
                "protocols": listener.config.protocols.clone().unwrap_or_else(|| {
                    self.protocols.names().into_iter().map(String::from).collect()
                }),
                "tls": listener.config.tls.is_some(),
                "proxy_protocol": listener.config.proxy_protocol.is_some(),
                "routes": listener.config.routes,
            })
        });
        shown.collect()
    }

    /// The clusters as the admin server shows them.
    pub fn clusters(&self) -> Vec<wireloom_cluster::ClusterStats> {
        self.state.lock().clusters.stats()
    }

    /// What it speaks.
    pub fn protocols(&self) -> &Protocols {
        &self.protocols
    }

    /// The metrics that everything counts into.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Every metric, up to date, in Prometheus' text format.
    pub fn encode_metrics(&self) -> String {
        self.state.lock().clusters.publish();
        self.metrics.encode()
    }

    /// The filters that a configuration may name.
    pub fn filters(&self) -> &Registry {
        &self.filters
    }

    /// The sources of endpoints that its clusters may name.
    pub fn sources(&self) -> &Sources {
        self.protocols.sources()
    }

    /// The names of the protocols that it speaks.
    pub fn protocol_names(&self) -> Vec<&'static str> {
        self.protocols.names()
    }
}

/// How long readiness waits for who is in the clusters.
const DISCOVERY: Duration = Duration::from_secs(5);

async fn discovered(clusters: &[Arc<Cluster>]) {
    let all = join_all(clusters.iter().map(|cluster| cluster.warmed()));
    if tokio::time::timeout(DISCOVERY, all).await.is_err() {
        let warming = clusters.iter().filter(|cluster| cluster.is_warming());
        let names: Vec<_> = warming.map(|cluster| cluster.name()).collect();
        tracing::warn!(clusters = ?names, "ready without knowing the endpoints");
    }
}

async fn warmed_up(clusters: &[Arc<LocalCluster>]) {
    join_all(clusters.iter().map(|cluster| cluster.warmed_up())).await;
}

/// What servers may answer is bounded by the widest limit that any client has.
fn frame(config: &Config) -> FrameLimits {
    let listeners = config.listeners.iter().map(|listener| &listener.limits);
    listeners.fold(FrameLimits::default(), |widest, limits| FrameLimits {
        frame: limits
            .frame
            .map_or(widest.frame, |size| widest.frame.max(size.0)),
        header: widest.header.max(limits.header.0),
        headers: widest.headers.max(limits.headers),
    })
}
