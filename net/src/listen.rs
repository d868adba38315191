//! Binding a listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use crate::Address;

/// Connections that the kernel finishes and keeps for us; it lowers this to `net.core.somaxconn`.
pub const BACKLOG: i32 = 4096;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another socket listens there.
    #[error("cannot listen on {0}: the port is in use by another process")]
    InUse(Address),
    /// The process may not.
    #[error("cannot listen on {0}: not permitted (ports below 1024 need CAP_NET_BIND_SERVICE)")]
    NotPermitted(Address),
    /// No interface has the address.
    #[error("cannot listen on {0}: this host has no such address")]
    NotAvailable(Address),
    /// The name has no address.
    #[error("cannot listen on {0}: the name has no address: {1}")]
    Unresolved(Address, #[source] io::Error),
    /// Something else.
    #[error("cannot listen on {0}: {1}")]
    Io(Address, #[source] io::Error),
}

impl ListenError {
    fn of(address: &Address, error: io::Error) -> Self {
        let address = address.clone();
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address),
            io::ErrorKind::PermissionDenied => Self::NotPermitted(address),
            io::ErrorKind::AddrNotAvailable => Self::NotAvailable(address),
            _ => Self::Io(address, error),
        }
    }
}

/// Listens on `address`, non-blocking, and returns with the port open.
///
/// The port may be taken over from connections of an earlier process that linger in TIME_WAIT (`SO_REUSEADDR`) but
/// not from a listener. `[::]` takes IPv4 too, on every system. A name is looked up here, blocking; of several
/// addresses the first that can be bound is taken. Port 0 is the kernel's choice.
pub fn bind(address: &Address) -> Result<TcpListener, ListenError> {
    if let Some(socket_addr) = address.as_socket_addr() {
        return listen(socket_addr).map_err(|error| ListenError::of(address, error));
    }
    let Some(name) = address.name() else {
        let error = "only TCP ports are listened on";
        let error = io::Error::new(io::ErrorKind::Unsupported, error);
        return Err(ListenError::Io(address.clone(), error));
    };
    let candidates = (name, address.port())
        .to_socket_addrs()
        .map_err(|error| ListenError::Unresolved(address.clone(), error))?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the lookup found nothing");
    for candidate in candidates {
        match listen(candidate) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(ListenError::of(address, last))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn listens_on_literals_and_names() {
        for text in ["127.0.0.1:0", "localhost:0"] {
            let listener = bind(&address(text)).unwrap();
            TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            listener.accept().unwrap();
            assert_eq!(
                listener.accept().unwrap_err().kind(),
                io::ErrorKind::WouldBlock
            );
        }
    }

    #[test]
    fn a_port_in_use_is_named() {
        let first = bind(&address("127.0.0.1:0")).unwrap();
        let taken = Address::from(first.local_addr().unwrap());
        let error = bind(&taken).unwrap_err();
        assert!(matches!(error, ListenError::InUse(_)), "{error:?}");
        assert!(
            error
                .to_string()
                .contains(&format!("{taken}: the port is in use")),
            "{error}"
        );
    }

    #[test]
    fn a_port_is_free_again_while_old_connections_linger() {
        let first = bind(&address("127.0.0.1:0")).unwrap();
        let at = first.local_addr().unwrap();
        let client = TcpStream::connect(at).unwrap();
        let (server, _) = first.accept().unwrap();
        drop((server, first)); // the server's side closed first: it is the one in TIME_WAIT
        drop(client);
        bind(&at.into()).unwrap();
    }

    #[test]
    fn other_failures_are_told_apart() {
        // 192.0.2.0/24 is documentation's own (RFC 5737): no interface has it.
        let error = bind(&address("192.0.2.1:0")).unwrap_err();
        assert!(matches!(error, ListenError::NotAvailable(_)), "{error:?}");
        let error = bind(&address("no-such-host.invalid:0")).unwrap_err();
        assert!(matches!(error, ListenError::Unresolved(..)), "{error:?}");
    }
}
