//! One entry of a list of filters.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::filter::Registry;

/// A filter: its name, and what that filter's configuration is. Written as a mapping of one key: `rate_limit: {…}`.
///
/// The same filter may stand in a list twice under names of its own: `rate_limit/per-client`. What follows the slash is
/// part of the name in metrics, and of the name by which a route replaces a listener's filter.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterConfig {
    /// The name with what follows the slash.
    pub name: String,
    /// What the filter of that name reads. None means `off`: it does not run here, whatever an outer list says.
    pub config: Option<Value>,
}

impl FilterConfig {
    /// The name by which the filter is registered: without what follows the slash.
    pub fn kind(&self) -> &str {
        self.name
            .split_once('/')
            .map_or(&*self.name, |(kind, _)| kind)
    }
}

impl<'de> Deserialize<'de> for FilterConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneKey)
    }
}

struct OneKey;

impl<'de> Visitor<'de> for OneKey {
    type Value = FilterConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a filter's name with its configuration, like `rate_limit: {…}`,")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilterConfig, A::Error> {
        let Some((name, config)) = map.next_entry::<String, Value>()? else {
            return Err(Error::custom(
                "is empty: write the name of a filter, with its configuration behind it",
            ));
        };
        if let Some(second) = map.next_key::<String>()? {
            let second: String = second.chars().take(60).collect();
            return Err(Error::custom(format!(
                "has several keys: each filter is an entry of its own, so begin `{second}` with a dash"
            )));
        }
        let off = config == Value::Bool(false) || config == "off";
        Ok(FilterConfig {
            name,
            config: (!off).then_some(config),
        })
    }
}

impl Serialize for FilterConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match &self.config {
            Some(config) => map.serialize_entry(&self.name, config)?,
            None => map.serialize_entry(&self.name, "off")?,
        }
        map.end()
    }
}

impl JsonSchema for FilterConfig {
    fn schema_name() -> Cow<'static, str> {
        "FilterConfig".into()
    }

    /// Of the filters that Wireloom comes with.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Registry::builtin().schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<FilterConfig, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn is_a_name_with_a_configuration_or_off() {
        let limit = read("rate_limit/mine: {rate: 5}").unwrap();
        assert_eq!(
            (limit.kind(), &*limit.name),
            ("rate_limit", "rate_limit/mine")
        );
        assert_eq!(limit.config, Some(serde_json::json!({"rate": 5})));
        for off in ["fault: off", "fault: false"] {
            let filter = read(off).unwrap();
            assert_eq!((filter.kind(), &filter.config), ("fault", &None), "{off}");
        }
    }

    #[test]
    fn says_what_an_entry_is() {
        for (json, told) in [
            (r#""fault""#, "a filter's name with its configuration"),
            ("{}", "is empty"),
            (
                r#"{"fault": {}, "access": {}}"#,
                "begin `access` with a dash",
            ),
        ] {
            let error = serde_json::from_str::<FilterConfig>(json).unwrap_err();
            assert!(error.to_string().contains(told), "{json}: {error}");
        }
    }

    #[test]
    fn is_written_as_it_is_read() {
        for json in [r#"{"fault":{"delay":"5ms"}}"#, r#"{"fault":"off"}"#] {
            let filter: FilterConfig = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&filter).unwrap(), json);
        }
    }
}
