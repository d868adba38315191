//! Sizes, counts and times.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::poll_fn;
use http::{HeaderMap, HeaderValue, Method, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wireloom_codecs::units::Span;
use wireloom_codecs::{
    Body, ByteBudget, Call, ChannelLimits, ChannelState, ConnError, Connector, ErrorKind,
    ServeLimits, stream,
};

use super::raw::{ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, Raw, frame, get};
use crate::config::H2Config;
use crate::h2::Http2Connector;
use crate::h2::support::{
    PATIENCE, Serves, client, client_with, drain_body, head, request, response, serve, soon,
    upstream, upstream_with,
};

/// A limit that a test waits for.
const SHORT: Duration = Duration::from_millis(100);

fn impatient() -> ServeLimits {
    ServeLimits {
        header_timeout: SHORT,
        body_idle: SHORT,
        idle: SHORT,
        drain: SHORT,
        ..ServeLimits::default()
    }
}

fn ok() -> Serves {
    Serves::new(|_| async { Ok(response(200, Body::Whole("ok".into()))) })
}

fn never() -> Serves {
    Serves::new(|_| std::future::pending())
}

fn call() -> Call {
    Call {
        request: request(Method::GET, Body::Empty),
        deadline: std::time::Instant::now() + PATIENCE,
    }
}

#[tokio::test]
async fn a_connection_error_is_told_before_the_close() {
    let (near, far) = tokio::io::duplex(64 << 10);
    let served = serve(far, ok(), ServeLimits::default(), H2Config::default());
    let mut raw = Raw::client(near).await;
    // DATA on a stream that does not exist.
    raw.send(&frame(DATA, 0, 0, b"x")).await;
    let goaway = raw.next_of(GOAWAY).await.unwrap();
    assert_eq!(goaway.number(4), 1);
    drop(raw);
    assert!(matches!(
        soon(served.done).await.unwrap(),
        Err(ConnError::Protocol { .. })
    ));
}

#[tokio::test]
async fn a_drain_says_goodbye_twice_and_ends_with_the_last_stream() {
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let told = std::sync::Arc::new(parking_lot::Mutex::new(Some(told)));
    let service = Serves::new(move |_| {
        let told = told.lock().take();
        async move {
            if let Some(told) = told {
                let _ = told.await;
            }
            Ok(response(200, Body::Empty))
        }
    });
    let (near, far) = tokio::io::duplex(64 << 10);
    let served = serve(far, service, ServeLimits::default(), H2Config::default());
    let mut raw = Raw::client(near).await;
    let flags = END_HEADERS | END_STREAM;
    raw.send(&frame(HEADERS, flags, 1, &get())).await;
    raw.send(&frame(PING, 0, 0, b"hi there")).await;
    assert_eq!(raw.next_of(PING).await.unwrap().payload, b"hi there");
    served.drain.start();
    let first = raw.next_of(GOAWAY).await.unwrap();
    assert_eq!((first.number(0), first.number(4)), (0x7fff_ffff, 0));
    // One that was on its way is still taken.
    raw.send(&frame(HEADERS, flags, 3, &get())).await;
    let ping = raw.next_of(PING).await.unwrap();
    raw.send(&frame(PING, ACK, 0, &ping.payload)).await;
    let second = raw.next_of(GOAWAY).await.unwrap();
    assert_eq!((second.number(0), second.number(4)), (3, 0));
    tell.send(()).unwrap();
    assert_eq!(raw.next_of(HEADERS).await.unwrap().flags & END_STREAM, 1);
    while raw.next().await.is_some() {}
    assert!(soon(served.done).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_drain_ends_also_if_a_stream_does_not() {
    let (mut client, served) = client_with(never(), impatient(), &h2::client::Builder::new()).await;
    let (response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    served.drain.start();
    assert!(soon(response).await.is_err());
    assert!(soon(served.done).await.unwrap().is_ok());
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let service = Serves::new(|_| async {
        tokio::time::sleep(5 * SHORT).await;
        Ok(response(200, Body::Empty))
    });
    let (mut client, served) = client_with(service, impatient(), &h2::client::Builder::new()).await;
    let (response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    assert_eq!(soon(response).await.unwrap().status(), 200);
    let end = soon(served.done).await.unwrap();
    assert!(end.is_ok(), "{end:?}");
}

#[tokio::test]
async fn a_preface_that_does_not_come_is_not_waited_for() {
    let (_near, far) = tokio::io::duplex(1 << 10);
    let served = serve(far, ok(), impatient(), H2Config::default());
    let end = soon(served.done).await.unwrap();
    assert!(matches!(end, Err(ConnError::Timeout("preface"))));
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let service = Serves::new(|request| async move {
        request.body.collect(1 << 20).await?;
        Ok(response(200, Body::Empty))
    });
    let builder = h2::client::Builder::new();
    let (mut client, _served) = client_with(service, impatient(), &builder).await;
    let (response, mut send) = client.send_request(head(Method::POST, "/"), false).unwrap();
    send.send_data(Bytes::from_static(b"half"), false).unwrap();
    assert_eq!(soon(response).await.unwrap().status(), 504);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let body = Bytes::from(vec![0; 1 << 20]);
    let service = Serves::new(move |_| {
        let body = body.clone();
        async { Ok(response(200, Body::Whole(body))) }
    });
    let builder = h2::client::Builder::new();
    let (mut client, _served) = client_with(service, impatient(), &builder).await;
    let (response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    // What the window lets through comes, and no credit goes back.
    let end = loop {
        match soon(body.data()).await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(end.reason(), Some(h2::Reason::INTERNAL_ERROR));
}

#[tokio::test]
async fn a_reader_that_stops_stops_the_sender() {
    let (mut taken, unread) = (0, std::sync::Arc::new(parking_lot::Mutex::new(None)));
    let kept = unread.clone();
    let service = Serves::new(move |request| {
        *kept.lock() = Some(request.body);
        std::future::pending()
    });
    let (mut client, _served) = client(service).await;
    let (_response, mut send) = client.send_request(head(Method::POST, "/"), false).unwrap();
    send.reserve_capacity(8 << 20);
    // The window, and not a byte more however long it takes.
    let limit = H2Config::default().stream_window.0;
    while taken < limit {
        let capacity = soon(poll_fn(|cx| send.poll_capacity(cx))).await;
        let capacity = capacity.unwrap().unwrap();
        send.send_data(Bytes::from(vec![1; capacity]), false)
            .unwrap();
        taken += capacity;
    }
    assert_eq!(taken, limit);
    let more = poll_fn(|cx| send.poll_capacity(cx));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), more)
            .await
            .is_err()
    );
    // Taking gives credit back.
    let Some(Body::Stream(mut body)) = unread.lock().take() else {
        panic!("a streamed body");
    };
    let mut read = 0;
    while read < limit {
        match soon(body.next()).await.unwrap().unwrap() {
            wireloom_codecs::Part::Data(data) => read += data.len(),
            wireloom_codecs::Part::Trailers(_) => panic!("no end yet"),
        }
    }
    soon(poll_fn(|cx| send.poll_capacity(cx)))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn no_more_streams_are_opened_than_the_server_allows() {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(2);
    let (channel, mut server) = upstream_with(ChannelLimits::default(), &builder).await;
    let answers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(channel.send(call()).unwrap_or_else(|_| panic!())))
        .collect();
    let Err(refused) = channel.send(call()) else {
        panic!("a third stream");
    };
    assert!(refused.request.head.http.is_some(), "it comes back whole");
    tokio::spawn(async move {
        while let Some(Ok((_, mut respond))) = server.accept().await {
            respond.send_response(Response::new(()), true).unwrap();
        }
    });
    for answer in answers {
        soon(answer).await.unwrap().unwrap();
    }
    let again = channel.send(call()).unwrap_or_else(|_| panic!());
    soon(again).await.unwrap();
}

#[tokio::test]
async fn a_goaway_drains_the_channel_and_leaves_what_is_under_way() {
    let (channel, mut server) = upstream().await;
    let answer = tokio::spawn(channel.send(call()).unwrap_or_else(|_| panic!()));
    let (_, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    server.graceful_shutdown();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    soon(async {
        while channel.state() == ChannelState::Open {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(channel.send(call()).is_err());
    respond.send_response(Response::new(()), true).unwrap();
    soon(answer).await.unwrap().unwrap();
    soon(async {
        while channel.state() != ChannelState::Closed {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn streams_above_the_last_of_a_goaway_were_not_sent() {
    let (near, mut far) = tokio::io::duplex(64 << 10);
    let connector = Http2Connector::default();
    let budget = ByteBudget::new(1 << 20);
    let opening = connector.open(
        Box::new(near),
        ChannelLimits::default(),
        budget,
        std::sync::Arc::new(()),
    );
    far.write_all(&frame(super::raw::SETTINGS, 0, 0, b""))
        .await
        .unwrap();
    let channel = soon(opening).await.unwrap();
    let answers = [(); 2].map(|()| tokio::spawn(channel.send(call()).unwrap_or_else(|_| panic!())));
    let [first, second] = answers;
    let mut goaway = 1_u32.to_be_bytes().to_vec();
    goaway.extend(0_u32.to_be_bytes());
    // Only once both are out is the second one unseen and not unheard of.
    let mut seen = vec![0; 256];
    let mut read = 0;
    while !seen[..read].windows(4).any(|four| four == [0, 0, 0, 3]) {
        read += soon(far.read(&mut seen[read..])).await.unwrap();
    }
    far.write_all(&frame(GOAWAY, 0, 0, &goaway)).await.unwrap();
    let error = soon(second).await.unwrap().unwrap_err();
    assert!(!error.sent, "{}", error.error);
    assert!(!first.is_finished());
    drop(far);
    let error = soon(first).await.unwrap().unwrap_err();
    assert!(error.sent);
    assert_eq!(error.error.kind, ErrorKind::Reset);
}

#[tokio::test]
async fn a_server_that_speaks_no_http2_is_found_out_when_it_is_connected() {
    let (near, mut far) = tokio::io::duplex(64 << 10);
    far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .unwrap();
    let opening = Http2Connector::default().open(
        Box::new(near),
        ChannelLimits::default(),
        ByteBudget::new(1 << 20),
        std::sync::Arc::new(()),
    );
    let Err(error) = soon(opening).await else {
        panic!("it is no HTTP/2 server");
    };
    assert!(
        error.to_string().contains("did not answer in HTTP/2"),
        "{error}"
    );
}

#[tokio::test]
async fn an_idle_channel_closes() {
    let limits = ChannelLimits {
        idle: SHORT,
        ..ChannelLimits::default()
    };
    let (channel, mut server) = upstream_with(limits, &h2::server::Builder::new()).await;
    assert!(soon(server.accept()).await.is_none());
    assert_ne!(channel.state(), ChannelState::Open);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_a_ping_is_given_up() {
    let config = H2Config {
        keep_alive: Span(SHORT),
        keep_alive_timeout: Span(4 * SHORT),
        ..H2Config::default()
    };
    let (near, far) = tokio::io::duplex(64 << 10);
    let served = serve(far, never(), ServeLimits::default(), config);
    let mut raw = Raw::client(near).await;
    raw.next_of(PING).await.unwrap();
    let end = soon(served.done).await.unwrap();
    assert!(
        matches!(end, Err(ConnError::Timeout("heartbeat"))),
        "{end:?}"
    );
}

#[tokio::test]
async fn a_request_body_reaches_the_server_in_parts_with_its_trailers() {
    let (channel, mut server) = upstream().await;
    let (mut sender, upload) = stream(1 << 10);
    let mut asked = call();
    asked.request.body = Body::Stream(upload);
    let answer = tokio::spawn(channel.send(asked).unwrap_or_else(|_| panic!()));
    let (request, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    let mut body = request.into_body();
    for part in ["one", "two"] {
        let data = wireloom_codecs::Part::Data(part.into());
        soon(sender.send(data)).await.unwrap();
        assert_eq!(soon(body.data()).await.unwrap().unwrap(), part);
    }
    // The answer's head is there before the request's end, which still comes.
    let mut send = respond.send_response(Response::new(()), false).unwrap();
    let response = soon(answer).await.unwrap().unwrap();
    let mut fields = HeaderMap::new();
    fields.insert("x-sum", HeaderValue::from_static("6"));
    let trailers = wireloom_codecs::Part::Trailers(fields.clone().into());
    soon(sender.send(trailers)).await.unwrap();
    sender.finish();
    let (rest, end) = soon(drain_body(&mut body)).await.unwrap();
    assert_eq!((rest.len(), end), (0, Some(fields)));
    send.send_data(Bytes::new(), true).unwrap();
    assert!(soon(response.body.collect(10)).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn an_answer_with_more_fields_than_the_limit_is_not_passed_on() {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        while let Some(Ok((_, mut respond))) = server.accept().await {
            let mut answer = Response::new(());
            for _ in 0..101 {
                let value = HeaderValue::from_static("1");
                answer.headers_mut().append("x-many", value);
            }
            respond.send_response(answer, true).unwrap();
        }
    });
    let answer = channel.send(call()).unwrap_or_else(|_| panic!());
    let error = soon(answer).await.unwrap_err();
    assert_eq!(error.error.kind, ErrorKind::Reset);
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_given_up() {
    let (mut near, far) = tokio::io::duplex(4 << 10);
    let served = serve(far, never(), impatient(), H2Config::default());
    let mut bytes = crate::h2::server::PREFACE.to_vec();
    bytes.extend(frame(super::raw::SETTINGS, 0, 0, b""));
    near.write_all(&bytes).await.unwrap();
    // Some of them are within its rights; their answers fill the pipe, and then the server reads no more either.
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(1500);
    let writing = tokio::spawn(async move {
        let _ = near.write_all(&pings).await;
        // It stays, and does not read.
        std::future::pending::<()>().await;
    });
    let end = soon(served.done).await.unwrap();
    assert!(matches!(end, Err(ConnError::Timeout("write"))), "{end:?}");
    writing.abort();
}

#[tokio::test]
async fn answers_that_nobody_reads_leave_room_for_others() {
    let (channel, mut server) = upstream().await;
    tokio::spawn(async move {
        while let Some(Ok((_, mut respond))) = server.accept().await {
            let mut send = respond.send_response(Response::new(()), false).unwrap();
            send.send_data(Bytes::from(vec![0; 1 << 20]), true).unwrap();
        }
    });
    let mut unread = Vec::new();
    for _ in 0..8 {
        let answer = channel.send(call()).unwrap_or_else(|_| panic!());
        unread.push(soon(answer).await.unwrap());
    }
    let answer = channel.send(call()).unwrap_or_else(|_| panic!());
    let response = soon(answer).await.unwrap();
    let (body, _) = soon(response.body.collect(2 << 20)).await.unwrap();
    assert_eq!(body.len(), 1 << 20);
}

#[tokio::test]
async fn a_client_that_stops_reading_stops_the_server() {
    let (channel, mut server) = upstream().await;
    let (mut client, _served) = client(Serves::through(channel)).await;
    let (response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    let (_, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    let mut send = respond.send_response(Response::new(()), false).unwrap();
    let _unread = soon(response).await.unwrap();
    send.reserve_capacity(64 << 20);
    let mut sent = 0;
    // Until no more is taken for a while.
    while let Ok(capacity) = tokio::time::timeout(
        Duration::from_millis(300),
        poll_fn(|cx| send.poll_capacity(cx)),
    )
    .await
    {
        let piece = Bytes::from(vec![0; capacity.unwrap().unwrap()]);
        sent += piece.len();
        send.send_data(piece, false).unwrap();
    }
    // What fills the windows and buffers on the way, and not what the server has.
    assert!(sent < 2 << 20, "{sent}");
}
