//! The TLS handshake, on the worker and within its time.

use tokio::net::TcpStream;
use tokio::time::timeout;
use wireloom_net::tls::{HandshakeError, TlsAcceptor, TlsStream};
use wireloom_telemetry::Limited;

use super::{Client, quiet_drain};

static FAILED: Limited = Limited::new();

impl Client {
    /// None if there is no TLS, and the connection is to be closed.
    pub(super) async fn shake_hands(
        &mut self,
        tls: &TlsAcceptor,
        stream: TcpStream,
    ) -> Option<TlsStream> {
        let serving = &self.serving;
        let shaken = tokio::select! {
            shaken = timeout(serving.handshake_timeout, tls.accept(stream)) => shaken,
            // A client that was in the middle of it has not sent a request, and may go elsewhere.
            () = quiet_drain(&mut self.drain) => return None,
        };
        let (reason, error) = match shaken {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(HandshakeError::Silent)) => {
                // A probe that connects and closes, as load balancers send them.
                serving.stats.sniff_failure("closed");
                return None;
            }
            Ok(Err(error)) => ("tls", error.to_string()),
            Err(_) => {
                let limit = serving.handshake_timeout;
                ("tls_timeout", format!("no handshake within {limit:?}"))
            }
        };
        serving.stats.connection_error(reason);
        if let Some(suppressed) = FAILED.pass() {
            let (listener, peer) = (&serving.name, self.peer);
            tracing::warn!(%listener, %peer, suppressed, "closed: {error}");
        }
        None
    }
}
