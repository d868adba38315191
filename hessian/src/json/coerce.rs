//! JSON to the value that a Java parameter of a known type wants.

use bytes::Bytes;
use serde_json::Value as Json;

use super::{BadJson, from};
use crate::descriptor::{self, class_of, java_name};
use crate::{Limits, Name, Value};

/// The value of a parameter of this type, a JVM type descriptor such as `I` or `Ljava/util/List;`.
///
/// * Numbers must fit: `byte`, `short`, `int` become ints, `long` a long, `float` and `double` a double,
///   boxed types the same; primitives refuse null.
/// * `char` and `char[]` become strings, `byte[]` a binary (from base64 or an array of numbers), other arrays
///   lists with the type names that Java writes (`[int`, `[string`, `[com.acme.Order`).
/// * `List` and `Collection` become untyped lists, `Map` an untyped map, other `java.util` types typed ones
///   (`Set` is a `HashSet`, `SortedMap` a `TreeMap`, …).
/// * `Date` takes RFC 3339 or milliseconds, `BigDecimal` a number or its text.
/// * For another class an object becomes an instance with its members as fields, text an enum constant, an
///   array a collection of that class.
/// * What has a hint such as `$class` is taken as [`from_json`](super::from_json) takes it, and so is
///   everything for `Object`.
pub fn coerce(json: &Json, descriptor: &str) -> Result<Value, BadJson> {
    nested(json, descriptor, 0)
}

/// The values of a call's arguments, given the descriptors of all its parameters in a row.
pub fn coerce_args(args: &[Json], descriptors: &str) -> Result<Vec<Value>, BadJson> {
    let types = descriptor::split(descriptors).collect::<Result<Vec<_>, _>>();
    let types = types.map_err(|e| BadJson::new(e.to_string()))?;
    if types.len() != args.len() {
        return Err(BadJson::new(format!(
            "has {} arguments, but the method's descriptor {descriptors} has {}",
            args.len(),
            types.len(),
        )));
    }
    let arg = |(i, (json, descriptor))| coerce(json, descriptor).map_err(|e: BadJson| e.in_item(i));
    args.iter().zip(types).enumerate().map(arg).collect()
}

/// The descriptor of a parameter that takes this value, where nothing better is known: primitives for
/// numbers and booleans, `List` and `Map` for untyped collections, `Object` for null.
pub fn guess_descriptor(value: &Value) -> String {
    match value {
        Value::Bool(_) => "Z".to_owned(),
        Value::Int(_) => "I".to_owned(),
        Value::Long(_) => "J".to_owned(),
        Value::Double(_) => "D".to_owned(),
        Value::Date(_) => "Ljava/util/Date;".to_owned(),
        Value::String(_) => "Ljava/lang/String;".to_owned(),
        Value::Binary(_) => "[B".to_owned(),
        Value::List {
            type_name: Some(name),
            ..
        } => match name.strip_prefix('[') {
            Some(element) => array_descriptor(element),
            None => class_descriptor(name),
        },
        Value::Map {
            type_name: Some(name),
            ..
        }
        | Value::Object { class: name, .. } => class_descriptor(name),
        Value::List {
            type_name: None, ..
        } => "Ljava/util/List;".to_owned(),
        Value::Map {
            type_name: None, ..
        } => "Ljava/util/Map;".to_owned(),
        Value::Null | Value::Ref(_) => "Ljava/lang/Object;".to_owned(),
    }
}

fn class_descriptor(name: &str) -> String {
    format!("L{};", name.replace('.', "/"))
}

/// Of an array whose wire type is `[` and `element`.
fn array_descriptor(element: &str) -> String {
    let name = element.trim_start_matches('[');
    let dimensions = "[".repeat(element.len() - name.len() + 1);
    let short = ELEMENTS.iter().find(|(_, short)| *short == name);
    dimensions
        + &short.map_or_else(
            || class_descriptor(name),
            |(descriptor, _)| (*descriptor).to_owned(),
        )
}

/// Array element types that do not go by their class names on the wire (hessian-lite's `BasicSerializer`
/// and `ArraySerializer`).
const ELEMENTS: [(&str, &str); 10] = [
    ("Z", "boolean"),
    ("S", "short"),
    ("I", "int"),
    ("J", "long"),
    ("F", "float"),
    ("D", "double"),
    ("C", "char"),
    ("Ljava/lang/String;", "string"),
    ("Ljava/lang/Object;", "object"),
    ("Ljava/util/Date;", "date"),
];

fn nested(json: &Json, descriptor: &str, depth: usize) -> Result<Value, BadJson> {
    if depth >= Limits::MAX_VALUE_DEPTH {
        return Err(BadJson::new(format!(
            "nests deeper than {}",
            Limits::MAX_VALUE_DEPTH
        )));
    }
    let java = java_name(descriptor)
        .map_err(|_| BadJson::new(format!("{descriptor} is no type descriptor")))?;
    let wrong = |right: &str| BadJson::new(format!("must be {right}, for the type is {java}"));
    if json.is_null() {
        return match descriptor.len() {
            1 => Err(wrong("anything but null")),
            _ => Ok(Value::Null),
        };
    }
    let plain = || from::nested(json, depth);
    if from::is_hinted(json) {
        return plain().and_then(|value| match fits(&value, descriptor) {
            true => Ok(value),
            false => Err(wrong("a value of it")),
        });
    }
    let unboxed = BOXES
        .iter()
        .find(|(class, _)| *class == descriptor)
        .map_or(descriptor, |(_, p)| p);
    match unboxed {
        "Z" => json
            .as_bool()
            .map(Value::Bool)
            .ok_or_else(|| wrong("true or false")),
        "B" => int(json, i8::MIN, i8::MAX).ok_or_else(|| wrong("an integer of 8 bits")),
        "S" => int(json, i16::MIN, i16::MAX).ok_or_else(|| wrong("an integer of 16 bits")),
        "I" => int(json, i32::MIN, i32::MAX).ok_or_else(|| wrong("an integer of 32 bits")),
        "J" => json
            .as_i64()
            .map(Value::Long)
            .ok_or_else(|| wrong("an integer of 64 bits")),
        "F" | "D" => from::double(json)
            .map(Value::Double)
            .ok_or_else(|| wrong("a number")),
        "C" => {
            let text = json
                .as_str()
                .filter(|text| crate::strings::utf16_len(text) == 1);
            text.map(Value::from)
                .ok_or_else(|| wrong("text of one character"))
        }
        "[C" | "Ljava/lang/String;" | "Ljava/lang/CharSequence;" => {
            json.as_str().map(Value::from).ok_or_else(|| wrong("text"))
        }
        "Ljava/lang/Number;" => match json {
            Json::Number(_) => plain(),
            _ => Err(wrong("a number")),
        },
        "Ljava/lang/Object;"
        | "Ljava/io/Serializable;"
        | "Ljava/lang/Comparable;"
        | "Ljava/lang/Cloneable;" => plain(),
        "Ljava/util/Date;" => {
            from::date(json).ok_or_else(|| wrong("an RFC 3339 date or milliseconds since 1970"))
        }
        "Ljava/math/BigDecimal;" => match json {
            Json::String(text) => Ok(Value::object(
                "java.math.BigDecimal",
                [("value", text.as_str())],
            )),
            Json::Number(number) => Ok(Value::object(
                "java.math.BigDecimal",
                [("value", number.to_string())],
            )),
            _ => Err(wrong("a number or its text")),
        },
        "[B" => bytes(json).ok_or_else(|| wrong("base64 or an array of bytes")),
        _ => match (descriptor.strip_prefix('['), json) {
            (Some(element), Json::Array(items)) => array(items, element, depth),
            (Some(_), _) => Err(wrong("an array")),
            (None, _) => class(json, descriptor, depth),
        },
    }
}

const BOXES: [(&str, &str); 8] = [
    ("Ljava/lang/Boolean;", "Z"),
    ("Ljava/lang/Byte;", "B"),
    ("Ljava/lang/Character;", "C"),
    ("Ljava/lang/Double;", "D"),
    ("Ljava/lang/Float;", "F"),
    ("Ljava/lang/Integer;", "I"),
    ("Ljava/lang/Long;", "J"),
    ("Ljava/lang/Short;", "S"),
];

/// Whether a hinted value can go to a parameter of this type; classes are not known here, so they fit.
fn fits(value: &Value, descriptor: &str) -> bool {
    let unboxed = BOXES
        .iter()
        .find(|(class, _)| *class == descriptor)
        .map_or(descriptor, |(_, p)| p);
    match unboxed {
        "B" | "S" | "I" => matches!(value, Value::Int(_)),
        "J" => matches!(value, Value::Long(_) | Value::Int(_)),
        "F" | "D" => matches!(value, Value::Double(_)),
        "Z" | "C" | "Ljava/lang/String;" => false,
        "[B" => matches!(value, Value::Binary(_) | Value::Ref(_)),
        "Ljava/util/Date;" => matches!(value, Value::Date(_) | Value::Ref(_)),
        _ => true,
    }
}

fn int<N: Into<i64>>(json: &Json, min: N, max: N) -> Option<Value> {
    let long = json
        .as_i64()
        .filter(|long| (min.into()..=max.into()).contains(long))?;
    i32::try_from(long).ok().map(Value::Int)
}

/// Base64, or numbers from -128 to 255.
fn bytes(json: &Json) -> Option<Value> {
    let Json::Array(items) = json else {
        return from::binary(json);
    };
    let byte = |item: &Json| {
        let number = item.as_i64()?;
        u8::try_from(number)
            .ok()
            .or_else(|| i8::try_from(number).ok().map(|n| n.to_be_bytes()[0]))
    };
    let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
    bytes.map(|bytes| Value::Binary(Bytes::from(bytes)))
}

fn array(items: &[Json], element: &str, depth: usize) -> Result<Value, BadJson> {
    let item = |(i, item)| nested(item, element, depth + 1).map_err(|e: BadJson| e.in_item(i));
    let items = items
        .iter()
        .enumerate()
        .map(item)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Value::List {
        type_name: Some(array_type(element).into()),
        items,
    })
}

/// The wire type of an array of these.
fn array_type(element: &str) -> String {
    let inner = element.trim_start_matches('[');
    let dimensions = "[".repeat(element.len() - inner.len() + 1);
    let short = ELEMENTS.iter().find(|(descriptor, _)| *descriptor == inner);
    match short {
        Some((_, name)) => dimensions + name,
        None => dimensions + &class_of(inner).unwrap_or_else(|| "byte".to_owned()),
    }
}

/// A parameter of a class or interface that has no rule of its own.
fn class(json: &Json, descriptor: &str, depth: usize) -> Result<Value, BadJson> {
    let name = class_of(descriptor).unwrap_or_default();
    let concrete = match name.as_str() {
        "java.util.List"
        | "java.util.Collection"
        | "java.util.ArrayList"
        | "java.lang.Iterable"
        | "java.util.Map"
        | "java.util.HashMap" => None,
        "java.util.Set" => Some("java.util.HashSet"),
        "java.util.SortedSet" | "java.util.NavigableSet" => Some("java.util.TreeSet"),
        "java.util.Queue" | "java.util.Deque" => Some("java.util.LinkedList"),
        "java.util.SortedMap" | "java.util.NavigableMap" => Some("java.util.TreeMap"),
        "java.util.concurrent.ConcurrentMap" => Some("java.util.concurrent.ConcurrentHashMap"),
        other => Some(other),
    };
    let type_name = concrete.map(Name::from);
    let collection = name.starts_with("java.util.") || concrete.is_none();
    match json {
        Json::Array(_) if !name.ends_with("Map") => match from::nested(json, depth)? {
            Value::List { items, .. } => Ok(Value::List { type_name, items }),
            other => Ok(other),
        },
        Json::Object(_)
            if collection
                && (name.ends_with("Map")
                    || name.ends_with("Properties")
                    || name.ends_with("Hashtable")) =>
        {
            match from::nested(json, depth)? {
                Value::Map { entries, .. } => Ok(Value::Map { type_name, entries }),
                other => Ok(other),
            }
        }
        Json::Object(members) if !collection => Ok(Value::Object {
            class: Name::from(name),
            fields: from::fields(members, &[], depth)?,
        }),
        Json::String(text) if !name.starts_with("java.") => {
            Ok(Value::object(name, [("name", text.as_str())]))
        }
        _ => Err(BadJson::new(format!(
            "is for a {name}, which is not made from this; an object with \"$class\" can state any value",
        ))),
    }
}
