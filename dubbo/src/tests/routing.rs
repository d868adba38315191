//! What is read of a request.

use std::time::Duration;

use wireloom_codecs::{ErrorKind, Fields, Str};
use wireloom_hessian::{Dialect, strings};

use super::*;

/// The fields that a vector says a request has, all of them wanted.
fn expected_fields(routing: &Json) -> Fields {
    let mut fields = Fields::new();
    let version = routing["version"].as_str().filter(|v| *v != "0.0.0");
    if let Some(version) = version {
        fields.push("version".into(), version.into());
    }
    let attachments = routing["attachments"].as_object();
    for (key, value) in attachments.into_iter().flatten() {
        if let Some(value) = value.as_str().filter(|_| key != "version") {
            fields.push(Str::from(&**key), value.into());
        }
    }
    fields
}

fn sorted(fields: &Fields) -> Vec<(String, String)> {
    let mut all: Vec<_> = fields
        .iter()
        .map(|(n, v)| (n.to_string(), v.to_string()))
        .collect();
    all.sort();
    all
}

#[test]
fn keys_of_every_vector() {
    let mut routed = 0;
    for vector in vectors() {
        let routing = &vector.expect["routing"];
        if !routing.is_object() {
            continue;
        }
        routed += 1;
        let name = &vector.name;
        let method = match routing["method"].as_str().unwrap() {
            // Hand-made vectors do not repeat the first argument.
            "$invoke" => routing["generic_method"].as_str().unwrap_or("sayHello"),
            method => method,
        };
        let attachments = routing["attachments"].as_object();
        let names = attachments.into_iter().flatten().map(|(key, _)| &**key);
        let needs = Needs::fields(names.chain(["version", "timeout", "absent"]));
        for (needs, fields) in [
            (&needs, expected_fields(routing)),
            (&Needs::NOTHING, Fields::new()),
        ] {
            let mut codec = codec();
            codec.set_needs(needs);
            let (_, request) = request(&mut codec, &vector.frame);
            let head = request.head;
            assert_eq!(head.service, routing["path"].as_str().unwrap(), "{name}");
            assert_eq!(head.method, method, "{name}");
            assert_eq!(sorted(&head.fields), sorted(&fields), "{name}");
            let timeout = match (&routing["attachments"]["timeout"], needs.is_empty()) {
                (Json::Number(millis), false) => millis.as_u64(),
                (Json::String(millis), false) => millis.parse().ok(),
                _ => None,
            };
            assert_eq!(head.timeout, timeout.map(Duration::from_millis), "{name}");
        }
    }
    assert_eq!(routed, 31);
}

/// A request of these first values, the version as Hessian and the rest raw.
struct Body(Vec<u8>);

impl Body {
    fn new(service: &str, version: Option<&str>, method: &str) -> Self {
        let mut body = Self(Vec::new());
        body.text("2.0.2").text(service);
        match version {
            Some(version) => body.text(version),
            None => body.raw(b"N"),
        };
        body.text(method);
        body
    }

    fn text(&mut self, text: &str) -> &mut Self {
        strings::put_string(&mut self.0, Dialect::Final, text);
        self
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn map(&mut self, pairs: &[(&str, &str)]) -> &mut Self {
        strings::put_string_map(&mut self.0, Dialect::Final, pairs.iter().copied());
        self
    }

    fn frame(&self) -> Vec<u8> {
        frame(0xc2, 1, &self.0)
    }
}

fn call(version: Option<&str>, attachments: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Body::new("a.B", version, "m");
    body.text("").map(attachments).frame()
}

fn fields_of(bytes: &[u8]) -> Vec<(String, String)> {
    let (_, request) = request(&mut with_needs(["version", "group", "timeout"]), bytes);
    sorted(&request.head.fields)
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = expected
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    own.collect()
}

#[test]
fn no_version_has_three_spellings() {
    for version in [None, Some(""), Some("0.0.0")] {
        assert_eq!(fields_of(&call(version, &[("version", "9")])), []);
    }
    let fields = fields_of(&call(Some("1"), &[("version", "9")]));
    assert_eq!(fields, pairs(&[("version", "1")]), "the third value, once");
}

#[test]
fn the_last_attachment_of_a_name_wins() {
    let given = [("group", "a"), ("x", "y"), ("group", "b"), ("group", "c")];
    assert_eq!(fields_of(&call(None, &given)), pairs(&[("group", "c")]));
}

#[test]
fn attachments_that_are_not_text_or_too_long_are_not_seen() {
    let long = "g".repeat(4097);
    assert_eq!(fields_of(&call(None, &[("group", &long)])), []);
    let mut body = Body::new("a.B", None, "m");
    // A reference, a key that is an int, a group that is a list; then the map goes on.
    body.text("")
        .raw(b"H")
        .text("r")
        .raw(b"Q\x90")
        .raw(b"\x91\x92");
    body.text("group")
        .raw(b"\x79")
        .text("x")
        .text("timeout")
        .text("5")
        .raw(b"Z");
    assert_eq!(fields_of(&body.frame()), pairs(&[("timeout", "5")]));
}

#[test]
fn timeouts_come_as_text_and_as_ints() {
    for (value, expected) in [
        (&b"\x03250"[..], Some(250)),
        (b"\xc8\xfa", Some(250)),
        (b"\x010", None),
        (b"\x90", None),
        (b"\x8f", None),
        (b"\x02-1", None),
        (b"\x03abc", None),
        (b"N", None),
        (b"\x78", None),
    ] {
        let mut body = Body::new("a.B", None, "m");
        body.text("").raw(b"H").text("timeout").raw(value).raw(b"Z");
        let (_, asked) = request(&mut with_needs(["timeout"]), &body.frame());
        let expected = expected.map(Duration::from_millis);
        assert_eq!(asked.head.timeout, expected, "{value:x?}");
        let (_, unasked) = request(&mut codec(), &body.frame());
        assert_eq!(unasked.head.timeout, None);
    }
}

#[test]
fn what_is_broken_behind_the_method_is_the_providers_to_refuse() {
    for rest in [
        &b""[..],
        b"\x01?",
        b"N",
        b"\x01I\x90I\x00",
        b"\x00H\x05group\x01gQ",
        b"\x00H\x05group",
        b"\x00\x90",
        b"\x01I\xff\xff\xff",
        b"\x02II\x58I\x7f\xff\xff\xff",
    ] {
        let mut body = Body::new("a.B", Some("1"), "m");
        body.raw(rest);
        let (_, request) = request(&mut with_needs(["group", "version"]), &body.frame());
        assert_eq!(request.head.service, "a.B");
        assert_eq!(request.head.method, "m");
        assert_eq!(request.head.fields.get(b"version").unwrap(), &"1");
        assert_eq!(request.body.whole().unwrap(), &body.0[..], "{rest:x?}");
    }
}

#[test]
fn a_generic_call_is_routed_by_the_method_it_is_about() {
    for (method, arguments, expected) in [
        ("$invoke", &b"\x08getOrderN\x71\x07[objectN"[..], "getOrder"),
        ("$invokeAsync", b"\x08getOrderNN", "getOrder"),
        // Providers trim it.
        ("$invoke", b"\x0a getOrder\nNN", "getOrder"),
        ("$invoke", b"S\x00\x08getOrderNN", "getOrder"),
        ("$invoke", b"R\x00\x03getS\x00\x05OrderNN", "getOrder"),
        // A method of that name that is none of GenericService's.
        ("$invoke", b"\x90NN", "$invoke"),
        ("$echo", b"\x05helloNN", "$echo"),
    ] {
        let mut body = Body::new("a.B", None, method);
        body.text("Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;");
        body.raw(arguments).map(&[("group", "g")]);
        for mut codec in [with_needs([]), with_needs(["group"])] {
            let (_, request) = request(&mut codec, &body.frame());
            assert_eq!(request.head.method, expected);
        }
    }
    let fields = fields_of(&vector("dubbo336_hessian2_generic"));
    let expected = [("group", "g1"), ("timeout", "3000"), ("version", "1.0.0")];
    assert_eq!(fields, pairs(&expected));
}

#[test]
fn a_context_path_stays_in_the_service() {
    let mut body = Body::new("ctx/a.B", None, "m");
    let (_, request) = request(&mut codec(), &body.text("").raw(b"N").frame());
    assert_eq!(request.head.service, "ctx/a.B");
}

#[test]
fn dubbox_ints_are_stepped_over() {
    for int in [&b"\x8f"[..], b"I\x00\x01\x00\x00"] {
        let mut body = Body::new("a.B", None, "m");
        body.raw(int).text("I").raw(b"\x91").map(&[("group", "g")]);
        assert_eq!(fields_of(&body.frame()), pairs(&[("group", "g")]));
    }
}

#[test]
fn other_serializations_have_no_names() {
    for serialization in [0, 1, 3, 4, 8, 21, 22, 30, 31] {
        let bytes = frame(0xc0 | serialization, 5, b"\xac\xed\x00\x05t");
        let (id, request) = request(&mut with_needs(["group", "version"]), &bytes);
        assert!(request.head.service.is_empty() && request.head.method.is_empty());
        assert!(request.head.fields.is_empty());
        assert_eq!(encode(Outbound::Request(id, &request)), bytes);
    }
}

fn verified(bytes: &[u8]) -> Inbound {
    let config = DubboConfig {
        verify_attachments: true,
        ..DubboConfig::default()
    };
    decode(&mut with(config, FrameLimits::default()), bytes)
}

#[test]
fn attachments_are_held_against_the_first_values_on_demand() {
    for vector in vectors() {
        if !vector.expect["routing"].is_object() {
            continue;
        }
        // Says 0.0.0 first and 1.0.0 in its attachments.
        let lies = vector.name == "fastjson2_req_novers";
        let event = verified(&vector.frame);
        assert_eq!(matches!(event, Inbound::Fault(..)), lies, "{}", vector.name);
    }
    let good: [&[(&str, &str)]; 5] = [
        &[],
        &[("path", "a.B")],
        &[("path", "ctx/a.B"), ("interface", "other")],
        &[("version", "1")],
        &[("version", "1"), ("version", "1"), ("group", "x")],
    ];
    for attachments in good {
        let event = verified(&call(Some("1"), attachments));
        assert!(matches!(event, Inbound::Request(..)), "{attachments:?}");
    }
    let bad: [&[(&str, &str)]; 6] = [
        &[("path", "a.Secret")],
        &[("path", "xa.B")],
        &[("path", "a.B"), ("path", "a.Secret")],
        &[("version", "2")],
        &[("version", "0.0.0")],
        &[("version", "")],
    ];
    for attachments in bad {
        let event = verified(&call(Some("1"), attachments));
        let Inbound::Fault(_, fault) = event else {
            panic!("{attachments:?}: {event:?}");
        };
        assert_eq!(fault.error.kind, ErrorKind::Malformed);
    }
    assert!(matches!(
        verified(&call(None, &[("version", "0.0.0")])),
        Inbound::Request(..)
    ));
    // Not text, and not to be read.
    for rest in [&b"\0H\x04path\x90Z"[..], b"\0H\x04path", b"\0Q\x90"] {
        let mut body = Body::new("a.B", None, "m");
        let event = verified(&body.raw(rest).frame());
        assert!(matches!(event, Inbound::Fault(..)), "{event:?}");
    }
}
