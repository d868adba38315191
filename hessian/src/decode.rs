//! Bytes to [`Value`]s.

use std::sync::Arc;

use bytes::BytesMut;

use crate::cursor::{Cursor, DraftType};
use crate::tags::Kind;
use crate::value::{Name, Value};
use crate::{Dialect, Error, Limits, Result};

/// A class as defined in the body.
#[derive(Debug)]
struct Class {
    name: Name,
    fields: Vec<Name>,
}

/// Builds the values of a body one after another. Classes, types and references hold for the whole body.
///
/// Recurses by nesting, to at most [`Limits::MAX_VALUE_DEPTH`] levels. Memory is bounded by
/// [`Limits::elements`] values, some 64 bytes each, plus the bytes read.
#[derive(Debug)]
pub struct Decoder<'a> {
    cursor: Cursor<'a>,
    limits: Limits,
    elements: u64,
    classes: Vec<Arc<Class>>,
    types: Vec<Name>,
    /// Lists, maps and objects begun: what references count.
    containers: usize,
}

/// All values of a body, with [`Limits::for_values`].
pub fn decode_all(body: &[u8], dialect: Dialect) -> Result<Vec<Value>> {
    let mut decoder = Decoder::new(body, dialect);
    std::iter::from_fn(|| decoder.next_value().transpose()).collect()
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `body`, with [`Limits::for_values`].
    pub fn new(body: &'a [u8], dialect: Dialect) -> Self {
        Self::with_limits(body, dialect, Limits::for_values())
    }

    /// A decoder at the start of `body`.
    pub fn with_limits(body: &'a [u8], dialect: Dialect, limits: Limits) -> Self {
        Self {
            cursor: Cursor::new(body, dialect, &limits),
            limits: Limits {
                depth: limits.depth.min(Limits::MAX_VALUE_DEPTH),
                ..limits
            },
            elements: 0,
            classes: Vec::new(),
            types: Vec::new(),
            containers: 0,
        }
    }

    /// Bytes consumed so far.
    pub fn position(&self) -> usize {
        self.cursor.pos()
    }

    /// The next value; `None` at the end of the body.
    pub fn next_value(&mut self) -> Result<Option<Value>> {
        match self.cursor.left() {
            0 => Ok(None),
            _ => self.value(0).map(Some),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        let (tag, kind) = loop {
            self.elements += 1;
            if self.elements > self.limits.elements {
                return Err(Error::TooManyElements {
                    limit: self.limits.elements,
                });
            }
            match self.cursor.tag()? {
                (_, Kind::ClassDef) => self.define_class()?,
                head => break head,
            }
        };
        match self.scalar(tag, kind)? {
            Some(scalar) => Ok(scalar),
            None if depth >= self.limits.depth => Err(Error::TooDeep {
                limit: self.limits.depth,
            }),
            None => {
                // Before its children: that is the order references count in.
                self.containers += 1;
                self.container(tag, kind, depth + 1)
            }
        }
    }

    fn scalar(&mut self, tag: u8, kind: Kind) -> Result<Option<Value>> {
        let cursor = &mut self.cursor;
        Ok(Some(match kind {
            Kind::Null => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            _ if kind.is_int() => Value::Int(cursor.int_of(tag, kind)?),
            _ if kind.is_long() => Value::Long(cursor.long_of(tag, kind)?),
            _ if kind.is_double() => Value::Double(cursor.double_of(kind)?),
            _ if kind.is_date() => Value::Date(cursor.date_of(kind)?),
            Kind::Ref1 => {
                let index = i64::from(cursor.byte()?);
                self.reference(index)?
            }
            Kind::Ref2 => {
                let index = i64::from(cursor.u16()?);
                self.reference(index)?
            }
            Kind::Ref4 => {
                let index = i64::from(cursor.i32()?);
                self.reference(index)?
            }
            Kind::RefInt => {
                let index = i64::from(cursor.int()?);
                self.reference(index)?
            }
            _ if kind.is_string() => Value::String(
                cursor
                    .string(tag, kind, self.limits.owned_str)?
                    .into_owned(),
            ),
            _ if kind.is_binary() => {
                let mut bytes = BytesMut::new();
                cursor.binary(tag, kind, |chunk| bytes.extend_from_slice(chunk))?;
                Value::Binary(bytes.freeze())
            }
            Kind::Unknown | Kind::End => return Err(cursor.unknown(tag)),
            _ => return Ok(None),
        }))
    }

    fn reference(&self, index: i64) -> Result<Value> {
        let known = self.containers;
        match u32::try_from(index) {
            Ok(ref_) if (ref_ as usize) < known => Ok(Value::Ref(ref_)),
            _ => Err(Error::BadRef {
                index,
                known,
                at: self.cursor.pos(),
            }),
        }
    }

    fn container(&mut self, tag: u8, kind: Kind, depth: usize) -> Result<Value> {
        match kind {
            Kind::Object0 => self.object(i32::from(tag & 0x0f), depth),
            Kind::ObjectInt => {
                let index = self.cursor.int()?;
                self.object(index, depth)
            }
            Kind::List0 => self.counted(None, i32::from(tag & 0x07), depth),
            Kind::TypedList0 => {
                let type_name = self.type_name()?;
                self.counted(Some(type_name), i32::from(tag & 0x07), depth)
            }
            Kind::ListInt => {
                let count = self.cursor.int()?;
                self.counted(None, count, depth)
            }
            Kind::TypedListInt | Kind::DraftListRef => {
                let type_name = self.type_name()?;
                let count = self.cursor.int()?;
                self.counted(Some(type_name), count, depth)
            }
            Kind::ListEnd => self.until_end(None, depth),
            Kind::TypedListEnd => {
                let type_name = self.type_name()?;
                self.until_end(Some(type_name), depth)
            }
            Kind::DraftList => {
                let type_name = self.draft_type()?;
                match self.cursor.draft_length()? {
                    None => self.until_end(type_name, depth),
                    Some(count) => {
                        let list = self.counted(type_name, count, depth)?;
                        match self.cursor.at_end()? {
                            true => Ok(list),
                            false => Err(Error::ListLength {
                                at: self.cursor.pos(),
                            }),
                        }
                    }
                }
            }
            Kind::Map => self.pairs(None, depth),
            Kind::TypedMap => {
                let type_name = self.type_name()?;
                self.pairs(Some(type_name), depth)
            }
            Kind::DraftMap => {
                let type_name = self.draft_type()?;
                self.pairs(type_name, depth)
            }
            _ => Err(self.cursor.unknown(tag)),
        }
    }

    fn object(&mut self, index: i32, depth: usize) -> Result<Value> {
        let class = usize::try_from(index)
            .ok()
            .and_then(|i| self.classes.get(i));
        let class = Arc::clone(class.ok_or(Error::UnknownClass {
            index: i64::from(index),
            known: self.classes.len(),
            at: self.cursor.pos(),
        })?);
        let mut fields = Vec::with_capacity(class.fields.len().min(self.cursor.left()).min(64));
        for name in &class.fields {
            fields.push((Arc::clone(name), self.value(depth)?));
        }
        Ok(Value::Object {
            class: Arc::clone(&class.name),
            fields,
        })
    }

    fn counted(&mut self, type_name: Option<Name>, count: i32, depth: usize) -> Result<Value> {
        let count = self.cursor.count(count)?;
        let mut items = Vec::with_capacity((count as usize).min(64));
        for _ in 0..count {
            items.push(self.value(depth)?);
        }
        Ok(Value::List { type_name, items })
    }

    fn until_end(&mut self, type_name: Option<Name>, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        while !self.cursor.at_end()? {
            items.push(self.value(depth)?);
        }
        Ok(Value::List { type_name, items })
    }

    fn pairs(&mut self, type_name: Option<Name>, depth: usize) -> Result<Value> {
        let mut entries = Vec::new();
        while !self.cursor.at_end()? {
            entries.push((self.value(depth)?, self.value(depth)?));
        }
        Ok(Value::Map { type_name, entries })
    }

    /// A type in the final form, or the type reference of a draft `v` list.
    fn type_name(&mut self) -> Result<Name> {
        let (tag, kind) = self.cursor.tag()?;
        if kind.is_int() {
            let index = self.cursor.int_of(tag, kind)?;
            return self.known_type(index);
        }
        if self.cursor.dialect == Dialect::Draft || !kind.is_string() {
            return Err(self.cursor.expected("a type", tag));
        }
        let name: Name = self.cursor.string(tag, kind, self.limits.owned_str)?.into();
        self.types.push(Arc::clone(&name));
        Ok(name)
    }

    /// The optional type of a draft list or map. An empty one is none, as in Java.
    fn draft_type(&mut self) -> Result<Option<Name>> {
        let name = match self.cursor.draft_type()? {
            None => return Ok(None),
            Some(DraftType::Ref(index)) => self.known_type(index)?,
            Some(DraftType::New(units)) => {
                let name: Name = self
                    .cursor
                    .bare_string(units, self.limits.owned_str)?
                    .into();
                self.types.push(Arc::clone(&name));
                name
            }
        };
        Ok(Some(name).filter(|name| !name.is_empty()))
    }

    fn known_type(&self, index: i32) -> Result<Name> {
        let name = usize::try_from(index)
            .ok()
            .and_then(|i| self.types.get(i))
            .cloned();
        name.ok_or(Error::UnknownType {
            index: i64::from(index),
            known: self.types.len(),
            at: self.cursor.pos(),
        })
    }

    fn define_class(&mut self) -> Result<()> {
        if self.classes.len() >= self.limits.classes {
            return Err(Error::TooManyClasses {
                limit: self.limits.classes,
            });
        }
        let name = match self.cursor.dialect {
            Dialect::Final => self.name()?,
            Dialect::Draft => {
                let units = self.cursor.int()?;
                let units = self.cursor.count(units)?;
                self.cursor
                    .bare_string(units as usize, self.limits.owned_str)?
                    .into()
            }
        };
        let count = self.cursor.int()?;
        let count = self.cursor.count(count)?;
        let mut fields = Vec::with_capacity((count as usize).min(64));
        for _ in 0..count {
            self.elements += 1;
            if self.elements > self.limits.elements {
                return Err(Error::TooManyElements {
                    limit: self.limits.elements,
                });
            }
            fields.push(self.name()?);
        }
        self.classes.push(Arc::new(Class { name, fields }));
        Ok(())
    }

    fn name(&mut self) -> Result<Name> {
        let (tag, kind) = self.cursor.tag()?;
        Ok(self.cursor.string(tag, kind, self.limits.owned_str)?.into())
    }
}
