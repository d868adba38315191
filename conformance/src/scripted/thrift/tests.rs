//! What is written is what Apache's libraries write.

use super::*;

fn plus(seqid: i32, dialect: Dialect) -> Vec<u8> {
    let arguments = Value::Struct(vec![(1, Value::I32(1)), (2, Value::I32(2))]);
    dialect.of(CALL, "plus", seqid, &arguments)
}

/// Captured from PyPI thrift 0.25.0.
#[test]
fn calls_are_those_of_the_python_library() {
    for (dialect, seqid, bytes) in [
        (
            FRAMED,
            1,
            "0000001f8001000100000004706c757300000001080001000000010800020000000200",
        ),
        (FRAMED_COMPACT, 1, "0000000d82210104706c75731502150400"),
        (
            BUFFERED,
            1,
            "8001000100000004706c757300000001080001000000010800020000000200",
        ),
        (BUFFERED_COMPACT, 1, "82210104706c75731502150400"),
        (
            FRAMED_COMPACT,
            -2,
            "000000118221feffffff0f04706c75731502150400",
        ),
        (
            HEADER,
            11,
            "0000002d0fff00000000000b0001000000008001000100000004706c75730000000b080001000000010800020000000200",
        ),
        (
            HEADER_COMPACT,
            11,
            "0000001b0fff00000000000b00010200000082210b04706c75731502150400",
        ),
    ] {
        assert_eq!(hex::encode(plus(seqid, dialect)), bytes, "{dialect:?}");
    }
}

/// From the same library: all types, and pairs in a header.
#[test]
fn all_types_are_those_of_the_python_library() {
    let argument = Value::Struct(vec![
        (1, Value::I64(-5)),
        (2, Value::text("Aé😀")),
        (3, Value::List(8, (0..=15).map(Value::I32).collect())),
        (
            4,
            Value::Map(11, 2, vec![(Value::text("k"), Value::Bool(true))]),
        ),
        (5, Value::Map(11, 8, Vec::new())),
        (6, Value::Bool(true)),
        (7, Value::Bool(false)),
        (8, Value::Double(1.5)),
        (9, Value::I8(-1)),
        (10, Value::I16(-300)),
        (300, Value::Set(10, vec![Value::I64(9)])),
    ]);
    let value = Value::Struct(vec![(1, argument)]);
    for (dialect, bytes) in [
        (
            FRAMED,
            "000000b98001000100000003707574000000640c00010a0001fffffffffffffffb0b00020000000741c3a9f09f98800f00030800000010000000000000000100000002000000030000000400000005000000060000000700000008000000090000000a0000000b0000000c0000000d0000000e0000000f0d00040b0200000001000000016b010d00050b080000000002000601020007000400083ff8000000000000030009ff06000afed40e012c0a0000000100000000000000090000",
        ),
        (
            FRAMED_COMPACT,
            "00000045822164037075741c1609180741c3a9f09f988019f51000020406080a0c0e10121416181a1c1e1b0181016b011b00111217000000000000f83f13ff14d7040ad80416120000",
        ),
    ] {
        assert_eq!(hex::encode(dialect.of(CALL, "put", 100, &value)), bytes);
    }
    let message = plus(12, BUFFERED);
    assert_eq!(
        hex::encode(HEADER.wrap(&message, 12, &[("x-trace", "abc"), ("caller", "web")])),
        "000000450fff00000000000c00070000010207782d7472616365036162630663616c6c657203776562008001000100000004706c75730000000c080001000000010800020000000200"
    );
}

/// One of everything, in containers too.
fn everything() -> Value {
    let some = vec![Value::I64(i64::MIN), Value::I64(-1), Value::I64(300)];
    Value::Struct(vec![
        (1, Value::Bool(true)),
        (2, Value::Bool(false)),
        (3, Value::I8(-7)),
        (20, Value::I16(-300)),
        (19, Value::I32(i32::MAX)),
        (-1, Value::Double(0.1)),
        (1000, Value::text("text")),
        (1001, Value::Uuid([9; 16])),
        (1002, Value::List(10, some.clone())),
        (
            1003,
            Value::Set(2, vec![Value::Bool(true), Value::Bool(false)]),
        ),
        (1004, Value::List(3, vec![Value::I8(1); 20])),
        (
            1005,
            Value::Map(
                8,
                12,
                vec![(
                    Value::I32(5),
                    Value::Struct(vec![(1, Value::List(10, some))]),
                )],
            ),
        ),
    ])
}

#[test]
fn what_is_written_can_be_read_wherever_it_is_cut() {
    for dialect in Dialect::ALL {
        let bytes = dialect.of(CALL, "S:m", -5, &everything());
        for cut in 0..bytes.len() {
            assert!(dialect.read(&bytes[..cut]).unwrap().is_none());
        }
        let (message, length) = dialect.read(&bytes).unwrap().unwrap();
        assert_eq!(length, bytes.len());
        assert_eq!(Dialect::detect(&bytes).unwrap(), Some(dialect));
        assert_eq!(
            (message.method(), message.start.seqid, message.outer),
            ("m", -5, -5)
        );
        assert_eq!(message.value, everything());
        if dialect.has_header() {
            let bytes = dialect.call_with("m", 1, b"x", &[("k", "v"), ("l", "w")]);
            let (message, _) = dialect.read(&bytes).unwrap().unwrap();
            assert_eq!(message.pairs[1], ("l".to_owned(), "w".to_owned()));
            assert_eq!(message.payload(), b"x");
        }
    }
}
