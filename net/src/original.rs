//! Where a client wanted to go whose connection was redirected.

use std::net::{SocketAddr, TcpStream};

use socket2::SockRef;

/// The address that the client of an accepted connection had connected to, if that is another than the listener's: the
/// one before iptables' REDIRECT or DNAT (`SO_ORIGINAL_DST`, which netfilter's connection tracking knows), or the
/// connection's own local address, which TPROXY leaves as it was. `port` is the one that the listener is bound to.
///
/// None for a connection that was made to the listener itself: to connect there would be a loop.
pub fn original_destination(stream: &TcpStream, port: u16) -> Option<SocketAddr> {
    let local = stream.local_addr().ok()?;
    let socket = SockRef::from(stream);
    let before = match local {
        SocketAddr::V4(_) => socket.original_dst_v4(),
        // A connection over IPv4 to an IPv6 socket is tracked as what it is.
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => socket.original_dst_v4(),
        SocketAddr::V6(_) => socket.original_dst_v6(),
    };
    choose(
        before.ok().and_then(|address| address.as_socket()),
        local,
        port,
    )
}

fn choose(before: Option<SocketAddr>, local: SocketAddr, port: u16) -> Option<SocketAddr> {
    let plain = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let local = plain(local);
    let wanted = before.map_or(local, plain);
    let itself = wanted == local && local.port() == port;
    (!itself && wanted.port() != 0).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_redirected_is_told_from_what_was_not() {
        let chosen = |before: Option<&str>, local: &str, port| {
            let before = before.map(|text| text.parse().unwrap());
            choose(before, local.parse().unwrap(), port).map(|address| address.to_string())
        };
        let there = Some("10.0.0.1:20880".to_owned());
        // REDIRECT.
        assert_eq!(
            chosen(Some("10.0.0.1:20880"), "10.0.0.9:15001", 15001),
            there
        );
        assert_eq!(
            chosen(Some("10.0.0.1:20880"), "[::ffff:10.0.0.9]:15001", 15001),
            there
        );
        // TPROXY, which nobody tracks.
        assert_eq!(chosen(None, "10.0.0.1:20880", 15001), there);
        assert_eq!(chosen(None, "[::ffff:10.0.0.1]:20880", 15001), there);
        // The listener itself, with connection tracking and without.
        assert_eq!(
            chosen(Some("10.0.0.9:15001"), "10.0.0.9:15001", 15001),
            None
        );
        assert_eq!(chosen(None, "10.0.0.9:15001", 15001), None);
        assert_eq!(chosen(None, "[::ffff:10.0.0.9]:15001", 15001), None);
        assert_eq!(chosen(Some("10.0.0.1:0"), "10.0.0.9:15001", 15001), None);
    }

    #[test]
    fn a_connection_that_nobody_redirected_falls_back_on_its_local_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let _client = TcpStream::connect(at).unwrap();
        let (stream, _) = listener.accept().unwrap();
        assert_eq!(original_destination(&stream, at.port()), None);
        // As TPROXY has it: a local address that is not the listener's.
        assert_eq!(original_destination(&stream, 1), Some(at));
    }
}
