use bytes::Bytes;
use wireloom_dubbo::call::{Arguments, DubboCall};
use wireloom_hessian::Value;

use crate::client::{MESSAGE, rest};
use crate::dubbo::call;
use crate::mesh::soon;
use crate::server::Server;
use crate::site::Site;

const REFUSED: &str = "message exceeds the limit: a body may have up to 200B here";

/// A Dubbo call whose argument is so long.
fn with_argument(length: usize) -> DubboCall {
    DubboCall {
        arguments: Arguments::Typed {
            descriptor: "Ljava/lang/String;".to_owned(),
            values: vec![Value::from("x".repeat(length))],
        },
        ..call("acme.Orders", "get", &[])
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_by_each_protocol() {
    let mut site = Site::each("[{request_size: {max: 200B}}]").await;

    assert_eq!(site.dubbo.send(&with_argument(50)).await.unwrap(), "a");
    let error = site.dubbo.send(&with_argument(201)).await.unwrap_err();
    assert!(
        error.starts_with("status 40 ") && error.contains(REFUSED),
        "{error}"
    );
    site.rejected("request_size", "body", "dubbo", 1).await;

    assert_eq!(site.thrift.find(&"x".repeat(100), 1).await, "a");
    let (text, kind) = site.thrift.fails(&"x".repeat(201), 1).await;
    assert!(text.contains(REFUSED), "{text}");
    assert_eq!(kind, 7);
    // The connection is still good.
    assert_eq!(site.thrift.find("gold", 1).await, "a");
    site.rejected("request_size", "body", "thrift", 1).await;
}

#[tokio::test]
async fn http_is_refused_by_its_announcement_and_by_what_comes() {
    let mut site = Site::each("[{request_size: {max: 200B}}]").await;
    let post = |length: usize| {
        let body = "x".repeat(length);
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    site.http.write(post(200).as_bytes()).await;
    assert_eq!(site.http.read().await, (200, "a 200".to_owned()));
    // Nothing of the body is there yet.
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 201\r\nExpect: 100-continue\r\n\r\n";
    site.http.write(head.as_bytes()).await;
    let (status, body) = site.http.read().await;
    assert_eq!(status, 413, "{body}");
    assert!(body.contains(REFUSED), "{body}");
    site.rejected("request_size", "announced", "http1", 1).await;

    let mut client = crate::http1::Client::connect(site.mesh.address).await;
    client
        .write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    // More is to come when the limit is reached: 190 bytes, and 190 again.
    let chunk = format!("be\r\n{}\r\n", "x".repeat(190));
    client.write(chunk.as_bytes()).await;
    client.write(chunk.as_bytes()).await;
    let (status, body) = client.read().await;
    assert_eq!(status, 413, "{body}");
    assert!(body.contains(REFUSED), "{body}");
    site.rejected("request_size", "body", "http1", 1).await;
}

#[tokio::test]
async fn grpc_is_refused_as_it_streams() {
    let site = Site::each("[{request_size: {max: 200B}}]").await;
    // Messages of ten bytes each: 20 may come.
    let mut open = site.grpc.open("/acme.Orders/get", &[]).await;
    for number in 0..20 {
        let message = Bytes::from_static(MESSAGE);
        open.send.send_data(message, number == 19).unwrap();
    }
    assert_eq!(
        rest(soon(open.response).await.unwrap())
            .await
            .unwrap()
            .grpc(),
        (0, false)
    );
    let mut open = site.grpc.open("/acme.Orders/get", &[]).await;
    for _ in 0..21 {
        open.send
            .send_data(Bytes::from_static(MESSAGE), false)
            .unwrap();
    }
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_eq!(reply.grpc(), (8, true), "{reply:?}");
    site.rejected("request_size", "body", "grpc", 1).await;
}

#[tokio::test]
async fn a_stream_that_is_answered_already_ends_in_the_reason() {
    // It answers before it knows how much will come.
    let server = Server::start(|mut asked| async move {
        let mut send = asked.head_of(&[], false);
        send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
        asked.take().await;
        crate::server::given_up(&mut send).await;
    })
    .await;
    let site = Site::in_front_of(server, "", "[{request_size: {max: 200B}}]").await;
    let mut open = site.grpc.open("/acme.Orders/get", &[]).await;
    open.send
        .send_data(Bytes::from_static(MESSAGE), false)
        .unwrap();
    let response = soon(open.response).await.unwrap();
    for _ in 0..20 {
        open.send
            .send_data(Bytes::from_static(MESSAGE), false)
            .unwrap();
    }
    let reply = rest(response).await.unwrap();
    assert_eq!(reply.grpc(), (8, false), "{reply:?}");
    let told = reply.trailers.unwrap();
    assert!(
        told["grpc-message"].to_str().unwrap().contains(REFUSED),
        "{told:?}"
    );
    site.rejected("request_size", "body", "grpc", 1).await;
}
