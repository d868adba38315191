//! Whether a connection's first bytes are Bolt's.
//!
//! One byte is not enough: `01` and `02` also start DNS over TCP, and even all five bytes that decide v1 are a
//! possible DNS query (of 257 bytes, with id 1). A response is no way to open a connection.

use wireloom_codecs::Sniff;

/// Judges a prefix: v1 at 5 bytes, v2 at 6.
pub(crate) fn sniff(prefix: &[u8]) -> Sniff {
    let rest = match *prefix {
        [] => return Sniff::More,
        [1, ref rest @ ..] | [2, 1 | 2, ref rest @ ..] => rest,
        [2] => return Sniff::More,
        _ => return Sniff::Never,
    };
    // Type, command, ver2.
    match *rest {
        [] | [1 | 2] | [1 | 2, 0] => Sniff::More,
        [1, 0, 0 | 1 | 100] | [2, 0, 1] => Sniff::More,
        [1, 0, 0 | 1 | 100, 1, ..] | [2, 0, 1, 1, ..] => Sniff::Match,
        _ => Sniff::Never,
    }
}
