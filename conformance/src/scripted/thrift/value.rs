//! Thrift's structs in both protocols, written from values and read back.
//!
//! Sources: Apache Thrift `doc/specs/thrift-binary-protocol.md` and `thrift-compact-protocol.md`.

use super::{Cut, Protocol, Reader, put_varint};

/// A value. Containers name the binary protocol's type of what they hold, so that empty ones can be written too.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// 2; in compact a field's type is its value.
    Bool(bool),
    /// 3.
    I8(i8),
    /// 4.
    Double(f64),
    /// 6.
    I16(i16),
    /// 8.
    I32(i32),
    /// 10.
    I64(i64),
    /// 11, text too.
    Binary(Vec<u8>),
    /// 12: fields by id.
    Struct(Vec<(i16, Self)>),
    /// 13.
    Map(u8, u8, Vec<(Self, Self)>),
    /// 14.
    Set(u8, Vec<Self>),
    /// 15.
    List(u8, Vec<Self>),
    /// 16.
    Uuid([u8; 16]),
}

/// Binary type and compact type. In compact 1 stands for both booleans.
const TYPES: [(u8, u8); 12] = [
    (2, 1),
    (3, 3),
    (4, 7),
    (6, 4),
    (8, 5),
    (10, 6),
    (11, 8),
    (12, 12),
    (13, 11),
    (14, 10),
    (15, 9),
    (16, 13),
];

/// No test nests deeper, and what comes from the proxy is not trusted to end.
const DEEPEST: usize = 70;

fn compact_of(binary: u8) -> u8 {
    let pair = TYPES.iter().find(|(of, _)| *of == binary);
    pair.map_or(0, |(_, compact)| *compact)
}

fn binary_of(compact: u8) -> Result<u8, Cut> {
    let compact = if compact == 2 { 1 } else { compact };
    let pair = TYPES.iter().find(|(_, of)| *of == compact);
    pair.map(|(binary, _)| *binary)
        .ok_or_else(|| Cut::bad("an unknown compact type"))
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

impl Value {
    /// Text.
    pub fn text(text: &str) -> Self {
        Self::Binary(text.as_bytes().to_vec())
    }

    /// What a field of this id holds, if this is a struct that has it.
    pub fn field(&self, id: i16) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields
                .iter()
                .find(|field| field.0 == id)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    fn binary_type(&self) -> u8 {
        match self {
            Self::Bool(_) => 2,
            Self::I8(_) => 3,
            Self::Double(_) => 4,
            Self::I16(_) => 6,
            Self::I32(_) => 8,
            Self::I64(_) => 10,
            Self::Binary(_) => 11,
            Self::Struct(_) => 12,
            Self::Map(..) => 13,
            Self::Set(..) => 14,
            Self::List(..) => 15,
            Self::Uuid(_) => 16,
        }
    }

    /// Its bytes.
    pub fn write(&self, protocol: Protocol) -> Vec<u8> {
        let mut bytes = Vec::new();
        match protocol {
            Protocol::Binary => self.put_binary(&mut bytes),
            Protocol::Compact => self.put_compact(&mut bytes),
        }
        bytes
    }

    fn put_binary(&self, to: &mut Vec<u8>) {
        let count = |to: &mut Vec<u8>, count: usize| to.extend((count as u32).to_be_bytes());
        match self {
            Self::Bool(value) => to.push((*value).into()),
            Self::I8(value) => to.extend(value.to_be_bytes()),
            Self::Double(value) => to.extend(value.to_be_bytes()),
            Self::I16(value) => to.extend(value.to_be_bytes()),
            Self::I32(value) => to.extend(value.to_be_bytes()),
            Self::I64(value) => to.extend(value.to_be_bytes()),
            Self::Uuid(value) => to.extend(value),
            Self::Binary(value) => {
                count(to, value.len());
                to.extend(value);
            }
            Self::Struct(fields) => {
                for (id, value) in fields {
                    to.push(value.binary_type());
                    to.extend(id.to_be_bytes());
                    value.put_binary(to);
                }
                to.push(0);
            }
            Self::Map(key, value, pairs) => {
                to.extend([*key, *value]);
                count(to, pairs.len());
                for (key, value) in pairs {
                    key.put_binary(to);
                    value.put_binary(to);
                }
            }
            Self::Set(of, values) | Self::List(of, values) => {
                to.push(*of);
                count(to, values.len());
                for value in values {
                    value.put_binary(to);
                }
            }
        }
    }

    fn put_compact(&self, to: &mut Vec<u8>) {
        match self {
            // As an element; a field needs no byte.
            Self::Bool(value) => to.push(if *value { 1 } else { 2 }),
            Self::I8(value) => to.extend(value.to_be_bytes()),
            Self::Double(value) => to.extend(value.to_le_bytes()),
            Self::I16(value) => put_varint(to, zigzag((*value).into())),
            Self::I32(value) => put_varint(to, zigzag((*value).into())),
            Self::I64(value) => put_varint(to, zigzag(*value)),
            Self::Uuid(value) => to.extend(value),
            Self::Binary(value) => {
                put_varint(to, value.len() as u64);
                to.extend(value);
            }
            Self::Struct(fields) => {
                let mut last = 0;
                for (id, value) in fields {
                    let of = match value {
                        Self::Bool(false) => 2,
                        other => compact_of(other.binary_type()),
                    };
                    match i32::from(*id) - i32::from(last) {
                        delta @ 1..=15 => to.push((delta as u8) << 4 | of),
                        _ => {
                            to.push(of);
                            put_varint(to, zigzag((*id).into()));
                        }
                    }
                    last = *id;
                    if !matches!(value, Self::Bool(_)) {
                        value.put_compact(to);
                    }
                }
                to.push(0);
            }
            Self::Map(key, value, pairs) => {
                put_varint(to, pairs.len() as u64);
                if !pairs.is_empty() {
                    to.push(compact_of(*key) << 4 | compact_of(*value));
                }
                for (key, value) in pairs {
                    key.put_compact(to);
                    value.put_compact(to);
                }
            }
            Self::Set(of, values) | Self::List(of, values) => {
                let of = compact_of(*of);
                match values.len() {
                    few @ 0..15 => to.push((few as u8) << 4 | of),
                    many => {
                        to.push(0xf0 | of);
                        put_varint(to, many as u64);
                    }
                }
                for value in values {
                    value.put_compact(to);
                }
            }
        }
    }

    /// The struct at the reader.
    pub(super) fn read(protocol: Protocol, from: &mut Reader<'_>) -> Result<Self, Cut> {
        read_as(protocol, 12, from, 0)
    }
}

fn count(protocol: Protocol, from: &mut Reader<'_>) -> Result<usize, Cut> {
    let count = match protocol {
        Protocol::Binary => from.i32()?.into(),
        Protocol::Compact => from.varint()?.cast_signed(),
    };
    match usize::try_from(count) {
        Ok(count) if count <= i32::MAX as usize => Ok(count),
        _ => Err(Cut::bad("a negative count")),
    }
}

fn number(protocol: Protocol, width: usize, from: &mut Reader<'_>) -> Result<i64, Cut> {
    match protocol {
        Protocol::Binary => {
            let bytes = from.take(width)?;
            let negative = bytes.first().is_some_and(|first| *first & 0x80 != 0);
            let start = if negative { -1 } else { 0 };
            Ok(bytes
                .iter()
                .fold(start, |value, byte| value << 8 | i64::from(*byte)))
        }
        Protocol::Compact => from.varint().map(unzigzag),
    }
}

/// A value of the binary protocol's type `of`.
fn read_as(protocol: Protocol, of: u8, from: &mut Reader<'_>, depth: usize) -> Result<Value, Cut> {
    if depth > DEEPEST {
        return Err(Cut::bad("too deep"));
    }
    let inner = depth + 1;
    Ok(match of {
        2 => Value::Bool(from.byte()? == 1),
        3 => Value::I8(from.byte()?.cast_signed()),
        4 => {
            let bytes = from.array()?;
            Value::Double(match protocol {
                Protocol::Binary => f64::from_be_bytes(bytes),
                Protocol::Compact => f64::from_le_bytes(bytes),
            })
        }
        6 => Value::I16(number(protocol, 2, from)? as i16),
        8 => Value::I32(number(protocol, 4, from)? as i32),
        10 => Value::I64(number(protocol, 8, from)?),
        11 => {
            let length = count(protocol, from)?;
            Value::Binary(from.take(length)?.to_vec())
        }
        12 => {
            let (mut fields, mut last) = (Vec::new(), 0);
            while let Some((id, of, value)) = field(protocol, last, from)? {
                let value = match value {
                    Some(value) => value,
                    None => read_as(protocol, of, from, inner)?,
                };
                fields.push((id, value));
                last = id;
            }
            Value::Struct(fields)
        }
        13 => {
            let (key, value, pairs) = match protocol {
                Protocol::Binary => (from.byte()?, from.byte()?, count(protocol, from)?),
                Protocol::Compact => match count(protocol, from)? {
                    0 => (0, 0, 0),
                    pairs => {
                        let types = from.byte()?;
                        (binary_of(types >> 4)?, binary_of(types & 15)?, pairs)
                    }
                },
            };
            let mut read = Vec::new();
            for _ in 0..pairs {
                let key = read_as(protocol, key, from, inner)?;
                read.push((key, read_as(protocol, value, from, inner)?));
            }
            Value::Map(key, value, read)
        }
        14 | 15 => {
            let first = from.byte()?;
            let (element, length) = match protocol {
                Protocol::Binary => (first, count(protocol, from)?),
                Protocol::Compact if first >> 4 == 15 => {
                    (binary_of(first & 15)?, count(protocol, from)?)
                }
                Protocol::Compact => (binary_of(first & 15)?, (first >> 4).into()),
            };
            let mut values = Vec::new();
            for _ in 0..length {
                values.push(read_as(protocol, element, from, inner)?);
            }
            match of {
                14 => Value::Set(element, values),
                _ => Value::List(element, values),
            }
        }
        16 => Value::Uuid(from.array()?),
        _ => return Err(Cut::bad("an unknown type")),
    })
}

/// Id and type of the next field, and its value if the type says it; None at the end.
fn field(
    protocol: Protocol,
    last: i16,
    from: &mut Reader<'_>,
) -> Result<Option<(i16, u8, Option<Value>)>, Cut> {
    let first = from.byte()?;
    if first == 0 {
        return Ok(None);
    }
    if protocol == Protocol::Binary {
        return Ok(Some((number(protocol, 2, from)? as i16, first, None)));
    }
    let id = match first >> 4 {
        0 => number(protocol, 2, from)? as i16,
        delta => last.wrapping_add(delta.into()),
    };
    let value = match first & 15 {
        truth @ (1 | 2) => Some(Value::Bool(truth == 1)),
        _ => None,
    };
    Ok(Some((id, binary_of(first & 15)?, value)))
}
