//! Whole header blocks, for the command line and for test peers: made of pairs, and told as pairs.

use bytes::{BufMut, BytesMut};

use super::{INT_KEYS, Reader};
use crate::types::{Protocol, Transport};
use crate::varint;

/// Writes a block with these pairs, padded; None if it is longer than its count of words can say.
///
/// Of TTHeader, a pair named like one of Kitex's u16 keys goes under that.
pub(crate) fn write(
    transport: Transport,
    protocol: Protocol,
    pairs: &[(String, String)],
    out: &mut BytesMut,
) -> Option<u16> {
    let at = out.len();
    let tt = transport == Transport::TtHeader;
    // Below 128, a varint is a byte too; there are no transforms.
    out.put_u8(if protocol == Protocol::Compact { 2 } else { 0 });
    out.put_u8(0);
    let int_key = |name: &str| {
        let key = INT_KEYS.iter().position(|known| *known == name);
        key.filter(|_| tt).and_then(|key| u16::try_from(key).ok())
    };
    let (ints, texts): (Vec<_>, Vec<_>) = pairs
        .iter()
        .map(|(name, value)| (int_key(name), name, value))
        .partition(|(key, ..)| key.is_some());
    if !ints.is_empty() {
        out.put_u8(0x10);
        out.put_u16(u16::try_from(ints.len()).ok()?);
        for (key, _, value) in ints {
            out.put_u16(key?);
            text(tt, value, out)?;
        }
    }
    if !texts.is_empty() {
        out.put_u8(1);
        count(tt, texts.len(), out)?;
        for (_, name, value) in texts {
            text(tt, name, out)?;
            text(tt, value, out)?;
        }
    }
    out.put_bytes(0, (at.wrapping_sub(out.len())) % 4);
    u16::try_from((out.len() - at) / 4).ok()
}

fn text(tt: bool, text: &str, out: &mut BytesMut) -> Option<()> {
    count(tt, text.len(), out)?;
    out.put_slice(text.as_bytes());
    Some(())
}

fn count(tt: bool, number: usize, out: &mut BytesMut) -> Option<()> {
    if tt {
        out.put_u16(u16::try_from(number).ok()?);
    } else {
        let (bytes, len) = varint::encode(u32::try_from(number).ok()?, 1);
        out.put_slice(bytes.get(..len)?);
    }
    Some(())
}

/// The pairs of a block in their order, up to where it breaks off or nothing is known.
pub(crate) fn read(transport: Transport, block: &[u8]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut at = Reader::new(transport, block);
    let tt = transport == Transport::TtHeader;
    let start = super::start(transport, block);
    at.at = start.map_or(block.len(), |start| start.pairs);
    let lossy = |range| {
        let bytes = block
            .get::<std::ops::Range<usize>>(range)
            .unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let mut next = || -> Option<()> {
        loop {
            match at.small()? {
                0 if tt => {}
                1 => {
                    for _ in 0..at.count()? {
                        pairs.push((lossy(at.text()?), lossy(at.text()?)));
                    }
                }
                2 if !tt => {
                    for _ in 0..at.count()? {
                        pairs.push((lossy(at.text()?), lossy(at.text()?)));
                    }
                }
                0x10 if tt => {
                    for _ in 0..at.count()? {
                        let key = at.short()?;
                        let name = match INT_KEYS.get(usize::from(key)) {
                            Some(name) => (*name).to_owned(),
                            None => key.to_string(),
                        };
                        pairs.push((name, lossy(at.text()?)));
                    }
                }
                0x11 if tt => {
                    at.text()?;
                }
                _ => return None,
            }
        }
    };
    // It ends with the block.
    let _ = next();
    pairs
}

#[cfg(test)]
mod tests {
    use wireloom_codecs::Needs;

    use super::*;

    #[test]
    fn pairs_come_back_and_routing_reads_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = [
            pair("to_service", "Orders"),
            pair("x-canary", "true"),
            pair("zone", "a"),
        ];
        for transport in [Transport::Header, Transport::TtHeader] {
            for protocol in [Protocol::Binary, Protocol::Compact] {
                let mut out = BytesMut::from(&b"abc"[..]);
                let words = write(transport, protocol, &pairs, &mut out).unwrap();
                let block = &out[3..];
                assert_eq!(block.len(), 4 * usize::from(words));
                assert_eq!(read(transport, block), pairs);
                let start = super::super::start(transport, block).unwrap();
                assert_eq!(start.protocol, Some(protocol));
                let needs = Needs::fields(["x-canary"]);
                let seen = super::super::scan(transport, block, start.pairs, b"service", &needs, 9);
                let seen = seen.unwrap();
                assert_eq!(seen.fields.len(), 1);
                let service = seen.service.map(|range| &block[range]);
                let known = transport == Transport::TtHeader;
                assert_eq!(service, known.then_some(&b"Orders"[..]));
                for cut in 0..block.len() {
                    assert!(read(transport, &block[..cut]).len() <= 3);
                }
            }
        }
        let long = [pair("a", &"b".repeat(70_000))];
        let mut out = BytesMut::new();
        assert_eq!(
            write(Transport::TtHeader, Protocol::Binary, &long, &mut out),
            None
        );
        let long = vec![long[0].clone(); 4];
        assert_eq!(
            write(Transport::Header, Protocol::Binary, &long, &mut out),
            None
        );
    }
}
