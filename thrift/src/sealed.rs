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

/// Why a compressed message cannot be had whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It would be longer than the cap.
    TooLong,
    /// It is no zlib stream, breaks off, or is followed by something.
    Broken,
}

/// The message in `compressed`, of at most `cap` bytes. Never takes more memory than twice what came out.
pub(crate) fn whole(compressed: &[u8], cap: usize) -> Result<Vec<u8>, Unreadable> {
    let mut inflater = Decompress::new(true);
    let mut message = Vec::with_capacity(PREFIX.min(cap));
    loop {
        let taken = usize::try_from(inflater.total_in()).map_err(|_| Unreadable::Broken)?;
        let rest = compressed.get(taken..).unwrap_or_default();
        let before = message.len();
        let status = inflater
            .decompress_vec(rest, &mut message, FlushDecompress::None)
            .map_err(|_| Unreadable::Broken)?;
        let now = usize::try_from(inflater.total_in()).map_err(|_| Unreadable::Broken)?;
        if message.len() > cap {
            return Err(Unreadable::TooLong);
        }
        if status == Status::StreamEnd {
            return match now == compressed.len() {
                true => Ok(message),
                false => Err(Unreadable::Broken),
            };
        }
        if message.len() == message.capacity() {
            // A byte more than may come, so that a message of just the cap gets to its end.
            let room = cap.saturating_add(1) - message.len();
            message.reserve_exact(message.len().max(PREFIX).min(room));
        } else if now == taken && message.len() == before {
            return Err(Unreadable::Broken);
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
