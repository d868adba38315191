//! Connections before the first request, as configurations write it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use wireloom_codecs::units::Span;

/// Whether connections are made before the first request needs them, and how long they are waited for at most. The default
/// is that they are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarmUp(Option<Span>);

/// What `true` means.
const USUAL: Span = Span(Duration::from_secs(5));

impl WarmUp {
    /// How long somebody waits for the connections; None if none are made.
    pub fn patience(self) -> Option<Duration> {
        self.0.map(|span| span.0)
    }

    /// Whether nothing is made ahead.
    pub fn is_off(&self) -> bool {
        self.0.is_none()
    }
}

impl Serialize for WarmUp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(span) => span.serialize(serializer),
            None => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for WarmUp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = WarmUp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a duration like 5s")
            }
            fn visit_bool<E: de::Error>(self, on: bool) -> Result<WarmUp, E> {
                Ok(WarmUp(on.then_some(USUAL)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<WarmUp, E> {
                let wrong = |_| E::invalid_value(de::Unexpected::Str(text), &self);
                let span: Span = text.parse().map_err(wrong)?;
                match span.0.is_zero() {
                    true => Err(E::custom(
                        "0s would wait for nothing: write false, or a time",
                    )),
                    false => Ok(WarmUp(Some(span))),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for WarmUp {
    fn schema_name() -> Cow<'static, str> {
        "WarmUp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "boolean" }, generator.subschema_for::<Span>()] })
    }
}
