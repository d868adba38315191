//! Bodies made to hurt: counts, depths and sizes that are claimed or paid for.
#![allow(missing_docs)]

use std::time::{Duration, Instant};

use wireloom_hessian::{Dialect, Error, Limits, Reader, Value, decode_all};

const FINAL: Dialect = Dialect::Final;
const DRAFT: Dialect = Dialect::Draft;

fn skip(body: &[u8], dialect: Dialect) -> Result<usize, Error> {
    let mut reader = Reader::new(body, dialect);
    reader.skip_value().map(|()| reader.position())
}

/// What both layers make of a body, within a time that only linear work keeps.
fn both(body: &[u8], dialect: Dialect) -> (Result<usize, Error>, Result<usize, Error>) {
    let start = Instant::now();
    let result = (
        skip(body, dialect),
        decode_all(body, dialect).map(|values| values.len()),
    );
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    result
}

#[test]
fn claimed_counts_are_held_against_the_bytes_left() {
    for (dialect, hex) in [
        (FINAL, "58497fffffff90"),
        (FINAL, "58498000000090"),
        (FINAL, "588f90"),
        (FINAL, "560161497fffffff90"),
        (FINAL, "7f9091"),
        (FINAL, "430161497fffffff016160"),
        (FINAL, "4301618f0161"),
        (FINAL, "4301619301610162016360"),
        (DRAFT, "566c7fffffff907a"),
        (DRAFT, "566c80000000907a"),
        (DRAFT, "566eff907a"),
        (DRAFT, "4f497fffffff61"),
        (DRAFT, "4f8f61"),
        (DRAFT, "4f9161497fffffff"),
        (DRAFT, "569491"),
    ] {
        let (skipped, decoded) = both(&hex::decode(hex).unwrap(), dialect);
        let bad = |error: Error| {
            matches!(
                error,
                Error::BadCount { .. } | Error::Truncated { .. } | Error::UnknownTag { .. }
            )
        };
        assert!(bad(skipped.unwrap_err()), "{hex}: {skipped:?}");
        assert!(bad(decoded.unwrap_err()), "{hex}: {decoded:?}");
    }
    // A count of more than i32 is not reached by adding up: each is held against what is left.
    let (skipped, _) = both(&hex::decode("4301619301610162016360").unwrap(), FINAL);
    assert_eq!(
        skipped,
        Err(Error::BadCount {
            count: 3,
            at: 11,
            left: 0
        })
    );
}

#[test]
fn nesting_is_refused_at_the_limit_whatever_its_form() {
    let many = 100_000;
    for (dialect, before, level) in [
        (FINAL, "", "79"),
        (FINAL, "", "57"),
        (FINAL, "", "5891"),
        (FINAL, "", "710161"),
        (FINAL, "", "48"),
        (FINAL, "", "4890"),
        (FINAL, "", "4d0161"),
        (FINAL, "430161910161", "60"),
        (FINAL, "430161910161", "4f90"),
        (DRAFT, "", "566e01"),
        (DRAFT, "", "56"),
        (DRAFT, "", "4d"),
        (DRAFT, "", "4d90"),
        (DRAFT, "4f9161910161", "6f90"),
    ] {
        let body = hex::decode(before.to_owned() + &level.repeat(many)).unwrap();
        let (skipped, decoded) = both(&body, dialect);
        assert_eq!(skipped, Err(Error::TooDeep { limit: 64 }), "{level}");
        assert_eq!(decoded, Err(Error::TooDeep { limit: 64 }), "{level}");
    }
}

#[test]
fn sixty_four_levels_are_not_too_deep_and_more_can_be_allowed() {
    let nest = |levels: usize| [vec![0x79; levels], vec![0x90]].concat();
    assert_eq!(skip(&nest(64), FINAL), Ok(65));
    assert_eq!(skip(&nest(65), FINAL), Err(Error::TooDeep { limit: 64 }));
    let deep = Limits {
        depth: 1_000_000,
        ..Limits::DEFAULT
    };
    let body = nest(100_000);
    let mut reader = Reader::with_limits(&body, FINAL, deep);
    assert_eq!(reader.skip_value(), Ok(()), "skipping does not recurse");
    let value =
        |levels| wireloom_hessian::Decoder::with_limits(&nest(levels), FINAL, deep).next_value();
    assert!(
        value(Limits::MAX_VALUE_DEPTH).is_ok(),
        "and this fits the stack"
    );
    assert_eq!(
        value(Limits::MAX_VALUE_DEPTH + 1),
        Err(Error::TooDeep { limit: 128 })
    );
}

#[test]
fn class_definitions_are_bounded() {
    let body = [hex::decode("430090").unwrap().repeat(100_000), vec![0x60]].concat();
    let limit: Result<usize, _> = Err(Error::TooManyClasses { limit: 4096 });
    assert_eq!(both(&body, FINAL), (limit, limit));
    let body = [
        hex::decode("4f9090").unwrap().repeat(100_000),
        vec![0x6f, 0x90],
    ]
    .concat();
    assert_eq!(
        skip(&body, DRAFT),
        Err(Error::TooManyClasses { limit: 4096 })
    );
    assert!(matches!(
        skip(b"\x60", FINAL),
        Err(Error::UnknownClass {
            index: 0,
            known: 0,
            ..
        })
    ));
    assert!(matches!(
        skip(b"O\x8f", FINAL),
        Err(Error::UnknownClass { index: -1, .. })
    ));
}

#[test]
fn objects_without_fields_cost_a_byte_each() {
    let count = 1_000_000i32;
    let mut body = hex::decode("43009058").unwrap();
    body.push(b'I');
    body.extend(count.to_be_bytes());
    body.extend(vec![0x60; 1_000_000]);
    let (skipped, decoded) = both(&body, FINAL);
    assert_eq!(skipped, Ok(body.len()));
    assert_eq!(decoded, Err(Error::TooManyElements { limit: 1 << 18 }));
    let few = Limits {
        elements: 1000,
        ..Limits::DEFAULT
    };
    let mut reader = Reader::with_limits(&body, FINAL, few);
    assert_eq!(
        reader.skip_value(),
        Err(Error::TooManyElements { limit: 1000 })
    );
}

#[test]
fn chunks_without_end_cost_what_they_weigh() {
    for (dialect, chunk) in [
        (FINAL, "520000"),
        (FINAL, "410000"),
        (DRAFT, "730000"),
        (DRAFT, "620000"),
    ] {
        let body = hex::decode(chunk.repeat(300_000)).unwrap();
        let end = Error::Truncated { at: body.len() };
        assert_eq!(both(&body, dialect), (Err(end), Err(end)), "{chunk}");
    }
    // Read as a routing string, chunks are not collected beyond the cap.
    let body = hex::decode("52000161".repeat(300_000)).unwrap();
    let mut reader = Reader::new(&body, FINAL);
    assert_eq!(
        reader.read_str(),
        Err(Error::StringTooLong { limit: 4096, at: 0 })
    );
    assert_eq!(reader.position(), 0);
}

#[test]
fn references_are_not_followed() {
    // A list that holds itself; lists of two references to the list before, forty times over.
    assert_eq!(
        decode_all(b"\x79Q\x90", FINAL),
        Ok(vec![Value::list([Value::Ref(0)])])
    );
    let mut laughs = vec![0x7a, 0x90, 0x90];
    for level in 0u8..40 {
        laughs.extend([0x7a, b'Q', 0x90 + level, b'Q', 0x90 + level]);
    }
    assert_eq!(
        decode_all(&laughs, FINAL).map(|values| values.len()),
        Ok(41)
    );
    assert!(matches!(
        decode_all(b"Q\x90", FINAL),
        Err(Error::BadRef {
            index: 0,
            known: 0,
            ..
        })
    ));
    assert!(matches!(
        decode_all(b"\x79Q\x91", FINAL),
        Err(Error::BadRef {
            index: 1,
            known: 1,
            ..
        })
    ));
    assert!(matches!(
        decode_all(b"\x79Q\x8f", FINAL),
        Err(Error::BadRef { index: -1, .. })
    ));
    assert_eq!(
        skip(b"Q\x90", FINAL),
        Ok(2),
        "whose referent a proxy does not need"
    );
}

#[test]
fn strings_that_lie_are_errors() {
    for body in [
        "05616263",
        "53ffff61",
        "33ff61",
        "02f09f98",
        "01f09f9880",
        "0180",
        "01ff",
        "01c3",
    ] {
        let body = hex::decode(body).unwrap();
        let (skipped, decoded) = both(&body, FINAL);
        assert!(
            matches!(
                skipped,
                Err(Error::Truncated { .. } | Error::BadString { .. })
            ),
            "{body:?}"
        );
        assert_eq!(decoded.unwrap_err(), skipped.unwrap_err());
    }
    // A chunk must be followed by a chunk of the same kind.
    assert!(matches!(
        skip(b"R\x00\x01aN", FINAL),
        Err(Error::Expected {
            expected: "a string",
            ..
        })
    ));
    assert!(matches!(
        skip(b"A\x00\x01aS\x00\x00", FINAL),
        Err(Error::Expected { .. })
    ));
}

#[test]
fn free_tags_start_nothing() {
    for tag in [0x40, b'E', b'G', b'P', b'Z'] {
        let unknown = Error::UnknownTag {
            tag,
            at: 0,
            dialect: FINAL,
        };
        assert_eq!(both(&[tag; 9], FINAL), (Err(unknown), Err(unknown)));
    }
    for tag in [
        0x30, 0x41, b'C', b'H', b'Q', b'U', b'W', b'X', b'Z', 0x5b, 0x60, b'l', b'n', b't', b'u',
        b'z',
    ] {
        let unknown = Error::UnknownTag {
            tag,
            at: 0,
            dialect: DRAFT,
        };
        assert_eq!(both(&[tag; 9], DRAFT), (Err(unknown), Err(unknown)));
    }
}

#[test]
fn what_draft_readers_disagree_on_is_refused() {
    // A length that is not the number of values; `T` for a type.
    assert!(matches!(
        skip(b"Vn\x01\x90\x91z", DRAFT),
        Err(Error::ListLength { .. })
    ));
    assert!(matches!(
        skip(b"Vn\x03\x90\x91z", DRAFT),
        Err(Error::ListLength { .. })
    ));
    assert!(matches!(
        skip(b"MT\x90z", DRAFT),
        Err(Error::Expected { .. })
    ));
    assert!(matches!(
        skip(b"VT\x90z", DRAFT),
        Err(Error::Expected { .. })
    ));
}

#[test]
fn a_byte_limit_is_not_mistaken_for_a_cut_body() {
    let limits = Limits {
        bytes: 4,
        ..Limits::DEFAULT
    };
    let read = |body: &[u8]| Reader::with_limits(body, FINAL, limits).skip_value();
    assert_eq!(read(b"\x03abc"), Ok(()));
    assert_eq!(read(b"\x04abcd"), Err(Error::TooManyBytes { limit: 4 }));
    assert_eq!(read(b"\x04abc"), Err(Error::Truncated { at: 4 }));
}
