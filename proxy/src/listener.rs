//! A listening socket: accepts on the control runtime and hands each connection to the least busy worker.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;
use wireloom_codecs::{Drain, ErrorKind, ProtocolId, drain};
use wireloom_net::tls::TlsAcceptor;
use wireloom_net::{AcceptEvents, Acceptor, ConnectionLimit, bind};
use wireloom_telemetry::{Limited, ListenerStats, Metrics};

use crate::config::{Config, ListenerConfig};
use crate::connection::{Incoming, Serving, Spoken};
use crate::control::ApplyError;
use crate::exchange::Shared;
use crate::protocols::Protocols;
use crate::routing::Routing;
use crate::worker::Worker;

/// A listener that accepts. Dropping it stops that; the connections that it accepted go on.
pub(crate) struct Listener {
    pub(crate) config: ListenerConfig,
    pub(crate) local: SocketAddr,
    /// Tells the connections to end.
    pub(crate) drain: Drain,
    pub(crate) limit: ConnectionLimit,
    lanes: Arc<[Lane]>,
    accept: JoinHandle<()>,
}

/// The listener on one worker.
struct Lane {
    worker: Worker,
    /// Replaced on reload, for the requests that come after.
    routing: Arc<ArcSwap<Routing>>,
    /// Replaced on reload, for the connections that come after.
    serving: ArcSwap<Serving>,
}

/// A bound socket that accepts as soon as there is somebody to accept for. Everything that the system may refuse a
/// listener has happened.
pub(crate) struct Bound {
    local: SocketAddr,
    limit: ConnectionLimit,
    acceptor: Acceptor<Events>,
}

impl Bound {
    /// Binds the listener's address.
    pub(crate) fn new(config: &ListenerConfig, metrics: &Metrics) -> Result<Self, ApplyError> {
        let socket = bind(&config.address)?;
        let local = socket.local_addr()?;
        let limit = ConnectionLimit::new(config.limits.connections);
        let events = Events {
            listener: config.name(),
            stats: metrics.listener(&config.name()),
        };
        Ok(Self {
            local,
            acceptor: Acceptor::new(socket, limit.clone(), events)?,
            limit,
        })
    }
}

/// What a listener is made of besides its own configuration.
pub(crate) struct Parts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) protocols: &'a Protocols,
    pub(crate) metrics: &'a Metrics,
    pub(crate) workers: &'a [Worker],
}

impl Listener {
    /// Starts to accept. `routings` has one per worker.
    pub(crate) fn start(
        config: &ListenerConfig,
        bound: Bound,
        routings: Vec<Routing>,
        tls: Option<&TlsAcceptor>,
        parts: &Parts<'_>,
    ) -> Self {
        let Bound {
            local,
            limit,
            acceptor,
        } = bound;
        let lanes: Arc<[Lane]> = parts
            .workers
            .iter()
            .zip(routings)
            .map(|(worker, routing)| {
                let routing = Arc::new(ArcSwap::from_pointee(routing));
                let serving = serving(config, local.port(), worker, &routing, tls, parts);
                Lane {
                    worker: worker.clone(),
                    routing,
                    serving: ArcSwap::from_pointee(serving),
                }
            })
            .collect();
        let stats = parts.metrics.listener(&config.name());
        let (drain, _) = drain();
        let accept = tokio::spawn(accept(acceptor, lanes.clone(), drain.clone(), stats));
        Self {
            config: config.clone(),
            local,
            drain,
            limit,
            lanes,
            accept,
        }
    }

    /// What each worker routes by.
    pub(crate) fn routings(&self) -> Vec<Arc<Routing>> {
        let lanes = self.lanes.iter();
        lanes.map(|lane| lane.routing.load_full()).collect()
    }

    /// Puts other routes to work, for the requests that come from now on.
    pub(crate) fn reroute(&self, routings: Vec<Routing>) {
        for (lane, routing) in self.lanes.iter().zip(routings) {
            lane.routing.store(Arc::new(routing));
        }
    }

    /// Puts another configuration to work, for the connections that come from now on.
    pub(crate) fn update(
        &mut self,
        config: &ListenerConfig,
        tls: Option<&TlsAcceptor>,
        parts: &Parts<'_>,
    ) {
        let port = self.local.port();
        for lane in self.lanes.iter() {
            let serving = serving(config, port, &lane.worker, &lane.routing, tls, parts);
            lane.serving.store(Arc::new(serving));
        }
        self.limit.set_most(config.limits.connections);
        self.config = config.clone();
    }

    /// Accepts no more, and tells the connections to end when they are quiet.
    pub(crate) fn stop(&self) {
        self.accept.abort();
        self.drain.start();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

fn serving(
    config: &ListenerConfig,
    port: u16,
    worker: &Worker,
    routing: &Arc<ArcSwap<Routing>>,
    tls: Option<&TlsAcceptor>,
    parts: &Parts<'_>,
) -> Serving {
    let name = config.name();
    let errors = ErrorKind::ALL.map(ErrorKind::as_str);
    let labels: Arc<[ProtocolId]> = parts.protocols.labels().into();
    let frame = config.limits.frame.map(|size| size.0);
    let protocols = parts.protocols.taken_by(config).map(|entry| {
        let id = entry.id;
        let local_errors = parts.metrics.local_errors(&name, id.as_str(), &errors);
        let protocol = entry.protocol.clone();
        let shared = Shared::new(routing.clone(), protocol, labels.clone(), local_errors);
        Spoken {
            id,
            max_frame: frame.unwrap_or_else(|| entry.protocol.max_frame()),
            protocol: entry.protocol,
            shared: Arc::new(shared),
        }
    });
    let balancers = config.proxy_protocol.as_ref();
    Serving {
        port,
        // What is wrong with them was told before this.
        balancers: balancers.map(|it| it.networks("").0).unwrap_or_default(),
        protocols: protocols.collect(),
        tls: tls.cloned(),
        handshake_timeout: config.timeouts.handshake.0,
        sniff_timeout: config.timeouts.sniff.0,
        limits: config.serve_limits(parts.config.drain_timeout),
        budget: worker.requests.clone(),
        stats: parts.metrics.listener(&name),
        name: name.into(),
    }
}

async fn accept(
    mut acceptor: Acceptor<Events>,
    lanes: Arc<[Lane]>,
    drain: Drain,
    stats: ListenerStats,
) {
    loop {
        let accepted = acceptor.next().await;
        let lane = lanes.iter().min_by_key(|lane| lane.worker.connections());
        if let Some(lane) = lane {
            lane.worker.accept(Incoming {
                stream: accepted.stream,
                peer: accepted.peer,
                serving: lane.serving.load_full(),
                drain: drain.watch(),
                open: stats.accepted(),
                permit: accepted.permit,
            });
        }
    }
}

/// What goes wrong with accepting is counted always and told now and then.
struct Events {
    listener: String,
    stats: ListenerStats,
}

static OVER_LIMIT: Limited = Limited::new();
static PAUSED: Limited = Limited::new();

impl AcceptEvents for Events {
    fn over_limit(&self, peer: SocketAddr) {
        self.stats.connection_error("over_limit");
        if let Some(suppressed) = OVER_LIMIT.pass() {
            let listener = &self.listener;
            tracing::warn!(listener, %peer, suppressed, "closed: the listener's connection limit is reached");
        }
    }

    fn paused(&self, error: &io::Error, pause: Duration) {
        self.stats.connection_error("accept");
        if let Some(suppressed) = PAUSED.pass() {
            let listener = &self.listener;
            tracing::warn!(
                listener,
                ?pause,
                suppressed,
                "not accepting for a while: {error}"
            );
        }
    }

    fn lost(&self, _: &io::Error) {
        self.stats.connection_error("lost");
    }
}
