//! Stepping through a container value by value.

use std::borrow::Cow;

use super::frame::Frame;
use super::skip::Head;
use super::{Class, Reader, short};
use crate::cursor::Cursor;
use crate::tags::Kind;
use crate::{Dialect, Error, Result};

/// A map that is being walked through, by [`Reader::next_key`].
#[derive(Debug)]
#[must_use = "the map's pairs are still to be read"]
pub struct MapWalk(Frame);

/// A list that is being walked through, by [`Reader::next_item`].
#[derive(Debug)]
#[must_use = "the list's values are still to be read"]
pub struct ListWalk(Frame);

/// An object that is being walked through, by [`Reader::next_field`].
#[derive(Debug)]
#[must_use = "the object's field values are still to be read"]
pub struct ObjectWalk {
    class: Class,
    /// Offset of the next field's name.
    name: usize,
    left: u32,
}

/// The key of a map's pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A value of another type, or a string too long to copy; stepped over.
    Other,
}

impl Key<'_> {
    /// The key if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other => None,
        }
    }
}

impl<'a> Reader<'a> {
    /// Enters a map, typed or not; null is `None`. A reference to an earlier map is an
    /// [`Error::Expected`], since nothing earlier is kept.
    pub fn enter_map(&mut self) -> Result<Option<MapWalk>> {
        match self.cursor.peek_kind() {
            Some(Kind::Map | Kind::TypedMap | Kind::DraftMap) => {}
            found => return self.null_or(found, "a map").map(|()| None),
        }
        self.charge()?;
        match self.head()? {
            Head::Open(frame) => Ok(Some(MapWalk(frame))),
            Head::Done | Head::Definition => Ok(None),
        }
    }

    /// The next pair's key; `None` behind the last one, when the reader is behind the map.
    ///
    /// After a key, exactly one value must be read or skipped.
    pub fn next_key(&mut self, map: &mut MapWalk) -> Result<Option<Key<'a>>> {
        if !map.0.wants_more(&mut self.cursor)? {
            return Ok(None);
        }
        map.0 = Frame::Pairs(false);
        Ok(Some(self.str_or_skip()?.map_or(Key::Other, Key::Text)))
    }

    /// The next pair, if its key and its value are short strings of ASCII: what nearly all pairs of a map of strings are, and many
    /// times cheaper than one by one. `None` for any other pair and behind the last one: nothing was read then.
    ///
    /// Not between a key and its value.
    pub fn next_ascii_pair(&mut self, _: &mut MapWalk) -> Result<Option<(&'a [u8], &'a [u8])>> {
        let rest = self.cursor.rest();
        let dialect = self.cursor.dialect;
        let pair = short::ascii(rest, dialect).and_then(|(key, behind)| {
            let (value, behind) = short::ascii(behind, dialect)?;
            Some((key, value, rest.len() - behind.len()))
        });
        let Some((key, value, length)) = pair else {
            return Ok(None);
        };
        self.charge()?;
        self.charge()?;
        self.cursor.take(length)?;
        Ok(Some((key, value)))
    }

    /// Enters a list; null is `None`, a reference an [`Error::Expected`].
    pub fn enter_list(&mut self) -> Result<Option<ListWalk>> {
        match self.cursor.peek_kind() {
            Some(
                Kind::List0
                | Kind::TypedList0
                | Kind::ListInt
                | Kind::TypedListInt
                | Kind::ListEnd
                | Kind::TypedListEnd
                | Kind::DraftList
                | Kind::DraftListRef,
            ) => {}
            found => return self.null_or(found, "a list").map(|()| None),
        }
        self.charge()?;
        match self.head()? {
            Head::Open(frame) => Ok(Some(ListWalk(frame))),
            Head::Done | Head::Definition => Ok(None),
        }
    }

    /// Whether the list has another value, which then must be read or skipped; false behind the last
    /// one, when the reader is behind the list.
    pub fn next_item(&mut self, list: &mut ListWalk) -> Result<bool> {
        list.0.wants_more(&mut self.cursor)
    }

    /// Enters an object, with the class definitions before it; null is `None`, a reference an
    /// [`Error::Expected`].
    pub fn enter_object(&mut self) -> Result<Option<ObjectWalk>> {
        while self.cursor.peek_kind() == Some(Kind::ClassDef) {
            self.charge()?;
            self.head()?;
        }
        let index = match self.cursor.peek_kind() {
            Some(Kind::Object0) => i32::from(self.cursor.byte()? & 0x0f),
            Some(Kind::ObjectInt) => {
                self.cursor.byte()?;
                self.cursor.int()?
            }
            found => return self.null_or(found, "an object").map(|()| None),
        };
        self.charge()?;
        let class = self.class(index)?;
        Ok(Some(ObjectWalk {
            class,
            name: class.names,
            left: class.fields,
        }))
    }

    /// The name of the object's class.
    pub fn class_name(&self, object: &ObjectWalk) -> Result<Cow<'a, str>> {
        let mut cursor = self.cursor.at(object.class.name);
        match cursor.dialect {
            Dialect::Final => name(&mut cursor, self.limits.owned_str),
            Dialect::Draft => {
                let units = cursor.int()?;
                let units = cursor.count(units)?;
                cursor.bare_string(units as usize, self.limits.owned_str)
            }
        }
    }

    /// The name of the object's next field, whose value then must be read or skipped; `None` behind the
    /// last one, when the reader is behind the object.
    pub fn next_field(&mut self, object: &mut ObjectWalk) -> Result<Option<Cow<'a, str>>> {
        let Some(left) = object.left.checked_sub(1) else {
            return Ok(None);
        };
        let mut cursor = self.cursor.at(object.name);
        let field = name(&mut cursor, self.limits.owned_str)?;
        object.name = cursor.pos();
        object.left = left;
        Ok(Some(field))
    }

    fn null_or(&mut self, found: Option<Kind>, expected: &'static str) -> Result<()> {
        match (found, self.cursor.peek()) {
            (Some(Kind::Null), _) => self.skip_value(),
            (_, Some(tag)) => Err(Error::Expected {
                expected,
                tag,
                at: self.cursor.pos(),
            }),
            (_, None) => Err(self.cursor.short()),
        }
    }
}

fn name<'a>(cursor: &mut Cursor<'a>, cap: usize) -> Result<Cow<'a, str>> {
    let (tag, kind) = cursor.tag()?;
    cursor.string(tag, kind, cap)
}
