//! Binary and its non-strict variant, whose structs are the same. The layout is in [`walk`](crate::walk).

use super::{Broken, Cursor, Field, Out, Type};
use crate::walk::{NEGATIVE, TYPE};

pub(super) struct Source<'a, 's>(pub(super) &'s mut Cursor<'a>);
pub(super) struct Sink<'a, 's>(pub(super) &'s mut Out<'a>);

const fn type_of(code: u8) -> Option<Type> {
    Some(match code {
        2 => Type::Bool,
        3 => Type::I8,
        4 => Type::Double,
        6 => Type::I16,
        8 => Type::I32,
        10 => Type::I64,
        11 => Type::String,
        12 => Type::Struct,
        13 => Type::Map,
        14 => Type::Set,
        15 => Type::List,
        16 => Type::Uuid,
        _ => return None,
    })
}

const fn code_of(of: Type) -> u8 {
    match of {
        Type::Bool => 2,
        Type::I8 => 3,
        Type::Double => 4,
        Type::I16 => 6,
        Type::I32 => 8,
        Type::I64 => 10,
        Type::String => 11,
        Type::Struct => 12,
        Type::Map => 13,
        Type::Set => 14,
        Type::List => 15,
        Type::Uuid => 16,
    }
}

/// The type of elements, of which there may be none.
fn element_type(code: u8, count: u32) -> Result<Type, Broken> {
    match type_of(code) {
        Some(of) => Ok(of),
        None if count == 0 => Ok(Type::String),
        None => Err(TYPE),
    }
}

impl Source<'_, '_> {
    fn count(&mut self) -> Result<u32, Broken> {
        u32::try_from(i32::from_be_bytes(self.0.array()?)).map_err(|_| NEGATIVE)
    }
}

impl<'a> super::Source<'a> for Source<'a, '_> {
    fn field(&mut self, _: i16) -> Result<Option<Field>, Broken> {
        let code = self.0.byte()?;
        if code == 0 {
            return Ok(None);
        }
        let of = type_of(code).ok_or(TYPE)?;
        Ok(Some(Field {
            of,
            id: i16::from_be_bytes(self.0.array()?),
            is_true: of == Type::Bool && self.element()?,
        }))
    }

    fn list(&mut self) -> Result<(Type, u32), Broken> {
        let (code, count) = (self.0.byte()?, self.count()?);
        Ok((element_type(code, count)?, count))
    }

    fn map(&mut self) -> Result<(Type, Type, u32), Broken> {
        let [key, value] = self.0.array()?;
        let count = self.count()?;
        Ok((
            element_type(key, count)?,
            element_type(value, count)?,
            count,
        ))
    }

    fn element(&mut self) -> Result<bool, Broken> {
        self.0.byte().map(|byte| byte != 0)
    }

    fn number(&mut self, of: Type) -> Result<i64, Broken> {
        Ok(match of {
            Type::I16 => i16::from_be_bytes(self.0.array()?).into(),
            Type::I32 => i32::from_be_bytes(self.0.array()?).into(),
            _ => i64::from_be_bytes(self.0.array()?),
        })
    }

    fn double(&mut self) -> Result<u64, Broken> {
        self.0.array().map(u64::from_be_bytes)
    }

    fn string(&mut self) -> Result<&'a [u8], Broken> {
        let len = self.count()? as usize;
        self.0.take(len)
    }

    fn raw(&mut self, len: usize) -> Result<&'a [u8], Broken> {
        self.0.take(len)
    }
}

impl super::Sink for Sink<'_, '_> {
    fn field(&mut self, field: Field, _: i16) -> Result<(), Broken> {
        let [high, low] = field.id.to_be_bytes();
        let start = [code_of(field.of), high, low, field.is_true.into()];
        let len = if field.of == Type::Bool { 4 } else { 3 };
        self.0.put(start.get(..len).unwrap_or_default())
    }

    fn end(&mut self) -> Result<(), Broken> {
        self.0.put(&[0])
    }

    fn list(&mut self, of: Type, count: u32) -> Result<(), Broken> {
        let [a, b, c, d] = count.to_be_bytes();
        self.0.put(&[code_of(of), a, b, c, d])
    }

    fn map(&mut self, key: Type, value: Type, count: u32) -> Result<(), Broken> {
        let [a, b, c, d] = count.to_be_bytes();
        self.0.put(&[code_of(key), code_of(value), a, b, c, d])
    }

    fn element(&mut self, is_true: bool) -> Result<(), Broken> {
        self.0.put(&[is_true.into()])
    }

    fn number(&mut self, of: Type, value: i64) -> Result<(), Broken> {
        // The low bytes, which hold all of it.
        let bytes = value.to_be_bytes();
        let from = match of {
            Type::I16 => 6,
            Type::I32 => 4,
            _ => 0,
        };
        self.0.put(bytes.get(from..).unwrap_or_default())
    }

    fn double(&mut self, bits: u64) -> Result<(), Broken> {
        self.0.put(&bits.to_be_bytes())
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let len = u32::try_from(bytes.len()).map_err(|_| Broken::TooLong)?;
        self.0.put(&len.to_be_bytes())?;
        self.0.put(bytes)
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.0.put(bytes)
    }
}
