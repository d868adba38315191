//! Streamed exchanges that stand still end when their route says so.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use crate::client::{Client, MESSAGE, rest};
use crate::http1;
use crate::mesh::{Mesh, soon};
use crate::server::{Server, status};

/// A server that begins an answer and goes on after a while.
async fn pausing(pause: Duration) -> Server {
    Server::start(move |mut asked| async move {
        let mut send = asked.head_of(&[], false);
        send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
        sleep(pause).await;
        let _ = send.send_data(Bytes::from_static(MESSAGE), false);
        let _ = send.send_trailers(status(0));
    })
    .await
}

fn yaml(server: &Server, body_idle: &str, route: &str) -> String {
    format!(
        "workers: 1
listeners: [{{name: mesh, address: '127.0.0.1:0', routes: main, timeouts: {{body_idle: {body_idle}}}}}]
routes: {{main: [{{to: c, {route}}}]}}
clusters: {{c: {{endpoints: ['{}']}}}}
",
        server.address
    )
}

#[tokio::test]
async fn a_grpc_stream_that_stands_still_ends_before_the_listener_ends_it() {
    let server = pausing(Duration::from_secs(60)).await;
    let mesh = Mesh::of(&yaml(&server, "5m", "idle_timeout: 300ms"));
    let client = Client::connect(mesh.address).await;
    // Neither side sends any more, and the request is not at its end.
    let mut open = client.open("/acme.Orders/watch", &[]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), false)
        .unwrap();
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_eq!((reply.data.as_slice(), reply.grpc()), (MESSAGE, (4, false)));
    let message = reply.trailers.unwrap()["grpc-message"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(message.contains("300 ms"), "{message}");
    let labels = ["cluster=\"c\"", "outcome=\"timeout\""];
    mesh.counts("wireloom_requests_total", &labels, 1.0).await;
}

#[tokio::test]
async fn what_passes_one_way_keeps_the_other_alive() {
    let server = pausing(Duration::from_secs(6)).await;
    let mesh = Mesh::of(&yaml(&server, "5m", "idle_timeout: 4s"));
    let client = Client::connect(mesh.address).await;
    let mut open = client.open("/acme.Orders/chat", &[]).await;
    let response = tokio::spawn(async move { rest(soon(open.response).await.unwrap()).await });
    for _ in 0..10 {
        open.send
            .send_data(Bytes::from_static(MESSAGE), false)
            .unwrap();
        sleep(Duration::from_millis(500)).await;
    }
    open.send
        .send_data(Bytes::from_static(MESSAGE), true)
        .unwrap();
    let reply = response.await.unwrap().unwrap();
    assert_eq!(reply.grpc(), (0, false));
}

#[tokio::test]
async fn a_route_may_be_more_patient_than_its_listener() {
    let server = pausing(Duration::from_secs(2)).await;
    let mesh = Mesh::of(&yaml(&server, "200ms", "idle_timeout: 1m"));
    let client = Client::connect(mesh.address).await;
    let open = client.open("/acme.Orders/watch", &[]).await;
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_eq!(reply.data.len(), 2 * MESSAGE.len());
    assert_eq!(reply.grpc(), (0, false));
    // Without it the listener's patience ends the same call.
    let mesh = Mesh::of(&yaml(&server, "200ms", "timeout: 1m"));
    let client = Client::connect(mesh.address).await;
    let open = client.open("/acme.Orders/watch", &[]).await;
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_ne!(reply.grpc().0, 0);
}

#[tokio::test]
async fn an_upload_that_stands_still_ends() {
    let server = http1::server("main").await;
    let mesh = Mesh::of(&format!(
        "workers: 1
listeners: [{{address: '127.0.0.1:0', routes: main, timeouts: {{body_idle: 5m}}}}]
routes: {{main: [{{to: c, idle_timeout: 300ms}}]}}
clusters: {{c: {{endpoints: ['{server}']}}}}
"
    ));
    let mut client = http1::Client::connect(mesh.address).await;
    let begin = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    client.write(begin.as_bytes()).await;
    let (status, body) = client.read().await;
    assert!([408, 504].contains(&status), "{status} {body}");
    assert!(body.contains("300 ms"), "{body}");
}
