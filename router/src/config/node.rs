//! Values as a deserializer that takes a mapping, and nothing else, for a struct.
//!
//! serde's derived types also read themselves from a list, field by field in the order of their source code. In a
//! configuration that would give `log: [debug, json]` a meaning that nobody intended.

use serde::Deserializer;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Error, IntoDeserializer, Unexpected, Visitor};
use serde_json::Value;

/// A value to deserialize from.
#[derive(Clone, Copy)]
pub struct Node<'a>(pub &'a Value);

impl<'de> IntoDeserializer<'de, serde_json::Error> for Node<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(Node))),
            Value::Object(map) => {
                let entries = map.iter().map(|(key, value)| (key.as_str(), Node(value)));
                visitor.visit_map(MapDeserializer::new(entries))
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if self.0.is_array() {
            return Err(Error::invalid_type(Unexpected::Seq, &visitor));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Point {
        x: u8,
        y: Option<Vec<String>>,
    }

    fn read(json: &str) -> Result<Point, String> {
        let value: Value = serde_json::from_str(json).unwrap();
        Point::deserialize(Node(&value)).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_mappings_only() {
        let y = Some(vec!["a".to_owned()]);
        assert_eq!(read(r#"{"x": 1, "y": ["a"]}"#), Ok(Point { x: 1, y }));
        assert_eq!(read(r#"{"x": 1, "y": null}"#), Ok(Point { x: 1, y: None }));
        assert_eq!(
            read(r#"[1, ["a"]]"#).unwrap_err(),
            "invalid type: sequence, expected struct Point"
        );
        assert!(read(r#"{"x": 256}"#).unwrap_err().contains("u8"));
    }
}
