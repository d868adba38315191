//! Messages behind the zlib transform: as much of them as routing reads.

use std::io::Read;

use bytes::Bytes;
use flate2::read::ZlibDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::head;
use crate::types::Protocol;
use crate::value::ValueError;

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

/// The struct of the message in `compressed`; for calls made as values. An error if the message is longer than `max` bytes.
pub(crate) fn body(protocol: Protocol, compressed: &[u8], max: usize) -> Result<Bytes, ValueError> {
    let mut message = Vec::new();
    let bound = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut inflated = ZlibDecoder::new(compressed).take(bound);
    let broken = ValueError("its compressed message is broken");
    inflated.read_to_end(&mut message).map_err(|_| broken)?;
    if message.len() > max {
        return Err(ValueError("its compressed message is too long"));
    }
    let head = head::parse(protocol, &message, 0, message.len());
    let start = head.ok().flatten().ok_or(broken)?.body;
    Ok(Bytes::from(message).split_off(start))
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
    fn a_whole_message_is_inflated_up_to_a_bound() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
        encoder
            .write_all(&[0x80, 1, 0, 2, 0, 0, 0, 1, b'm', 0, 0, 0, 7, 0])
            .unwrap();
        let sealed = encoder.finish().unwrap();
        assert_eq!(
            body(Protocol::Binary, &sealed, 14),
            Ok(Bytes::from_static(&[0]))
        );
        for (bytes, max) in [(&sealed[..], 13), (&sealed[..9], 14), (b"not zlib", 14)] {
            assert!(body(Protocol::Binary, bytes, max).is_err());
        }
        assert!(body(Protocol::Compact, &sealed, 14).is_err());
    }

    #[test]
    fn what_is_no_stream_gives_nothing() {
        assert_eq!(prefix(b"not zlib"), None);
        assert_eq!(prefix(&[]).unwrap_or_default(), b"");
    }
}
