use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{AdminServer, AdminState, Bounds};

#[derive(Default)]
struct State {
    draining: AtomicBool,
    log: Mutex<String>,
}

impl AdminState for State {
    fn ready(&self) -> bool {
        !self.draining.load(SeqCst)
    }
    fn config(&self) -> Value {
        json!({"generation": 1})
    }
    fn listeners(&self) -> Value {
        json!([{"name": "mesh"}])
    }
    fn routes(&self) -> Value {
        json!({"main": []})
    }
    fn clusters(&self) -> Value {
        json!({"orders": {}})
    }
    fn metrics(&self) -> String {
        "wireloom_up 1\n".to_owned()
    }
    fn set_log(&self, filter: &str) -> Result<(), String> {
        if filter == "bad" {
            return Err("\"bad\" is not a log filter".to_owned());
        }
        *self.log.lock() = filter.to_owned();
        Ok(())
    }
    fn drain(&self) {
        self.draining.store(true, SeqCst);
    }
}

fn start(bounds: Bounds) -> (SocketAddr, Arc<State>) {
    let server = AdminServer::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
    let address = server.local_addr().unwrap();
    let state = Arc::new(State::default());
    tokio::spawn(server.with_bounds(bounds).run(state.clone()));
    (address, state)
}

/// Sends bytes and reads to the end of the connection.
async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset behind the answer is what a client that sent too much gets.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn ask(address: SocketAddr, method: &str, path: &str, more: &str, body: &str) -> String {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: admin\r\ncontent-length: {length}\r\n{more}\r\n"
    );
    send(address, format!("{head}{body}").as_bytes()).await
}

fn assert_answer(answer: &str, status: u16, has: &str) {
    let expected = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&expected), "{answer}");
    assert!(answer.contains(has), "{has} is not in {answer}");
}

#[tokio::test]
async fn shows_what_there_is() {
    let (address, _) = start(Bounds::default());
    for (path, has) in [
        ("/", "POST /drain"),
        ("/help", "GET  /metrics"),
        ("/ready", "ready"),
        ("/metrics", "wireloom_up 1\n"),
        ("/metrics", "text/plain; version=0.0.4"),
        ("/config", "\"generation\": 1"),
        ("/listeners", "mesh"),
        ("/routes", "main"),
        ("/clusters", "orders"),
        ("/version", env!("CARGO_PKG_VERSION")),
        ("/version?x=1", "application/json"),
    ] {
        assert_answer(&ask(address, "GET", path, "", "").await, 200, has);
    }
    let head = ask(address, "HEAD", "/metrics", "", "").await;
    assert_answer(&head, 200, "content-length: 14");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn changes_only_by_post_and_not_from_web_pages() {
    let (address, state) = start(Bounds::default());
    assert_answer(
        &ask(address, "GET", "/drain", "", "").await,
        405,
        "allow: POST",
    );
    assert_answer(
        &ask(address, "POST", "/config", "", "").await,
        405,
        "allow: GET, HEAD",
    );
    assert_answer(
        &ask(address, "DELETE", "/log", "", "").await,
        405,
        "allow: POST",
    );
    for evil in [
        "origin: http://evil.example\r\n",
        "sec-fetch-site: cross-site\r\n",
    ] {
        assert_answer(
            &ask(address, "POST", "/drain", evil, "").await,
            403,
            "web pages",
        );
    }
    assert!(state.ready());

    assert_answer(
        &ask(address, "POST", "/log", "", " debug\n").await,
        200,
        "logging at debug",
    );
    assert_eq!(*state.log.lock(), "debug");
    assert_answer(
        &ask(address, "POST", "/log", "", "bad").await,
        400,
        "not a log filter",
    );
    assert_answer(
        &ask(address, "POST", "/drain", "", "").await,
        202,
        "draining",
    );
    assert_answer(
        &ask(address, "GET", "/ready", "", "").await,
        503,
        "not ready",
    );
}

#[tokio::test]
async fn what_is_not_there_gets_a_hint() {
    let (address, _) = start(Bounds::default());
    assert_answer(
        &ask(address, "GET", "/metric", "", "").await,
        404,
        "did you mean /metrics?",
    );
    assert_answer(
        &ask(address, "GET", "/../etc/passwd", "", "").await,
        404,
        "/help",
    );
}

#[tokio::test]
async fn everything_is_bounded() {
    let (address, state) = start(Bounds {
        connections: 4,
        header_timeout: Duration::from_millis(200),
        ..Bounds::default()
    });
    let long = format!("x: {}\r\n", "a".repeat(40_000));
    assert_answer(&ask(address, "GET", "/ready", &long, "").await, 431, "");
    let many = "x: 1\r\n".repeat(100);
    assert_answer(&ask(address, "GET", "/ready", &many, "").await, 431, "");
    let body = "a".repeat(10_000);
    assert_answer(&ask(address, "POST", "/log", "", &body).await, 413, "4096");
    assert!(state.log.lock().is_empty());
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"\xda\xbb\xc2\x00\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        assert!(!send(address, garbage).await.contains(" 200 "));
    }

    // More slow clients than slots: the next one waits for their timeout, and is served.
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /ready HTT").await.unwrap();
        slow.push(stream);
    }
    let start = Instant::now();
    assert_answer(&ask(address, "GET", "/ready", "", "").await, 200, "ready");
    assert!(start.elapsed() < Duration::from_secs(5));
}
