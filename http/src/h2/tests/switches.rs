//! Connections and streams that become something else: `Upgrade: h2c`, and tunnels over one stream.

use bytes::Bytes;
use futures_util::future::poll_fn;
use http::{HeaderValue, Method, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wireloom_codecs::{
    Accepted, Body, ByteBudget, Call, ErrorKind, Part, Protocol, ServeLimits, drain, stream,
};

use super::raw::{ACK, DATA, END_STREAM, HEADERS, Raw, SETTINGS, frame};
use crate::config::{H1Config, H2Config};
use crate::h1::Http1;
use crate::h2::Http2;
use crate::h2::support::{
    PATIENCE, Serves, client, drain_body, request, response, soon, upstream, upstream_with,
};

/// What a server with extended CONNECT announces.
fn extended() -> h2::server::Builder {
    let mut builder = h2::server::Builder::new();
    builder.enable_connect_protocol();
    builder
}

fn websocket() -> http::Request<()> {
    let mut head = http::Request::new(());
    *head.method_mut() = Method::CONNECT;
    *head.uri_mut() = "http://a.example/chat".parse().unwrap();
    let protocol = h2::ext::Protocol::from_static("websocket");
    head.extensions_mut().insert(protocol);
    head
}

#[tokio::test]
async fn a_tunnel_over_a_stream_carries_bytes_both_ways() {
    let (channel, mut server) = upstream_with(Default::default(), &extended()).await;
    tokio::spawn(async move {
        while let Some(Ok((request, mut respond))) = server.accept().await {
            let protocol = request.extensions().get::<h2::ext::Protocol>();
            assert_eq!(protocol.unwrap().as_str(), "websocket");
            assert_eq!(request.uri().path(), "/chat");
            tokio::spawn(async move {
                let mut body = request.into_body();
                let mut send = respond.send_response(Response::new(()), false).unwrap();
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    let _ = body.flow_control().release_capacity(data.len());
                    send.send_data(data, false).unwrap();
                }
                send.send_data(Bytes::from_static(b"bye"), true).unwrap();
            });
        }
    });
    let (mut client, _served) = client(Serves::through(channel)).await;
    // The setting is learnt with the server's first frame.
    soon(async {
        while !client.is_extended_connect_protocol_enabled() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (response, mut send) = client.send_request(websocket(), false).unwrap();
    let response = soon(response).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    for part in ["one", "two"] {
        send.send_data(Bytes::from(part), false).unwrap();
        assert_eq!(soon(body.data()).await.unwrap().unwrap(), part);
    }
    // Half closed: the other direction goes on.
    send.send_data(Bytes::new(), true).unwrap();
    let (rest, _) = soon(drain_body(&mut body)).await.unwrap();
    assert_eq!(rest, b"bye");
}

#[tokio::test]
async fn a_switch_of_http1_upstream_is_a_200_here() {
    let service = Serves::new(|request| async move {
        let http = request.head.http.as_ref().unwrap();
        assert_eq!(http.method, Method::CONNECT);
        let key = http::HeaderName::from_static("sec-websocket-key");
        assert_eq!(http.headers.get(&key).unwrap().len(), 24);
        assert_eq!(http.upgrade.as_ref().unwrap().as_str(), "websocket");
        Ok(response(101, request.body))
    });
    let (mut client, _served) = client(service).await;
    soon(async {
        while !client.is_extended_connect_protocol_enabled() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (response, mut send) = client.send_request(websocket(), false).unwrap();
    let response = soon(response).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    send.send_data(Bytes::from_static(b"echo"), false).unwrap();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "echo");
}

/// An upgrade as an HTTP/1.1 client asks for it.
fn upgrade(body: Body) -> Call {
    let mut request = request(Method::GET, body);
    let http = request.head.http.as_mut().unwrap();
    http.upgrade = Some("websocket".into());
    let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
    let name = http::HeaderName::from_static("sec-websocket-key");
    http.headers.append(&name, &key);
    Call {
        request,
        deadline: std::time::Instant::now() + PATIENCE,
    }
}

#[tokio::test]
async fn an_upgrade_of_http1_becomes_extended_connect() {
    let (channel, mut server) = upstream_with(Default::default(), &extended()).await;
    let (mut sender, upload) = stream(1 << 10);
    let call = upgrade(Body::Stream(upload));
    let answer = tokio::spawn(channel.send(call).unwrap_or_else(|_| panic!()));
    let (asked, mut respond) = soon(server.accept()).await.unwrap().unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    assert_eq!(asked.method(), Method::CONNECT);
    assert!(!asked.headers().contains_key("sec-websocket-key"));
    let mut send = respond.send_response(Response::new(()), false).unwrap();
    let response = soon(answer).await.unwrap().unwrap();
    let http = response.head.http.as_ref().unwrap();
    assert_eq!(http.status, StatusCode::SWITCHING_PROTOCOLS);
    let name = http::HeaderName::from_static("sec-websocket-accept");
    let accept = http.headers.get(&name).unwrap();
    assert_eq!(accept, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    sender.push(Part::Data("up".into())).unwrap();
    assert_eq!(soon(asked.into_body().data()).await.unwrap().unwrap(), "up");
    send.send_data(Bytes::from_static(b"down"), true).unwrap();
    assert_eq!(soon(response.body.collect(10)).await.unwrap().0, "down");
    soon(poll_fn(|cx| sender.poll_abandoned(cx))).await;
}

#[tokio::test]
async fn a_server_without_extended_connect_is_not_asked() {
    let (channel, _server) = upstream().await;
    let answer = channel
        .send(upgrade(Body::Empty))
        .unwrap_or_else(|_| panic!());
    let error = soon(answer).await.unwrap_err();
    assert_eq!(error.error.kind, ErrorKind::Unsupported);
    assert!(!error.sent);
}

#[tokio::test]
async fn a_request_of_http1_is_answered_as_stream_1() {
    let service = Serves::new(|request| async move {
        let http = request.head.http.as_ref().unwrap();
        let mut answer = response(200, request.body);
        let header = http.headers.get(&http::HeaderName::from_static("x-ask"));
        let value = HeaderValue::from_bytes(header.unwrap_or(b"none")).unwrap();
        let name = http::HeaderName::from_static("x-answer");
        answer
            .head
            .http
            .as_mut()
            .unwrap()
            .headers
            .append(&name, &value);
        Ok(answer)
    });
    let (mut near, far) = tokio::io::duplex(64 << 10);
    let (_drain, watch) = drain();
    let accepted = Accepted {
        io: Box::new(far),
        prefix: Bytes::new(),
        limits: ServeLimits::default(),
        budget: ByteBudget::new(1 << 20),
        drain: watch,
        tls: false,
    };
    let http1 = Http1::with_handover(H1Config::default(), Http2::new(H2Config::default()));
    let serving = tokio::spawn(http1.serve(accepted, service));
    // SETTINGS_INITIAL_WINDOW_SIZE 3: what the header says counts.
    let upgrade = "GET /a HTTP/1.1\r\nHost: a.example\r\nX-Ask: 7\r\n\
        Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAQAAAAD\r\n\r\n";
    near.write_all(upgrade.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon(near.read_u8()).await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    let mut raw = Raw::client(near).await;
    let (mut acknowledged, mut head) = (0, None);
    while acknowledged == 0 || head.is_none() {
        let frame = raw.next().await.unwrap();
        match frame.kind {
            SETTINGS if frame.flags & ACK != 0 => acknowledged += 1,
            HEADERS => head = Some(frame),
            _ => {}
        }
    }
    let head = head.unwrap();
    assert_eq!((head.stream, head.flags & END_STREAM), (1, END_STREAM));
    // Another stream, as usual: its answer is cut to the window of the header.
    let flags = super::raw::END_HEADERS;
    raw.send(&frame(HEADERS, flags, 3, &super::raw::get()))
        .await;
    raw.send(&frame(DATA, END_STREAM, 3, b"hello")).await;
    assert_eq!(raw.next_of(HEADERS).await.unwrap().stream, 3);
    assert_eq!(raw.next_of(DATA).await.unwrap().payload, b"hel");
    raw.send(&frame(super::raw::PING, 0, 0, &[0; 8])).await;
    while let Some(frame) = raw.next().await {
        assert!(frame.kind != SETTINGS || frame.flags & ACK == 0);
        if frame.kind == super::raw::PING {
            break;
        }
    }
    drop(raw);
    let _ = soon(serving).await.unwrap();
}
