//! Values to bytes.

use bytes::{BufMut, BytesMut};

use super::{Kind, Value, ValueError};
use crate::types::{MAX_DEPTH, Protocol};

const DEEP: ValueError = ValueError("values are nested more than 64 deep");
const LONG: ValueError = ValueError("a value is longer than 2 GiB");
const MIXED: ValueError = ValueError("an element has another type than its list, set or map");

/// Writes a struct of these fields.
///
/// An error if an element is not of the type that its container states, or if values are nested deeper than any reader takes.
pub fn write_struct(
    protocol: Protocol,
    fields: &[(i16, Value)],
    out: &mut BytesMut,
) -> Result<(), ValueError> {
    let compact = protocol == Protocol::Compact;
    Writer { compact, out }.fields(fields, 1)
}

struct Writer<'a> {
    compact: bool,
    out: &'a mut BytesMut,
}

impl Writer<'_> {
    fn fields(&mut self, fields: &[(i16, Value)], depth: usize) -> Result<(), ValueError> {
        if depth > MAX_DEPTH {
            return Err(DEEP);
        }
        let mut last = 0i16;
        for (id, value) in fields {
            if !self.compact {
                self.out.put_u8(value.kind().binary());
                self.out.put_i16(*id);
                self.value(value, depth)?;
                continue;
            }
            let kind = match value {
                Value::Bool(true) => 1,
                Value::Bool(false) => 2,
                other => other.kind().compact(),
            };
            match id
                .checked_sub(last)
                .and_then(|delta| u8::try_from(delta).ok())
            {
                Some(delta @ 1..=15) => self.out.put_u8(delta << 4 | kind),
                _ => {
                    self.out.put_u8(kind);
                    self.zigzag((*id).into());
                }
            }
            last = *id;
            // A bool is in its field's type.
            if !matches!(value, Value::Bool(_)) {
                self.value(value, depth)?;
            }
        }
        self.out.put_u8(0);
        Ok(())
    }

    /// A value that is no field's bool.
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), ValueError> {
        match value {
            Value::Bool(is) => self.out.put_u8(match (self.compact, is) {
                (_, true) => 1,
                (true, false) => 2,
                (false, false) => 0,
            }),
            Value::I8(value) => self.out.put_i8(*value),
            Value::I16(value) if !self.compact => self.out.put_i16(*value),
            Value::I32(value) if !self.compact => self.out.put_i32(*value),
            Value::I64(value) if !self.compact => self.out.put_i64(*value),
            Value::I16(value) => self.zigzag((*value).into()),
            Value::I32(value) => self.zigzag((*value).into()),
            Value::I64(value) => self.zigzag(*value),
            Value::Double(value) if self.compact => self.out.put_f64_le(*value),
            Value::Double(value) => self.out.put_f64(*value),
            Value::Binary(bytes) => {
                self.size(bytes.len())?;
                self.out.put_slice(bytes);
            }
            Value::Uuid(bytes) => self.out.put_slice(bytes),
            Value::Struct(fields) => self.fields(fields, depth + 1)?,
            Value::List(of, items) | Value::Set(of, items) => {
                if depth >= MAX_DEPTH {
                    return Err(DEEP);
                }
                match (self.compact, u8::try_from(items.len())) {
                    (true, Ok(len @ 0..15)) => self.out.put_u8(len << 4 | of.compact()),
                    (true, _) => {
                        self.out.put_u8(0xf0 | of.compact());
                        self.size(items.len())?;
                    }
                    (false, _) => {
                        self.out.put_u8(of.binary());
                        self.size(items.len())?;
                    }
                }
                for item in items {
                    self.element(*of, item, depth)?;
                }
            }
            Value::Map(types, entries) => {
                if depth >= MAX_DEPTH {
                    return Err(DEEP);
                }
                // Those of an empty map do not matter.
                let (key, of) = types.unwrap_or((Kind::Binary, Kind::Binary));
                if self.compact {
                    self.size(entries.len())?;
                    if !entries.is_empty() {
                        self.out.put_u8(key.compact() << 4 | of.compact());
                    }
                } else {
                    self.out.put_u8(key.binary());
                    self.out.put_u8(of.binary());
                    self.size(entries.len())?;
                }
                for (name, value) in entries {
                    self.element(key, name, depth)?;
                    self.element(of, value, depth)?;
                }
            }
        }
        Ok(())
    }

    fn element(&mut self, of: Kind, value: &Value, depth: usize) -> Result<(), ValueError> {
        match value.kind() == of {
            true => self.value(value, depth + 1),
            false => Err(MIXED),
        }
    }

    /// A length or a count.
    fn size(&mut self, size: usize) -> Result<(), ValueError> {
        let size = i32::try_from(size).map_err(|_| LONG)?;
        match self.compact {
            true => self.varint(size.unsigned_abs().into()),
            false => self.out.put_i32(size),
        }
        Ok(())
    }

    fn zigzag(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.out.put_u8(value as u8);
    }
}
