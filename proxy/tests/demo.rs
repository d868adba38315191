//! `wireloom demo`, as a user meets it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod program;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use program::{PROGRAM, Running, address_behind, demo, run, shell};

#[test]
fn once_answers_every_protocol() {
    let arguments = [
        "demo",
        "--once",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    ];
    let (code, out, err) = run(&arguments);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let rows: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split(" | ").map(str::trim).collect())
        .collect();
    assert_eq!(rows[0], ["protocol", "request", "answer", "time"]);
    let answers: Vec<(&str, &str)> = rows[1..rows.len() - 1]
        .iter()
        .map(|row| (row[0], row[2]))
        .collect();
    let create = r#"{"sku":"tea","count":3}"#;
    let say = |by: &str| format!(r#"{{"text":"tea","servedBy":"{by}"}}"#);
    let (plain, canary) = (say("grpc"), say("grpc-canary"));
    let numbered = |text: &str, number: u32| {
        format!(r#"{{"text":"{text}","servedBy":"grpc","number":{number}}}"#)
    };
    let repeat = (1..=3).map(|number| numbered("tea", number));
    let repeat = repeat.collect::<Vec<_>>().join(" ");
    let chat = format!("{} {}", numbered("tea", 1), numbered("milk", 2));
    let found = r#"{"0:string":"order 42"}"#;
    let described = r#"{"0:struct":{"1:string":"com.acme.OrderService","2:string":"describe","3:struct":{},"4:map<string,string>":{},"5:string":"thrift"}}"#;
    let posted = "served by http, POST /echo?cups=3 HTTP/1.1, tea";
    assert_eq!(
        answers,
        [
            ("grpc", plain.as_str()),
            ("grpc", &canary),
            ("grpc", &repeat),
            ("grpc", &chat),
            ("grpc", r#"{"status":"SERVING"}"#),
            (
                "grpc",
                "grpc.health.v1.Health, grpc.reflection.v1.ServerReflection, wireloom.demo.Echo"
            ),
            ("websocket", "tea"),
            ("websocket", "websocket-canary"),
            ("http", posted),
            ("http", posted),
            ("http", "served by http-canary, GET /echo HTTP/1.1"),
            ("triple", r#""order 42""#),
            ("triple", r#""triple-canary""#),
            ("dubbo", r#""order 42""#),
            ("dubbo", create),
            ("dubbo", r#""dubbo-canary""#),
            ("dubbo", "(none, as it should be)"),
            ("bolt", r#""order 42""#),
            ("bolt", create),
            ("bolt", r#""bolt-canary""#),
            ("bolt", "(none, as it should be)"),
            ("thrift", found),
            ("thrift", r#"{"0:struct":{"1:string":"tea","2:i32":3}}"#),
            ("thrift", found),
            ("thrift", described),
            ("thrift", r#"{"0:string":"thrift-canary"}"#),
            ("thrift", found),
            ("thrift", "(none, as it should be)"),
        ]
    );
    let last = rows.last().unwrap();
    assert!(last[0].starts_with("All answers are as expected"), "{out}");
}

#[test]
fn what_it_prints_to_try_works() {
    let (mut demo, _) = demo();
    let mut tried = 0;
    let admin = loop {
        let line = demo.line_with(" ");
        if line.contains(" call ") {
            assert!(line.trim().starts_with(PROGRAM), "{line}");
            let (code, out, err) = shell(&line);
            assert_eq!((code, err.as_str()), (Some(0), ""), "{line}");
            assert_eq!(
                out.is_empty(),
                line.contains("oneway=true"),
                "{line}: {out}"
            );
            tried += 1;
        } else if line.contains("/clusters") {
            break address_behind(&line, "http://");
        }
    };
    assert_eq!(tried, 28);
    let metrics = get(admin, "/metrics");
    let counted =
        r#"{cluster="bolt",listener="demo",outcome="success",protocol="bolt",route="bolt"} 3"#;
    assert!(metrics.contains(counted), "{metrics}");

    demo.signal("TERM");
    assert_eq!(demo.end(), Some(0));
}

fn get(server: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

#[test]
fn an_interrupt_ends_it_at_once() {
    let (mut demo, proxy) = demo();
    // A connection that a drain would wait for.
    let _open = TcpStream::connect(proxy).unwrap();
    demo.signal("INT");
    assert_eq!(demo.end(), Some(0));
}

#[test]
fn a_port_in_use_is_told_in_one_sentence() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let free = "127.0.0.1:0";
    for (option, listen, admin, once) in [
        ("--listen", taken.as_str(), free, false),
        ("--admin", free, &taken, false),
        // Only the default ports give way.
        ("--listen", &taken, free, true),
    ] {
        let mut arguments = vec!["demo", "--listen", listen, "--admin", admin];
        arguments.extend(once.then_some("--once"));
        let (code, out, err) = run(&arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert_eq!(
            err,
            format!(
                "wireloom: cannot listen on {taken}: the port is in use by another process; \
                 `{option} 127.0.0.1:0` takes any that is free\n"
            )
        );
    }
}

#[test]
fn once_finds_its_way_around_the_default_ports() {
    // Taken by this or by anybody else: in use either way.
    let _taken = TcpListener::bind("127.0.0.1:2045");
    let _taken = (_taken, TcpListener::bind("127.0.0.1:9901"));
    let (code, out, err) = run(&["demo", "--once"]);
    assert_eq!(code, Some(0), "{out}{err}");
    for default in ["127.0.0.1:2045", "127.0.0.1:9901"] {
        let told = format!("wireloom: {default} is in use; a free port is taken instead\n");
        assert!(err.contains(&told), "{err}");
    }
}

#[test]
fn a_reload_has_nothing_to_read() {
    let demo = Running::start(&["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let proxy = address_behind(&demo.line_with("Ctrl-C"), "on ");
    demo.signal("HUP");
    demo.line_with("there is no file to read the configuration from again");
    let url = format!("bolt://{proxy}/com.acme.OrderService:1.0/find");
    let (code, out, _) = run(&["call", &url, "[7]"]);
    assert_eq!((code, out.as_str()), (Some(0), "7\n"));
}
