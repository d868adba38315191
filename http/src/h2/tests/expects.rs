//! Clients that wait for a 100 before they send their body, and what servers make of it.

use bytes::Bytes;
use futures_util::future::{poll_fn, poll_immediate};
use http::{HeaderValue, Method, Request as HttpHead, Response, StatusCode};
use tokio::sync::oneshot;
use wireloom_codecs::{Body, Call, Channel, Part, Request, StreamSender, stream};

use super::super::support::{PATIENCE, Serves, client, drain_body, head, request, soon, upstream};

/// A request whose body nobody has touched until `poll_wanted` says so.
fn held() -> (Box<Request>, StreamSender) {
    let (sender, body) = stream(1 << 10);
    let mut request = request(Method::POST, Body::Stream(body));
    request.head.http.as_mut().unwrap().expect_continue = true;
    (request, sender)
}

fn call(channel: &dyn Channel, request: Box<Request>) -> wireloom_codecs::Answer {
    let deadline = std::time::Instant::now() + PATIENCE;
    let sent = channel.send(Call { request, deadline });
    sent.unwrap_or_else(|_| panic!("refused"))
}

async fn wanted(sender: &mut StreamSender) -> bool {
    poll_immediate(poll_fn(|cx| sender.poll_wanted(cx)))
        .await
        .is_some_and(|wanted| wanted.is_ok())
}

fn informs(status: u16) -> Response<()> {
    let mut interim = Response::new(());
    *interim.status_mut() = StatusCode::from_u16(status).unwrap();
    interim
}

#[tokio::test]
async fn the_body_waits_for_a_100() {
    let (channel, mut server) = upstream().await;
    let (request, mut sender) = held();
    let answer = tokio::spawn(call(&*channel, request));
    let (request, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    assert_eq!(request.headers()["expect"], "100-continue");
    assert!(!wanted(&mut sender).await, "nobody wants it yet");
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    respond.send_informational(informs(100)).unwrap();
    soon(poll_fn(|cx| sender.poll_wanted(cx))).await.unwrap();
    sender.send(Part::Data("body".into())).await.unwrap();
    sender.finish();
    let (body, _) = soon(drain_body(&mut request.into_body())).await.unwrap();
    assert_eq!(body, b"body");
    respond.send_response(Response::new(()), true).unwrap();
    soon(answer).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_body_does_not_wait_for_ever() {
    let (channel, mut server) = upstream().await;
    let (request, mut sender) = held();
    let _answer = tokio::spawn(call(&*channel, request));
    let (request, _respond) = soon(server.accept()).await.unwrap().unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    soon(poll_fn(|cx| sender.poll_wanted(cx))).await.unwrap();
    sender.send(Part::Data("body".into())).await.unwrap();
    sender.finish();
    let (body, _) = soon(drain_body(&mut request.into_body())).await.unwrap();
    assert_eq!(body, b"body");
}

#[tokio::test]
async fn a_refusal_comes_without_a_100() {
    for whole in [true, false] {
        let (channel, mut server) = upstream().await;
        let (tell, told) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let (request, mut respond) = server.accept().await.unwrap().unwrap();
            tokio::spawn(async move { while server.accept().await.is_some() {} });
            let mut send = respond.send_response(informs(417), whole).unwrap();
            if !whole {
                told.await.unwrap();
                send.send_data(Bytes::from_static(b"no"), true).unwrap();
            }
            assert!(drain_body(&mut request.into_body()).await.is_err());
        });
        let (mut client, _served) = client(Serves::through(channel)).await;
        let mut asks: HttpHead<()> = head(Method::POST, "/");
        let expects = HeaderValue::from_static("100-continue");
        asks.headers_mut().insert("expect", expects);
        let (mut response, _send) = client.send_request(asks, false).unwrap();
        let interim = soon(poll_fn(|cx| response.poll_informational(cx))).await;
        assert!(interim.is_none(), "{interim:?}");
        let response = soon(response).await.unwrap();
        assert_eq!(response.status(), 417);
        if !whole {
            tell.send(()).unwrap();
        }
        let (body, _) = soon(drain_body(&mut response.into_body())).await.unwrap();
        assert_eq!(body.len(), if whole { 0 } else { 2 });
    }
}

#[tokio::test]
async fn a_server_that_agrees_by_its_answer_gets_the_body() {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        let (request, mut respond) = server.accept().await.unwrap().unwrap();
        tokio::spawn(async move { while server.accept().await.is_some() {} });
        let mut send = respond.send_response(Response::new(()), false).unwrap();
        let (body, _) = drain_body(&mut request.into_body()).await.unwrap();
        send.send_data(body.into(), true).unwrap();
    });
    let (mut client, _served) = client(Serves::through(channel)).await;
    let mut asks: HttpHead<()> = head(Method::POST, "/");
    let expects = HeaderValue::from_static("100-continue");
    asks.headers_mut().insert("expect", expects);
    let (mut response, mut send) = client.send_request(asks, false).unwrap();
    let interim = soon(poll_fn(|cx| response.poll_informational(cx))).await;
    assert_eq!(interim.unwrap().unwrap().status(), 100);
    let response = soon(response).await.unwrap();
    send.send_data(Bytes::from_static(b"body"), true).unwrap();
    let (body, _) = soon(drain_body(&mut response.into_body())).await.unwrap();
    assert_eq!(body, b"body");
}
