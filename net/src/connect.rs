//! Connecting to an address, whatever it resolves to.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::Address;
use crate::tune::tune;

/// Addresses of one name that a single attempt tries; a name may have thousands.
const MOST_ADDRESSES: usize = 8;

/// Why there is no connection. All of them name the address as the configuration has it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name lookup failed.
    #[error("cannot look up {0}: {1}")]
    Lookup(Address, #[source] io::Error),
    /// The name exists and has no address.
    #[error("cannot look up {0}: the name has no address")]
    NoAddress(Address),
    /// Refused, unreachable, reset: as the operating system says.
    #[error("cannot connect to {}: {error}", Tried(address, tried))]
    Failed {
        /// What was asked for.
        address: Address,
        /// What it resolved to; the last one that was tried.
        tried: SocketAddr,
        /// The operating system's answer.
        #[source]
        error: io::Error,
    },
    /// No such socket, refused, not permitted: as the operating system says of a Unix socket.
    #[error("cannot connect to {0}: {1}")]
    Unix(Address, #[source] io::Error),
    /// Not in time.
    #[error("cannot connect to {0}: no answer within {1:?}")]
    Timeout(Address, Duration),
}

/// `name:port (ip:port)`, or just `ip:port`.
struct Tried<'a>(&'a Address, &'a SocketAddr);

impl std::fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)?;
        if self.0.as_socket_addr().is_none() {
            write!(f, " ({})", self.1)?;
        }
        Ok(())
    }
}

/// Connects within `timeout`, name lookup included, without Nagle's algorithm and with TCP keep-alive.
///
/// The addresses of a name are tried one after the other, each for its share of the time that is left, so that one
/// that does not answer leaves some for the next.
///
/// # Errors
/// The last address's failure, if none answers.
pub async fn connect(address: &Address, timeout: Duration) -> Result<TcpStream, ConnectError> {
    let started = Instant::now();
    let timed_out = || ConnectError::Timeout(address.clone(), timeout);
    let end = started + timeout;
    if let Some(only) = address.as_socket_addr() {
        return one(address, only, end)
            .await
            .unwrap_or_else(|| Err(timed_out()));
    }
    let mut candidates = timeout_at(end, address.resolve())
        .await
        .map_err(|_| timed_out())?
        .map_err(|error| ConnectError::Lookup(address.clone(), error))?;
    candidates.truncate(MOST_ADDRESSES);
    let mut last = ConnectError::NoAddress(address.clone());
    let mut left = u32::try_from(candidates.len()).unwrap_or(1);
    for candidate in candidates {
        let now = Instant::now();
        let share = end.saturating_duration_since(now) / left.max(1);
        left = left.saturating_sub(1);
        match one(address, candidate, now + share).await {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => last = error,
            None => last = timed_out(),
        }
    }
    Err(last)
}

/// None if `end` came first.
async fn one(
    address: &Address,
    candidate: SocketAddr,
    end: Instant,
) -> Option<Result<TcpStream, ConnectError>> {
    let connected = timeout_at(end, TcpStream::connect(candidate)).await.ok()?;
    let tuned = connected.and_then(|stream| tune(&stream).map(|()| stream));
    Some(tuned.map_err(|error| ConnectError::Failed {
        address: address.clone(),
        tried: candidate,
        error,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn literals_and_names_connect() {
        let listener = bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost"] {
            // `localhost` is ::1 too, where nobody listens: the next address is tried.
            let stream = connect(&format!("{host}:{port}").parse().unwrap(), SECOND)
                .await
                .unwrap();
            assert!(stream.nodelay().unwrap());
            assert!(socket2::SockRef::from(&stream).keepalive().unwrap());
        }
    }

    #[tokio::test]
    async fn failures_name_the_address_and_the_cause() {
        let free = bind(&"127.0.0.1:0".parse().unwrap())
            .unwrap()
            .local_addr()
            .unwrap();
        let error = connect(&free.into(), SECOND).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot connect to {free}: Connection refused")),
            "{error}"
        );

        let name: Address = format!("localhost:{}", free.port()).parse().unwrap();
        let error = connect(&name, SECOND).await.unwrap_err().to_string();
        assert!(
            error.contains(&format!("{name} (")) && error.contains("refused"),
            "{error}"
        );

        let error = connect(&"no-such-host.invalid:1".parse().unwrap(), 30 * SECOND).await;
        assert!(matches!(error, Err(ConnectError::Lookup(..))), "{error:?}");
    }

    #[tokio::test]
    async fn a_host_that_does_not_answer_costs_the_timeout() {
        // A full backlog drops further SYNs, which is what a dead host looks like.
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(0).unwrap();
        let full: Address = socket.local_addr().unwrap().as_socket().unwrap().into();
        let mut held = Vec::new();
        let started = Instant::now();
        let error = loop {
            match connect(&full, Duration::from_millis(200)).await {
                Ok(stream) => held.push(stream),
                Err(error) => break error,
            }
            assert!(held.len() < 16, "the backlog is not full");
        };
        assert!(matches!(error, ConnectError::Timeout(..)), "{error:?}");
        assert!(
            error.to_string().ends_with("no answer within 200ms"),
            "{error}"
        );
        assert!(started.elapsed() >= Duration::from_millis(200));
    }
}
