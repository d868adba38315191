use bytes::{Bytes, BytesMut};

use super::*;
use crate::types::Protocol;
use crate::walk::Walker;

const BOTH: [Protocol; 2] = [Protocol::Binary, Protocol::Compact];

fn written(protocol: Protocol, fields: &[(i16, Value)]) -> Bytes {
    let mut out = BytesMut::new();
    write_struct(protocol, fields, &mut out).unwrap();
    out.freeze()
}

fn read(protocol: Protocol, bytes: &[u8]) -> Result<Fields, ValueError> {
    read_struct(protocol, Bytes::copy_from_slice(bytes))
}

/// One of everything.
fn all() -> Fields {
    let inner = vec![
        (1, Value::Bool(true)),
        (-7, Value::Bool(false)),
        (300, Value::I8(-1)),
    ];
    let many: Vec<_> = (0..20).map(|n| Value::I64(i64::MIN + n)).collect();
    let entry = (Value::text("k"), Value::Struct(inner.clone()));
    vec![
        (1, Value::Bool(false)),
        (2, Value::I8(i8::MIN)),
        (3, Value::I16(i16::MIN)),
        (4, Value::I32(i32::MAX)),
        (20, Value::I64(i64::MAX)),
        (21, Value::Double(-2.5)),
        (22, Value::text("tea")),
        (23, Value::Uuid([7; 16])),
        (24, Value::Struct(inner)),
        (25, Value::List(Kind::I64, many)),
        (
            26,
            Value::Set(Kind::Bool, vec![Value::Bool(true), Value::Bool(false)]),
        ),
        (
            27,
            Value::Map(Some((Kind::Binary, Kind::Struct)), vec![entry]),
        ),
        (28, Value::List(Kind::Double, vec![])),
    ]
}

#[test]
fn what_is_written_is_read_and_walked() {
    for protocol in BOTH {
        let bytes = written(protocol, &all());
        assert_eq!(read(protocol, &bytes), Ok(all()), "{protocol:?}");
        // The walker knows nothing of values.
        let mut walker = Walker::new(protocol, 0);
        assert_eq!(walker.walk(&bytes, bytes.len()).unwrap(), Some(bytes.len()));
        for cut in 0..bytes.len() {
            assert!(read(protocol, &bytes[..cut]).is_err(), "{protocol:?} {cut}");
        }
        let more = [&bytes[..], &[0]].concat();
        assert_eq!(
            read(protocol, &more),
            Err(ValueError("bytes follow its end"))
        );
    }
}

#[test]
fn bytes_are_those_of_the_specifications() {
    let fields = [(1, Value::I32(1)), (2, Value::I32(-2))];
    assert_eq!(
        written(Protocol::Binary, &fields)[..],
        hex::decode("08000100000001080002fffffffe00").unwrap()
    );
    assert_eq!(
        written(Protocol::Compact, &fields)[..],
        [0x15, 2, 0x15, 3, 0]
    );
    let empty = [(1, Value::Map(None, vec![]))];
    assert_eq!(written(Protocol::Compact, &empty)[..], [0x1b, 0, 0]);
    assert_eq!(read(Protocol::Compact, &[0x1b, 0, 0]).unwrap(), empty);
    assert_eq!(
        read(Protocol::Binary, &[13, 0, 1, 0, 0, 0, 0, 0, 0, 0]).unwrap(),
        empty
    );
    // Both of the types that a list of bools may state.
    for of in [1, 2] {
        let list = read(Protocol::Compact, &[0x19, 0x20 | of, 1, 2, 0]).unwrap();
        assert_eq!(
            list[0].1,
            Value::List(Kind::Bool, vec![Value::Bool(true), Value::Bool(false)])
        );
    }
}

#[test]
fn depth_and_sizes_are_bounded() {
    let nest = |levels: usize| {
        (0..levels).fold(Value::Struct(vec![]), |value, _| {
            Value::Struct(vec![(1, value)])
        })
    };
    for protocol in BOTH {
        // The outermost struct is one more.
        let fits = written(protocol, &[(1, nest(62))]);
        assert!(read(protocol, &fits).is_ok());
        let mut out = BytesMut::new();
        let error = write_struct(protocol, &[(1, nest(63))], &mut out).unwrap_err();
        assert_eq!(error.to_string(), "values are nested more than 64 deep");
        let field: &[u8] = if protocol == Protocol::Binary {
            &[12, 0, 1]
        } else {
            &[0x1c]
        };
        assert_eq!(
            read(protocol, &field.repeat(500_000)),
            Err(ValueError("it is nested more than 64 deep"))
        );
    }
    for (protocol, bytes) in [
        (Protocol::Binary, &[15, 0, 1, 2, 0x7f, 0xff, 0xff, 0xff][..]),
        (Protocol::Binary, &[15, 0, 1, 2, 0xff, 0xff, 0xff, 0xff]),
        (Protocol::Binary, &[13, 0, 1, 2, 2, 0, 0, 0, 2, 1, 1, 1]),
        (
            Protocol::Compact,
            &[0x19, 0xf3, 0xff, 0xff, 0xff, 0xff, 0x07],
        ),
        (
            Protocol::Compact,
            &[0x19, 0xf3, 0xff, 0xff, 0xff, 0xff, 0x0f],
        ),
        (Protocol::Compact, &[0x1b, 0x7f, 0x33, 1, 1]),
    ] {
        assert_eq!(
            read(protocol, bytes),
            Err(ValueError("it states a size that it cannot have")),
            "{bytes:?}"
        );
    }
    let mut endless = vec![0x16];
    endless.extend([0xff; 11]);
    assert_eq!(
        read(Protocol::Compact, &endless),
        Err(ValueError("it has a number that does not end"))
    );
    let mut many = vec![15, 0, 1, 3];
    many.extend((MAX_VALUES as u32).to_be_bytes());
    many.resize(many.len() + MAX_VALUES + 1, 0);
    assert_eq!(
        read(Protocol::Binary, &many),
        Err(ValueError("it holds more values than are read"))
    );
}

#[test]
fn elements_are_of_their_container_s_type() {
    let mixed = [(1, Value::List(Kind::I8, vec![Value::I16(1)]))];
    for protocol in BOTH {
        assert!(write_struct(protocol, &mixed, &mut BytesMut::new()).is_err());
    }
}
