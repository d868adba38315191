//! Compact. The layout is in [`walk`](crate::walk).

use super::{Broken, Cursor, Field, Out, Type};
use crate::varint;
use crate::walk::{NEGATIVE, TYPE, VARINT};

pub(super) struct Source<'a, 's>(pub(super) &'s mut Cursor<'a>);
pub(super) struct Sink<'a, 's>(pub(super) &'s mut Out<'a>);

const TRUE: u8 = 1;
const FALSE: u8 = 2;
/// The longest encoding of 64 bits.
const MAX_U64: u32 = 10;

const fn type_of(code: u8) -> Option<Type> {
    Some(match code {
        TRUE | FALSE => Type::Bool,
        3 => Type::I8,
        4 => Type::I16,
        5 => Type::I32,
        6 => Type::I64,
        7 => Type::Double,
        8 => Type::String,
        9 => Type::List,
        10 => Type::Set,
        11 => Type::Map,
        12 => Type::Struct,
        13 => Type::Uuid,
        _ => return None,
    })
}

/// For a bool, that of elements.
const fn code_of(of: Type) -> u8 {
    match of {
        // As the libraries write it; they read 2 as well.
        Type::Bool => TRUE,
        Type::I8 => 3,
        Type::I16 => 4,
        Type::I32 => 5,
        Type::I64 => 6,
        Type::Double => 7,
        Type::String => 8,
        Type::List => 9,
        Type::Set => 10,
        Type::Map => 11,
        Type::Struct => 12,
        Type::Uuid => 13,
    }
}

impl Source<'_, '_> {
    /// A number of at most `max` bytes. Bits beyond 64 are dropped, as readers do.
    fn varint(&mut self, max: u32) -> Result<u64, Broken> {
        let mut value = 0u64;
        for place in 0..max {
            let byte = self.0.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(VARINT)
    }

    fn count(&mut self) -> Result<u32, Broken> {
        let read = varint::read(self.0.src, self.0.at).map_err(|_| VARINT)?;
        let (count, width) = read.ok_or(super::SHORT)?;
        self.0.at += width;
        if count > i32::MAX as u32 {
            return Err(NEGATIVE);
        }
        Ok(count)
    }
}

impl<'a> super::Source<'a> for Source<'a, '_> {
    fn field(&mut self, last: i16) -> Result<Option<Field>, Broken> {
        let first = self.0.byte()?;
        if first == 0 {
            return Ok(None);
        }
        let code = first & 0x0f;
        let of = type_of(code).ok_or(TYPE)?;
        let id = match first >> 4 {
            0 => {
                let read = varint::read(self.0.src, self.0.at).map_err(|_| VARINT)?;
                let (coded, width) = read.ok_or(super::SHORT)?;
                self.0.at += width;
                // Readers keep the low 16 bits.
                varint::unzigzag(coded) as i16
            }
            delta => last.wrapping_add(delta.into()),
        };
        Ok(Some(Field {
            of,
            id,
            is_true: code == TRUE,
        }))
    }

    fn list(&mut self) -> Result<(Type, u32), Broken> {
        let first = self.0.byte()?;
        let count = match first >> 4 {
            15 => self.count()?,
            count => count.into(),
        };
        match type_of(first & 0x0f) {
            Some(of) => Ok((of, count)),
            None if count == 0 => Ok((Type::String, 0)),
            None => Err(TYPE),
        }
    }

    fn map(&mut self) -> Result<(Type, Type, u32), Broken> {
        let count = self.count()?;
        if count == 0 {
            return Ok((Type::String, Type::String, 0));
        }
        let types = self.0.byte()?;
        let key = type_of(types >> 4).ok_or(TYPE)?;
        let value = type_of(types & 0x0f).ok_or(TYPE)?;
        Ok((key, value, count))
    }

    fn element(&mut self) -> Result<bool, Broken> {
        self.0.byte().map(|byte| byte == TRUE)
    }

    fn number(&mut self, of: Type) -> Result<i64, Broken> {
        let max = if of == Type::I64 { MAX_U64 } else { 5 };
        let coded = self.varint(max)?;
        Ok(match of {
            Type::I64 => (coded >> 1).cast_signed() ^ -(coded & 1).cast_signed(),
            Type::I16 => i64::from(varint::unzigzag(coded as u32) as i16),
            _ => varint::unzigzag(coded as u32).into(),
        })
    }

    fn double(&mut self) -> Result<u64, Broken> {
        self.0.array().map(u64::from_le_bytes)
    }

    fn string(&mut self) -> Result<&'a [u8], Broken> {
        let len = self.count()? as usize;
        self.0.take(len)
    }

    fn raw(&mut self, len: usize) -> Result<&'a [u8], Broken> {
        self.0.take(len)
    }
}

impl Sink<'_, '_> {
    /// `first`, then a number if there is one.
    fn put(&mut self, first: Option<u8>, number: Option<u64>) -> Result<(), Broken> {
        let mut bytes = [0; 1 + MAX_U64 as usize];
        let mut len = 0;
        let mut push = |byte| {
            if let Some(place) = bytes.get_mut(len) {
                *place = byte;
                len += 1;
            }
        };
        if let Some(first) = first {
            push(first);
        }
        if let Some(mut rest) = number {
            while rest > 0x7f {
                push(rest as u8 | 0x80);
                rest >>= 7;
            }
            push(rest as u8);
        }
        self.0.put(bytes.get(..len).unwrap_or_default())
    }
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

impl super::Sink for Sink<'_, '_> {
    fn field(&mut self, field: Field, last: i16) -> Result<(), Broken> {
        let code = match field.of {
            Type::Bool if !field.is_true => FALSE,
            of => code_of(of),
        };
        let delta = i32::from(field.id) - i32::from(last);
        match u8::try_from(delta) {
            Ok(delta @ 1..=15) => self.put(Some(delta << 4 | code), None),
            _ => self.put(Some(code), Some(zigzag(field.id.into()))),
        }
    }

    fn end(&mut self) -> Result<(), Broken> {
        self.0.put(&[0])
    }

    fn list(&mut self, of: Type, count: u32) -> Result<(), Broken> {
        match u8::try_from(count) {
            Ok(count @ 0..=14) => self.put(Some(count << 4 | code_of(of)), None),
            _ => self.put(Some(0xf0 | code_of(of)), Some(count.into())),
        }
    }

    fn map(&mut self, key: Type, value: Type, count: u32) -> Result<(), Broken> {
        self.put(None, Some(count.into()))?;
        if count == 0 {
            return Ok(());
        }
        self.0.put(&[code_of(key) << 4 | code_of(value)])
    }

    fn element(&mut self, is_true: bool) -> Result<(), Broken> {
        self.0.put(&[if is_true { TRUE } else { FALSE }])
    }

    fn number(&mut self, _: Type, value: i64) -> Result<(), Broken> {
        self.put(None, Some(zigzag(value)))
    }

    fn double(&mut self, bits: u64) -> Result<(), Broken> {
        self.0.put(&bits.to_le_bytes())
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.put(None, Some(bytes.len() as u64))?;
        self.0.put(bytes)
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.0.put(bytes)
    }
}
