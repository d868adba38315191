//! The header block of THeader and TTHeader: which protocol follows, how it was transformed, and pairs for routing.

use std::ops::Range;

use smallvec::SmallVec;
use wireloom_codecs::Needs;

use crate::types::{Protocol, Transport};
use crate::varint;

/// What was done to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transform {
    None,
    /// zlib, once.
    Zlib,
    /// Something else, or more than one thing.
    Unknown,
}

/// The start of a header block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// None for one that is no Thrift.
    pub(crate) protocol: Option<Protocol>,
    pub(crate) transform: Transform,
    /// Offset of the pairs in the block.
    pub(crate) pairs: usize,
}

/// Kitex's u16 keys (`transmeta`), under the names that routes know them by.
const INT_KEYS: [&str; 26] = [
    "mesh_version",
    "transport_type",
    "log_id",
    "from_service",
    "from_cluster",
    "from_idc",
    "to_service",
    "to_cluster",
    "to_idc",
    "to_method",
    "env",
    "dest_address",
    "rpc_timeout",
    "read_timeout",
    "ring_hash_key",
    "ddp_tag",
    "with_mesh_header",
    "connect_timeout",
    "span_context",
    "short_connection",
    "from_method",
    "stress_tag",
    "msg_type",
    "http_content_type",
    "raw_ring_hash_key",
    "lb_type",
];
const TO_SERVICE: u16 = 6;
const RPC_TIMEOUT: u16 = 12;

/// A pair's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Where in the block.
    At(Range<usize>),
    Named(&'static str),
}

/// Why a header block is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Broken,
    TooMany,
}

/// What of the pairs anybody reads, as ranges of the block. Of pairs with one key the last counts, as in the libraries' maps.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) service: Option<Range<usize>>,
    /// Milliseconds.
    pub(crate) timeout: Option<u64>,
    pub(crate) fields: SmallVec<[(Key, Range<usize>); 4]>,
}

/// Reads the start of a whole block; None if it is broken.
pub(crate) fn start(transport: Transport, block: &[u8]) -> Option<Start> {
    let mut at = Reader::new(transport, block);
    let (protocol, count) = (at.small()?, at.small()?);
    let mut transform = Transform::None;
    // Each takes a byte at least, so the block bounds it.
    for place in 0..count {
        let id = at.small()?;
        transform = match (place, id) {
            (0, 1) if transport == Transport::Header => Transform::Zlib,
            _ => Transform::Unknown,
        };
    }
    Some(Start {
        protocol: match protocol {
            0 => Some(Protocol::Binary),
            2 => Some(Protocol::Compact),
            _ => None,
        },
        transform,
        pairs: at.at,
    })
}

/// A pair's key as it is on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WireKey {
    /// Where in the block.
    Text(Range<usize>),
    /// Kitex's.
    Number(u16),
}

/// The name of one of Kitex's u16 keys; empty if nobody knows it.
pub(crate) fn name_of(key: u16) -> &'static str {
    INT_KEYS.get(usize::from(key)).copied().unwrap_or_default()
}

/// The u16 key of this name.
pub(crate) fn key_of(name: &[u8]) -> Option<u16> {
    let mut names = INT_KEYS.iter();
    let place = names.position(|known| known.as_bytes() == name)?;
    u16::try_from(place).ok()
}

/// Goes over the pairs of a block once, `from` where they start.
pub(crate) fn each(
    transport: Transport,
    block: &[u8],
    from: usize,
    mut take: impl FnMut(WireKey, Range<usize>) -> Result<(), Refused>,
) -> Result<(), Refused> {
    let mut at = Reader::at(transport, block, from);
    while at.at < block.len() {
        let id = at.small().ok_or(Refused::Broken)?;
        match (transport, id) {
            // THeader's blocks end at the padding; TTHeader's may have zeros between them.
            (Transport::TtHeader, 0) => {}
            (_, 0) => break,
            (_, 1) | (Transport::Header, 2) => {
                for _ in 0..at.count().ok_or(Refused::Broken)? {
                    let (Some(key), Some(value)) = (at.text(), at.text()) else {
                        return Err(Refused::Broken);
                    };
                    take(WireKey::Text(key), value)?;
                }
            }
            (Transport::TtHeader, 0x10) => {
                for _ in 0..at.count().ok_or(Refused::Broken)? {
                    let (Some(key), Some(value)) = (at.short(), at.text()) else {
                        return Err(Refused::Broken);
                    };
                    take(WireKey::Number(key), value)?;
                }
            }
            (Transport::TtHeader, 0x11) => {
                at.text().ok_or(Refused::Broken)?;
            }
            // Nobody knows how long an unknown block is. THeader readers stop here, Kitex refuses.
            (Transport::TtHeader, _) => return Err(Refused::Broken),
            _ => break,
        }
    }
    Ok(())
}

/// What anybody reads of the pairs of a block, `from` where they start.
pub(crate) fn scan(
    transport: Transport,
    block: &[u8],
    from: usize,
    service_key: &[u8],
    needs: &Needs,
    max: usize,
) -> Result<Seen, Refused> {
    let mut pairs = Pairs {
        block,
        needs,
        seen: Seen::default(),
        left: max,
        // The configured key beats Kitex's own, whatever order they come in.
        rank: 0,
    };
    each(transport, block, from, |key, value| match key {
        WireKey::Text(key) => {
            let name = block.get(key.clone()).unwrap_or_default();
            let rank = if name == service_key {
                3
            } else {
                u8::from(transport == Transport::TtHeader && name == b"isn") * 2
            };
            let is_timeout = name == b"client_timeout";
            pairs.take(name, Key::At(key), value, rank, is_timeout)
        }
        WireKey::Number(key) => {
            let name = name_of(key);
            let rank = u8::from(key == TO_SERVICE);
            let is_timeout = key == RPC_TIMEOUT;
            pairs.take(name.as_bytes(), Key::Named(name), value, rank, is_timeout)
        }
    })?;
    Ok(pairs.seen)
}

struct Pairs<'a> {
    block: &'a [u8],
    needs: &'a Needs,
    seen: Seen,
    left: usize,
    rank: u8,
}

impl Pairs<'_> {
    fn take(
        &mut self,
        name: &[u8],
        key: Key,
        value: Range<usize>,
        rank: u8,
        is_timeout: bool,
    ) -> Result<(), Refused> {
        self.left = self.left.checked_sub(1).ok_or(Refused::TooMany)?;
        if rank > 0 && rank >= self.rank {
            self.rank = rank;
            self.seen.service = Some(value.clone());
        }
        if is_timeout {
            let text = self.block.get(value.clone()).unwrap_or_default();
            let millis = std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok());
            self.seen.timeout = millis.filter(|millis| *millis > 0);
        }
        if !name.is_empty() && !self.needs.is_empty() && self.needs.wants(name) {
            let block = self.block;
            let same = |(other, _): &&mut (Key, Range<usize>)| match other {
                Key::At(range) => block.get(range.clone()) == Some(name),
                Key::Named(other) => other.as_bytes() == name,
            };
            match self.seen.fields.iter_mut().find(same) {
                Some(field) => field.1 = value,
                None => self.seen.fields.push((key, value)),
            }
        }
        Ok(())
    }
}

/// Numbers are varints in THeader; in TTHeader they are a byte, and two for counts and lengths.
pub(crate) struct Reader<'a> {
    transport: Transport,
    pub(crate) block: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Reader<'a> {
    const fn new(transport: Transport, block: &'a [u8]) -> Self {
        Self::at(transport, block, 0)
    }

    pub(crate) const fn at(transport: Transport, block: &'a [u8], at: usize) -> Self {
        Self {
            transport,
            block,
            at,
        }
    }

    pub(crate) fn small(&mut self) -> Option<u32> {
        if self.transport == Transport::TtHeader {
            let byte = *self.block.get(self.at)?;
            self.at += 1;
            Some(byte.into())
        } else {
            self.varint()
        }
    }

    pub(crate) fn count(&mut self) -> Option<u32> {
        if self.transport == Transport::TtHeader {
            self.short().map(u32::from)
        } else {
            self.varint()
        }
    }

    fn varint(&mut self) -> Option<u32> {
        let (value, width) = varint::read(self.block, self.at).ok()??;
        self.at += width;
        Some(value)
    }

    pub(crate) fn short(&mut self) -> Option<u16> {
        let bytes = self.block.get(self.at..)?.first_chunk()?;
        self.at += 2;
        Some(u16::from_be_bytes(*bytes))
    }

    pub(crate) fn text(&mut self) -> Option<Range<usize>> {
        let len = self.count()? as usize;
        let end = self.at.checked_add(len)?;
        if end > self.block.len() {
            return None;
        }
        let text = self.at..end;
        self.at = end;
        Some(text)
    }
}
