//! What routes, listeners and clusters do with HTTP, seen from both ends.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wireloom::{PROTOCOLS, Proxy, config, run};
use wireloom_telemetry::Metrics;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy of `rest`, with `BACKEND` filled in.
fn start(rest: &str, backend: SocketAddr) -> (Proxy, SocketAddr) {
    let text = rest.replace("BACKEND", &backend.to_string());
    let config = config::parse(Path::new("test.yaml"), &text, PROTOCOLS).unwrap();
    let protocols = run::builtin(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = Proxy::start(config, protocols, metrics).unwrap();
    let address = proxy.addresses()[0];
    (proxy, address)
}

/// A server that answers every request with the request's own head as body, and with the fields `answer`.
/// `most` requests of a connection are answered; at the next one it is closed without a word.
async fn server(answer: &'static str, most: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut buffer = Vec::new();
                for answered in 0.. {
                    let Some(head) = head(&mut stream, &mut buffer).await else {
                        return;
                    };
                    if answered == most {
                        return;
                    }
                    let length = head.len();
                    let reply = format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{answer}\r\n{head}"
                    );
                    stream.write_all(reply.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (address, connections)
}

/// The next head of a message that has no body.
async fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            let rest = buffer.split_off(at + 4);
            let head = std::mem::replace(buffer, rest);
            return Some(String::from_utf8(head).unwrap());
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Sends a request and reads to the end of the connection.
async fn ask(address: SocketAddr, request: &str) -> String {
    let work = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{request}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    timeout(PATIENCE, work).await.unwrap()
}

const GET: &str = "GET /api/orders?id=7 HTTP/1.1\r\nHost: shop.acme.com\r\nX-Secret: s\r\n";

#[tokio::test]
async fn requests_are_rewritten_and_fields_changed_by_listener_route_and_cluster() {
    let (backend, _) = server("Server: echo\r\nX-Who: upstream\r\n", 9).await;
    let (_proxy, address) = start(
        r#"
workers: 1
listeners:
  - address: 127.0.0.1:0
    routes: main
    headers: {request: {set: {x-who: listener, x-listener: "1"}}, response: {remove: [server]}}
routes:
  main:
    - match: {http: {host: "*.acme.com", path: {prefix: /api}, query: {id: "7"}}}
      rewrite: {host: inner.acme.com, prefix: /v2}
      headers: {request: {set: {x-who: route}, remove: [x-secret]}, response: {add: {x-route: "1"}}}
      to: web
clusters:
  web:
    protocol: http1
    endpoints: [BACKEND]
    headers: {request: {set: {x-who: cluster}}, response: {set: {x-who: cluster}}}
"#,
        backend,
    );
    let answer = ask(address, GET).await;
    let (head, seen) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        seen.starts_with("GET /v2/orders?id=7 HTTP/1.1\r\nHost: inner.acme.com\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("x-who: cluster\r\n") && seen.contains("x-listener: 1\r\n"),
        "{seen}"
    );
    assert!(
        !seen.to_lowercase().contains("secret") && !seen.contains("route"),
        "{seen}"
    );
    assert!(
        head.contains("x-route: 1\r\n") && head.contains("X-Who: cluster\r\n"),
        "{head}"
    );
    assert!(!head.contains("Server"), "{head}");
}

#[tokio::test]
async fn routes_answer_by_themselves() {
    let (backend, connections) = server("", 9).await;
    let (_proxy, address) = start(
        r#"
workers: 1
listeners: [{address: 127.0.0.1:0, routes: main}]
routes:
  main:
    - match: {http: {path: {prefix: /api}}}
      redirect: {prefix: /v2, status: 308}
    - match: {http: {path: /healthz}}
      respond: {status: 204, headers: {x-by: proxy}}
    - match: {http: {path: /gone}}
      respond: {status: 410, body: "gone\n"}
    - match: {service: never}
      to: web
clusters:
  web: {endpoints: [BACKEND]}
"#,
        backend,
    );
    let moved = ask(address, GET).await;
    assert!(moved.starts_with("HTTP/1.1 308 "), "{moved}");
    assert!(
        moved.contains("location: http://shop.acme.com/v2/orders?id=7\r\n"),
        "{moved}"
    );
    let fine = ask(address, "GET /healthz HTTP/1.1\r\nHost: a\r\n").await;
    assert!(
        fine.starts_with("HTTP/1.1 204 ") && fine.contains("x-by: proxy"),
        "{fine}"
    );
    let gone = ask(address, "GET /gone HTTP/1.1\r\nHost: a\r\n").await;
    assert!(
        gone.starts_with("HTTP/1.1 410 ") && gone.ends_with("\r\n\r\ngone\n"),
        "{gone}"
    );
    let none = ask(address, "GET /other HTTP/1.1\r\nHost: a\r\n").await;
    assert!(none.starts_with("HTTP/1.1 404 "), "{none}");
    assert!(none.contains(r#"http1 host "a", path "/other""#), "{none}");
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}

const PLAIN: &str = r#"
workers: 1
listeners: [{address: 127.0.0.1:0, routes: main}]
routes: {main: [{to: web}]}
clusters:
  web: {protocol: PROTOCOL, endpoints: [BACKEND]}
"#;

#[tokio::test]
async fn a_resting_connection_that_the_server_closed_costs_no_request() {
    // Closed as soon as a second request comes: not even a look at the socket could have told.
    let (backend, connections) = server("", 1).await;
    let (_proxy, address) = start(&PLAIN.replace("PROTOCOL", "http1"), backend);
    for round in 1..=5 {
        let answer = ask(address, GET).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{round}: {answer}");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 5);
    // What may have had an effect is not sent again.
    let post = "POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n";
    let answer = ask(address, post).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}

#[tokio::test]
async fn a_server_of_another_protocol_is_a_clear_error() {
    let (backend, _) = server("", 9).await;
    let (_proxy, address) = start(&PLAIN.replace("PROTOCOL", "http2"), backend);
    let answer = ask(address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("did not answer in HTTP/2"), "{answer}");

    let (_proxy, address) = start(&PLAIN.replace("PROTOCOL", "dubbo"), backend);
    let answer = ask(address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
    assert!(
        answer.contains("cluster web speaks dubbo and the request is http1"),
        "{answer}"
    );
}
