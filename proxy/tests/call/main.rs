//! `wireloom call`, against the demo, against a proxy of its own, and against servers that do not answer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../program/mod.rs"]
mod program;
mod thrift;

use std::net::{SocketAddr, TcpListener};
use std::thread;

use program::{Running, Temporary, address_behind, demo, run};
use serde_json::{Value, json};

/// The answer to a call that must have one.
fn answer(arguments: &[&str]) -> Value {
    let (code, out, err) = run(&[&["call"], arguments].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_str(&out).unwrap()
}

/// The standard error of a call that must fail with `code`.
fn error(code: i32, arguments: &[&str]) -> String {
    let (exit, out, err) = run(&[&["call"], arguments].concat());
    assert_eq!(
        (exit, out.as_str()),
        (Some(code), ""),
        "{arguments:?}: {err}"
    );
    err
}

#[test]
fn every_protocol_is_answered() {
    let (_demo, proxy) = demo();
    let all =
        r#"[{"text": "tea", "int": 7, "long": 5000000000, "double": 2.5, "list": [true, null]}]"#;
    let expected: Value = serde_json::from_str::<Value>(all).unwrap()[0].clone();
    for (scheme, service, query) in [
        ("dubbo", "com.acme.OrderService", ""),
        (
            "dubbo",
            "com.acme.OrderService",
            "?version=1.0.0&group=blue",
        ),
        ("bolt", "com.acme.OrderService:1.0", ""),
        ("bolt", "com.acme.OrderService:1.0:blue", "?v=2"),
        ("bolt", "com.acme.OrderService", "?v=2&crc=true"),
    ] {
        let url = format!("{scheme}://{proxy}/{service}/find{query}");
        assert_eq!(answer(&[&url, all]), expected, "{url}");
        assert_eq!(
            answer(&[&url, "[\"x\"]", "--type", "java.lang.String"]),
            "x"
        );
        assert_eq!(
            answer(&[&url, "[3, \"x\"]", "--type", "ILjava/lang/String;"]),
            3
        );
        assert_eq!(
            answer(&[&url, "[[1, 2]]", "--type", "long[]"]),
            json!([1, 2])
        );
    }
    let url = format!("bolt://{proxy}/com.acme.OrderService/find");
    assert_eq!(answer(&[&url, all, "--dialect", "final"]), expected);
    assert_eq!(answer(&[&url, all, "--dialect", "draft"]), expected);
}

#[test]
fn the_service_sees_what_was_written() {
    let (_demo, proxy) = demo();
    let url = format!("dubbo://{proxy}/com.acme.OrderService/describe?version=1.0.0&group=blue");
    let seen = answer(&[&url, "[1, \"a\"]", "-H", "zone=a=b", "--timeout", "750ms"]);
    assert_eq!(
        seen,
        json!({
            "service": "com.acme.OrderService",
            "method": "describe",
            "arguments": [1, "a"],
            "attachments": {
                "path": "com.acme.OrderService",
                "interface": "com.acme.OrderService",
                "version": "1.0.0",
                "group": "blue",
                "timeout": "750",
                "generic": "true",
                "zone": "a=b",
            },
            "servedBy": "dubbo",
        })
    );
    let url = format!("bolt://{proxy}/com.acme.OrderService/describe");
    let seen = answer(&[&url, "-H", "x-canary=true"]);
    assert_eq!(
        seen,
        json!({
            "service": "com.acme.OrderService:1.0",
            "method": "describe",
            "arguments": [],
            "attachments": {"x-canary": "true"},
            "servedBy": "bolt-canary",
        })
    );
}

#[test]
fn what_comes_with_the_answer_is_told_on_request() {
    let (_demo, proxy) = demo();
    let url = format!("dubbo://{proxy}/com.acme.OrderService/find");
    let (code, out, err) = run(&["call", &url, "[1]", "-v"]);
    assert_eq!((code, out.as_str()), (Some(0), "1\n"));
    assert_eq!(err, "served-by: dubbo\n");

    let url = format!("http://{proxy}/echo");
    let (code, out, err) = run(&["call", &url, "-v", "-H", "x-canary: true"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("served by http-canary\nGET /echo HTTP/1.1\n"));
    assert!(out.contains("\nx-canary: true\n"), "{out}");
    assert!(err.starts_with("HTTP/1.1 200 OK\n"), "{err}");
    assert!(err.contains("\nserved-by: http-canary\n"), "{err}");

    let url = format!("grpc://{proxy}/wireloom.demo.Echo/Say");
    let (code, _, err) = run(&["call", &url, "-v"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.lines().any(|line| line == "grpc-status: 0"), "{err}");
}

#[test]
fn http_is_printed_as_it_comes() {
    let (_demo, proxy) = demo();
    let url = format!("http://{proxy}/echo?cups=3");
    for extra in [&[][..], &["--http2"]] {
        let put = [&["call", &url, "{\"tea\": 1}", "-X", "PUT"], extra].concat();
        let (code, out, err) = run(&put);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{extra:?}");
        let first = "served by http\nPUT /echo?cups=3 HTTP/1.1\n";
        assert!(out.starts_with(first), "{out}");
        assert!(out.contains("\ncontent-type: application/json\n"), "{out}");
        // Nothing is added to a body.
        assert!(out.ends_with("\n\n{\"tea\": 1}"), "{out}");
    }
    let (code, out, err) = run(&["call", &format!("http://{proxy}/tea")]);
    assert_eq!(code, Some(3));
    assert_eq!(out, "there is /echo alone\n");
    assert_eq!(err, "status 404 Not Found\n");
}

#[test]
fn grpc_is_routed_by_metadata_and_described_by_the_server() {
    let (_demo, proxy) = demo();
    let server = format!("grpc://{proxy}");
    let say = format!("{server}/wireloom.demo.Echo/Say");
    let tea = "{\"text\": \"tea\"}";
    assert_eq!(
        answer(&[&say, tea, "-H", "x-canary: true"]),
        json!({ "text": "tea", "servedBy": "grpc-canary" })
    );
    let from_file = answer(&[&say, tea, "--proto", "proto/echo.proto"]);
    assert_eq!(from_file, json!({ "text": "tea", "servedBy": "grpc" }));
    let (code, out, err) = run(&["call", &server]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(
        out.lines().any(|line| line == "wireloom.demo.Echo"),
        "{out}"
    );
    let (_, out, _) = run(&["call", &format!("{server}/wireloom.demo.Echo")]);
    let repeat = "rpc Repeat(wireloom.demo.RepeatRequest) returns (stream wireloom.demo.EchoReply)";
    assert!(out.lines().any(|line| line == repeat), "{out}");
    let join = format!("{server}/wireloom.demo.Echo/Join");
    let joined = answer(&[&join, "{\"text\": \"te\"} {\"text\": \"a\"}"]);
    assert_eq!(joined, json!({ "text": "tea", "servedBy": "grpc" }));
}

#[test]
fn grpc_s_errors_are_told() {
    let (_demo, proxy) = demo();
    let say = format!("grpc://{proxy}/wireloom.demo.Echo/Say");
    assert_eq!(
        error(1, &[&say, "{\"text\": \"no tea\", \"failWith\": 5}"]),
        "status 5 NOT_FOUND: no tea\n  wireloom.demo.EchoRequest {\"text\":\"no tea\",\"failWith\":5}\n"
    );
    let unknown = format!("grpc://{proxy}/wireloom.demo.Eco/Say");
    assert_eq!(
        error(2, &[&unknown]),
        "wireloom: the URL is wrong: there is no service `wireloom.demo.Eco`; did you mean `wireloom.demo.Echo`?\n"
    );
    let repeat = format!("grpc://{proxy}/wireloom.demo.Echo/Repeat");
    let slow = "{\"text\": \"a\", \"count\": 2, \"pauseMs\": 60000}";
    // What came before the end is printed: a stream's parts are there as they come.
    let (code, out, err) = run(&["call", &repeat, slow, "--timeout", "3s"]);
    assert_eq!(code, Some(1), "{err}");
    let first: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(first["number"], 1);
}

#[test]
fn triple_and_websocket_are_answered() {
    let (_demo, proxy) = demo();
    let url = format!("tri://{proxy}/com.acme.OrderService/describe?version=2.0&group=blue");
    let seen = answer(&[&url, "[{\"sku\": \"tea\"}, 7]", "-H", "zone=a"]);
    assert_eq!(seen["service"], "com.acme.OrderService");
    assert_eq!(seen["arguments"], json!([{ "sku": "tea" }, 7]));
    assert_eq!(seen["attachments"]["tri-service-version"], "2.0");
    assert_eq!(seen["attachments"]["tri-service-group"], "blue");
    assert_eq!(seen["attachments"]["zone"], "a");
    let (code, out, err) = run(&["call", &format!("ws://{proxy}/ws"), "tea"]);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "tea\n", ""));
}

#[test]
fn what_is_no_call_exits_with_2_and_says_what_would_be_right() {
    let dubbo = "dubbo://127.0.0.1:1/com.acme.A/m";
    let bolt = "bolt://127.0.0.1:1/com.acme.A/m";
    for (arguments, expected) in [
        (
            &["127.0.0.1:1/a/b"][..],
            "the URL is wrong: it must begin with a scheme: write PROTOCOL://HOST:PORT/SERVICE/METHOD",
        ),
        (
            &["dubo://127.0.0.1:1/a/b"],
            "the URL is wrong: the scheme `dubo` is not known; did you mean `dubbo://`?",
        ),
        (
            &["smtp://127.0.0.1:1/a/b"],
            "the URL is wrong: the scheme `smtp` is not known; write one of dubbo://, bolt://, thrift://, tri://, grpc://, http://, ws://",
        ),
        (
            &["grpcs://127.0.0.1:1/a/b"],
            "the URL is wrong: `grpcs` needs TLS, which `wireloom call` does not speak; write grpc:// and a port without it",
        ),
        (
            &[dubbo, "--http2"],
            "--http2 is wrong: dubbo:// has no use for it",
        ),
        (
            &["tri://127.0.0.1:1/a/b", "{}"],
            "the arguments are wrong: they must be a JSON list, like '[\"42\", 7]'",
        ),
        (
            &["grpc://127.0.0.1:1/a/b", "--proto", "no/such.proto"],
            "--proto is wrong: no/such.proto: No such file or directory (os error 2)",
        ),
        (
            &["dubbo://127.0.0.1/a/b"],
            "the URL is wrong: \"127.0.0.1\" is not an address like 10.0.0.1:2045, [::1]:2045 or orders.example:2045: the port is missing",
        ),
        (
            &["dubbo://127.0.0.1:1/com.acme.A"],
            "the URL is wrong: it must name a service and a method: write dubbo://HOST:PORT/INTERFACE/METHOD[?version=V&group=G]",
        ),
        (
            &["bolt://127.0.0.1:1/com.acme.A/"],
            "the URL is wrong: its path has nothing between two slashes, or at its end: write bolt://HOST:PORT/INTERFACE:VERSION[:UNIQUE_ID]/METHOD",
        ),
        (
            &["dubbo://127.0.0.1:1/a/b?verison=1"],
            "the URL is wrong: it has no key `verison`; did you mean `version`?",
        ),
        (
            &["bolt://127.0.0.1:1/a/b?crc=true"],
            "the URL is wrong: `crc=true` needs `v=2`: version 1 has no CRC",
        ),
        (
            &["bolt://127.0.0.1:1/a/b?v=3"],
            "the URL is wrong: `v` must be 1 or 2",
        ),
        (
            &["dubbo://127.0.0.1:1/a/b?oneway=yes"],
            "the URL is wrong: `oneway=yes` must be `oneway=true` or `oneway=false`",
        ),
        (
            &[dubbo, "[1"],
            "the arguments are wrong: they are not JSON: EOF while parsing a list at line 1 column 2",
        ),
        (
            &[dubbo, "{\"a\": 1}"],
            "the arguments are wrong: they must be a JSON list, like '[\"42\", 7]'",
        ),
        (
            &[bolt, "[1, {\"a\": {\"$class\": 7}}]"],
            "the arguments are wrong: $[1].a.$class: must be a string",
        ),
        (
            &[dubbo, "[1, 2]", "--type", "I"],
            "the arguments are wrong: $: has 2 arguments, but the method's descriptor I has 1",
        ),
        (
            &[bolt, "[\"x\"]", "--type", "int"],
            "the arguments are wrong: $[0]: must be an integer of 32 bits, for the type is int",
        ),
        (
            &[bolt, "[\"x\"]", "--type", "a b"],
            "--type is wrong: `a b` is no type; write Java names like String,int or descriptors like Ljava/lang/String;I",
        ),
        (
            &[bolt, "--dialect", "new"],
            "--dialect is wrong: write draft (SOFARPC's default) or final (sofa-hessian 4)",
        ),
        (
            &["thrift://127.0.0.1:1/a/b?transport=frame"],
            "the URL is wrong: there is no transport `frame`; did you mean `framed`?",
        ),
        (
            &["thrift://127.0.0.1:1/a/b?transport=header&protocol=binary_non_strict"],
            "the URL is wrong: `protocol=binary_non_strict` goes with framed and buffered alone",
        ),
        (
            &["thrift://127.0.0.1:1/a/b", "-H", "a=b"],
            "--header is wrong: this transport has no headers; write ?transport=header or ?transport=ttheader",
        ),
        (
            &["thrift://127.0.0.1:1/a/b", "[1]"],
            "the arguments are wrong: they must be a JSON object: write field ids and types, like '{\"1:string\": \"42\", \"2:i32\": 7}', or say --idl FILE",
        ),
        (
            &["thrift://127.0.0.1:1/a/b", "{\"1:i8\": 300}"],
            "the arguments are wrong: $.1:i8: must be an integer of 8 bits, not 300",
        ),
        (
            &[dubbo, "--idl", "a.thrift"],
            "--idl is wrong: dubbo:// has no use for it",
        ),
        (
            &["thrift://127.0.0.1:1/a/b", "--idl", "no/such.thrift"],
            "--idl is wrong: no/such.thrift: No such file or directory (os error 2)",
        ),
        (
            &[dubbo, "--dialect", "final"],
            "--dialect is wrong: Dubbo has one form of Hessian; leave it out",
        ),
    ] {
        assert_eq!(
            error(2, arguments),
            format!("wireloom: {expected}\n"),
            "{arguments:?}"
        );
    }
}

#[test]
fn silence_and_refusal_are_told_apart() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    for scheme in ["dubbo", "bolt", "thrift", "tri", "grpc", "http", "ws"] {
        let url = format!("{scheme}://{address}/com.acme.A/m");
        let told = error(1, &[&url, "--timeout", "150ms"]);
        assert_eq!(
            told,
            format!("wireloom: no answer from {address} within 150ms\n")
        );
    }
    drop(silent);
    for scheme in ["dubbo", "bolt", "thrift", "tri", "grpc", "http", "ws"] {
        let url = format!("{scheme}://{address}/com.acme.A/m");
        let told = error(1, &[&url]);
        let expected =
            format!("wireloom: cannot connect to {address}: Connection refused (os error 111)\n");
        assert_eq!(told, expected, "{scheme}");
    }

    let closing = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closing.local_addr().unwrap();
    thread::spawn(move || drop(closing.accept()));
    let url = format!("bolt://{address}/com.acme.A/m");
    let told = error(1, &[&url]);
    assert!(
        told.starts_with(&format!("wireloom: no answer from {address}: c")),
        "{told}"
    );
}

/// A configuration with one route, to a server that is not there.
fn config(prefix: &str) -> String {
    format!(
        "listeners: [{{address: '127.0.0.1:0', routes: main}}]
routes: {{main: [{{match: {{service: {{prefix: {prefix}}}}}, to: gone}}]}}
clusters: {{gone: {{endpoints: ['127.0.0.1:1']}}}}
"
    )
}

fn dubbo(proxy: SocketAddr) -> String {
    error(1, &[&format!("dubbo://{proxy}/org.b.Service/find"), "[1]"])
}

const NO_ROUTE: &str = "status 60 SERVICE_NOT_FOUND: wireloom: no route: dubbo service \"org.b.Service\", method \"find\"\n";
const NO_SERVER: &str = "status 80 SERVER_ERROR: wireloom: connect failure: cannot connect to 127.0.0.1:1: Connection refused (os error 111)\n";

#[test]
fn a_proxy_s_errors_reach_the_caller_and_reloads_change_them() {
    let file = Temporary::new("reload.yaml", &config("org.a."));
    let mut proxy = Running::start(&["run", "-c", file.path(), "--workers", "1"]);
    let address = address_behind(&proxy.line_with("local="), "local=");
    assert_eq!(dubbo(address), NO_ROUTE);
    let bolt = format!("bolt://{address}/org.b.Service/find");
    assert_eq!(error(1, &[&bolt]), "status 6 NO_PROCESSOR\n");

    let thrift = format!("thrift://{address}/org.b.Service/find?multiplexed=true");
    assert_eq!(
        error(1, &[&thrift]),
        "TApplicationException 1 UNKNOWN_METHOD: wireloom: no route: thrift service \"org.b.Service\", method \"find\"\n"
    );

    file.write(&config("org.b."));
    proxy.signal("HUP");
    proxy.line_with("configuration reloaded");
    assert_eq!(dubbo(address), NO_SERVER);
    assert_eq!(error(1, &[&bolt]), "status 16 CONNECTION_CLOSED\n");
    assert_eq!(
        error(1, &[&thrift]),
        "TApplicationException 6 INTERNAL_ERROR: wireloom: connect failure: cannot connect to 127.0.0.1:1: Connection refused (os error 111)\n"
    );

    file.write("listeners: []");
    proxy.signal("HUP");
    proxy.line_with("configuration not reloaded");
    assert_eq!(dubbo(address), NO_SERVER);

    proxy.signal("TERM");
    assert_eq!(proxy.end(), Some(0));
}
