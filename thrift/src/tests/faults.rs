//! Messages that are wrong: answered where their start can be read, else the end of the connection.

use std::io::Write;
use std::sync::Arc;

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::units::Size;
use wireloom_codecs::{
    Codec, ErrorKind, Fault, FrameLimits, Inbound, Kind, Outbound, Role, StreamId,
};

use super::{binary, codec, decode_all, encode, framed, header, hex, settings};
use crate::{ThriftCodec, ThriftConfig};

const THEADER: [u8; 2] = [0x0f, 0xff];
const TTHEADER: [u8; 2] = [0x10, 0];

/// `bad`, then a good frame. Gives the fault, and whether the good frame was reached.
fn fault_of(codec: &mut ThriftCodec, bad: &[u8], good: &[u8]) -> (Fault, bool) {
    let (mut events, error) = decode_all(codec, &[bad, good].concat());
    assert!(!events.is_empty(), "{error:?}");
    let goes_on = matches!(events[1..], [Inbound::Request(..)]);
    assert_eq!(goes_on, error.is_none(), "{events:?} {error:?}");
    match events.remove(0) {
        Inbound::Fault(id, fault) => {
            assert_eq!(id, StreamId(7));
            assert!(fault.is_request);
            (fault, goes_on)
        }
        other => panic!("{other:?}"),
    }
}

/// What the struct of a message may be, and is not.
fn bad_bodies() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let binary = [
        "0b0001 ffffffff 00",
        "0b0001 80000000 00",
        "0b0001 7fffffff 00",
        "0f0001 08 ffffffff 00",
        "0f0001 08 7fffffff 00",
        "0f0001 0c 7fffffff 00",
        "0d0001 0b0b ffffffff 00",
        "0d0001 0b0b 80000000 00",
        "0d0001 0c0c 7fffffff 00",
        "7f0001 00",
        "010001 00",
        "080001 00000001",
        "080001",
        "",
    ];
    let mut binary: Vec<_> = binary.iter().map(|text| hex(text)).collect();
    binary.push([0x0c, 0, 1].repeat(100_000));
    binary.push([&hex("0f0001")[..], &hex("0f00000001").repeat(100_000)].concat());
    binary.push([&hex("0d0001")[..], &hex("0d0d00000001").repeat(50_000)].concat());
    let compact = [
        "18 ffffffff0f 00",
        "18 ffffffff07 00",
        "19 fc ffffffff0f 00",
        "19 fc ffffffff07 00",
        "1b ffffffff07 cc 00",
        "1f 00",
        "10",
        "15 ffffffffffffffffffffffffffffffffffffffff 00",
        "18 ffffffffffffffffffffffffffffffffffffffff 00",
        "15 02",
        "15",
        "",
    ];
    let mut compact: Vec<_> = compact.iter().map(|text| hex(text)).collect();
    compact.push(vec![0x1c; 500_000]);
    compact.push(vec![0x19; 500_000]);
    (binary, compact)
}

#[test]
fn a_broken_struct_in_a_frame_is_answered_at_once_and_the_connection_goes_on() {
    let (binaries, compacts) = bad_bodies();
    let good = binary(1, "good", 8, &[0]);
    let compact_good = hex("8221 08 01 6d 00");
    for body in &binaries {
        let bad = binary(1, "m", 7, body);
        for (bad, good) in [
            (framed(&bad), framed(&good)),
            (
                header(THEADER, 7, &[0, 0], &bad),
                header(THEADER, 8, &[0, 0], &good),
            ),
            (
                header(TTHEADER, 7, &[0, 0], &framed(&bad)),
                header(TTHEADER, 8, &[0, 0], &framed(&good)),
            ),
        ] {
            let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &bad, &good);
            assert!(
                goes_on && fault.error.kind == ErrorKind::Malformed,
                "{}",
                fault.error
            );
            assert_eq!(
                (fault.origin.kind, &*fault.origin.method),
                (Kind::Unary, "m")
            );
        }
    }
    for body in &compacts {
        let bad = framed(&[hex("8221 07 01 6d"), body.clone()].concat());
        let good = framed(&compact_good);
        let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &bad, &good);
        assert!(
            goes_on && fault.error.kind == ErrorKind::Malformed,
            "{}",
            fault.error
        );
    }
}

#[test]
fn a_broken_struct_without_a_frame_is_answered_and_is_the_end() {
    let (binaries, compacts) = bad_bodies();
    let mut refused = 0;
    for bad in binaries.iter().map(|body| binary(1, "m", 7, body)).chain(
        compacts
            .iter()
            .map(|body| [hex("8221 07 01 6d"), body.clone()].concat()),
    ) {
        let (events, error) = decode_all(&mut codec(Role::Downstream), &bad);
        match &events[..] {
            // A message that breaks off: the rest may come.
            [] => assert!(error.is_none()),
            [Inbound::Fault(id, _)] => {
                refused += 1;
                assert!(*id == StreamId(7) && error.is_some());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, binaries.len() + compacts.len() - 6);
}

#[test]
fn bytes_behind_a_message_in_its_frame_are_answered_and_are_the_end() {
    let one = binary(1, "m", 7, &[0]);
    let good = framed(&one);
    for behind in [vec![0], one.clone()] {
        let bad = framed(&[one.clone(), behind].concat());
        let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &bad, &good);
        assert!(!goes_on && fault.error.detail.contains("behind"));
    }
    // Also if nothing else has come: the next call finds the end.
    let bad = framed(&[one, vec![0]].concat());
    let mut codec = codec(Role::Downstream);
    let (events, error) = decode_all(&mut codec, &bad);
    assert!(matches!(events[..], [Inbound::Fault(..)]) && error.is_some());
    let (events, error) = decode_all(&mut codec, &good);
    assert!(events.is_empty() && error.is_some(), "an error stays one");
}

#[test]
fn unknown_types_are_answered_and_one_way_calls_are_not() {
    for kind in [0, 5, 9, 255] {
        let bad = framed(&binary(kind, "m", 7, &[0]));
        let good = framed(&binary(1, "m", 8, &[0]));
        let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &bad, &good);
        assert!(goes_on && fault.origin.kind == Kind::Unary);
        assert_eq!(fault.error.kind, ErrorKind::Malformed);
    }
    let (events, _) = decode_all(
        &mut codec(Role::Downstream),
        &framed(&hex("8201 07 01 6d 00")),
    );
    assert!(matches!(events[..], [Inbound::Fault(..)]), "compact type 0");
    let bad = framed(&binary(4, "m", 7, &[1]));
    let good = framed(&binary(1, "m", 8, &[0]));
    let (fault, _) = fault_of(&mut codec(Role::Downstream), &bad, &good);
    assert_eq!(fault.origin.kind, Kind::OneWay);
}

#[test]
fn answers_from_a_client_are_told_apart() {
    // The driver ends the connection on these.
    for kind in [2, 3] {
        let bytes = framed(&binary(kind, "m", 7, &[0]));
        let (events, _) = decode_all(&mut codec(Role::Downstream), &bytes);
        assert!(matches!(events[..], [Inbound::Response(..)]));
        let bytes = framed(&binary(kind, "m", 7, &[1]));
        let (events, _) = decode_all(&mut codec(Role::Downstream), &bytes);
        assert!(matches!(&events[..], [Inbound::Fault(_, fault)] if !fault.is_request));
    }
}

#[test]
fn what_starts_no_message_ends_the_connection() {
    for bytes in [
        // Lengths -16, 0, -2^31, 2^30.
        hex("fffffff0 80010001 00000001 6d 00000007 00"),
        hex("00000000 80010001"),
        hex("80000000 80010001"),
        hex("40000000 80010001"),
        // Versions.
        framed(&hex("80020001 00000001 6d 00000007 00")),
        framed(&hex("70010001 00000001 6d 00000007 00")),
        hex("80020001 00000001 6d 00000007 00"),
        framed(&hex("8222 07 01 6d 00")),
        // Names: -1, 2^31, over the limit, behind the frame.
        framed(&hex("80010001 ffffffff 6d 00000007 00")),
        framed(&hex("80010001 80000000 6d 00000007 00")),
        framed(&hex("80010001 7fffffff 6d 00000007 00")),
        framed(&hex("80010001 00000010 6d 00000007 00")),
        framed(&hex("8221 07 ffffffff07 6d 00")),
        framed(&hex("8221 07 10 6d 00")),
        hex("80010001 ffffffff 6d"),
        hex("80010001 00010001 6d"),
        // Seqids.
        framed(&hex("8221 ffffffffffffffffffff 01 6d 00")),
        // Header blocks: 65535 words, 127 transforms, another protocol, one that breaks off.
        framed(&hex(
            "0fff 0000 00000007 ffff 0000 0000 80010001 00000001 6d 00000007 00",
        )),
        header(THEADER, 7, &[0, 127, 1, 1], &binary(1, "m", 7, &[0])),
        header(THEADER, 7, &[1, 0], &binary(1, "m", 7, &[0])),
        header(TTHEADER, 7, &[3, 0], &binary(1, "m", 7, &[0])),
        header(TTHEADER, 7, &[], &binary(1, "m", 7, &[0])),
        framed(&hex("0fff 0000 0000")),
        // Frames too short to say what they are.
        framed(&[0x80]),
        framed(&[0x0f]),
        framed(&[0x82, 0x21, 7]),
    ] {
        let (events, error) = decode_all(&mut codec(Role::Downstream), &bytes);
        assert!(events.is_empty(), "{bytes:02x?}: {events:?}");
        assert!(error.is_some(), "{bytes:02x?} is waited on");
    }
}

#[test]
fn broken_pairs_and_other_transforms_are_answered() {
    let call = binary(1, "m", 7, &[0]);
    let good = header(THEADER, 8, &[0, 0], &binary(1, "m", 8, &[0]));
    for (block, kind, method) in [
        ("0000 01 01 05 6b", ErrorKind::Malformed, "m"),
        ("0000 01 ffffffff07 01 6b 00", ErrorKind::Malformed, "m"),
        ("0001 02", ErrorKind::Unsupported, ""),
        ("0002 01 01", ErrorKind::Unsupported, ""),
        // zlib that is none.
        ("0001 01", ErrorKind::Malformed, ""),
        (
            &format!("007f {}", "01".repeat(127)),
            ErrorKind::Unsupported,
            "",
        ),
    ] {
        let bad = header(THEADER, 7, &hex(block), &call);
        let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &bad, &good);
        assert!(
            goes_on && fault.error.kind == kind,
            "{block}: {}",
            fault.error
        );
        assert_eq!(fault.origin.method, method, "{block}");
    }
    let mut many = vec![0, 0, 1, 101];
    many.extend([1, b'k', 1, b'v'].repeat(101));
    let (fault, _) = fault_of(
        &mut codec(Role::Downstream),
        &header(THEADER, 7, &many, &call),
        &good,
    );
    assert_eq!(fault.error.kind, ErrorKind::TooLarge);
    let long = [0; 65 << 10];
    let (fault, _) = fault_of(
        &mut codec(Role::Downstream),
        &header(THEADER, 7, &long, &call),
        &good,
    );
    assert_eq!(
        (fault.error.kind, &*fault.origin.method),
        (ErrorKind::TooLarge, "m")
    );
}

#[test]
fn a_zlib_bomb_stays_packed() {
    let mut message = binary(1, "m", 7, &hex("0b0001 04000000"));
    message.resize(message.len() + (64 << 20), 0);
    message.push(0);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
    packed.write_all(&message).unwrap();
    let packed = packed.finish().unwrap();
    let bytes = header(THEADER, 7, &[0, 1, 1], &packed);
    let mut codec = codec(Role::Downstream);
    let (events, error) = decode_all(&mut codec, &bytes);
    let [Inbound::Request(id, request)] = &events[..] else {
        panic!("{events:?} {error:?}")
    };
    assert_eq!(request.head.method, "m");
    assert_eq!(encode(&mut codec, Outbound::Request(*id, request)), bytes);
}

fn small(discard: usize, max_frame: usize) -> ThriftCodec {
    let limits = FrameLimits {
        frame: 1000,
        header: 100,
        headers: 3,
    };
    let settings = ThriftConfig {
        discard: Size(discard),
        max_frame: Size(max_frame),
        ..ThriftConfig::default()
    };
    ThriftCodec::new(&Arc::new(settings.into()), Role::Downstream, limits)
}

/// A message of exactly `len` bytes.
fn long(len: usize) -> Vec<u8> {
    let text = len - binary(1, "m", 7, &hex("0b0001 00000000 00")).len();
    let mut body = hex("0b0001");
    body.extend((text as u32).to_be_bytes());
    body.resize(body.len() + text, b'x');
    body.push(0);
    binary(1, "m", 7, &body)
}

#[test]
fn the_frame_limits_are_exact() {
    let good = framed(&binary(1, "m", 8, &[0]));
    for (discard, max_frame, fits) in [(2000, 1 << 20, 996), (2000, 500, 500), (100, 500, 500)] {
        let (events, _) = decode_all(&mut small(discard, max_frame), &framed(&long(fits)));
        assert!(matches!(events[..], [Inbound::Request(..)]));
        let mut codec = small(discard, max_frame);
        let (fault, goes_on) = fault_of(&mut codec, &framed(&long(fits + 1)), &good);
        assert_eq!(
            (fault.error.kind, &*fault.origin.method),
            (ErrorKind::TooLarge, "m")
        );
        assert_eq!(goes_on, discard > 500, "longer than what is discarded");
    }
    let (events, _) = decode_all(&mut small(0, 1), &long(1000));
    assert!(matches!(events[..], [Inbound::Request(..)]));
    let (events, error) = decode_all(&mut small(0, 1), &long(1001));
    assert!(
        matches!(&events[..], [Inbound::Fault(_, fault)] if fault.error.kind == ErrorKind::TooLarge)
    );
    assert!(error.is_some());
}

#[test]
fn the_default_limit_is_that_of_the_libraries() {
    let message = long(16_384_000);
    let (events, _) = decode_all(&mut codec(Role::Downstream), &framed(&message));
    assert!(matches!(events[..], [Inbound::Request(..)]));
    let (events, error) = decode_all(&mut codec(Role::Downstream), &framed(&long(16_384_001)));
    assert!(
        matches!(&events[..], [Inbound::Fault(_, fault)] if fault.error.kind == ErrorKind::TooLarge)
    );
    assert!(error.is_none());
}

#[test]
fn an_oversized_frame_is_answered_at_once_and_dropped_as_it_comes() {
    let bytes = framed(&long(5000));
    let good = framed(&binary(1, "m", 8, &[0]));
    for step in [1, 23, 999, 5000] {
        let mut codec = small(1 << 20, 1 << 20);
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for chunk in [&bytes[..], &good].concat().chunks(step) {
            buffer.extend_from_slice(chunk);
            while let Some(event) = codec.decode(&mut buffer).unwrap() {
                seen.push(event);
            }
            if seen.len() == 1 {
                assert!(buffer.len() < good.len(), "kept {} bytes", buffer.len());
            }
        }
        assert!(
            matches!(seen[..], [Inbound::Fault(..), Inbound::Request(..)]),
            "in steps of {step}: {seen:?}"
        );
    }
    // The start alone is enough for the answer, whatever is announced.
    for length in ["0fffffff", "3fffffff"] {
        let mut buffer =
            BytesMut::from(&hex(&format!("{length} 80010001 00000001 6d 00000007"))[..]);
        let mut codec = ThriftCodec::new(&settings(), Role::Downstream, FrameLimits::default());
        let event = codec.decode(&mut buffer).unwrap();
        assert!(matches!(event, Some(Inbound::Fault(..))));
        assert!(codec.decode(&mut buffer).is_err() && codec.pending_frame(&buffer).is_none());
    }
}

#[test]
fn a_frame_that_breaks_off_is_told_at_the_end() {
    for bytes in [framed(&long(100)), long(100)] {
        let mut codec = codec(Role::Downstream);
        let mut buffer = BytesMut::from(&bytes[..60]);
        assert!(codec.decode_eof(&mut buffer).is_err());
        let mut buffer = BytesMut::from(&bytes[..]);
        assert!(codec.decode_eof(&mut buffer).unwrap().is_some());
        assert!(codec.decode_eof(&mut buffer).unwrap().is_none());
    }
}
