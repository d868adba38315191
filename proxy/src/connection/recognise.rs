//! Detection: the first bytes tell the protocol.

use std::future::Future;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wireloom_codecs::{Detected, MAX_PREFIX, detect};
use wireloom_net::tls::TlsStream;
use wireloom_telemetry::{Limited, escaped};

use super::{Client, Serving, Spoken, quiet_drain};

static UNKNOWN: Limited = Limited::new();

/// A stream that can be waited for without a buffer to read into.
pub(super) trait Awaited: AsyncRead + Unpin {
    /// Waits until there are bytes, or their end.
    fn sent(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

impl Awaited for TcpStream {
    async fn sent(&mut self) -> io::Result<()> {
        self.readable().await
    }
}

impl Awaited for TlsStream {
    /// A socket with bytes to read is not enough: they may be no data, and the data may be decrypted already.
    async fn sent(&mut self) -> io::Result<()> {
        self.fill_buf().await.map(drop)
    }
}

impl Client {
    /// Reads until the first bytes tell the protocol: these bytes and the protocol. None if they do not, and the
    /// connection is to be closed.
    pub(super) async fn recognise<S: Awaited>(
        &mut self,
        stream: &mut S,
    ) -> Option<(Bytes, Spoken)> {
        let serving = &*self.serving;
        if let [only] = serving.protocols.as_slice() {
            // Nothing to tell apart: the protocol's own decoder judges the bytes.
            return Some((Bytes::new(), only.clone()));
        }
        // Nothing is allocated for a client that has not sent anything yet; such a one may wait as long as an idle one.
        let waited = tokio::select! {
            waited = timeout(serving.limits.idle, stream.sent()) => matches!(waited, Ok(Ok(()))),
            () = quiet_drain(&mut self.drain) => return None,
        };
        if !waited {
            serving.stats.sniff_failure("silent");
            return None;
        }
        let mut prefix = BytesMut::new();
        let sniffed = sniff(stream, serving, &mut prefix);
        match timeout(serving.sniff_timeout, sniffed).await {
            Ok(Some(found)) => Some((prefix.freeze(), found)),
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
                    let (listener, peer) = (&serving.name, self.peer);
                    let names: Vec<_> = serving
                        .protocols
                        .iter()
                        .map(|spoken| spoken.id.as_str())
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
}

async fn sniff<S: Awaited>(
    stream: &mut S,
    serving: &Serving,
    prefix: &mut BytesMut,
) -> Option<Spoken> {
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

fn judge(protocols: &[Spoken], prefix: &[u8]) -> Detected<usize> {
    detect(
        protocols.iter().map(|spoken| spoken.protocol.sniff(prefix)),
        prefix.len(),
    )
}
