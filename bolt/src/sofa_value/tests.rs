use wireloom_codecs::{Codec, FrameLimits, Inbound, Outbound, Role, StreamId, WriteBuf};

use super::*;
use crate::tests::{codec, decode_all, request, response, vectors};
use crate::{BoltCodec, BoltConfig};

fn vector(name: &str) -> Vec<u8> {
    vectors::all()
        .into_iter()
        .find(|v| v.name == name)
        .unwrap()
        .frame()
        .to_vec()
}

/// Through the codec and back.
fn sent(response: &Response) -> Response {
    let mut dst = WriteBuf::new();
    let mut codec = BoltCodec::new(
        &BoltConfig::default(),
        Role::Upstream,
        FrameLimits::default(),
    );
    codec
        .encode(Outbound::Response(StreamId(1), response), &mut dst)
        .unwrap();
    match decode_all(&mut codec, &dst.to_vec()).0.remove(0) {
        Inbound::Response(_, response) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_of_real_clients_are_read_and_written_again() {
    let mut seen = 0;
    for vector in vectors::all() {
        let (mut events, _) = decode_all(&mut codec(Role::Downstream), vector.frame());
        let Inbound::Request(_, request) = events.remove(0) else {
            continue;
        };
        let content = request.body.whole().unwrap();
        if vector.name.contains("java_style") {
            assert!(
                decode_request(content).is_err(),
                "its content is a placeholder"
            );
            continue;
        }
        let (call, dialect) = decode_request(content).unwrap();
        assert_eq!(call.service, "com.acme.OrderService:1.0", "{}", vector.name);
        assert_eq!(call.method, &*request.head.method, "{}", vector.name);
        assert_eq!(call.args.len(), call.arg_types.len(), "{}", vector.name);
        let again = content_of_call(&call, dialect).unwrap();
        assert_eq!(hex::encode(again), hex::encode(content), "{}", vector.name);
        seen += 1;
    }
    assert_eq!(seen, 17);
}

#[test]
fn a_call_is_a_request_that_routes() {
    let call = SofaCall {
        service: "com.acme.OrderService:1.0:blue".to_owned(),
        method: "plus".to_owned(),
        arg_types: vec!["int".to_owned(); 2],
        args: vec![Value::Int(1), Value::Int(2)],
        ..SofaCall::default()
    };
    for dialect in [Dialect::Draft, Dialect::Final] {
        for (version, crc) in [
            (Version::V1, false),
            (Version::V2, false),
            (Version::V2, true),
        ] {
            let options = CallOptions {
                dialect,
                version,
                crc,
                timeout: Some(Duration::from_secs(3)),
                one_way: crc,
            };
            let made = encode_request(&call, &options).unwrap();
            let mut dst = WriteBuf::new();
            let out = Outbound::Request(StreamId(5), &made);
            codec(Role::Upstream).encode(out, &mut dst).unwrap();
            let read = request(&dst.to_vec());
            for head in [&made.head, &read.head] {
                assert_eq!(head.service, "com.acme.OrderService");
                assert_eq!(head.method, "plus");
                assert_eq!(head.kind == Kind::OneWay, crc);
                assert_eq!(head.timeout, Some(Duration::from_secs(3)));
            }
            assert_eq!(made.head.wire.image, read.head.wire.image);
            let back = decode_request(read.body.whole().unwrap()).unwrap();
            assert_eq!(back, (call.clone(), dialect));
        }
    }
}

#[test]
fn values_of_real_servers() {
    let value = |name: &str| decode_response(&response(&vector(name)));
    assert_eq!(value("v1_response_ok_number"), Ok(Value::Int(3)));
    assert_eq!(value("v1_response_ok_null"), Ok(Value::Null));
    let map = Value::map([("a", Value::Int(1)), ("b", Value::from("x"))]);
    assert_eq!(value("v1_response_hessian4_map"), Ok(map));
    assert_eq!(
        value("capture_resp_echo_id2"),
        Ok(Value::from("\u{1f600} hello"))
    );
}

#[test]
fn statuses_tell_their_name_and_the_exception_in_the_content() {
    let error = |name: &str| {
        decode_response(&response(&vector(name)))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("v1_response_no_processor"),
        "the server answered NO_PROCESSOR (status 0x6): Error: proxy: no_processor"
    );
    assert_eq!(
        error("v1_response_biz_error_string"),
        "the server answered SERVER_EXCEPTION (status 0x2): Error: no service"
    );
    assert_eq!(
        error("hand_v2_local_reply_timeout"),
        "the server answered TIMEOUT (status 0x7)"
    );
}

#[test]
fn answers_are_those_of_real_servers() {
    let to = request(&vector("v1_request_hessian3")).head;
    let made = encode_response(&to, Dialect::Draft, Answer::Value(&Value::Int(3))).unwrap();
    let mut dst = WriteBuf::new();
    let out = Outbound::Response(StreamId(1), &made);
    codec(Role::Downstream).encode(out, &mut dst).unwrap();
    assert_eq!(
        hex::encode(dst.to_vec()),
        hex::encode(vector("v1_response_ok_number"))
    );
}

#[test]
fn answers_come_back() {
    let thrown = Value::object(
        "com.acme.OutOfStock",
        [
            ("detailMessage", Value::from("no more")),
            ("stackTrace", Value::list([])),
            ("cause", Value::Null),
        ],
    );
    let value = Value::list([Value::from("x"), Value::Long(1 << 40)]);
    for request_name in [
        "v1_request_hessian3",
        "v2_ver2_crc_request",
        "v2_ver1_request",
    ] {
        let to = request(&vector(request_name)).head;
        for dialect in [Dialect::Draft, Dialect::Final] {
            let answer = |answer| sent(&encode_response(&to, dialect, answer).unwrap());
            let ok = answer(Answer::Value(&value));
            assert_eq!(ok.head.outcome.class, Class::Success);
            assert_eq!(decode_response(&ok), Ok(value.clone()));

            let threw = answer(Answer::Value(&thrown));
            assert_eq!(threw.head.outcome.class, Class::AppError);
            let error = decode_response(&threw).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the method threw com.acme.OutOfStock: no more"
            );

            let refused = answer(Answer::Refused("no such method"));
            assert_eq!(refused.head.outcome.class, Class::AppError);
            let error = decode_response(&refused).unwrap_err();
            assert_eq!(error, SofaError::Refused("no such method".to_owned()));
        }
    }
}

#[test]
fn what_cannot_be_read_says_so() {
    let mut json = response(&vector("v1_response_ok_number"));
    json.head.wire.fixed[9] = 12;
    let error = decode_response(&json).unwrap_err();
    assert_eq!(error.to_string(), "the answer is in codec 12, not hessian");

    let mut cut = response(&vector("v1_response_ok_number"));
    cut.body = Body::Whole(Bytes::from_static(b"O\x91"));
    assert!(matches!(decode_response(&cut), Err(SofaError::Hessian(_))));
    cut.body = Body::Empty;
    assert_eq!(decode_response(&cut), Ok(Value::Null));

    let long = SofaCall {
        service: "x".repeat(40_000),
        ..SofaCall::default()
    };
    let error = encode_request(&long, &CallOptions::default()).unwrap_err();
    assert!(matches!(error, SofaError::Unfit(_)));
}
