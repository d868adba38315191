//! A drain through the library: who is waited for, and what is forgotten afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use wireloom::{PROTOCOLS, Proxy, config, run};
use wireloom_telemetry::Metrics;

fn parse(listen: &str) -> config::Config {
    let text = format!(
        "workers: 1\nlisteners:\n  - {{address: \"{listen}\", routes: main}}\nroutes:\n  main: [{{to: c}}]\n\
         clusters:\n  c: {{endpoints: [127.0.0.1:1]}}\n"
    );
    config::parse(Path::new("test.yaml"), &text, PROTOCOLS).unwrap()
}

fn start(config: config::Config) -> (Proxy, SocketAddr) {
    let protocols = run::builtin(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = Proxy::start(config, protocols, metrics).unwrap();
    let address = proxy.addresses()[0];
    (proxy, address)
}

#[tokio::test]
async fn a_client_that_never_said_anything_holds_up_no_drain() {
    let (proxy, address) = start(parse("127.0.0.1:0"));
    let mut silent = TcpStream::connect(address).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    proxy.drain().await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    // It was waited for a little, and is gone now.
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_listener_that_left_is_forgotten_with_its_last_connection() {
    let (proxy, address) = start(parse("127.0.0.1:0"));
    let open = TcpStream::connect(address).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let count = || proxy.listeners().as_array().unwrap().len();
    proxy.apply(parse("127.0.0.2:0")).unwrap();
    assert_eq!(count(), 2, "one is open, one is draining");
    drop(open);
    sleep(Duration::from_millis(200)).await;
    for listen in ["127.0.0.3:0", "127.0.0.4:0"] {
        proxy.apply(parse(listen)).unwrap();
    }
    sleep(Duration::from_millis(200)).await;
    proxy.apply(parse("127.0.0.4:0")).unwrap();
    assert_eq!(count(), 1);
}

/// One request, and the answer to it.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An HTTP server that takes one request, tells so, and answers once it may.
async fn server(asked: oneshot::Sender<()>, may: oneshot::Receiver<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = stream.read(&mut [0; 4096]).await.unwrap();
        assert!(read > 0);
        asked.send(()).unwrap();
        if may.await.is_ok() {
            stream.write_all(ANSWER).await.unwrap();
        }
        // Open until the proxy is gone.
        while stream.read(&mut [0; 1]).await.is_ok_and(|read| read > 0) {}
    });
    address
}

/// A proxy with a request under way to a mirror, the client long gone; what lets the mirror answer.
async fn mirrored(drain_timeout: &str) -> (Proxy, oneshot::Sender<()>) {
    let (told, _asked) = oneshot::channel();
    let (now, may) = oneshot::channel();
    now.send(()).unwrap();
    let main = server(told, may).await;
    let (told, asked) = oneshot::channel();
    let (answer, may) = oneshot::channel();
    let copy = server(told, may).await;
    let text = format!(
        "workers: 1\ndrain_timeout: {drain_timeout}\nlisteners:\n  - {{address: 127.0.0.1:0, routes: main}}\n\
         routes:\n  main: [{{to: c, timeout: 60s, mirror: [{{cluster: copy}}]}}]\n\
         clusters:\n  c: {{endpoints: ['{main}']}}\n  copy: {{endpoints: ['{copy}']}}\n"
    );
    let config = config::parse(Path::new("test.yaml"), &text, PROTOCOLS).unwrap();
    let (proxy, address) = start(config);
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut reply = Vec::new();
    client.read_to_end(&mut reply).await.unwrap();
    assert!(reply.starts_with(b"HTTP/1.1 200"));
    let asked = timeout(Duration::from_secs(20), asked).await;
    asked.unwrap().unwrap();
    (proxy, answer)
}

#[tokio::test]
async fn a_drain_waits_for_mirrored_requests() {
    let (proxy, answer) = mirrored("40s").await;
    let drain = proxy.drain();
    tokio::pin!(drain);
    let early = timeout(Duration::from_millis(1500), &mut drain).await;
    assert!(early.is_err(), "the mirrored request is under way");
    answer.send(()).unwrap();
    let late = timeout(Duration::from_secs(20), drain).await;
    assert!(late.is_ok());
    let series = "wireloom_mirror_total{cluster=\"copy\",outcome=\"success\"} 1";
    let text = proxy.encode_metrics();
    assert!(text.contains(series), "{text}");
}

#[tokio::test]
async fn a_mirror_that_never_answers_holds_up_no_drain_for_longer_than_its_time() {
    let (proxy, _answer) = mirrored("500ms").await;
    let drained = timeout(Duration::from_secs(20), proxy.drain()).await;
    assert!(drained.is_ok(), "the copy itself has a minute");
}

#[tokio::test]
async fn a_mirror_that_a_reload_took_away_is_waited_for_too() {
    let (proxy, answer) = mirrored("40s").await;
    proxy.apply(parse("127.0.0.1:0")).unwrap();
    let drain = proxy.drain();
    tokio::pin!(drain);
    let early = timeout(Duration::from_millis(1500), &mut drain).await;
    assert!(early.is_err(), "the mirrored request is under way");
    answer.send(()).unwrap();
    assert!(timeout(Duration::from_secs(20), drain).await.is_ok());
}
