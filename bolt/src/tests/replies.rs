//! What the codec says for itself: error replies, heartbeats, goaway.

use wireloom_codecs::{
    Class, Codec, Control, ErrorKind, FrameLimits, Inbound, LocalError, Origin, Outbound, Role,
    StreamId, Wire,
};

use super::{Frame, codec, decode_all, decode_one, encode, request, vectors};
use crate::types::{Type, Version, command, status};
use crate::{BoltCodec, BoltConfig};

fn vector(name: &str) -> Vec<u8> {
    vectors::all()
        .into_iter()
        .find(|v| v.name == name)
        .unwrap()
        .bytes
}

fn reply(to: &Origin, kind: ErrorKind) -> Vec<u8> {
    let mut codec = codec(Role::Downstream);
    // So that answers may be v2.
    decode_all(&mut codec, &Frame::request(Version::V2).bytes());
    let reply = codec.error_reply(to, &LocalError::new(kind, "detail"));
    assert_eq!(reply.head.outcome.class, kind.class());
    encode(&mut codec, Outbound::Response(StreamId(42), &reply))
}

#[test]
fn every_failure_has_its_status() {
    let expected = |kind| match kind {
        ErrorKind::NoRoute | ErrorKind::NoEndpoint => 6,
        ErrorKind::ConnectFailure | ErrorKind::Reset | ErrorKind::Draining => 0x10,
        ErrorKind::Timeout => 7,
        ErrorKind::Overloaded | ErrorKind::RateLimited => 4,
        ErrorKind::Malformed | ErrorKind::TooLarge => 9,
        ErrorKind::Denied => 2,
        ErrorKind::Unsupported | ErrorKind::Internal => 3,
    };
    for kind in ErrorKind::ALL {
        let mut origin = Frame::request(Version::V1);
        origin.head.codec = 11;
        let origin = request(&origin.bytes()).head.origin();
        let status: u8 = expected(kind);
        let bytes = [
            1, 0, 0, 2, 1, 0, 0, 0, 42, 11, 0, status, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(reply(&origin, kind), bytes, "{kind}");
        // It reads back as what it means.
        let Inbound::Response(StreamId(42), response) = decode_one(&bytes) else {
            panic!()
        };
        assert_eq!(response.head.outcome.native, u32::from(status));
        assert_ne!(response.head.outcome.class, Class::Success);
    }
}

#[test]
fn replies_are_those_of_the_vectors() {
    let v1 = request(&vector("v1_request_hessian3")).head.origin();
    for (kind, name) in [
        (ErrorKind::NoRoute, "hand_v1_local_reply_no_processor"),
        (ErrorKind::Timeout, "hand_v1_local_reply_timeout"),
        (ErrorKind::Overloaded, "hand_v1_local_reply_threadpool_busy"),
        (ErrorKind::Reset, "hand_v1_local_reply_connection_closed"),
        (ErrorKind::Malformed, "hand_v1_local_reply_codec_exception"),
        (ErrorKind::Internal, "hand_v1_local_reply_unknown"),
    ] {
        assert_eq!(reply(&v1, kind), vector(name), "{name}");
    }
    let v2 = request(&vector("v2_ver1_request")).head.origin();
    assert_eq!(
        reply(&v2, ErrorKind::Timeout),
        vector("hand_v2_local_reply_timeout")
    );
    let crc = request(&vector("v2_ver2_crc_request")).head.origin();
    assert_eq!(
        reply(&crc, ErrorKind::Timeout),
        vector("hand_v2_local_reply_timeout_crc")
    );
}

#[test]
fn a_crc_switch_without_ver1_2_is_not_repeated() {
    let mut frame = Frame::request(Version::V2);
    frame.head.switch = 1;
    let origin = request(&frame.bytes()).head.origin();
    let bytes = reply(&origin, ErrorKind::Timeout);
    assert_eq!((bytes.len(), bytes[1], bytes[11]), (22, 1, 0));
}

#[test]
fn a_request_of_another_protocol_is_answered_in_v1() {
    let bytes = reply(&Origin::default(), ErrorKind::Timeout);
    assert_eq!(bytes, vector("hand_v1_local_reply_timeout"));
}

#[test]
fn a_fault_is_answered_in_its_own_version() {
    let mut frame = Frame::request(Version::V2).with_crc();
    frame.head.ver2 = 9;
    let Inbound::Fault(_, fault) = decode_one(&frame.bytes()) else {
        panic!()
    };
    let bytes = reply(&fault.origin, fault.error.kind);
    let Inbound::Response(_, response) = decode_one(&bytes) else {
        panic!("bad CRC?")
    };
    assert_eq!(
        response.head.outcome.native,
        u32::from(status::CODEC_EXCEPTION)
    );
    assert_eq!(bytes.len(), 26);
}

#[test]
fn pings_are_answered_in_kind() {
    for (ping, ack) in [
        ("v1_heartbeat", "v1_heartbeat_ack"),
        ("v2_ver2_crc_heartbeat", "v2_ver2_crc_heartbeat_ack"),
    ] {
        let Inbound::Control(Control::Ping(id, wire)) = decode_one(&vector(ping)) else {
            panic!()
        };
        let pong = encode(&mut codec(Role::Downstream), Outbound::Pong(id, &wire));
        assert_eq!(pong, vector(ack));
    }
    // A body in a heartbeat is not echoed.
    let mut odd = Frame::request(Version::V1);
    odd.head.command = command::HEARTBEAT;
    odd.content = vec![1; 100];
    let Inbound::Control(Control::Ping(id, wire)) = decode_one(&odd.bytes()) else {
        panic!()
    };
    let pong = encode(&mut codec(Role::Downstream), Outbound::Pong(id, &wire));
    assert_eq!(pong.len(), 20);
}

#[test]
fn our_ping_is_one_and_its_answer_is_known() {
    let ping = encode(&mut codec(Role::Upstream), Outbound::Ping(StreamId(3)));
    let mut expected = vector("v1_heartbeat");
    expected[10..14].copy_from_slice(&3000u32.to_be_bytes());
    assert_eq!(ping, expected);
    let event = decode_one(&vector("v1_heartbeat_ack"));
    assert!(matches!(
        event,
        Inbound::Control(Control::Pong(StreamId(3)))
    ));
}

#[test]
fn one_way_heartbeats_are_not_answered() {
    let mut frame = Frame::request(Version::V1);
    frame.head.kind = Type::OneWay;
    frame.head.command = command::HEARTBEAT;
    assert!(matches!(
        decode_one(&frame.bytes()),
        Inbound::Control(Control::Ignore)
    ));
}

#[test]
fn go_away_is_sent_only_if_configured() {
    let mut silent = codec(Role::Downstream);
    assert!(!silent.sends_go_away());
    assert!(encode(&mut silent, Outbound::GoAway).is_empty());

    let settings = BoltConfig {
        go_away: true,
        ..BoltConfig::default()
    };
    let mut mosn = BoltCodec::new(&settings, Role::Downstream, FrameLimits::default());
    assert!(mosn.sends_go_away());
    assert_eq!(
        encode(&mut mosn, Outbound::GoAway),
        vector("hand_v1_goaway_mosn")
    );
}

#[test]
fn what_is_not_bolt_cannot_be_written() {
    let request = request(&Frame::request(Version::V1).bytes());
    let mut dst = wireloom_codecs::WriteBuf::new();
    let mut codec = codec(Role::Upstream);
    let out = Outbound::Request(StreamId(1 << 32), &request);
    assert!(codec.encode(out, &mut dst).is_err());
    let out = Outbound::Pong(StreamId(1), &Wire::default());
    assert!(codec.encode(out, &mut dst).is_err());
    assert!(dst.is_empty(), "nothing half-written");
}

#[test]
fn classes_of_statuses() {
    let expected = [
        (Class::Success, &[0][..]),
        (
            Class::ServerError,
            &[1, 2, 3, 5, 0x0a, 0x11, 0x12, 0x13, 0xffff, 0x1_0000],
        ),
        (Class::Overloaded, &[4]),
        (Class::Refused, &[6]),
        (Class::Timeout, &[7]),
        (Class::Unavailable, &[8, 0x10]),
        (Class::ClientError, &[9]),
    ];
    for (class, statuses) in expected {
        for status in statuses {
            assert_eq!(BoltCodec::classify(*status), class, "{status}");
        }
    }
}
