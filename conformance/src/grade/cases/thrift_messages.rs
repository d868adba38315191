//! Thrift messages that no client should send.

use crate::scripted::Dialect;
use crate::scripted::thrift::{
    CALL, INTERNAL_ERROR, PROTOCOL_ERROR, Protocol, Start, Transport, put_varint,
};

/// Of all of them.
pub const SEQID: i32 = 77;

/// How a message ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// An exception of this type under the method's name, and the connection goes on where a length tells the next start.
    Answered(i32),
    /// The same, and then the end in any case.
    AnsweredLast(i32),
    /// The end: nobody can say what an answer should look like.
    Closed,
}

/// A message that no client should send.
#[derive(Clone, Debug)]
pub struct Bad {
    /// What is wrong with it.
    pub name: String,
    /// The message.
    pub bytes: Vec<u8>,
    /// The name in the answer.
    pub method: &'static str,
    /// How it ends with Wireloom.
    pub fate: Fate,
}

fn bad(name: impl Into<String>, fate: Fate, bytes: Vec<u8>) -> Bad {
    Bad {
        name: name.into(),
        bytes,
        method: "bad",
        fate,
    }
}

fn start(kind: u8) -> Start {
    Start {
        kind,
        name: "Svc:bad".to_owned(),
        seqid: SEQID,
    }
}

/// Structs that are none, in both protocols, and whether that shows without a frame's end.
fn bodies() -> Vec<(&'static str, Vec<u8>, Vec<u8>, bool)> {
    let hex = |text: &str| {
        let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        let byte = |pair: &[u32]| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8);
        digits.chunks(2).map(byte).collect::<Vec<u8>>()
    };
    let row = |name, binary: &str, compact: &str, shows| (name, hex(binary), hex(compact), shows);
    let mut rows = vec![
        row(
            "a text of -1",
            "0b0001 ffffffff 00",
            "18 ffffffff0f 00",
            true,
        ),
        row(
            "a text of -2^31",
            "0b0001 80000000 00",
            "18 8080808008 00",
            true,
        ),
        row(
            "a text of 2^31 - 1",
            "0b0001 7fffffff 00",
            "18 ffffffff07 00",
            true,
        ),
        row(
            "a text beyond the frame",
            "0b0001 00000064 00",
            "18 64 00",
            false,
        ),
        row(
            "a list of -1",
            "0f0001 08 ffffffff 00",
            "19 f5 ffffffff0f 00",
            true,
        ),
        row(
            "a list of 2^31 - 1",
            "0f0001 08 7fffffff 00",
            "19 f5 ffffffff07 00",
            true,
        ),
        row(
            "a list of 2^31 - 1 structs",
            "0f0001 0c 7fffffff 00",
            "19 fc ffffffff07 00",
            true,
        ),
        row(
            "a list of 2^31 - 1 lists",
            "0f0001 0f 7fffffff 00",
            "19 f9 ffffffff07 00",
            true,
        ),
        row(
            "a set of 2^31 - 1 booleans",
            "0e0001 02 7fffffff 00",
            "1a f1 ffffffff07 00",
            true,
        ),
        row(
            "a map of -1",
            "0d0001 0b0b ffffffff 00",
            "1b ffffffff0f 88 00",
            true,
        ),
        row(
            "a map of 2^31 - 1",
            "0d0001 0c0c 7fffffff 00",
            "1b ffffffff07 cc 00",
            true,
        ),
        row(
            "a map of 2^31 - 1 texts",
            "0d0001 0b0b 7fffffff 00",
            "1b ffffffff07 88 00",
            true,
        ),
        row(
            "a list of unknown things",
            "0f0001 63 00000001 00",
            "19 1f 00",
            true,
        ),
        row("field type 127", "7f0001 00", "1f 00", true),
        row("field type 1", "010001 00", "1e 00", true),
        row("field type 255", "ff0001 00", "fe 00", true),
        row("no end", "080001 00000001", "15 02", false),
        row("no struct", "", "", false),
        row("half a field", "0800", "15", false),
        row(
            "a hundred structs, and no end",
            &"0c0001".repeat(40),
            &"1c".repeat(40),
            false,
        ),
    ];
    rows.push((
        "100,000 structs in one another",
        b"\x0c\0\x01".repeat(100_000),
        vec![0x1c; 500_000],
        true,
    ));
    rows.push((
        "100,000 lists in one another",
        [&b"\x0f\0\x01"[..], &b"\x0f\0\0\0\x01".repeat(100_000)].concat(),
        vec![0x19; 500_000],
        true,
    ));
    rows.push((
        "50,000 maps in one another",
        [&b"\x0d\0\x01"[..], &b"\x0d\x0d\0\0\0\x01".repeat(50_000)].concat(),
        [&b"\x1b"[..], &b"\x01\xbb".repeat(50_000)].concat(),
        true,
    ));
    rows
}

fn structs(dialect: Dialect) -> Vec<Bad> {
    let framed = dialect.transport != Transport::Buffered;
    let mut rows = Vec::new();
    for (name, binary, compact, shows) in bodies() {
        if framed || shows {
            let body = match dialect.protocol {
                Protocol::Binary => binary,
                Protocol::Compact => compact,
            };
            let bytes = dialect.message(&start(CALL), &body);
            rows.push(bad(name, Fate::Answered(PROTOCOL_ERROR), bytes));
        }
    }
    if dialect.protocol == Protocol::Compact {
        for (name, body) in [
            (
                "a number of 20 x 0xff",
                [&[0x15][..], &[0xff; 20], &[0]].concat(),
            ),
            (
                "a length of 20 x 0xff",
                [&[0x18][..], &[0xff; 20], &[0]].concat(),
            ),
            (
                "a count of 20 x 0xff",
                [&[0x19, 0xf5][..], &[0xff; 20], &[0]].concat(),
            ),
            (
                "a field id of 20 x 0xff",
                [&[0x05][..], &[0xff; 20], &[0]].concat(),
            ),
        ] {
            let bytes = dialect.message(&start(CALL), &body);
            rows.push(bad(name, Fate::Answered(PROTOCOL_ERROR), bytes));
        }
    }
    rows
}

/// Types, versions and names.
fn starts(dialect: Dialect) -> Vec<Bad> {
    let mut rows = Vec::new();
    for kind in [0, 5, 7] {
        let bytes = dialect.message(&start(kind), &[0]);
        rows.push(bad(
            format!("type {kind}"),
            Fate::Answered(PROTOCOL_ERROR),
            bytes,
        ));
    }
    for kind in [2, 3] {
        let bytes = dialect.message(&start(kind), &[0]);
        rows.push(bad(format!("type {kind}"), Fate::Closed, bytes));
    }
    let mut odd = |name: &str, message: Vec<u8>| {
        rows.push(bad(name, Fate::Closed, dialect.wrap(&message, SEQID, &[])));
    };
    match dialect.protocol {
        Protocol::Binary => {
            let name = |length: u32| {
                let mut message = vec![0x80, 1, 0, CALL];
                message.extend(length.to_be_bytes());
                message.extend(b"bad\0\0\0\x4d\0");
                message
            };
            odd("a name of -1", name(u32::MAX));
            odd("a name of -2^31", name(1 << 31));
            odd("a name of 2^31 - 1", name(u32::MAX >> 1));
            odd(
                "version 8002",
                b"\x80\x02\0\x01\0\0\0\x03bad\0\0\0\x4d\0".to_vec(),
            );
            odd(
                "version 7001",
                b"\x70\x01\0\x01\0\0\0\x03bad\0\0\0\x4d\0".to_vec(),
            );
            odd("no version", b"\0\0\0\x03bad\x01\0\0\0\x4d\0".to_vec());
        }
        Protocol::Compact => {
            let name = |length: u64| {
                let mut message = vec![0x82, 0x21, 77];
                put_varint(&mut message, length);
                message.extend(b"bad\0");
                message
            };
            odd("a name of -1", name(u32::MAX.into()));
            odd("a name of 2^31 - 1", name(u64::from(u32::MAX >> 1)));
            odd("a name of 2^40", name(1 << 40));
            odd(
                "a seqid of 20 x 0xff",
                [&[0x82, 0x21][..], &[0xff; 20], b"\x03bad\0"].concat(),
            );
            odd("version 2", b"\x82\x22\x4d\x03bad\0".to_vec());
            odd("version 0", b"\x82\x20\x4d\x03bad\0".to_vec());
        }
    }
    rows
}

/// Lengths in front, and what is in a frame beside its message.
fn frames(dialect: Dialect) -> Vec<Bad> {
    let good = dialect.message(&start(CALL), &[0]);
    let own = good.len() as u32 - 4;
    let announcing = |length: u32| [&length.to_be_bytes()[..], &good[4..]].concat();
    let mut rows = Vec::new();
    for (name, length) in [
        ("length 0", 0),
        ("length -16", 16u32.wrapping_neg()),
        ("length -2^31", 1 << 31),
        ("length 2^31 - 1", u32::MAX >> 1),
        ("length 2^30", 1 << 30),
    ] {
        rows.push(bad(name, Fate::Closed, announcing(length)));
    }
    // Readable, but more than would ever be read to its end.
    let last = Fate::AnsweredLast(PROTOCOL_ERROR);
    rows.push(bad("length 256 MiB", last, announcing(1 << 28)));
    rows.push(bad(
        "a message one byte longer than its frame",
        Fate::Answered(PROTOCOL_ERROR),
        announcing(own - 1)[..good.len() - 1].to_vec(),
    ));
    rows.push(bad(
        "a name that runs past its frame",
        Fate::Closed,
        announcing(own - 9)[..good.len() - 9].to_vec(),
    ));
    let inside = |more: &[u8]| {
        let mut bytes = announcing(own + more.len() as u32);
        bytes.extend(more);
        bytes
    };
    rows.push(bad("a byte too many", last, inside(&[0])));
    rows.push(bad(
        "garbage behind the message",
        last,
        inside(&[0xab; 100]),
    ));
    let message = match dialect.has_header() {
        true => start(CALL).write(dialect.protocol, &[0]),
        false => good[4..].to_vec(),
    };
    rows.push(bad("two messages in a frame", last, inside(&message)));
    rows
}

fn headers(dialect: Dialect) -> Vec<Bad> {
    let message = start(CALL).write(dialect.protocol, &[0]);
    let protocol = dialect.block(0, &[])[0];
    let of = |name: &str, fate, method, block: &[u8]| Bad {
        name: name.to_owned(),
        bytes: dialect.headed(block, SEQID, &message),
        method,
        fate,
    };
    let unknown = Fate::Answered(INTERNAL_ERROR);
    let broken = Fate::Answered(PROTOCOL_ERROR);
    let mut many = vec![protocol, 127];
    many.extend([1; 127]);
    let pairs: Vec<(&str, &str)> = vec![("k", "v"); 5000];
    let mut rows = vec![
        of("an unknown transform", unknown, "", &[protocol, 1, 9]),
        of("127 transforms", unknown, "", &many),
        of(
            "transforms that run past the header",
            Fate::Closed,
            "",
            &[protocol, 127, 1, 1],
        ),
        of("an unknown protocol", Fate::Closed, "", &[9, 0]),
        of("another protocol", Fate::Closed, "", &[2 - protocol, 0]),
        of(
            "pairs that run past the header",
            broken,
            "bad",
            &[protocol, 0, 1, 0x7f, 0x7f, 1],
        ),
        of("5,000 pairs", broken, "bad", &dialect.block(0, &pairs)),
    ];
    // The fixed head says more words than the frame has.
    let mut long = dialect.headed(&[protocol, 0], SEQID, &message);
    long[12..14].copy_from_slice(&[0xff, 0xff]);
    rows.push(bad("a header of 0xffff words", Fate::Closed, long));
    let mut none = dialect.headed(&[], SEQID, &message);
    none[12..14].copy_from_slice(&[0, 0]);
    rows.push(bad("a header of no words", Fate::Closed, none));
    if dialect.transport == Transport::Header {
        rows.push(Bad {
            name: "zlib that is none".to_owned(),
            bytes: dialect.headed(&[protocol, 1, 1], SEQID, b"no zlib at all"),
            method: "",
            fate: broken,
        });
    }
    rows
}

/// All of a dialect.
pub fn messages(dialect: Dialect) -> Vec<Bad> {
    let mut cases = structs(dialect);
    cases.extend(starts(dialect));
    if dialect.transport != Transport::Buffered {
        cases.extend(frames(dialect));
    }
    if dialect.has_header() {
        cases.extend(headers(dialect));
    }
    cases
}
