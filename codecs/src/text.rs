//! Text that is a slice of a received frame.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

/// UTF-8 text backed by reference-counted bytes, usually a slice of the frame that it came in.
///
/// Cloning costs one atomic increment. A clone keeps the whole read block alive, so whatever outlives its
/// exchange is copied out with [`Str::detached`].
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Str(Bytes);

impl Str {
    /// Text that lives as long as the program.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Checks that `bytes` is UTF-8. Costs a scan and no copy; gives the bytes back if it is not.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, Bytes> {
        match is_ascii(&bytes) || std::str::from_utf8(&bytes).is_ok() {
            true => Ok(Self(bytes)),
            false => Err(bytes),
        }
    }

    /// Text that was found in `whole`, without another check and without a copy.
    ///
    /// # Panics
    /// If `text` does not lie in `whole`.
    pub fn part_of(whole: &Bytes, text: &str) -> Self {
        Self(whole.slice_ref(text.as_bytes()))
    }

    /// Like [`Str::from_utf8`], replacing what is not UTF-8 by U+FFFD (then it copies).
    pub fn from_utf8_lossy(bytes: Bytes) -> Self {
        Self::from_utf8(bytes)
            .unwrap_or_else(|bytes| Self::from(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Checked when it was made; the second check is a few nanoseconds and keeps `unsafe` out.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text's bytes: what matchers compare, at no cost.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes themselves, still shared.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// A copy that no longer pins the frame it was read from.
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// True if there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// What nearly all names are: told eight bytes at a time, also where there are fewer than 32, and much cheaper than UTF-8.
fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().fold(0, |all, byte| all | byte) < 0x80;
    };
    let (eights, _) = bytes.as_chunks();
    let last = u64::from_ne_bytes(*last);
    let all = eights
        .iter()
        .fold(last, |all, eight| all | u64::from_ne_bytes(*eight));
    all & HIGH_BITS == 0
}

impl Deref for Str {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_checked_once_and_shared() {
        let frame = Bytes::from_static(b"..com.acme.Order..");
        let text = Str::from_utf8(frame.slice(2..16)).unwrap();
        assert_eq!(text, "com.acme.Order");
        assert_eq!(text.as_bytes().as_ptr(), frame[2..].as_ptr());
        assert_ne!(text.detached().as_bytes().as_ptr(), frame[2..].as_ptr());
    }

    #[test]
    fn a_bad_byte_is_found_at_every_place_of_every_length() {
        for length in 1..20 {
            for at in 0..length {
                let mut text = vec![b'a'; length];
                assert!(Str::from_utf8(text.clone().into()).is_ok());
                text[at] = 0xff;
                assert!(Str::from_utf8(text.into()).is_err(), "{at} of {length}");
            }
        }
        assert_eq!(Str::from_utf8("grün".into()).unwrap(), "grün");
    }

    #[test]
    fn bad_utf8_is_given_back_or_replaced() {
        let bad = Bytes::from_static(b"a\xffb");
        assert_eq!(Str::from_utf8(bad.clone()).unwrap_err(), bad);
        assert_eq!(Str::from_utf8_lossy(bad), "a\u{fffd}b");
    }
}
