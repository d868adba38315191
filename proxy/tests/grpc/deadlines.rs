//! Time and cancelling, passed on in both directions.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use tokio::sync::mpsc;
use wireloom_http::grpc::timeout;

use crate::client::{Client, MESSAGE, rest};
use crate::mesh::{Mesh, soon};
use crate::server::{Asked, Server, given_up};

/// Begins an answer with one message, and goes on only to tell why the proxy wants no more.
async fn begin(mut asked: Asked, told: mpsc::Sender<Reason>) {
    let mut send = asked.head_of(&[], false);
    send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
    let reason = given_up(&mut send).await;
    told.send(reason).await.unwrap();
}

async fn beginning() -> (Server, mpsc::Receiver<Reason>) {
    let (told, given_up) = mpsc::channel(1);
    let server = Server::start(move |asked| begin(asked, told.clone())).await;
    (server, given_up)
}

#[tokio::test]
async fn a_timeout_is_passed_on_less_what_is_gone() {
    let server = Server::start(|mut asked| async move {
        let left = asked.head.headers["grpc-timeout"].as_bytes().to_vec();
        asked.head_of(
            &[
                ("x-left", &String::from_utf8(left).unwrap()),
                ("grpc-status", "0"),
            ],
            true,
        );
    })
    .await;
    let mesh = Mesh::to(server.address, ", timeout: 10s");
    let client = Client::connect(mesh.address).await;
    let bounds = [
        ("20S", Duration::from_secs(10)),
        ("9S", Duration::from_secs(9)),
    ];
    for (asked, most) in bounds {
        let reply = client.call("/a.B/c", &[("grpc-timeout", asked)]).await;
        let left = timeout::parse(reply.headers["x-left"].as_bytes()).unwrap();
        assert!(left < most && left > Duration::ZERO, "{asked}: {left:?}");
    }
}

#[tokio::test]
async fn a_call_without_an_answer_ends_at_its_deadline() {
    let (told, mut reasons) = mpsc::channel(1);
    let server = Server::start(move |mut asked| {
        let told = told.clone();
        async move {
            let reason = soon(futures_util::future::poll_fn(|cx| {
                asked.respond.poll_reset(cx)
            }));
            told.send(reason.await.unwrap()).await.unwrap();
        }
    })
    .await;
    let mesh = Mesh::to(server.address, "");
    let client = Client::connect(mesh.address).await;
    // Neither client resets its stream, as a Java consumer of Dubbo does not.
    for more in [&[][..], &[("tri-service-version", "1.0")]] {
        let fields = [&[("grpc-timeout", "100m")], more].concat();
        let start = Instant::now();
        let reply = client.call("/a.B/c", &fields).await;
        assert_eq!(reply.grpc(), (4, true), "{reply:?}");
        assert!(start.elapsed() >= Duration::from_millis(100));
        assert_eq!(soon(reasons.recv()).await, Some(Reason::CANCEL));
    }
    mesh.counts(
        "wireloom_requests_total",
        &["outcome=\"timeout\"", "protocol=\"grpc\""],
        1.0,
    )
    .await;
    mesh.counts(
        "wireloom_requests_total",
        &["outcome=\"timeout\"", "protocol=\"triple\""],
        1.0,
    )
    .await;
}

#[tokio::test]
async fn a_streaming_answer_ends_at_the_deadline_in_a_status() {
    let (server, mut reasons) = beginning().await;
    let mesh = Mesh::to(server.address, "");
    let client = Client::connect(mesh.address).await;
    // Enough for the first message on a busy machine.
    let mut open = client.open("/a.B/c", &[("grpc-timeout", "4S")]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), true)
        .unwrap();
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_eq!(reply.data, MESSAGE);
    assert_eq!(reply.grpc(), (4, false), "{reply:?}");
    assert_eq!(soon(reasons.recv()).await, Some(Reason::CANCEL));
    mesh.counts("wireloom_requests_total", &["outcome=\"timeout\""], 1.0)
        .await;
}

#[tokio::test]
async fn a_client_that_cancels_cancels_upstream() {
    let (server, mut reasons) = beginning().await;
    let mesh = Mesh::to(server.address, "");
    let client = Client::connect(mesh.address).await;
    // With its request open, and complete.
    for end in [false, true] {
        let mut open = client.open("/a.B/c", &[]).await;
        open.send
            .send_data(Bytes::from_static(MESSAGE), end)
            .unwrap();
        let mut response = soon(open.response).await.unwrap();
        assert_eq!(
            soon(response.body_mut().data()).await.unwrap().unwrap(),
            MESSAGE
        );
        open.send.send_reset(Reason::CANCEL);
        assert_eq!(soon(reasons.recv()).await, Some(Reason::CANCEL));
    }
    mesh.counts("wireloom_requests_total", &["outcome=\"cancelled\""], 2.0)
        .await;
    mesh.endpoint_failures(0).await;
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_upstream() {
    let (server, mut reasons) = beginning().await;
    let mesh = Mesh::to(server.address, "");
    let client = Client::connect(mesh.address).await;
    let mut open = client.open("/a.B/c", &[]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), true)
        .unwrap();
    let response = soon(open.response).await.unwrap();
    drop((client, open.send, response));
    assert_eq!(soon(reasons.recv()).await, Some(Reason::CANCEL));
}
