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

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::sleep;
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
