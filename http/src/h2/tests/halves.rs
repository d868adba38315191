//! Frames that are not whole.

use std::time::Duration;

use tokio::time::sleep;
use wireloom_codecs::{Body, ConnError, ServeLimits};

use super::raw::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, Raw, SETTINGS, frame, get,
};
use crate::config::H2Config;
use crate::h2::server::PREFACE;
use crate::h2::support::{PATIENCE, Serves, response, serve, soon};

/// A limit that a test waits for.
const SHORT: Duration = Duration::from_millis(100);

/// Heads have little time, and all else has enough.
fn limits() -> ServeLimits {
    ServeLimits {
        header_timeout: SHORT,
        body_idle: PATIENCE,
        ..ServeLimits::default()
    }
}

/// Answers when it has all of a request, with how much that is.
fn counts() -> Serves {
    Serves::new(|request| async move {
        let (body, _) = request.body.collect(1 << 20).await?;
        Ok(response(200, Body::Whole(body.len().to_string().into())))
    })
}

fn assert_given_up(end: Result<(), ConnError>, what: &str) {
    assert!(
        matches!(end, Err(ConnError::Timeout("frame"))),
        "{what}: {end:?}"
    );
}

#[tokio::test]
async fn a_client_that_stops_within_a_frame_is_let_go() {
    let hello = [&PREFACE[..], &frame(SETTINGS, 0, 0, &[])].concat();
    let headers = frame(HEADERS, END_HEADERS | END_STREAM, 1, &get());
    let open = frame(HEADERS, END_STREAM, 1, &get());
    let more = frame(CONTINUATION, 0, 1, &[]);
    let ping = frame(PING, 0, 0, b"hi there");
    for (what, bytes) in [
        ("no SETTINGS", &PREFACE[..]),
        ("half of SETTINGS", &hello[..hello.len() - 1]),
        ("one byte", &[&hello[..], &headers[..1]].concat()),
        ("a frame's head", &[&hello[..], &headers[..9]].concat()),
        ("half of HEADERS", &[&hello[..], &headers[..20]].concat()),
        ("a block without its end", &[&hello[..], &open].concat()),
        (
            "a block that goes on without its end",
            &[&hello[..], &open, &more].concat(),
        ),
        ("half a PING", &[&hello[..], &ping[..12]].concat()),
    ] {
        let (near, far) = tokio::io::duplex(64 << 10);
        let served = serve(far, counts(), limits(), H2Config::default());
        let mut raw = Raw::saying(near, bytes).await;
        let goaway = raw.next_of(GOAWAY).await.unwrap();
        assert_eq!((goaway.number(0), goaway.number(4)), (0, 0), "{what}");
        while raw.next().await.is_some() {}
        assert_given_up(soon(served.done).await.unwrap(), what);
    }
}

#[tokio::test]
async fn a_piece_of_a_body_may_come_slowly() {
    let (near, far) = tokio::io::duplex(64 << 10);
    let served = serve(far, counts(), limits(), H2Config::default());
    let mut raw = Raw::client(near).await;
    raw.send(&frame(HEADERS, END_HEADERS, 1, &get())).await;
    let data = frame(DATA, END_STREAM, 1, &[7; 20]);
    let (head, payload) = data.split_at(9);
    raw.send(head).await;
    for byte in payload {
        raw.send(&[*byte]).await;
        sleep(SHORT / 4).await;
    }
    assert_eq!(raw.next_of(DATA).await.unwrap().payload, b"20");
    assert!(!served.done.is_finished());
}

#[tokio::test]
async fn requests_before_half_a_frame_are_answered() {
    let service = Serves::new(|_| async {
        sleep(10 * SHORT).await;
        Ok(response(200, Body::Whole("late".into())))
    });
    let (near, far) = tokio::io::duplex(64 << 10);
    let served = serve(far, service, limits(), H2Config::default());
    let mut raw = Raw::client(near).await;
    let head = frame(HEADERS, END_HEADERS | END_STREAM, 1, &get());
    raw.send(&head).await;
    raw.send(&head[..10]).await;
    // It is told first that nothing else will be.
    raw.next_of(GOAWAY).await.unwrap();
    assert_eq!(raw.next_of(DATA).await.unwrap().payload, b"late");
    let last = raw.next_of(GOAWAY).await.unwrap();
    assert_eq!((last.number(0), last.number(4)), (1, 0));
    while raw.next().await.is_some() {}
    assert_given_up(soon(served.done).await.unwrap(), "half of HEADERS");
}
