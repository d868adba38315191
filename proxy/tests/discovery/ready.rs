//! When the proxy says that it is ready.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{pending, poll_fn};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;
use wireloom::{BoxSource, Discovery, Program, Proxy, SourceError, Update, config};
use wireloom_cluster::EndpointConfig;
use wireloom_telemetry::Metrics;

use crate::mesh::soon;

type News = Result<Update, SourceError>;

/// Says what the test tells it to.
struct Told(Mutex<Option<UnboundedReceiver<News>>>);

impl Discovery for Told {
    fn source(&self, _: &str, _: &serde_json::Value) -> Result<BoxSource, String> {
        // Checking a configuration makes sources too, and nothing comes of them.
        let news = self.0.lock().take();
        Ok(match news {
            Some(mut news) => Box::pin(poll_fn(move |cx| news.poll_recv(cx))),
            None => Box::pin(pending()),
        })
    }
}

/// A proxy with a cluster that follows the sender.
fn start(cluster: &str) -> (Proxy, UnboundedSender<News>) {
    let yaml = format!(
        "
workers: 1
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{to: c}}]}}
clusters: {{c: {{discovery: told{cluster}}}}}
"
    );
    let checking = Program::new().with_source("told", Told(Mutex::default()));
    let config = config::parse_with(
        "a.yaml".as_ref(),
        &yaml,
        &checking.names(),
        checking.filters(),
        checking.sources(),
    )
    .unwrap_or_else(|errors| panic!("{errors}"));
    let (sender, news) = unbounded_channel();
    let program = Program::new().with_source("told", Told(Mutex::new(Some(news))));
    let protocols = program.protocols(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    (Proxy::start(config, protocols, metrics).unwrap(), sender)
}

async fn ready(proxy: &Proxy) {
    soon(async {
        while !proxy.ready() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn endpoint(address: std::net::SocketAddr) -> EndpointConfig {
    serde_json::from_value(address.to_string().into()).unwrap()
}

#[tokio::test]
async fn not_before_endpoints_are_known() {
    let (proxy, sender) = start("");
    sleep(Duration::from_millis(200)).await;
    assert!(!proxy.ready());
    // The port is open all the same.
    TcpStream::connect(proxy.addresses()[0]).await.unwrap();
    let at = "127.0.0.1:1".parse().unwrap();
    sender.send(Ok(Update::Full(vec![endpoint(at)]))).unwrap();
    ready(&proxy).await;
    proxy.drain().await;
    assert!(!proxy.ready());
}

#[tokio::test]
async fn a_failure_is_an_answer() {
    let (proxy, sender) = start("");
    sleep(Duration::from_millis(200)).await;
    assert!(!proxy.ready());
    sender.send(Err(SourceError::new("nobody knows"))).unwrap();
    let begun = Instant::now();
    ready(&proxy).await;
    // It was not the patience that ended. A busy machine has two seconds for it.
    assert!(begun.elapsed() < Duration::from_millis(4500));
}

#[tokio::test]
async fn a_source_that_is_silent_is_not_waited_for_without_end() {
    let begun = Instant::now();
    let (proxy, _sender) = start("");
    ready(&proxy).await;
    assert!(begun.elapsed() >= Duration::from_secs(5));
}

#[tokio::test]
async fn what_is_discovered_is_warmed_up_first() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let (proxy, sender) = start(", protocol: dubbo, warm_up: 20s");
    sleep(Duration::from_millis(200)).await;
    let at = listener.local_addr().unwrap();
    sender.send(Ok(Update::Full(vec![endpoint(at)]))).unwrap();
    ready(&proxy).await;
    listener.accept().expect("a connection when it is ready");
}
