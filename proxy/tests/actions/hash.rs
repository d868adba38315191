//! Requests of the same hash reach the same endpoint.

use std::collections::BTreeSet;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wireloom_dubbo::call::{Arguments, DubboCall};
use wireloom_hessian::Value;

use crate::client::Client;
use crate::dubbo::{Consumer, call};
use crate::fleet::{Speaks, by_grpc, by_http, endpoints};
use crate::mesh::{Mesh, soon};
use crate::{http1, thrift};

const SIX: [(&str, &str); 6] = [
    ("a", ""),
    ("b", ""),
    ("c", ""),
    ("d", ""),
    ("e", ""),
    ("f", ""),
];

/// One route with this hash policy to six servers.
async fn mesh(speaks: Speaks, hash: &str, balance: &str) -> Mesh {
    let endpoints = endpoints(speaks, &SIX).await;
    Mesh::start(
        &format!("    - {{to: c, hash: [{hash}]}}"),
        &format!("  c: {{endpoints: {endpoints}, balance: {balance}}}"),
    )
}

/// Asserts that each key's requests went to one server, and that not all keys' went to the same.
fn assert_sticky(seen: &[Vec<String>]) {
    let mut servers = BTreeSet::new();
    for of_a_key in seen {
        let own: BTreeSet<_> = of_a_key.iter().collect();
        assert_eq!(own.len(), 1, "{seen:?}");
        servers.extend(own);
    }
    // Forty keys over six servers: all at one of them with a chance of 6^-39.
    assert!(servers.len() > 1, "{seen:?}");
}

#[tokio::test]
async fn by_a_header_over_grpc() {
    let mesh = mesh(Speaks::Grpc, "{header: X-User}", "ring_hash").await;
    let client = Client::connect(mesh.address).await;
    let mut seen = vec![Vec::new(); 40];
    for _ in 0..4 {
        for (user, seen) in seen.iter_mut().enumerate() {
            seen.push(by_grpc(&client, &[("x-user", &user.to_string())]).await);
        }
    }
    assert_sticky(&seen);
}

#[tokio::test]
async fn by_an_attachment_or_else_an_argument_over_dubbo() {
    let hash = "{header: user, terminal: true}, {argument: {index: 0}}";
    let mesh = mesh(Speaks::Dubbo, hash, "maglev").await;
    let consumer = Consumer::connect(mesh.address).await;
    let with = |argument: &str, attachments: &[(&str, &str)]| DubboCall {
        arguments: Arguments::Typed {
            descriptor: "Ljava/lang/String;".to_owned(),
            values: vec![Value::from(argument)],
        },
        ..call("acme.Orders", "get", attachments)
    };
    let (mut by_argument, mut by_both) = (vec![Vec::new(); 40], vec![Vec::new(); 40]);
    for round in 0..4 {
        for key in 0..40 {
            let own = key.to_string();
            let answered = consumer.send(&with(&own, &[])).await.unwrap();
            by_argument[key].push(answered);
            // The argument does not count here.
            let other = format!("{round}/{key}");
            let answered = consumer
                .send(&with(&other, &[("user", &own)]))
                .await
                .unwrap();
            by_both[key].push(answered);
        }
    }
    assert_sticky(&by_argument);
    assert_sticky(&by_both);
}

#[tokio::test]
async fn by_an_argument_over_thrift() {
    let mesh = mesh(Speaks::Thrift, "{argument: {thrift: [1, 2]}}", "maglev").await;
    let mut client = thrift::Client::connect(mesh.address).await;
    let mut seen = vec![Vec::new(); 40];
    for round in 0..4 {
        for (key, seen) in seen.iter_mut().enumerate() {
            seen.push(client.find(&key.to_string(), round).await);
        }
    }
    assert_sticky(&seen);
}

#[tokio::test]
async fn by_query_or_body_or_source_over_http() {
    let hash =
        "{query: user, terminal: true}, {argument: {json: /user}, terminal: true}, {source: true}";
    let mesh = mesh(Speaks::Http, hash, "ring_hash").await;
    let mut client = http1::Client::connect(mesh.address).await;
    let (mut by_query, mut by_body) = (vec![Vec::new(); 40], vec![Vec::new(); 40]);
    let mut by_source = vec![Vec::new(); 1];
    for round in 0..4 {
        for key in 0..40 {
            let path = format!("/?a={round}&user={key}");
            by_query[key].push(client.get(&path, &[]).await);
            let body = format!(r#"{{"user": {key}, "round": {round}}}"#);
            let head = format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            client.write(head.as_bytes()).await;
            let (status, answer) = client.read().await;
            assert_eq!(status, 200);
            by_body[key].push(answer.split(' ').next().unwrap().to_owned());
            by_source[0].push(by_http(&mut client, &[]).await);
        }
    }
    assert_sticky(&by_query);
    assert_sticky(&by_body);
    let alone: BTreeSet<_> = by_source[0].iter().collect();
    assert_eq!(alone.len(), 1, "{by_source:?}");
}

/// One GET over a connection of its own: the head of the answer, and who answered.
async fn get(mesh: &Mesh, cookie: &str) -> (String, String) {
    let mut stream = TcpStream::connect(mesh.address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{cookie}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    (head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test]
async fn a_cookie_is_given_out_and_finds_the_server_again() {
    let hash = "{cookie: {name: stick, ttl: 1h, path: /}}";
    let mesh = mesh(Speaks::Http, hash, "ring_hash").await;
    let mut first = BTreeSet::new();
    for _ in 0..20 {
        let (head, server) = get(&mesh, "").await;
        let (_, cookie) = head.split_once("set-cookie: ").expect(&head);
        let (value, attributes) = cookie.split_once(';').unwrap();
        assert!(
            attributes.starts_with(" max-age=3600; path=/; httponly"),
            "{head}"
        );
        for _ in 0..3 {
            let (head, again) = get(&mesh, &format!("Cookie: a=b; {value}\r\n")).await;
            assert!(!head.contains("set-cookie"), "{head}");
            assert_eq!(server, again);
        }
        first.insert(server);
    }
    assert!(first.len() > 1, "{first:?}");
}

#[tokio::test]
async fn a_retry_of_the_same_hash_goes_elsewhere() {
    // Nobody listens at one of them: its requests are retried, and always at the same other one.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = closed.local_addr().unwrap();
    drop(closed);
    let live = endpoints(Speaks::Http, &SIX[..3]).await;
    let live = live.trim_end_matches(']');
    let mesh = Mesh::start(
        "    - {to: c, hash: [{header: x-user}], retry: {attempts: 2}}",
        &format!("  c: {{endpoints: {live}, '{gone}'], balance: maglev}}"),
    );
    let mut client = http1::Client::connect(mesh.address).await;
    let mut seen = vec![Vec::new(); 40];
    for _ in 0..3 {
        for (user, seen) in seen.iter_mut().enumerate() {
            seen.push(by_http(&mut client, &[("x-user", &user.to_string())]).await);
        }
    }
    assert_sticky(&seen);
}
