//! Writing the values that a proxy itself puts on the wire: an error message, a flag, a map of strings.
//!
//! Each function appends one whole value, the way hessian-lite, sofa-hessian and hessian.js write it.

use bytes::BufMut;

use crate::Dialect;

/// UTF-16 units per chunk of a long string, and bytes per chunk of a long binary. All encoders agree on it,
/// but hessian-lite on binaries, whose chunks are what its output buffer happens to have left.
pub const CHUNK: usize = 0x8000;

/// The length of a string as Hessian states it.
pub fn utf16_len(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().map(char::len_utf16).sum()
    }
}

/// The longest prefix of `text` of at most `max` UTF-16 units: what keeps an error message small, and in
/// its one-byte-length form with 31 units.
pub fn truncate(text: &str, max: usize) -> &str {
    let mut units = 0usize;
    for (at, char) in text.char_indices() {
        units += char.len_utf16();
        if units > max {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// Appends null.
pub fn put_null(out: &mut impl BufMut) {
    out.put_u8(b'N');
}

/// Appends a boolean.
pub fn put_bool(out: &mut impl BufMut, value: bool) {
    out.put_u8(if value { b'T' } else { b'F' });
}

/// Appends an int in its shortest form. The forms are the same in both dialects.
pub fn put_int(out: &mut impl BufMut, value: i32) {
    let [.., b2, b1, b0] = value.to_be_bytes();
    match value {
        -0x10..=0x2f => out.put_u8(b0.wrapping_add(0x90)),
        -0x800..=0x7ff => out.put_slice(&[b1.wrapping_add(0xc8), b0]),
        -0x40000..=0x3ffff => out.put_slice(&[b2.wrapping_add(0xd4), b1, b0]),
        _ => {
            out.put_u8(b'I');
            out.put_i32(value);
        }
    }
}

/// Appends a string, chunked beyond [`CHUNK`] units. A surrogate pair is never cut.
pub fn put_string(out: &mut impl BufMut, dialect: Dialect, text: &str) {
    let mut rest = text;
    let mut units = utf16_len(text);
    while units > CHUNK {
        let chunk = truncate(rest, CHUNK);
        let chunk_units = utf16_len(chunk);
        out.put_u8(if dialect == Dialect::Final {
            b'R'
        } else {
            b's'
        });
        put_u16_len(out, chunk_units);
        put_cesu8(out, chunk);
        rest = rest.get(chunk.len()..).unwrap_or_default();
        units -= chunk_units;
    }
    match (dialect, units) {
        (_, 0..=0x1f) => put_low_byte(out, 0, units),
        (Dialect::Final, 0x20..=0x3ff) => {
            put_low_byte(out, 0x30, units >> 8);
            put_low_byte(out, 0, units & 0xff);
        }
        _ => {
            out.put_u8(b'S');
            put_u16_len(out, units);
        }
    }
    put_cesu8(out, rest);
}

/// Appends an untyped map of strings, as Java writes a `HashMap<String, String>`.
pub fn put_string_map<'a>(
    out: &mut impl BufMut,
    dialect: Dialect,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    out.put_u8(if dialect == Dialect::Final {
        b'H'
    } else {
        b'M'
    });
    for (key, value) in pairs {
        put_string(out, dialect, key);
        put_string(out, dialect, value);
    }
    out.put_u8(if dialect == Dialect::Final {
        b'Z'
    } else {
        b'z'
    });
}

/// Appends the bytes of a string, without a tag: surrogate pairs as three bytes each.
pub(crate) fn put_cesu8(out: &mut impl BufMut, text: &str) {
    let mut rest = text;
    // Only characters beyond the BMP differ from UTF-8, and these start with 0xf0 or more.
    while let Some(at) = rest.bytes().position(|b| b >= 0xf0) {
        let (plain, from) = rest.split_at(at);
        out.put_slice(plain.as_bytes());
        let mut chars = from.chars();
        if let Some(char) = chars.next() {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let [high, low] = unit.to_be_bytes();
                out.put_slice(&[
                    0xe0 | high >> 4,
                    0x80 | (high & 0x0f) << 2 | low >> 6,
                    0x80 | low & 0x3f,
                ]);
            }
        }
        rest = chars.as_str();
    }
    out.put_slice(rest.as_bytes());
}

/// `value` is at most [`CHUNK`].
pub(crate) fn put_u16_len(out: &mut impl BufMut, value: usize) {
    debug_assert!(value <= usize::from(u16::MAX));
    out.put_u16(u16::try_from(value).unwrap_or(u16::MAX));
}

/// `base` plus a `value` of less than 256.
pub(crate) fn put_low_byte(out: &mut impl BufMut, base: u8, value: usize) {
    debug_assert!(value <= 0xff);
    out.put_u8(base.wrapping_add(u8::try_from(value).unwrap_or(u8::MAX)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reader;

    fn string(dialect: Dialect, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, dialect, text);
        out
    }

    #[test]
    fn strings_take_the_form_of_their_length() {
        for (units, final_head, draft_head) in [
            (0, vec![0], vec![0]),
            (31, vec![31], vec![31]),
            (32, vec![0x30, 32], vec![b'S', 0, 32]),
            (1023, vec![0x33, 0xff], vec![b'S', 3, 0xff]),
            (1024, vec![b'S', 4, 0], vec![b'S', 4, 0]),
            (0x8000, vec![b'S', 0x80, 0], vec![b'S', 0x80, 0]),
            (0x8001, vec![b'R', 0x80, 0], vec![b's', 0x80, 0]),
        ] {
            let text = "a".repeat(units);
            assert!(
                string(Dialect::Final, &text).starts_with(&final_head),
                "{units}"
            );
            assert!(
                string(Dialect::Draft, &text).starts_with(&draft_head),
                "{units}"
            );
        }
    }

    #[test]
    fn a_pair_is_never_cut_and_is_six_bytes() {
        assert_eq!(
            string(Dialect::Final, "😀"),
            b"\x02\xed\xa0\xbd\xed\xb8\x80"
        );
        let text = "a".repeat(CHUNK - 1) + "😀";
        let bytes = string(Dialect::Final, &text);
        assert!(bytes.starts_with(&[b'R', 0x7f, 0xff]));
        assert_eq!(&bytes[3 + CHUNK - 1..], b"\x02\xed\xa0\xbd\xed\xb8\x80");
    }

    #[test]
    fn ints_take_their_shortest_form() {
        for (value, bytes) in [
            (-16, "80"),
            (47, "bf"),
            (-17, "c7ef"),
            (2047, "cfff"),
            (-2049, "d3f7ff"),
            (262_143, "d7ffff"),
            (-262_145, "49fffbffff"),
            (i32::MIN, "4980000000"),
        ] {
            let mut out = Vec::new();
            put_int(&mut out, value);
            assert_eq!(hex::encode(&out), bytes);
            assert_eq!(Reader::new(&out, Dialect::Draft).read_int(), Ok(value));
        }
    }

    #[test]
    fn maps_read_back() {
        for dialect in [Dialect::Final, Dialect::Draft] {
            let mut out = Vec::new();
            put_string_map(&mut out, dialect, [("a", "1"), ("ü😀", "")]);
            put_bool(&mut out, true);
            put_null(&mut out);
            let mut reader = Reader::new(&out, dialect);
            let mut map = reader.enter_map().unwrap().unwrap();
            let mut pairs = Vec::new();
            while let Some(key) = reader.next_key(&mut map).unwrap() {
                pairs.push((key.as_str().unwrap().to_owned(), reader.read_str().unwrap()));
            }
            assert_eq!(
                pairs,
                [("a".to_owned(), "1".into()), ("ü😀".to_owned(), "".into())]
            );
            assert_eq!(reader.read_bool(), Ok(true));
            assert_eq!(reader.read_string_or_null(), Ok(None));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn pairs_of_ascii_are_read_at_once_and_others_are_left() {
        for dialect in [Dialect::Final, Dialect::Draft] {
            let mut out = Vec::new();
            let long = "v".repeat(200);
            let pairs = [("a", "1"), ("", ""), ("b", "ü"), ("ü", "b"), ("c", &*long)];
            put_string_map(&mut out, dialect, pairs);
            put_bool(&mut out, true);
            let mut reader = Reader::new(&out, dialect);
            let mut map = reader.enter_map().unwrap().unwrap();
            let (mut read, mut quick) = (Vec::new(), 0);
            loop {
                while let Some((key, value)) = reader.next_ascii_pair(&mut map).unwrap() {
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    read.push((text(key), text(value)));
                    quick += 1;
                }
                let Some(key) = reader.next_key(&mut map).unwrap() else {
                    break;
                };
                let value = reader.read_str().unwrap();
                read.push((key.as_str().unwrap().to_owned(), value.into_owned()));
            }
            assert_eq!(read, pairs.map(|(k, v)| (k.to_owned(), v.to_owned())));
            assert_eq!(quick, if dialect == Dialect::Final { 3 } else { 2 });
            assert_eq!(reader.read_bool(), Ok(true));
        }
    }

    #[test]
    fn truncation_counts_units_and_keeps_characters_whole() {
        assert_eq!(truncate("hello", 3), "hel");
        assert_eq!(truncate("a😀b", 2), "a");
        assert_eq!(truncate("a😀b", 3), "a😀");
        assert_eq!(truncate("", 0), "");
    }
}
