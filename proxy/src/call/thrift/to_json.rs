//! Values to JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Number, Value as Json};
use wireloom_thrift::value::{Kind, Value};

use super::types::{Schema, Struct, Type};

/// Fields as an object whose keys are ids and types.
pub(super) fn by_ids(fields: &[(i16, Value)]) -> Json {
    let fields = fields.iter().map(by_id);
    Json::Object(fields.collect())
}

/// A value of which nothing but its type on the wire is known.
pub(super) fn any(value: &Value) -> Json {
    typed(&Schema::default(), &Type::of(value), value)
}

fn by_id((id, value): &(i16, Value)) -> (String, Json) {
    (format!("{id}:{}", Type::of(value)), any(value))
}

/// A value of this type. What an IDL does not know, or has another type than it says, is shown as the wire has it.
pub(super) fn typed(schema: &Schema, of: &Type, value: &Value) -> Json {
    match (of, value) {
        (_, Value::Bool(is)) => Json::Bool(*is),
        (_, Value::I8(number)) => Json::from(*number),
        (_, Value::I16(number)) => Json::from(*number),
        (Type::Enum(at), Value::I32(number)) => {
            let values = schema.enums.get(*at).map(|found| found.values.as_slice());
            let mut values = values.unwrap_or_default().iter();
            let name = values.find(|(_, known)| known == number);
            name.map_or_else(
                || Json::from(*number),
                |(name, _)| Json::from(name.as_str()),
            )
        }
        (_, Value::I32(number)) => Json::from(*number),
        (_, Value::I64(number)) => Json::from(*number),
        (_, Value::Double(number)) => double(*number),
        (Type::Binary, Value::Binary(bytes)) => Json::String(STANDARD.encode(bytes)),
        (Type::String, Value::Binary(bytes)) => text(bytes),
        (_, Value::Binary(bytes)) => match Type::of(value) {
            Type::Binary => Json::String(STANDARD.encode(bytes)),
            _ => text(bytes),
        },
        (_, Value::Uuid(bytes)) => Json::String(uuid(bytes)),
        (Type::Struct(at), Value::Struct(fields)) => match schema.structs.get(*at) {
            Some(of) => named(schema, of, fields),
            None => by_ids(fields),
        },
        (_, Value::Struct(fields)) => by_ids(fields),
        (Type::List(of) | Type::Set(of), Value::List(_, items) | Value::Set(_, items)) => {
            items.iter().map(|item| typed(schema, of, item)).collect()
        }
        (_, Value::List(_, items) | Value::Set(_, items)) => items.iter().map(any).collect(),
        (Type::Map(key, of), Value::Map(types, entries)) => map(schema, key, of, *types, entries),
        (_, Value::Map(types, entries)) => {
            let schema = Schema::default();
            map(&schema, &Type::Any, &Type::Any, *types, entries)
        }
    }
}

/// Fields as an object whose keys are the names that the struct gives them.
pub(super) fn named(schema: &Schema, of: &Struct, fields: &[(i16, Value)]) -> Json {
    let fields = fields.iter().map(|field| {
        let (id, value) = field;
        let known = of.fields.iter().find(|known| known.id == *id);
        match known {
            Some(known) if known.of.kind() == value.kind() => {
                (known.name.clone(), typed(schema, &known.of, value))
            }
            _ => by_id(field),
        }
    });
    Json::Object(fields.collect())
}

/// An object, or a list of pairs where the keys cannot be an object's.
fn map(
    schema: &Schema,
    key: &Type,
    of: &Type,
    types: Option<(Kind, Kind)>,
    entries: &[(Value, Value)],
) -> Json {
    let compound = |(key, _)| matches!(key, Kind::Struct | Kind::List | Kind::Set | Kind::Map);
    let pair = |(name, value)| (typed(schema, key, name), typed(schema, of, value));
    let pairs: Vec<(Json, Json)> = entries.iter().map(|(k, v)| pair((k, v))).collect();
    if !types.is_some_and(compound) {
        let named = pairs.iter().map(|(name, value)| {
            let name = name
                .as_str()
                .map_or_else(|| name.to_string(), str::to_owned);
            (name, value.clone())
        });
        let object: Map<String, Json> = named.collect();
        // A peer may send a key twice.
        if object.len() == pairs.len() {
            return Json::Object(object);
        }
    }
    let pairs = pairs
        .into_iter()
        .map(|(name, value)| Json::Array(vec![name, value]));
    Json::Array(pairs.collect())
}

/// JSON has no number for these.
fn double(number: f64) -> Json {
    match Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None if number.is_nan() => Json::from("NaN"),
        None if number > 0.0 => Json::from("Infinity"),
        None => Json::from("-Infinity"),
    }
}

fn text(bytes: &Bytes) -> Json {
    Json::String(String::from_utf8_lossy(bytes).into_owned())
}

fn uuid(bytes: &[u8; 16]) -> String {
    let number = u128::from_be_bytes(*bytes);
    let hex = format!("{number:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    let parts = [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ];
    parts.join("-")
}
