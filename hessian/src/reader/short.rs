//! Short strings of ASCII: what nearly all names, descriptors and attachments are. They are read at once, many times cheaper than by
//! tag, chunk and character.

use crate::Dialect;

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The string at the start of `bytes` and what is behind it, if it is in ASCII and its length is in its first byte or two.
pub(super) fn ascii(bytes: &[u8], dialect: Dialect) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match *bytes {
        [length @ 0..=0x1f, ref rest @ ..] => (usize::from(length), rest),
        [high @ 0x30..=0x33, low, ref rest @ ..] if dialect == Dialect::Final => {
            (usize::from(high & 3) << 8 | usize::from(low), rest)
        }
        _ => return None,
    };
    let (text, behind) = rest.split_at_checked(length)?;
    is_ascii(text).then_some((text, behind))
}

/// What `<[u8]>::is_ascii` says, eight bytes at a time also where there are fewer than 32.
fn is_ascii(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().fold(0, |all, byte| all | byte) < 0x80;
    };
    // The last eight overlap the others where the length is no multiple of eight.
    let (eights, _) = bytes.as_chunks();
    let last = u64::from_ne_bytes(*last);
    let all = eights
        .iter()
        .fold(last, |all, eight| all | u64::from_ne_bytes(*eight));
    all & HIGH_BITS == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_anywhere_makes_it_no_ascii() {
        for length in 0..40 {
            let mut bytes = vec![0x7f; length];
            assert!(is_ascii(&bytes), "{length}");
            for at in 0..length {
                bytes[at] = 0x80;
                assert!(!is_ascii(&bytes), "{length}, {at}");
                bytes[at] = 0x7f;
            }
        }
    }

    #[test]
    fn what_is_longer_than_the_bytes_is_left() {
        assert_eq!(
            ascii(b"\x02abc", Dialect::Final),
            Some((&b"ab"[..], &b"c"[..]))
        );
        assert_eq!(ascii(b"\x04abc", Dialect::Final), None);
        assert_eq!(
            ascii(b"\x30\x01ab", Dialect::Final),
            Some((&b"a"[..], &b"b"[..]))
        );
        assert_eq!(ascii(b"\x30\x01ab", Dialect::Draft), None, "a binary");
        assert_eq!(ascii(b"\x30", Dialect::Final), None);
        assert_eq!(ascii(b"", Dialect::Final), None);
    }
}
