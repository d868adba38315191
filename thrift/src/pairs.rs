//! Header pairs as values, for the command line and for test peers: a block made of them, and a block told as them.

use std::ops::Range;

use bytes::{BufMut, BytesMut};

use crate::encode::put_varint;
use crate::infos::{self, Refused, WireKey};
use crate::types::{Protocol, Transport};

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
    out.put_slice(&[if protocol == Protocol::Compact { 2 } else { 0 }, 0]);
    let number = |name: &str| infos::key_of(name.as_bytes()).filter(|_| tt);
    let (numbers, texts): (Vec<_>, Vec<_>) = pairs
        .iter()
        .map(|(name, value)| (number(name), name, value))
        .partition(|(key, ..)| key.is_some());
    if !numbers.is_empty() {
        out.put_u8(0x10);
        out.put_u16(u16::try_from(numbers.len()).ok()?);
        for (key, _, value) in numbers {
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
    let len = out.len() - at;
    out.put_bytes(0, len.next_multiple_of(4) - len);
    u16::try_from(len.div_ceil(4)).ok()
}

pub(crate) fn text(tt: bool, text: &str, out: &mut BytesMut) -> Option<()> {
    count(tt, text.len(), out)?;
    out.put_slice(text.as_bytes());
    Some(())
}

pub(crate) fn count(tt: bool, number: usize, out: &mut BytesMut) -> Option<()> {
    match tt {
        true => out.put_u16(u16::try_from(number).ok()?),
        false => put_varint(out, u32::try_from(number).ok()?),
    }
    Some(())
}

/// The pairs of a block in their order, up to where it breaks off or nothing is known.
pub(crate) fn read(transport: Transport, block: &[u8]) -> Vec<(String, String)> {
    let Some(start) = infos::start(transport, block) else {
        return Vec::new();
    };
    let lossy = |range: Range<usize>| {
        let bytes = block.get(range).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let mut pairs = Vec::new();
    let end = infos::each(transport, block, start.pairs, |key, value| {
        let name = match key {
            WireKey::Text(key) => lossy(key),
            WireKey::Number(key) => match infos::name_of(key) {
                "" => key.to_string(),
                name => name.to_owned(),
            },
        };
        pairs.push((name, lossy(value)));
        Ok(())
    });
    // What came before is told all the same.
    let (Ok(()) | Err(Refused::Broken | Refused::TooMany)) = end;
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
                let start = infos::start(transport, block).unwrap();
                assert_eq!(start.protocol, Some(protocol));
                let needs = Needs::fields(["x-canary"]);
                let seen = infos::scan(transport, block, start.pairs, b"service", &needs, 9);
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
