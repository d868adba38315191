//! A downstream connection from accept to close: the PROXY header, if it comes from a load balancer, the handshake, if the listener has TLS, then detection, then the
//! protocol's own driver.

mod alpn;
mod handshake;
mod introduction;
mod recognise;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use wireloom_codecs::{
    Accepted, ByteBudget, ClientTls, Downstream, DrainWatch, Io, Protocol, ProtocolId, ServeLimits,
    Str,
};
use wireloom_net::tls::TlsAcceptor;
use wireloom_net::{ConnectionPermit, original_destination};
use wireloom_router::filter::Networks;
use wireloom_telemetry::{Limited, ListenerStats, OpenConnection};

use crate::exchange::{Exchanges, Shared};

pub(crate) use alpn::offered;

/// What a listener's connections on one worker share.
pub(crate) struct Serving {
    pub(crate) name: Arc<str>,
    /// What it is bound to.
    pub(crate) port: u16,
    /// The protocols that detection tries, each with what its connections share.
    pub(crate) protocols: Vec<Spoken>,
    /// Whose connections begin with a PROXY header.
    pub(crate) balancers: Networks,
    /// Shakes hands with every client, if there is one.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) sniff_timeout: Duration,
    pub(crate) limits: ServeLimits,
    pub(crate) budget: ByteBudget,
    pub(crate) stats: ListenerStats,
}

/// A protocol as a listener takes it, and what its connections share.
#[derive(Clone)]
pub(crate) struct Spoken {
    pub(crate) id: ProtocolId,
    pub(crate) protocol: Arc<dyn Protocol<Exchanges>>,
    pub(crate) shared: Arc<Shared>,
    /// The longest message, in bytes.
    pub(crate) max_frame: usize,
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
static BROKEN: Limited = Limited::new();

impl Incoming {
    /// Serves it to its end.
    pub(crate) async fn serve(self) {
        let Self {
            stream,
            peer,
            serving,
            drain,
            open: _open,
            permit: _permit,
        } = self;
        let destination = original_destination(&stream, serving.port);
        let Ok(mut stream) = TcpStream::from_std(stream) else {
            return;
        };
        let mut client = Client {
            peer,
            destination,
            serving,
            drain,
        };
        if client.is_relayed() && !Box::pin(client.introduced(&mut stream)).await {
            return;
        }
        if let Some(tls) = client.serving.tls.clone() {
            // In a box of its own: connections without TLS carry no room for a handshake.
            return Box::pin(client.secured(tls, stream)).await;
        }
        if let Some((prefix, spoken)) = client.recognise(&mut stream).await {
            client.speak(stream, prefix, spoken, None).await;
        }
    }
}

/// Who is served, and with what.
struct Client {
    /// Where it connected from, or is said to have.
    peer: SocketAddr,
    /// Where it wanted to go, if it was redirected.
    destination: Option<SocketAddr>,
    serving: Arc<Serving>,
    drain: DrainWatch,
}

impl Client {
    async fn secured(mut self, tls: TlsAcceptor, stream: TcpStream) {
        let Some(mut stream) = self.shake_hands(&tls, stream).await else {
            return;
        };
        let recognised = match alpn::agreed(&stream, &self.serving.protocols) {
            Some(spoken) => Some((Bytes::new(), spoken)),
            None => self.recognise(&mut stream).await,
        };
        if let Some((prefix, spoken)) = recognised {
            let tls = ClientTls {
                sni: stream.sni().map(Str::from),
                identities: stream.identities().into_iter().map(Str::from).collect(),
            };
            self.speak(stream, prefix, spoken, Some(tls)).await;
        }
    }

    /// Hands the connection to its protocol. Not async, so that the stream is kept in one place only.
    fn speak(
        self,
        stream: impl Io,
        prefix: Bytes,
        spoken: Spoken,
        tls: Option<ClientTls>,
    ) -> impl Future<Output = ()> {
        let Self {
            peer,
            destination,
            serving,
            drain,
        } = self;
        let id = spoken.id;
        serving.stats.recognised(id.as_str());
        let mut limits = serving.limits.clone();
        limits.frame.frame = spoken.max_frame;
        let connection = Accepted {
            io: Box::new(stream),
            prefix,
            limits,
            budget: serving.budget.clone(),
            drain,
            tls: serving.tls.is_some(),
        };
        let downstream = Downstream::new(peer, tls).bound_for(destination);
        let service = Exchanges::new(spoken.shared, downstream);
        let served = spoken.protocol.serve(connection, service);
        async move {
            if let Err(error) = served.await {
                serving.stats.connection_error(error.label());
                if let Some(suppressed) = BROKEN.pass() {
                    let (listener, protocol) = (&serving.name, id);
                    tracing::info!(%listener, %peer, %protocol, suppressed, "connection ended: {error}");
                }
            }
        }
    }
}

/// Ends when a drain has begun and a request that was on its way then would be here.
async fn quiet_drain(drain: &mut DrainWatch) {
    drain.wait().await;
    tokio::time::sleep(QUIET).await;
}
