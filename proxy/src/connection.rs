//! A downstream connection from accept to close: detection, then the protocol's own driver.

use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wireloom_codecs::{
    Accepted, ByteBudget, Detected, DrainWatch, MAX_PREFIX, ServeLimits, detect,
};
use wireloom_net::ConnectionPermit;
use wireloom_telemetry::{Limited, ListenerStats, OpenConnection, escaped};

use crate::exchange::Exchanges;
use crate::protocols::Registered;

/// What a listener's connections on one worker share.
pub(crate) struct Serving {
    pub(crate) name: Arc<str>,
    /// The protocols that detection tries, each with the service that its requests go to.
    pub(crate) protocols: Vec<(Registered, Exchanges)>,
    pub(crate) sniff_timeout: Duration,
    pub(crate) limits: ServeLimits,
    pub(crate) budget: ByteBudget,
    pub(crate) stats: ListenerStats,
}

/// A connection on its way to a worker.
pub(crate) struct Incoming {
    pub(crate) stream: StdStream,
    pub(crate) peer: SocketAddr,
    pub(crate) serving: Arc<Serving>,
    pub(crate) drain: DrainWatch,
    /// Counts the connection as open while it lives.
    pub(crate) open: OpenConnection,
    /// Its share of the listener's limit.
    pub(crate) permit: ConnectionPermit,
}

/// How long a client that has sent nothing yet is waited for once a drain has begun.
const QUIET: Duration = Duration::from_millis(500);

/// One log line a second is enough for what any peer can cause.
static UNKNOWN: Limited = Limited::new();
static BROKEN: Limited = Limited::new();

impl Incoming {
    /// Serves it to its end.
    pub(crate) async fn serve(self) {
        let Self {
            stream,
            peer,
            serving,
            mut drain,
            open: _open,
            permit: _permit,
        } = self;
        let Ok(stream) = TcpStream::from_std(stream) else {
            return;
        };
        let recognised = recognise(stream, &serving, peer, &mut drain).await;
        let Some((stream, prefix, (entry, service))) = recognised else {
            return;
        };
        serving.stats.recognised(entry.id.as_str());
        let connection = Accepted {
            tls: false,
            io: Box::new(stream),
            prefix,
            limits: serving.limits.clone(),
            budget: serving.budget.clone(),
            drain,
        };
        if let Err(error) = entry.protocol.serve(connection, service).await {
            serving.stats.connection_error(error.label());
            if let Some(suppressed) = BROKEN.pass() {
                let (listener, protocol) = (&serving.name, entry.id);
                tracing::info!(%listener, %peer, %protocol, suppressed, "connection ended: {error}");
            }
        }
    }
}

type Recognised = (TcpStream, Bytes, (Registered, Exchanges));

/// Reads until the first bytes tell the protocol. None if they do not, and the connection is to be closed.
async fn recognise(
    mut stream: TcpStream,
    serving: &Serving,
    peer: SocketAddr,
    drain: &mut DrainWatch,
) -> Option<Recognised> {
    if let [only] = serving.protocols.as_slice() {
        // Nothing to tell apart: the protocol's own decoder judges the bytes.
        return Some((stream, Bytes::new(), only.clone()));
    }
    // Nothing is allocated for a client that has not sent anything yet; such a one may wait as long as an idle one.
    let waited = tokio::select! {
        waited = timeout(serving.limits.idle, stream.readable()) => matches!(waited, Ok(Ok(()))),
        () = quiet_drain(drain) => return None,
    };
    if !waited {
        serving.stats.sniff_failure("silent");
        return None;
    }
    let mut prefix = BytesMut::new();
    match timeout(
        serving.sniff_timeout,
        sniff(&mut stream, serving, &mut prefix),
    )
    .await
    {
        Ok(Some(found)) => Some((stream, prefix.freeze(), found)),
        Ok(None) if prefix.is_empty() => {
            // A probe that connects and closes, as load balancers send them.
            serving.stats.sniff_failure("closed");
            None
        }
        outcome => {
            let reason = if outcome.is_ok() {
                "unknown"
            } else {
                "timeout"
            };
            serving.stats.sniff_failure(reason);
            if let Some(suppressed) = UNKNOWN.pass() {
                let listener = &serving.name;
                let names: Vec<_> = serving
                    .protocols
                    .iter()
                    .map(|(p, _)| p.id.as_str())
                    .collect();
                tracing::warn!(
                    %listener, %peer, suppressed,
                    "closed: the first bytes {} are none of {names:?} ({reason})", escaped(&prefix, 16)
                );
            }
            None
        }
    }
}

/// Ends when a drain has begun and a request that was on its way then would be here.
async fn quiet_drain(drain: &mut DrainWatch) {
    drain.wait().await;
    tokio::time::sleep(QUIET).await;
}

async fn sniff(
    stream: &mut TcpStream,
    serving: &Serving,
    prefix: &mut BytesMut,
) -> Option<(Registered, Exchanges)> {
    loop {
        prefix.reserve(512);
        if stream.read_buf(prefix).await.ok()? == 0 {
            return None;
        }
        let judged = prefix
            .get(..prefix.len().min(MAX_PREFIX))
            .unwrap_or_default();
        match judge(&serving.protocols, judged) {
            Detected::Protocol(place) => return serving.protocols.get(place).cloned(),
            Detected::More => {}
            Detected::Unknown => return None,
        }
    }
}

fn judge(protocols: &[(Registered, Exchanges)], prefix: &[u8]) -> Detected<usize> {
    detect(
        protocols
            .iter()
            .map(|(entry, _)| entry.protocol.sniff(prefix)),
        prefix.len(),
    )
}
