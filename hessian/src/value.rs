//! Values as a tree, for people and tools. The request path does not build these.

use std::sync::Arc;

use bytes::Bytes;

/// A class, field or type name. Shared: a body states a class once and may then hold any number of its
/// objects, which must not cost a copy of the names each.
pub type Name = Arc<str>;

/// A Hessian value.
///
/// Nesting is bounded by [`Limits::MAX_VALUE_DEPTH`](crate::Limits::MAX_VALUE_DEPTH) when it comes from a
/// [`Decoder`](crate::Decoder) or from [`json`](crate::json).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Java `null`.
    #[default]
    Null,
    /// `boolean`.
    Bool(bool),
    /// `int`, and what travels as one: `short`, `byte`.
    Int(i32),
    /// `long`.
    Long(i64),
    /// `double`, and `float`.
    Double(f64),
    /// `java.util.Date`: milliseconds since 1970-01-01T00:00:00Z.
    Date(i64),
    /// `String`, and `char`. Unpaired surrogates were replaced by U+FFFD.
    String(String),
    /// `byte[]`.
    Binary(Bytes),
    /// A list, set or array.
    List {
        /// The type if one is stated: `java.util.LinkedList`, `[int`. An `ArrayList` states none.
        type_name: Option<Name>,
        /// The values.
        items: Vec<Value>,
    },
    /// A map.
    Map {
        /// The type if one is stated: `java.util.TreeMap`. A `HashMap` states none.
        type_name: Option<Name>,
        /// Keys and values in wire order.
        entries: Vec<(Value, Value)>,
    },
    /// An object of a class; an enum constant is one with the single field `name`.
    Object {
        /// The class's name.
        class: Name,
        /// Fields in wire order.
        fields: Vec<(Name, Value)>,
    },
    /// The n-th list, map or object of the body again, counted from 0 in the order in which they begin.
    Ref(u32),
}

impl Value {
    /// A list without a type, as an `ArrayList` is written.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List {
            type_name: None,
            items: items.into_iter().collect(),
        }
    }

    /// A list with a type: `typed_list("[int", …)`, `typed_list("java.util.HashSet", …)`.
    pub fn typed_list(type_name: impl Into<Name>, items: impl IntoIterator<Item = Value>) -> Self {
        Self::List {
            type_name: Some(type_name.into()),
            items: items.into_iter().collect(),
        }
    }

    /// A map without a type, as a `HashMap` is written.
    pub fn map<K: Into<Value>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(k, v)| (k.into(), v.into()))
            .collect();
        Self::Map {
            type_name: None,
            entries,
        }
    }

    /// An object.
    pub fn object<N: Into<Name>, V: Into<Value>>(
        class: impl Into<Name>,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let fields = fields
            .into_iter()
            .map(|(n, v)| (n.into(), v.into()))
            .collect();
        Self::Object {
            class: class.into(),
            fields,
        }
    }

    /// The value of an object's field or of a map's string key.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object { fields, .. } => {
                fields.iter().find(|(n, _)| &**n == name).map(|(_, v)| v)
            }
            Self::Map { entries, .. } => entries
                .iter()
                .find(|(k, _)| k.as_str() == Some(name))
                .map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// An int or long.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(i64::from(*int)),
            Self::Long(long) => Some(*long),
            _ => None,
        }
    }

    /// The class of an object, or the type that a list or map states.
    pub fn type_name(&self) -> Option<&str> {
        match self {
            Self::Object { class, .. } => Some(class),
            Self::List { type_name, .. } | Self::Map { type_name, .. } => type_name.as_deref(),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident($with:expr)),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant($with(value))
            }
        }
    )*};
}

from! {
    bool => Bool(|v| v),
    i32 => Int(|v| v),
    i64 => Long(|v| v),
    f64 => Double(|v| v),
    &str => String(str::to_owned),
    String => String(|v| v),
    Bytes => Binary(|v| v),
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_small() {
        assert!(size_of::<Value>() <= 48, "{}", size_of::<Value>());
    }

    #[test]
    fn fields_and_keys_are_found() {
        let order = Value::object("com.acme.Order", [("id", 7)]);
        assert_eq!(order.get("id").and_then(Value::as_i64), Some(7));
        assert_eq!(order.get("sku"), None);
        assert_eq!(order.type_name(), Some("com.acme.Order"));
        let map = Value::map([("a", None), ("b", Some("x"))]);
        assert_eq!(map.get("a"), Some(&Value::Null));
        assert_eq!(map.get("b").and_then(Value::as_str), Some("x"));
    }
}
