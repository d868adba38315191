//! The control plane: what runs, and how another configuration takes its place.
//!
//! A configuration is put to work whole or not at all: tables are compiled, certificates read and sockets bound before
//! anything that runs is touched. What stays the same stays: listeners keep their socket and connections, clusters
//! their channels.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};
use wireloom_codecs::FrameLimits;
use wireloom_net::tls::TlsAcceptor;
use wireloom_router::{Edits, RouteTable, config::RouteConfig};
use wireloom_telemetry::Metrics;

use crate::clusters::Clusters;
use crate::config::{Config, ListenerConfig};
use crate::connection;
use crate::listener::{Bound, Listener, Parts};
use crate::protocols::Protocols;
use crate::routing::{Routing, StatsTable};
use crate::sources::Sources;
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

/// A running proxy.
pub struct Proxy {
    protocols: Protocols,
    metrics: Arc<Metrics>,
    workers: Vec<Worker>,
    state: Mutex<State>,
}

struct State {
    config: Config,
    generation: u64,
    clusters: Clusters,
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
            metrics,
            workers,
            state: Mutex::new(State {
                config: config.clone(),
                generation: 0,
                clusters,
                listeners: BTreeMap::new(),
                leaving: Vec::new(),
                draining: false,
            }),
        };
        proxy.apply(config)?;
        Ok(proxy)
    }

    /// Puts another configuration to work, or leaves everything as it is.
    ///
    /// Workers and memory limits keep what they were started with.
    pub fn apply(&self, config: Config) -> Result<(), ApplyError> {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.draining {
            return Err(ApplyError::Draining);
        }
        let tables = compile(&config.routes, &self.protocols)?;
        let tls = self.secure(&config)?;
        let mut bound = BTreeMap::new();
        for listener in &config.listeners {
            let address = listener.address.to_string();
            if !state.listeners.contains_key(&address) {
                bound.insert(address, Bound::new(listener, &self.metrics)?);
            }
        }
        // From here on nothing fails.
        state
            .clusters
            .update(&config.clusters, config.zone.as_deref());
        let parts = Parts {
            config: &config,
            protocols: &self.protocols,
            metrics: &self.metrics,
            workers: &self.workers,
        };
        for listener in &config.listeners {
            let address = listener.address.to_string();
            let routings = self.routings(listener, &tables, &state.clusters);
            let tls = tls.get(&address);
            if let Some(running) = state.listeners.get_mut(&address) {
                running.update(listener, routings, tls, &parts);
            } else if let Some(bound) = bound.remove(&address) {
                let started = Listener::start(listener, bound, routings, tls, &parts);
                let local = started.local;
                tracing::info!(listener = listener.name(), %local, "listening");
                state.listeners.insert(address, started);
            }
        }
        let wanted: Vec<String> = config
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
        state.config = config;
        state.generation += 1;
        self.metrics.config_loaded(state.generation);
        Ok(())
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

    fn routings(
        &self,
        listener: &ListenerConfig,
        tables: &BTreeMap<&str, Arc<RouteTable>>,
        clusters: &Clusters,
    ) -> Vec<Routing> {
        let Some(table) = tables.get(listener.routes.as_str()) else {
            return Vec::new();
        };
        let name: Arc<str> = listener.name().into();
        let needs = Arc::new(table.needs().union(&clusters.needs(table)));
        // `check` has refused what does not compile.
        let edits = Edits::compile("headers", &listener.headers).ok();
        let edits = edits.filter(|edits| !edits.is_empty()).map(Arc::new);
        (0..self.workers.len())
            .map(|worker| Routing {
                // A copy per worker: its regular expressions keep scratch memory, which is not to be fought over.
                table: Arc::new(RouteTable::clone(table)),
                bindings: clusters.bindings(table, worker),
                needs: needs.clone(),
                edits: edits.clone(),
                stats: StatsTable::new(
                    self.metrics.clone(),
                    name.clone(),
                    self.protocols.names(),
                    table,
                ),
            })
            .collect()
    }

    /// Stops accepting, tells every client, and waits until the connections are gone or the drain timeout has passed.
    pub async fn drain(&self) {
        let (timeout, drains) = {
            let mut state = self.state.lock();
            state.draining = true;
            let listeners = std::mem::take(&mut state.listeners);
            state.leaving.extend(listeners.into_values());
            for listener in &state.leaving {
                listener.stop();
            }
            let drains: Vec<_> = state.leaving.iter().map(|l| l.drain.clone()).collect();
            (state.config.drain_timeout.0, drains)
        };
        let begun = Instant::now();
        let all = async {
            for drain in &drains {
                drain.finished().await;
            }
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

    /// True while connections are accepted.
    pub fn ready(&self) -> bool {
        !self.state.lock().draining
    }

    /// The configuration that is at work, and its number; the first is 1.
    pub fn config(&self) -> (Config, u64) {
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

    /// The sources of endpoints that its clusters may name.
    pub fn sources(&self) -> &Sources {
        self.protocols.sources()
    }

    /// The names of the protocols that it speaks.
    pub fn protocol_names(&self) -> Vec<&'static str> {
        self.protocols.names()
    }
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

fn compile<'a>(
    routes: &'a BTreeMap<String, Vec<RouteConfig>>,
    protocols: &Protocols,
) -> Result<BTreeMap<&'a str, Arc<RouteTable>>, ApplyError> {
    let status = |name: &str| protocols.status(name);
    let compiled = routes.iter().map(|(name, routes)| {
        let table = RouteTable::compile_with(name, routes, &status).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            ApplyError::Routes {
                table: name.clone(),
                problems: problems.join("; "),
            }
        })?;
        Ok((name.as_str(), Arc::new(table)))
    });
    compiled.collect()
}
