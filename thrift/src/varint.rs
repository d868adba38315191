//! Variable-length numbers: seven bits per byte, low ones first, the high bit says that more follow.

/// The longest encoding of 32 bits.
pub(crate) const MAX_U32: usize = 5;

/// A number that does not end where it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endless;

/// The number at `at` and its width. None if it is not whole yet. More than 32 bits are an error, padding is not.
pub(crate) fn read(src: &[u8], at: usize) -> Result<Option<(u32, usize)>, Endless> {
    let mut value = 0u32;
    let bytes = src.get(at..).unwrap_or_default();
    for (place, byte) in bytes.iter().take(MAX_U32).enumerate() {
        let bits = u32::from(byte & 0x7f);
        if place == MAX_U32 - 1 && *byte > 0x0f {
            return Err(Endless);
        }
        value |= bits << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((value, place + 1)));
        }
    }
    Ok(None)
}

/// The encoding of `value` in at least `width` bytes (at most five), and its length.
pub(crate) fn encode(value: u32, width: usize) -> ([u8; MAX_U32], usize) {
    let mut bytes = [0; MAX_U32];
    let mut rest = value;
    let mut len = 0;
    for byte in &mut bytes {
        len += 1;
        *byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 && len >= width {
            break;
        }
        *byte |= 0x80;
    }
    // The fifth byte takes the last four bits, so the loop always ends by the break or by them.
    if let Some(last) = bytes.get_mut(len - 1) {
        *last &= 0x7f;
    }
    (bytes, len)
}

/// What a zigzag number stands for.
pub(crate) const fn unzigzag(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_any_width() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            16_383,
            16_384,
            i32::MAX as u32,
            u32::MAX,
        ] {
            for width in 0..=MAX_U32 {
                let (bytes, len) = encode(value, width);
                assert!(len >= width.max(1));
                assert_eq!(read(&bytes[..len], 0), Ok(Some((value, len))));
                for cut in 0..len {
                    assert_eq!(read(&bytes[..cut], 0), Ok(None));
                }
            }
        }
        assert_eq!(encode(300, 0), ([0xac, 2, 0, 0, 0], 2));
    }

    #[test]
    fn more_than_32_bits_are_refused() {
        assert_eq!(read(&[0xff; 20], 0), Err(Endless));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x10], 0), Err(Endless));
        assert_eq!(read(&[0xff; 4], 0), Ok(None));
        assert_eq!(read(&[], 7), Ok(None));
    }

    #[test]
    fn zigzag() {
        for (coded, value) in [(0, 0), (1, -1), (2, 1), (12, 6), (u32::MAX, i32::MIN)] {
            assert_eq!(unzigzag(coded), value);
        }
    }
}
