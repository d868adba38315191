//! The socket options of every connection, whoever made it.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// When the kernel asks a quiet peer's host whether it still exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Quiet time before the first question, in whole seconds.
    pub idle: Duration,
    /// Time between two questions, in whole seconds.
    pub interval: Duration,
    /// Unanswered ones that end the connection.
    pub probes: u32,
}

impl Default for Keepalive {
    /// A peer whose host vanished says nothing: it is noticed within a minute.
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30),
            interval: Duration::from_secs(10),
            probes: 3,
        }
    }
}

/// What the sockets of connections to a server are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// None: the kernel asks nothing.
    pub keepalive: Option<Keepalive>,
    /// Small writes go out at once (Nagle's algorithm is off). Writes are batched already.
    pub nodelay: bool,
    /// `SO_MARK`, which routing and firewall rules can tell packets by. Linux, with `CAP_NET_ADMIN`.
    pub mark: Option<u32>,
    /// The address to connect from. Default: as the routing table says.
    pub source: Option<IpAddr>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            keepalive: Some(Keepalive::default()),
            nodelay: true,
            mark: None,
            source: None,
        }
    }
}

/// The options of an accepted connection.
pub(crate) fn tune<'s>(socket: impl Into<SockRef<'s>>) -> io::Result<()> {
    set(socket, &SocketOptions::default())
}

/// Sets what can be set on a connected socket.
pub(crate) fn set<'s>(socket: impl Into<SockRef<'s>>, options: &SocketOptions) -> io::Result<()> {
    let socket = socket.into();
    socket.set_tcp_nodelay(options.nodelay)?;
    match options.keepalive {
        None => socket.set_keepalive(false),
        Some(keepalive) => socket.set_tcp_keepalive(
            &TcpKeepalive::new()
                .with_time(keepalive.idle)
                .with_interval(keepalive.interval)
                .with_retries(keepalive.probes),
        ),
    }
}
