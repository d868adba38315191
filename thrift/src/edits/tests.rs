use wireloom_codecs::{Codec, Inbound, Outbound, Role, StreamId, WriteBuf};

use super::*;
use crate::ThriftCodec;
use crate::fuzz;
use crate::tests::vectors;
use crate::tests::{codec, decode_all};

fn some() -> FieldEdits<'static> {
    let mut edits = FieldEdits::new();
    edits.set("x-trace", "new");
    edits.add("from_service", "mesh");
    edits
}

#[test]
fn messages_of_real_libraries_are_edited_and_read_again() {
    let mut edited = 0;
    let (messages, _) = vectors::all();
    for vector in messages {
        fuzz::edits(&vector.bytes);
        let (mut events, _) = decode_all(&mut vector.codec(vector.role()), &vector.bytes);
        let mut writer = vector.codec(Role::Upstream);
        let mut dst = WriteBuf::new();
        let has = vector.text("transport").contains("header");
        match events.remove(0) {
            Inbound::Request(_, mut request) => {
                let before = request.head.wire.clone();
                let done = ThriftCodec::edit_request(&mut request, &some());
                assert_eq!(done, has, "{}", vector.name);
                if !done {
                    assert_eq!(request.head.wire, before);
                    continue;
                }
                let out = Outbound::Request(StreamId(9), &request);
                writer.encode(out, &mut dst).unwrap();
            }
            Inbound::Response(_, mut response) => {
                let before = response.head.wire.clone();
                let done = ThriftCodec::edit_response(&mut response, &some());
                assert_eq!(done, has, "{}", vector.name);
                if !done {
                    assert_eq!(response.head.wire, before);
                    continue;
                }
                let out = Outbound::Response(StreamId(9), &response);
                writer.encode(out, &mut dst).unwrap();
            }
            other => panic!("{}: {other:?}", vector.name),
        }
        let (events, error) = decode_all(&mut codec(vector.role()), &dst.to_vec());
        assert!(error.is_none(), "{error:?}");
        let fields = match &events[..] {
            [Inbound::Request(_, request)] => &request.head.fields,
            [Inbound::Response(_, response)] => &response.head.fields,
            other => panic!("{}: {other:?}", vector.name),
        };
        let values = |name: &'static [u8]| fields.all(name).map(|v| v.as_str()).collect::<Vec<_>>();
        assert_eq!(values(b"x-trace"), ["new"], "{}", vector.name);
        assert_eq!(values(b"from_service"), ["mesh"], "{}", vector.name);
        edited += 1;
    }
    assert!(edited >= 10, "{edited}");
}

fn wire(transport: Transport, block: &[u8]) -> Wire {
    let mut image = block.to_vec();
    image.resize(block.len().next_multiple_of(4), 0);
    let fixed = Fixed {
        dialect: crate::types::Dialect {
            transport,
            ..Default::default()
        },
        words: u16::try_from(image.len() / 4).unwrap(),
        seq_at: u32::try_from(image.len()).unwrap() + 9,
        ..Fixed::default()
    };
    image.extend_from_slice(b"\x80\x01\0\x01\0\0\0\x01m\0\0\0\x01");
    Wire {
        fixed: fixed.to_bytes(),
        image: image.into(),
    }
}

#[test]
fn pairs_go_and_come_in_both_transports() {
    let mut edits = FieldEdits::new();
    edits.remove("a");
    edits.set("log_id", "7");
    for (transport, block, expected) in [
        // THeader: protocol, transforms, then blocks of pairs; numbers are varints.
        (
            Transport::Header,
            &b"\0\0\x01\x02\x01a\x011\x01b\x012"[..],
            &b"\0\0\x01\x01\x01b\x012\x01\x01\x06log_id\x017\0"[..],
        ),
        // TTHeader: a byte for ids, two for counts and lengths; Kitex's number 2 is the log id.
        (
            Transport::TtHeader,
            b"\0\0\x10\0\x01\0\x02\0\x015\x01\0\x01\0\x01a\0\x011",
            b"\0\0\x10\0\x01\0\x02\0\x017\0\0",
        ),
    ] {
        let mut wire = wire(transport, block);
        assert!(message(&mut wire, &edits));
        let fixed = Fixed::parse(&wire.fixed).unwrap();
        let length = 4 * usize::from(fixed.words);
        assert_eq!(&wire.image[..length], expected, "{transport:?}");
        assert_eq!(
            &wire.image[length..],
            b"\x80\x01\0\x01\0\0\0\x01m\0\0\0\x01"
        );
        assert_eq!(fixed.seq_at as usize, length + 9);
    }
}

#[test]
fn what_is_broken_or_would_not_fit_stays_as_it_is() {
    let long = "x".repeat(262_144);
    let mut big = FieldEdits::new();
    big.add("big", &long);
    for (transport, block, edits) in [
        (Transport::Header, &b"\0\0\x01\x05"[..], some()),
        (Transport::Header, b"\0\0\x01\x01\x09ab", some()),
        (Transport::TtHeader, b"\0\0\x05\0", some()),
        (Transport::Header, b"\0\0", big.clone()),
        (Transport::TtHeader, b"\0\0", big),
        (Transport::Framed, b"", some()),
    ] {
        let mut wire = wire(transport, block);
        let before = wire.clone();
        assert!(!message(&mut wire, &edits), "{transport:?} {block:?}");
        assert_eq!(wire, before);
    }
}

#[test]
fn what_says_where_a_request_goes_is_never_edited() {
    let mut edits = FieldEdits::new();
    edits.set("to_service", "other");
    let mut wire = wire(Transport::TtHeader, b"\0\0\x10\0\x01\0\x06\0\x03a.B");
    let before = wire.clone();
    assert!(!message(&mut wire, &edits));
    assert_eq!(wire, before);
}
