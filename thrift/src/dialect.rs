//! Which dialect a connection is written in, and which connections are kept apart by theirs.

use crate::ThriftSettings;
use crate::config::ThriftUpstream;
use crate::types::{Dialect, Protocol, Transport};

const TRANSPORTS: usize = 4;
const PROTOCOLS: usize = 3;

impl Transport {
    /// True if messages have a header block.
    pub(crate) const fn has_header(self) -> bool {
        matches!(self, Self::Header | Self::TtHeader)
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Framed => 0,
            Self::Buffered => 1,
            Self::Header => 2,
            Self::TtHeader => 3,
        }
    }
}

impl Protocol {
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Binary => 0,
            Self::Compact => 1,
            Self::BinaryNonStrict => 2,
        }
    }

    /// True if both write the same structs.
    pub(crate) const fn shares_structs(self, other: Self) -> bool {
        matches!(self, Self::Compact) == matches!(other, Self::Compact)
    }
}

/// What a request that came in `own` is written in.
pub(crate) fn of_cluster(upstream: &ThriftUpstream, own: Dialect) -> Dialect {
    let transport = upstream.transport.unwrap_or(own.transport);
    let protocol = match upstream.protocol.unwrap_or(own.protocol) {
        // A header says "binary", and its readers expect the version.
        Protocol::BinaryNonStrict if transport.has_header() => Protocol::Binary,
        protocol => protocol,
    };
    Dialect {
        transport,
        protocol,
    }
}

/// One per dialect that a request can be written in.
pub(crate) fn lanes(settings: &ThriftSettings) -> usize {
    let upstream = &settings.upstream;
    let transports = upstream.transport.map_or(TRANSPORTS, |_| 1);
    let protocols = upstream.protocol.map_or(PROTOCOLS, |_| 1);
    transports * protocols
}

/// The lane of a request that came in `own`.
pub(crate) fn lane(settings: &ThriftSettings, own: Dialect) -> usize {
    let upstream = &settings.upstream;
    let to = of_cluster(upstream, own);
    let transport = upstream.transport.map_or(to.transport.index(), |_| 0);
    match upstream.protocol {
        Some(_) => transport,
        None => transport * PROTOCOLS + to.protocol.index(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_that_is_written_has_a_lane_of_its_own() {
        use Protocol::{Binary, BinaryNonStrict, Compact};
        use Transport::{Buffered, Framed, Header, TtHeader};
        for transport in [None, Some(Header), Some(Framed)] {
            for protocol in [None, Some(Compact), Some(BinaryNonStrict)] {
                let settings = ThriftSettings {
                    upstream: ThriftUpstream {
                        transport,
                        protocol,
                    },
                    ..ThriftSettings::default()
                };
                let mut written = vec![None; lanes(&settings)];
                for transport in [Framed, Buffered, Header, TtHeader] {
                    for protocol in [Binary, Compact, BinaryNonStrict] {
                        let own = Dialect {
                            transport,
                            protocol,
                        };
                        let to = of_cluster(&settings.upstream, own);
                        let known = &mut written[lane(&settings, own)];
                        assert_eq!(*known.get_or_insert(to), to, "{settings:?}");
                    }
                }
            }
        }
        let both = ThriftUpstream {
            transport: Some(TtHeader),
            protocol: Some(Binary),
        };
        let settings = ThriftSettings {
            upstream: both,
            ..ThriftSettings::default()
        };
        assert_eq!(lanes(&settings), 1);
        assert_eq!(lanes(&ThriftSettings::default()), 12);
    }
}
