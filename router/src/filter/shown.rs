//! Configurations of filters as others may see them: without their secrets.

use schemars::SchemaGenerator;
use serde_json::Value;
use wireloom_codecs::units::HIDDEN;

use super::Registry;

/// References within a schema are followed so far.
const DEEPEST: usize = 16;

/// Knows the secrets of one filter's configuration by its schema, where they are `writeOnly`.
#[derive(Debug)]
pub struct Secrets {
    schema: Value,
    definitions: Value,
}

impl Registry {
    /// The secrets of the filter `name`; None if it has none, or nobody knows it.
    pub fn secrets(&self, name: &str) -> Option<Secrets> {
        let mut generator = SchemaGenerator::default();
        let schema = self.schema_of(name, &mut generator)?.to_value();
        let definitions = Value::from(generator.take_definitions(true));
        let secrets = Secrets {
            schema,
            definitions,
        };
        (has_any(&secrets.schema) || has_any(&secrets.definitions)).then_some(secrets)
    }
}

/// True if something in a schema is a secret.
fn has_any(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => is_secret(schema) || map.values().any(has_any),
        Value::Array(list) => list.iter().any(has_any),
        _ => false,
    }
}

fn is_secret(schema: &Value) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
}

impl Secrets {
    /// Puts [`HIDDEN`] in the place of every secret.
    pub fn hide(&self, config: &mut Value) {
        self.hide_at(config, vec![&self.schema]);
    }

    /// The same within a value of which each of these schemas says something.
    fn hide_at<'a>(&'a self, value: &mut Value, schemas: Vec<&'a Value>) {
        let mut here = Vec::new();
        for schema in schemas {
            self.open(schema, &mut here, 0);
        }
        if here.iter().any(|schema| is_secret(schema)) {
            *value = HIDDEN.into();
            return;
        }
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.hide_at(value, here.iter().flat_map(|it| of_key(it, key)).collect());
                }
            }
            Value::Array(list) => {
                for (at, value) in list.iter_mut().enumerate() {
                    let first = |it: &&'a Value| it.get("prefixItems")?.get(at);
                    let schema = |it: &&'a Value| first(it).or_else(|| it.get("items"));
                    self.hide_at(value, here.iter().filter_map(schema).collect());
                }
            }
            _ => {}
        }
    }

    /// Follows references and alternatives: all of them hold, for to hide too much does no harm.
    fn open<'a>(&'a self, schema: &'a Value, out: &mut Vec<&'a Value>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        out.push(schema);
        let place = schema.get("$ref").and_then(Value::as_str);
        let name = place.and_then(|place| place.strip_prefix("#/$defs/"));
        if let Some(target) = name.and_then(|name| self.definitions.get(name)) {
            self.open(target, out, depth + 1);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            let alternatives = schema.get(key).and_then(Value::as_array);
            for alternative in alternatives.into_iter().flatten() {
                self.open(alternative, out, depth + 1);
            }
        }
    }
}

/// What a schema says of a key's value.
fn of_key<'a>(schema: &'a Value, key: &str) -> Vec<&'a Value> {
    let named = schema.get("properties").and_then(|keys| keys.get(key));
    match named {
        Some(named) => vec![named],
        None => {
            let patterns = schema.get("patternProperties").and_then(Value::as_object);
            let patterns = patterns.into_iter().flat_map(|patterns| patterns.values());
            patterns.chain(schema.get("additionalProperties")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;
    use wireloom_codecs::units::Secret;

    use super::*;
    use crate::Problem;
    use crate::filter::{Configured, Filter};

    struct Keeper;

    impl Filter for Keeper {}

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its form matters")]
    struct Config {
        plain: String,
        one: Secret,
        perhaps: Option<Secret>,
        many: Vec<Secret>,
        by_name: BTreeMap<String, Secret>,
        within: Vec<Inner>,
        either: Either,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its form matters")]
    struct Inner {
        user: String,
        password: Secret,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its form matters")]
    enum Either {
        Token(Secret),
        Login(Inner),
    }

    impl Configured for Keeper {
        const NAME: &'static str = "keeper";
        type Config = Config;

        fn new(_: Config) -> Result<Self, Vec<Problem>> {
            Ok(Self)
        }
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let registry = Registry::builtin().with::<Keeper>();
        let secrets = registry.secrets("keeper").unwrap();
        let config = |secret: &str, either| {
            json!({
                "plain": "p", "one": secret, "perhaps": secret, "many": [secret, secret],
                "by_name": {"a": secret, "b": secret},
                "within": [{"user": "u", "password": secret}],
                "either": either,
            })
        };
        for (either, hidden) in [
            (json!({"token": "s"}), json!({"token": "***"})),
            (
                json!({"login": {"user": "u", "password": "s"}}),
                json!({"login": {"user": "u", "password": "***"}}),
            ),
        ] {
            let mut shown = config("s", either);
            secrets.hide(&mut shown);
            assert_eq!(shown, config("***", hidden));
        }
    }

    #[test]
    fn filters_without_secrets_are_shown_as_they_are() {
        let registry = Registry::builtin();
        for name in registry.names() {
            assert!(registry.secrets(name).is_none(), "{name}");
        }
        assert!(registry.secrets("nobody").is_none());
    }
}
