//! Messages behind the zlib transform: as much of them as routing reads.

use flate2::{Decompress, FlushDecompress, Status};

/// What is inflated: a name and more than enough around it.
pub(crate) const PREFIX: usize = 4 << 10;

/// The first bytes of the message in `compressed`, at most [`PREFIX`]; None if it is no zlib stream.
///
/// The output is bounded and the rest is not looked at, so it does not matter what it would inflate to.
pub(crate) fn prefix(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut inflater = Decompress::new(true);
    let mut start = Vec::with_capacity(PREFIX);
    loop {
        let taken = usize::try_from(inflater.total_in()).ok()?;
        let rest = compressed.get(taken..)?;
        let before = (taken, start.len());
        let status = inflater
            .decompress_vec(rest, &mut start, FlushDecompress::None)
            .ok()?;
        let stuck = inflater.total_in() as usize == before.0 && start.len() == before.1;
        if status == Status::StreamEnd || start.len() >= PREFIX || stuck {
            return Some(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_bomb_stops_at_the_prefix() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
        encoder.write_all(&vec![7; 64 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        let start = prefix(&bomb).unwrap();
        assert_eq!(start, vec![7; PREFIX]);
        assert!(start.capacity() <= 2 * PREFIX);
    }

    #[test]
    fn what_is_no_stream_gives_nothing() {
        assert_eq!(prefix(b"not zlib"), None);
        assert_eq!(prefix(&[]).unwrap_or_default(), b"");
    }
}
