use bytes::BytesMut;
use serde_json::json;
use tokio_util::codec::Decoder;
use wireloom_codecs::suite::Sample;
use wireloom_codecs::{
    Class, Codec, Control, FrameLimits, Inbound, Kind, Needs, Outbound, Role, Sniff, StreamId, WriteBuf, codec_suite,
};

use crate::speech::request;
use crate::{TarsCodec, status, wire};

const NAMES: [&str; 2] = ["Acme.Orders.OrderObj", "find"];

fn response(version: u8, id: u64, ret: i32, content: &[u8]) -> Vec<u8> {
    let response = status::response(version, "find", ret, content, "why");
    let mut out = WriteBuf::new();
    let mut codec = TarsCodec::new(&(), Role::Downstream, FrameLimits::default());
    codec.encode(Outbound::Response(StreamId(id), &response), &mut out).unwrap();
    out.to_vec()
}

fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for id in [0, 1, 127, 128, -1, 32_767, 32_768, i32::MAX, i32::MIN] {
        let bytes = request(id, 0, NAMES, &[json!("tea"), json!(3)], 3000, &[("zone", "a")]);
        samples.push(Sample::new(format!("request {id}"), Role::Downstream, bytes));
        let bytes = response(1, u64::from(id as u32), 0, &[0x0c]);
        samples.push(Sample::new(format!("response {id}"), Role::Upstream, bytes));
    }
    let large = json!("x".repeat(70_000));
    samples.push(Sample::new("large", Role::Downstream, request(5, 0, NAMES, &[large], 0, &[])));
    samples.push(Sample::new("one-way", Role::Downstream, request(6, 1, NAMES, &[], 0, &[])));
    samples.push(Sample::new("failure", Role::Upstream, response(1, 7, -9, &[])));
    samples.push(Sample::new("TUP answer", Role::Upstream, response(3, 8, 0, &[])));
    samples.push(Sample::new("TUP failure", Role::Upstream, response(3, 9, -3, &[])));
    samples
}

codec_suite!(TarsCodec, (), samples());

fn decode(role: Role, bytes: &[u8]) -> Inbound {
    let mut codec = TarsCodec::new(&(), role, FrameLimits::default());
    codec.set_needs(&Needs::fields(["zone"]));
    codec.decode(&mut BytesMut::from(bytes)).unwrap().unwrap()
}

#[test]
fn a_request_tells_what_policy_reads() {
    let bytes = request(300, 0, NAMES, &[json!("tea")], 1500, &[("zone", "a"), ("x", "y")]);
    let Inbound::Request(id, request) = decode(Role::Downstream, &bytes) else { panic!("no request") };
    let head = request.head;
    assert_eq!((id, head.kind), (StreamId(300), Kind::Unary));
    assert_eq!([head.service.as_str(), head.method.as_str()], NAMES);
    assert_eq!(head.timeout.unwrap().as_millis(), 1500);
    assert_eq!((head.fields.len(), head.fields.get(b"zone").unwrap().as_str()), (1, "a"));
}

#[test]
fn codes_have_classes_in_both_forms() {
    for (ret, class) in [
        (0, Class::Success),
        (-9, Class::Overloaded),
        (-7, Class::Timeout),
        (8, Class::AppError),
        (-77, Class::ServerError),
    ] {
        for version in [1, 3] {
            let Inbound::Response(id, response) = decode(Role::Upstream, &response(version, 4, ret, &[])) else {
                panic!("no response")
            };
            let outcome = response.head.outcome;
            assert_eq!((id, outcome.class, outcome.native), (StreamId(4), class, ret as u32));
        }
    }
}

#[test]
fn a_ping_of_a_client_is_answered_and_ours_asks_for_the_servant_of_the_connection() {
    let bytes = request(9, 0, [NAMES[0], "tars_ping"], &[], 0, &[]);
    assert!(matches!(decode(Role::Downstream, &bytes), Inbound::Control(Control::Ping(StreamId(9), _))));

    let Inbound::Request(id, call) = decode(Role::Downstream, &request(1, 0, NAMES, &[], 0, &[])) else {
        panic!("no request")
    };
    let mut codec = TarsCodec::new(&(), Role::Upstream, FrameLimits::default());
    let mut out = WriteBuf::new();
    codec.encode(Outbound::Request(id, &call), &mut out).unwrap();
    let before = out.to_vec().len();
    codec.encode(Outbound::Ping(StreamId(77)), &mut out).unwrap();
    let ping = out.to_vec().split_off(before);
    assert_eq!(ping, request(77, 0, [NAMES[0], "tars_ping"], &[], 0, &[]));
}

#[test]
fn nesting_without_end_and_counts_without_elements_are_refused() {
    let mut deep = vec![0, 0, 0, 0, 0x10, 1, 0x2c, 0x3c, 0x40, 5];
    deep.resize(100_000, 0x0a);
    let length = (deep.len() as u32).to_be_bytes();
    deep[..4].copy_from_slice(&length);
    assert!(matches!(decode(Role::Downstream, &deep), Inbound::Fault(StreamId(5), _)));
    let list = [0, 0, 0, 17, 0x10, 1, 0x2c, 0x3c, 0x40, 5, 0x59, 0x02, 0x7f, 0xff, 0xff, 0xff, 0];
    assert!(matches!(decode(Role::Downstream, &list), Inbound::Fault(StreamId(5), _)));
}

#[test]
fn no_other_protocol_of_the_program_takes_it_for_its_own() {
    let config = wireloom::config::parse(
        "tars.yaml".as_ref(),
        "{listeners: [{address: '127.0.0.1:0', routes: main}], routes: {main: [{to: a}]}, clusters: {a: {endpoints: ['127.0.0.1:1']}}}",
        &["tars"],
    );
    let config = config.unwrap();
    for sample in samples().iter().filter(|sample| sample.role == Role::Downstream) {
        let prefix = &sample.bytes[..sample.bytes.len().min(64)];
        assert_eq!(TarsCodec::sniff(prefix), Sniff::Match);
        for other in wireloom::run::builtin(&config).iter() {
            for length in 0..=prefix.len() {
                assert_ne!(other.protocol.sniff(&prefix[..length]), Sniff::Match, "{}", other.id);
            }
        }
    }
}

#[test]
fn integers_are_as_short_as_they_can_be() {
    for (int, length) in [(0, 1), (-128, 2), (128, 3), (-32_769, 5), (1 << 31, 9), (i64::MIN, 9)] {
        let mut out = Vec::new();
        wire::put_int(&mut out, 4, int);
        let mut reader = wire::Reader { rest: &out };
        let (_, kind) = reader.head().unwrap();
        assert_eq!((out.len(), reader.int(kind)), (length, Some(int)));
    }
}
