//! Running a proxy until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, oneshot};
use wireloom_codecs::{Codec, Connector, Framed, Protocol};
use wireloom_http::grpc::GrpcWeb;
use wireloom_http::h1::{Http1, Http1Connector};
use wireloom_http::h2::{Http2, Http2Connector};
use wireloom_telemetry::{LogControl, Metrics};
use wireloom_thrift::{DubboThriftCodec, ThriftCodec, ThriftConfig, ThriftSettings};

use crate::Program;
use crate::admin::{AdminServer, AdminState};
use crate::admin_state::Admin;
use crate::config::{self, ClusterEntry, Config, ListenerConfig, ProtocolKeys};
use crate::control::Proxy;
use crate::exchange::Exchanges;
use crate::protocols::Protocols;

/// The codecs that Wireloom comes with, with the configuration's settings.
pub fn builtin(config: &Config) -> Protocols {
    let http = &config.protocols.http;
    let http2 = Http2::new(http.h2.clone());
    // `Upgrade: h2c` goes on in HTTP/2.
    let http1 = Http1::with_handover(http.h1.clone(), http2.clone());
    let (http1, http2): (Arc<dyn Protocol<Exchanges>>, Arc<dyn Protocol<Exchanges>>) =
        match http.grpc_web {
            true => (Arc::new(GrpcWeb(http1)), Arc::new(GrpcWeb(http2))),
            false => (Arc::new(http1), Arc::new(http2)),
        };
    Protocols::new()
        .codec::<wireloom_bolt::BoltCodec>(config.protocols.bolt.clone())
        .codec::<wireloom_dubbo::DubboCodec>(config.protocols.dubbo.clone())
        .codec::<ThriftCodec>(Arc::new(config.protocols.thrift.clone().into()))
        .per_listener(ThriftCodec::ID, thrift_listener(&config.protocols.thrift))
        .per_cluster(ThriftCodec::ID, thrift_cluster(&config.protocols.thrift))
        .codec::<DubboThriftCodec>(())
        .register(http1, Arc::new(Http1Connector))
        .register(http2, Arc::new(Http2Connector::new(http.h2.clone())))
}

/// Thrift as a listener wants it.
fn thrift_listener(
    protocol: &ThriftConfig,
) -> impl Fn(&ListenerConfig) -> Option<Arc<dyn Protocol<Exchanges>>> + use<> {
    let protocol = protocol.clone();
    move |listener| {
        let own = listener.thrift.as_ref()?.over(&protocol);
        Some(Arc::new(Framed::<ThriftCodec>::new(Arc::new(own.into()))))
    }
}

/// Thrift as a cluster's servers want it.
fn thrift_cluster(
    protocol: &ThriftConfig,
) -> impl Fn(&ClusterEntry) -> Option<Arc<dyn Connector>> + use<> {
    let config = protocol.clone();
    move |entry| {
        let ProtocolKeys {
            thrift,
            multiplexed,
        } = entry.own.clone();
        if thrift.is_none() && !multiplexed {
            return None;
        }
        let settings = ThriftSettings {
            config: config.clone(),
            upstream: thrift.unwrap_or_default(),
            multiplexed,
        };
        Some(Arc::new(Framed::<ThriftCodec>::new(Arc::new(settings))))
    }
}

/// Runs `config` until SIGTERM (drains) or SIGINT (stops at once). SIGHUP reads `path` again.
pub fn run(program: &Program, config: Config, path: &Path, log: LogControl) -> anyhow::Result<()> {
    control_runtime()?.block_on(async {
        let running = Running::start(program, config, log)?;
        running.until_told(Some(path)).await
    })
}

/// The control plane's own runtime, on the calling thread: a scrape or a reload costs no request its time.
pub(crate) fn control_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// A proxy that runs, with its admin server, and the signals that end it.
pub(crate) struct Running {
    /// The proxy.
    pub(crate) proxy: Arc<Proxy>,
    /// Where the admin server listens.
    pub(crate) admin: Option<SocketAddr>,
    log: Arc<LogControl>,
    /// Told when the admin server is asked for a drain.
    drain: Arc<Notify>,
    signals: Signals,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl Running {
    /// Starts everything. Must be called on the control runtime.
    pub(crate) fn start(
        program: &Program,
        config: Config,
        log: LogControl,
    ) -> anyhow::Result<Self> {
        let signals = Signals::new().context("cannot watch signals")?;
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))?);
        // Before the listeners, so that who waits for them can ask /ready.
        let admin = config.admin.as_ref();
        let admin = admin
            .map(|admin| AdminServer::bind(&admin.address))
            .transpose()?;
        let protocols = program.protocols(&config);
        let mut running = Self {
            proxy: Arc::new(Proxy::start_with(
                config,
                protocols,
                program.filters().clone(),
                metrics,
            )?),
            admin: None,
            log: Arc::new(log),
            drain: Arc::new(Notify::new()),
            signals,
        };
        if let Some(server) = admin {
            let local = server.local_addr()?;
            tracing::info!(%local, "admin server listening");
            running.admin = Some(local);
            let state: Arc<dyn AdminState> = Arc::new(Admin {
                proxy: running.proxy.clone(),
                log: running.log.clone(),
                drain: running.drain.clone(),
            });
            tokio::spawn(server.run(state));
        }
        Ok(running)
    }

    /// Runs until it is told to stop. SIGHUP reads `path` again, if there is one.
    pub(crate) async fn until_told(mut self, path: Option<&Path>) -> anyhow::Result<()> {
        let path = path.map(Path::to_owned);
        tokio::spawn(reloads(self.signals.hangup, self.proxy.clone(), path));
        tokio::select! {
            _ = self.signals.terminate.recv() => {}
            () = self.drain.notified() => {}
            _ = self.signals.interrupt.recv() => {
                tracing::info!("stopping at once");
                return Ok(());
            }
        }
        tracing::info!("draining");
        tokio::select! {
            () = self.proxy.drain() => {}
            _ = self.signals.interrupt.recv() => tracing::info!("stopping before the drain is over"),
        }
        self.log.flush();
        Ok(())
    }
}

/// Reads `path` again at every SIGHUP. Those that come meanwhile count as one.
async fn reloads(mut hangup: Signal, proxy: Arc<Proxy>, path: Option<PathBuf>) {
    while hangup.recv().await.is_some() {
        let Some(path) = path.clone() else {
            tracing::warn!("there is no file to read the configuration from again");
            continue;
        };
        if let Err(error) = aside({
            let proxy = proxy.clone();
            move || reload(&proxy, &path)
        })
        .await
        {
            tracing::error!("configuration not reloaded, the old one stays: {error}");
        }
    }
}

/// How much the threads that carry traffic are preferred to a reload, in the system's steps of niceness.
const NICENESS: i32 = 10;

/// Does what takes a while on a thread of its own, within this runtime: connections are to be accepted meanwhile, and
/// where all cores have work, requests go first.
async fn aside(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let (done, finished) = oneshot::channel::<()>();
    std::thread::Builder::new()
        .name("reload".to_owned())
        .spawn(move || {
            // On Linux this is the thread's, and the thread ends with its work. Without it the reload is as good.
            let _ = rustix::process::setpriority_process(None, NICENESS);
            let _within = runtime.enter();
            work();
            drop(done);
        })?;
    // Nothing is sent: it is over when the sender is gone.
    let _ = finished.await;
    Ok(())
}

/// Puts the file's new contents to work. A file with anything wrong in it changes nothing.
fn reload(proxy: &Proxy, path: &Path) {
    let begun = Instant::now();
    let names = proxy.protocol_names();
    let loaded = config::load_with(path, &names, proxy.filters(), proxy.sources());
    let loaded = loaded.map_err(|errors| errors.to_string());
    let read = begun.elapsed();
    let outcome = loaded.and_then(|config| {
        let applied = Handle::current().block_on(proxy.apply_warm(config));
        applied.map_err(|error| error.to_string())
    });
    let applied = begun.elapsed() - read;
    proxy.metrics().config_reloaded(outcome.is_ok());
    match outcome {
        Ok(done) => tracing::info!(
            path = %path.display(),
            ?read,
            ?applied,
            tables = done.tables,
            rerouted = done.rerouted,
            listeners = done.listeners,
            clusters_made = done.clusters_made,
            clusters_changed = done.clusters_changed,
            clusters_removed = done.clusters_removed,
            "configuration reloaded"
        ),
        Err(error) => {
            tracing::error!(path = %path.display(), "configuration not reloaded, the old one stays: {error}");
        }
    }
}
