//! Which protocols are agreed on in a TLS handshake, by the names that they are registered under.

use wireloom_codecs::http::{HTTP1, HTTP2};
use wireloom_net::tls::{Alpn, TlsStream};

use super::Spoken;

/// The protocol that speaks once this is agreed on.
fn protocol(alpn: Alpn) -> &'static str {
    match alpn {
        Alpn::H2 => HTTP2.as_str(),
        Alpn::Http1 => HTTP1.as_str(),
    }
}

/// What a listener that takes these protocols offers. Nothing, if neither is HTTP: then all are recognised by their
/// first bytes, whatever the client names.
pub(crate) fn offered<'a>(protocols: impl IntoIterator<Item = &'a str>) -> Vec<Alpn> {
    let protocols: Vec<&str> = protocols.into_iter().collect();
    let taken = |alpn: &Alpn| protocols.contains(&protocol(*alpn));
    Alpn::ALL.into_iter().filter(taken).collect()
}

/// The protocol that was agreed on; None if there was none, and the first bytes are to tell it.
pub(super) fn agreed(stream: &TlsStream, protocols: &[Spoken]) -> Option<Spoken> {
    let place = place(
        stream.alpn()?,
        protocols.iter().map(|spoken| spoken.id.as_str()),
    )?;
    protocols.get(place).cloned()
}

fn place<'a>(alpn: Alpn, mut protocols: impl Iterator<Item = &'a str>) -> Option<usize> {
    protocols.position(|name| name == protocol(alpn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_what_is_taken() {
        for (protocols, expected) in [
            (&["bolt", "dubbo"][..], &[][..]),
            (&["bolt", "http1"], &[Alpn::Http1]),
            (&["http1", "http2"], &[Alpn::H2, Alpn::Http1]),
            (&["http2"], &[Alpn::H2]),
        ] {
            assert_eq!(offered(protocols.iter().copied()), expected);
        }
    }

    #[test]
    fn what_is_agreed_on_is_found_by_name() {
        let protocols = ["dubbo", "http1", "http2"];
        assert_eq!(place(Alpn::H2, protocols.into_iter()), Some(2));
        assert_eq!(place(Alpn::Http1, protocols.into_iter()), Some(1));
        assert_eq!(place(Alpn::H2, ["dubbo"].into_iter()), None);
    }
}
