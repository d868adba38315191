//! A position in a body: numbers, strings and binaries, shared by everything that reads.

use std::borrow::Cow;

use crate::tags::Kind;
use crate::units::{self, Stop, Text};
use crate::{Dialect, Error, Limits, Result};

#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    buf: &'a [u8],
    pos: usize,
    /// The byte limit, when there are bytes behind it.
    clipped: Option<usize>,
    pub(crate) dialect: Dialect,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(buf: &'a [u8], dialect: Dialect, limits: &Limits) -> Self {
        match buf.get(..limits.bytes) {
            Some(head) if head.len() < buf.len() => Self {
                buf: head,
                pos: 0,
                clipped: Some(limits.bytes),
                dialect,
            },
            _ => Self {
                buf,
                pos: 0,
                clipped: None,
                dialect,
            },
        }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// A cursor on the same bytes elsewhere.
    pub(crate) fn at(&self, pos: usize) -> Self {
        Self {
            pos,
            ..self.clone()
        }
    }

    /// Goes back to where this cursor was.
    pub(crate) fn rewind(&mut self, pos: usize) {
        self.pos = pos;
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.buf.get(self.pos..).unwrap_or_default()
    }

    pub(crate) fn left(&self) -> usize {
        self.buf.len().saturating_sub(self.pos)
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.buf.get(self.pos).copied()
    }

    pub(crate) fn peek_kind(&self) -> Option<Kind> {
        self.peek().map(|tag| Kind::of(self.dialect, tag))
    }

    pub(crate) fn short(&self) -> Error {
        match self.clipped {
            Some(limit) => Error::TooManyBytes { limit },
            None => Error::Truncated { at: self.buf.len() },
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        let byte = self.peek().ok_or_else(|| self.short())?;
        self.pos += 1;
        Ok(byte)
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let taken = self.rest().get(..n).ok_or_else(|| self.short())?;
        self.pos += n;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let array = *self.rest().first_chunk::<N>().ok_or_else(|| self.short())?;
        self.pos += N;
        Ok(array)
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// The next tag and what it starts, consumed.
    pub(crate) fn tag(&mut self) -> Result<(u8, Kind)> {
        let tag = self.byte()?;
        Ok((tag, Kind::of(self.dialect, tag)))
    }

    /// The error for a tag just consumed that starts no value.
    pub(crate) fn unknown(&self, tag: u8) -> Error {
        Error::UnknownTag {
            tag,
            at: self.pos.saturating_sub(1),
            dialect: self.dialect,
        }
    }

    /// The error for a tag just consumed that starts something else than what is due.
    pub(crate) fn expected(&self, expected: &'static str, tag: u8) -> Error {
        Error::Expected {
            expected,
            tag,
            at: self.pos.saturating_sub(1),
        }
    }

    /// An int of any form.
    pub(crate) fn int(&mut self) -> Result<i32> {
        let (tag, kind) = self.tag()?;
        match kind {
            _ if kind.is_int() => self.int_of(tag, kind),
            _ => Err(self.expected("an int", tag)),
        }
    }

    /// The int whose tag was consumed.
    pub(crate) fn int_of(&mut self, tag: u8, kind: Kind) -> Result<i32> {
        let tag = i32::from(tag);
        Ok(match kind {
            Kind::Int0 => tag - 0x90,
            Kind::Int1 => ((tag - 0xc8) << 8) + i32::from(self.byte()?),
            Kind::Int2 => ((tag - 0xd4) << 16) + i32::from(self.u16()?),
            _ => self.i32()?,
        })
    }

    /// The long whose tag was consumed.
    pub(crate) fn long_of(&mut self, tag: u8, kind: Kind) -> Result<i64> {
        let wide = i64::from(tag);
        Ok(match kind {
            Kind::Long0 => wide - 0xe0,
            Kind::Long1 => ((wide - 0xf8) << 8) + i64::from(self.byte()?),
            Kind::Long2 => ((wide - 0x3c) << 16) + i64::from(self.u16()?),
            Kind::Long4 => i64::from(self.i32()?),
            _ => self.i64()?,
        })
    }

    /// The double whose tag was consumed.
    pub(crate) fn double_of(&mut self, kind: Kind) -> Result<f64> {
        Ok(match kind {
            Kind::DoubleZero => 0.0,
            Kind::DoubleOne => 1.0,
            Kind::DoubleI8 => f64::from(i8::from_be_bytes([self.byte()?])),
            Kind::DoubleI16 => f64::from(i16::from_be_bytes(self.u16()?.to_be_bytes())),
            // Multiplied, not divided, as hessian-lite does: the last bit depends on it.
            Kind::DoubleMills => 0.001 * f64::from(self.i32()?),
            Kind::DoubleF32 => f64::from(f32::from_be_bytes(self.i32()?.to_be_bytes())),
            _ => f64::from_be_bytes(self.i64()?.to_be_bytes()),
        })
    }

    /// The date whose tag was consumed, in milliseconds since 1970.
    pub(crate) fn date_of(&mut self, kind: Kind) -> Result<i64> {
        Ok(match kind {
            Kind::DateMinutes => i64::from(self.i32()?) * 60_000,
            _ => self.i64()?,
        })
    }

    /// A count that a peer claims: not negative, and no more than there are bytes, since everything that
    /// can be counted takes at least one.
    pub(crate) fn count(&self, claimed: i32) -> Result<u32> {
        match u32::try_from(claimed) {
            Ok(count) if count as usize <= self.left() => Ok(count),
            _ => Err(Error::BadCount {
                count: i64::from(claimed),
                at: self.pos,
                left: self.left(),
            }),
        }
    }

    /// `units` UTF-16 units of string bytes.
    pub(crate) fn units(&mut self, units: usize) -> Result<&'a [u8]> {
        match units::scan(self.rest(), units) {
            Ok(len) => self.take(len),
            Err(Stop::Short) => Err(self.short()),
            Err(Stop::Bad(offset)) => Err(Error::BadString {
                at: self.pos + offset,
            }),
        }
    }

    /// The units of the string chunk whose tag was consumed, and whether it is the last one.
    fn string_head(&mut self, tag: u8, kind: Kind) -> Result<(usize, bool)> {
        Ok(match kind {
            Kind::Str0 => (usize::from(tag), true),
            Kind::Str1 => (
                usize::from(tag & 0x03) << 8 | usize::from(self.byte()?),
                true,
            ),
            Kind::StrLast => (usize::from(self.u16()?), true),
            Kind::StrMore => (usize::from(self.u16()?), false),
            _ => return Err(self.expected("a string", tag)),
        })
    }

    /// Walks over the string whose tag was consumed.
    pub(crate) fn skip_string(&mut self, mut tag: u8, mut kind: Kind) -> Result<()> {
        loop {
            let (units, last) = self.string_head(tag, kind)?;
            self.units(units)?;
            if last {
                return Ok(());
            }
            (tag, kind) = self.tag()?;
        }
    }

    /// The string whose tag was consumed. One chunk of valid UTF-8 is borrowed at any length; otherwise it
    /// is copied, up to `cap` bytes.
    pub(crate) fn string(&mut self, tag: u8, kind: Kind, cap: usize) -> Result<Cow<'a, str>> {
        let start = self.pos.saturating_sub(1);
        let too_long = Error::StringTooLong {
            limit: cap,
            at: start,
        };
        let (units, mut last) = self.string_head(tag, kind)?;
        let mut chunk = self.units(units)?;
        if last && let Ok(text) = std::str::from_utf8(chunk) {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = Text::default();
        loop {
            if text.len().saturating_add(chunk.len()) > cap {
                return Err(too_long);
            }
            text.push(chunk);
            if last {
                return Ok(Cow::Owned(text.finish()));
            }
            let (tag, kind) = self.tag()?;
            let units;
            (units, last) = self.string_head(tag, kind)?;
            chunk = self.units(units)?;
        }
    }

    /// Bytes of draft names and types, which state their units without a string tag.
    pub(crate) fn bare_string(&mut self, units: usize, cap: usize) -> Result<Cow<'a, str>> {
        let at = self.pos;
        let bytes = self.units(units)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) if bytes.len() > cap => Err(Error::StringTooLong { limit: cap, at }),
            Err(_) => {
                let mut text = Text::default();
                text.push(bytes);
                Ok(Cow::Owned(text.finish()))
            }
        }
    }

    /// Hands each chunk of the binary whose tag was consumed to `sink`.
    pub(crate) fn binary(
        &mut self,
        mut tag: u8,
        mut kind: Kind,
        mut sink: impl FnMut(&'a [u8]),
    ) -> Result<()> {
        loop {
            let (len, last) = match kind {
                Kind::Bin0 => (usize::from(tag & 0x0f), true),
                Kind::Bin1 => (
                    usize::from(tag & 0x03) << 8 | usize::from(self.byte()?),
                    true,
                ),
                Kind::BinLast => (usize::from(self.u16()?), true),
                Kind::BinMore => (usize::from(self.u16()?), false),
                _ => return Err(self.expected("a binary", tag)),
            };
            sink(self.take(len)?);
            if last {
                return Ok(());
            }
            (tag, kind) = self.tag()?;
        }
    }

    /// Whether the container ends here; consumes the end tag if so.
    pub(crate) fn at_end(&mut self) -> Result<bool> {
        let end = self.peek_kind().ok_or_else(|| self.short())? == Kind::End;
        self.pos += usize::from(end);
        Ok(end)
    }

    /// The optional type of a draft list or map; a new one's bytes are not consumed.
    pub(crate) fn draft_type(&mut self) -> Result<Option<DraftType>> {
        match self.peek() {
            Some(b't') => {
                self.pos += 1;
                Ok(Some(DraftType::New(usize::from(self.u16()?))))
            }
            Some(b'u') => {
                self.pos += 1;
                Ok(Some(DraftType::Ref(self.int()?)))
            }
            // sofa-hessian 3.x reads `T` as a type reference here, others as the key or value `true`, and
            // no encoder means the former by it. Refused: what follows would be read in two ways.
            Some(tag @ b'T') => Err(Error::Expected {
                expected: "a type, a length or a key but true",
                tag,
                at: self.pos,
            }),
            _ => Ok(None),
        }
    }

    /// The optional length of a draft list.
    pub(crate) fn draft_length(&mut self) -> Result<Option<i32>> {
        match self.peek() {
            Some(b'n') => {
                self.pos += 1;
                self.byte().map(i32::from).map(Some)
            }
            Some(b'l') => {
                self.pos += 1;
                self.i32().map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// The type that a draft list or map states.
pub(crate) enum DraftType {
    /// A name of so many units, which follow.
    New(usize),
    /// The n-th name so far.
    Ref(i32),
}
