use serde_json::json;
use wireloom_bolt::sofa_value::{Answer, encode_response};
use wireloom_bolt::{header, types as bolt_types};
use wireloom_codecs::units::Span;
use wireloom_codecs::{Kind, Request, Response};
use wireloom_dubbo::call::ok_response;
use wireloom_hessian::{Dialect, Encoder, Value};

use super::bolt::Bolt;
use super::caller::Messages;
use super::dubbo::Dubbo;
use super::*;
use crate::cli::{CallArgs, Header};

mod grpc;
mod http;
mod server;
mod triple;
mod websocket;

fn args(url: &str, body: &str) -> CallArgs {
    CallArgs {
        body: Some(body.to_owned()),
        timeout: Span(std::time::Duration::from_millis(1500)),
        ..CallArgs::new(url)
    }
}

fn request(args: &CallArgs) -> Request {
    let url: CallUrl = args.url.parse().unwrap();
    match url.scheme.as_str() {
        "dubbo" => Dubbo.request(&url, args).unwrap(),
        _ => Bolt.request(&url, args).unwrap(),
    }
}

fn read(scheme: &str, response: &Response) -> Result<Reply, Failure> {
    match scheme {
        "dubbo" => Dubbo.read(response),
        _ => Bolt.read(response),
    }
}

#[test]
fn urls_are_taken_apart() {
    let url: CallUrl = "Dubbo://[::1]:20880/ctx/com.acme.A/%24invoke?group=a%2Fb&version"
        .parse()
        .unwrap();
    assert_eq!(
        (url.scheme.as_str(), url.address.to_string().as_str()),
        ("dubbo", "[::1]:20880")
    );
    assert_eq!(
        url.service_and_method(""),
        Ok(("ctx/com.acme.A".to_owned(), "$invoke"))
    );
    assert_eq!(
        (url.get("group"), url.get("version"), url.get("v")),
        (Some("a/b"), Some(""), None)
    );
    assert_eq!(url.allow(&["group", "version"]), Ok(()));
    for (text, has) in [
        ("dubbo://h:1/a/b%2", "percent"),
        ("dubbo://h:1/a/b%zz", "percent"),
        ("dubbo://h:1/a/b%ff", "percent"),
        ("dubbo://h:1:2/a/b", "more than one colon"),
        ("dubbo:/h:1/a/b", "begin with a scheme"),
    ] {
        let error = text.parse::<CallUrl>().unwrap_err().to_string();
        assert!(error.contains(has), "{text}: {error}");
    }
    // The web's URLs go to the server as they are.
    let web: CallUrl = "http://example?a=%ff&d".parse().unwrap();
    assert_eq!(
        (web.address.to_string().as_str(), web.target.as_str()),
        ("example:80", "?a=%ff&d")
    );
    let twice: CallUrl = "dubbo://h:1/a/b?v=1&v=2".parse().unwrap();
    assert!(
        twice
            .allow(&["v"])
            .unwrap_err()
            .to_string()
            .contains("twice")
    );
}

#[test]
fn types_are_descriptors_or_java_names() {
    for (text, expected) in [
        ("", ""),
        ("Ljava/lang/String;I", "Ljava/lang/String;I"),
        ("int", "I"),
        (
            "String, List ,long[],com.acme.Order",
            "Ljava/lang/String;Ljava/util/List;[JLcom/acme/Order;",
        ),
        ("String[][]", "[[Ljava/lang/String;"),
    ] {
        assert_eq!(
            arguments::descriptors(text).as_deref(),
            Ok(expected),
            "{text}"
        );
    }
}

#[test]
fn bolt_requests_state_names_types_and_headers() {
    let mut args = args(
        "bolt://h:1/com.acme.A/find?v=2&crc=true&oneway=true",
        "[\"a\", [1], 1]",
    );
    args.types = Some("String,String[],long".to_owned());
    args.body = Some(r#"["a", ["b"], 1]"#.to_owned());
    args.headers = vec![Header {
        name: "zone".to_owned(),
        value: "z1".to_owned(),
    }];
    let request = request(&args);
    assert_eq!(
        (request.head.kind, request.head.method.as_str()),
        (Kind::OneWay, "find")
    );
    let head = bolt_types::Head::parse(&request.head.wire.fixed).unwrap();
    assert_eq!(
        (head.version, head.has_crc()),
        (bolt_types::Version::V2, true)
    );
    assert_eq!(head.timeout_or_status, 1500);
    let block = &request.head.wire.image[usize::from(head.class_len)..];
    assert_eq!(block.len(), usize::from(head.header_len));
    let last = header::Pairs::new(block).last().unwrap().unwrap();
    assert_eq!(last, (&b"zone"[..], &b"z1"[..]));
    let content = request.body.whole().unwrap();
    let (call, dialect) = wireloom_bolt::sofa_value::decode_request(content).unwrap();
    assert_eq!(
        (call.service.as_str(), dialect),
        ("com.acme.A:1.0", Dialect::Draft)
    );
    assert_eq!(
        call.arg_types,
        ["java.lang.String", "[Ljava.lang.String;", "long"]
    );
    assert_eq!(call.props, [("zone".to_owned(), Value::from("z1"))]);
}

#[test]
fn bolt_types_are_guessed() {
    let body = r#"["a", 1, 5000000000, 1.5, true, [1], {"k": 1}, null]"#;
    let request = request(&args("bolt://h:1/com.acme.A:2.0:blue/find", body));
    let content = request.body.whole().unwrap();
    let (call, _) = wireloom_bolt::sofa_value::decode_request(content).unwrap();
    assert_eq!(call.service, "com.acme.A:2.0:blue");
    assert_eq!(
        call.arg_types,
        [
            "java.lang.String",
            "int",
            "long",
            "double",
            "boolean",
            "java.util.List",
            "java.util.Map",
            "java.lang.Object",
        ]
    );
}

#[test]
fn headers_that_do_not_fit_a_bolt_request_are_refused() {
    let mut args = args("bolt://h:1/com.acme.A/find", "[]");
    args.headers = vec![Header {
        name: "zone".to_owned(),
        value: "z".repeat(40_000),
    }];
    let url = args.url.parse().unwrap();
    let error = Bolt.request(&url, &args).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--header is wrong: together they are longer than 32767 bytes"
    );
}

/// What is made of an exception with this message.
fn exception() -> Value {
    Value::object(
        "com.acme.OutOfTea",
        [
            ("detailMessage", Value::from("no tea")),
            ("stackTrace", Value::list([])),
        ],
    )
}

/// A Dubbo response with this status and these values.
fn dubbo(status: u8, values: &[Value]) -> Response {
    let mut out = Encoder::new(Dialect::Final);
    for value in values {
        out.value(value).unwrap();
    }
    let mut response = ok_response(&Value::Null, &[]).unwrap();
    response.head.wire.fixed[3] = status;
    response.body = wireloom_codecs::Body::Whole(out.finish());
    response
}

#[test]
fn failures_read_as_lines() {
    let told = |scheme: &str, response: &Response| read(scheme, response).unwrap_err().to_string();
    let thrown = dubbo(20, &[0.into(), exception()]);
    assert_eq!(
        told("dubbo", &thrown),
        "exception com.acme.OutOfTea: no tea"
    );
    let text = "Waiting too long\n\tat org.apache.dubbo.A.b(A.java:1)";
    let late = dubbo(31, &[text.into()]);
    assert_eq!(
        told("dubbo", &late),
        "status 31 SERVER_TIMEOUT: Waiting too long"
    );
    let odd = dubbo(20, &[9.into()]);
    assert_eq!(
        told("dubbo", &odd),
        "the answer cannot be read: its result flag is none of 0 to 5"
    );

    let to = request(&args("bolt://h:1/com.acme.A/find?v=2", "[]")).head;
    let answer = |answer: Answer<'_>| encode_response(&to, Dialect::Draft, answer).unwrap();
    let thrown = answer(Answer::Value(&exception()));
    assert_eq!(told("bolt", &thrown), "exception com.acme.OutOfTea: no tea");
    let refused = answer(Answer::Refused("no such method"));
    assert_eq!(told("bolt", &refused), "refused: no such method");
    let mut busy = answer(Answer::Value(&Value::Null));
    let head = bolt_types::Head::parse(&busy.head.wire.fixed).unwrap();
    busy.head.wire.fixed = bolt_types::Head {
        timeout_or_status: bolt_types::status::SERVER_THREADPOOL_BUSY.into(),
        ..head
    }
    .to_bytes();
    assert_eq!(told("bolt", &busy), "status 4 SERVER_THREADPOOL_BUSY");
}

#[test]
fn replies_come_with_what_travelled_beside_them() {
    let response = ok_response(&Value::from(7), &[("zone", "a")]).unwrap();
    let reply = read("dubbo", &response).unwrap();
    assert_eq!(reply.values, [json!(7)]);
    assert_eq!(reply.attachments, [("zone".to_owned(), "a".to_owned())]);

    let to = request(&args("bolt://h:1/com.acme.A/find", "[]")).head;
    let thrown = exception();
    let mut response = encode_response(&to, Dialect::Draft, Answer::Value(&thrown)).unwrap();
    // Its header block says that it is an exception; the content is replaced by another's.
    let other = encode_response(&to, Dialect::Draft, Answer::Value(&Value::from("x"))).unwrap();
    response.body = other.body;
    let reply = read("bolt", &response).unwrap();
    assert_eq!(reply.values, [json!("x")]);
    let marked = ("sofa_head_response_error".to_owned(), "true".to_owned());
    assert_eq!(reply.attachments, [marked]);
}
