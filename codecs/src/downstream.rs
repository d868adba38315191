//! Who is at the other end of a downstream connection.

use std::net::SocketAddr;

use crate::Str;

/// What policy may read of a downstream connection. Made once per connection; all its requests share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downstream {
    /// Where the client connected from. An IPv4 address is one, also if it came as one mapped into IPv6.
    pub source: SocketAddr,
    /// Where it wanted to go, if its connection was redirected to the proxy.
    pub destination: Option<SocketAddr>,
    /// What the client showed in its TLS handshake; None without TLS.
    pub tls: Option<Box<ClientTls>>,
}

/// What a client showed in its TLS handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// The name of the server that it asked for (SNI), in lower case.
    pub sni: Option<Str>,
    /// The names in its certificate, which the listener has verified: the URIs of its subject's alternative names
    /// (SPIFFE), and then the DNS names. None without a certificate.
    pub identities: Box<[Str]>,
}

impl Downstream {
    /// A connection from `source`.
    pub fn new(source: SocketAddr, tls: Option<ClientTls>) -> Self {
        let ip = source.ip().to_canonical();
        Self {
            source: SocketAddr::new(ip, source.port()),
            destination: None,
            tls: tls.map(Box::new),
        }
    }

    /// The same, on its way to `destination`.
    #[must_use]
    pub const fn bound_for(mut self, destination: Option<SocketAddr>) -> Self {
        self.destination = destination;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_the_address_itself() {
        let from = |text: &str| {
            Downstream::new(text.parse().unwrap(), None)
                .source
                .to_string()
        };
        assert_eq!(from("[::ffff:10.1.2.3]:7"), "10.1.2.3:7");
        assert_eq!(from("[2001:db8::1]:7"), "[2001:db8::1]:7");
    }
}
