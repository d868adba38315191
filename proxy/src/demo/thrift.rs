//! Thrift in the demo, in every dialect.

use std::sync::Arc;

use serde_json::json;
use wireloom_codecs::{ErrorKind, Framed, LocalError, Request, Response};
use wireloom_thrift::call::{Answer, read_arguments, read_headers, response};
use wireloom_thrift::types::exception;
use wireloom_thrift::value::{Fields, Kind, Value, ValueError};
use wireloom_thrift::{ThriftCodec, ThriftSettings};

use super::exhibit::{Exhibit, Expected, SERVICE, Try};
use super::framed;

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "thrift",
    title: "Thrift",
    matches: "protocol: thrift",
    upstream: None,
    serve: |site| {
        let settings = Arc::new(ThriftSettings::default());
        let protocol = Arc::new(Framed::<ThriftCodec>::new(settings));
        Box::pin(framed::serve(site, protocol, answer))
    },
    tries,
    others: |proxy| {
        let line = format!(
            "Python: TBinaryProtocol(TFramedTransport(TSocket('{}', {})))",
            proxy.ip(),
            proxy.port()
        );
        vec![("from your own code", line)]
    },
};

/// The result is the first argument, but for these methods: `servedBy` gives the name of the service, `describe` (and
/// any without arguments) all that was asked; `fail` throws what it was given, and `refuse` is not there.
fn answer(request: &Request, served_by: &str) -> Result<Response, LocalError> {
    let malformed = |error: ValueError| LocalError::new(ErrorKind::Malformed, error.to_string());
    let arguments = read_arguments(request).map_err(malformed)?;
    let first = arguments.first().map(|(_, value)| value.clone());
    let answer = match (request.head.method.as_str(), first) {
        ("servedBy", _) => Answer::Reply(vec![(0, Value::text(served_by))]),
        ("refuse", _) => Answer::Exception {
            code: exception::UNKNOWN_METHOD,
            message: "this echo has no such method".to_owned(),
        },
        ("fail", Some(first)) => Answer::Reply(vec![(1, Value::Struct(vec![(1, first)]))]),
        ("describe", _) | (_, None) => {
            let described = description(request, arguments, served_by);
            Answer::Reply(vec![(0, Value::Struct(described))])
        }
        (_, Some(first)) => Answer::Reply(vec![(0, first)]),
    };
    let headers = [("served-by".to_owned(), served_by.to_owned())];
    response(&request.head, &answer, &headers).map_err(malformed)
}

fn description(request: &Request, arguments: Fields, served_by: &str) -> Fields {
    let (_, headers) = read_headers(&request.head.wire);
    let headers = headers.into_iter();
    let headers = headers.map(|(name, value)| (Value::text(name), Value::text(value)));
    let text = |text: &str| Value::text(text);
    let types = Some((Kind::Binary, Kind::Binary));
    vec![
        (1, text(request.head.service.as_str())),
        (2, text(request.head.method.as_str())),
        (3, Value::Struct(arguments)),
        (4, Value::Map(types, headers.collect())),
        (5, text(served_by)),
    ]
}

fn tries() -> Vec<Try> {
    let to = |method: &str| format!("{SERVICE}/{method}");
    let find = Some(r#"{"1:string": "order 42"}"#);
    let found = Expected::Values(vec![json!({"0:string": "order 42"})]);
    let plain = Try {
        about: "framed binary; fields go by their ids, or by their names with --idl FILE",
        scheme: "thrift",
        target: to("find"),
        query: "",
        body: find,
        types: None,
        http2: false,
        canary: false,
        expected: found.clone(),
    };
    let described = json!({
        "1:string": SERVICE,
        "2:string": "describe",
        "3:struct": {},
        "4:map<string,string>": {},
        "5:string": "thrift",
    });
    vec![
        plain.clone(),
        Try {
            about: "framed compact",
            target: to("create"),
            query: "?protocol=compact",
            body: Some(r#"{"1:struct": {"1:string": "tea", "2:i32": 3}}"#),
            expected: Expected::Values(vec![json!({"0:struct": {"1:string": "tea", "2:i32": 3}})]),
            ..plain.clone()
        },
        Try {
            about: "unframed binary",
            query: "?transport=buffered",
            ..plain.clone()
        },
        Try {
            about: "multiplexed: the service stands before the method",
            target: to("describe"),
            query: "?multiplexed=true",
            body: None,
            expected: Expected::Values(vec![json!({ "0:struct": described })]),
            ..plain.clone()
        },
        Try {
            about: "a THeader pair that a route asks for",
            target: to("servedBy"),
            query: "?transport=header",
            body: None,
            canary: true,
            expected: Expected::Values(vec![json!({"0:string": "thrift-canary"})]),
            ..plain.clone()
        },
        Try {
            about: "Kitex's TTHeader",
            query: "?transport=ttheader",
            ..plain.clone()
        },
        Try {
            about: "one-way: nobody waits for an answer",
            target: to("notify"),
            query: "?oneway=true",
            expected: Expected::Nothing,
            ..plain
        },
    ]
}
