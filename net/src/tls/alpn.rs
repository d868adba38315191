//! The protocol that both sides agree on in the handshake.

/// A protocol that is agreed on by name (RFC 7301). The others are recognised by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// HTTP/2, `h2`.
    H2,
    /// HTTP/1.1, `http/1.1`.
    Http1,
}

impl Alpn {
    /// All of them, the preferred one first.
    pub const ALL: [Self; 2] = [Self::H2, Self::Http1];

    /// The name in the handshake, as IANA registered it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H2 => "h2",
            Self::Http1 => "http/1.1",
        }
    }
}
