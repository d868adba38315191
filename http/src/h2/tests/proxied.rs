//! A client, the downstream side, the upstream side, a server: what one sends the other gets.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::h2::support::{Client, Serves, client, drain_body, head, soon, upstream};

/// A server that answers each request with its own body and trailers.
async fn echo() -> Client {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        while let Some(Ok((request, mut respond))) = server.accept().await {
            tokio::spawn(async move {
                let (parts, mut body) = request.into_parts();
                let mut answer = Response::new(());
                if let Some(value) = parts.headers.get("x-ask") {
                    answer.headers_mut().insert("x-answer", value.clone());
                }
                let mut send = respond.send_response(answer, body.is_end_stream()).unwrap();
                if body.is_end_stream() {
                    return;
                }
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    let _ = body.flow_control().release_capacity(data.len());
                    if send.send_data(data, false).is_err() {
                        return;
                    }
                }
                match body.trailers().await.unwrap() {
                    Some(trailers) => send.send_trailers(trailers).unwrap(),
                    None => send.send_data(Bytes::new(), true).unwrap(),
                }
            });
        }
    });
    client(Serves::through(channel)).await.0
}

#[tokio::test]
async fn a_request_without_a_body_is_answered_without_one() {
    let mut client = echo().await;
    let mut request = head(Method::GET, "/a");
    request
        .headers_mut()
        .insert("x-ask", HeaderValue::from_static("7"));
    let (response, _) = client.send_request(request, true).unwrap();
    let response = soon(response).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-answer"], "7");
    assert!(response.body().is_end_stream());
}

#[tokio::test]
async fn whole_bodies_and_trailers_go_both_ways() {
    let mut client = echo().await;
    let (response, mut send) = client
        .send_request(head(Method::POST, "/a"), false)
        .unwrap();
    send.send_data(Bytes::from_static(b"hello"), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    send.send_trailers(trailers.clone()).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    let (data, end) = soon(drain_body(&mut body)).await.unwrap();
    assert_eq!(data, b"hello");
    assert_eq!(end, Some(trailers));
}

#[tokio::test]
async fn parts_go_both_ways_while_both_are_open() {
    let mut client = echo().await;
    let (response, mut send) = client
        .send_request(head(Method::POST, "/a"), false)
        .unwrap();
    send.send_data(Bytes::from_static(b"one"), false).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "one");
    send.send_data(Bytes::from_static(b"two"), false).unwrap();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "two");
    send.send_data(Bytes::new(), true).unwrap();
    let rest = soon(drain_body(&mut body)).await.unwrap();
    assert_eq!(rest, (Vec::new(), None));
}

#[tokio::test]
async fn a_large_body_passes_in_the_windows_of_both_connections() {
    let mut client = echo().await;
    let (response, mut send) = client
        .send_request(head(Method::POST, "/a"), false)
        .unwrap();
    let body: Vec<u8> = (0..3_000_000_u32).map(|at| at as u8).collect();
    send.send_data(Bytes::from(body.clone()), true).unwrap();
    let mut answer = soon(response).await.unwrap().into_body();
    let (data, _) = soon(drain_body(&mut answer)).await.unwrap();
    assert!(data == body);
}
