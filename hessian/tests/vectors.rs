//! Against bytes written by Java's hessian-lite and sofa-hessian, hessian.js 2 and hessian.js 1.
#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing
)]

mod common;

use common::{Vector, vectors};
use serde_json::Value as Json;
use wireloom_hessian::json::{Style, to_json};
use wireloom_hessian::{Dialect, Reader, Value, decode_all, encode};

#[test]
fn skipping_ends_exactly_at_the_end() {
    for vector in vectors() {
        let bytes = vector.bytes();
        let mut reader = Reader::new(&bytes, vector.dialect());
        for _ in 0..vector.top_level_values {
            assert!(!reader.is_empty(), "{}", vector.name);
            reader
                .skip_value()
                .unwrap_or_else(|e| panic!("{}: {e}", vector.name));
        }
        assert!(
            reader.is_empty(),
            "{} ends at {}",
            vector.name,
            reader.position()
        );
    }
}

#[test]
fn decoded_values_are_what_the_encoder_was_given() {
    // Those whose content the vectors only describe; the round trips and the bytes still check them.
    const DESCRIBED: [&str; 6] = [
        "java_biginteger",
        "java_local_date",
        "java_object_16_classes",
        "java_throwable",
        "js_object_cycle",
        "draft_object_cycle",
    ];
    for vector in vectors() {
        let values = decode(&vector);
        assert_eq!(values.len(), vector.top_level_values, "{}", vector.name);
        let stated = !vector.expect.is_null() && check(&vector, &values);
        let name = vector.name.as_str();
        let described = DESCRIBED.contains(&name) || name.starts_with("sofa_");
        assert_eq!(stated, !described, "{name}");
    }
}

/// The values of `sofa-hessian.json` as JSON, in the terms of its Java names; numbers are in the names.
#[test]
fn sofa_values_are_what_java_was_given() {
    let order = r#"{"$class":"com.acme.Order","id":7,"sku":"A1","weight":2.5,"stamp":1099511627776,"next":null,"tags":["x",{"$class":"com.acme.Color","name":"GREEN"}]}"#;
    let stated = [
        ("null", "null".to_owned()),
        ("true", "true".to_owned()),
        ("char_c", r#""c""#.to_owned()),
        ("date", r#"{"$date":"1998-05-08T09:51:31Z"}"#.to_owned()),
        ("date_minute", r#"{"$date":"1998-05-08T09:51:00Z"}"#.to_owned()),
        ("str_cjk", r#""中文""#.to_owned()),
        ("str_pair", r#""😀""#.to_owned()),
        ("bin_16", r#"{"$binary":"AAECAwQFBgcICQoLDA0ODw=="}"#.to_owned()),
        ("arraylist", r#"[1,"a",null]"#.to_owned()),
        ("linkedlist_twice", "[1,2] [3]".to_owned()),
        ("hashset", "[7]".to_owned()),
        ("array_int", "[1,2,3]".to_owned()),
        ("array_string", r#"["a","b"]"#.to_owned()),
        ("array_long_nested", "[[1],[2]]".to_owned()),
        ("hashmap", r#"{"k":"v"}"#.to_owned()),
        ("hashmap_empty", "{}".to_owned()),
        ("linkedhashmap", r#"{"$entries":[["a",1],[2,"b"]]}"#.to_owned()),
        ("treemap_twice", r#"{"a":1} {"a":1}"#.to_owned()),
        ("order", order.to_owned()),
        ("order_cycle", r#"{"$class":"com.acme.Order","id":9,"sku":null,"weight":0.0,"stamp":0,"next":{"$ref":0},"tags":null}"#.to_owned()),
        ("orders_shared", order.to_owned() + r#" {"$class":"com.acme.Order","id":0,"sku":null,"weight":0.0,"stamp":0,"next":{"$ref":0},"tags":null} {"$ref":0}"#),
        ("enum", r#"{"$class":"com.acme.Color","name":"GREEN"} {"$class":"com.acme.Color","name":"RED"}"#.to_owned()),
        ("shared_list", r#"[[1],{"$ref":1}]"#.to_owned()),
        ("bigdecimal", r#"{"$class":"java.math.BigDecimal","value":"12.50"}"#.to_owned()),
        ("class", r#"{"$class":"java.lang.Class","name":"java.lang.String"}"#.to_owned()),
        ("throwable", r#"{"$class":"java.lang.IllegalStateException","detailMessage":"boom","cause":{"$ref":0},"stackTrace":[{"$class":"java.lang.StackTraceElement","classLoaderName":null,"moduleName":null,"moduleVersion":null,"declaringClass":"com.acme.A","methodName":"run","fileName":"A.java","lineNumber":7}],"suppressedExceptions":[]}"#.to_owned()),
        ("sqldate", r#"{"$class":"java.sql.Timestamp","value":{"$date":"1998-05-08T09:51:31Z"}}"#.to_owned()),
        ("uuid", r#"{"$class":"java.util.UUID","mostSigBits":1,"leastSigBits":2}"#.to_owned()),
    ];
    let mut seen = 0;
    for vector in vectors() {
        let Some(name) = vector.name.strip_prefix("sofa_") else {
            continue;
        };
        let values = decode(&vector);
        if let Some((_, json)) = stated.iter().find(|(stated, _)| *stated == name) {
            let found: Vec<_> = values
                .iter()
                .map(|v| to_json(v, Style::Readable).to_string())
                .collect();
            assert_eq!(&found.join(" "), json, "{name}");
            seen += 1;
        }
        match (name.split_once('_'), &values[..]) {
            (Some(("int" | "short", int)), [Value::Int(found)]) => {
                assert_eq!(*found, int.parse::<i32>().unwrap())
            }
            (Some(("long", long)), [Value::Long(found)]) => {
                assert_eq!(*found, long.parse::<i64>().unwrap())
            }
            (Some(("double" | "float", double)), [Value::Double(found)]) => {
                let given: f64 = double.parse().unwrap();
                assert!(
                    *found == given || found.is_nan() && given.is_nan(),
                    "{name}"
                );
            }
            (Some(("int" | "short" | "long" | "double" | "float", _)), other) => {
                panic!("{other:?}")
            }
            _ => {}
        }
    }
    assert_eq!(seen, stated.len());
}

#[test]
fn values_survive_a_round_trip_in_both_dialects() {
    for vector in vectors() {
        let values = decode(&vector);
        for dialect in [Dialect::Final, Dialect::Draft] {
            let bytes = encode(&values, dialect).unwrap();
            let again = decode_all(&bytes, dialect).unwrap();
            assert!(same(&again, &values), "{} in {dialect:?}", vector.name);
        }
    }
}

/// Forms that are read but not written, see the encoder's documentation.
const NOT_CANONICAL: [&str; 5] = [
    // Chunks of what Java's output buffer had left.
    "java_bin_8190",
    "java_bin_20000",
    // Lists up to an end tag, which hessian-lite writes only when told so and cannot read back.
    "java_list_variable_untyped_manual",
    "java_list_variable_typed_manual",
    // A double that fits a float, in eight bytes; Java writes four.
    "draft_double_12.25",
];

#[test]
fn encoding_reproduces_the_bytes() {
    for vector in vectors() {
        let bytes = encode(&decode(&vector), vector.dialect()).unwrap();
        let equal = bytes == vector.bytes();
        let canonical = !NOT_CANONICAL.contains(&vector.name.as_str());
        assert_eq!(
            equal,
            canonical,
            "{}: {}",
            vector.name,
            hex::encode(&bytes[..bytes.len().min(80)])
        );
    }
}

#[test]
fn a_cut_body_is_an_error_at_every_byte() {
    for vector in vectors() {
        let bytes = vector.bytes();
        // Every cut of the short ones; around the chunk heads and the ends of the long ones.
        let cuts = (0..bytes.len())
            .filter(|cut| bytes.len() < 2000 || cut % 1009 < 3 || bytes.len() - cut < 9);
        for cut in cuts {
            let body = &bytes[..cut];
            let mut reader = Reader::new(body, vector.dialect());
            let skipped = (0..vector.top_level_values).try_for_each(|_| reader.skip_value());
            assert!(skipped.is_err(), "{} cut at {cut}", vector.name);
            let decoded = decode_all(body, vector.dialect());
            assert!(
                decoded.is_err() || decoded.unwrap().len() < vector.top_level_values,
                "{} cut at {cut}",
                vector.name
            );
        }
    }
}

fn decode(vector: &Vector) -> Vec<Value> {
    decode_all(&vector.bytes(), vector.dialect()).unwrap_or_else(|e| panic!("{}: {e}", vector.name))
}

fn same(a: &[Value], b: &[Value]) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// Whether the vector states a content that can be compared.
fn check(vector: &Vector, values: &[Value]) -> bool {
    let expect = &vector.expect;
    let (first, name) = (&values[0], &vector.name);
    let type_of = |key: &str| expect.get(key).and_then(Json::as_str);
    match expect["type"].as_str().unwrap() {
        "null" => assert_eq!(first, &Value::Null, "{name}"),
        "bool" => assert_eq!(
            first,
            &Value::Bool(expect["value"].as_bool().unwrap()),
            "{name}"
        ),
        "int" => {
            let int = i32::try_from(expect["value"].as_i64().unwrap()).unwrap();
            assert_eq!(first, &Value::Int(int), "{name}");
        }
        "long" => {
            let long = expect["value"].as_str().unwrap().parse().unwrap();
            assert_eq!(first, &Value::Long(long), "{name}");
        }
        "double" => {
            let double = match expect["value"].as_str() {
                Some("NaN") => f64::NAN,
                Some("Infinity") => f64::INFINITY,
                Some(other) => panic!("{name}: {other}"),
                None => expect["value"].as_f64().unwrap(),
            };
            let Value::Double(found) = first else {
                panic!("{name}: {first:?}")
            };
            assert!(
                *found == double || found.is_nan() && double.is_nan(),
                "{name}: {found}"
            );
        }
        "date" => {
            assert_eq!(
                first,
                &Value::Date(expect["epoch_ms"].as_i64().unwrap()),
                "{name}"
            );
        }
        "string" => {
            let text = match (
                expect.get("value").and_then(Json::as_str),
                type_of("repeat"),
            ) {
                (Some(text), _) => text.to_owned(),
                (None, Some(repeat)) => {
                    let count = usize::try_from(expect["count"].as_u64().unwrap()).unwrap();
                    repeat.repeat(count) + type_of("suffix").unwrap_or_default()
                }
                (None, None) => panic!("{name} has no text"),
            };
            assert_eq!(first.as_str(), Some(text.as_str()), "{name}");
        }
        "binary" => {
            let len = usize::try_from(expect["byte_len"].as_u64().unwrap()).unwrap();
            let Value::Binary(bytes) = first else {
                panic!("{name}: {first:?}")
            };
            assert_eq!(bytes.len(), len, "{name}");
            if expect.get("pattern").is_some() {
                assert!(
                    bytes
                        .iter()
                        .enumerate()
                        .all(|(i, b)| usize::from(*b) == i & 0xff),
                    "{name}"
                );
            }
        }
        "list" | "map" | "object" | "sequence" => {
            if let Some(class) = type_of("class").or(type_of("java_type")) {
                assert_eq!(first.type_name(), Some(class), "{name}");
            }
            if let Some(pairs) = expect.get("pairs").and_then(Json::as_array) {
                let Value::Map { entries, .. } = first else {
                    panic!("{name}: {first:?}")
                };
                assert_eq!(entries.len(), pairs.len(), "{name}");
                for ((key, value), pair) in entries.iter().zip(pairs) {
                    assert!(loosely(key, &pair[0]) && loosely(value, &pair[1]), "{name}");
                }
                return true;
            }
            let Some(content) = expect.get("fields").or(expect.get("value")) else {
                return false;
            };
            if values.len() > 1 {
                let contents = content.as_array().unwrap();
                assert!(
                    values.iter().zip(contents).all(|(v, c)| loosely(v, c)),
                    "{name}: {values:?}"
                );
            } else {
                assert!(
                    loosely(first, content),
                    "{name}: {first:?} is not {content}"
                );
            }
        }
        other => panic!("{name}: {other}"),
    }
    true
}

/// Compares with the vectors' shorthand, in which objects show some of their fields.
fn loosely(value: &Value, json: &Json) -> bool {
    match (value, json) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(value), Json::Bool(json)) => value == json,
        (Value::Int(_) | Value::Long(_), Json::Number(_)) => value.as_i64() == json.as_i64(),
        (Value::String(value), Json::String(json)) => value == json,
        (Value::Ref(index), json) => json["ref"].as_u64() == Some(u64::from(*index)),
        (Value::List { items, .. }, Json::Array(json)) => {
            items.len() == json.len() && items.iter().zip(json).all(|(v, j)| loosely(v, j))
        }
        (Value::Object { .. } | Value::Map { .. }, Json::Object(json)) => {
            json.iter().all(|(name, json)| match name.as_str() {
                "class" => value.type_name() == json.as_str(),
                _ => value.get(name).is_some_and(|v| loosely(v, json)),
            })
        }
        _ => false,
    }
}
