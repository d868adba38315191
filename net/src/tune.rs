//! The socket options of every connection, whoever made it.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// Quiet time before the kernel asks whether the peer's host still exists.
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
/// Time between two such questions.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Unanswered ones that end the connection.
const KEEPALIVE_RETRIES: u32 = 3;

/// Turns Nagle's algorithm off, because writes are batched already, and TCP keep-alive on, because a peer whose host
/// vanished says nothing: it is noticed within a minute.
pub(crate) fn tune<'s>(socket: impl Into<SockRef<'s>>) -> io::Result<()> {
    let socket = socket.into();
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE_TIME)
            .with_interval(KEEPALIVE_INTERVAL)
            .with_retries(KEEPALIVE_RETRIES),
    )
}
