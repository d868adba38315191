use super::*;

const LIMIT: usize = 1 << 20;

fn end(protocol: Protocol, bytes: &[u8]) -> Result<Option<usize>, Broken> {
    let at_once = Walker::new(protocol, 0).walk(bytes, LIMIT);
    // The same however the bytes come.
    let mut walker = Walker::new(protocol, 0);
    let mut step = Ok(None);
    for len in 0..=bytes.len() {
        step = walker.walk(&bytes[..len], LIMIT);
        if step != Ok(None) {
            break;
        }
    }
    assert_eq!(step, at_once, "{protocol:?} {bytes:?}");
    at_once
}

fn binary(text: &str) -> Result<Option<usize>, Broken> {
    end(
        Protocol::Binary,
        &hex::decode(text.replace(' ', "")).unwrap(),
    )
}

fn compact(text: &str) -> Result<Option<usize>, Broken> {
    end(
        Protocol::Compact,
        &hex::decode(text.replace(' ', "")).unwrap(),
    )
}

#[test]
fn ends_where_the_struct_does() {
    for text in [
        "00",
        "02 0001 01 00",
        "0b 0001 00000003 616263 00",
        "0c 0001 08 0001 00000007 00 00",
        "0d 0001 0b 08 00000001 00000001 6b 00000007 00",
        "0d 0001 08 0a 00000002 00000001 0000000000000001 00000002 0000000000000002 00",
        "0f 0001 0f 00000002 08 00000001 00000005 0c 00000000 00",
        "0f 0001 0c 00000002 00 00 00",
        "0e 0001 00 00000000 00",
        "10 0001 00112233445566778899aabbccddeeff 00",
    ] {
        let len = text.replace(' ', "").len() / 2;
        assert_eq!(binary(text), Ok(Some(len)), "{text}");
        assert_eq!(binary(&format!("{text} ffff")), Ok(Some(len)), "{text}");
    }
    for text in [
        "00",
        "11 12 00",
        "0502 06 00",
        "15ac02 13ff 16ffffffffffffffffff01 00",
        "18 03 616263 00",
        "1c 15 0e 00 00",
        "1b 01 85 016b 0e 00",
        "1b 00 00",
        "1b 02 55 01 02 03 04 00",
        "19 f5 0f 000102030405060708090a0b0c0d0e 00",
        "19 2c 00 00 00",
        "1a 21 01 00 00",
        "17 0000000000000000 1d 00112233445566778899aabbccddeeff 00",
        "19 29 15 0e 05 00",
    ] {
        let len = text.replace(' ', "").len() / 2;
        assert_eq!(compact(text), Ok(Some(len)), "{text}");
        assert_eq!(compact(&format!("{text} ffff")), Ok(Some(len)), "{text}");
    }
}

#[test]
fn what_is_no_struct_is_told_as_such() {
    let malformed = |result| matches!(result, Err(Broken::Malformed(_)));
    for text in [
        "01 0001 00",
        "11 0001 00",
        "ff 0001 00",
        "0b 0001 ffffffff 00",
        "0b 0001 80000000 00",
        "0f 0001 08 ffffffff",
        "0f 0001 08 80000000",
        "0d 0001 0b 0b ffffffff",
        "0f 0001 01 00000001 00",
        "0d 0001 08 05 00000001 00",
    ] {
        assert!(malformed(binary(text)), "{text}");
    }
    for text in [
        "10",
        "1e 00",
        "1f 00",
        "15 ffffffffff",
        "16 ffffffffffffffffffff",
        "18 ffffffffffffffff",
        "18 ffffffff0f",
        "19 fc ffffffff0f",
        "19 1e 00",
        "1b 01 e1 00",
        "05 ffffffffffff",
        "19 2f 00 00",
    ] {
        assert!(malformed(compact(text)), "{text}");
    }
}

#[test]
fn announced_counts_are_held_against_what_may_come() {
    // Among them two billion empty structs, which take no memory and as many steps.
    for text in [
        "0b 0001 7fffffff",
        "0f 0001 0c 7fffffff",
        "0f 0001 02 7fffffff",
        "0f 0001 0f 00040000",
        "0d 0001 0c 0c 7fffffff",
        "0f 0001 0a 00020000",
    ] {
        assert_eq!(binary(text), Err(Broken::TooLong), "{text}");
    }
    for text in [
        "18 ffffffff07",
        "19 fc ffffffff07",
        "19 f1 ffffffff07",
        "1b ffffffff07 cc",
        "19 f5 ffffffff07",
    ] {
        assert_eq!(compact(text), Err(Broken::TooLong), "{text}");
    }
}

#[test]
fn the_limit_is_exact() {
    let bytes = hex::decode("0b00010000000361626300").unwrap();
    let mut walker = Walker::new(Protocol::Binary, 0);
    assert_eq!(walker.walk(&bytes, bytes.len()), Ok(Some(bytes.len())));
    for limit in 0..bytes.len() {
        let mut walker = Walker::new(Protocol::Binary, 0);
        assert_eq!(walker.walk(&bytes, limit), Err(Broken::TooLong), "{limit}");
    }
    // Told when the length is, not when the bytes have come.
    let mut walker = Walker::new(Protocol::Binary, 0);
    assert_eq!(walker.walk(&bytes[..7], 9), Err(Broken::TooLong));
}

#[test]
fn nesting_ends_at_64_levels_and_costs_no_more() {
    let nested = |levels: usize| [vec![0x1c; levels - 1], vec![0; levels]].concat();
    assert_eq!(end(Protocol::Compact, &nested(64)), Ok(Some(127)));
    assert_eq!(end(Protocol::Compact, &nested(65)), Err(DEEP));
    let deep = vec![0x1c; 500_000];
    assert_eq!(
        Walker::new(Protocol::Compact, 0).walk(&deep, LIMIT),
        Err(DEEP)
    );
    let lists = [&[0x19][..], &[0x19; 500_000]].concat();
    assert_eq!(
        Walker::new(Protocol::Compact, 0).walk(&lists, LIMIT),
        Err(DEEP)
    );
    let maps = "0d 0001 0d 0d 00000001 ".to_owned() + &"0d 0d 00000001 ".repeat(70);
    assert_eq!(binary(&maps), Err(DEEP));
    // Numbers at the deepest level are fine.
    let number = [vec![0x1c; 63], vec![0x15, 0x0e], vec![0; 64]].concat();
    assert_eq!(end(Protocol::Compact, &number), Ok(Some(number.len())));
}

#[test]
fn a_megabyte_byte_by_byte_is_linear() {
    // Half a million one-byte numbers, then a string: each call looks at the new byte alone, so this takes no time.
    let mut bytes = hex::decode("19f5a0c21e").unwrap();
    bytes.extend(vec![0; 500_000]);
    bytes.extend(hex::decode("1890a10f").unwrap());
    bytes.extend(vec![b'x'; 250_000]);
    bytes.push(0);
    let mut walker = Walker::new(Protocol::Compact, 0);
    for len in 1..bytes.len() {
        assert_eq!(walker.walk(&bytes[..len], LIMIT), Ok(None));
    }
    assert_eq!(walker.walk(&bytes, LIMIT), Ok(Some(bytes.len())));
    assert!(walker.steps <= 3 * bytes.len(), "{} steps", walker.steps);
}

#[test]
fn the_work_grows_with_the_bytes_however_they_come() {
    // Fields, numbers, lists of lists, maps of text, empty structs, and a long string.
    let binary = [
        hex::decode("0f00010f00000400").unwrap(),
        hex::decode("0c00000002 00 00 0b00000001 00000001 61".replace(' ', ""))
            .unwrap()
            .repeat(512),
        hex::decode("0d0002 0b0b 00000200".replace(' ', "")).unwrap(),
        hex::decode("00000001 6b 00000000".replace(' ', ""))
            .unwrap()
            .repeat(512),
        hex::decode("080003000000010a00040000000000000001".replace(' ', ""))
            .unwrap()
            .repeat(512),
        hex::decode("0b000500004000").unwrap(),
        vec![b'x'; 0x4000],
        vec![0],
    ]
    .concat();
    let compact = [
        hex::decode("19f98008").unwrap(),
        hex::decode("2c0000 18 0161 1580808001".replace(' ', "")).unwrap()[..3].repeat(1024),
        hex::decode("15ffffffff0f2602".replace(' ', ""))
            .unwrap()
            .repeat(1024),
        hex::decode("1b800488".replace(' ', "")).unwrap(),
        hex::decode("016b00".replace(' ', "")).unwrap().repeat(512),
        hex::decode("18808001").unwrap(),
        vec![b'x'; 0x4000],
        vec![0],
    ]
    .concat();
    for (protocol, bytes) in [(Protocol::Binary, binary), (Protocol::Compact, compact)] {
        let mut at_once = Walker::new(protocol, 0);
        assert_eq!(
            at_once.walk(&bytes, LIMIT),
            Ok(Some(bytes.len())),
            "{protocol:?}"
        );
        assert!(at_once.steps <= 2 * bytes.len(), "{} steps", at_once.steps);
        let mut walker = Walker::new(protocol, 0);
        for len in 1..bytes.len() {
            assert_eq!(walker.walk(&bytes[..len], LIMIT), Ok(None));
        }
        assert_eq!(walker.walk(&bytes, LIMIT), Ok(Some(bytes.len())));
        // A read of a byte costs a look at it, and no look at what came before.
        let more = walker.steps - at_once.steps;
        assert!(more <= 2 * bytes.len(), "{more} steps more");
    }
}

#[test]
fn a_walk_is_small() {
    // Kept per connection, idle ones included.
    assert!(size_of::<Walker>() <= 160, "{}", size_of::<Walker>());
}
