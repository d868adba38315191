//! Requests as values, on the provider's side.

use std::time::Duration;

use wireloom_hessian::Value;

use super::*;
use crate::answer::{UnreadableRequest, read_request};
use crate::call::{Arguments, DubboCall};

fn decode_first(frame: &[u8]) -> Inbound {
    let (mut events, _) = decode_all(&mut codec(), frame);
    events.remove(0)
}

fn call(arguments: Arguments) -> DubboCall {
    DubboCall {
        service: "com.acme.DemoService".into(),
        version: Some("1.0.0".into()),
        group: Some("blue".into()),
        method: "find".into(),
        arguments,
        timeout: Some(Duration::from_millis(1500)),
        attachments: vec![("zone".into(), "a".into())],
    }
}

fn read(call: &DubboCall) -> DubboCall {
    read_request(&call.request(false).unwrap()).unwrap()
}

#[test]
fn a_typed_call_is_read_as_it_was_written() {
    let written = call(Arguments::Typed {
        descriptor: "Ljava/lang/String;IJ".into(),
        values: vec!["42".into(), 7.into(), 8_i64.into()],
    });
    let back = read(&written);
    let attachments: Vec<_> = back.attachments.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        attachments,
        ["path", "interface", "version", "group", "timeout", "zone"]
    );
    let attachments = written.attachments.clone();
    assert_eq!(
        DubboCall {
            attachments,
            ..back
        },
        written
    );
}

#[test]
fn a_generic_call_is_the_method_that_it_is_about() {
    for types in [None, Some(vec!["java.util.Map".to_owned()])] {
        let values = vec![Value::map([("id", 1)])];
        let written = call(Arguments::Generic { types, values });
        let back = read(&written);
        assert_eq!(
            (back.method.as_str(), back.arguments),
            ("find", written.arguments)
        );
    }
}

#[test]
fn requests_of_real_consumers_are_read() {
    let mut read = 0;
    for vector in vectors() {
        let Inbound::Request(_, request) = decode_first(&vector.frame) else {
            continue;
        };
        match read_request(&request) {
            Ok(call) => {
                assert_eq!(
                    call.service,
                    request.head.service.as_str(),
                    "{}",
                    vector.name
                );
                assert_eq!(call.method, request.head.method.as_str(), "{}", vector.name);
                read += 1;
            }
            Err(UnreadableRequest::Serialization(id)) => assert_ne!(id, 2, "{}", vector.name),
            Err(error) => panic!("{}: {error}", vector.name),
        }
    }
    assert_eq!(read, 22);
}

#[test]
fn what_cannot_be_read_says_why() {
    let mut request = call(Arguments::Generic {
        types: None,
        values: vec![],
    })
    .request(false)
    .unwrap();
    request.head.wire.fixed[2] = 0xc0 | 23;
    let error = read_request(&request).unwrap_err();
    assert_eq!(error, UnreadableRequest::Serialization(23));
    request.head.wire.fixed[2] = 0xc2;
    request.body = wireloom_codecs::Body::Whole(b"\x052.0.2".as_slice().into());
    let error = read_request(&request).unwrap_err();
    assert_eq!(error.to_string(), "it ends where a value is due");
}
