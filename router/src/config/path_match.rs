//! How a path is compared.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A condition on a path. A plain string means [`PathMatch::Exact`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathMatch {
    /// The path is this.
    Exact(String),
    /// The path is this, or goes on with a segment below it: `/api` takes `/api` and `/api/x` and not `/apix`. With a
    /// slash at the end, `/api/` takes `/api/` and `/api/x` and not `/api`. `/` takes every path.
    Prefix(String),
    /// This regular expression matches the whole path, in linear time.
    Regex(String),
}

impl PathMatch {
    /// The prefix, if it is one.
    pub fn prefix(&self) -> Option<&str> {
        match self {
            Self::Prefix(prefix) => Some(prefix),
            _ => None,
        }
    }
}

/// The keys of the long form.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Exact,
    Prefix,
    Regex,
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = PathMatch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path (for an exact match) or one of {exact: …}, {prefix: …}, {regex: …}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PathMatch, E> {
        Ok(PathMatch::Exact(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PathMatch, A::Error> {
        let Some(key) = map.next_key()? else {
            return Err(de::Error::invalid_value(Unexpected::Map, &self));
        };
        let read = match key {
            Key::Exact => PathMatch::Exact(map.next_value()?),
            Key::Prefix => PathMatch::Prefix(map.next_value()?),
            Key::Regex => PathMatch::Regex(map.next_value()?),
        };
        if map.next_key::<Key>()?.is_some() {
            return Err(de::Error::custom(
                "only one of `exact`, `prefix`, `regex` may be given: write a `regex` for what needs two",
            ));
        }
        Ok(read)
    }
}

impl<'de> Deserialize<'de> for PathMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathVisitor)
    }
}

impl Serialize for PathMatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, text) = match self {
            Self::Exact(text) => return serializer.serialize_str(text),
            Self::Prefix(text) => ("prefix", text),
            Self::Regex(text) => ("regex", text),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, text)?;
        map.end()
    }
}

impl JsonSchema for PathMatch {
    fn schema_name() -> Cow<'static, str> {
        "PathMatch".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let key = |name: &str, what: &str| {
            json_schema!({
                "type": "object",
                "properties": {name: {"type": "string", "description": what}},
                "required": [name],
                "additionalProperties": false
            })
        };
        json_schema!({
            "description": "A condition on a path; a plain string means an exact match.",
            "anyOf": [
                {"type": "string"},
                key("exact", "The path is this."),
                key("prefix", "The path is this, or goes on with a segment below it: /api takes /api/x and not /apix."),
                key("regex", "This regular expression matches the whole path."),
            ]
        })
    }
}
