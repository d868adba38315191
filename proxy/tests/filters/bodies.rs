//! Bodies: whole for those that ask, and only for them.

use crate::client::{MESSAGE, rest};
use crate::mesh::soon;
use crate::probe::{held, notes};
use crate::server::{Server, status};
use crate::site::{Site, until};

/// What was noted of answers.
fn answers(mark: &str) -> Vec<String> {
    let notes = notes(mark).into_iter();
    notes.filter(|note| note.starts_with('<')).collect()
}

#[tokio::test]
async fn a_body_is_whole_for_who_asks_and_streams_otherwise() {
    let filters = ", filters: [probe: {mark: sees-}, probe/whole: {mark: whole-, body: 64, response_body: 64}]";
    let site = Site::start(filters, "").await;
    let grpc = site.grpc().await;
    let mut open = grpc.open("/acme.Orders/get", &[]).await;
    open.send.send_data(MESSAGE.into(), false).unwrap();
    until(|| notes("sees-") == [">stream"]).await;
    // Its end is waited for.
    assert_eq!((site.server.calls(), notes("whole-").len()), (0, 0));
    open.send.send_data(MESSAGE.into(), true).unwrap();
    let reply = rest(soon(open.response).await.unwrap()).await.unwrap();
    assert_eq!((reply.grpc(), &reply.data[..]), ((0, false), MESSAGE));
    assert_eq!(notes("whole-"), [">20", "<10"]);

    let mut http = site.http().await;
    http.write(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    )
    .await;
    assert_eq!(http.read().await, (200, "a 5".to_owned()));
    assert_eq!(notes("whole-")[2..], [">5", "<3"]);
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused() {
    let site = Site::start(", filters: [probe: {mark: cap, body: 4}]", "").await;
    let mut http = site.http().await;
    http.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        .await;
    assert_eq!(http.read().await.0, 413);
    let reply = site.grpc().await.call("/acme.Orders/get", &[]).await;
    assert_eq!(reply.grpc(), (8, true));
    let refused = site.dubbo().await.get(&[]).await.unwrap_err();
    assert!(
        refused.contains("takes bodies of up to 4 bytes"),
        "{refused}"
    );
    for route in ["dubbo", "http1", "grpc"] {
        let labels = ["reason=\"body_too_large\"", &format!("route=\"{route}\"")];
        assert_eq!(
            site.metric("wireloom_filter_rejections_total", &labels),
            1,
            "{route}"
        );
    }
    assert!(notes("cap").is_empty() && site.server.calls() == 0);
}

#[tokio::test]
async fn an_answer_over_the_cap_is_the_proxys_failure() {
    let site = Site::start(", filters: [probe: {mark: long, response_body: 2}]", "").await;
    let mut http = site.http().await;
    http.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(http.read().await.0, 500);
    assert_eq!(
        site.grpc().await.call("/acme.Orders/get", &[]).await.grpc(),
        (13, true)
    );
    assert_eq!(answers("long"), ["<internal", "<internal"]);
}

#[tokio::test]
async fn a_body_that_was_changed_has_its_own_length() {
    let site = Site::start(", filters: [probe: {mark: new, body: 64, do: rewrite}]", "").await;
    let mut http = site.http().await;
    http.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        .await;
    assert_eq!(http.read().await, (200, "a 12".to_owned()));
}

#[tokio::test]
async fn what_is_held_is_held_to_the_end_of_a_streamed_answer() {
    let (go, wait) = tokio::sync::watch::channel(false);
    let server = Server::start(move |mut asked| {
        let mut wait = wait.clone();
        async move {
            asked.take().await;
            let mut send = asked.head_of(&[], false);
            send.send_data(MESSAGE.into(), false).unwrap();
            if wait.wait_for(|go| *go).await.is_ok() {
                let _ = send.send_trailers(status(0));
            }
        }
    })
    .await;
    let site = Site::before(server, ", filters: [probe: {mark: holds, do: hold}]", "").await;
    let grpc = site.grpc().await;
    let mut calls = Vec::new();
    for _ in 0..2 {
        let mut open = grpc.open("/acme.Orders/get", &[]).await;
        open.send.send_data(MESSAGE.into(), true).unwrap();
        // The head is here, and its body has not ended.
        calls.push(soon(open.response).await.unwrap());
    }
    assert_eq!(held("holds"), 2);
    assert_eq!(answers("holds"), ["<stream, held", "<stream, held"]);
    drop(calls.pop());
    until(|| held("holds") == 1).await;
    go.send(true).unwrap();
    rest(calls.pop().unwrap()).await.unwrap();
    until(|| held("holds") == 0).await;
    // Where answers are whole, it is over with them.
    assert_eq!(site.dubbo().await.get(&[]).await.unwrap(), "a");
    until(|| held("holds") == 0).await;
}
