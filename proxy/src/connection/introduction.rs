//! Whom a load balancer speaks for, in the PROXY header that comes first.

use tokio::net::TcpStream;
use tokio::time::timeout;
use wireloom_net::{ProxyHeaderError, read_proxy_header};
use wireloom_telemetry::Limited;

use super::{Client, quiet_drain};

static REFUSED: Limited = Limited::new();

impl Client {
    /// Whether who connected is to say for whom.
    pub(super) fn is_relayed(&self) -> bool {
        self.serving
            .balancers
            .contain(self.peer.ip().to_canonical())
    }

    /// Takes the address that the header names for the client's. False if the connection is to be closed.
    pub(super) async fn introduced(&mut self, stream: &mut TcpStream) -> bool {
        let serving = &self.serving;
        let within = serving.limits.header_timeout;
        let read = tokio::select! {
            read = timeout(within, read_proxy_header(stream)) => read,
            () = quiet_drain(&mut self.drain) => return false,
        };
        let (reason, error) = match read {
            Ok(Ok(source)) => {
                self.peer = source.unwrap_or(self.peer);
                return true;
            }
            Ok(Err(ProxyHeaderError::Silent)) => {
                // A probe that connects and closes, as load balancers send them.
                serving.stats.sniff_failure("closed");
                return false;
            }
            Ok(Err(error)) => ("proxy_header", error.to_string()),
            Err(_) => (
                "proxy_header_timeout",
                format!("no PROXY header within {within:?}"),
            ),
        };
        serving.stats.connection_error(reason);
        if let Some(suppressed) = REFUSED.pass() {
            let (listener, peer) = (&serving.name, self.peer);
            tracing::warn!(%listener, %peer, suppressed, "closed: {error}");
        }
        false
    }
}
