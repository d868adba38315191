//! Whether a connection's first bytes are Thrift's.
//!
//! Only requests open a connection, and only with a version in front: without one a message looks like ZooKeeper,
//! Kafka or Postgres. A length of at most 16384000 bytes starts with a zero byte, which no other protocol here does; Tars
//! has a `1` or `3` where TTHeader has a zero.

use wireloom_codecs::Sniff;

use crate::types::MAX_FRAME;

/// The shortest frame that says what it is.
const MIN_FRAME: usize = 6;

/// Judges a prefix: at 2 bytes unframed compact, 4 unframed binary, 6 framed compact, THeader and TTHeader, 8 framed binary.
pub(crate) fn sniff(prefix: &[u8]) -> Sniff {
    let &[0, ref rest @ ..] = prefix else {
        return message(prefix);
    };
    let &[a, b, c, ref rest @ ..] = rest else {
        return Sniff::More;
    };
    let len = u32::from_be_bytes([0, a, b, c]) as usize;
    if !(MIN_FRAME..=MAX_FRAME).contains(&len) {
        return Sniff::Never;
    }
    match *rest {
        [0x0f, 0xff, ..] | [0x10, 0, ..] => Sniff::Match,
        [0x0f] | [0x10] => Sniff::More,
        _ => message(rest),
    }
}

fn message(start: &[u8]) -> Sniff {
    match *start {
        [] | [0x80] | [0x80, 1] | [0x80, 1, 0] | [0x82] => Sniff::More,
        [0x80, 1, 0, 1 | 4, ..] | [0x82, 0x21 | 0x81, ..] => Sniff::Match,
        _ => Sniff::Never,
    }
}
