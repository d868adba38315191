//! Running a proxy until it is told to stop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use wireloom_telemetry::{LogControl, Metrics};

use crate::admin::{AdminServer, AdminState};
use crate::admin_state::Admin;
use crate::config::{self, Config};
use crate::control::Proxy;
use crate::protocols::Protocols;

/// The codecs that Wireloom comes with, with the configuration's settings.
pub fn builtin(config: &Config) -> Protocols {
    Protocols::new()
        .codec::<wireloom_bolt::BoltCodec>(config.protocols.bolt.clone())
        .codec::<wireloom_dubbo::DubboCodec>(config.protocols.dubbo.clone())
}

/// Runs `config` until SIGTERM (drains) or SIGINT (stops at once). SIGHUP reads `path` again.
pub fn run(config: Config, path: &Path, log: LogControl) -> anyhow::Result<()> {
    let running = Running {
        path: Some(path.to_owned()),
        log: Arc::new(log),
    };
    control_runtime()?.block_on(running.serve(config))
}

/// The control plane's own runtime, on the calling thread: a scrape or a reload costs no request its time.
pub(crate) fn control_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

struct Running {
    path: Option<PathBuf>,
    log: Arc<LogControl>,
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
    async fn serve(self, config: Config) -> anyhow::Result<()> {
        let mut signals = Signals::new().context("cannot watch signals")?;
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))?);
        // Before the listeners, so that who waits for them can ask /ready.
        let admin = config.admin.as_ref();
        let admin = admin.map(|admin| AdminServer::bind(&admin.address)).transpose()?;
        let protocols = builtin(&config);
        let proxy = Arc::new(Proxy::start(config, protocols, metrics)?);
        let drain = Arc::new(Notify::new());
        if let Some(server) = admin {
            let local = server.local_addr()?;
            tracing::info!(%local, "admin server listening");
            let state: Arc<dyn AdminState> = Arc::new(Admin {
                proxy: proxy.clone(),
                log: self.log.clone(),
                drain: drain.clone(),
            });
            tokio::spawn(server.run(state));
        }
        loop {
            tokio::select! {
                _ = signals.terminate.recv() => break,
                () = drain.notified() => break,
                _ = signals.interrupt.recv() => {
                    tracing::info!("stopping at once");
                    return Ok(());
                }
                _ = signals.hangup.recv() => self.reload(&proxy),
            }
        }
        tracing::info!("draining");
        tokio::select! {
            () = proxy.drain() => {}
            _ = signals.interrupt.recv() => tracing::info!("stopping before the drain is over"),
        }
        self.log.flush();
        Ok(())
    }

    /// Puts the file's new contents to work. A file with anything wrong in it changes nothing.
    fn reload(&self, proxy: &Proxy) {
        let Some(path) = &self.path else {
            return;
        };
        let names = proxy.protocol_names();
        let outcome = match config::load(path, &names) {
            Ok(config) => proxy.apply(config).map_err(|error| error.to_string()),
            Err(errors) => Err(errors.to_string()),
        };
        proxy.metrics().config_reloaded(outcome.is_ok());
        match outcome {
            Ok(()) => tracing::info!(path = %path.display(), "configuration reloaded"),
            Err(error) => {
                tracing::error!(path = %path.display(), "configuration not reloaded, the old one stays: {error}");
            }
        }
    }
}
