//! Values, for the command line and for test peers. A proxy's request path builds none.
//!
//! | file | holds |
//! |---|---|
//! | `kind` | the types that the wire tells apart |
//! | `read` | bytes to values |
//! | `write` | values to bytes |

mod kind;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

use bytes::Bytes;

pub use kind::Kind;
pub use read::read_struct;
pub use write::write_struct;

/// The most values that a message may hold, those within others counted: an element may be a byte on the wire and is
/// many in memory.
pub const MAX_VALUES: usize = 4 << 20;

/// The fields of a struct: ids and values, in the order of the wire.
pub type Fields = Vec<(i16, Value)>;

/// A value as the wire has it: fields have ids and no names, an enum is an i32, a string is bytes, a union a struct.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// 8 bits.
    I8(i8),
    /// 16 bits.
    I16(i16),
    /// 32 bits.
    I32(i32),
    /// 64 bits.
    I64(i64),
    /// IEEE 754, 64 bits.
    Double(f64),
    /// A string or bytes, which the wire does not tell apart.
    Binary(Bytes),
    /// 16 bytes, in the order of their text.
    Uuid([u8; 16]),
    /// A struct, a union or an exception.
    Struct(Fields),
    /// A list.
    List(Kind, Vec<Self>),
    /// A set.
    Set(Kind, Vec<Self>),
    /// A map. Compact's empty ones come without types.
    Map(Option<(Kind, Kind)>, Vec<(Self, Self)>),
}

impl Value {
    /// A string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Binary(text.into().into())
    }

    /// Its type.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::I8(_) => Kind::I8,
            Self::I16(_) => Kind::I16,
            Self::I32(_) => Kind::I32,
            Self::I64(_) => Kind::I64,
            Self::Double(_) => Kind::Double,
            Self::Binary(_) => Kind::Binary,
            Self::Uuid(_) => Kind::Uuid,
            Self::Struct(_) => Kind::Struct,
            Self::List(..) => Kind::List,
            Self::Set(..) => Kind::Set,
            Self::Map(..) => Kind::Map,
        }
    }
}

/// What cannot be read or written, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueError(pub(crate) &'static str);

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ValueError {}
