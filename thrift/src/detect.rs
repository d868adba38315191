//! Which dialect a connection speaks, by its first message and the settings.

use crate::ThriftConfig;
use crate::head::word;
use crate::types::{Dialect, Protocol, Transport};

const UNKNOWN: &str = "the first bytes start no Thrift message of a known dialect";
const OTHER: &str = "the first message is not of the configured protocol";

/// None if too few bytes are there to tell.
pub(crate) fn detect(src: &[u8], settings: &ThriftConfig) -> Result<Option<Dialect>, &'static str> {
    // Only the first frame counts, however much came with it.
    let (src, whole) = match (settings.transport, src.first(), word(src, 0)) {
        (Some(Transport::Buffered), ..) | (None, Some(0x40..), _) | (.., None) => (src, false),
        (.., Some(len)) => match src.get(..(len as usize).saturating_add(4)) {
            Some(frame) => (frame, true),
            None => (src, false),
        },
    };
    let transport = match settings.transport {
        Some(transport) => Some(transport),
        None => transport(src)?,
    };
    let found = match transport {
        Some(transport) => protocol(transport, src, settings)?,
        None => None,
    };
    let Some((transport, protocol)) = transport.zip(found) else {
        // Nothing more comes in a frame that is whole.
        return if whole { Err(UNKNOWN) } else { Ok(None) };
    };
    match (settings.protocol, protocol) {
        (None, _) | (Some(Protocol::BinaryNonStrict), Protocol::Binary) => {}
        (Some(wanted), found) if wanted == found => {}
        _ => return Err(OTHER),
    }
    Ok(Some(Dialect {
        transport,
        protocol,
    }))
}

/// The protocol by the first byte that differs.
fn protocol(
    transport: Transport,
    src: &[u8],
    settings: &ThriftConfig,
) -> Result<Option<Protocol>, &'static str> {
    let (at, magic) = match transport {
        Transport::Framed => (4, None),
        Transport::Buffered => (0, None),
        // The first number of the header block.
        Transport::Header => (14, Some([0x0f, 0xff])),
        Transport::TtHeader => (14, Some([0x10, 0])),
    };
    if transport != Transport::Buffered && matches!(src, [0x40..=0xff, ..]) {
        return Err(UNKNOWN);
    }
    if let (Some(magic), [_, _, _, _, a, b, ..]) = (magic, src)
        && [*a, *b] != magic
    {
        return Err(UNKNOWN);
    }
    let Some(first) = src.get(at) else {
        return Ok(None);
    };
    Ok(Some(match (magic, first) {
        (None, 0x80) | (Some(_), 0) => Protocol::Binary,
        (None, 0x82) | (Some(_), 2) => Protocol::Compact,
        // A name's length is not negative.
        (None, 0..=0x7f) if settings.protocol == Some(Protocol::BinaryNonStrict) => {
            Protocol::BinaryNonStrict
        }
        _ => return Err(UNKNOWN),
    }))
}

fn transport(src: &[u8]) -> Result<Option<Transport>, &'static str> {
    Ok(match *src {
        [] => None,
        [0x80 | 0x82, ..] => Some(Transport::Buffered),
        // Below Thrift's 2^30.
        [0x40..=0xff, ..] => return Err(UNKNOWN),
        [_, _, _, _, 0x0f, 0xff, ..] => Some(Transport::Header),
        [_, _, _, _, 0x10, 0, ..] => Some(Transport::TtHeader),
        [_, _, _, _, _, _, ..] => Some(Transport::Framed),
        [_, _, _, _, 0x80 | 0x82] => Some(Transport::Framed),
        _ => None,
    })
}
