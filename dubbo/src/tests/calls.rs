//! Calls and results as values.

use std::time::Duration;

use proptest::prelude::*;
use wireloom_hessian::Value;

use super::*;
use crate::call::{Arguments, CallFailure, DubboCall, ok_response, read_response};

fn call(arguments: Arguments) -> DubboCall {
    DubboCall {
        service: "com.acme.DemoService".into(),
        version: Some("1.0.0".into()),
        group: Some("g1".into()),
        method: "sayHello".into(),
        arguments,
        timeout: Some(Duration::from_secs(3)),
        attachments: vec![],
    }
}

fn through(call: &DubboCall, one_way: bool) -> (Vec<u8>, Request) {
    let request = call.request(one_way).unwrap();
    let bytes = encode(Outbound::Request(StreamId(5), &request));
    let names = ["version", "group", "timeout", "generic", "path", "tag"];
    let (id, read) = super::request(&mut with_needs(names), &bytes);
    assert_eq!(id.0, 5);
    assert_eq!(read.head.kind, request.head.kind);
    (bytes, read)
}

#[test]
fn a_generic_call_is_what_java_sends() {
    let call = call(Arguments::Generic {
        types: Some(vec!["java.lang.String".into()]),
        values: vec!["x".into()],
    });
    let (bytes, read) = through(&call, false);
    assert_eq!(read.head.method, "sayHello");
    assert_eq!(read.head.timeout, Some(Duration::from_secs(3)));
    for (name, value) in [("version", "1.0.0"), ("group", "g1"), ("generic", "true")] {
        assert_eq!(read.head.fields.get(name.as_bytes()).unwrap(), &value);
    }
    // A consumer's own differs in its attachments only.
    let java = vector("dubbo336_hessian2_generic");
    let arguments = 16..java
        .windows(2)
        .position(|window| window == b"H\x04")
        .unwrap();
    assert_eq!(bytes[arguments.clone()], java[arguments]);
}

#[test]
fn types_may_be_left_to_the_provider() {
    let call = call(Arguments::Generic {
        types: None,
        values: vec![Value::map([("id", 1)])],
    });
    let (bytes, read) = through(&call, true);
    assert_eq!(read.head.method, "sayHello");
    let expected = b"\x08sayHelloNq\x07[objectH\x02id\x91Z";
    assert!(
        bytes
            .windows(expected.len())
            .any(|window| window == expected)
    );
}

#[test]
fn attachments_replace_the_calls_own() {
    let mut call = call(Arguments::Typed {
        descriptor: "Ljava/lang/String;I".into(),
        values: vec!["x".into(), 7.into()],
    });
    call.attachments = vec![
        ("group".into(), "other".into()),
        ("tag".into(), "gray".into()),
    ];
    let (bytes, read) = through(&call, false);
    assert_eq!(
        read.head.fields.all(b"group").collect::<Vec<_>>(),
        ["other"]
    );
    assert_eq!(read.head.fields.get(b"tag").unwrap(), &"gray");
    assert!(read.head.fields.get(b"generic").is_none());
    assert_eq!(
        bytes.windows(5).filter(|window| window == b"group").count(),
        1
    );
}

fn read(name: &str) -> Result<crate::call::Reply, CallFailure> {
    let (_, response) = response(&mut codec(), &vector(name));
    read_response(&response)
}

#[test]
fn results_of_every_kind() {
    assert_eq!(read("response_value").unwrap().value, "hello".into());
    assert_eq!(read("response_null").unwrap(), Default::default());
    let reply = read("response_value_attachments").unwrap();
    assert_eq!(reply.value, "hello".into());
    assert_eq!(reply.attachments.get("dubbo"), Some(&"2.0.2".into()));
    let reply = read("response_null_attachments").unwrap();
    assert_eq!(reply.value, Value::Null);
    assert_eq!(reply.attachments.get("dubbo"), Some(&"2.0.2".into()));

    let lone_null = [&b"\xda\xbb\x02\x14\0\0\0\0\0\0\0\x01\0\0\0\x01"[..], b"N"].concat();
    let (_, null) = response(&mut codec(), &lone_null);
    assert_eq!(read_response(&null).unwrap(), Default::default());

    let failure = read("response_exception_attachments").unwrap_err();
    let CallFailure::Exception { class, message, .. } = &failure else {
        panic!("{failure}");
    };
    assert_eq!(class, "java.lang.IllegalStateException");
    assert_eq!(
        failure.to_string(),
        format!("{class}: {}", message.as_ref().unwrap())
    );

    let failure = read("response_status_60").unwrap_err();
    let text = "status 60 (SERVICE_NOT_FOUND): proxy: status 60";
    assert_eq!(failure.to_string(), text);
    let failure = read("fastjson2_resp_value").unwrap_err();
    assert!(matches!(failure, CallFailure::Unreadable(_)));
}

#[test]
fn a_generic_exception_is_named_by_what_it_stands_for() {
    let exception = Value::object(
        "com.alibaba.dubbo.rpc.service.GenericException",
        [
            ("detailMessage", "java.lang.IllegalStateException: boom"),
            ("exceptionClass", "java.lang.IllegalStateException"),
            ("exceptionMessage", "boom"),
        ],
    );
    let body = wireloom_hessian::encode(
        &[Value::Int(0), exception],
        wireloom_hessian::Dialect::Final,
    );
    let mut bytes = frame(0x02, 1, &body.unwrap());
    bytes[3] = 20;
    let (_, response) = response(&mut codec(), &bytes);
    let failure = read_response(&response).unwrap_err();
    assert_eq!(failure.to_string(), "java.lang.IllegalStateException: boom");
}

#[test]
fn broken_results_are_said_to_be() {
    for body in [
        &b""[..],
        b"\x91",
        b"\x96",
        b"\x05hello",
        b"\x94\x05hello",
        b"\xff",
    ] {
        let mut bytes = frame(0x02, 1, body);
        bytes[3] = 20;
        let (_, response) = response(&mut codec(), &bytes);
        let failure = read_response(&response).unwrap_err();
        assert!(
            matches!(failure, CallFailure::Unreadable(_)),
            "{body:x?}: {failure}"
        );
    }
}

#[test]
fn answers_read_back() {
    for value in [Value::Null, "hello".into(), Value::list([1.into()])] {
        let answer = ok_response(&value, &[("k", "v")]).unwrap();
        let bytes = encode(Outbound::Response(StreamId(1), &answer));
        let (_, answer) = response(&mut codec(), &bytes);
        let reply = read_response(&answer).unwrap();
        assert_eq!(reply.value, value);
        assert_eq!(reply.attachments.get("k"), Some(&"v".into()));
    }
}

proptest! {
    #[test]
    fn keys_survive_whatever_the_arguments(
        service in "[\\PC]{1,40}",
        method in "[a-zA-Z0-9_]{1,20}",
        version in "[0-9.]{1,8}",
        group in "[\\PC]{0,40}",
        text in "[\\PC]{0,2000}",
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        prop_assume!(version != "0.0.0");
        let argument = Value::object(
            "com.acme.Order",
            [("text", Value::from(text)), ("bytes", bytes::Bytes::from(bytes).into())],
        );
        let call = DubboCall {
            service: service.clone(),
            version: Some(version.clone()),
            group: Some(group.clone()),
            method: method.clone(),
            arguments: Arguments::Typed {
                descriptor: "Lcom/acme/Order;Lcom/acme/Order;".into(),
                values: vec![argument.clone(), argument],
            },
            timeout: None,
            attachments: vec![],
        };
        let (_, read) = through(&call, false);
        prop_assert_eq!(&*read.head.service, &*service);
        prop_assert_eq!(&*read.head.method, &*method);
        prop_assert_eq!(&**read.head.fields.get(b"version").unwrap(), &*version);
        prop_assert_eq!(&**read.head.fields.get(b"group").unwrap(), &*group);
    }
}
