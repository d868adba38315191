//! Whether somebody listens, without a connection that would be somebody's first.

/// Whether a socket of this system listens on the port, on whatever address.
pub(super) fn listens(port: u16) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .any(|table| std::fs::read_to_string(table).is_ok_and(|table| has(&table, port)))
}

/// A row is `0: 0100007F:1F90 00000000:0000 0A …`: the local address in hexadecimal, the other end, the state, of which
/// 0A is LISTEN.
fn has(table: &str, port: u16) -> bool {
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).any(|row| {
        let mut fields = row.split_whitespace().skip(1);
        let local = fields.next().unwrap_or_default();
        local.ends_with(&suffix) && fields.nth(1) == Some("0A")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_seen_and_its_end_too() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listens(port));
        let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert!(!listens(client.local_addr().unwrap().port()));
        drop(listener);
        assert!(!listens(port));
    }
}
