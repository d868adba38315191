//! How a text is compared.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A condition on a text. A plain string means [`StringMatch::Exact`]; comparisons are byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringMatch {
    /// The text is this.
    Exact(String),
    /// The text starts with this.
    Prefix(String),
    /// The text ends with this.
    Suffix(String),
    /// This regular expression matches the whole text. It runs in linear time, has no look-around and no
    /// back-references, and its classes (`\w`, `\d`) are ASCII.
    Regex(String),
    /// True: the text is there, whatever it is. False: it is not. A service or method counts as there unless it
    /// is empty.
    Present(bool),
}

/// The keys of the long form.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Exact,
    Prefix,
    Suffix,
    Regex,
    Present,
}

struct MatchVisitor;

/// YAML reads `true`, `7` and `1.0` as values of other types, and `1.0` could not be turned back into its text.
fn unquoted<E: de::Error>(found: Unexpected<'_>) -> E {
    E::custom(format_args!(
        "{found} where a text is compared: put it in quotes"
    ))
}

impl<'de> Visitor<'de> for MatchVisitor {
    type Value = StringMatch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a string (for an exact match) or one of {exact: …}, {prefix: …}, {suffix: …}, {regex: …}, \
             {present: true}, {present: false}",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<StringMatch, E> {
        Ok(StringMatch::Exact(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, found: bool) -> Result<StringMatch, E> {
        Err(unquoted(Unexpected::Bool(found)))
    }

    fn visit_i64<E: de::Error>(self, found: i64) -> Result<StringMatch, E> {
        Err(unquoted(Unexpected::Signed(found)))
    }

    fn visit_u64<E: de::Error>(self, found: u64) -> Result<StringMatch, E> {
        Err(unquoted(Unexpected::Unsigned(found)))
    }

    fn visit_f64<E: de::Error>(self, found: f64) -> Result<StringMatch, E> {
        Err(unquoted(Unexpected::Float(found)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StringMatch, A::Error> {
        let Some(key) = map.next_key()? else {
            return Err(de::Error::invalid_value(Unexpected::Map, &self));
        };
        let read = match key {
            Key::Exact => StringMatch::Exact(map.next_value()?),
            Key::Prefix => StringMatch::Prefix(map.next_value()?),
            Key::Suffix => StringMatch::Suffix(map.next_value()?),
            Key::Regex => StringMatch::Regex(map.next_value()?),
            Key::Present => StringMatch::Present(map.next_value()?),
        };
        if map.next_key::<Key>()?.is_some() {
            return Err(de::Error::custom(
                "only one of `exact`, `prefix`, `suffix`, `regex`, `present` may be given: \
                 write a `regex` for what needs two",
            ));
        }
        Ok(read)
    }
}

impl<'de> Deserialize<'de> for StringMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatchVisitor)
    }
}

impl Serialize for StringMatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Exact(text) = self {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Exact(text) => map.serialize_entry("exact", text)?,
            Self::Prefix(text) => map.serialize_entry("prefix", text)?,
            Self::Suffix(text) => map.serialize_entry("suffix", text)?,
            Self::Regex(text) => map.serialize_entry("regex", text)?,
            Self::Present(present) => map.serialize_entry("present", present)?,
        }
        map.end()
    }
}

impl JsonSchema for StringMatch {
    fn schema_name() -> Cow<'static, str> {
        "StringMatch".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let key = |name: &str, of: &str, what: &str| {
            json_schema!({
                "type": "object",
                "properties": {name: {"type": of, "description": what}},
                "required": [name],
                "additionalProperties": false
            })
        };
        json_schema!({
            "description": "A condition on a text; a plain string means an exact match.",
            "anyOf": [
                {"type": "string"},
                key("exact", "string", "The text is this."),
                key("prefix", "string", "The text starts with this."),
                key("suffix", "string", "The text ends with this."),
                key("regex", "string", "This regular expression matches the whole text."),
                key("present", "boolean", "Whether the text is there at all."),
            ]
        })
    }
}
