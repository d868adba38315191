//! What peers speak, and what a client and a server have in common.

use std::fmt;

use serde::Deserialize;

/// A protocol, by its name in configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Dubbo,
    Bolt,
    Http1,
    Http2,
    Grpc,
    Triple,
    Thrift,
    /// Of no crate here: its peers' manifests name the proxy that speaks it.
    Tars,
}

impl Protocol {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Dubbo => "dubbo",
            Self::Bolt => "bolt",
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Triple => "triple",
            Self::Thrift => "thrift",
            Self::Tars => "tars",
        }
    }

    /// Versions of one protocol, which a proxy can translate into each other.
    pub(crate) const fn is_http(self) -> bool {
        matches!(self, Self::Http1 | Self::Http2)
    }
}

/// What a client speaks, and the server that it is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) client: Protocol,
    pub(crate) server: Protocol,
}

impl Link {
    pub(crate) fn is_possible(self) -> bool {
        !self.is_translated() || (self.client.is_http() && self.server.is_http())
    }

    /// Only with a proxy do the two understand each other.
    pub(crate) fn is_translated(self) -> bool {
        self.client != self.server
    }

    /// What is to be said of each side in tables: the version of HTTP, which is not clear from the names of peers.
    pub(crate) fn labels(self) -> (String, String) {
        let label = |protocol: Protocol| {
            if protocol.is_http() {
                format!("/{}", protocol.as_str())
            } else {
                String::new()
            }
        };
        (label(self.client), label(self.server))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.client.as_str())?;
        if self.is_translated() {
            write!(f, "-{}", self.server.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_http_are_translated_and_nothing_else_is() {
        let link = |client, server| Link { client, server };
        let both = link(Protocol::Http2, Protocol::Http1);
        assert!(both.is_possible() && both.is_translated());
        assert_eq!(both.labels(), ("/http2".to_owned(), "/http1".to_owned()));
        let same = link(Protocol::Grpc, Protocol::Grpc);
        assert!(same.is_possible() && !same.is_translated());
        assert_eq!(same.labels(), Default::default());
        assert!(!link(Protocol::Grpc, Protocol::Http2).is_possible());
        assert!(!link(Protocol::Dubbo, Protocol::Bolt).is_possible());
    }
}
