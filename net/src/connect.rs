//! Connecting to an address, whatever it resolves to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use crate::eyeballs::{interleave, race};
use crate::tune::set;
use crate::{Address, SocketOptions};

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
    /// The system does not let the socket have the mark.
    #[error(
        "cannot connect to {address}: the socket cannot be given the mark {mark}, which takes Linux and CAP_NET_ADMIN: {error}"
    )]
    Mark {
        /// What was asked for.
        address: Address,
        /// The mark.
        mark: u32,
        /// The operating system's answer.
        #[source]
        error: io::Error,
    },
    /// Connections cannot be made from that address.
    #[error("cannot connect to {address}: the source address {source_ip} cannot be used: {error}")]
    Source {
        /// What was asked for.
        address: Address,
        /// Where the connection was to come from.
        source_ip: IpAddr,
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
/// # Errors
/// As [`connect_with`].
pub async fn connect(address: &Address, timeout: Duration) -> Result<TcpStream, ConnectError> {
    connect_with(address, timeout, &SocketOptions::default()).await
}

/// Connects within `timeout`, name lookup included, over a socket with these options.
///
/// The addresses of a name are tried beside each other, IPv6 and IPv4 by turns, each with a quarter of a second's head start
/// over the next (RFC 8305). The first connection wins.
///
/// # Errors
/// The last address's failure, if none answers.
pub async fn connect_with(
    address: &Address,
    timeout: Duration,
    options: &SocketOptions,
) -> Result<TcpStream, ConnectError> {
    let connecting = async {
        if let Some(only) = address.as_socket_addr() {
            return one(address.clone(), only, *options).await;
        }
        let candidates = address
            .resolve()
            .await
            .map_err(|error| ConnectError::Lookup(address.clone(), error))?;
        let mut candidates = interleave(&candidates);
        candidates.truncate(MOST_ADDRESSES);
        let attempt = |candidate| one(address.clone(), candidate, *options);
        race(candidates, attempt)
            .await
            .unwrap_or_else(|| Err(ConnectError::NoAddress(address.clone())))
    };
    tokio::time::timeout(timeout, connecting)
        .await
        .unwrap_or_else(|_| Err(ConnectError::Timeout(address.clone(), timeout)))
}

async fn one(
    address: Address,
    tried: SocketAddr,
    options: SocketOptions,
) -> Result<TcpStream, ConnectError> {
    let failed = |error| ConnectError::Failed {
        address: address.clone(),
        tried,
        error,
    };
    let socket = match tried {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(failed)?;
    if let Some(mark) = options.mark {
        set_mark(&socket, mark).map_err(|error| ConnectError::Mark {
            address: address.clone(),
            mark,
            error,
        })?;
    }
    if let Some(source) = options.source {
        let bound = socket.bind(SocketAddr::new(source, 0));
        bound.map_err(|error| ConnectError::Source {
            address: address.clone(),
            source_ip: source,
            error,
        })?;
    }
    let stream = socket.connect(tried).await.map_err(failed)?;
    set(&stream, &options).map_err(failed)?;
    Ok(stream)
}

#[cfg(target_os = "linux")]
fn set_mark(socket: &TcpSocket, mark: u32) -> io::Result<()> {
    SockRef::from(socket).set_mark(mark)
}

#[cfg(not(target_os = "linux"))]
fn set_mark(_: &TcpSocket, _: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::{Keepalive, bind};

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

    #[tokio::test]
    async fn sockets_get_the_options_that_are_asked_for() {
        let listener = bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let address = Address::from(listener.local_addr().unwrap());
        let options = SocketOptions {
            keepalive: Some(Keepalive {
                idle: 7 * SECOND,
                interval: 2 * SECOND,
                probes: 5,
            }),
            nodelay: false,
            source: Some("127.0.0.9".parse().unwrap()),
            mark: None,
        };
        let stream = connect_with(&address, 20 * SECOND, &options).await.unwrap();
        let socket = SockRef::from(&stream);
        assert_eq!(socket.tcp_keepalive_time().unwrap(), 7 * SECOND);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), 2 * SECOND);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 5);
        assert!(!stream.nodelay().unwrap());
        assert_eq!(stream.local_addr().unwrap().ip(), options.source.unwrap());

        let silent = SocketOptions {
            keepalive: None,
            ..SocketOptions::default()
        };
        let stream = connect_with(&address, 20 * SECOND, &silent).await.unwrap();
        assert!(!SockRef::from(&stream).keepalive().unwrap());

        let foreign = SocketOptions {
            source: Some("192.0.2.1".parse().unwrap()),
            ..SocketOptions::default()
        };
        let error = connect_with(&address, 20 * SECOND, &foreign).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("the source address 192.0.2.1 cannot be used"),
            "{error}"
        );
    }

    /// Whoever runs the tests may have the right to it or not: either the mark is there, or the error says what it takes.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_mark_is_set_or_said_to_be_forbidden() {
        let listener = bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let address = Address::from(listener.local_addr().unwrap());
        let marked = SocketOptions {
            mark: Some(7),
            ..SocketOptions::default()
        };
        match connect_with(&address, 20 * SECOND, &marked).await {
            Ok(stream) => assert_eq!(SockRef::from(&stream).mark().unwrap(), 7),
            Err(error) => {
                let error = error.to_string();
                assert!(
                    error.contains("the mark 7") && error.contains("CAP_NET_ADMIN"),
                    "{error}"
                );
            }
        }
    }
}
