//! Entry points for fuzzing: each takes any bytes and checks what must hold for all of them. The test
//! suite runs them over mutated vectors; `cargo fuzz` targets need only call them.
#![allow(clippy::panic, reason = "panics are how a fuzz target reports")]

use crate::{Decoder, Dialect, Encoder, Error, Limits, Reader, Result, Value, descriptor, json};

const DIALECTS: [Dialect; 2] = [Dialect::Final, Dialect::Draft];

/// Runs all of them.
pub fn fuzz_all(data: &[u8]) {
    fuzz_skip(data);
    fuzz_walk(data);
    fuzz_decode(data);
    fuzz_descriptor(data);
}

/// Skipping ends inside the body, and where a decoder that builds the values ends.
pub fn fuzz_skip(data: &[u8]) {
    for dialect in DIALECTS {
        let mut reader = Reader::new(data, dialect);
        let mut decoder = Decoder::new(data, dialect);
        while !reader.is_empty() {
            let skipped = reader.skip_value();
            assert!(reader.position() <= data.len());
            match (skipped, decoder.next_value()) {
                (Ok(()), Ok(_)) => assert_eq!(reader.position(), decoder.position()),
                // What only a decoder looks at, or what costs only a decoder.
                (
                    Ok(()),
                    Err(
                        Error::BadRef { .. }
                        | Error::UnknownType { .. }
                        | Error::TooManyElements { .. },
                    ),
                ) => break,
                (Err(_), Err(_)) => break,
                (skipped, decoded) => {
                    panic!("skipping says {skipped:?}, decoding says {decoded:?}")
                }
            }
        }
    }
}

/// Stepping through containers ends inside the body and where skipping them ends.
pub fn fuzz_walk(data: &[u8]) {
    for dialect in DIALECTS {
        let mut reader = Reader::new(data, dialect);
        while !reader.is_empty() {
            let mut skipping = reader.clone();
            let walked = walk(&mut reader);
            assert!(reader.position() <= data.len());
            if walked.is_err() || skipping.skip_value().is_err() {
                break;
            }
            assert_eq!(reader.position(), skipping.position());
        }
    }
}

fn walk(reader: &mut Reader<'_>) -> Result<()> {
    if let Some(mut map) = enter(reader, Reader::enter_map) {
        while reader.next_key(&mut map)?.is_some() {
            reader.str_or_skip()?;
        }
    } else if let Some(mut object) = enter(reader, Reader::enter_object) {
        reader.class_name(&object)?;
        while reader.next_field(&mut object)?.is_some() {
            reader.skip_value()?;
        }
    } else if let Some(mut list) = enter(reader, Reader::enter_list) {
        while reader.next_item(&mut list)? {
            reader.skip_value()?;
        }
    } else if reader.next_is_int() {
        reader.read_int()?;
    } else {
        reader.str_or_skip()?;
    }
    Ok(())
}

/// Enters the next value if it is of that shape, else leaves it.
fn enter<'a, W>(
    reader: &mut Reader<'a>,
    how: fn(&mut Reader<'a>) -> Result<Option<W>>,
) -> Option<W> {
    let mut ahead = reader.clone();
    let entered = how(&mut ahead).ok().flatten()?;
    *reader = ahead;
    Some(entered)
}

/// What decodes also encodes, in both dialects, and is then a fixed point; JSON holds it all.
pub fn fuzz_decode(data: &[u8]) {
    for dialect in DIALECTS {
        let limits = Limits {
            elements: 4096,
            ..Limits::for_values()
        };
        let mut decoder = Decoder::with_limits(data, dialect, limits);
        let mut values = Vec::new();
        while let Ok(Some(value)) = decoder.next_value() {
            values.push(value);
        }
        for target in DIALECTS {
            round_trip(&values, target);
        }
        for value in &values {
            let exact = json::to_json(value, json::Style::Exact);
            let back = json::from_json(&exact).unwrap_or_default();
            assert!(
                same(&back, value),
                "{value:?} became {exact}, and that {back:?}"
            );
            json::to_json(value, json::Style::Readable);
        }
    }
}

fn round_trip(values: &[Value], dialect: Dialect) {
    let encoded = encode(values, dialect);
    let mut decoder = Decoder::new(&encoded, dialect);
    let mut again = Vec::new();
    while let Some(value) = decoder
        .next_value()
        .unwrap_or_else(|e| panic!("wrote what is {e}"))
    {
        again.push(value);
    }
    assert_eq!(again.len(), values.len());
    assert_eq!(encode(&again, dialect), encoded);
}

fn encode(values: &[Value], dialect: Dialect) -> bytes::Bytes {
    let mut encoder = Encoder::new(dialect);
    for value in values {
        encoder
            .value(value)
            .unwrap_or_else(|e| panic!("{value:?} does not encode: {e}"));
    }
    encoder.finish()
}

/// Equality with NaN equal to itself.
pub fn same(a: &Value, b: &Value) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// Counting, splitting and naming agree.
pub fn fuzz_descriptor(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let args: Vec<_> = descriptor::split(&text).collect();
    assert!(args.len() <= descriptor::MAX_ARGS + 1);
    match descriptor::count(&text) {
        Ok(count) => {
            assert_eq!(count, args.len());
            assert_eq!(args.iter().flatten().copied().collect::<String>(), text);
        }
        Err(bad) => assert!(bad.at < text.len()),
    }
    for arg in args.into_iter().flatten() {
        let name = descriptor::java_name(arg).unwrap_or_else(|e| panic!("{arg}: {e}"));
        assert!(!name.is_empty());
    }
}
