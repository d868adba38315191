//! Service, method and fields, from wherever a client put them.

use std::time::Duration;

use wireloom_codecs::{Class, Codec, ErrorKind, Inbound, Needs, Role};

use super::{Frame, codec, decode_all, decode_one, request, response, vectors};
use crate::header::{METHOD_NAME, RESPONSE_ERROR, SERVICE, TARGET_SERVICE};
use crate::types::{SOFA_REQUEST, Version, status};

fn content(vector: &str) -> Vec<u8> {
    let vector = vectors::all()
        .into_iter()
        .find(|v| v.name == vector)
        .unwrap();
    request(vector.frame()).body.whole().unwrap().to_vec()
}

fn sofa(content: Vec<u8>) -> Frame {
    Frame {
        class: SOFA_REQUEST.into(),
        content,
        ..Frame::request(Version::V1)
    }
}

#[test]
fn both_names_come_from_the_content_if_the_header_has_none() {
    for vector in ["v1_request_hessian3", "v1_request_hessian4"] {
        let head = request(&sofa(content(vector)).bytes()).head;
        assert_eq!(
            (&*head.service, &*head.method),
            ("com.acme.OrderService", "plus")
        );
        let head = request(&sofa(content(vector)).pair(SERVICE, "x.Y:2.0").bytes()).head;
        assert_eq!((&*head.service, &*head.method), ("x.Y", "plus"));
        let head = request(&sofa(content(vector)).pair(METHOD_NAME, "minus").bytes()).head;
        assert_eq!(
            (&*head.service, &*head.method),
            ("com.acme.OrderService", "minus")
        );
    }
}

#[test]
fn the_content_is_left_alone_where_it_is_something_else() {
    let mut json = sofa(b"{}".to_vec()).pair(SERVICE, "x.Y");
    json.head.codec = 12;
    assert_eq!(request(&json.bytes()).head.method, "");
    // Codecs that nobody has.
    for codec in [4, 99] {
        let mut unknown = sofa(content("v1_request_hessian3"));
        unknown.head.codec = codec;
        assert_eq!(request(&unknown.bytes()).head.method, "");
    }
    // Hessian, but not of an object.
    assert_eq!(request(&sofa(b"\x02hi".to_vec()).bytes()).head.method, "");
    // Another class, with what would be a broken object.
    let other = Frame {
        content: b"C\xff".to_vec(),
        ..Frame::request(Version::V1)
    };
    let head = request(&other.bytes()).head;
    assert_eq!((&*head.service, &*head.method), ("a.B", ""));
    // Both names in the header: nothing is asked of the content.
    let named = sofa(b"C\xff".to_vec())
        .pair(TARGET_SERVICE, "x.Y:1")
        .pair(METHOD_NAME, "m");
    let head = request(&named.bytes()).head;
    assert_eq!((&*head.service, &*head.method), ("x.Y", "m"));
}

#[test]
fn a_broken_sofa_request_is_answered() {
    for broken in [&b"C\xff"[..], b"O\xff", b"C"] {
        let event = decode_one(&sofa(broken.to_vec()).pair(SERVICE, "x.Y").bytes());
        let Inbound::Fault(_, fault) = event else {
            panic!("{event:?}")
        };
        assert_eq!(fault.error.kind, ErrorKind::Malformed);
        assert!(
            fault.error.detail.contains("SofaRequest"),
            "{}",
            fault.error
        );
    }
}

#[test]
fn the_last_of_two_equal_keys_routes() {
    let frame = Frame::request(Version::V1)
        .pair(SERVICE, "first.A:1")
        .pair(TARGET_SERVICE, "other.B")
        .pair(SERVICE, "last.C:2");
    let mut codec = codec(Role::Downstream);
    codec.set_needs(&Needs::fields([SERVICE, "version"]));
    let (events, _) = decode_all(&mut codec, &frame.bytes());
    let [Inbound::Request(_, request)] = &events[..] else {
        panic!()
    };
    assert_eq!(request.head.service, "last.C");
    assert_eq!(request.head.fields.get(b"service").unwrap(), &"last.C:2");
    assert_eq!(request.head.fields.get(b"version").unwrap(), &"2");
    assert_eq!(request.head.fields.len(), 2);
}

#[test]
fn only_wanted_fields_are_decoded_and_the_names_own_come_first() {
    let frame = Frame::request(Version::V1)
        .pair("version", "from a pair")
        .pair(SERVICE, "a.B:1.0:blue")
        .pair("k", "v");
    assert!(request(&frame.bytes()).head.fields.is_empty());
    let mut codec = codec(Role::Downstream);
    codec.set_needs(&Needs::fields(["version", "group", "absent"]));
    let (events, _) = decode_all(&mut codec, &frame.bytes());
    let [Inbound::Request(_, request)] = &events[..] else {
        panic!()
    };
    let fields: Vec<_> = request
        .head
        .fields
        .iter()
        .map(|(k, v)| (&**k, &**v))
        .collect();
    assert_eq!(
        fields,
        [
            ("version", "1.0"),
            ("group", "blue"),
            ("version", "from a pair")
        ]
    );
}

#[test]
fn odd_names_are_taken_as_they_are() {
    let empty = Frame {
        class: Vec::new(),
        ..Frame::request(Version::V1)
    };
    assert_eq!(request(&empty.bytes()).head.service, "");
    let binary = Frame {
        class: vec![0, 0xff, b'x'],
        ..Frame::request(Version::V1)
    };
    assert_eq!(request(&binary.bytes()).head.service, "\0\u{fffd}x");
    let blank = Frame::request(Version::V1).pair(SERVICE, "");
    assert_eq!(
        request(&blank.bytes()).head.service,
        "",
        "present, so the class is not asked"
    );
    let long = Frame {
        class: vec![b'x'; 5000],
        ..Frame::request(Version::V1)
    };
    let Inbound::Fault(_, fault) = decode_one(&long.bytes()) else {
        panic!()
    };
    assert_eq!(fault.error.kind, ErrorKind::TooLarge);
}

#[test]
fn timeouts() {
    for (field, timeout) in [
        (0u32, None),
        (u32::MAX, None),
        (0x8000_0000, None),
        (1, Some(Duration::from_millis(1))),
        (0x7fff_ffff, Some(Duration::from_millis(0x7fff_ffff))),
    ] {
        let mut frame = Frame::request(Version::V2);
        frame.head.timeout_or_status = field;
        assert_eq!(request(&frame.bytes()).head.timeout, timeout);
    }
}

#[test]
fn an_application_error_is_told_by_its_header() {
    let class = |frame: Frame| response(&frame.bytes()).head.outcome.class;
    let ok = || Frame::response(Version::V1, status::SUCCESS);
    assert_eq!(class(ok()), Class::Success);
    assert_eq!(class(ok().pair("k", "true")), Class::Success);
    assert_eq!(class(ok().pair(RESPONSE_ERROR, "true")), Class::AppError);
    let later = ok()
        .pair(RESPONSE_ERROR, "true")
        .pair(RESPONSE_ERROR, "false");
    assert_eq!(class(later), Class::Success);
    let busy = Frame::response(Version::V1, status::SERVER_THREADPOOL_BUSY);
    assert_eq!(class(busy.pair(RESPONSE_ERROR, "true")), Class::Overloaded);
}

#[test]
fn response_fields_are_decoded_if_wanted() {
    let frame = Frame::response(Version::V1, 0).pair("rpc_resp_baggage.a", "b");
    let mut codec = codec(Role::Upstream);
    codec.set_needs(&Needs::fields(["rpc_resp_baggage.a"]));
    let (events, _) = decode_all(&mut codec, &frame.bytes());
    let [Inbound::Response(_, response)] = &events[..] else {
        panic!()
    };
    assert_eq!(
        response.head.fields.get(b"rpc_resp_baggage.a").unwrap(),
        &"b"
    );
}
