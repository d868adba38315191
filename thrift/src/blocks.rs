//! Header blocks of THeader and TTHeader, written: with no pairs, or with those of another message.
//!
//! What becomes of pairs on the way into another dialect:
//!
//! | from | to | pairs |
//! |---|---|---|
//! | header, ttheader | the same | as they came, tokens and blocks that nobody knows included |
//! | header | ttheader | all, as strings; those that have the name of one of Kitex's u16 keys get that key |
//! | ttheader | header | all, under the names of the u16 keys; keys without a name and the token are dropped |
//! | any | framed, buffered | dropped: there is no place for them |

use std::ops::Range;

use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;
use wireloom_codecs::{ErrorKind, LocalError};

use crate::encode::put_varint;
use crate::infos::{self, WireKey};
use crate::types::{Dialect, Protocol, Transport};

/// A block without pairs, if the dialect has one at all. Gives its length in words of four bytes.
pub(crate) fn empty(dialect: Dialect, out: &mut BytesMut) -> u16 {
    if !dialect.transport.has_header() {
        return 0;
    }
    // The protocol, no transforms, padding: the same bytes in both.
    out.put_slice(&[number(dialect.protocol), 0, 0, 0]);
    1
}

/// A block with the pairs of `block`, whose dialect is `from`. Gives its length in words of four bytes.
///
/// # Errors
///
/// What is too long for a block, which is 256 KiB, or for TTHeader's lengths of two bytes; a block that breaks off.
pub(crate) fn carry(
    from: Transport,
    block: &[u8],
    to: Dialect,
    out: &mut BytesMut,
) -> Result<u16, LocalError> {
    if !from.has_header() || !to.transport.has_header() {
        return Ok(empty(to, out));
    }
    let start = infos::start(from, block).ok_or_else(broken)?;
    let before = out.len();
    out.put_slice(&[number(to.protocol), 0]);
    match to.transport {
        transport if transport == from => {
            out.put_slice(block.get(start.pairs..).unwrap_or_default());
        }
        Transport::TtHeader => into_ttheader(block, start.pairs, out)?,
        _ => into_header(block, start.pairs, out)?,
    }
    let len = out.len() - before;
    out.put_bytes(0, len.next_multiple_of(4) - len);
    u16::try_from(len.div_ceil(4)).map_err(|_| too_long())
}

fn into_header(block: &[u8], from: usize, out: &mut BytesMut) -> Result<(), LocalError> {
    let mut pairs: SmallVec<[(&[u8], &[u8]); 8]> = SmallVec::new();
    let text = |range: Range<usize>| block.get(range).unwrap_or_default();
    infos::each(Transport::TtHeader, block, from, |key, value| {
        let key = match key {
            WireKey::Text(key) => text(key),
            WireKey::Number(key) => infos::name_of(key).as_bytes(),
        };
        if !key.is_empty() {
            pairs.push((key, text(value)));
        }
        Ok(())
    })
    .map_err(|_| broken())?;
    if pairs.is_empty() {
        return Ok(());
    }
    out.put_u8(1);
    let number = |len: usize| u32::try_from(len).map_err(|_| too_long());
    put_varint(out, number(pairs.len())?);
    for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
        put_varint(out, number(text.len())?);
        out.put_slice(text);
    }
    Ok(())
}

fn into_ttheader(block: &[u8], from: usize, out: &mut BytesMut) -> Result<(), LocalError> {
    let mut texts: SmallVec<[(&[u8], &[u8]); 8]> = SmallVec::new();
    let mut numbers: SmallVec<[(u16, &[u8]); 8]> = SmallVec::new();
    let text = |range: Range<usize>| block.get(range).unwrap_or_default();
    infos::each(Transport::Header, block, from, |key, value| {
        if let WireKey::Text(key) = key {
            let (key, value) = (text(key), text(value));
            match infos::key_of(key) {
                Some(key) => numbers.push((key, value)),
                None => texts.push((key, value)),
            }
        }
        Ok(())
    })
    .map_err(|_| broken())?;
    let number = |len: usize| u16::try_from(len).map_err(|_| too_long());
    if !texts.is_empty() {
        out.put_u8(1);
        out.put_u16(number(texts.len())?);
        for text in texts.iter().flat_map(|(key, value)| [key, value]) {
            out.put_u16(number(text.len())?);
            out.put_slice(text);
        }
    }
    if !numbers.is_empty() {
        out.put_u8(0x10);
        out.put_u16(number(numbers.len())?);
        for (key, value) in numbers {
            out.put_u16(key);
            out.put_u16(number(value.len())?);
            out.put_slice(value);
        }
    }
    Ok(())
}

const fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Binary | Protocol::BinaryNonStrict => 0,
        Protocol::Compact => 2,
    }
}

fn broken() -> LocalError {
    LocalError::new(ErrorKind::Malformed, "a header block that breaks off")
}

fn too_long() -> LocalError {
    let what = "header pairs that do not fit the cluster's header block";
    LocalError::new(ErrorKind::TooLarge, what)
}
