use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::client::{Client, MESSAGE, rest};
use crate::dubbo::Consumer;
use crate::mesh::soon;
use crate::server::{Server, status};
use crate::site::Site;
use crate::{http1, thrift};

/// Requests that ask for it wait for an hour, as long as their clients do.
const FILTERS: &str =
    "[{concurrency: {max: 1}}, {fault: {delay: {header: x-wait, max: 1h}}}], timeout: 0s";

const WAIT: [(&str, &str); 1] = [("x-wait", "1h")];

const REFUSED: &str = "overloaded: as many requests as there may be at once";

#[tokio::test]
async fn one_more_is_refused_until_a_client_goes_away() {
    let mut site = Site::each(FILTERS).await;
    let address = site.mesh.address;

    // The connection is reset, whatever the consumer still waits for. After a close between frames its calls would go on:
    // it may only have closed its sending side.
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_zero_linger().unwrap();
    let carried = tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut far, &mut stream).await;
    });
    let dubbo = Consumer::over(Box::new(near)).await;
    let waiting = tokio::spawn(async move { dubbo.get(&WAIT).await });
    site.waits().await;
    let error = site.dubbo.get(&[]).await.unwrap_err();
    assert!(
        error.starts_with("status 100 ") && error.contains(REFUSED),
        "{error}"
    );
    carried.abort();
    soon(async { while site.dubbo.get(&[]).await.is_err() {} }).await;

    waiting.abort();
    let mut http = http1::Client::connect(address).await;
    http.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Wait: 1h\r\n\r\n")
        .await;
    site.waits().await;
    let (head, body) = site.get(&[]).await;
    assert!(
        head.starts_with("HTTP/1.1 503 ") && body.contains(REFUSED),
        "{head}{body}"
    );
    drop(http);
    soon(async { while !site.get(&[]).await.0.starts_with("HTTP/1.1 200 ") {} }).await;

    let grpc = Client::connect(address).await;
    let open = grpc.open("/acme.Orders/get", &WAIT).await;
    site.waits().await;
    let reply = site.grpc.call("/acme.Orders/get", &[]).await;
    assert_eq!(reply.grpc(), (14, true), "{reply:?}");
    drop(open);
    soon(async { while site.grpc.call("/acme.Orders/get", &[]).await.grpc().0 != 0 {} }).await;
}

#[tokio::test]
async fn an_exchange_lasts_until_the_end_of_its_answer() {
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let server = Server::start(move |mut asked| {
        let gate = opened.clone();
        async move {
            asked.take().await;
            let mut send = asked.head_of(&[], false);
            send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
            if asked.number == 0 {
                gate.notified().await;
            }
            send.send_trailers(status(0)).unwrap();
        }
    })
    .await;
    let site = Site::in_front_of(server, "", "[{concurrency: {max: 1}}]").await;
    let mut open = site.grpc.open("/acme.Orders/get", &[]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), true)
        .unwrap();
    let response = soon(open.response).await.unwrap();
    // The head of the answer is here, and its end is not.
    let refused = site.grpc.call("/acme.Orders/get", &[]).await;
    assert_eq!(refused.grpc(), (14, true));
    site.rejected("concurrency", "limit", "grpc", 1).await;
    gate.notify_one();
    assert_eq!(rest(response).await.unwrap().grpc(), (0, false));
    soon(async { while site.grpc.call("/acme.Orders/get", &[]).await.grpc().0 != 0 {} }).await;
}

#[tokio::test]
async fn thrift_is_refused_too_and_goes_on() {
    let mut site =
        Site::each("[{concurrency: {max: 1}}, {fault: {delay: {duration: 1h}}}], timeout: 0s")
            .await;
    let mut early = thrift::Client::connect(site.mesh.address).await;
    let waiting = tokio::spawn(async move { early.find("gold", 1).await });
    site.waits().await;
    let (text, kind) = site.thrift.fails("gold", 1).await;
    assert!(text.contains(REFUSED), "{text}");
    assert_eq!(kind, 6);
    site.rejected("concurrency", "limit", "thrift", 1).await;
    waiting.abort();
}
