//! Strings in memory: lengths in UTF-16 units, bytes in CESU-8.
//!
//! Walking goes by lead bytes and does not look at continuation bytes, because that is how
//! `Hessian2Input.parseUTF8Char` does it: where a string ends must be the same here as in the server
//! behind, also for bytes that are no proper UTF-8.

/// What stands in the way of walking over a string.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes end first.
    Short,
    /// A byte at this offset that starts no character, or a character of two units where one is left.
    Bad(usize),
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The bytes that the next `units` UTF-16 units take.
pub(crate) fn scan(bytes: &[u8], units: usize) -> Result<usize, Stop> {
    if bytes.get(..units).is_some_and(<[u8]>::is_ascii) {
        return Ok(units);
    }
    let mut at = 0usize;
    let mut left = units;
    while left > 0 {
        if left >= 8
            && let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>)
            && u64::from_ne_bytes(*eight) & HIGH_BITS == 0
        {
            at += 8;
            left -= 8;
            continue;
        }
        let lead = *bytes.get(at).ok_or(Stop::Short)?;
        let (len, wide) = match lead {
            0x00..=0x7f => (1, 1),
            0xc0..=0xdf => (2, 1),
            0xe0..=0xef => (3, 1),
            0xf0..=0xf7 if left >= 2 => (4, 2),
            _ => return Err(Stop::Bad(at)),
        };
        at += len;
        left -= wide;
    }
    if at > bytes.len() {
        Err(Stop::Short)
    } else {
        Ok(at)
    }
}

/// Turns CESU-8 that [`scan`] has walked over into text. Chunks may be pushed one by one, for a
/// surrogate pair may be cut by the end of a chunk. Unpaired surrogates become U+FFFD.
#[derive(Default)]
pub(crate) struct Text {
    out: String,
    high: Option<u16>,
}

impl Text {
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while let Some((&lead, rest)) = bytes.split_first() {
            if self.high.is_none() && lead < 0x80 {
                let ascii = bytes.iter().position(|b| *b >= 0x80).unwrap_or(bytes.len());
                let (run, behind) = bytes.split_at(ascii);
                self.out
                    .push_str(std::str::from_utf8(run).unwrap_or_default());
                bytes = behind;
                continue;
            }
            let tail = |i: usize| u32::from(rest.get(i).copied().unwrap_or(0) & 0x3f);
            let lead = u32::from(lead);
            let (len, code) = match lead {
                0x00..=0x7f => (0, lead),
                0xc0..=0xdf => (1, (lead & 0x1f) << 6 | tail(0)),
                0xe0..=0xef => (2, (lead & 0x0f) << 12 | tail(0) << 6 | tail(1)),
                _ => (
                    3,
                    (lead & 0x07) << 18 | tail(0) << 12 | tail(1) << 6 | tail(2),
                ),
            };
            self.code(code);
            bytes = rest.get(len..).unwrap_or_default();
        }
    }

    fn code(&mut self, code: u32) {
        match (self.high.take(), code) {
            (Some(high), 0xdc00..=0xdfff) => {
                let pair = 0x10000 + ((u32::from(high) - 0xd800) << 10) + (code - 0xdc00);
                self.out
                    .push(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
                return;
            }
            (Some(_), _) => self.out.push(char::REPLACEMENT_CHARACTER),
            (None, _) => {}
        }
        match code {
            // Fits: the range is one of 16-bit numbers.
            0xd800..=0xdbff => self.high = u16::try_from(code).ok(),
            _ => self
                .out
                .push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }

    pub(crate) fn finish(mut self) -> String {
        if self.high.is_some() {
            self.out.push(char::REPLACEMENT_CHARACTER);
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(chunks: &[&[u8]]) -> String {
        let mut text = Text::default();
        for chunk in chunks {
            text.push(chunk);
        }
        text.finish()
    }

    #[test]
    fn lengths_are_utf16_units() {
        assert_eq!(scan(b"hello", 5), Ok(5));
        assert_eq!(scan("a中文b".as_bytes(), 4), Ok(8));
        assert_eq!(scan(b"\xed\xa0\xbd\xed\xb8\x80!", 2), Ok(6));
        assert_eq!(scan("😀!".as_bytes(), 2), Ok(4), "four bytes are two units");
        assert_eq!(scan("01234567中89".as_bytes(), 11), Ok(13));
        assert_eq!(scan(b"", 0), Ok(0));
    }

    #[test]
    fn bad_strings_stop_the_walk() {
        assert_eq!(scan(b"hell", 5), Err(Stop::Short));
        assert_eq!(scan(b"a\xe4\xb8", 2), Err(Stop::Short));
        assert_eq!(scan(b"a\xb8", 2), Err(Stop::Bad(1)));
        assert_eq!(
            scan("a😀".as_bytes(), 2),
            Err(Stop::Bad(1)),
            "a pair does not fit one unit"
        );
        assert_eq!(scan(b"\xff", 1), Err(Stop::Bad(0)));
    }

    #[test]
    fn surrogates_are_joined_also_across_chunks() {
        assert_eq!(text(&[b"a\xed\xa0\xbd\xed\xb8\x80b"]), "a😀b");
        assert_eq!(text(&[b"a\xed\xa0\xbd", b"\xed\xb8\x80b"]), "a😀b");
        assert_eq!(text(&["a😀b".as_bytes()]), "a😀b");
        assert_eq!(text(&[b"\xed\xa0\xbd"]), "\u{fffd}");
        assert_eq!(text(&[b"\xed\xa0\xbdx\xed\xb8\x80"]), "\u{fffd}x\u{fffd}");
        assert_eq!(
            text(&[b"\xed\xa0\xbd\xed\xa0\xbd\xed\xb8\x80"]),
            "\u{fffd}😀"
        );
    }

    #[test]
    fn overlong_forms_read_as_java_reads_them() {
        assert_eq!(text(&[b"\xc0\x80"]), "\0");
        assert_eq!(text(&[b"\xe0\x80\xaf"]), "/");
        assert_eq!(text(&[b"\xf7\xbf\xbf\xbf"]), "\u{fffd}");
    }
}
