//! What bodies promise.

use std::future::poll_fn;

use super::*;
use crate::HeaderList;
use futures_util::FutureExt;

fn trailers(name: &'static str, value: &'static str) -> Headers {
    let field = (
        Bytes::from_static(name.as_bytes()),
        Bytes::from_static(value.as_bytes()),
    );
    HeaderList::from_iter([field]).into()
}

fn data(text: &'static str) -> Part {
    Part::Data(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn parts_then_trailers_then_the_end() {
    let (mut tx, mut rx) = stream(64);
    tx.send(data("ab")).await.unwrap();
    let trailers = trailers("grpc-status", "0");
    tx.send(Part::Trailers(trailers.clone())).await.unwrap();
    tx.finish();
    assert_eq!(rx.next().await.unwrap().unwrap(), data("ab"));
    assert_eq!(rx.next().await.unwrap().unwrap(), Part::Trailers(trailers));
    assert!(rx.next().await.is_none());
}

#[tokio::test]
async fn credit_flows_back_as_parts_are_taken() {
    let (mut tx, mut rx) = stream(4);
    tx.send(data("abcd")).await.unwrap();
    assert!(
        tx.send(data("e")).now_or_never().is_none(),
        "no credit left"
    );
    assert_eq!(rx.next().await.unwrap().unwrap(), data("abcd"));
    tx.send(data("longer than the window"))
        .now_or_never()
        .unwrap()
        .unwrap();
    assert!(tx.send(data("x")).now_or_never().is_none());
}

#[tokio::test]
async fn empty_parts_take_credit_too() {
    let (mut tx, mut rx) = stream(64);
    let mut sent = 0;
    while tx.send(data("")).now_or_never().is_some() {
        sent += 1;
    }
    assert_eq!(sent, 4);
    assert_eq!(rx.next().await.unwrap().unwrap(), data(""));
    assert!(tx.send(data("")).now_or_never().is_some());
}

#[tokio::test]
async fn a_sender_that_vanishes_is_an_error_and_not_an_end() {
    let (mut tx, mut rx) = stream(64);
    tx.send(data("half")).await.unwrap();
    drop(tx);
    assert_eq!(rx.next().await.unwrap().unwrap(), data("half"));
    assert_eq!(rx.next().await.unwrap().unwrap_err().kind, ErrorKind::Reset);
    assert!(rx.next().await.is_none());
}

#[tokio::test]
async fn a_receiver_that_vanishes_stops_the_sender() {
    let (mut tx, rx) = stream(1);
    tx.send(data("ab")).await.unwrap();
    drop(rx);
    assert_eq!(tx.send(data("c")).await, Err(Abandoned));
    poll_fn(|cx| tx.poll_abandoned(cx)).await;
}

#[tokio::test]
async fn collect_has_a_cap_and_keeps_trailers() {
    let (mut tx, rx) = stream(64);
    tx.send(data("ab")).await.unwrap();
    tx.send(data("cd")).await.unwrap();
    let trailers = trailers("t", "1");
    tx.send(Part::Trailers(trailers.clone())).await.unwrap();
    tx.finish();
    let (bytes, fields) = Body::Stream(rx).collect(4).await.unwrap();
    assert_eq!((&bytes[..], fields), (&b"abcd"[..], trailers));

    let (mut tx, rx) = stream(64);
    tx.send(data("abcde")).await.unwrap();
    let error = Body::Stream(rx).collect(4).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert!(
        Body::Whole(Bytes::from_static(b"abcde"))
            .collect(4)
            .await
            .is_err()
    );
}
