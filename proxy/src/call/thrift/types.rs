//! The types that values have in JSON: those of the wire, and what an IDL makes of them.

use std::fmt;

use serde_json::Value as Json;
use wireloom_thrift::types::MAX_DEPTH;
use wireloom_thrift::value::{Kind, Value};

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    String,
    Binary,
    Uuid,
    List(Box<Self>),
    Set(Box<Self>),
    Map(Box<Self>, Box<Self>),
    /// A struct whose fields go by their ids.
    ByIds,
    /// A struct of the schema.
    Struct(usize),
    /// An enum of the schema.
    Enum(usize),
    /// Nobody knows: that of elements of which there are none, or not all of one type.
    Any,
}

/// What an IDL declares. Types refer to it by place, so that structs may hold themselves.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) structs: Vec<Struct>,
    pub(super) enums: Vec<Enum>,
}

/// A struct, a union, an exception, or the parameters of a method.
#[derive(Clone, Debug)]
pub(super) struct Struct {
    pub(super) name: String,
    /// Exactly one field is set.
    pub(super) union: bool,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) id: i16,
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) of: Type,
    /// What is sent if nothing is written.
    pub(super) default: Option<Json>,
}

#[derive(Debug)]
pub(super) struct Enum {
    pub(super) name: String,
    pub(super) values: Vec<(String, i32)>,
}

impl Type {
    /// How the wire knows it.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::I8 | Self::Any => Kind::I8,
            Self::I16 => Kind::I16,
            Self::I32 | Self::Enum(_) => Kind::I32,
            Self::I64 => Kind::I64,
            Self::Double => Kind::Double,
            Self::String | Self::Binary => Kind::Binary,
            Self::Uuid => Kind::Uuid,
            Self::List(_) => Kind::List,
            Self::Set(_) => Kind::Set,
            Self::Map(..) => Kind::Map,
            Self::ByIds | Self::Struct(_) => Kind::Struct,
        }
    }

    /// What a type of the wire is if nothing else is known of it.
    fn of_kind(kind: Kind) -> Self {
        let any = || Box::new(Self::Any);
        match kind {
            Kind::Bool => Self::Bool,
            Kind::I8 => Self::I8,
            Kind::I16 => Self::I16,
            Kind::I32 => Self::I32,
            Kind::I64 => Self::I64,
            Kind::Double => Self::Double,
            Kind::Binary => Self::String,
            Kind::Uuid => Self::Uuid,
            Kind::Struct => Self::ByIds,
            Kind::List => Self::List(any()),
            Kind::Set => Self::Set(any()),
            Kind::Map => Self::Map(any(), any()),
        }
    }

    /// The type of a value of which nothing else is known. Bytes that are UTF-8 are a string.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Binary(bytes) if std::str::from_utf8(bytes).is_err() => Self::Binary,
            Value::List(of, items) => Self::List(Self::common(*of, items.iter())),
            Value::Set(of, items) => Self::Set(Self::common(*of, items.iter())),
            Value::Map(Some((key, of)), entries) => {
                let keys = entries.iter().map(|(key, _)| key);
                let values = entries.iter().map(|(_, value)| value);
                Self::Map(Self::common(*key, keys), Self::common(*of, values))
            }
            other => Self::of_kind(other.kind()),
        }
    }

    fn common<'a>(of: Kind, items: impl Iterator<Item = &'a Value>) -> Box<Self> {
        let found = items.map(Self::of).reduce(Self::join);
        Box::new(found.unwrap_or_else(|| Self::of_kind(of)))
    }

    /// What both are.
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::String | Self::Binary, Self::String | Self::Binary) => Self::Binary,
            (Self::List(one), Self::List(other)) => Self::List(Box::new(one.join_element(*other))),
            (Self::Set(one), Self::Set(other)) => Self::Set(Box::new(one.join_element(*other))),
            (Self::Map(key, of), Self::Map(other_key, other)) => Self::Map(
                Box::new(key.join_element(*other_key)),
                Box::new(of.join_element(*other)),
            ),
            _ => Self::Any,
        }
    }

    /// A container without elements says nothing of their types.
    fn join_element(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, one) | (one, Self::Any) => one,
            (one, other) => one.join(other),
        }
    }

    /// True for what can be a key of a JSON object.
    pub(super) const fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::List(_)
                | Self::Set(_)
                | Self::Map(..)
                | Self::ByIds
                | Self::Struct(_)
                | Self::Any
        )
    }

    /// Reads what [`Type`] writes: `list<map<string,i32>>`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let found = Self::parse_start(&mut rest, 0)?;
        rest.trim().is_empty().then_some(found)
    }

    fn parse_start(rest: &mut &str, depth: usize) -> Option<Self> {
        let text = rest.trim_start();
        let end = text.find(['<', '>', ',']).unwrap_or(text.len());
        let (name, behind) = text.split_at_checked(end)?;
        *rest = behind;
        let mut element = |before: char| {
            *rest = rest.trim_start().strip_prefix(before)?;
            match depth {
                MAX_DEPTH.. => None,
                _ => Self::parse_start(rest, depth + 1).map(Box::new),
            }
        };
        let found = match name.trim_end() {
            "bool" => Self::Bool,
            "i8" | "byte" => Self::I8,
            "i16" => Self::I16,
            "i32" => Self::I32,
            "i64" => Self::I64,
            "double" => Self::Double,
            "string" => Self::String,
            "binary" => Self::Binary,
            "uuid" => Self::Uuid,
            "struct" => Self::ByIds,
            "?" => Self::Any,
            "list" => Self::List(element('<')?),
            "set" => Self::Set(element('<')?),
            "map" => Self::Map(element('<')?, element(',')?),
            _ => return None,
        };
        if matches!(found, Self::List(_) | Self::Set(_) | Self::Map(..)) {
            *rest = rest.trim_start().strip_prefix('>')?;
        }
        Some(found)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::Double => "double",
            Self::String => "string",
            Self::Binary => "binary",
            Self::Uuid => "uuid",
            Self::List(of) => return write!(f, "list<{of}>"),
            Self::Set(of) => return write!(f, "set<{of}>"),
            Self::Map(key, of) => return write!(f, "map<{key},{of}>"),
            Self::ByIds | Self::Struct(_) => "struct",
            Self::Enum(_) => "enum",
            Self::Any => "?",
        })
    }
}
