//! Connecting to a Unix socket.

use std::io;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout as within;

use crate::{Address, ConnectError};

/// Connects to the Unix socket `address` within `timeout`. A socket file that is not there yet fails at once, as does one
/// that nobody listens on; a server whose backlog is full is waited for.
///
/// # Errors
/// As the operating system says; also if `address` is no Unix socket.
pub async fn connect_unix(
    address: &Address,
    timeout: Duration,
) -> Result<UnixStream, ConnectError> {
    let failed = |error| ConnectError::Unix(address.clone(), error);
    let Some(path) = address.unix_path() else {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is no Unix socket");
        return Err(failed(error));
    };
    match within(timeout, open(path)).await {
        Ok(connected) => connected.map_err(failed),
        Err(_) => Err(ConnectError::Timeout(address.clone(), timeout)),
    }
}

async fn open(path: &str) -> io::Result<UnixStream> {
    /// A full backlog answers EAGAIN at once, and nothing tells when it has room again.
    const PAUSE: Duration = Duration::from_millis(10);
    loop {
        // A zero byte for the `@` is how an abstract name is told apart from a path.
        let connected = match path.strip_prefix('@') {
            Some(name) => UnixStream::connect(format!("\0{name}")).await,
            None => UnixStream::connect(path).await,
        };
        match connected {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(PAUSE).await;
            }
            connected => return connected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn paths_and_abstract_names_connect() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let name = format!("@wireloom-{}", std::process::id());
        let _file = UnixListener::bind(&path).unwrap();
        let _named = UnixListener::bind(name.replacen('@', "\0", 1)).unwrap();
        for text in [format!("unix:{}", path.display()), format!("unix:{name}")] {
            connect_unix(&text.parse().unwrap(), PATIENCE)
                .await
                .unwrap();
        }
    }

    #[tokio::test]
    async fn failures_name_the_socket_and_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("unix:{}/none.sock", folder.path().display());
        let error = connect_unix(&text.parse().unwrap(), PATIENCE).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot connect to {text}: No such file")),
            "{error}"
        );
        let error = connect_unix(&"127.0.0.1:1".parse().unwrap(), PATIENCE).await;
        assert!(error.unwrap_err().to_string().contains("no Unix socket"));
        let address: Address = text.parse().unwrap();
        let error = crate::connect(&address, PATIENCE).await.unwrap_err();
        assert!(matches!(error, ConnectError::Lookup(..)), "{error:?}");
        assert!(crate::bind(&address).is_err());
    }
}
