//! Texts that are not to be shown.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// What stands for a secret wherever it would be seen.
pub const HIDDEN: &str = "***";

/// A text that a configuration holds and nobody is to see: a token, a password. Debug output, what it is serialized to, and
/// errors have [`HIDDEN`] in its place.
///
/// Its schema says `writeOnly`, by which the admin server knows the secrets of a filter's configuration: those that are values,
/// that is, for keys are shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        // serde's own words for a number in the place of a text would have the number.
        fn bare<E: Error>() -> E {
            E::custom("a secret is a text: put it in quotes")
        }

        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret(text.to_owned()))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Secret, E> {
                Err(bare())
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
                Err(bare())
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Secret, E> {
                Err(bare())
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
                Err(bare())
            }
        }

        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text that the admin server does not show.",
            "type": "string",
            "writeOnly": true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::Error;

    #[test]
    fn nobody_sees_it() {
        let secret = Secret::from("s3cret".to_owned());
        assert_eq!(secret.expose(), "s3cret");
        assert_eq!(format!("{secret:?}"), HIDDEN);
        let read = |number: u64| {
            let number = IntoDeserializer::<Error>::into_deserializer(number);
            Secret::deserialize(number).unwrap_err().to_string()
        };
        assert!(!read(12_345).contains("12345"));
    }
}
