//! How exchanges end: exactly, cut off, given up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::poll_fn;
use http::{HeaderMap, HeaderValue, Method, Response};
use tokio::sync::{Notify, mpsc, oneshot};
use wireloom_codecs::http::GRPC;
use wireloom_codecs::{Body, Call, ErrorKind, LocalError, Part, stream};

use crate::h2::support::{
    PATIENCE, Serves, client, drain_body, head, request, response, soon, upstream,
};

fn trailers(status: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    trailers
}

fn grpc_head() -> http::Request<()> {
    let mut head = head(Method::POST, "/a.B/C");
    let content_type = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert("content-type", content_type);
    head
}

fn call(body: Body) -> Call {
    Call {
        request: request(Method::POST, body),
        deadline: std::time::Instant::now() + PATIENCE,
    }
}

#[tokio::test]
async fn trailers_only_stays_one_frame() {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        while let Some(Ok((_, mut respond))) = server.accept().await {
            let mut head = Response::new(());
            *head.headers_mut() = trailers("5");
            respond.send_response(head, true).unwrap();
        }
    });
    let (mut client, _served) = client(Serves::through(channel)).await;
    let (response, mut send) = client.send_request(grpc_head(), false).unwrap();
    send.send_data(Bytes::from_static(b"\0\0\0\0\0"), true)
        .unwrap();
    let response = soon(response).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "5");
    assert!(response.body().is_end_stream(), "END_STREAM in the head");
}

#[tokio::test]
async fn a_local_error_of_grpc_is_trailers_only() {
    let service = Serves::new(|_| async { Err(ErrorKind::NoRoute.into()) });
    let (mut client, _served) = client(service).await;
    let (response, _send) = client.send_request(grpc_head(), false).unwrap();
    let response = soon(response).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "12");
    assert!(response.body().is_end_stream());
}

#[tokio::test]
async fn a_local_error_of_http_has_a_status_and_a_text() {
    let service = Serves::new(|_| async { Err(ErrorKind::NoRoute.into()) });
    let (mut client, _served) = client(service).await;
    let (response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    let response = soon(response).await.unwrap();
    assert_eq!(response.status(), 404);
    let (text, _) = soon(drain_body(&mut response.into_body())).await.unwrap();
    assert!(text.starts_with(b"wireloom: no route"));
}

/// A service whose answer breaks off after its first part, when it is told to.
fn breaks_off() -> (Serves, Arc<Notify>) {
    let now = Arc::new(Notify::new());
    let told = now.clone();
    let service = Serves::new(move |_| {
        let told = told.clone();
        async move {
            let (mut sender, body) = stream(1 << 10);
            let part = Part::Data(Bytes::from_static(b"part"));
            sender.push(part).unwrap();
            tokio::spawn(async move {
                told.notified().await;
                sender.fail(LocalError::new(ErrorKind::Reset, "gone"));
            });
            Ok(response(200, Body::Stream(body)))
        }
    });
    (service, now)
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_reset_and_no_end() {
    let (service, now) = breaks_off();
    let (mut client, _served) = client(service).await;
    let (response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "part");
    now.notify_one();
    let error = soon(drain_body(&mut body)).await.unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR));
}

#[tokio::test]
async fn an_answer_of_grpc_that_breaks_off_ends_in_a_status() {
    let (service, now) = breaks_off();
    let (mut client, _served) = client(service).await;
    let (response, _send) = client.send_request(grpc_head(), false).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "part");
    now.notify_one();
    let (_, end) = soon(drain_body(&mut body)).await.unwrap();
    assert_eq!(end.unwrap()["grpc-status"], "14");
}

#[tokio::test]
async fn a_client_that_resets_cancels_the_call() {
    struct Told(Option<oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.take().map(|told| told.send(()));
        }
    }
    let (told, dropped) = oneshot::channel();
    let told = Arc::new(parking_lot::Mutex::new(Some(told)));
    let (began, mut beginning) = mpsc::channel(1);
    let service = Serves::new(move |_| {
        let guard = Told(told.lock().take());
        let began = began.clone();
        async move {
            let _guard = guard;
            began.send(()).await.unwrap();
            std::future::pending().await
        }
    });
    let (mut client, _served) = client(service).await;
    let (_response, mut send) = client.send_request(head(Method::POST, "/"), false).unwrap();
    soon(beginning.recv()).await.unwrap();
    send.send_reset(h2::Reason::CANCEL);
    soon(dropped).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_given_up_is_cancelled_upstream() {
    let (channel, mut server) = upstream().await;
    let answer = channel.send(call(Body::Empty)).unwrap_or_else(|_| panic!());
    let answer = tokio::spawn(answer);
    let (_, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    assert_eq!(channel.in_flight(), 1);
    answer.abort();
    let reason = soon(poll_fn(|cx| respond.poll_reset(cx))).await.unwrap();
    assert_eq!(reason, h2::Reason::CANCEL);
    assert_eq!(channel.in_flight(), 0);
}

#[tokio::test]
async fn a_body_that_is_given_up_is_cancelled_upstream() {
    let (channel, mut server) = upstream().await;
    let (mut sender, upload) = stream(1 << 10);
    let answer = channel
        .send(call(Body::Stream(upload)))
        .unwrap_or_else(|_| panic!());
    let answer = tokio::spawn(answer);
    let (_, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    let mut send = respond.send_response(Response::new(()), false).unwrap();
    let response = soon(answer).await.unwrap().unwrap();
    assert_eq!(channel.in_flight(), 1, "until the end of the body");
    drop(response);
    let reason = soon(poll_fn(|cx| send.poll_reset(cx))).await.unwrap();
    assert_eq!(reason, h2::Reason::CANCEL);
    soon(poll_fn(|cx| sender.poll_abandoned(cx))).await;
    assert_eq!(channel.in_flight(), 0);
}

#[tokio::test]
async fn a_refused_stream_was_not_sent_and_another_reset_was() {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        let mut reasons = [h2::Reason::REFUSED_STREAM, h2::Reason::INTERNAL_ERROR].into_iter();
        while let Some(Ok((_, mut respond))) = server.accept().await {
            respond.send_reset(reasons.next().unwrap());
        }
    });
    for (sent, code) in [(false, "REFUSED_STREAM"), (true, "INTERNAL_ERROR")] {
        let answer = channel.send(call(Body::Empty)).unwrap_or_else(|_| panic!());
        let error = soon(answer).await.unwrap_err();
        assert_eq!(error.error.kind, ErrorKind::Reset);
        assert_eq!(error.sent, sent);
        assert!(error.error.detail.contains(code), "{}", error.error);
    }
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_and_the_stream_with_it() {
    let (channel, mut server) = upstream().await;
    let mut late = call(Body::Empty);
    late.deadline = std::time::Instant::now() + Duration::from_millis(50);
    let answer = channel.send(late).unwrap_or_else(|_| panic!());
    let answer = tokio::spawn(answer);
    let (_, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    let error = soon(answer).await.unwrap().unwrap_err();
    assert_eq!((error.error.kind, error.sent), (ErrorKind::Timeout, true));
    let reason = soon(poll_fn(|cx| respond.poll_reset(cx))).await.unwrap();
    assert_eq!(reason, h2::Reason::CANCEL);
}

#[tokio::test]
async fn a_server_that_cancels_at_the_deadline_is_late_and_not_broken() {
    for (left, kind) in [(20, ErrorKind::Reset), (4, ErrorKind::Timeout)] {
        let (channel, mut server) = upstream().await;
        let deadline = std::time::Instant::now() + Duration::from_secs(left);
        let mut asked = call(Body::Empty);
        asked.deadline = deadline;
        let answer = channel.send(asked).unwrap_or_else(|_| panic!());
        let answer = tokio::spawn(answer);
        let (_, mut respond) = soon(server.accept()).await.unwrap().unwrap();
        let mut send = respond.send_response(Response::new(()), false).unwrap();
        tokio::spawn(async move { while server.accept().await.is_some() {} });
        let Body::Stream(mut body) = soon(answer).await.unwrap().unwrap().body else {
            panic!("the body is not there yet");
        };
        // The head is there: nothing but the server ends it now.
        if kind == ErrorKind::Timeout {
            tokio::time::sleep_until(deadline.into()).await;
        }
        send.send_reset(h2::Reason::CANCEL);
        let error = soon(body.next()).await.unwrap().unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[tokio::test]
async fn trailers_are_the_outcome_also_when_they_come_later() {
    let (channel, mut server) = upstream().await;
    let (go, going) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let (_, mut respond) = server.accept().await.unwrap().unwrap();
        tokio::spawn(async move { while server.accept().await.is_some() {} });
        let mut send = respond.send_response(Response::new(()), false).unwrap();
        going.await.unwrap();
        send.send_data(Bytes::from_static(b"x"), false).unwrap();
        send.send_trailers(trailers("14")).unwrap();
    });
    let mut asked = call(Body::Empty);
    asked.request.head.protocol = GRPC;
    let answer = channel.send(asked).unwrap_or_else(|_| panic!());
    let response = soon(answer).await.unwrap();
    assert_eq!(response.head.outcome.native, 0);
    let Body::Stream(mut body) = response.body else {
        panic!("the body is not there yet");
    };
    go.send(()).unwrap();
    while let Some(part) = soon(body.next()).await {
        part.unwrap();
    }
    assert_eq!(body.outcome().unwrap().native, 14);
}

#[tokio::test]
async fn a_client_that_still_sends_is_told_to_stop_without_an_error() {
    let service = Serves::new(|_| async { Ok(response(200, Body::Whole("done".into()))) });
    let (mut client, _served) = client(service).await;
    let (response, mut send) = client.send_request(head(Method::POST, "/"), false).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(drain_body(&mut body)).await.unwrap().0, b"done");
    let reason = soon(poll_fn(|cx| send.poll_reset(cx))).await.unwrap();
    assert_eq!(reason, h2::Reason::NO_ERROR);
}

/// A server that answers at once and wants no more of the request: h2 resets the stream without an error then.
async fn answered_early(head: Response<()>, whole: &'static str) -> Result<Bytes, ErrorKind> {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        let mut head = Some(head);
        while let Some(Ok((request, mut respond))) = server.accept().await {
            let mut send = respond.send_response(head.take().unwrap(), false).unwrap();
            send.send_data(Bytes::from_static(whole.as_bytes()), true)
                .unwrap();
            drop(request);
        }
    });
    let (_sender, body) = stream(64);
    let answer = channel
        .send(call(Body::Stream(body)))
        .unwrap_or_else(|_| panic!("taken"));
    // The reset is there before anybody looks.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let response = soon(answer).await.map_err(|failed| failed.error.kind)?;
    match soon(response.body.collect(1 << 10)).await {
        Ok((bytes, _)) => Ok(bytes),
        Err(error) => Err(error.kind),
    }
}

#[tokio::test]
async fn a_reset_behind_a_whole_answer_takes_nothing_of_it_away() {
    let head = Response::builder().header("content-length", "5");
    let answer = answered_early(head.body(()).unwrap(), "whole").await;
    assert_eq!(answer, Ok(Bytes::from_static(b"whole")));
    let answer = answered_early(Response::new(()), "no length").await;
    assert_eq!(answer, Ok(Bytes::from_static(b"no length")));
}

/// By a clock that stands while anybody works: a task that wakes itself again and again would never end.
#[test]
fn an_idle_connection_waits_at_rest_for_a_server_that_does_not_take_its_goodbye() {
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let limits = wireloom_codecs::ChannelLimits {
                idle: std::time::Duration::from_secs(1),
                ..wireloom_codecs::ChannelLimits::default()
            };
            let builder = h2::server::Builder::new();
            let (channel, _server) = crate::h2::support::upstream_with(limits, &builder).await;
            while channel.state() != wireloom_codecs::ChannelState::Closed {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        });
        tell.send(()).unwrap();
    });
    hear.recv_timeout(std::time::Duration::from_secs(60))
        .expect("its end");
}
