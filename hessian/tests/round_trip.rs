//! Any value in either dialect, and through JSON, is the same afterwards.
#![allow(missing_docs)]

use bytes::Bytes;
use proptest::prelude::*;
use wireloom_hessian::json::{Style, from_json, to_json};
use wireloom_hessian::{Dialect, Name, Reader, Value, decode_all, encode};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::Int),
        (-300_000..300_000).prop_map(Value::Int),
        any::<i64>().prop_map(Value::Long),
        (-300_000..300_000i64).prop_map(Value::Long),
        any::<f64>()
            .prop_filter("NaN is not equal to itself", |d| !d.is_nan())
            .prop_map(Value::Double),
        any::<i32>().prop_map(|mills| Value::Double(f64::from(mills) / 1000.0)),
        any::<i32>().prop_map(|int| Value::Double(f64::from(int >> 8))),
        any::<i64>().prop_map(Value::Date),
        any::<i32>().prop_map(|minutes| Value::Date(i64::from(minutes) * 60_000)),
        any::<String>().prop_map(Value::String),
        (0usize..70_000, any::<char>()).prop_map(|(n, c)| Value::String(c.to_string().repeat(n))),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(|b| Value::Binary(Bytes::from(b))),
        (0usize..70_000).prop_map(|n| Value::Binary(Bytes::from(vec![7; n]))),
        // Put in range by `settle`.
        any::<u32>().prop_map(Value::Ref),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        Just("[int"),
        Just("java.util.LinkedList"),
        Just("com.acme.Größe"),
        Just("$x😀")
    ]
    .prop_map(Name::from)
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 60, 12, |inner| {
        let pair = (inner.clone(), inner.clone());
        let field = (name(), inner.clone());
        prop_oneof![
            (
                proptest::option::of(name()),
                proptest::collection::vec(inner, 0..12)
            )
                .prop_map(|(type_name, items)| Value::List { type_name, items }),
            (
                proptest::option::of(name()),
                proptest::collection::vec(pair, 0..6)
            )
                .prop_map(|(type_name, entries)| Value::Map { type_name, entries }),
            (name(), proptest::collection::vec(field, 0..6))
                .prop_map(|(class, fields)| Value::Object { class, fields }),
        ]
    })
}

/// Makes references refer to what has begun, and keeps maps from beginning with the key true, which the
/// draft can say only with a type.
fn settle(value: &mut Value, begun: &mut u32) {
    match value {
        Value::Ref(index) if *begun > 0 => *index %= *begun,
        Value::Ref(_) => *value = Value::Null,
        Value::List { items, .. } => {
            *begun += 1;
            items.iter_mut().for_each(|item| settle(item, begun));
        }
        Value::Map { entries, .. } => {
            *begun += 1;
            if let Some((key @ Value::Bool(true), _)) = entries.first_mut() {
                *key = Value::Bool(false);
            }
            for (key, value) in entries {
                settle(key, begun);
                settle(value, begun);
            }
        }
        Value::Object { fields, .. } => {
            *begun += 1;
            fields
                .iter_mut()
                .for_each(|(_, value)| settle(value, begun));
        }
        _ => {}
    }
}

fn body() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(value(), 1..4).prop_map(|mut values| {
        let mut begun = 0;
        values
            .iter_mut()
            .for_each(|value| settle(value, &mut begun));
        values
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_and_back(values in body(), draft in any::<bool>()) {
        let dialect = if draft { Dialect::Draft } else { Dialect::Final };
        let bytes = encode(&values, dialect).unwrap();
        prop_assert_eq!(&decode_all(&bytes, dialect).unwrap(), &values);
        let mut reader = Reader::new(&bytes, dialect);
        prop_assert_eq!(reader.skip_values(values.len()), Ok(()));
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn json_and_back(values in body()) {
        for value in &values {
            let json = to_json(value, Style::Exact);
            prop_assert_eq!(&from_json(&json).unwrap(), value);
            let text = serde_json::to_string(&json).unwrap();
            let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&from_json(&parsed).unwrap(), value);
        }
    }

    #[test]
    fn no_bytes_break_anything(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        wireloom_hessian::fuzz::fuzz_all(&bytes);
    }
}

#[test]
fn signs_of_zero_and_nan_survive() {
    for dialect in [Dialect::Final, Dialect::Draft] {
        let values = [
            Value::Double(-0.0),
            Value::Double(f64::NAN),
            Value::Double(f64::NEG_INFINITY),
        ];
        let bytes = encode(&values, dialect).unwrap();
        assert_eq!(
            format!("{:?}", decode_all(&bytes, dialect).unwrap()),
            format!("{values:?}")
        );
        for value in &values {
            let back = from_json(&to_json(value, Style::Exact)).unwrap();
            assert_eq!(format!("{back:?}"), format!("{value:?}"));
        }
    }
}

#[test]
fn a_draft_map_that_begins_with_true_gets_a_type() {
    let map = Value::map([(true, 1)]);
    let bytes = encode([&map], Dialect::Draft).unwrap();
    assert_eq!(&bytes[..], b"Mt\0\x11java.util.HashMapT\x91z");
    let decoded = decode_all(&bytes, Dialect::Draft).unwrap();
    assert_eq!(decoded[0].type_name(), Some("java.util.HashMap"));
}

#[test]
fn what_cannot_be_written_is_an_error() {
    use wireloom_hessian::Error;
    for dialect in [Dialect::Final, Dialect::Draft] {
        let dangling = Value::list([Value::Ref(1)]);
        assert!(matches!(
            encode([&dangling], dialect),
            Err(Error::BadRef {
                index: 1,
                known: 1,
                ..
            })
        ));
        let mut deep = Value::Null;
        for _ in 0..200 {
            deep = Value::list([deep]);
        }
        assert_eq!(encode([&deep], dialect), Err(Error::TooDeep { limit: 128 }));
    }
}

#[test]
fn references_take_as_many_bytes_as_they_need() {
    let lists = |n: usize| std::iter::repeat_n(Value::list([]), n);
    let refs = [0, 255, 256, 65_535, 65_536].map(Value::Ref);
    let value = Value::list(lists(70_000).chain(refs));
    for (dialect, end) in [
        (Dialect::Final, "5190 51c8ff 51c900 51d4ffff 51d50000"),
        (Dialect::Draft, "4a00 4aff 4b0100 4bffff 5200010000 7a"),
    ] {
        let bytes = encode([&value], dialect).unwrap();
        assert!(bytes.ends_with(&hex::decode(end.replace(' ', "")).unwrap()));
        assert_eq!(
            decode_all(&bytes, dialect).as_deref(),
            Ok([value.clone()].as_slice())
        );
        let mut reader = Reader::new(&bytes, dialect);
        assert_eq!((reader.skip_value(), reader.is_empty()), (Ok(()), true));
    }
}
