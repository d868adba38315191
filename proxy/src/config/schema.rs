//! The JSON Schema of the configuration, in which every key says what it is for and what holds without it.
//!
//! What a key is for stands in the comments of its type. What holds without it the types know themselves, so that it is not
//! written there a second time.

use schemars::SchemaGenerator;
use serde_json::Value;
use wireloom_router::filter::Registry;

use super::Config;

/// The JSON Schema of the configuration file.
pub fn schema() -> Value {
    schema_with(&Registry::builtin())
}

/// The same where these filters may be named.
pub fn schema_with(filters: &Registry) -> Value {
    let mut generator = SchemaGenerator::default();
    // What they refer to stands beside what the configuration refers to.
    let filter = filters.schema(&mut generator).to_value();
    let mut schema = generator.into_root_schema_for::<Config>().to_value();
    if let Some(entry) = schema.pointer_mut("/$defs/FilterConfig") {
        *entry = filter;
    }
    let definitions = schema.get("$defs").cloned().unwrap_or_default();
    describe(&mut schema, &definitions);
    schema
}

/// Completes the descriptions of all keys within a schema.
fn describe(schema: &mut Value, definitions: &Value) {
    let map = match schema {
        Value::Object(map) => map,
        Value::Array(list) => return list.iter_mut().for_each(|it| describe(it, definitions)),
        _ => return,
    };
    let about = map.get("description").cloned();
    if let Some(Value::Object(keys)) = map.get_mut("properties") {
        // The form of a choice that has this key is described by what it means.
        let about = about.filter(|_| keys.len() == 1);
        for key in keys.values_mut() {
            complete(key, about.as_ref(), definitions);
        }
    }
    for (name, below) in map {
        // An example or a default is no schema.
        if !["default", "examples", "enum", "const"].contains(&name.as_str()) {
            describe(below, definitions);
        }
    }
}

/// Completes the description of one key.
fn complete(key: &mut Value, about: Option<&Value>, definitions: &Value) {
    let Some(key) = key.as_object_mut() else {
        return;
    };
    let place = key.get("$ref").and_then(Value::as_str);
    let name = place.and_then(|place| place.strip_prefix("#/$defs/"));
    let referred = name.and_then(|name| definitions.get(name)?.get("description"));
    let described = key.get("description").or(about).or(referred);
    let Some(mut text) = described.and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    let default = match key.get("default") {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
        _ => None,
    };
    if let Some(default) = default.filter(|_| !says_default(&text)) {
        text = format!("{text} Default: {}.", default.trim_end_matches(".0"));
    }
    key.insert("description".to_owned(), text.into());
}

/// True if a description says by itself what holds without the key.
fn says_default(text: &str) -> bool {
    text.contains("Default") || text.contains("if not given")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The description of every key within a schema, with the key's own schema.
    fn keys<'a>(path: &str, schema: &'a Value, out: &mut Vec<(String, &'a Value, bool)>) {
        let Some(map) = schema.as_object() else {
            for one in schema.as_array().into_iter().flatten() {
                keys(path, one, out);
            }
            return;
        };
        let required = |key: &str| {
            let required = schema["required"].as_array();
            required.is_some_and(|names| names.iter().any(|name| name == key))
        };
        for (name, key) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            out.push((path.clone(), key, required(name)));
            keys(&path, key, out);
        }
        for (name, below) in map {
            if !["properties", "default", "examples", "enum"].contains(&name.as_str()) {
                keys(&format!("{path}/{name}"), below, out);
            }
        }
    }

    /// True for durations, sizes and numbers.
    fn is_measure(schema: &Value) -> bool {
        let place = schema["$ref"].as_str().unwrap_or_default();
        let own = ["#/$defs/Duration", "#/$defs/Size"].contains(&place);
        let number = ["integer", "number"]
            .iter()
            .any(|name| schema["type"] == *name);
        let forms = schema["anyOf"].as_array().into_iter().flatten();
        own || number || forms.into_iter().any(is_measure)
    }

    #[test]
    fn every_key_says_what_it_is_for() {
        let schema = schema();
        let mut all = Vec::new();
        keys("", &schema, &mut all);
        assert!(all.len() > 300, "{}", all.len());
        for (path, key, _) in all {
            let text = key["description"].as_str().unwrap_or_default();
            assert!(text.len() > 5, "{path} is not described: {key}");
        }
    }

    #[test]
    fn every_duration_size_and_number_says_what_holds_without_it() {
        let schema = schema();
        let mut all = Vec::new();
        keys("", &schema, &mut all);
        all.retain(|(path, key, required)| {
            // Which argument is meant is one of several keys, of which one is there.
            is_measure(key) && !required && !path.ends_with(".index")
        });
        assert!(all.len() > 100, "{}", all.len());
        for (path, key, _) in all {
            let text = key["description"].as_str().unwrap_or_default();
            assert!(says_default(text), "{path}: {text}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_types() {
        let schema = schema();
        let text = |pointer: &str| schema.pointer(pointer).unwrap().as_str().unwrap();
        assert_eq!(
            text("/properties/drain_timeout/description"),
            "How long requests under way may still take once the proxy is told to stop. Default: 30s."
        );
        let choices = text("/$defs/LeastRequest/properties/choices/description");
        assert!(choices.ends_with(" Default: 2."), "{choices}");
        let percentage = text("/$defs/MirrorConfig/properties/percentage/description");
        assert!(percentage.ends_with(" Default: 100."), "{percentage}");
        // Which says it by itself.
        let workers = text("/properties/workers/description");
        assert_eq!(workers.matches("Default").count(), 1, "{workers}");
    }
}
