//! How a value inside of a request is compared.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use wireloom_codecs::units::Size;

use super::StringMatch;
use super::string_match::{Key as Form, ONE, forms_of};

/// How many bytes of a body are looked at where a condition does not say.
pub const DEFAULT_BUDGET: Size = Size(64 << 10);

/// A condition on a value inside of a request's body.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgumentMatch {
    /// Where the value lies.
    pub at: ArgumentAt,
    /// What it must be. Numbers and booleans are compared by what they are where the condition is exact or a range, and by how
    /// they are written elsewhere. [`StringMatch::Present`] asks whether there is a value.
    pub condition: StringMatch,
    /// What lies behind so many bytes of the body is not there; a JSON body that is longer has no values at all.
    pub budget: Size,
}

/// Where a value lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentAt {
    /// The argument of this index, from 0; then, behind dots, fields of objects, keys of maps and indices of lists in it.
    /// Dubbo, and Bolt's `SofaRequest`.
    Index(usize, Option<String>),
    /// The field of the first id in the arguments, then of the second in it, and so on. Thrift.
    Thrift(Vec<i16>),
    /// A JSON pointer. HTTP.
    Json(String),
    /// A request property. Bolt's `SofaRequest`.
    Property(String),
}

/// The keys that say where, and the budget.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Index,
    Field,
    Thrift,
    Json,
    Property,
    Budget,
    Exact,
    Prefix,
    Suffix,
    Contains,
    Regex,
    Range,
    Present,
    Not,
}

/// A text, or a number or boolean as it is written.
struct Literal(String);

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Literals;

        impl Visitor<'_> for Literals {
            type Value = Literal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a boolean")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Literal, E> {
                Ok(Literal(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, is: bool) -> Result<Literal, E> {
                Ok(Literal(is.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Literal, E> {
                Ok(Literal(number.to_string()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Literal, E> {
                Ok(Literal(number.to_string()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Literal, E> {
                Ok(Literal(number.to_string()))
            }
        }

        deserializer.deserialize_any(Literals)
    }
}

struct ArgumentVisitor;

impl<'de> Visitor<'de> for ArgumentVisitor {
    type Value = ArgumentMatch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "where the value lies (`index`, `thrift`, `json` or `property`) and what it must be (`exact` or another \
             form of a condition)",
        )
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ArgumentMatch, A::Error> {
        let custom = <A::Error as de::Error>::custom;
        let (mut index, mut field, mut at) = (None, None, None);
        let (mut condition, mut budget) = (None, None);
        while let Some(key) = map.next_key()? {
            let form = match key {
                Key::Index => {
                    index = Some(map.next_value()?);
                    continue;
                }
                Key::Field => {
                    field = Some(map.next_value()?);
                    continue;
                }
                Key::Budget => {
                    budget = Some(map.next_value()?);
                    continue;
                }
                Key::Thrift | Key::Json | Key::Property => {
                    let place = match key {
                        Key::Thrift => ArgumentAt::Thrift(map.next_value()?),
                        Key::Json => ArgumentAt::Json(map.next_value()?),
                        _ => ArgumentAt::Property(map.next_value()?),
                    };
                    if at.replace(place).is_some() {
                        return Err(custom(WHERE));
                    }
                    continue;
                }
                Key::Exact => None,
                Key::Prefix => Some(Form::Prefix),
                Key::Suffix => Some(Form::Suffix),
                Key::Contains => Some(Form::Contains),
                Key::Regex => Some(Form::Regex),
                Key::Range => Some(Form::Range),
                Key::Present => Some(Form::Present),
                Key::Not => Some(Form::Not),
            };
            let read = match form {
                None => StringMatch::Exact(map.next_value::<Literal>()?.0),
                Some(form) => form.read(&mut map)?,
            };
            if condition.replace(read).is_some() {
                return Err(custom(ONE));
            }
        }
        let at = match (index, field, at) {
            (Some(index), field, None) => ArgumentAt::Index(index, field),
            (None, None, Some(at)) => at,
            (None, Some(_), None) => {
                return Err(custom(
                    "`field` is a part of an argument: write its `index` too",
                ));
            }
            _ => return Err(custom(WHERE)),
        };
        let condition = condition.ok_or_else(|| {
            custom("says nothing of the value: write `exact` or another form of a condition, or {present: true}")
        })?;
        Ok(ArgumentMatch {
            at,
            condition,
            budget: budget.unwrap_or(DEFAULT_BUDGET),
        })
    }
}

const WHERE: &str = "one of `index`, `thrift`, `json` and `property` says where the value lies";

impl<'de> Deserialize<'de> for ArgumentMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ArgumentVisitor)
    }
}

impl Serialize for ArgumentMatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.at {
            ArgumentAt::Index(index, field) => {
                map.serialize_entry("index", index)?;
                if let Some(field) = field {
                    map.serialize_entry("field", field)?;
                }
            }
            ArgumentAt::Thrift(ids) => map.serialize_entry("thrift", ids)?,
            ArgumentAt::Json(pointer) => map.serialize_entry("json", pointer)?,
            ArgumentAt::Property(name) => map.serialize_entry("property", name)?,
        }
        self.condition.write(&mut map)?;
        if self.budget != DEFAULT_BUDGET {
            map.serialize_entry("budget", &self.budget)?;
        }
        map.end()
    }
}

impl JsonSchema for ArgumentMatch {
    fn schema_name() -> Cow<'static, str> {
        "ArgumentMatch".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut budget = generator.subschema_for::<Size>();
        let what =
            "What lies behind so many bytes of the body is not there. Default 64KiB, at most 8MiB.";
        budget.insert("description".to_owned(), what.into());
        let mut schema = json_schema!({
            "type": "object",
            "description": "A condition on a value inside of a request's body: where it lies, and what it must be.",
            "properties": {
                "index": {"type": "integer", "minimum": 0, "description":
                    "The argument of this index, from 0. Dubbo, and Bolt's SofaRequest."},
                "field": {"type": "string", "description":
                    "What is meant in that argument: names behind dots, of fields, keys, or indices of a list."},
                "thrift": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "description":
                    "The field of the first id in the arguments, then of the second in it, and so on."},
                "json": {"type": "string", "description": "A JSON pointer into the body of an HTTP request."},
                "property": {"type": "string", "description": "A request property of Bolt's SofaRequest."},
                "budget": budget,
            },
            "additionalProperties": false
        });
        for (name, form) in forms_of(generator) {
            let form = match name {
                "exact" => json_schema!({
                    "type": ["string", "number", "boolean"],
                    "description": "The value is this."
                }),
                _ => form,
            };
            if let Some(properties) = schema.get_mut("properties").and_then(|p| p.as_object_mut()) {
                properties.insert(name.to_owned(), form.to_value());
            }
        }
        schema
    }
}
