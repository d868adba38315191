use serde_json::json;

use super::*;
use crate::Value;

fn readable(value: &Value) -> serde_json::Value {
    to_json(value, Style::Readable)
}

#[test]
fn an_order_reads_as_a_person_would_write_it() {
    let order = Value::object(
        "com.acme.Order",
        [
            ("id", Value::Long(7)),
            ("price", Value::Double(12.0)),
            ("made", Value::Date(1_700_000_000_123)),
            (
                "photo",
                Value::Binary(bytes::Bytes::from_static(b"\x00\xff")),
            ),
            (
                "tags",
                Value::typed_list("java.util.HashSet", ["a".into(), "b".into()]),
            ),
            ("own", Value::typed_list("com.acme.Bag", [])),
            ("next", Value::Ref(0)),
        ],
    );
    let text = serde_json::to_string(&readable(&order)).unwrap();
    assert_eq!(
        text,
        r#"{"$class":"com.acme.Order","id":7,"price":12.0,"made":{"$date":"2023-11-14T22:13:20.123Z"},"photo":{"$binary":"AP8="},"tags":["a","b"],"own":{"$type":"com.acme.Bag","$items":[]},"next":{"$ref":0}}"#
    );
}

#[test]
fn exact_says_what_readable_leaves_out() {
    for (value, readably, exactly) in [
        (Value::Long(7), json!(7), json!({"$long": 7})),
        (Value::Long(1 << 40), json!(1i64 << 40), json!(1i64 << 40)),
        (
            Value::typed_list("[int", [1.into()]),
            json!([1]),
            json!({"$type": "[int", "$items": [1]}),
        ),
        (
            Value::Map {
                type_name: Some("java.util.TreeMap".into()),
                entries: vec![("a".into(), 1.into())],
            },
            json!({"a": 1}),
            json!({"$type": "java.util.TreeMap", "a": 1}),
        ),
        (
            Value::map([(1, "x")]),
            json!({"$entries": [[1, "x"]]}),
            json!({"$entries": [[1, "x"]]}),
        ),
        (
            Value::map([("$k", 1)]),
            json!({"$entries": [["$k", 1]]}),
            json!({"$entries": [["$k", 1]]}),
        ),
        (
            Value::object("A", [("f", 1), ("f", 2)]),
            json!({"$class": "A", "$fields": [["f", 1], ["f", 2]]}),
            json!({"$class": "A", "$fields": [["f", 1], ["f", 2]]}),
        ),
        (
            Value::Double(f64::INFINITY),
            json!({"$double": "Infinity"}),
            json!({"$double": "Infinity"}),
        ),
        (
            Value::Date(i64::MAX),
            json!({"$date": i64::MAX}),
            json!({"$date": i64::MAX}),
        ),
    ] {
        assert_eq!(readable(&value), readably);
        assert_eq!(to_json(&value, Style::Exact), exactly);
        assert_eq!(from_json(&exactly), Ok(value));
    }
}

#[test]
fn plain_json_becomes_the_obvious_value() {
    let json = json!({"a": [1, 2.0, 3_000_000_000u64, null, true], "$other": "x"});
    let items = [
        Value::Int(1),
        Value::Double(2.0),
        Value::Long(3_000_000_000),
        Value::Null,
        true.into(),
    ];
    let wanted = Value::map([("a", Value::list(items)), ("$other", "x".into())]);
    assert_eq!(from_json(&json), Ok(wanted));
    assert_eq!(from_json(&json!({"$int": 5})), Ok(Value::Int(5)));
    assert_eq!(from_json(&json!({"$double": 5})), Ok(Value::Double(5.0)));
    assert_eq!(
        from_json(&json!({"$date": "1970-01-01"})),
        Ok(Value::Date(0))
    );
    assert_eq!(from_json(&json!({"$date": 5})), Ok(Value::Date(5)));
}

#[test]
fn bad_json_says_where_and_what() {
    for (json, message) in [
        (
            json!({"$long": "x"}),
            "$.$long: must be an integer of 64 bits",
        ),
        (
            json!({"a": [1, {"$date": "soon"}]}),
            "$.a[1].$date: must be an RFC 3339 date or milliseconds since 1970",
        ),
        (json!({"$binary": "?"}), "$.$binary: must be base64"),
        (
            json!({"$long": 1, "a": 2}),
            "$: $long must stand alone in its object",
        ),
        (
            json!({"$ref": -1}),
            "$.$ref: must be the number of a list, map or object",
        ),
        (json!({"$class": 1}), "$.$class: must be a string"),
        (json!({"$items": 1}), "$.$items: must be an array"),
        (
            json!({"$entries": [[1, 2], [1]]}),
            "$.$entries[1]: must be [key, value]",
        ),
        (
            json!({"$entries": [[1, {"$int": 1.5}]]}),
            "$.$entries[0][1].$int: must be an integer of 32 bits",
        ),
        (
            json!([u64::MAX]),
            "$[0]: 18446744073709551615 does not fit a long; write it with a point for a double",
        ),
        (
            json!({"$fields": []}),
            "$.$fields: must be accompanied by $class",
        ),
        (
            json!({"$class": "A", "$fields": [[1, 2]]}),
            "$.$fields[0]: must begin with the field's name",
        ),
    ] {
        assert_eq!(from_json(&json).unwrap_err().to_string(), message, "{json}");
    }
    let mut deep = json!(1);
    for _ in 0..129 {
        deep = json!([deep]);
    }
    assert!(
        from_json(&deep)
            .unwrap_err()
            .to_string()
            .ends_with("nests deeper than 128")
    );
}

#[test]
fn arguments_take_the_type_of_their_parameter() {
    let list = |type_name: &str, items: Vec<Value>| Value::typed_list(type_name, items);
    for (json, descriptor, value) in [
        (json!(7), "I", Value::Int(7)),
        (json!(7), "J", Value::Long(7)),
        (json!(7), "D", Value::Double(7.0)),
        (json!("NaN"), "F", Value::Double(f64::NAN)),
        (json!(-128), "B", Value::Int(-128)),
        (json!(true), "Z", Value::Bool(true)),
        (json!("ü"), "C", "ü".into()),
        (json!(7), "Ljava/lang/Long;", Value::Long(7)),
        (json!(null), "Ljava/lang/Long;", Value::Null),
        (json!({"$int": 7}), "J", Value::Int(7)),
        (json!("a"), "Ljava/lang/String;", "a".into()),
        (
            json!("AP8="),
            "[B",
            Value::Binary(bytes::Bytes::from_static(b"\x00\xff")),
        ),
        (
            json!([0, -1, 255]),
            "[B",
            Value::Binary(bytes::Bytes::from_static(b"\x00\xff\xff")),
        ),
        (json!("abc"), "[C", "abc".into()),
        (
            json!([1, 2]),
            "[J",
            list("[long", vec![Value::Long(1), Value::Long(2)]),
        ),
        (
            json!(["a"]),
            "[Ljava/lang/String;",
            list("[string", vec!["a".into()]),
        ),
        (
            json!([["a"]]),
            "[[Ljava/lang/String;",
            list("[[string", vec![list("[string", vec!["a".into()])]),
        ),
        (
            json!([1, "a"]),
            "[Ljava/lang/Object;",
            list("[object", vec![1.into(), "a".into()]),
        ),
        (
            json!([null]),
            "[Lcom/acme/Order;",
            list("[com.acme.Order", vec![Value::Null]),
        ),
        (json!([1]), "Ljava/util/List;", Value::list([1.into()])),
        (
            json!([1]),
            "Ljava/util/Set;",
            list("java.util.HashSet", vec![1.into()]),
        ),
        (
            json!([1]),
            "Ljava/util/LinkedList;",
            list("java.util.LinkedList", vec![1.into()]),
        ),
        (json!({"a": 1}), "Ljava/util/Map;", Value::map([("a", 1)])),
        (
            json!({"a": 1}),
            "Ljava/util/SortedMap;",
            Value::Map {
                type_name: Some("java.util.TreeMap".into()),
                entries: vec![("a".into(), 1.into())],
            },
        ),
        (
            json!("1970-01-01T00:00:01Z"),
            "Ljava/util/Date;",
            Value::Date(1000),
        ),
        (
            json!(12.5),
            "Ljava/math/BigDecimal;",
            Value::object("java.math.BigDecimal", [("value", "12.5")]),
        ),
        (
            json!({"id": 7}),
            "Lcom/acme/Order;",
            Value::object("com.acme.Order", [("id", 7)]),
        ),
        (
            json!("GREEN"),
            "Lcom/acme/Color;",
            Value::object("com.acme.Color", [("name", "GREEN")]),
        ),
        (
            json!({"$class": "com.acme.Sub", "id": 7}),
            "Lcom/acme/Order;",
            Value::object("com.acme.Sub", [("id", 7)]),
        ),
        (
            json!({"id": 7}),
            "Ljava/lang/Object;",
            Value::map([("id", 7)]),
        ),
    ] {
        let coerced =
            coerce(&json, descriptor).unwrap_or_else(|e| panic!("{json} as {descriptor}: {e}"));
        assert_eq!(
            format!("{coerced:?}"),
            format!("{value:?}"),
            "{json} as {descriptor}"
        );
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    for (json, descriptor, message) in [
        (
            json!(null),
            "I",
            "$: must be anything but null, for the type is int",
        ),
        (
            json!(1.5),
            "I",
            "$: must be an integer of 32 bits, for the type is int",
        ),
        (
            json!(1i64 << 31),
            "I",
            "$: must be an integer of 32 bits, for the type is int",
        ),
        (
            json!(128),
            "B",
            "$: must be an integer of 8 bits, for the type is byte",
        ),
        (
            json!("1"),
            "J",
            "$: must be an integer of 64 bits, for the type is long",
        ),
        (
            json!(1),
            "Ljava/lang/String;",
            "$: must be text, for the type is java.lang.String",
        ),
        (
            json!({"$long": 1}),
            "I",
            "$: must be a value of it, for the type is int",
        ),
        (
            json!("ab"),
            "C",
            "$: must be text of one character, for the type is char",
        ),
        (
            json!([1, [2]]),
            "[I",
            "$[1]: must be an integer of 32 bits, for the type is int",
        ),
        (
            json!([300]),
            "[B",
            "$: must be base64 or an array of bytes, for the type is byte[]",
        ),
        (json!(1), "[I", "$: must be an array, for the type is int[]"),
        (json!(1), "X", "$: X is no type descriptor"),
        (json!(1), "II", "$: II is no type descriptor"),
    ] {
        assert_eq!(coerce(&json, descriptor).unwrap_err().to_string(), message);
    }
    for (json, descriptor) in [
        (json!({"a": 1}), "Ljava/util/List;"),
        (json!([1]), "Ljava/util/Map;"),
        (json!("2024-01-01"), "Ljava/time/LocalDate;"),
        (json!(1), "Lcom/acme/Order;"),
    ] {
        assert!(coerce(&json, descriptor).is_err(), "{json} as {descriptor}");
    }
}

#[test]
fn arguments_are_matched_to_descriptors() {
    let args = [json!("a"), json!(1)];
    assert_eq!(
        coerce_args(&args, "Ljava/lang/String;J"),
        Ok(vec!["a".into(), Value::Long(1)])
    );
    let few = coerce_args(&args, "I").unwrap_err().to_string();
    assert_eq!(
        few,
        "$: has 2 arguments, but the method's descriptor I has 1"
    );
    let bad = coerce_args(&args, "Ljava/lang/String;Z")
        .unwrap_err()
        .to_string();
    assert_eq!(bad, "$[1]: must be true or false, for the type is boolean");
}

#[test]
fn guessed_descriptors_take_their_value() {
    for (value, descriptor) in [
        (Value::Null, "Ljava/lang/Object;"),
        (Value::Int(1), "I"),
        (Value::Long(1), "J"),
        (Value::Double(1.0), "D"),
        (Value::from(true), "Z"),
        ("a".into(), "Ljava/lang/String;"),
        (Value::Date(0), "Ljava/util/Date;"),
        (Value::Binary(bytes::Bytes::new()), "[B"),
        (Value::list([]), "Ljava/util/List;"),
        (Value::typed_list("[int", []), "[I"),
        (Value::typed_list("[[string", []), "[[Ljava/lang/String;"),
        (
            Value::typed_list("[com.acme.Order", []),
            "[Lcom/acme/Order;",
        ),
        (
            Value::typed_list("java.util.HashSet", []),
            "Ljava/util/HashSet;",
        ),
        (Value::map::<&str, i32>([]), "Ljava/util/Map;"),
        (
            Value::object::<&str, i32>("com.acme.Order", []),
            "Lcom/acme/Order;",
        ),
    ] {
        assert_eq!(guess_descriptor(&value), descriptor);
        assert_eq!(crate::descriptor::count(&guess_descriptor(&value)), Ok(1));
        let json = to_json(&value, Style::Exact);
        assert_eq!(coerce(&json, descriptor), Ok(value));
    }
}
