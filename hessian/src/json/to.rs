//! [`Value`] to JSON.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::date;
use crate::{Limits, Name, Value};

/// How much of a value its JSON states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// To be read: no types of arrays and of `java.util` collections, longs as plain numbers.
    #[default]
    Readable,
    /// Everything: [`from_json`](super::from_json) gives the value back.
    Exact,
}

/// The value as JSON, see the [module](super). What nests deeper than
/// [`Limits::MAX_VALUE_DEPTH`] is left out as null; a decoder builds nothing deeper.
pub fn to_json(value: &Value, style: Style) -> Json {
    nested(value, style, 0)
}

fn nested(value: &Value, style: Style, depth: usize) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Long(value) => match i32::try_from(*value) {
            Ok(int) if style == Style::Exact => json!({ "$long": int }),
            _ => Json::from(*value),
        },
        Value::Double(value) if value.is_finite() => Json::from(*value),
        Value::Double(value) if value.is_nan() => json!({ "$double": "NaN" }),
        Value::Double(value) if *value > 0.0 => json!({ "$double": "Infinity" }),
        Value::Double(_) => json!({ "$double": "-Infinity" }),
        Value::Date(millis) => match date::format(*millis) {
            Some(text) => json!({ "$date": text }),
            None => json!({ "$date": millis }),
        },
        Value::String(text) => Json::from(text.as_str()),
        Value::Binary(bytes) => json!({ "$binary": STANDARD.encode(bytes) }),
        Value::Ref(index) => json!({ "$ref": index }),
        Value::List { .. } | Value::Map { .. } | Value::Object { .. }
            if depth >= Limits::MAX_VALUE_DEPTH =>
        {
            Json::Null
        }
        Value::List { type_name, items } => {
            let items = items
                .iter()
                .map(|item| nested(item, style, depth + 1))
                .collect();
            match shown(type_name.as_ref(), style) {
                Some(name) => json!({ "$type": name, "$items": Json::Array(items) }),
                None => Json::Array(items),
            }
        }
        Value::Map { type_name, entries } => {
            let mut members = Map::new();
            if let Some(name) = shown(type_name.as_ref(), style) {
                members.insert("$type".to_owned(), Json::from(name));
            }
            let names = entries.iter().map(|(key, _)| key.as_str());
            match plain(names.clone()) {
                true => members.extend(names.zip(entries).filter_map(|(name, (_, value))| {
                    Some((name?.to_owned(), nested(value, style, depth + 1)))
                })),
                false => {
                    let pair = |(key, value): &(Value, Value)| {
                        json!([
                            nested(key, style, depth + 1),
                            nested(value, style, depth + 1)
                        ])
                    };
                    members.insert("$entries".to_owned(), entries.iter().map(pair).collect());
                }
            }
            Json::Object(members)
        }
        Value::Object { class, fields } => {
            let mut members = Map::new();
            members.insert("$class".to_owned(), Json::from(&**class));
            match plain(fields.iter().map(|(name, _)| Some(&**name))) {
                true => members.extend(
                    fields
                        .iter()
                        .map(|(name, value)| (name.to_string(), nested(value, style, depth + 1))),
                ),
                false => {
                    let pair = |(name, value): &(Name, Value)| {
                        json!([&**name, nested(value, style, depth + 1)])
                    };
                    members.insert("$fields".to_owned(), fields.iter().map(pair).collect());
                }
            }
            Json::Object(members)
        }
    }
}

/// The type, if this style shows it.
fn shown(type_name: Option<&Name>, style: Style) -> Option<&str> {
    let name: &str = type_name?;
    let usual = name.starts_with('[') || name.starts_with("java.util.");
    (style == Style::Exact || !usual).then_some(name)
}

/// Whether these can be the members of a JSON object.
fn plain<'a>(mut names: impl Iterator<Item = Option<&'a str>>) -> bool {
    let mut seen = HashSet::new();
    names.all(|name| name.is_some_and(|name| !name.starts_with('$') && seen.insert(name)))
}
