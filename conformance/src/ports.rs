//! Ports that nobody uses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which systems take the ports of outgoing connections, so that none of these takes ours between
/// its being found free and its being listened on.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// Where the search goes on; no port is given out twice before all were.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A loopback address whose port is free at this moment.
///
/// # Panics
/// If ten thousand ports are taken.
#[expect(clippy::panic, reason = "without ports nothing can be tested")]
pub fn free() -> SocketAddr {
    // Processes start at different places, so that those that run at the same time do not try the same ports.
    let start = u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or_default();
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let offset = (u32::from(start) + u32::from(step)) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).unwrap_or_default();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port from {FIRST} to {} is free", FIRST + COUNT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_comes_twice() {
        let ports: std::collections::HashSet<_> = (0..100).map(|_| free()).collect();
        assert_eq!(ports.len(), 100);
    }
}
