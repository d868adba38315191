//! Frames that are wrong: answered where their end is known, else the end of the connection.

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::units::Size;
use wireloom_codecs::{Codec, ErrorKind, Fault, FrameLimits, Inbound, Kind, Role, StreamId};

use super::{Frame, codec, decode_all};
use crate::types::{Head, Type, Version};
use crate::{BoltCodec, BoltConfig};

/// `bad`, then a good frame. Gives the fault, and whether the good frame was reached.
fn fault_of(codec: &mut BoltCodec, bad: &[u8]) -> (Fault, bool) {
    let good = Frame::request(Version::V1).bytes();
    let (mut events, error) = decode_all(codec, &[bad, &good].concat());
    let goes_on = matches!(events[1..], [Inbound::Request(..)]);
    assert_eq!(goes_on, error.is_none(), "{events:?} {error:?}");
    assert!(goes_on || events.len() == 1);
    match events.remove(0) {
        Inbound::Fault(id, fault) => {
            assert_eq!(id, StreamId(7));
            (fault, goes_on)
        }
        other => panic!("{other:?}"),
    }
}

fn changed(version: Version, change: impl FnOnce(&mut Head)) -> Vec<u8> {
    let mut frame = Frame::request(version);
    change(&mut frame.head);
    frame.bytes()
}

#[test]
fn a_wrong_value_in_a_frame_of_known_length_is_answered() {
    let cases = [
        changed(Version::V1, |head| head.ver2 = 77),
        changed(Version::V1, |head| head.command = 777),
        changed(Version::V1, |head| head.command = 2),
        changed(Version::V2, |head| head.ver2 = 0),
        changed(Version::V2, |head| head.command = 101),
    ];
    for bad in cases {
        let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &bad);
        assert_eq!(fault.error.kind, ErrorKind::Malformed);
        assert!(goes_on && fault.is_request && fault.origin.kind == Kind::Unary);
    }
    let one_way = changed(Version::V1, |head| {
        head.kind = Type::OneWay;
        head.ver2 = 2;
    });
    let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &one_way);
    assert!(goes_on && fault.origin.kind == Kind::OneWay);

    let mut response = Frame::response(Version::V1, 0);
    response.head.command = 1;
    let (fault, goes_on) = fault_of(&mut codec(Role::Upstream), &response.bytes());
    assert!(goes_on && !fault.is_request);
}

#[test]
fn a_frame_whose_end_is_unknown_is_answered_before_the_end() {
    fn at(version: Version, offset: usize, bytes: &[u8]) -> Vec<u8> {
        let mut frame = Frame::request(version).bytes();
        frame[offset..offset + bytes.len()].copy_from_slice(bytes);
        frame
    }
    let cases = [
        at(Version::V1, 18, &[0xff; 4]),
        at(Version::V1, 18, &[0x80, 0, 0, 0]),
        at(Version::V1, 14, &[0xff, 0xff]),
        at(Version::V1, 16, &[0x80, 0]),
        at(Version::V1, 14, &[0xff; 8]),
        at(Version::V2, 16, &[0xff; 8]),
        at(Version::V2, 1, &[9]),
        at(Version::V2, 1, &[0]),
        at(Version::V2, 11, &[0x80]),
    ];
    for bad in cases {
        let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &bad);
        assert_eq!(fault.error.kind, ErrorKind::Malformed);
        assert!(!goes_on, "{}", fault.error);
    }
}

#[test]
fn a_content_length_short_of_the_content_ends_the_connection_behind_the_frame() {
    for short in [1, 20] {
        let mut frame = Frame::request(Version::V1);
        frame.content = vec![9; 20];
        let mut bytes = frame.bytes();
        bytes[18..22].copy_from_slice(&i32::to_be_bytes(20 - short));
        let (events, error) = decode_all(&mut codec(Role::Downstream), &bytes);
        assert!(matches!(events[..], [Inbound::Request(..)]), "{events:?}");
        let text = error.unwrap().to_string();
        assert!(text.contains("protocol byte 0x09"), "{text}");
    }
}

#[test]
fn what_is_no_frame_ends_the_connection_at_the_first_wrong_byte() {
    for bad in [
        &[0][..],
        &[3],
        &[255],
        &[1, 9],
        &[1, 3],
        &[2, 1, 9],
        &[1, 255],
    ] {
        let (events, error) = decode_all(&mut codec(Role::Downstream), bad);
        assert!(events.is_empty());
        let text = error.unwrap().to_string();
        assert!(text.starts_with("bolt protocol error: a frame"), "{text}");
    }
}

#[test]
fn a_fault_that_ends_the_connection_comes_with_the_head_and_leaves_a_byte_of_it() {
    for (limit, len) in [(1 << 16, 1 << 20), (1 << 20, -1)] {
        let mut head = Frame::request(Version::V1).bytes();
        head.truncate(22);
        head[18..].copy_from_slice(&i32::to_be_bytes(len));
        let mut codec = small(limit);
        let mut buffer = BytesMut::from(&head[..]);
        assert!(matches!(
            codec.decode(&mut buffer),
            Ok(Some(Inbound::Fault(..)))
        ));
        assert_eq!(buffer.len(), 1);
        assert!(codec.decode(&mut buffer).is_err());
    }
}

#[test]
fn an_error_stays_one() {
    let mut codec = codec(Role::Downstream);
    let bad = changed(Version::V2, |head| head.ver1 = 9);
    let (events, error) = decode_all(&mut codec, &bad);
    assert!(events.len() == 1 && error.is_some());
    let (events, error) = decode_all(&mut codec, &Frame::request(Version::V1).bytes());
    assert!(events.is_empty() && error.is_some());
}

fn small(discard: usize) -> BoltCodec {
    let limits = FrameLimits {
        frame: 1000,
        header: 100,
        headers: 3,
    };
    let settings = BoltConfig {
        discard: Size(discard),
        ..BoltConfig::default()
    };
    BoltCodec::new(&settings, Role::Downstream, limits)
}

#[test]
fn the_frame_limit_is_exact_and_covers_the_whole_frame() {
    for (frame, head) in [
        (Frame::request(Version::V1), 22),
        (Frame::request(Version::V2).with_crc(), 28),
    ] {
        let mut frame = frame;
        frame.content = vec![0; 1000 - head - frame.class.len()];
        let (events, _) = decode_all(&mut small(0), &frame.bytes());
        assert!(matches!(events[..], [Inbound::Request(..)]));
        frame.content.push(0);
        let (fault, goes_on) = fault_of(&mut small(2000), &frame.bytes());
        assert_eq!(fault.error.kind, ErrorKind::TooLarge);
        assert!(goes_on);
        let (fault, goes_on) = fault_of(&mut small(1000), &frame.bytes());
        assert_eq!(fault.error.kind, ErrorKind::TooLarge);
        assert!(!goes_on, "longer than what is discarded");
    }
}

#[test]
fn an_oversized_frame_is_dropped_as_it_comes_and_answered_at_its_end() {
    let mut frame = Frame::request(Version::V2).with_crc();
    frame.content = vec![2; 5000];
    let bytes = frame.bytes();
    let good = Frame::request(Version::V1).bytes();
    for step in [1, 23, 999, 5000] {
        let mut codec = small(1 << 20);
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for chunk in [&bytes[..], &good].concat().chunks(step) {
            buffer.extend_from_slice(chunk);
            while let Some(event) = codec.decode(&mut buffer).unwrap() {
                seen.push(event);
            }
            assert!(buffer.len() < good.len(), "kept {} bytes", buffer.len());
        }
        assert!(
            matches!(seen[..], [Inbound::Fault(..), Inbound::Request(..)]),
            "in steps of {step}: {seen:?}"
        );
    }
    let mut buffer = BytesMut::from(&bytes[..24]);
    let mut codec = small(1 << 20);
    assert!(matches!(codec.decode(&mut buffer), Ok(None)));
    assert!(codec.mid_frame() && buffer.is_empty());
    assert!(
        codec.decode_eof(&mut buffer).is_err(),
        "the rest is missing"
    );
}

#[test]
fn announced_lengths_cost_nothing() {
    for len in [1 << 30, i32::MAX] {
        let mut bytes = Frame::request(Version::V1).bytes();
        bytes[18..22].copy_from_slice(&i32::to_be_bytes(len));
        let mut codec = codec(Role::Downstream);
        let mut buffer = BytesMut::from(&bytes[..]);
        let Ok(Some(Inbound::Fault(_, fault))) = codec.decode(&mut buffer) else {
            panic!()
        };
        assert_eq!(fault.error.kind, ErrorKind::TooLarge);
        assert!(codec.pending_frame(&buffer).is_none());
        assert!(codec.decode(&mut buffer).is_err());
    }
}

#[test]
fn header_limits() {
    let three = Frame::request(Version::V1)
        .pair("a", "1")
        .pair("b", "2")
        .pair("c", "3");
    let (events, _) = decode_all(&mut small(0), &three.bytes());
    assert!(matches!(events[..], [Inbound::Request(..)]));
    let (fault, goes_on) = fault_of(&mut small(0), &three.pair("d", "4").bytes());
    assert!(goes_on && fault.error.kind == ErrorKind::TooLarge);
    let long = Frame::request(Version::V1).pair("a", &"x".repeat(100));
    let (fault, goes_on) = fault_of(&mut small(1000), &long.bytes());
    assert!(goes_on && fault.error.kind == ErrorKind::TooLarge);
}

#[test]
fn broken_header_blocks_are_answered_in_both_directions() {
    let blocks: [&[u8]; 7] = [
        &[1],
        &[0x80, 0, 0, 0],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 0, 9, b'k'],
        &[0xff, 0xff, 0xff, 0xfb, 0, 0, 0, 0],
        &[0, 0, 0, 1, b'k', 0, 0, 0, 2, b'v'],
        &[0, 0, 0, 1, b'k'],
    ];
    for block in blocks {
        for mut frame in [Frame::request(Version::V1), Frame::response(Version::V2, 0)] {
            frame.header = block.to_vec();
            let (fault, goes_on) = fault_of(&mut codec(Role::Downstream), &frame.bytes());
            assert!(
                goes_on && fault.error.kind == ErrorKind::Malformed,
                "{block:?}"
            );
            assert!(
                fault.error.detail.contains("header block"),
                "{}",
                fault.error
            );
        }
    }
}
