//! Interim responses, and failures that pass through both sides.

use bytes::Bytes;
use futures_util::future::poll_fn;
use http::{HeaderValue, Method, Response, StatusCode};
use tokio::sync::mpsc;
use wireloom_codecs::http::GRPC;
use wireloom_codecs::{Body, Call};

use super::raw::{DATA, END_HEADERS, END_STREAM, HEADERS, Raw, field, frame, get};
use crate::config::H2Config;
use crate::h2::support::{
    PATIENCE, Serves, client, drain_body, head, request, response, serve, soon, upstream,
};

#[tokio::test]
async fn early_hints_pass_and_come_before_the_answer() {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        while let Some(Ok((_, mut respond))) = server.accept().await {
            let mut hints = Response::new(());
            *hints.status_mut() = StatusCode::from_u16(103).unwrap();
            let link = HeaderValue::from_static("</a>");
            hints.headers_mut().insert("link", link);
            respond.send_informational(hints).unwrap();
            respond.send_response(Response::new(()), true).unwrap();
        }
    });
    let (mut client, _served) = client(Serves::through(channel)).await;
    let (mut response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    let interim = soon(poll_fn(|cx| response.poll_informational(cx))).await;
    let interim = interim.unwrap().unwrap();
    assert_eq!(interim.status(), 103);
    assert_eq!(interim.headers()["link"], "</a>");
    assert_eq!(soon(response).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_waits_for_it_gets_its_100_when_its_body_is_wanted() {
    let service = Serves::new(|request| async move {
        assert!(request.head.http.as_ref().unwrap().expect_continue);
        let (body, _) = request.body.collect(100).await?;
        Ok(response(200, Body::Whole(body)))
    });
    let (near, far) = tokio::io::duplex(64 << 10);
    let _served = serve(far, service, Default::default(), H2Config::default());
    let mut raw = Raw::client(near).await;
    let block = [get(), field("expect", "100-continue")].concat();
    raw.send(&frame(HEADERS, END_HEADERS, 1, &block)).await;
    let interim = raw.next_of(HEADERS).await.unwrap();
    assert_eq!(interim.flags & END_STREAM, 0);
    raw.send(&frame(DATA, END_STREAM, 1, b"body")).await;
    raw.next_of(HEADERS).await.unwrap();
    assert_eq!(raw.next_of(DATA).await.unwrap().payload, b"body");
}

#[tokio::test]
async fn an_answer_that_the_server_resets_is_reset_here() {
    let (channel, mut server) = upstream().await;
    let (tell, mut told) = mpsc::channel::<()>(1);
    tokio::spawn(async move {
        let (_, mut respond) = server.accept().await.unwrap().unwrap();
        tokio::spawn(async move { while server.accept().await.is_some() {} });
        let mut send = respond.send_response(Response::new(()), false).unwrap();
        send.send_data(Bytes::from_static(b"part"), false).unwrap();
        told.recv().await;
        send.send_reset(h2::Reason::INTERNAL_ERROR);
    });
    let (mut client, _served) = client(Serves::through(channel)).await;
    let (response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "part");
    tell.send(()).await.unwrap();
    let error = soon(drain_body(&mut body)).await.unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR));
}

#[tokio::test]
async fn a_client_whose_connection_is_lost_cancels_upstream() {
    let (channel, mut server) = upstream().await;
    let (near, far) = tokio::io::duplex(64 << 10);
    let through = Serves::through(channel);
    let served = serve(far, through, Default::default(), H2Config::default());
    let mut raw = Raw::client(near).await;
    raw.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &get()))
        .await;
    let (_, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    drop(raw);
    let reason = soon(poll_fn(|cx| respond.poll_reset(cx))).await.unwrap();
    assert_eq!(reason, h2::Reason::CANCEL);
    let _ = soon(served.done).await.unwrap();
}

#[tokio::test]
async fn an_end_without_a_status_is_no_success_of_grpc() {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        while let Some(Ok((_, mut respond))) = server.accept().await {
            let mut send = respond.send_response(Response::new(()), false).unwrap();
            send.send_data(Bytes::from_static(b"x"), true).unwrap();
        }
    });
    let mut asked = Call {
        request: request(Method::POST, Body::Empty),
        deadline: std::time::Instant::now() + PATIENCE,
    };
    asked.request.head.protocol = GRPC;
    let answer = channel.send(asked).unwrap_or_else(|_| panic!());
    let response = soon(answer).await.unwrap();
    let outcome = match response.body {
        Body::Stream(mut body) => {
            while let Some(part) = soon(body.next()).await {
                part.unwrap();
            }
            body.outcome().unwrap()
        }
        Body::Whole(_) | Body::Empty => response.head.outcome,
    };
    assert_eq!(outcome.native, 2);
}

#[tokio::test]
async fn the_timeout_that_a_server_is_told_is_what_is_left() {
    let (channel, mut server) = upstream().await;
    let mut asked = Call {
        request: request(Method::POST, Body::Empty),
        deadline: std::time::Instant::now() + PATIENCE,
    };
    asked.request.head.protocol = GRPC;
    let http = asked.request.head.http.as_mut().unwrap();
    let hour = HeaderValue::from_static("1H");
    let name = http::HeaderName::from_static("grpc-timeout");
    http.headers.append(&name, &hour);
    let _answer = channel.send(asked).unwrap_or_else(|_| panic!());
    let (request, _) = soon(server.accept()).await.unwrap().unwrap();
    let told = request.headers()[name].as_bytes();
    assert!(crate::grpc::timeout::parse(told).unwrap() <= PATIENCE);
    assert_eq!(request.headers()["te"], "trailers");
}
