//! Requests of HTTP/2 that are none: the stream is reset or refused, the connection goes on, and nothing of it becomes
//! HTTP/1.1.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::scripted::http2::{self, End, Half, Http2, code};
use wireloom_conformance::scripted::{Backend, hpack};

use crate::setup::{END, Setup};

/// The four fields, some of them replaced, and more.
fn request(replaced: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", "/bad"),
    ];
    let fields = fields.map(|(name, value)| {
        let with = replaced.iter().find(|(key, _)| *key == name);
        (name, with.map_or(value, |(_, value)| *value))
    });
    [hpack::block(&fields), hpack::block(more)].concat()
}

/// A head without DATA.
fn heads() -> Vec<(String, Vec<u8>)> {
    let without = |gone: &str| {
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "test"),
            (":path", "/bad"),
        ];
        let left: Vec<_> = fields
            .into_iter()
            .filter(|(name, _)| *name != gone)
            .collect();
        (format!("no {gone}"), hpack::block(&left))
    };
    let more =
        |name: &str, value: &str| (format!("{name}: {value:?}"), request(&[], &[(name, value)]));
    let with =
        |name: &str, value: &str| (format!("{name} {value:?}"), request(&[(name, value)], &[]));
    let mut rows = vec![
        without(":method"),
        without(":scheme"),
        without(":path"),
        more(":path", "/twice"),
        more(":method", "GET"),
        more(":authority", "twice"),
        more(":status", "200"),
        more(":unknown", "x"),
        (
            ":path behind a field".to_owned(),
            [hpack::block(&[("x", "y")]), request(&[], &[])].concat(),
        ),
        with(":path", ""),
        with(":path", "bad"),
        with(":path", "*"),
        with(":path", "/bad HTTP/1.1\r\nX: y"),
        with(":path", "/bad x"),
        with(":path", "/bad\0"),
        with(":path", "/bad\r"),
        with(":path", "/bad\n"),
        with(":path", "/bad\t"),
        with(":method", ""),
        with(":method", "GET /x HTTP/1.1\r\nX:"),
        with(":method", "GE T"),
        with(":method", "GET\r\n"),
        with(":method", "GET:"),
        with(":authority", "test\r\nX: y"),
        with(":authority", "te st"),
        with(":authority", "test/x"),
        with(":authority", "me@test"),
        with(":authority", "test\0"),
        with(":authority", "test:65536"),
        with(":scheme", "http\r\n"),
        more("host", "other"),
        more("connection", "close"),
        more("connection", "x"),
        more("keep-alive", "timeout=5"),
        more("proxy-connection", "keep-alive"),
        more("transfer-encoding", "chunked"),
        more("upgrade", "websocket"),
        more("te", "gzip"),
        more("te", "trailers, gzip"),
        more("X-Upper", "y"),
        more("x y", "z"),
        more("x:y", "z"),
        more("x\r\ny", "z"),
        more("x\0", "z"),
        more("", "z"),
        more("x", "a\r\nY: b"),
        more("x", "a\rb"),
        more("x", "a\nb"),
        more("x", "a\0b"),
        more("content-length", "+5"),
        more("content-length", "-5"),
        more("content-length", "5x"),
        more("content-length", ""),
        more("content-length", "18446744073709551621"),
        more("content-length", "5"),
    ];
    rows.push((
        "two content lengths".to_owned(),
        request(&[], &[("content-length", "0"), ("content-length", "5")]),
    ));
    rows.push((
        "two hosts".to_owned(),
        request(&[], &[("host", "test"), ("host", "test")]),
    ));
    rows
}

/// A refusal: a reset, or a 4xx.
fn refused(half: &Half) -> bool {
    match half.end {
        Some(End::Reset(code)) => code == code::PROTOCOL_ERROR || half.status() >= 400,
        Some(_) => (400..500).contains(&half.status()),
        None => false,
    }
}

#[tokio::test]
async fn malformed_heads_are_refused_and_the_connection_goes_on() -> Result<()> {
    let mut problems = Vec::new();
    for upstream in ["http1", "http2"] {
        let (one, two) = (Backend::ok().await?, Backend::ok2().await?);
        let address = if upstream == "http1" {
            one.address()
        } else {
            two.address()
        };
        let setup = Setup::to(address).cluster(&format!("protocol: {upstream}"));
        let mut proxy = setup.start().await?;
        for (name, block) in heads() {
            let mut client = Http2::connect(proxy.address()).await?;
            let stream = client.request(&block, true).await?;
            match client.whole(stream).await {
                Ok(half) if refused(&half) => {}
                Ok(half) => problems.push(format!(
                    "{upstream}: {name}: {:?} {:?}",
                    half.fields, half.end
                )),
                // The h2 crate takes bytes that no field may have for an error of the connection, and says so.
                Err(_) if client.goaways.iter().any(|(_, code)| *code != 0) => continue,
                Err(error) => {
                    problems.push(format!("{upstream}: {name}: {error:#}"));
                    continue;
                }
            }
            let good = client.get("/good").await;
            if good.as_ref().is_ok_and(|good| good.body == b"ok") {
                continue;
            }
            problems.push(format!("{upstream}: behind {name}: {good:?}"));
        }
        for text in one.take() {
            if text.target() != "/good" {
                problems.push(format!("{upstream}: the server saw {text:?}"));
            }
        }
        for half in two.take() {
            if half.field(":path") != Some("/good") {
                problems.push(format!("{upstream}: the server saw {:?}", half.fields));
            }
        }
        proxy.check()?;
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_body_that_disagrees_with_its_length_is_never_completed() -> Result<()> {
    let backend = Backend::ok().await?;
    let setup = Setup::to(backend.address()).cluster("protocol: http1");
    let mut proxy = setup.start().await?;
    let mut problems = Vec::new();
    let smuggled = b"helloGET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
    let rows: [(&str, &str, Vec<&[u8]>); 6] = [
        ("length 0 and a body", "0", vec![b"hello"]),
        ("more than the length", "5", vec![smuggled]),
        (
            "more than the length, in two parts",
            "5",
            vec![b"hello", b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"],
        ),
        ("less than the length", "10", vec![b"hello"]),
        (
            "less than the length, in two parts",
            "10",
            vec![b"hel", b"lo"],
        ),
        ("nothing of a length", "5", vec![b""]),
    ];
    for (name, length, parts) in rows {
        let mut client = Http2::connect(proxy.address()).await?;
        let block = request(&[], &[("content-length", length)]);
        let stream = client.request(&block, false).await?;
        let count = parts.len();
        for (n, part) in parts.into_iter().enumerate() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            client
                .send(http2::data(stream, part, n + 1 == count))
                .await?;
        }
        let half = client
            .whole(stream)
            .await
            .with_context(|| name.to_owned())?;
        let reset = matches!(half.end, Some(End::Reset(_)));
        // All that was announced may be there, and answered, before what is too much comes.
        let surplus = ["length 0 and a body", "more than the length, in two parts"].contains(&name);
        if !reset && !(400..500).contains(&half.status()) && !surplus {
            problems.push(format!("{name}: {:?} {:?}", half.fields, half.end));
        }
        let good = client.get("/good").await?;
        ensure!(good.body == b"ok", "behind {name}: {good:?}");
    }
    proxy.check()?;
    proxy.stop(END).await?;
    for request in backend.take() {
        let exact =
            request.field("content-length") == Some(request.body.len().to_string().as_str());
        ensure!(!request.target().contains("smuggled"), "{request:?}");
        if request.target() != "/good" && request.complete && !exact {
            problems.push(format!("the server saw {request:?}"));
        }
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn trailers_that_are_none_break_the_request() -> Result<()> {
    let backend = Backend::ok().await?;
    let setup = Setup::to(backend.address()).cluster("protocol: http1");
    let mut proxy = setup.start().await?;
    let mut problems = Vec::new();
    for (name, value) in [
        (":path", "/x"),
        (":status", "200"),
        ("X-Upper", "y"),
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("x", "a\r\nb"),
        ("x\r\ny", "z"),
    ] {
        let mut client = Http2::connect(proxy.address()).await?;
        let stream = client.request(&request(&[], &[]), false).await?;
        client.send(http2::data(stream, b"hello", false)).await?;
        client
            .send(http2::headers(
                stream,
                &hpack::block(&[(name, value)]),
                true,
            ))
            .await?;
        // Pseudo-header fields in trailers are dropped by the h2 crate; none of it may go further.
        let dropped = name.starts_with(':');
        match client.whole(stream).await {
            Ok(half) if dropped || refused(&half) || matches!(half.end, Some(End::Reset(_))) => {}
            Err(_) if client.goaways.iter().any(|(_, code)| *code != 0) => {}
            other => problems.push(format!("{name}: {value:?}: {other:?}")),
        }
    }
    proxy.check()?;
    proxy.stop(END).await?;
    for request in backend.take() {
        if request.complete && !request.trailers.is_empty() {
            problems.push(format!("the server saw {request:?}"));
        }
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}
