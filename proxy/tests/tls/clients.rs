//! Clients with TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::upstream::{request, response};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn within<F: Future>(what: F) -> F::Output {
    timeout(PATIENCE, what).await.unwrap()
}

pub(crate) async fn connect(
    address: SocketAddr,
    client: ClientConfig,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(client));
    within(connector.connect("localhost".try_into().unwrap(), stream)).await
}

/// Sends a Bolt request; its content must come back.
pub(crate) async fn echo<S>(stream: &mut S, id: u32, content: &[u8]) -> io::Result<()>
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    stream.write_all(&request(id, content)).await?;
    stream.flush().await?;
    let answer = within(response(stream)).await?;
    assert!(answer == (id, 0, content.to_vec()), "status {}", answer.1);
    Ok(())
}

/// Everything that comes until the peer closes, in whatever way.
pub(crate) async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = within(stream.read_to_end(&mut all)).await;
    all
}
