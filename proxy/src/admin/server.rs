//! Accepting admin connections, within bounds.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time;
use tracing::{debug, warn};
use wireloom_net::{Address, ListenError};
use wireloom_telemetry::Limited;

use super::{AdminState, endpoints};

/// How much the clients of the admin server may take.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// From the accepted connection to the end of the request's head.
    pub header_timeout: Duration,
    /// For the whole connection, the answer included.
    pub total: Duration,
    /// Bytes of a request's head.
    pub head: usize,
}

impl Default for Bounds {
    /// 64 connections, 5 s, 30 s and 16 KiB.
    fn default() -> Self {
        Self {
            connections: 64,
            header_timeout: Duration::from_secs(5),
            total: Duration::from_secs(30),
            head: 16 << 10,
        }
    }
}

/// The admin server, bound and not yet serving.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    bounds: Bounds,
}

impl AdminServer {
    /// Listens on `address`, and warns if others than this host can reach it. Must be called in a runtime.
    pub fn bind(address: &Address) -> Result<Self, ListenError> {
        let failed = |error| ListenError::Io(address.clone(), error);
        let socket = wireloom_net::bind(address)?;
        let listener = TcpListener::from_std(socket).map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        if !local.ip().is_loopback() {
            warn!(address = %local, "whoever can connect to the admin server can read the configuration and drain the proxy");
        }
        Ok(Self {
            listener,
            bounds: Bounds::default(),
        })
    }

    /// The same with other bounds.
    pub fn with_bounds(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped.
    pub async fn run(self, state: Arc<dyn AdminState>) -> Infallible {
        static ACCEPT_FAILED: Limited = Limited::new();
        let slots = Arc::new(Semaphore::new(self.bounds.connections));
        loop {
            // Never closed, so there is always a permit to wait for.
            let slot = slots.clone().acquire_owned().await.ok();
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    if let Some(suppressed) = ACCEPT_FAILED.pass() {
                        warn!(%error, suppressed, "the admin server cannot accept");
                    }
                    // Out of descriptors: one may come back soon.
                    time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (state, bounds) = (state.clone(), self.bounds.clone());
            tokio::spawn(async move {
                serve(stream, state, bounds).await;
                drop(slot);
            });
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<dyn AdminState>, bounds: Bounds) {
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(endpoints::answer(&*state, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_timeout)
        .max_header_size(bounds.head)
        .max_headers(64)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match time::timeout(bounds.total, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "an admin connection failed"),
        Err(_) => debug!("an admin connection took too long"),
    }
}
