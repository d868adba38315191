//! Answers that are asked for again, and those that must not be.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::client::{Client, MESSAGE, rest};
use crate::mesh::{Mesh, soon};
use crate::server::{Server, status};

const POLICY: &str = ", retry: {attempts: 2, on: [unavailable], backoff: {base: 1ms, max: 1ms}}";

#[tokio::test]
async fn a_status_is_retried_in_a_head_and_behind_one() {
    let server = Server::start(|mut asked| async move {
        assert_eq!(asked.take().await, MESSAGE);
        match asked.number % 3 {
            0 => asked.trailers_only(14),
            1 => {
                // The head leaves long before the status.
                let mut send = asked.head_of(&[("x-try", "second")], false);
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                send.send_trailers(status(14)).unwrap();
            }
            _ => asked.succeed(),
        }
    })
    .await;
    let mesh = Mesh::to(server.address, POLICY);
    let client = Client::connect(mesh.address).await;
    let reply = client.call("/acme.Orders/get", &[]).await;
    assert_eq!(reply.grpc(), (0, false), "{reply:?}");
    assert_eq!(reply.data, MESSAGE);
    assert!(!reply.headers.contains_key("x-try"));
    assert_eq!(server.calls(), 3);
    let requests = "wireloom_requests_total";
    mesh.counts(requests, &["outcome=\"success\"", "protocol=\"grpc\""], 1.0)
        .await;
    mesh.counts(requests, &["outcome=\"unavailable\""], 0.0)
        .await;
    mesh.counts("wireloom_retries_total", &["result=\"attempted\""], 2.0)
        .await;
    mesh.endpoint_failures(2).await;
}

/// Many clients send a message in a packet of its own, behind its head.
#[tokio::test]
async fn a_message_that_comes_after_its_head_is_sent_again_too() {
    let server = Server::start(|mut asked| async move {
        assert_eq!(asked.take().await, MESSAGE);
        match asked.number {
            0 => asked.trailers_only(14),
            _ => asked.succeed(),
        }
    })
    .await;
    let mesh = Mesh::to(server.address, POLICY);
    let client = Client::connect(mesh.address).await;
    let mut open = client.open("/acme.Orders/get", &[]).await;
    // The proxy has passed the head on by then.
    let begun = async {
        while server.calls() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    soon(begun).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), true)
        .unwrap();
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_eq!(reply.grpc(), (0, false), "{reply:?}");
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn nothing_is_retried_once_data_was_forwarded() {
    let read = Arc::new(Notify::new());
    let told = read.clone();
    let server = Server::start(move |mut asked| {
        let told = told.clone();
        async move {
            asked.take().await;
            let mut send = asked.head_of(&[], false);
            send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
            told.notified().await;
            send.send_trailers(status(14)).unwrap();
        }
    })
    .await;
    let mesh = Mesh::to(server.address, POLICY);
    let client = Client::connect(mesh.address).await;
    let mut open = client.open("/acme.Orders/get", &[]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), true)
        .unwrap();
    let mut response = soon(open.response).await.unwrap();
    assert_eq!(
        soon(response.body_mut().data()).await.unwrap().unwrap(),
        MESSAGE
    );
    read.notify_one();
    let reply = rest(response).await.unwrap();
    assert_eq!(reply.grpc(), (14, false), "{reply:?}");
    assert_eq!(server.calls(), 1);
    mesh.counts("wireloom_requests_total", &["outcome=\"unavailable\""], 1.0)
        .await;
    mesh.endpoint_failures(1).await;
}

#[tokio::test]
async fn a_request_that_goes_on_is_not_retried_once_a_part_of_it_was_forwarded() {
    let server = Server::start(|mut asked| async move {
        soon(asked.body.data()).await.unwrap().unwrap();
        asked.trailers_only(14);
    })
    .await;
    let mesh = Mesh::to(server.address, POLICY);
    let client = Client::connect(mesh.address).await;
    let mut open = client.open("/acme.Orders/upload", &[]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), false)
        .unwrap();
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_eq!(reply.grpc(), (14, true), "{reply:?}");
    assert_eq!(server.calls(), 1);
}

/// A server may tell its head at once and have nothing to say for long, and a client may wait for that head.
#[tokio::test]
async fn a_head_is_not_held_back_for_ever() {
    let server = Server::start(|mut asked| async move {
        let mut send = asked.head_of(&[("x-early", "1")], false);
        crate::server::given_up(&mut send).await;
    })
    .await;
    let mesh = Mesh::to(server.address, &format!("{POLICY}, timeout: 1h"));
    let client = Client::connect(mesh.address).await;
    let mut open = client.open("/acme.Orders/watch", &[]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), true)
        .unwrap();
    let response = soon(open.response).await.unwrap();
    assert_eq!(response.headers()["x-early"], "1");
}
