//! Which endpoint of a cluster a request reaches, over HTTP/1.1.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wireloom::config::{self, Config};
use wireloom::{PROTOCOLS, Proxy, run};
use wireloom_telemetry::Metrics;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that answers every request with its name.
async fn server(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while stream.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
                    while let Some(end) = seen.windows(4).position(|w| w == b"\r\n\r\n") {
                        seen.drain(..end + 4);
                        let length = name.len();
                        let reply =
                            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{name}");
                        stream.write_all(reply.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

fn config(text: &str, servers: &[SocketAddr]) -> Config {
    let mut text =
        format!("workers: 1\nlisteners: [{{address: 127.0.0.1:0, routes: main}}]\n{text}");
    for (at, address) in servers.iter().enumerate() {
        text = text.replace(&format!("@{at}"), &address.to_string());
    }
    config::parse(Path::new("test.yaml"), &text, PROTOCOLS).unwrap()
}

fn start(text: &str, servers: &[SocketAddr]) -> (Proxy, SocketAddr) {
    let config = config(text, servers);
    let protocols = run::builtin(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = Proxy::start(config, protocols, metrics).unwrap();
    let address = proxy.addresses()[0];
    (proxy, address)
}

/// Who answers a GET for the path; the status line if it is an error.
async fn who(address: SocketAddr, path: &str) -> String {
    let work = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        if head.starts_with("HTTP/1.1 200") {
            body.to_owned()
        } else {
            head.lines().next().unwrap().to_owned()
        }
    };
    timeout(PATIENCE, work).await.unwrap()
}

/// Who answers that many of them, in order of their names.
async fn all(address: SocketAddr, path: &str, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(who(address, path).await);
    }
    names.sort();
    names.dedup();
    names
}

#[tokio::test]
async fn routes_choose_a_part_of_a_cluster() {
    let servers = [
        server("old").await,
        server("new").await,
        server("none").await,
    ];
    let (_proxy, at) = start(
        "
routes:
  main:
    - match: {http: {path: /new}}
      to: {cluster: web, subset: {version: v2}}
    - match: {http: {path: /shared}}
      to:
        - {cluster: web, subset: {version: v1}}
        - {cluster: web, subset: {version: v2}}
    - match: {http: {path: /gone}}
      to: {cluster: strict, subset: {version: v2}}
    - to: web
clusters:
  web:
    protocol: http1
    endpoints:
      - {address: '@0', metadata: {version: v1}}
      - {address: '@1', metadata: {version: v2}}
      - '@2'
    subset: {keys: [[version]], fallback: default, default: {version: v1}}
  strict:
    protocol: http1
    endpoints:
      - {address: '@0', metadata: {version: v1}}
      - {address: '@1', metadata: {version: v2}, draining: true}
    subset: {keys: [[version]]}
",
        &servers,
    );
    assert_eq!(all(at, "/new", 8).await, ["new"]);
    assert_eq!(all(at, "/", 8).await, ["old"]);
    // Both, but for a chance of one in ten million.
    assert_eq!(all(at, "/shared", 24).await, ["new", "old"]);
    assert!(who(at, "/gone").await.starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn the_second_priority_serves_while_the_first_drains() {
    let servers = [server("first").await, server("second").await];
    let mesh = |draining: bool| {
        format!(
            "
routes: {{main: [{{to: web}}]}}
clusters:
  web:
    protocol: http1
    balance: round_robin
    endpoints:
      - {{address: '@0', zone: a, draining: {draining}}}
      - {{address: '@1', priority: 1}}
"
        )
    };
    let (proxy, at) = start(&mesh(false), &servers);
    assert_eq!(all(at, "/", 6).await, ["first"]);
    proxy.apply(config(&mesh(true), &servers)).unwrap();
    assert_eq!(all(at, "/", 6).await, ["second"]);
    let shown = serde_json::to_value(proxy.clusters()).unwrap();
    let endpoints = &shown[0]["endpoints"];
    assert_eq!(endpoints[0]["health"], "draining");
    assert_eq!(endpoints[0]["zone"], "a");
    assert_eq!(
        (&endpoints[1]["health"], &endpoints[1]["priority"]),
        (&"healthy".into(), &1.into())
    );
    proxy.apply(config(&mesh(false), &servers)).unwrap();
    assert_eq!(all(at, "/", 6).await, ["first"]);
}

#[tokio::test]
async fn requests_stay_in_the_zone_of_the_proxy() {
    let servers = [server("near").await, server("far").await];
    let mesh = |zone: &str| {
        format!(
            "
zone: {zone}
routes: {{main: [{{to: web}}]}}
clusters:
  web:
    protocol: http1
    endpoints: [{{address: '@0', zone: a}}, {{address: '@1', zone: b}}]
    zone_aware: {{min_endpoints: 2}}
"
        )
    };
    let (proxy, at) = start(&mesh("a"), &servers);
    assert_eq!(all(at, "/", 12).await, ["near"]);
    proxy.apply(config(&mesh("b"), &servers)).unwrap();
    assert_eq!(all(at, "/", 12).await, ["far"]);
}
