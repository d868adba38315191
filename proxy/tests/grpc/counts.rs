//! What an answer counts as.

use std::sync::Arc;

use bytes::Bytes;
use h2::Reason;
use http::{HeaderValue, Response};
use tokio::sync::Notify;

use crate::client::{Client, MESSAGE, rest};
use crate::mesh::{Mesh, soon};
use crate::server::{Server, status};

/// The status comes behind a body that has left already.
#[tokio::test]
async fn a_status_behind_a_streamed_body_counts_under_its_class() {
    let read = Arc::new(Notify::new());
    let told = read.clone();
    let server = Server::start(move |mut asked| {
        let told = told.clone();
        async move {
            let code = asked.head.headers["x-code"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            asked.take().await;
            let mut send = asked.head_of(&[], false);
            send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
            told.notified().await;
            send.send_trailers(status(code)).unwrap();
        }
    })
    .await;
    let mesh = Mesh::to(server.address, "");
    let client = Client::connect(mesh.address).await;
    let mut failures = 0;
    for (code, outcome, failed) in [
        ("0", "success", false),
        ("4", "timeout", true),
        ("5", "client_error", false),
        ("8", "overloaded", true),
        ("13", "server_error", true),
        ("14", "unavailable", true),
    ] {
        let mut open = client.open("/a.B/c", &[("x-code", code)]).await;
        open.send
            .send_data(Bytes::from_static(MESSAGE), true)
            .unwrap();
        let mut response = soon(open.response).await.unwrap();
        soon(response.body_mut().data()).await.unwrap().unwrap();
        read.notify_one();
        let reply = rest(response).await.unwrap();
        assert_eq!(reply.grpc(), (code.parse().unwrap(), false));
        let outcome = format!("outcome=\"{outcome}\"");
        mesh.counts(
            "wireloom_requests_total",
            &[&outcome, "protocol=\"grpc\""],
            1.0,
        )
        .await;
        failures += u64::from(failed);
        mesh.endpoint_failures(failures).await;
    }
}

/// Triple's errors come in a head whose HTTP status is that of an error too.
#[tokio::test]
async fn a_status_of_grpc_is_read_before_that_of_http() {
    let server = Server::start(|mut asked| async move {
        let mut head = Response::new(());
        *head.status_mut() = asked.head.headers["x-http"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        head.headers_mut()
            .insert("content-type", HeaderValue::from_static("application/grpc"));
        if let Some(code) = asked.head.headers.get("x-code") {
            head.headers_mut().insert("grpc-status", code.clone());
        }
        asked.respond.send_response(head, true).unwrap();
    })
    .await;
    let mesh = Mesh::to(server.address, "");
    let client = Client::connect(mesh.address).await;
    let version = ("tri-service-version", "1.0");
    for (http, code, outcome) in [
        ("404", Some("12"), "client_error"),
        ("408", Some("4"), "timeout"),
        ("500", Some("8"), "overloaded"),
        ("503", None, "unavailable"),
    ] {
        let code = code.map(|code| ("x-code", code));
        let fields: Vec<_> = [version, ("x-http", http)]
            .into_iter()
            .chain(code)
            .collect();
        let reply = client.call("/a.B/c", &fields).await;
        assert_eq!(reply.status.to_string(), http, "as the server said it");
        let outcome = format!("outcome=\"{outcome}\"");
        mesh.counts(
            "wireloom_requests_total",
            &[&outcome, "protocol=\"triple\""],
            1.0,
        )
        .await;
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_unavailable_and_no_clean_end() {
    let server = Server::start(|mut asked| async move {
        asked.take().await;
        let mut send = asked.head_of(&[], false);
        send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
        // What was written is to leave first.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        send.send_reset(Reason::INTERNAL_ERROR);
    })
    .await;
    let mesh = Mesh::to(server.address, "");
    let client = Client::connect(mesh.address).await;
    let reply = client.call("/a.B/c", &[]).await;
    assert_eq!(reply.grpc().0, 14, "{reply:?}");
    mesh.counts("wireloom_requests_total", &["outcome=\"unavailable\""], 1.0)
        .await;
    mesh.endpoint_failures(1).await;
}
