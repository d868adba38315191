//! Copies of requests reach other clusters, and nobody waits for them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use wireloom_codecs::{
    Accepted, ByteBudget, Call, ChannelLimits, Connector, Framed, Kind, LocalError, Needs,
    Protocol, Request, Response, ServeLimits, Service, drain,
};
use wireloom_dubbo::call::ok_response;
use wireloom_dubbo::{DubboCodec, DubboConfig};
use wireloom_hessian::Value;

use crate::client::{Client, MESSAGE, rest};
use crate::dubbo::{Consumer, call};
use crate::fleet::{Speaks, by_grpc, named, reload};
use crate::http1;
use crate::mesh::{Mesh, soon};
use crate::server::Server;

const TOTAL: &str = "wireloom_mirror_total";

/// An HTTP server that answers nothing of interest, and what it is asked.
async fn http_witness() -> (SocketAddr, UnboundedReceiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                while let Some(message) = http1::message(&mut stream).await {
                    let _ = sender.send(message);
                    let answer = "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno";
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, seen)
}

/// A server that takes connections and never says anything.
async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    address
}

#[tokio::test]
async fn http_requests_are_copied_with_their_bodies() {
    let main = named(Speaks::Http, "main").await;
    let (one, mut at_one) = http_witness().await;
    let (two, mut at_two) = http_witness().await;
    let mesh = Mesh::start(
        "    - to: main
      rewrite: {path: /new}
      mirror: [{cluster: one}, {cluster: two, shadow_host: false}]",
        &format!(
            "  main: {{endpoints: ['{main}'], headers: {{request: {{set: {{x-main: '1'}}}}}}}}
  one: {{endpoints: ['{one}'], headers: {{request: {{set: {{x-one: '1'}}}}}}}}
  two: {{endpoints: ['{two}']}}"
        ),
    );
    let mut client = http1::Client::connect(mesh.address).await;
    assert_eq!(client.get("/old", &[]).await, "main");
    for at in [&mut at_one, &mut at_two] {
        let (head, body) = soon(at.recv()).await.unwrap();
        let head = head.to_ascii_lowercase();
        assert!(
            head.starts_with("get /new http/1.1\r\n") && body.is_empty(),
            "{head}"
        );
        assert!(!head.contains("x-main"), "{head}");
    }
    let chunked = "POST /old HTTP/1.1\r\nHost: a.test:81\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    client.write(chunked.as_bytes()).await;
    assert_eq!(client.read().await, (200, "main 5".to_owned()));
    let (head, body) = soon(at_one.recv()).await.unwrap();
    let head = head.to_ascii_lowercase();
    assert_eq!(body, b"abcde");
    assert!(
        head.contains("host: a.test-shadow:81\r\n") && head.contains("x-one: 1"),
        "{head}"
    );
    let (head, body) = soon(at_two.recv()).await.unwrap();
    assert_eq!(body, b"abcde");
    assert!(
        head.to_ascii_lowercase().contains("host: a.test:81\r\n"),
        "{head}"
    );
    // What they answer counts, and nothing else comes of it.
    for cluster in ["cluster=\"one\"", "cluster=\"two\""] {
        mesh.counts(TOTAL, &[cluster, "outcome=\"failure\""], 2.0)
            .await;
    }
}

#[tokio::test]
async fn grpc_calls_are_copied_as_far_as_they_fit() {
    let main = Server::named("main").await;
    let (sender, mut seen) = unbounded_channel();
    let witness = Server::start(move |mut asked| {
        let sender = sender.clone();
        async move {
            let body = asked.take().await;
            let host = asked.head.uri.authority().unwrap().to_string();
            sender
                .send((host, asked.head.headers.clone(), body))
                .unwrap();
            asked.succeed();
        }
    })
    .await;
    let mesh = Mesh::start(
        &format!(
            "    - {{to: main, mirror: [{{cluster: copy, buffer: {}B}}]}}",
            2 * MESSAGE.len()
        ),
        &format!(
            "  main: {{endpoints: ['{}']}}\n  copy: {{endpoints: ['{}']}}",
            main.address, witness.address
        ),
    );
    let client = Client::connect(mesh.address).await;
    assert_eq!(by_grpc(&client, &[("x-user", "ann")]).await, "main");
    let (host, headers, body) = soon(seen.recv()).await.unwrap();
    assert_eq!(
        (host.as_str(), body.as_slice()),
        ("orders.test-shadow", MESSAGE)
    );
    assert_eq!(headers["x-user"], "ann");
    mesh.counts(TOTAL, &["cluster=\"copy\"", "outcome=\"success\""], 1.0)
        .await;

    // Three messages do not fit, unless they are all there at once.
    let mut open = client.open("/acme.Orders/get", &[]).await;
    let mut send = |end| {
        open.send
            .send_data(Bytes::from_static(MESSAGE), end)
            .unwrap()
    };
    send(false);
    let begun = async {
        while main.calls() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(begun).await;
    send(false);
    send(true);
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_eq!(reply.grpc(), (0, false));
    mesh.counts(TOTAL, &["cluster=\"copy\"", "outcome=\"too_large\""], 1.0)
        .await;
    assert_eq!(witness.calls(), 1);
}

#[tokio::test]
async fn a_call_that_is_broken_off_is_not_copied() {
    let main = Server::start(|mut asked| async move {
        asked.take().await;
    })
    .await;
    let witness = Server::named("copy").await;
    let mesh = Mesh::start(
        "    - {to: main, mirror: [{cluster: copy}]}",
        &format!(
            "  main: {{endpoints: ['{}']}}\n  copy: {{endpoints: ['{}']}}",
            main.address, witness.address
        ),
    );
    let client = Client::connect(mesh.address).await;
    let mut open = client.open("/acme.Orders/get", &[]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), false)
        .unwrap();
    while main.calls() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    open.send.send_reset(h2::Reason::CANCEL);
    mesh.counts(TOTAL, &["cluster=\"copy\"", "outcome=\"not_whole\""], 1.0)
        .await;
    assert_eq!(witness.calls(), 0);
}

/// A provider that counts the calls that it gets, and those of them that are one-way.
#[derive(Clone, Default)]
struct Counted(Arc<(AtomicUsize, AtomicUsize)>);

impl Service for Counted {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        if request.head.kind == Kind::OneWay {
            self.0.1.fetch_add(1, Ordering::SeqCst);
        }
        std::future::ready(Ok(ok_response(&Value::from("copy"), &[]).unwrap()))
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

fn framed() -> Framed<DubboCodec> {
    Framed::new(DubboConfig::default())
}

async fn counted() -> (SocketAddr, Counted) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = Counted::default();
    let service = counted.clone();
    tokio::spawn(async move {
        let (_drain, watch) = drain();
        while let Ok((stream, _)) = listener.accept().await {
            let connection = Accepted {
                tls: false,
                io: Box::new(stream),
                prefix: Bytes::new(),
                limits: ServeLimits::default(),
                budget: ByteBudget::new(1 << 24),
                drain: watch.clone(),
            };
            tokio::spawn(framed().serve(connection, service.clone()));
        }
    });
    (address, counted)
}

#[tokio::test]
async fn dubbo_calls_are_copied_one_way_ones_too() {
    let main = named(Speaks::Dubbo, "main").await;
    let (copy, counted) = counted().await;
    let mesh = Mesh::start(
        "    - {to: main, mirror: [{cluster: copy}]}",
        &format!("  main: {{endpoints: ['{main}']}}\n  copy: {{endpoints: ['{copy}']}}"),
    );
    let consumer = Consumer::connect(mesh.address).await;
    for _ in 0..3 {
        assert_eq!(consumer.get(&[]).await.unwrap(), "main");
    }
    let stream = tokio::net::TcpStream::connect(mesh.address).await.unwrap();
    let budget = ByteBudget::new(1 << 24);
    let channel = framed()
        .open(
            Box::new(stream),
            ChannelLimits::default(),
            budget,
            Arc::new(()),
        )
        .await
        .unwrap();
    let one_way = Call {
        request: Box::new(call("acme.Orders", "note", &[]).request(true).unwrap()),
        deadline: Instant::now() + Duration::from_secs(60),
    };
    let answer = channel.send(one_way).unwrap_or_else(|_| panic!("closed"));
    soon(answer).await.unwrap();
    mesh.counts(TOTAL, &["cluster=\"copy\"", "outcome=\"success\""], 4.0)
        .await;
    // What is one-way counts as sent before it has come.
    let came = async {
        while counted.0.0.load(Ordering::SeqCst) < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(came).await;
    assert_eq!(counted.0.1.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_cluster_that_says_nothing_costs_nobody_anything() {
    let main = named(Speaks::Dubbo, "main").await;
    let dead = silent().await;
    let config = |most: u32| {
        format!(
            "  main: {{endpoints: ['{main}']}}
  dead: {{endpoints: ['{dead}'], limits: {{mirrors: {most}}}}}"
        )
    };
    let routes = "    - {to: main, timeout: 10s, mirror: [{cluster: dead}]}";
    let mesh = Mesh::start(routes, &config(2));
    let consumer = Consumer::connect(mesh.address).await;
    for _ in 0..6 {
        assert_eq!(consumer.get(&[]).await.unwrap(), "main");
    }
    mesh.counts(TOTAL, &["cluster=\"dead\"", "outcome=\"over_budget\""], 4.0)
        .await;
    // A reload lets one more be under way beside the two.
    reload(&mesh, routes, &config(3));
    for _ in 0..2 {
        assert_eq!(consumer.get(&[]).await.unwrap(), "main");
    }
    mesh.counts(TOTAL, &["cluster=\"dead\"", "outcome=\"over_budget\""], 5.0)
        .await;
    // They end with the route's timeout, which gives their leave back.
    mesh.counts(TOTAL, &["cluster=\"dead\"", "outcome=\"failure\""], 3.0)
        .await;
    let labels = ["cluster=\"main\"", "outcome=\"success\""];
    mesh.counts("wireloom_requests_total", &labels, 8.0).await;
}

#[tokio::test]
async fn a_share_of_the_requests_is_copied() {
    let main = named(Speaks::Http, "main").await;
    let (copy, _seen) = http_witness().await;
    let mesh = Mesh::start(
        "    - {to: main, mirror: [{cluster: copy, percentage: 50}, {cluster: none, percentage: 0}]}",
        &format!(
            "  main: {{endpoints: ['{main}']}}\n  copy: {{endpoints: ['{copy}'], limits: {{mirrors: 1000}}}}\n  none: {{endpoints: ['{copy}']}}"
        ),
    );
    let mut client = http1::Client::connect(mesh.address).await;
    for _ in 0..200 {
        assert_eq!(client.get("/", &[]).await, "main");
    }
    // Outside of this once in 10^11.
    let reached = async {
        while mesh.metric(TOTAL, &["cluster=\"copy\""]) < 52.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(reached).await;
    assert!(mesh.metric(TOTAL, &["cluster=\"copy\""]) <= 148.0);
    assert_eq!(mesh.metric(TOTAL, &["cluster=\"none\""]), 0.0);
}
