//! Bytes to values.

use bytes::{Buf, Bytes};

use super::{Fields, Kind, MAX_VALUES, Value, ValueError};
use crate::types::{MAX_DEPTH, Protocol};

const SHORT: ValueError = ValueError("it breaks off");
const UNKNOWN: ValueError = ValueError("it has a field of an unknown type");
const DEEP: ValueError = ValueError("it is nested more than 64 deep");
const MANY: ValueError = ValueError("it holds more values than are read");
const SIZE: ValueError = ValueError("it states a size that it cannot have");
const VARINT: ValueError = ValueError("it has a number that does not end");
const BEHIND: ValueError = ValueError("bytes follow its end");

/// Reads a struct that is all of `bytes`.
///
/// Depth is bounded by [`MAX_DEPTH`] and memory by [`MAX_VALUES`]; a count allocates nothing before its elements are there.
pub fn read_struct(protocol: Protocol, bytes: Bytes) -> Result<Fields, ValueError> {
    let mut reader = Reader {
        compact: protocol == Protocol::Compact,
        bytes,
        left: MAX_VALUES,
    };
    let fields = reader.fields(1)?;
    match reader.bytes.is_empty() {
        true => Ok(fields),
        false => Err(BEHIND),
    }
}

struct Reader {
    compact: bool,
    bytes: Bytes,
    left: usize,
}

impl Reader {
    fn fields(&mut self, depth: usize) -> Result<Fields, ValueError> {
        if depth > MAX_DEPTH {
            return Err(DEEP);
        }
        let mut fields = Fields::new();
        let mut last = 0i16;
        loop {
            let first = self.byte()?;
            if first == 0 {
                return Ok(fields);
            }
            let (id, kind) = if self.compact {
                let id = match first >> 4 {
                    0 => i16::try_from(self.zigzag()?).ok(),
                    delta => last.checked_add(delta.into()),
                };
                (id.ok_or(SIZE)?, Kind::of_compact(first & 0x0f))
            } else {
                (
                    self.take::<2>().map(i16::from_be_bytes)?,
                    Kind::of_binary(first),
                )
            };
            last = id;
            let value = match kind.ok_or(UNKNOWN)? {
                Kind::Bool if self.compact => {
                    self.count(1)?;
                    Value::Bool(first & 0x0f == 1)
                }
                kind => self.value(kind, depth)?,
            };
            fields.push((id, value));
        }
    }

    /// A value that is no field's bool of the compact protocol.
    fn value(&mut self, kind: Kind, depth: usize) -> Result<Value, ValueError> {
        self.count(1)?;
        Ok(match kind {
            Kind::Bool => match (self.compact, self.byte()?) {
                (true, byte) => Value::Bool(byte == 1),
                (false, byte) => Value::Bool(byte != 0),
            },
            Kind::I8 => Value::I8(self.byte()?.cast_signed()),
            Kind::I16 => Value::I16(match self.compact {
                true => i16::try_from(self.zigzag()?).map_err(|_| SIZE)?,
                false => i16::from_be_bytes(self.take()?),
            }),
            Kind::I32 => Value::I32(match self.compact {
                true => i32::try_from(self.zigzag()?).map_err(|_| SIZE)?,
                false => i32::from_be_bytes(self.take()?),
            }),
            Kind::I64 => Value::I64(match self.compact {
                true => self.zigzag()?,
                false => i64::from_be_bytes(self.take()?),
            }),
            Kind::Double => Value::Double(match self.compact {
                true => f64::from_le_bytes(self.take()?),
                false => f64::from_be_bytes(self.take()?),
            }),
            Kind::Binary => {
                let len = self.size()?;
                if len > self.bytes.len() {
                    return Err(SHORT);
                }
                Value::Binary(self.bytes.split_to(len))
            }
            Kind::Uuid => Value::Uuid(self.take()?),
            Kind::Struct => Value::Struct(self.fields(depth + 1)?),
            Kind::List => {
                let (of, items) = self.items(depth)?;
                Value::List(of, items)
            }
            Kind::Set => {
                let (of, items) = self.items(depth)?;
                Value::Set(of, items)
            }
            Kind::Map => self.map(depth)?,
        })
    }

    fn items(&mut self, depth: usize) -> Result<(Kind, Vec<Value>), ValueError> {
        if depth >= MAX_DEPTH {
            return Err(DEEP);
        }
        let first = self.byte()?;
        let (of, len) = match (self.compact, first >> 4) {
            (true, 15) => (Kind::of_compact(first & 0x0f), self.size()?),
            (true, len) => (Kind::of_compact(first & 0x0f), len.into()),
            (false, _) => (Kind::of_binary(first), self.size()?),
        };
        let of = match of {
            Some(of) => of,
            // Some writers state no type where there is no element.
            None if len == 0 => Kind::I8,
            None => return Err(UNKNOWN),
        };
        self.fits(len, 1)?;
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(self.value(of, depth + 1)?);
        }
        Ok((of, items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, ValueError> {
        if depth >= MAX_DEPTH {
            return Err(DEEP);
        }
        let (key, of, len) = if self.compact {
            let len = self.size()?;
            if len == 0 {
                return Ok(Value::Map(None, Vec::new()));
            }
            let types = self.byte()?;
            (
                Kind::of_compact(types >> 4),
                Kind::of_compact(types & 0x0f),
                len,
            )
        } else {
            let [key, of] = self.take()?;
            (Kind::of_binary(key), Kind::of_binary(of), self.size()?)
        };
        let Some((key, of)) = key.zip(of) else {
            return match len {
                0 => Ok(Value::Map(None, Vec::new())),
                _ => Err(UNKNOWN),
            };
        };
        self.fits(len, 2)?;
        let mut entries = Vec::new();
        for _ in 0..len {
            let name = self.value(key, depth + 1)?;
            entries.push((name, self.value(of, depth + 1)?));
        }
        Ok(Value::Map(Some((key, of)), entries))
    }

    /// Takes values from those that may still come.
    fn count(&mut self, values: usize) -> Result<(), ValueError> {
        self.left = self.left.checked_sub(values).ok_or(MANY)?;
        Ok(())
    }

    /// Whether so many elements of at least `each` bytes can follow.
    fn fits(&self, len: usize, each: usize) -> Result<(), ValueError> {
        match len.checked_mul(each) {
            Some(bytes) if bytes <= self.bytes.len() => Ok(()),
            _ => Err(SIZE),
        }
    }

    /// A length or a count.
    fn size(&mut self) -> Result<usize, ValueError> {
        let size = match self.compact {
            true => i64::try_from(self.varint()?).map_err(|_| SIZE)?,
            false => i32::from_be_bytes(self.take()?).into(),
        };
        let size = i32::try_from(size).map_err(|_| SIZE)?;
        usize::try_from(size).map_err(|_| SIZE)
    }

    fn byte(&mut self) -> Result<u8, ValueError> {
        self.bytes.try_get_u8().map_err(|_| SHORT)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ValueError> {
        let bytes = *self.bytes.first_chunk().ok_or(SHORT)?;
        self.bytes.advance(N);
        Ok(bytes)
    }

    fn zigzag(&mut self) -> Result<i64, ValueError> {
        let coded = self.varint()?;
        Ok((coded >> 1).cast_signed() ^ -(coded & 1).cast_signed())
    }

    fn varint(&mut self) -> Result<u64, ValueError> {
        let mut value = 0u64;
        for place in 0..10 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return match place == 9 && byte > 1 {
                    true => Err(VARINT),
                    false => Ok(value),
                };
            }
        }
        Err(VARINT)
    }
}
