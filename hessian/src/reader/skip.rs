//! Stepping over a value without building it, and without recursion: nesting is the sender's choice.

use smallvec::SmallVec;

use super::frame::Frame;
use super::{Class, Reader};
use crate::cursor::DraftType;
use crate::tags::Kind;
use crate::{Dialect, Error, Result};

/// What reading a value's head has led to.
pub(super) enum Head {
    /// The value is complete.
    Done,
    /// A class definition: the value is still to come.
    Definition,
    /// A container whose values follow.
    Open(Frame),
}

impl Reader<'_> {
    /// Steps over the next value, with all that is in it.
    pub fn skip_value(&mut self) -> Result<()> {
        if let Some((_, length)) = self.short_ascii() {
            self.charge()?;
            return self.cursor.take(length).map(|_| ());
        }
        let mut open: SmallVec<[Frame; 16]> = SmallVec::new();
        loop {
            self.charge()?;
            match self.head()? {
                Head::Done => {}
                Head::Definition => continue,
                Head::Open(_) if open.len() >= self.limits.depth => {
                    return Err(Error::TooDeep {
                        limit: self.limits.depth,
                    });
                }
                Head::Open(frame) => open.push(frame),
            }
            loop {
                let Some(innermost) = open.last_mut() else {
                    return Ok(());
                };
                if innermost.wants_more(&mut self.cursor)? {
                    break;
                }
                open.pop();
            }
        }
    }

    /// Steps over the next `n` values.
    pub fn skip_values(&mut self, n: usize) -> Result<()> {
        (0..n).try_for_each(|_| self.skip_value())
    }

    /// Consumes the head of a value: all of it, if nothing nests in it.
    pub(super) fn head(&mut self) -> Result<Head> {
        let (tag, kind) = self.cursor.tag()?;
        if let Some(payload) = kind.payload() {
            self.cursor.take(payload)?;
            return Ok(Head::Done);
        }
        let cursor = &mut self.cursor;
        Ok(match kind {
            Kind::Str0 | Kind::Str1 | Kind::StrLast | Kind::StrMore => {
                cursor.skip_string(tag, kind)?;
                Head::Done
            }
            Kind::Bin0 | Kind::Bin1 | Kind::BinLast | Kind::BinMore => {
                cursor.binary(tag, kind, |_| {})?;
                Head::Done
            }
            Kind::RefInt => {
                cursor.int()?;
                Head::Done
            }
            Kind::ClassDef => {
                self.define_class()?;
                Head::Definition
            }
            Kind::Object0 => Head::Open(Frame::Count(self.class(i32::from(tag & 0x0f))?.fields)),
            Kind::ObjectInt => {
                let index = cursor.int()?;
                Head::Open(Frame::Count(self.class(index)?.fields))
            }
            Kind::List0 => Head::Open(Frame::Count(cursor.count(i32::from(tag & 0x07))?)),
            Kind::TypedList0 => {
                self.skip_type()?;
                Head::Open(Frame::Count(self.cursor.count(i32::from(tag & 0x07))?))
            }
            Kind::ListInt => {
                let count = cursor.int()?;
                Head::Open(Frame::Count(cursor.count(count)?))
            }
            Kind::TypedListInt | Kind::DraftListRef => {
                self.skip_type()?;
                let count = self.cursor.int()?;
                Head::Open(Frame::Count(self.cursor.count(count)?))
            }
            Kind::ListEnd => Head::Open(Frame::UntilEnd),
            Kind::TypedListEnd => {
                self.skip_type()?;
                Head::Open(Frame::UntilEnd)
            }
            Kind::DraftList => {
                self.skip_draft_type()?;
                Head::Open(match self.cursor.draft_length()? {
                    Some(count) => Frame::CountThenEnd(self.cursor.count(count)?),
                    None => Frame::UntilEnd,
                })
            }
            Kind::Map => Head::Open(Frame::Pairs(false)),
            Kind::TypedMap => {
                self.skip_type()?;
                Head::Open(Frame::Pairs(false))
            }
            Kind::DraftMap => {
                self.skip_draft_type()?;
                Head::Open(Frame::Pairs(false))
            }
            _ => return Err(cursor.unknown(tag)),
        })
    }

    /// A type: its name, or an int that refers to an earlier one.
    fn skip_type(&mut self) -> Result<()> {
        let (tag, kind) = self.cursor.tag()?;
        match kind {
            _ if kind.is_string() && self.cursor.dialect == Dialect::Final => {
                self.cursor.skip_string(tag, kind)
            }
            _ if kind.is_int() => self.cursor.int_of(tag, kind).map(drop),
            _ => Err(self.cursor.expected("a type", tag)),
        }
    }

    /// The optional type of a draft list or map.
    fn skip_draft_type(&mut self) -> Result<()> {
        if let Some(DraftType::New(units)) = self.cursor.draft_type()? {
            self.cursor.units(units)?;
        }
        Ok(())
    }

    /// Records the class definition whose tag was consumed.
    fn define_class(&mut self) -> Result<()> {
        if self.classes.len() >= self.limits.classes {
            return Err(Error::TooManyClasses {
                limit: self.limits.classes,
            });
        }
        let cursor = &mut self.cursor;
        let name = cursor.pos();
        match cursor.dialect {
            Dialect::Final => {
                let (tag, kind) = cursor.tag()?;
                cursor.skip_string(tag, kind)?;
            }
            Dialect::Draft => {
                let units = cursor.int()?;
                let units = cursor.count(units)?;
                cursor.units(units as usize)?;
            }
        }
        let fields = cursor.int()?;
        let fields = cursor.count(fields)?;
        let names = cursor.pos();
        for _ in 0..fields {
            let (tag, kind) = cursor.tag()?;
            cursor.skip_string(tag, kind)?;
        }
        self.classes.push(Class {
            name,
            names,
            fields,
        });
        Ok(())
    }

    pub(super) fn class(&self, index: i32) -> Result<Class> {
        let class = usize::try_from(index)
            .ok()
            .and_then(|i| self.classes.get(i))
            .copied();
        let class = class.ok_or(Error::UnknownClass {
            index: i64::from(index),
            known: self.classes.len(),
            at: self.cursor.pos(),
        })?;
        // Bounded anew: the bytes left are fewer than at the definition.
        match class.fields as usize <= self.cursor.left() {
            true => Ok(class),
            false => Err(Error::BadCount {
                count: i64::from(class.fields),
                at: self.cursor.pos(),
                left: self.cursor.left(),
            }),
        }
    }
}
