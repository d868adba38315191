//! The start of a message: type, name, seqid.

use std::ops::Range;

use crate::types::Protocol;
use crate::varint;

/// Where the parts of a message's start lie, counted from the start of the buffer that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The type as it came; perhaps none of the four.
    pub(crate) kind: u8,
    pub(crate) name: Range<usize>,
    pub(crate) seq_at: usize,
    /// Bytes of the seqid.
    pub(crate) seq_width: usize,
    pub(crate) seqid: u32,
    /// Where the struct starts.
    pub(crate) body: usize,
}

const ANOTHER: &str = "bytes that start no message of the connection's dialect";
const NAME: &str = "a message whose name has a negative length or one over the limit";
const SEQID: &str = "a message whose seqid has more than 32 bits";

/// Reads the start of the message at `at`. None if it is not whole yet; what is wrong is told as early as it shows.
pub(crate) fn parse(
    protocol: Protocol,
    src: &[u8],
    at: usize,
    max_name: usize,
) -> Result<Option<Head>, &'static str> {
    match protocol {
        Protocol::Binary => strict(src, at, max_name),
        Protocol::BinaryNonStrict => old(src, at, max_name),
        Protocol::Compact => compact(src, at, max_name),
    }
}

fn strict(src: &[u8], at: usize, max_name: usize) -> Result<Option<Head>, &'static str> {
    let kind = match *src.get(at..).unwrap_or_default() {
        [0x80, 1, _, kind, ..] => kind,
        [] | [0x80] | [0x80, 1] | [0x80, 1, _] => return Ok(None),
        _ => return Err(ANOTHER),
    };
    let Some(name) = binary_name(src, at + 4, max_name)? else {
        return Ok(None);
    };
    let seq_at = name.end;
    let Some(seqid) = word(src, seq_at) else {
        return Ok(None);
    };
    Ok(Some(Head {
        kind,
        name,
        seq_at,
        seq_width: 4,
        seqid,
        body: seq_at + 4,
    }))
}

fn old(src: &[u8], at: usize, max_name: usize) -> Result<Option<Head>, &'static str> {
    let Some(name) = binary_name(src, at, max_name)? else {
        return Ok(None);
    };
    let (Some(kind), Some(seqid)) = (src.get(name.end), word(src, name.end + 1)) else {
        return Ok(None);
    };
    let seq_at = name.end + 1;
    Ok(Some(Head {
        kind: *kind,
        name,
        seq_at,
        seq_width: 4,
        seqid,
        body: seq_at + 4,
    }))
}

fn compact(src: &[u8], at: usize, max_name: usize) -> Result<Option<Head>, &'static str> {
    let kind = match *src.get(at..).unwrap_or_default() {
        [0x82, kind, ..] if kind & 0x1f == 1 => kind >> 5,
        [] | [0x82] => return Ok(None),
        _ => return Err(ANOTHER),
    };
    let seq_at = at + 2;
    let Some((seqid, seq_width)) = varint::read(src, seq_at).map_err(|_| SEQID)? else {
        return Ok(None);
    };
    let len_at = seq_at + seq_width;
    let Some((len, width)) = varint::read(src, len_at).map_err(|_| NAME)? else {
        return Ok(None);
    };
    let name = name_at(len_at + width, len, max_name)?;
    if src.len() < name.end {
        return Ok(None);
    }
    Ok(Some(Head {
        kind,
        seq_at,
        seq_width,
        seqid,
        body: name.end,
        name,
    }))
}

fn binary_name(
    src: &[u8],
    at: usize,
    max_name: usize,
) -> Result<Option<Range<usize>>, &'static str> {
    match word(src, at) {
        Some(len) => name_at(at + 4, len, max_name).map(Some),
        None => Ok(None),
    }
}

/// A negative length is one over any limit.
fn name_at(at: usize, len: u32, max_name: usize) -> Result<Range<usize>, &'static str> {
    let len = usize::try_from(len).map_err(|_| NAME)?;
    if len > max_name.min(i32::MAX as usize) {
        return Err(NAME);
    }
    Ok(at..at + len)
}

/// The four bytes at `at`.
pub(crate) fn word(src: &[u8], at: usize) -> Option<u32> {
    let bytes = src.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}
