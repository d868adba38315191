//! Requests that are refused, and what of them is forgiven.

use super::raw::{
    ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, Raw, SETTINGS,
    WINDOW_UPDATE, field, frame, get,
};
use crate::config::H2Config;
use crate::h2::support::{Serves, client, head, response, serve, soon};
use http::{HeaderName, HeaderValue, Method};
use wireloom_codecs::{Body, ServeLimits};

fn ok() -> Serves {
    Serves::new(|_| async { Ok(response(200, Body::Whole("ok".into()))) })
}

#[tokio::test]
async fn more_fields_than_the_limit_are_refused_crumbs_of_cookies_too() {
    let (mut client, _served) = client(ok()).await;
    for (fields, status) in [(100, 200), (101, 431)] {
        let mut head = head(Method::GET, "/");
        for _ in 0..fields {
            let crumb = HeaderValue::from_static("a=b");
            head.headers_mut().append(http::header::COOKIE, crumb);
        }
        let (response, _) = client.send_request(head, true).unwrap();
        assert_eq!(soon(response).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let (mut client, _served) = client(ok()).await;
    let mut large = head(Method::GET, "/");
    for field in 0..20 {
        let name = HeaderName::try_from(format!("x-{field}")).unwrap();
        let value = HeaderValue::try_from("v".repeat(4000)).unwrap();
        large.headers_mut().insert(name, value);
    }
    let (response, _) = client.send_request(large, true).unwrap();
    let refused = match soon(response).await {
        Ok(response) => response.status() == 431,
        Err(error) => error.is_reset(),
    };
    assert!(refused);
    let (response, _) = client.send_request(head(Method::GET, "/"), true).unwrap();
    assert_eq!(soon(response).await.unwrap().status(), 200, "others go on");
}

#[tokio::test]
async fn connect_is_off() {
    let (mut client, _served) = client(ok()).await;
    let head = http::Request::connect("a.example:80").body(()).unwrap();
    let (response, _) = client.send_request(head, true).unwrap();
    assert_eq!(soon(response).await.unwrap().status(), 405);
}

#[tokio::test]
async fn an_authority_that_contradicts_the_host_is_refused() {
    let (mut client, _served) = client(ok()).await;
    for (host, status) in [("a.example", 200), ("b.example", 400)] {
        let mut head = head(Method::GET, "/");
        let host = HeaderValue::from_static(host);
        head.headers_mut().insert("host", host);
        let (response, _) = client.send_request(head, true).unwrap();
        assert_eq!(soon(response).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn malformed_requests_are_reset_and_reach_nobody() {
    let bad = [
        vec![field(":method", "GET")],
        vec![get(), field("connection", "close")],
        vec![get(), field("te", "gzip")],
        vec![get(), field("X-Upper", "1")],
        vec![get(), field(":status", "200")],
        vec![get(), field("content-length", "+5")],
        vec![get(), field("content-length", "5")],
        vec![get(), field("x", "a\r\nb")],
        vec![get(), field("transfer-encoding", "chunked")],
    ];
    for (at, block) in bad.into_iter().enumerate() {
        let service = Serves::new(|_| async { panic!("it must not come this far") });
        let (near, far) = tokio::io::duplex(64 << 10);
        let _served = serve(far, service, ServeLimits::default(), H2Config::default());
        let mut raw = Raw::client(near).await;
        let flags = END_HEADERS | END_STREAM;
        raw.send(&frame(HEADERS, flags, 1, &block.concat())).await;
        // h2 takes some of them for errors of the connection, as RFC 9113 §5.4.2 allows.
        let code = loop {
            let frame = raw.next().await.expect("a reason");
            match frame.kind {
                RST_STREAM => break frame.number(0),
                GOAWAY => break frame.number(4),
                _ => {}
            }
        };
        assert_eq!(code, 1, "case {at}");
    }
}

/// As Dubbo 3.3 does, which believes that a connection's window begins with 65,536 bytes.
#[tokio::test]
async fn a_peer_that_takes_a_byte_too_much_is_forgiven() {
    let service = Serves::new(|request| async move {
        let _unread = request;
        std::future::pending().await
    });
    let (near, far) = tokio::io::duplex(64 << 10);
    let _served = serve(far, service, ServeLimits::default(), H2Config::default());
    let mut raw = Raw::client(near).await;
    let update = raw.next_of(WINDOW_UPDATE).await.unwrap();
    raw.send(&frame(SETTINGS, ACK, 0, b"")).await;
    let mut left = 65_536 + update.number(0) as usize;
    let block = [get(), field("x-body", "1")].concat();
    for stream in (1..).step_by(2) {
        raw.send(&frame(HEADERS, END_HEADERS, stream, &block)).await;
        for _ in 0..16 {
            let part = left.min(16_000);
            left -= part;
            raw.send(&frame(DATA, 0, stream, &vec![0; part])).await;
        }
        if left == 0 {
            break;
        }
    }
    raw.send(&frame(PING, 0, 0, b"and now?")).await;
    loop {
        let answer = raw.next().await.expect("an answer");
        assert_ne!(answer.kind, GOAWAY, "{answer:?}");
        if answer.kind == PING && answer.payload == b"and now?" {
            break;
        }
    }
    // What is over that is too much.
    raw.send(&frame(DATA, 0, 1, b"x")).await;
    assert_eq!(raw.next_of(GOAWAY).await.unwrap().number(4), 3);
}

#[tokio::test]
async fn a_target_is_a_path_or_an_asterisk_of_options() {
    for (method, path, status) in [
        ("GET", "/", "200"),
        ("OPTIONS", "*", "200"),
        ("GET", "*", "400"),
        ("GET", "elsewhere", "400"),
        ("GET", "http://b.example/", "400"),
    ] {
        let (near, far) = tokio::io::duplex(64 << 10);
        let _served = serve(far, ok(), ServeLimits::default(), H2Config::default());
        let mut raw = Raw::client(near).await;
        let block = [
            field(":method", method),
            field(":scheme", "http"),
            field(":path", path),
            field(":authority", "a.example"),
        ];
        let flags = END_HEADERS | END_STREAM;
        raw.send(&frame(HEADERS, flags, 1, &block.concat())).await;
        let reset = loop {
            let frame = raw.next().await.expect("an answer");
            match frame.kind {
                // :status 200 is entry 8 of the static table, :status 400 entry 12 (RFC 7541 appendix A).
                HEADERS => {
                    let status = match frame.payload.iter().find(|byte| **byte & 0x80 != 0) {
                        Some(0x88) => "200",
                        Some(0x8c) => "400",
                        _ => "another",
                    };
                    break status;
                }
                RST_STREAM => break "400",
                _ => {}
            }
        };
        assert_eq!(reset, status, "{method} {path}");
    }
}
