//! Walking over values in place.
//!
//! `find` walks to a value inside of others, `skip` steps over whole values with a stack of its own, `frame` is one level of that stack, `short`
//! takes the strings that are cheap, `walk`
//! lets a caller step through a map, an object or a list itself.

mod find;
mod frame;
mod short;
mod skip;
#[cfg(test)]
mod tests;
mod walk;

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::cursor::Cursor;
use crate::tags::Kind;
use crate::{Dialect, Error, Limits, Result};

pub use find::Scalar;
pub use walk::{Key, ListWalk, MapWalk, ObjectWalk};

/// Where a class definition lies, so that nothing of it needs to be copied.
#[derive(Debug, Clone, Copy)]
struct Class {
    /// Offset of the name (of the int before it, in the draft).
    name: usize,
    /// Offset of the first field name.
    names: usize,
    fields: u32,
}

/// Walks over a sequence of values: a Dubbo body, the content of a Bolt message.
///
/// Class definitions hold for the whole sequence, so one reader must see all of it, in order. An error
/// leaves the position where it was for the `read_*` calls and unspecified for the others; no call
/// panics on any bytes, and the work done is linear in the bytes walked over.
///
/// Strings come borrowed from the body: with `bytes::Bytes` underneath, `body.slice_ref(text.as_bytes())`
/// turns one into a slice that outlives the reader, without a copy.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    limits: Limits,
    elements: u64,
    classes: SmallVec<[Class; 4]>,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `body`, with the default [`Limits`].
    pub fn new(body: &'a [u8], dialect: Dialect) -> Self {
        Self::with_limits(body, dialect, Limits::DEFAULT)
    }

    /// A reader at the start of `body`.
    pub fn with_limits(body: &'a [u8], dialect: Dialect, limits: Limits) -> Self {
        Self {
            cursor: Cursor::new(body, dialect, &limits),
            limits,
            elements: 0,
            classes: SmallVec::new(),
        }
    }

    /// The dialect it reads.
    pub fn dialect(&self) -> Dialect {
        self.cursor.dialect
    }

    /// Bytes consumed so far.
    pub fn position(&self) -> usize {
        self.cursor.pos()
    }

    /// The bytes not consumed yet, as far as [`Limits::bytes`] reaches.
    pub fn remaining(&self) -> &'a [u8] {
        self.cursor.rest()
    }

    /// Whether all bytes are consumed.
    pub fn is_empty(&self) -> bool {
        self.cursor.left() == 0
    }

    /// The next value's tag. `None` at the end.
    pub fn peek_tag(&self) -> Option<u8> {
        self.cursor.peek()
    }

    /// Whether the next value is a string.
    pub fn next_is_string(&self) -> bool {
        self.cursor.peek_kind().is_some_and(Kind::is_string)
    }

    /// Whether the next value is an int (not a long).
    pub fn next_is_int(&self) -> bool {
        self.cursor.peek_kind().is_some_and(Kind::is_int)
    }

    /// Whether the next value is null.
    pub fn next_is_null(&self) -> bool {
        self.cursor.peek_kind() == Some(Kind::Null)
    }

    /// Reads a string.
    ///
    /// A string in one chunk of valid UTF-8 is borrowed, whatever its length. One that is chunked or has
    /// surrogate pairs is copied, unpaired surrogates replaced by U+FFFD; beyond
    /// [`Limits::owned_str`] that is [`Error::StringTooLong`].
    pub fn read_str(&mut self) -> Result<Cow<'a, str>> {
        let start = self.cursor.pos();
        self.read_str_here()
            .inspect_err(|_| self.cursor.rewind(start))
    }

    fn read_str_here(&mut self) -> Result<Cow<'a, str>> {
        if let Some((text, length)) = self.short_ascii()
            && let Ok(text) = std::str::from_utf8(text)
        {
            self.charge()?;
            self.cursor.take(length)?;
            return Ok(Cow::Borrowed(text));
        }
        let (tag, kind) = self.cursor.tag()?;
        self.charge()?;
        self.cursor.string(tag, kind, self.limits.owned_str)
    }

    /// Reads a string, or null as `None`.
    pub fn read_string_or_null(&mut self) -> Result<Option<Cow<'a, str>>> {
        if self.next_is_null() {
            self.skip_value()?;
            return Ok(None);
        }
        self.read_str().map(Some)
    }

    /// Reads the next value if it is a string, else steps over it: for the values of a map of which only
    /// some are strings. `None` for any other value and for a string beyond [`Limits::owned_str`].
    pub fn str_or_skip(&mut self) -> Result<Option<Cow<'a, str>>> {
        if self.next_is_string() {
            match self.read_str() {
                Ok(text) => return Ok(Some(text)),
                Err(Error::StringTooLong { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.skip_value().map(|()| None)
    }

    /// Reads an int.
    pub fn read_int(&mut self) -> Result<i32> {
        let start = self.cursor.pos();
        self.charge()?;
        self.cursor.int().inspect_err(|_| self.cursor.rewind(start))
    }

    /// Reads a boolean.
    pub fn read_bool(&mut self) -> Result<bool> {
        let start = self.cursor.pos();
        self.charge()?;
        match self.cursor.tag()? {
            (_, Kind::True) => Ok(true),
            (_, Kind::False) => Ok(false),
            (tag, _) => {
                let error = self.cursor.expected("a boolean", tag);
                self.cursor.rewind(start);
                Err(error)
            }
        }
    }

    /// The next value if it is a short string of ASCII, and the bytes that it takes. It is not consumed.
    fn short_ascii(&self) -> Option<(&'a [u8], usize)> {
        let rest = self.cursor.rest();
        let (text, behind) = short::ascii(rest, self.cursor.dialect)?;
        Some((text, rest.len() - behind.len()))
    }

    /// Counts one value against the budget.
    fn charge(&mut self) -> Result<()> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(Error::TooManyElements {
                limit: self.limits.elements,
            });
        }
        Ok(())
    }
}
