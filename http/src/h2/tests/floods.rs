//! What costs a peer nothing must not go on for ever; what a client may do, it may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use wireloom_codecs::{Body, ServeLimits};

use super::raw::{
    CALM, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM,
    Raw, SETTINGS, WINDOW_UPDATE, frame, get,
};
use crate::config::H2Config;
use crate::h2::support::{
    Served, Serves, client, client_with, drain_body, head, response, serve, soon,
};

/// A connection whose requests are never answered, and how many reached the service.
async fn silent() -> (Raw, Served, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let service = Serves::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::pending()
    });
    let (near, far) = tokio::io::duplex(64 << 10);
    let served = serve(far, service, ServeLimits::default(), H2Config::default());
    (Raw::client(near).await, served, count)
}

async fn is_calmed(bytes: Vec<u8>) -> usize {
    let (mut raw, served, count) = silent().await;
    let goaway = raw.flood(bytes).await.expect("a GOAWAY before the close");
    assert_eq!(goaway.number(4), CALM);
    assert!(soon(served.done).await.unwrap().is_err());
    count.load(Ordering::Relaxed)
}

#[tokio::test]
async fn frames_that_carry_nothing() {
    for one in [
        frame(PING, 0, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, b""),
        frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 1]),
        frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
        frame(0xbe, 0, 0, b"unknown"),
    ] {
        is_calmed(one.repeat(20_000)).await;
    }
}

#[tokio::test]
async fn empty_data() {
    let mut bytes = frame(HEADERS, END_HEADERS, 1, &get());
    bytes.extend(frame(DATA, 0, 1, b"").repeat(5000));
    is_calmed(bytes).await;
}

#[tokio::test]
async fn a_head_without_an_end() {
    let (mut raw, served, count) = silent().await;
    let mut bytes = frame(HEADERS, 0, 1, &get());
    bytes.extend(frame(CONTINUATION, 0, 1, b"").repeat(50_000));
    let goaway = raw.flood(bytes).await;
    assert!(goaway.is_some());
    assert!(soon(served.done).await.unwrap().is_err());
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

/// Each stream in a turn of its own, so that each reaches the service.
#[tokio::test]
async fn rapid_reset() {
    let (mut raw, served, count) = silent().await;
    for stream in (1..8001).step_by(2) {
        let mut bytes = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get());
        raw.send(&bytes).await;
        tokio::task::yield_now().await;
        bytes = frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
        raw.send(&bytes).await;
        tokio::task::yield_now().await;
    }
    let goaway = raw.next_of(GOAWAY).await.unwrap();
    assert_eq!(goaway.number(4), CALM);
    assert!(soon(served.done).await.unwrap().is_err());
    assert!(count.load(Ordering::Relaxed) <= 400);
}

#[tokio::test]
async fn rapid_reset_in_one_packet() {
    let mut bytes = Vec::new();
    for stream in (1..8001).step_by(2) {
        bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get()));
        bytes.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    assert!(is_calmed(bytes).await <= 400);
}

#[tokio::test]
async fn resets_that_the_peer_provokes() {
    let mut bytes = Vec::new();
    for stream in (1..8001).step_by(2) {
        bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get()));
        // A window of more than 2^31-1 is an error of the stream (RFC 9113 §6.9.1).
        bytes.extend(frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff]));
    }
    assert!(is_calmed(bytes).await <= 400);
}

/// As many calls given up as answered, the worst that a hedging client does.
#[tokio::test]
async fn a_client_that_cancels_a_lot_survives() {
    let service = Serves::new(|_| async { Ok(response(200, Body::Whole("x".into()))) });
    let (mut client, served) = client(service).await;
    for _ in 0..1000 {
        let (given_up, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
        let (kept, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
        drop(given_up);
        let kept = soon(kept).await.unwrap();
        soon(drain_body(&mut kept.into_body())).await.unwrap();
    }
    assert!(!served.done.is_finished());
}

/// As when a caller's own caller is gone.
#[tokio::test]
async fn a_client_that_gives_up_all_it_has_under_way_survives() {
    let service = Serves::new(|request| async move {
        match &request.head.http.as_ref().unwrap().target[..] {
            "/slow" => std::future::pending().await,
            _ => Ok(response(200, Body::Whole("x".into()))),
        }
    });
    let (mut client, _served) = client(service).await;
    let mut calls = Vec::new();
    for _ in 0..200 {
        client = soon(client.ready()).await.unwrap();
        let slow = head(Method::GET, "/slow");
        calls.push(client.send_request(slow, true).unwrap());
    }
    for answered in 0..3 {
        let (kept, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
        let kept = soon(kept).await;
        assert!(kept.is_ok(), "{answered}: {kept:?}");
        calls.clear();
    }
}

#[tokio::test]
async fn a_thousand_streams_keep_their_own_order_and_content() {
    let service = Serves::new(|request| async move { Ok(response(200, request.body)) });
    let mut builder = h2::client::Builder::new();
    // The client lets all answers wait until it has sent its last part.
    builder.data_frame_budget(16 << 20);
    let (client, _served) = client_with(service, ServeLimits::default(), &builder).await;
    let streams = (0..1000_u32).map(|stream| {
        let mut client = client.clone();
        async move {
            client = client.ready().await.unwrap();
            let head = head(Method::POST, "/");
            let (response, mut send) = client.send_request(head, false).unwrap();
            let mut expected: Vec<u8> = Vec::new();
            for part in 0..10_u32 {
                let piece = [stream.to_be_bytes(), part.to_be_bytes()]
                    .concat()
                    .repeat(9);
                expected.extend(&piece);
                send.send_data(Bytes::from(piece), part == 9).unwrap();
                tokio::task::yield_now().await;
            }
            let response = response.await.unwrap();
            let (data, _) = drain_body(&mut response.into_body()).await.unwrap();
            assert!(data == expected, "stream {stream}");
        }
    });
    soon(join_all(streams)).await;
}
