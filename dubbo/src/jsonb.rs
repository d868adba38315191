//! A walk over JSONB values, the binary JSON of fastjson2, in place.
//!
//! Source: `JSONBConstants` and `JSONReaderJSONB` of alibaba/fastjson2 2.0; checked against the bytes that its
//! version 2.0.56 writes for Dubbo 3.3.6 (`vectors/`). Numbers are big endian.
//!
//! | tag | value |
//! |---|---|
//! | `f0-ff`, `00-2f` | int -16..47 |
//! | `30-3f`, `40-47`, `48` | int of 2, 3, 5 bytes |
//! | `49-78` | Latin-1 text of tag-0x49 bytes |
//! | `79`, `7a`, `7b-7e` | text of int bytes: Latin-1, UTF-8, UTF-16 and others |
//! | `7f` | symbol: text and its int, or the int of an earlier one |
//! | `91` | binary of int bytes |
//! | `92` | type (text and its int, or an int), then a value |
//! | `93` | reference, a text |
//! | `94-a3`, `a4` | array of tag-0x94 values, of int values |
//! | `a6` | object: pairs up to `a5` |
//! | `af`, `b0`, `b1` | null, false, true |
//! | `bc`, `bd`, `be`, `bf` | i16, i8, i64, i64 in 4 bytes |
//! | `c0-c7`, `c8-d7`, `d8-ef` | i64 in 3, 2, 1 bytes |
//!
//! Dates and decimals end the walk when they have no length of their own here.

use std::borrow::Cow;

use wireloom_codecs::Argument;

/// The most containers open at once.
const DEPTH: usize = 64;

/// The bytes end, or hold what is not understood here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fastjson2 value cannot be read at byte {at}")]
pub(crate) struct Unreadable {
    pub(crate) at: usize,
}

type Result<T> = std::result::Result<T, Unreadable>;

/// Where the walk is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error<T>(&self) -> Result<T> {
        Err(Unreadable { at: self.at })
    }

    /// The next `n` bytes.
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(n);
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(bytes) => {
                self.at += n;
                Ok(bytes)
            }
            None => self.error(),
        }
    }

    fn number(&mut self, n: usize) -> Result<i64> {
        let bytes = self.take(n)?;
        let negative = bytes.first().is_some_and(|b| *b >= 0x80);
        let start = if negative { -1i64 } else { 0 };
        Ok(bytes.iter().fold(start, |n, b| n << 8 | i64::from(*b)))
    }

    /// A big endian length of four bytes, as Dubbo writes in front of each value.
    pub(crate) fn length(&mut self) -> Result<usize> {
        let at = self.at;
        usize::try_from(self.number(4)?).map_err(|_| Unreadable { at })
    }

    /// Reads an int or a long.
    pub(crate) fn int(&mut self) -> Result<i64> {
        let start = self.at;
        let Some(tag) = self.peek() else {
            return self.error();
        };
        self.at += 1;
        let high = |base: u8| i64::from(tag) - i64::from(base);
        Ok(match tag {
            0x00..=0x2f => i64::from(tag),
            0xf0..=0xff => i64::from(tag) - 0x100,
            0x30..=0x3f => (high(0x38) << 8) + i64::from(self.byte()?),
            0x40..=0x47 => (high(0x44) << 16) + i64::from(self.unsigned16()?),
            0x48 | 0xbf => self.number(4)?,
            0xbc => self.number(2)?,
            0xbd => self.number(1)?,
            0xbe => self.number(8)?,
            0xc0..=0xc7 => (high(0xc4) << 16) + i64::from(self.unsigned16()?),
            0xc8..=0xd7 => (high(0xd0) << 8) + i64::from(self.byte()?),
            0xd8..=0xef => high(0xe0),
            _ => {
                self.at = start;
                return self.error();
            }
        })
    }

    fn byte(&mut self) -> Result<u8> {
        self.take(1)
            .map(|bytes| bytes.first().copied().unwrap_or_default())
    }

    fn unsigned16(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(bytes.iter().fold(0, |n, b| n << 8 | u16::from(*b)))
    }

    fn count(&mut self) -> Result<usize> {
        let at = self.at;
        usize::try_from(self.int()?).map_err(|_| Unreadable { at })
    }

    /// True if the next value is text.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.peek(), Some(0x49..=0x7e))
    }

    /// Reads a text; borrowed if it is ASCII or UTF-8. Copies at most `owned` bytes; a longer one that needs a
    /// copy is stepped over and None, like one in an encoding that is not understood here.
    pub(crate) fn text(&mut self, owned: usize) -> Result<Option<Cow<'a, str>>> {
        let tag = match self.peek() {
            Some(tag @ 0x49..=0x7e) => tag,
            _ => return self.error(),
        };
        self.at += 1;
        let len = match tag {
            0x49..=0x78 => usize::from(tag - 0x49),
            _ => self.count()?,
        };
        let bytes = self.take(len)?;
        Ok(match tag {
            ..=0x7a if bytes.is_ascii() || tag == 0x7a => {
                std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
            }
            _ if len > owned => None,
            ..=0x79 => Some(bytes.iter().map(|b| char::from(*b)).collect()),
            0x7c => Some(utf16(bytes, u16::from_le_bytes)),
            0x7d => Some(utf16(bytes, u16::from_be_bytes)),
            _ => None,
        })
    }

    /// Steps over the next value. Iterative: nesting is the sender's choice.
    pub(crate) fn skip(&mut self) -> Result<()> {
        // What each open container still wants: values, or pairs up to the end tag.
        let mut open = [Frame::Values(0); DEPTH];
        let mut depth = 0;
        loop {
            if let Some(frame) = self.head()? {
                match open.get_mut(depth) {
                    Some(slot) => *slot = frame,
                    None => return self.error(),
                }
                depth += 1;
            }
            loop {
                let Some(innermost) = depth.checked_sub(1).and_then(|top| open.get_mut(top)) else {
                    return Ok(());
                };
                match innermost {
                    Frame::Values(0) => {}
                    Frame::Values(left) => {
                        *left -= 1;
                        break;
                    }
                    Frame::Pairs if self.peek() == Some(0xa5) => self.at += 1,
                    Frame::Pairs => break,
                }
                depth -= 1;
            }
        }
    }

    /// Goes in front of the value of this name in the next value: an object's, or an array's by its index. False if there
    /// is none, also where names are symbols.
    pub(crate) fn step_into(&mut self, name: &str) -> Result<bool> {
        if self.peek() == Some(0x92) {
            self.at += 1;
            self.symbol()?;
        }
        match self.peek() {
            Some(0xa6) => {
                self.at += 1;
                while self.peek() != Some(0xa5) {
                    let is_it = match self.is_text() {
                        true => self.text(name.len())?.is_some_and(|key| key == name),
                        false => self.skip().map(|()| false)?,
                    };
                    if is_it {
                        return Ok(true);
                    }
                    self.skip()?;
                }
                Ok(false)
            }
            Some(tag @ 0x94..=0xa4) => {
                self.at += 1;
                let count = match tag {
                    0xa4 => self.count()?,
                    _ => usize::from(tag - 0x94),
                };
                let Some(index) = name.parse().ok().filter(|index| *index < count) else {
                    return Ok(false);
                };
                for _ in 0..index {
                    self.skip()?;
                }
                Ok(true)
            }
            Some(_) => Ok(false),
            None => self.error(),
        }
    }

    /// Reads a value that has no others in it; None for one that has, and for null and what is not understood here. A text
    /// that needs a copy is copied up to `owned` bytes.
    pub(crate) fn scalar(&mut self, owned: usize) -> Result<Option<Argument<'a>>> {
        Ok(Some(match self.peek() {
            Some(0x49..=0x7e) => return Ok(self.text(owned)?.map(Argument::Text)),
            Some(0xb0) => Argument::Bool(false),
            Some(0xb1) => Argument::Bool(true),
            Some(0xb2) => Argument::Double(0.0),
            Some(0xb3) => Argument::Double(1.0),
            Some(0xb5) => {
                self.at += 1;
                Argument::Double(f64::from_bits(self.number(8)?.cast_unsigned()))
            }
            Some(0xb7) => {
                self.at += 1;
                let bytes = self.take(4)?.first_chunk();
                Argument::Double(bytes.map_or(0.0, |b| f32::from_be_bytes(*b)).into())
            }
            _ => return Ok(self.int().ok().map(Argument::Int)),
        }))
    }

    /// Consumes a value up to what nests in it.
    fn head(&mut self) -> Result<Option<Frame>> {
        let Some(tag) = self.peek() else {
            return self.error();
        };
        let plain = match tag {
            0x49..=0x7e => return self.text(0).map(|_| None),
            0x7f => {
                self.at += 1;
                return self.symbol().map(|()| None);
            }
            0x91 => {
                self.at += 1;
                self.count()?
            }
            0x92 => {
                self.at += 1;
                self.symbol()?;
                return Ok(Some(Frame::Values(1)));
            }
            0x93 => {
                self.at += 1;
                return self.text(0).map(|_| None);
            }
            0x94..=0xa3 => {
                self.at += 1;
                return Ok(Some(Frame::Values(usize::from(tag - 0x94))));
            }
            0xa4 => {
                self.at += 1;
                // Each value takes a byte at least, so a count beyond the bytes ends with them.
                return Ok(Some(Frame::Values(self.count()?)));
            }
            0xa6 => {
                self.at += 1;
                return Ok(Some(Frame::Pairs));
            }
            // Timestamp in ms, in seconds, in minutes; double; float.
            0xab | 0xb5 => 1 + 8,
            0xac | 0xad | 0xb7 => 1 + 4,
            // Null, false, true, double 0 and 1.
            0xaf..=0xb3 => 1,
            _ => return self.int().map(|_| None),
        };
        self.take(plain).map(|_| None)
    }

    /// A name with its number, or the number of an earlier name.
    fn symbol(&mut self) -> Result<()> {
        if self.is_text() {
            self.text(0)?;
        }
        self.int().map(drop)
    }
}

#[derive(Clone, Copy)]
enum Frame {
    Values(usize),
    Pairs,
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let (pairs, _) = bytes.as_chunks();
    let units = pairs.iter().map(|pair| unit(*pair));
    let chars = char::decode_utf16(units);
    chars
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
