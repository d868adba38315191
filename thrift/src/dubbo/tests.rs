//! What the codec promises. The frames are written here as Dubbo's `ThriftCodec` describes them.

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::suite::Sample;
use wireloom_codecs::{
    Class, Codec, ErrorKind, FrameLimits, Inbound, Kind, Role, Sniff, StreamId, codec_suite,
};

use super::DubboThriftCodec;
use crate::{DECLARED_EXCEPTION, ThriftCodec};

const CALL: u8 = 1;
const REPLY: u8 = 2;
const EXCEPTION: u8 = 3;
const ONE_WAY: u8 = 4;

fn string(text: &str) -> Vec<u8> {
    let mut out = (text.len() as u32).to_be_bytes().to_vec();
    out.extend(text.bytes());
    out
}

fn frame(id: i64, kind: u8, fields: &[u8]) -> Vec<u8> {
    let service = string("com.acme.Orders");
    let header = (2 + 4 + 2 + 1 + service.len() + 8) as u16;
    let mut message = vec![0x80, 1, 0, kind];
    message.extend(string("find"));
    message.extend([0, 0, 0, 9]);
    message.extend(fields);
    let length = (usize::from(header) + message.len()) as u32;
    let mut out = length.to_be_bytes().to_vec();
    out.extend([0xda, 0xbc]);
    out.extend(length.to_be_bytes());
    out.extend(header.to_be_bytes());
    out.push(1);
    out.extend(service);
    out.extend(id.to_be_bytes());
    out.extend(message);
    out
}

/// Field 1, a string.
fn argument(length: usize) -> Vec<u8> {
    let mut out = vec![11, 0, 1];
    out.extend(string(&"x".repeat(length)));
    out.push(0);
    out
}

fn samples() -> Vec<Sample> {
    let mut samples = vec![
        Sample::new("one-way", Role::Downstream, frame(4, ONE_WAY, &[0])),
        Sample::new("void", Role::Upstream, frame(5, REPLY, &[0])),
        Sample::new("long", Role::Downstream, frame(6, CALL, &argument(70_000))),
    ];
    for id in [0, 1, i64::from(u32::MAX), i64::MAX] {
        let call = frame(id, CALL, &argument(3));
        samples.push(Sample::new(format!("call {id}"), Role::Downstream, call));
        let reply = frame(id, REPLY, &[8, 0, 0, 0, 0, 0, 7, 0]);
        samples.push(Sample::new(format!("reply {id}"), Role::Upstream, reply));
    }
    samples
}

codec_suite!(DubboThriftCodec, (), samples());

fn decode(role: Role, bytes: &[u8]) -> Inbound {
    let mut codec = DubboThriftCodec::new(&(), role, FrameLimits::default());
    codec.decode(&mut bytes.into()).unwrap().unwrap()
}

#[test]
fn names_and_kinds_are_read() {
    let Inbound::Request(id, request) = decode(Role::Downstream, &frame(7, CALL, &argument(3)))
    else {
        panic!("no request");
    };
    let head = request.head;
    assert_eq!((id, head.kind), (StreamId(7), Kind::Unary));
    assert_eq!([&*head.service, &*head.method], ["com.acme.Orders", "find"]);
    let one_way = decode(Role::Downstream, &frame(7, ONE_WAY, &[0]));
    assert!(matches!(one_way, Inbound::Request(_, request) if request.head.kind == Kind::OneWay));
}

#[test]
fn answers_have_their_outcomes() {
    let declared = [12, 0, 1, 0, 0];
    let unknown_method = [8, 0, 2, 0, 0, 0, 1, 0];
    for (kind, fields, class, native) in [
        (REPLY, &declared[..], Class::AppError, DECLARED_EXCEPTION),
        (EXCEPTION, &unknown_method, Class::Refused, 1),
    ] {
        let Inbound::Response(_, response) = decode(Role::Upstream, &frame(3, kind, fields)) else {
            panic!("no response");
        };
        let outcome = response.head.outcome;
        assert_eq!((outcome.class, outcome.native), (class, native));
    }
}

#[test]
fn what_is_wrong_inside_fails_alone_and_what_is_no_frame_ends_the_connection() {
    let mut past_its_end = frame(8, CALL, &argument(3));
    let at = past_its_end.len() - 6;
    past_its_end[at] = 9;
    let mut wrong_header = frame(8, CALL, &[0]);
    wrong_header[11] += 1;
    for (bytes, id) in [
        (past_its_end, 8),
        (wrong_header, 0),
        (frame(8, REPLY, &[0]), 8),
    ] {
        let event = decode(Role::Downstream, &bytes);
        let Inbound::Fault(given, fault) = event else {
            panic!("{event:?}");
        };
        assert_eq!(
            (given, fault.error.kind),
            (StreamId(id), ErrorKind::Malformed)
        );
    }
    let mut codec = DubboThriftCodec::new(&(), Role::Downstream, FrameLimits::default());
    let mut other = BytesMut::from(&frame(8, CALL, &[0])[..]);
    other[5] = 0xbb;
    assert!(codec.decode(&mut other).is_err());
}

#[test]
fn thrift_and_this_leave_each_other_alone() {
    for sample in samples()
        .iter()
        .filter(|sample| sample.role == Role::Downstream)
    {
        for length in 0..sample.bytes.len().min(64) {
            assert_ne!(ThriftCodec::sniff(&sample.bytes[..length]), Sniff::Match);
        }
    }
    let framed = [0, 0, 0, 20, 0x80, 1, 0, 1];
    assert_eq!(DubboThriftCodec::sniff(&framed), Sniff::Never);
}
