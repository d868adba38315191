//! JSON to [`Value`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Number, Value as Json};

use super::{BadJson, date};
use crate::{Limits, Name, Value};

/// Member names that say what an object stands for.
const HINTS: [&str; 11] = [
    "$class", "$type", "$items", "$entries", "$fields", "$int", "$long", "$double", "$date",
    "$binary", "$ref",
];

/// The value that JSON stands for, see the [module](super). Members that begin with `$` and are no hints
/// are keys like others. Nesting is bounded by [`Limits::MAX_VALUE_DEPTH`].
pub fn from_json(json: &Json) -> Result<Value, BadJson> {
    nested(json, 0)
}

/// Whether an object says itself what it stands for.
pub(super) fn is_hinted(json: &Json) -> bool {
    json.as_object()
        .is_some_and(|members| HINTS.iter().any(|hint| members.contains_key(*hint)))
}

pub(super) fn nested(json: &Json, depth: usize) -> Result<Value, BadJson> {
    match json {
        Json::Null => Ok(Value::Null),
        Json::Bool(value) => Ok(Value::Bool(*value)),
        Json::Number(number) => self::number(number),
        Json::String(text) => Ok(Value::String(text.clone())),
        Json::Array(_) | Json::Object(_) if depth >= Limits::MAX_VALUE_DEPTH => Err(BadJson::new(
            format!("nests deeper than {}", Limits::MAX_VALUE_DEPTH),
        )),
        Json::Array(items) => Ok(Value::List {
            type_name: None,
            items: self::items(items, depth)?,
        }),
        Json::Object(members) if is_hinted(json) => hinted(members, depth),
        Json::Object(members) => Ok(Value::Map {
            type_name: None,
            entries: entries(members, &[], depth)?,
        }),
    }
}

pub(super) fn number(number: &Number) -> Result<Value, BadJson> {
    match (number.as_i64(), number.as_f64()) {
        (Some(long), _) => Ok(i32::try_from(long).map_or(Value::Long(long), Value::Int)),
        (None, Some(double)) if number.is_f64() => Ok(Value::Double(double)),
        _ => Err(BadJson::new(format!(
            "{number} does not fit a long; write it with a point for a double"
        ))),
    }
}

pub(super) fn items(items: &[Json], depth: usize) -> Result<Vec<Value>, BadJson> {
    let item = |(i, item)| nested(item, depth + 1).map_err(|e: BadJson| e.in_item(i));
    items.iter().enumerate().map(item).collect()
}

/// The members but those named, as the entries of a map.
pub(super) fn entries(
    members: &Map<String, Json>,
    but: &[&str],
    depth: usize,
) -> Result<Vec<(Value, Value)>, BadJson> {
    let fields = fields::<String>(members, but, depth)?;
    Ok(fields
        .into_iter()
        .map(|(name, value)| (Value::String(name), value))
        .collect())
}

/// The members but those named.
pub(super) fn fields<N: for<'a> From<&'a str>>(
    members: &Map<String, Json>,
    but: &[&str],
    depth: usize,
) -> Result<Vec<(N, Value)>, BadJson> {
    let field = |(name, json): (&String, _)| match nested(json, depth + 1) {
        Ok(value) => Ok((N::from(name), value)),
        Err(bad) => Err(bad.in_member(name)),
    };
    members
        .iter()
        .filter(|(name, _)| !but.contains(&name.as_str()))
        .map(field)
        .collect()
}

fn hinted(members: &Map<String, Json>, depth: usize) -> Result<Value, BadJson> {
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(Name::from(text.as_str()))),
        Some(_) => Err(BadJson::new("must be a string").in_member(name)),
    };
    if let Some(class) = text("$class")? {
        let mut fields = match members.get("$fields") {
            Some(pairs) => named_pairs(pairs, depth).map_err(|e| e.in_member("$fields"))?,
            None => Vec::new(),
        };
        fields.extend(self::fields::<Name>(
            members,
            &["$class", "$fields"],
            depth,
        )?);
        return Ok(Value::Object { class, fields });
    }
    let type_name = text("$type")?;
    let alone = members.len() - usize::from(type_name.is_some()) == 1;
    if let Some(items) = members.get("$items").filter(|_| alone) {
        let Json::Array(items) = items else {
            return Err(BadJson::new("must be an array").in_member("$items"));
        };
        let items = self::items(items, depth).map_err(|e| e.in_member("$items"))?;
        return Ok(Value::List { type_name, items });
    }
    if let Some(pairs) = members.get("$entries").filter(|_| alone) {
        let entries = pairs_of(pairs, depth).map_err(|e| e.in_member("$entries"))?;
        return Ok(Value::Map { type_name, entries });
    }
    if type_name.is_some() {
        return Ok(Value::Map {
            type_name,
            entries: entries(members, &["$type"], depth)?,
        });
    }
    match members.iter().next() {
        Some((hint, json)) if members.len() == 1 => {
            scalar(hint, json).map_err(|e| e.in_member(hint))
        }
        _ => Err(BadJson::new(format!(
            "{} must stand alone in its object",
            HINTS
                .iter()
                .find(|hint| members.contains_key(**hint))
                .unwrap_or(&"a hint"),
        ))),
    }
}

/// `[[key, value], …]`.
fn pairs_of(json: &Json, depth: usize) -> Result<Vec<(Value, Value)>, BadJson> {
    let pair = |(i, pair): (usize, &Json)| match pair.as_array().map(Vec::as_slice) {
        Some([key, value]) => {
            let part =
                |at, json| nested(json, depth + 1).map_err(|e: BadJson| e.in_item(at).in_item(i));
            Ok((part(0, key)?, part(1, value)?))
        }
        _ => Err(BadJson::new("must be [key, value]").in_item(i)),
    };
    let pairs = json
        .as_array()
        .ok_or_else(|| BadJson::new("must be an array of pairs"))?;
    pairs.iter().enumerate().map(pair).collect()
}

fn named_pairs(json: &Json, depth: usize) -> Result<Vec<(Name, Value)>, BadJson> {
    let named = |(i, (key, value)): (usize, (Value, Value))| match key {
        Value::String(name) => Ok((Name::from(name), value)),
        _ => Err(BadJson::new("must begin with the field's name").in_item(i)),
    };
    pairs_of(json, depth)?
        .into_iter()
        .enumerate()
        .map(named)
        .collect()
}

/// The object `{hint: json}`.
fn scalar(hint: &str, json: &Json) -> Result<Value, BadJson> {
    let bad = |right: &str| BadJson::new(format!("must be {right}"));
    match hint {
        "$int" => {
            let int = json.as_i64().and_then(|long| i32::try_from(long).ok());
            int.map(Value::Int)
                .ok_or_else(|| bad("an integer of 32 bits"))
        }
        "$long" => json
            .as_i64()
            .map(Value::Long)
            .ok_or_else(|| bad("an integer of 64 bits")),
        "$double" => double(json)
            .map(Value::Double)
            .ok_or_else(|| bad("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")),
        "$date" => date(json).ok_or_else(|| bad("an RFC 3339 date or milliseconds since 1970")),
        "$binary" => binary(json).ok_or_else(|| bad("base64")),
        "$ref" => {
            let index = json.as_u64().and_then(|index| u32::try_from(index).ok());
            index
                .map(Value::Ref)
                .ok_or_else(|| bad("the number of a list, map or object"))
        }
        _ => Err(bad("accompanied by $class")),
    }
}

pub(super) fn double(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn date(json: &Json) -> Option<Value> {
    let millis = match json {
        Json::String(text) => date::parse(text),
        other => other.as_i64(),
    };
    millis.map(Value::Date)
}

pub(super) fn binary(json: &Json) -> Option<Value> {
    let bytes = STANDARD.decode(json.as_str()?).ok()?;
    Some(Value::Binary(Bytes::from(bytes)))
}
