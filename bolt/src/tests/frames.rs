//! Frame boundaries: cuts, neighbours, versions side by side.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::{Body, Codec, ConnError, Inbound, Needs, Outbound, Role, StreamId};

use super::{Frame, codec, decode_all, encode, encode_event, request, response, vectors};
use crate::types::{Version, status};

#[test]
fn a_frame_may_come_in_any_two_pieces() {
    for vector in vectors::all() {
        let frame = vector.frame();
        let whole = format!("{:?}", decode_all(&mut codec(Role::Upstream), frame).0);
        for cut in 0..frame.len() {
            let mut codec = codec(Role::Upstream);
            let mut buffer = BytesMut::from(&frame[..cut]);
            assert!(
                codec.decode(&mut buffer).unwrap().is_none(),
                "{} at {cut}",
                vector.name
            );
            match codec.pending_frame(&buffer) {
                Some(len) => assert_eq!(len, frame.len()),
                None => assert!(cut < 24, "{} at {cut}", vector.name),
            }
            buffer.extend_from_slice(&frame[cut..]);
            let event = codec.decode(&mut buffer).unwrap().unwrap();
            assert_eq!(format!("[{event:?}]"), whole, "{} at {cut}", vector.name);
            assert!(codec.decode(&mut buffer).unwrap().is_none() && buffer.is_empty());
        }
    }
}

#[test]
fn all_vectors_in_one_read() {
    let vectors = vectors::all();
    let stream: Vec<u8> = vectors
        .iter()
        .flat_map(|vector| vector.frame().to_vec())
        .collect();
    let (events, error) = decode_all(&mut codec(Role::Upstream), &stream);
    assert!(error.is_none());
    assert_eq!(events.len(), vectors.len());
    for (event, vector) in events.iter().zip(&vectors) {
        let id = match event {
            Inbound::Request(id, _) | Inbound::Response(id, _) => *id,
            _ => continue,
        };
        assert_eq!(
            encode_event(event, id).unwrap(),
            vector.frame(),
            "{}",
            vector.name
        );
    }
}

#[test]
fn an_end_inside_a_frame_is_noticed() {
    let frame = Frame::request(Version::V1).bytes();
    for cut in 0..=frame.len() {
        let mut codec = codec(Role::Downstream);
        let mut buffer = BytesMut::from(&frame[..cut]);
        match codec.decode_eof(&mut buffer) {
            Ok(None) => assert_eq!(cut, 0),
            Ok(Some(_)) => {
                assert_eq!(cut, frame.len());
                assert!(codec.decode_eof(&mut buffer).unwrap().is_none());
            }
            Err(error) => assert!(matches!(error, ConnError::Truncated(n) if n == cut && n > 0)),
        }
    }
}

#[test]
fn nothing_is_copied() {
    let mut frame = Frame::request(Version::V1)
        .pair("service", "a.B:1.0")
        .pair("k", "v");
    frame.content = vec![9; 10_000];
    let mut buffer = BytesMut::from(&frame.bytes()[..]);
    let range = buffer.as_ptr_range();
    let mut codec = codec(Role::Downstream);
    codec.set_needs(&Needs::fields(["k", "version"]));
    let Some(Inbound::Request(_, request)) = codec.decode(&mut buffer).unwrap() else {
        panic!()
    };
    let head = &request.head;
    assert_eq!(head.fields.get(b"version").unwrap(), &"1.0");
    assert_eq!(head.fields.get(b"k").unwrap(), &"v");
    let parts = [
        &head.wire.image[..],
        head.service.as_bytes(),
        head.fields.get(b"k").unwrap().as_bytes(),
        head.fields.get(b"version").unwrap().as_bytes(),
        request.body.whole().unwrap(),
    ];
    for part in parts {
        assert!(range.contains(&part.as_ptr()));
    }
}

#[test]
fn crc_is_checked_and_one_flipped_bit_anywhere_is_seen() {
    let mut frame = Frame::request(Version::V2)
        .with_crc()
        .pair("service", "a.B:1.0");
    frame.content = b"content".to_vec();
    let good = frame.bytes();
    request(&good);
    // The bytes that tell where the frame ends are left alone.
    for at in (6..11).chain(12..16).chain(24..good.len()) {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let bad = [&bad[..], &good].concat();
            let (events, error) = decode_all(&mut codec(Role::Downstream), &bad);
            assert!(error.is_none());
            let [Inbound::Fault(_, fault), Inbound::Request(..)] = &events[..] else {
                panic!("byte {at}, bit {bit}: {events:?}")
            };
            assert!(fault.error.to_string().contains("CRC"), "{}", fault.error);
        }
    }
}

#[test]
fn a_large_body_has_its_crc_too() {
    let mut frame = Frame::response(Version::V2, 0).with_crc();
    frame.content = (0..100_000u32).map(|i| i as u8).collect();
    let event = decode_all(&mut codec(Role::Upstream), &frame.bytes())
        .0
        .remove(0);
    frame.head.id = 99;
    assert_eq!(encode_event(&event, StreamId(99)).unwrap(), frame.bytes());
}

#[test]
fn a_changed_body_and_header_are_still_a_frame() {
    for version in [Version::V1, Version::V2] {
        let frame = Frame::request(version)
            .pair("service", "a.B:1.0")
            .with_crc();
        let mut request = request(&frame.bytes());
        request.body = Body::Whole(Bytes::from_static(b"another"));
        let other = frame.clone().pair("k", "v");
        request.head.wire.image = [&other.class[..], &other.header].concat().into();
        let bytes = encode(
            &mut codec(Role::Upstream),
            Outbound::Request(StreamId(7), &request),
        );
        let content = b"another".to_vec();
        assert_eq!(bytes, Frame { content, ..other }.bytes());
    }
}

#[test]
fn versions_alternate_on_one_connection() {
    let frames = [
        Frame::request(Version::V2).with_crc(),
        Frame::request(Version::V1),
        Frame::request(Version::V2),
    ];
    let stream: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
    let (events, error) = decode_all(&mut codec(Role::Downstream), &stream);
    assert!(error.is_none() && events.len() == 3);
    for (event, frame) in events.iter().zip(&frames) {
        assert_eq!(encode_event(event, StreamId(7)).unwrap(), frame.bytes());
    }
}

#[test]
fn a_client_that_never_spoke_v2_gets_v1_answers() {
    let v1 = Frame::response(Version::V1, status::TIMEOUT).pair("k", "v");
    let v2 = Frame {
        head: crate::types::Head {
            version: Version::V2,
            ..v1.head
        },
        ..v1.clone()
    };
    let answer = response(&v2.clone().with_crc().bytes());

    let mut client = codec(Role::Downstream);
    decode_all(&mut client, &Frame::request(Version::V1).bytes());
    let out = Outbound::Response(StreamId(7), &answer);
    assert_eq!(encode(&mut client, out), v1.bytes());

    decode_all(&mut client, &Frame::request(Version::V2).bytes());
    let out = Outbound::Response(StreamId(7), &answer);
    assert_eq!(encode(&mut client, out), v2.with_crc().bytes());
}

#[test]
fn extreme_ids_come_back_exactly() {
    for id in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        let mut frame = Frame::request(Version::V1);
        frame.head.id = id;
        let (events, _) = decode_all(&mut codec(Role::Downstream), &frame.bytes());
        let [Inbound::Request(found, request)] = &events[..] else {
            panic!()
        };
        assert_eq!(*found, StreamId(id.into()));
        let out = Outbound::Request(*found, request);
        assert_eq!(encode(&mut codec(Role::Upstream), out), frame.bytes());
    }
}
