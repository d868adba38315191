//! Against a writer that shares nothing with the code: values are built, written in both protocols, and each must become
//! the other byte for byte.

use proptest::prelude::*;

use super::*;

/// A value of any type.
#[derive(Clone, Debug)]
enum Value {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    Double(f64),
    Text(Vec<u8>),
    Uuid([u8; 16]),
    Struct(Vec<(i16, Value)>),
    /// The type of the elements, in binary's numbers.
    List(u8, Vec<Value>),
    Set(u8, Vec<Value>),
    Map(u8, u8, Vec<(Value, Value)>),
}

/// Binary's number, and compact's.
fn codes(value: &Value) -> (u8, u8) {
    match value {
        Value::Bool(true) => (2, 1),
        Value::Bool(false) => (2, 2),
        Value::I8(_) => (3, 3),
        Value::I16(_) => (6, 4),
        Value::I32(_) => (8, 5),
        Value::I64(_) => (10, 6),
        Value::Double(_) => (4, 7),
        Value::Text(_) => (11, 8),
        Value::Uuid(_) => (16, 13),
        Value::Struct(_) => (12, 12),
        Value::List(..) => (15, 9),
        Value::Set(..) => (14, 10),
        Value::Map(..) => (13, 11),
    }
}

/// Compact's number of an element's type, from binary's.
fn element_code(binary: u8) -> u8 {
    let pairs = [
        (2, 1),
        (3, 3),
        (6, 4),
        (8, 5),
        (10, 6),
        (4, 7),
        (11, 8),
        (16, 13),
        (12, 12),
        (15, 9),
        (14, 10),
        (13, 11),
    ];
    pairs.iter().find(|(code, _)| *code == binary).unwrap().1
}

fn write_binary(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => to.push(u8::from(*value)),
        Value::I8(value) => to.extend(value.to_be_bytes()),
        Value::I16(value) => to.extend(value.to_be_bytes()),
        Value::I32(value) => to.extend(value.to_be_bytes()),
        Value::I64(value) => to.extend(value.to_be_bytes()),
        Value::Double(value) => to.extend(value.to_be_bytes()),
        Value::Text(text) => {
            to.extend((text.len() as i32).to_be_bytes());
            to.extend(text);
        }
        Value::Uuid(bytes) => to.extend(bytes),
        Value::Struct(fields) => {
            for (id, value) in fields {
                to.push(codes(value).0);
                to.extend(id.to_be_bytes());
                write_binary(value, to);
            }
            to.push(0);
        }
        Value::List(of, values) | Value::Set(of, values) => {
            to.push(*of);
            to.extend((values.len() as i32).to_be_bytes());
            values.iter().for_each(|value| write_binary(value, to));
        }
        Value::Map(key, value, pairs) => {
            // What compact cannot say comes back as string.
            let types = if pairs.is_empty() {
                [11, 11]
            } else {
                [*key, *value]
            };
            to.extend(types);
            to.extend((pairs.len() as i32).to_be_bytes());
            for (key, value) in pairs {
                write_binary(key, to);
                write_binary(value, to);
            }
        }
    }
}

fn leb(mut value: u128, to: &mut Vec<u8>) {
    while value >= 128 {
        to.push((value % 128) as u8 + 128);
        value /= 128;
    }
    to.push(value as u8);
}

/// Even numbers for what is not negative, odd ones for what is.
fn zigzag(value: i64, to: &mut Vec<u8>) {
    let value = i128::from(value);
    let coded = if value < 0 { -2 * value - 1 } else { 2 * value };
    leb(coded as u128, to);
}

fn write_compact(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => to.push(if *value { 1 } else { 2 }),
        Value::I8(value) => to.extend(value.to_be_bytes()),
        Value::I16(value) => zigzag((*value).into(), to),
        Value::I32(value) => zigzag((*value).into(), to),
        Value::I64(value) => zigzag(*value, to),
        Value::Double(value) => to.extend(value.to_le_bytes()),
        Value::Text(text) => {
            leb(text.len() as u128, to);
            to.extend(text);
        }
        Value::Uuid(bytes) => to.extend(bytes),
        Value::Struct(fields) => {
            let mut last = 0i32;
            for (id, value) in fields {
                let code = codes(value).1;
                let delta = i32::from(*id) - last;
                if (1..=15).contains(&delta) {
                    to.push((delta as u8) * 16 + code);
                } else {
                    to.push(code);
                    zigzag((*id).into(), to);
                }
                last = (*id).into();
                if !matches!(value, Value::Bool(_)) {
                    write_compact(value, to);
                }
            }
            to.push(0);
        }
        Value::List(of, values) | Value::Set(of, values) => {
            let code = element_code(*of);
            if values.len() < 15 {
                to.push((values.len() as u8) * 16 + code);
            } else {
                to.push(0xf0 + code);
                leb(values.len() as u128, to);
            }
            values.iter().for_each(|value| write_compact(value, to));
        }
        Value::Map(key, value, pairs) => {
            leb(pairs.len() as u128, to);
            if pairs.is_empty() {
                return;
            }
            to.push(element_code(*key) * 16 + element_code(*value));
            for (key, value) in pairs {
                write_compact(key, to);
                write_compact(value, to);
            }
        }
    }
}

/// Makes values of random bytes; of nothing but zeros where there are no more.
struct Dice<'a>(std::slice::Iter<'a, u8>);

const TYPES: [u8; 12] = [2, 3, 6, 8, 10, 4, 11, 16, 12, 15, 14, 13];

impl Dice<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// Of all sizes: small numbers come more often, as they take other ways.
    fn number(&mut self) -> i64 {
        i64::from_be_bytes(self.bytes()) >> (self.byte() % 64)
    }

    fn count(&mut self) -> usize {
        match self.byte() {
            roll @ 0..=247 => usize::from(roll % 4),
            roll => usize::from(roll - 248) * 3,
        }
    }

    fn of(&mut self, depth: usize) -> u8 {
        let few = if depth == 0 { 8 } else { TYPES.len() };
        TYPES[usize::from(self.byte()) % few]
    }

    fn value(&mut self, of: u8, depth: usize) -> Value {
        let deeper = depth.saturating_sub(1);
        match of {
            2 => Value::Bool(self.byte().is_multiple_of(2)),
            3 => Value::I8(self.byte() as i8),
            6 => Value::I16(self.number() as i16),
            8 => Value::I32(self.number() as i32),
            10 => Value::I64(self.number()),
            4 => Value::Double(f64::from_bits(self.number() as u64)),
            11 => Value::Text((0..self.count()).map(|_| self.byte()).collect()),
            16 => Value::Uuid(self.bytes()),
            12 => self.structure(deeper),
            13 => {
                let (key, value) = (self.of(deeper), self.of(deeper));
                let pair = |dice: &mut Self| (dice.value(key, deeper), dice.value(value, deeper));
                Value::Map(key, value, (0..self.count()).map(|_| pair(self)).collect())
            }
            of => {
                let inner = self.of(deeper);
                let values = (0..self.count())
                    .map(|_| self.value(inner, deeper))
                    .collect();
                match of {
                    14 => Value::Set(inner, values),
                    _ => Value::List(inner, values),
                }
            }
        }
    }

    fn structure(&mut self, depth: usize) -> Value {
        let field = |dice: &mut Self| {
            let id = dice.number() as i16;
            let of = dice.of(depth);
            (id, dice.value(of, depth))
        };
        Value::Struct((0..self.count()).map(|_| field(self)).collect())
    }
}

fn both(value: &Value) -> (Vec<u8>, Vec<u8>) {
    let (mut binary, mut compact) = (Vec::new(), Vec::new());
    write_binary(value, &mut binary);
    write_compact(value, &mut compact);
    (binary, compact)
}

fn from_to(from: Protocol, src: &[u8], to: Protocol) -> Result<Vec<u8>, Broken> {
    let mut out = BytesMut::new();
    let read = transcode(from, src, to, &mut out, 1 << 20)?;
    assert_eq!(read, src.len(), "all of it");
    Ok(out.to_vec())
}

fn to_compact(src: &[u8]) -> Result<Vec<u8>, Broken> {
    from_to(Protocol::Binary, src, Protocol::Compact)
}

fn to_binary(src: &[u8]) -> Result<Vec<u8>, Broken> {
    from_to(Protocol::Compact, src, Protocol::Binary)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_one_writer_writes_becomes_what_the_other_does(dice in prop::collection::vec(any::<u8>(), 0..600)) {
        let value = Dice(dice.iter()).structure(5);
        let (binary, compact) = both(&value);
        prop_assert_eq!(to_compact(&binary), Ok(compact.clone()));
        prop_assert_eq!(to_binary(&compact), Ok(binary));
    }

    #[test]
    fn the_cap_is_exact(dice in prop::collection::vec(any::<u8>(), 0..100)) {
        let (binary, compact) = both(&Dice(dice.iter()).structure(3));
        for (from, src, to, len) in [
            (Protocol::Binary, &binary, Protocol::Compact, compact.len()),
            (Protocol::Compact, &compact, Protocol::Binary, binary.len()),
        ] {
            let mut out = BytesMut::from("before");
            prop_assert_eq!(transcode(from, src, to, &mut out, len), Ok(src.len()));
            prop_assert_eq!(out.len(), 6 + len);
            for cap in 0..len {
                let mut out = BytesMut::from("before");
                prop_assert_eq!(transcode(from, src, to, &mut out, cap), Err(Broken::TooLong));
                prop_assert!(out.len() <= 6 + cap);
            }
        }
    }

    #[test]
    fn what_breaks_off_is_told(dice in prop::collection::vec(any::<u8>(), 0..100)) {
        let (binary, compact) = both(&Dice(dice.iter()).structure(3));
        for cut in 0..binary.len() {
            prop_assert!(matches!(to_compact(&binary[..cut]), Err(Broken::Malformed(_))));
        }
        for cut in 0..compact.len() {
            prop_assert!(matches!(to_binary(&compact[..cut]), Err(Broken::Malformed(_))));
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

#[test]
fn what_only_one_of_them_can_say_keeps_its_meaning() {
    // Types of empty maps and lists; bools that are neither 0 nor 1.
    assert_eq!(
        to_compact(&hex("0d0001 0808 00000000 00")),
        Ok(hex("1b00 00"))
    );
    assert_eq!(
        to_binary(&hex("1b00 00")),
        Ok(hex("0d0001 0b0b 00000000 00"))
    );
    assert_eq!(
        to_compact(&hex("0f0001 00 00000000 00")),
        Ok(hex("1908 00"))
    );
    assert_eq!(to_binary(&hex("190f 00")), Ok(hex("0f0001 0b 00000000 00")));
    assert_eq!(to_compact(&hex("020001 02 00")), Ok(hex("11 00")));
    assert_eq!(
        to_compact(&hex("0f0001 02 00000003 000109 00")),
        Ok(hex("1931 020101 00"))
    );
    // Elements of false: 2, and 0 in some writers. Both codes of the type are read.
    assert_eq!(
        to_binary(&hex("1932 010200 00")),
        Ok(hex("0f0001 02 00000003 010000 00"))
    );
    // A count and an id in their long forms, where the short ones would do.
    assert_eq!(
        to_binary(&hex("19f5 01 02 05 04 04 00")),
        Ok(hex("0f0001 08 00000001 00000001 080002 00000002 00"))
    );
    // Padded numbers, and numbers of more bits than their type.
    assert_eq!(
        to_binary(&hex("15 8280808000 14 8280808010 00")),
        Ok(hex("080001 00000001 060002 0001 00"))
    );
    assert_eq!(to_binary(&hex("14 feffff7f 00")), Ok(hex("060001 ffff 00")));
    // Ids wrap as readers have them.
    assert_eq!(
        to_binary(&hex("01 feff03 21 00")),
        Ok(hex("02 7fff 01 02 8001 01 00"))
    );
}

#[test]
fn hostile_counts_and_depths_cost_nothing() {
    for text in [
        "0f0001 0c 7fffffff 00",
        "0f0001 0b ffffffff",
        "0d0001 0c0c 7fffffff",
        "0f0001 10 7fffffff",
        "0b0001 7fffffff 61",
    ] {
        assert!(
            matches!(to_compact(&hex(text)), Err(Broken::Malformed(_))),
            "{text}"
        );
    }
    for text in [
        "19fc ffffffff07 00",
        "19f5 ffffffff0f",
        "1b ffffffff07 cc",
        "19fd ffffffff07",
        "18 ffffffff07 61",
    ] {
        assert!(
            matches!(to_binary(&hex(text)), Err(Broken::Malformed(_))),
            "{text}"
        );
    }
    let nested = |levels: usize| [vec![0x1c; levels - 1], vec![0; levels]].concat();
    assert!(to_binary(&nested(64)).is_ok());
    assert_eq!(to_binary(&nested(65)), Err(DEEP));
    assert_eq!(to_binary(&[0x1c; 500_000]), Err(DEEP));
    let maps = "0d 0001 0d0d 00000001 ".to_owned() + &"0d0d 00000001 ".repeat(70);
    assert_eq!(to_compact(&hex(&maps)), Err(DEEP));
}
