//! How a text is compared.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::not_null;

/// A condition on a text. A plain string means [`StringMatch::Exact`]; comparisons are byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringMatch {
    /// The text is this.
    Exact(String),
    /// The text starts with this.
    Prefix(String),
    /// The text ends with this.
    Suffix(String),
    /// The text has this in it.
    Contains(String),
    /// This regular expression matches the whole text. It runs in linear time, has no look-around and no
    /// back-references, and its classes (`\w`, `\d`) are ASCII.
    Regex(String),
    /// The text is a whole number within this range: decimal digits, perhaps behind a sign.
    Range(Range),
    /// True: the text is there, whatever it is. False: it is not. A service or method counts as there unless it
    /// is empty.
    Present(bool),
    /// The condition in it does not hold: of no value, where there are several, and also where there is none.
    Not(Box<StringMatch>),
}

/// A range of whole numbers. At least one end must be given.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least. Default: none.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "i64")]
    pub min: Option<i64>,
    /// The most. Default: none.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "i64")]
    pub max: Option<i64>,
}

/// The keys of the long form.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
pub(super) enum Key {
    Exact,
    Prefix,
    Suffix,
    Contains,
    Regex,
    Range,
    Present,
    Not,
}

impl Key {
    /// Reads the value of this key.
    pub(super) fn read<'de, A: MapAccess<'de>>(self, map: &mut A) -> Result<StringMatch, A::Error> {
        Ok(match self {
            Self::Exact => StringMatch::Exact(map.next_value()?),
            Self::Prefix => StringMatch::Prefix(map.next_value()?),
            Self::Suffix => StringMatch::Suffix(map.next_value()?),
            Self::Contains => StringMatch::Contains(map.next_value()?),
            Self::Regex => StringMatch::Regex(map.next_value()?),
            Self::Range => StringMatch::Range(map.next_value()?),
            Self::Present => StringMatch::Present(map.next_value()?),
            Self::Not => match map.next_value()? {
                StringMatch::Not(_) => {
                    let message = "`not` of a `not` is the condition itself: leave both out";
                    return Err(de::Error::custom(message));
                }
                condition => StringMatch::Not(Box::new(condition)),
            },
        })
    }
}

pub(super) const ONE: &str = "only one of `exact`, `prefix`, `suffix`, `contains`, `regex`, `range`, `present` and \
     `not` may be given: write a `regex` for what needs two";

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
            "a string (for an exact match) or one of {exact: …}, {prefix: …}, {suffix: …}, {contains: …}, \
             {regex: …}, {range: {min: …, max: …}}, {present: true}, {present: false}, {not: …}",
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
        let Some(key) = map.next_key::<Key>()? else {
            return Err(de::Error::invalid_value(Unexpected::Map, &self));
        };
        let read = key.read(&mut map)?;
        if map.next_key::<Key>()?.is_some() {
            return Err(de::Error::custom(ONE));
        }
        Ok(read)
    }
}

impl<'de> Deserialize<'de> for StringMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatchVisitor)
    }
}

impl StringMatch {
    /// Writes it as the key that it has in the long form.
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Exact(text) => map.serialize_entry("exact", text),
            Self::Prefix(text) => map.serialize_entry("prefix", text),
            Self::Suffix(text) => map.serialize_entry("suffix", text),
            Self::Contains(text) => map.serialize_entry("contains", text),
            Self::Regex(text) => map.serialize_entry("regex", text),
            Self::Range(range) => map.serialize_entry("range", range),
            Self::Present(present) => map.serialize_entry("present", present),
            Self::Not(condition) => map.serialize_entry("not", condition),
        }
    }
}

impl Serialize for StringMatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Exact(text) = self {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        self.write(&mut map)?;
        map.end()
    }
}

impl JsonSchema for StringMatch {
    fn schema_name() -> Cow<'static, str> {
        "StringMatch".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut forms = vec![json_schema!({"type": "string"})];
        forms.extend(forms_of(generator).map(|(name, of)| {
            json_schema!({
                "type": "object",
                "properties": {name: of},
                "required": [name],
                "additionalProperties": false
            })
        }));
        json_schema!({
            "description": "A condition on a text; a plain string means an exact match.",
            "anyOf": forms
        })
    }
}

/// The keys of the long form and what each takes.
pub(super) fn forms_of(generator: &mut SchemaGenerator) -> [(&'static str, Schema); 8] {
    let text = |what: &str| json_schema!({"type": "string", "description": what});
    let mut range = generator.subschema_for::<Range>();
    let what = "The text is a whole number within this range.";
    range.insert("description".to_owned(), what.into());
    let mut not = generator.subschema_for::<StringMatch>();
    let what = "The condition in it holds of no value.";
    not.insert("description".to_owned(), what.into());
    [
        ("exact", text("The text is this.")),
        ("prefix", text("The text starts with this.")),
        ("suffix", text("The text ends with this.")),
        ("contains", text("The text has this in it.")),
        (
            "regex",
            text("This regular expression matches the whole text."),
        ),
        ("range", range),
        (
            "present",
            json_schema!({"type": "boolean", "description": "Whether the text is there at all."}),
        ),
        ("not", not),
    ]
}
