//! Frames in, frames out.

use wireloom_codecs::{Class, Control, ErrorKind, Kind};

use super::*;
use crate::{Head, fuzz};

#[test]
fn every_vector_is_what_it_says_and_leaves_as_it_came() {
    for vector in vectors() {
        let Vector {
            name,
            frame,
            expect,
        } = vector;
        let head = Head::parse(&frame).unwrap();
        assert_eq!(head.flag, expect["flag"].as_u64().unwrap() as u8, "{name}");
        assert_eq!(u64::from(head.length), expect["body_len"], "{name}");
        let id: u64 = expect["request_id_u64"].as_str().unwrap().parse().unwrap();
        let event = expect["body"]["event"].as_str();
        match decode(&mut codec(), &frame) {
            Inbound::Request(given, request) => {
                assert_eq!(expect["request"], true, "{name}");
                assert_eq!(given.0, id, "{name}");
                let kind = match expect["two_way"].as_bool().unwrap() {
                    true => Kind::Unary,
                    false => Kind::OneWay,
                };
                assert_eq!(request.head.kind, kind, "{name}");
                assert_eq!(request.body.whole().unwrap(), &frame[16..], "{name}");
                assert_eq!(encode(Outbound::Request(given, &request)), frame, "{name}");
            }
            Inbound::Response(given, response) => {
                assert_eq!(expect["request"], false, "{name}");
                assert_eq!(given.0, id, "{name}");
                assert_eq!(expect["status"], response.head.outcome.native, "{name}");
                let exception = matches!(expect["body"]["result_flag"].as_u64(), Some(0 | 3))
                    || name == "dubbo_resp_boom";
                let class = match (expect["status"].as_u64().unwrap(), exception) {
                    (20, true) => Class::AppError,
                    (native, _) => DubboCodec::classify(native as u32),
                };
                assert_eq!(response.head.outcome.class, class, "{name}");
                assert_eq!(
                    encode(Outbound::Response(given, &response)),
                    frame,
                    "{name}"
                );
            }
            Inbound::Control(control) => match (control, event, head.is_request()) {
                (Control::Ping(given, wire), Some("heartbeat"), true) => {
                    let answer = encode(Outbound::Pong(given, &wire));
                    let mut expected = frame.clone();
                    expected[2] &= !0xc0;
                    expected[3] = 20;
                    assert_eq!(answer, expected, "{name}");
                }
                (Control::Pong(given), Some("heartbeat"), false) => assert_eq!(given.0, id),
                (Control::GoAway, Some("R"), true) | (Control::Resume, Some("W"), true) => {}
                other => panic!("{name}: {other:?}"),
            },
            fault @ Inbound::Fault(..) => panic!("{name}: {fault:?}"),
        }
    }
}

#[test]
fn a_message_takes_any_id() {
    let (_, mut request) = request(&mut codec(), &vector("java26_request"));
    for id in [0, 1, u64::MAX, i64::MAX as u64, i64::MIN as u64] {
        let bytes = encode(Outbound::Request(StreamId(id), &request));
        let (given, again) = super::request(&mut codec(), &bytes);
        assert_eq!(given.0, id);
        assert_eq!(again.body.whole(), request.body.whole());
        request = again;
    }
}

#[test]
fn the_length_follows_a_body_that_was_changed() {
    let (id, mut request) = request(&mut codec(), &vector("java26_request"));
    request.body = wireloom_codecs::Body::Empty;
    let bytes = encode(Outbound::Request(id, &request));
    assert_eq!(Head::parse(&bytes).unwrap().length, 0);
    assert_eq!(bytes.len(), 16);
}

#[test]
fn what_no_dubbo_codec_made_is_not_written() {
    let (id, mut request) = request(&mut codec(), &vector("java26_request"));
    let mut dst = WriteBuf::new();
    let (_tx, rx) = wireloom_codecs::stream(1);
    request.body = wireloom_codecs::Body::Stream(rx);
    assert!(
        codec()
            .encode(Outbound::Request(id, &request), &mut dst)
            .is_err()
    );
    request.body = wireloom_codecs::Body::Empty;
    request.head.wire = Default::default();
    assert!(
        codec()
            .encode(Outbound::Request(id, &request), &mut dst)
            .is_err()
    );
    assert!(dst.is_empty());
}

#[test]
fn frames_are_found_however_the_bytes_are_cut() {
    let all: Vec<u8> = vectors()
        .into_iter()
        .flat_map(|vector| vector.frame)
        .collect();
    let (events, error) = decode_all(&mut codec(), &all);
    assert!(error.is_none());
    assert_eq!(events.len(), vectors().len());
    fuzz::fuzz_frames(&all);
    for vector in vectors() {
        for cut in 0..vector.frame.len() {
            let (head, tail) = vector.frame.split_at(cut);
            let mut codec = codec();
            let mut buffer = BytesMut::from(head);
            assert!(
                codec.decode(&mut buffer).unwrap().is_none(),
                "{}",
                vector.name
            );
            let pending = (cut >= 16).then_some(vector.frame.len());
            assert_eq!(codec.pending_frame(&buffer), pending, "{}", vector.name);
            buffer.extend_from_slice(tail);
            assert!(
                codec.decode(&mut buffer).unwrap().is_some(),
                "{}",
                vector.name
            );
            assert!(buffer.is_empty());
        }
    }
}

#[test]
fn bodies_are_slices_of_what_was_read() {
    let bytes = vector("java26_request");
    let mut buffer = BytesMut::from(&*bytes);
    let start = buffer.as_ptr() as usize;
    let Some(Inbound::Request(_, request)) = codec().decode(&mut buffer).unwrap() else {
        panic!("no request");
    };
    assert_eq!(request.body.whole().unwrap().as_ptr() as usize, start + 16);
    let service = request.head.service.as_bytes().as_ptr() as usize;
    assert_eq!(service, start + 23, "the service is a slice too");
}

#[test]
fn a_frame_that_breaks_off_is_said_to() {
    for vector in vectors() {
        for cut in 1..vector.frame.len() {
            let mut buffer = BytesMut::from(&vector.frame[..cut]);
            let error = codec().decode_eof(&mut buffer).unwrap_err();
            assert!(
                matches!(error, ConnError::Truncated(n) if n == cut),
                "{error}"
            );
        }
    }
    assert!(codec().decode_eof(&mut BytesMut::new()).unwrap().is_none());
}

fn small() -> DubboCodec {
    let limits = FrameLimits {
        frame: 100,
        ..FrameLimits::default()
    };
    with(DubboConfig::default(), limits)
}

fn too_large(event: &Inbound, expected_id: u64, kind: Kind, request: bool) {
    let Inbound::Fault(id, fault) = event else {
        panic!("{event:?}");
    };
    assert_eq!(id.0, expected_id);
    assert_eq!(fault.error.kind, ErrorKind::TooLarge);
    assert_eq!((fault.origin.kind, fault.is_request), (kind, request));
}

#[test]
fn the_limit_counts_the_head() {
    let fits = frame(0xc3, 1, &[0; 84]);
    assert!(matches!(decode(&mut small(), &fits), Inbound::Request(..)));
    let over = frame(0xc3, 1, &[0; 85]);
    too_large(&decode(&mut small(), &over), 1, Kind::Unary, true);
}

#[test]
fn a_body_over_the_limit_is_stepped_over_and_refused_at_its_end() {
    let good = vector("heartbeat_request");
    for (flag, kind, request) in [
        (0xc2, Kind::Unary, true),
        (0x82, Kind::OneWay, true),
        (0xe2, Kind::OneWay, true),
        (0x02, Kind::Unary, false),
    ] {
        let mut codec = small();
        let mut buffer = BytesMut::from(&*frame(flag, 9, &[]));
        buffer[12..16].copy_from_slice(&1_000_000u32.to_be_bytes());
        for _ in 0..1000 {
            buffer.extend_from_slice(&[0xee; 999]);
            assert!(codec.decode(&mut buffer).unwrap().is_none());
            assert!(buffer.is_empty(), "nothing of it is kept");
            assert!(codec.mid_frame());
            assert_eq!(codec.pending_frame(&buffer), None);
        }
        let mut end = buffer.clone();
        assert!(matches!(
            codec.decode_eof(&mut end),
            Err(ConnError::Truncated(0))
        ));
        buffer.extend_from_slice(&[0xee; 1000]);
        buffer.extend_from_slice(&good);
        let fault = codec
            .decode(&mut buffer)
            .unwrap()
            .expect("at the body's end");
        too_large(&fault, 9, kind, request);
        assert!(!codec.mid_frame());
        let next = codec.decode(&mut buffer).unwrap();
        assert!(matches!(next, Some(Inbound::Control(Control::Ping(..)))));
    }
}

#[test]
fn a_body_far_over_the_limit_ends_the_connection_after_the_reply() {
    for length in [(64 << 20) + 1, 1 << 30, i32::MAX as u32] {
        let mut bytes = frame(0xc2, 9, &[]);
        bytes[12..16].copy_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&vector("heartbeat_request"));
        let mut codec = small();
        let (events, error) = decode_all(&mut codec, &bytes);
        too_large(&events[0], 9, Kind::Unary, true);
        assert_eq!(events.len(), 1);
        assert!(error.is_some());
        assert!(codec.decode(&mut BytesMut::new()).is_err(), "for good");
    }
}

#[test]
fn a_negative_length_ends_the_connection_after_the_reply() {
    for length in [u32::MAX, 1 << 31] {
        let mut bytes = frame(0xc2, 9, &[]);
        bytes[12..16].copy_from_slice(&length.to_be_bytes());
        let (events, error) = decode_all(&mut codec(), &bytes);
        let [Inbound::Fault(StreamId(9), fault)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(fault.error.kind, ErrorKind::Malformed);
        assert_eq!(fault.origin.kind, Kind::Unary);
        let error = error.unwrap().to_string();
        assert_eq!(error, "dubbo protocol error: a negative body length");

        // From a provider: an answer that is none, and the end.
        bytes[2] = 0x02;
        let (events, error) = decode_all(&mut codec(), &bytes);
        let [Inbound::Fault(StreamId(9), fault)] = &events[..] else {
            panic!("{events:?}");
        };
        assert!(!fault.is_request && error.is_some());
    }
}

#[test]
fn announced_lengths_cost_nothing() {
    let limit = FrameLimits::default().frame;
    for length in [limit - 16, 64 << 20, (64 << 20) + 1, i32::MAX as usize] {
        let mut bytes = frame(0xc2, 9, b"\x052.0.2");
        bytes[12..16].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
        let mut codec = codec();
        let mut buffer = BytesMut::from(&*bytes);
        let capacity = buffer.capacity();
        let event = codec.decode(&mut buffer).unwrap();
        assert_eq!(
            event.is_some(),
            length > 64 << 20,
            "refused, and never read to its end"
        );
        let pending = (length < limit).then_some(length + 16);
        assert_eq!(codec.pending_frame(&buffer), pending);
        assert!(buffer.capacity() <= capacity);
    }
}

#[test]
fn a_length_short_of_the_body_ends_the_connection_behind_the_frame() {
    let mut bytes = vector("java26_request");
    let length = Head::parse(&bytes).unwrap().length;
    for short in [1, 16, length] {
        bytes[12..16].copy_from_slice(&(length - short).to_be_bytes());
        let (events, error) = decode_all(&mut codec(), &bytes);
        assert_eq!(events.len(), 1, "{short}: {events:?}");
        let error = error.unwrap().to_string();
        assert!(error.ends_with("where a frame should start"), "{error}");
    }
}

#[test]
fn the_other_magic_is_refused_by_its_first_byte() {
    for bytes in [&b"\xbb\xda"[..], b"\xdb", b"\xda\xbc", b"ls\r\n", b"\0"] {
        let (events, error) = decode_all(&mut codec(), bytes);
        assert!(events.is_empty() && error.is_some(), "{bytes:x?}");
    }
    let (events, error) = decode_all(&mut codec(), b"\xda");
    assert!(events.is_empty() && error.is_none());

    // No resynchronising behind a good frame either.
    let good = vector("heartbeat_request");
    let (events, error) = decode_all(&mut codec(), &[&good[..], b"\0", &good[..]].concat());
    assert_eq!((events.len(), error.is_some()), (1, true));
}

#[test]
fn both_roles_tell_requests_from_responses() {
    let mut upstream = DubboCodec::new(
        &DubboConfig::default(),
        Role::Upstream,
        FrameLimits::default(),
    );
    // A provider that calls its client back, and a client that answers what nobody asked.
    request(&mut upstream, &vector("java26_request"));
    response(&mut codec(), &vector("response_value"));
}

#[test]
fn pings_and_announcements_are_javas() {
    assert_eq!(
        hex::encode(encode(Outbound::Ping(StreamId(12)))),
        "dabbe200000000000000000c000000014e"
    );
    assert_eq!(
        hex::encode(encode(Outbound::GoAway)),
        "dabba2000000000000000000000000020152"
    );
    let silent = DubboConfig {
        readonly_event: false,
        ..DubboConfig::default()
    };
    for (config, role, says) in [
        (DubboConfig::default(), Role::Downstream, true),
        (DubboConfig::default(), Role::Upstream, false),
        (silent, Role::Downstream, false),
    ] {
        let mut codec = DubboCodec::new(&config, role, FrameLimits::default());
        let mut dst = WriteBuf::new();
        codec.encode(Outbound::GoAway, &mut dst).unwrap();
        assert_eq!((codec.sends_go_away(), !dst.is_empty()), (says, says));
    }
}

#[test]
fn events_of_no_known_kind_are_harmless() {
    for (flag, body, expected) in [
        // A two-way event wants an answer, whatever it says.
        (0xe2, &b"\x01R"[..], "Ping"),
        (0xe2, b"", "Ping"),
        (0xe2, b"\x05hello", "Ping"),
        (0xe3, b"\xac\xed\x00\x05p", "Ping"),
        (0xa2, b"", "Ignore"),
        (0xa2, b"\x05hello", "Ignore"),
        (0xa2, b"\xff\xff\xff", "Ignore"),
        (0x22, b"\x01R", "Pong"),
    ] {
        let event = decode(&mut codec(), &frame(flag, 3, body));
        let Inbound::Control(control) = event else {
            panic!("{event:?}");
        };
        assert!(format!("{control:?}").starts_with(expected), "{control:?}");
    }
}
