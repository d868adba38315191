//! HTTP/1.1 and HTTP/2 in each other's place: the same message, in the other's words.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::http2::{self, End, Http2};
use wireloom_conformance::scripted::{Backend, Http1, Upstream, hpack};

use crate::setup::{END, Setup};

async fn proxy_to(server: std::net::SocketAddr, protocol: &str) -> Result<Proxy> {
    let setup = Setup::to(server).cluster(&format!("protocol: {protocol}"));
    setup.start().await
}

#[tokio::test]
async fn a_request_of_http1_becomes_one_of_http2() -> Result<()> {
    let backend = Backend::ok2().await?;
    let mut proxy = proxy_to(backend.address(), "http2").await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("POST /a?b HTTP/1.1\r\nHost: Test:8080\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers, gzip\r\nCookie: a=1; b=2\r\nX-Upper: Value\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n")
        .await?;
    let answer = client.response().await?;
    ensure!(answer.text() == "ok", "{answer:?}");
    let half = backend.take().pop().context("nothing")?;
    ensure!(half.field(":authority") == Some("Test:8080"), "{half:?}");
    ensure!(
        half.field(":path") == Some("/a?b") && half.field(":method") == Some("POST"),
        "{half:?}"
    );
    ensure!(half.field(":scheme") == Some("http"), "{half:?}");
    for gone in [
        "host",
        "connection",
        "x-hop",
        "keep-alive",
        "transfer-encoding",
        "X-Upper",
    ] {
        ensure!(half.field(gone).is_none(), "{gone} is there: {half:?}");
    }
    ensure!(
        half.field("te").is_none_or(|te| te == "trailers"),
        "{half:?}"
    );
    ensure!(half.field("x-upper") == Some("Value"), "{half:?}");
    let cookies: Vec<_> = half
        .fields
        .iter()
        .filter(|(name, _)| name == "cookie")
        .map(|(_, value)| value.as_str())
        .collect();
    ensure!(cookies.join("; ") == "a=1; b=2", "{cookies:?}");
    ensure!(
        half.body == b"hello" && half.trailer("x-sum") == Some("5"),
        "{half:?}"
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_request_of_http2_becomes_one_of_http1() -> Result<()> {
    let backend = Backend::ok().await?;
    let mut proxy = proxy_to(backend.address(), "http1").await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let block = hpack::block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "test:8080"),
        (":path", "/a?b"),
        ("cookie", "a=1"),
        ("x-first", "1"),
        ("cookie", "b=2"),
        ("x-second", "2"),
        ("te", "trailers"),
        ("cookie", "c=3"),
    ]);
    let stream = client.request(&block, false).await?;
    client.send(http2::data(stream, b"hello", false)).await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.send(http2::data(stream, b" world", false)).await?;
    client
        .send(http2::headers(
            stream,
            &hpack::block(&[("x-sum", "11")]),
            true,
        ))
        .await?;
    let answer = client.whole(stream).await?;
    ensure!(answer.body == b"ok", "{answer:?}");
    let text = backend.take().pop().context("nothing")?;
    ensure!(text.first == "POST /a?b HTTP/1.1", "{text:?}");
    ensure!(
        text.count("host") == 1 && text.field("host") == Some("test:8080"),
        "{text:?}"
    );
    ensure!(
        text.fields.iter().all(|(name, _)| !name.starts_with(':')),
        "{text:?}"
    );
    // RFC 9113 §8.2.3: the crumbs are one field again.
    ensure!(
        text.count("cookie") == 1 && text.field("cookie") == Some("a=1; b=2; c=3"),
        "{text:?}"
    );
    ensure!(
        text.field("x-first") == Some("1") && text.field("x-second") == Some("2"),
        "{text:?}"
    );
    ensure!(text.complete && text.body == b"hello world", "{text:?}");
    ensure!(
        text.field("transfer-encoding") == Some("chunked") && text.count("content-length") == 0,
        "{text:?}"
    );
    ensure!(
        text.trailers == [("x-sum".to_owned(), "11".to_owned())],
        "{text:?}"
    );

    // A length that is told stays told; and no body is none.
    let mut block = hpack::block(&[
        (":method", "PUT"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", "/l"),
    ]);
    block.extend(hpack::literal("content-length", "5"));
    let stream = client.request(&block, false).await?;
    client.send(http2::data(stream, b"hello", true)).await?;
    client.whole(stream).await?;
    client.get("/none").await?;
    let seen = backend.take();
    ensure!(seen.len() == 2, "{seen:?}");
    ensure!(
        seen[0].field("content-length") == Some("5") && seen[0].count("transfer-encoding") == 0,
        "{seen:?}"
    );
    ensure!(
        seen[1].count("content-length") + seen[1].count("transfer-encoding") == 0,
        "{seen:?}"
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn an_answer_of_http1_becomes_one_of_http2() -> Result<()> {
    let backend = Backend::http1(|request| {
        let text = match request.target() {
            "/chunked" => "HTTP/1.1 201 Made\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Upper: V\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n",
            "/length" => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "/empty" => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
            "/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
            "/hints" => "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "/head" => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
            _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        };
        text.into()
    })
    .await?;
    let mut proxy = proxy_to(backend.address(), "http1").await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let answer = client.get("/chunked").await?;
    ensure!(
        answer.status() == 201 && answer.body == b"hello",
        "{answer:?}"
    );
    ensure!(
        answer.trailer("x-sum") == Some("5") && answer.end == Some(End::InTrailers),
        "{answer:?}"
    );
    for gone in [
        "connection",
        "x-hop",
        "keep-alive",
        "transfer-encoding",
        "X-Upper",
    ] {
        ensure!(answer.field(gone).is_none(), "{gone} is there: {answer:?}");
    }
    let cookies: Vec<_> = answer
        .fields
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .collect();
    ensure!(cookies.len() == 2, "{answer:?}");
    let answer = client.get("/length").await?;
    ensure!(
        answer.field("content-length") == Some("5") && answer.body == b"hello",
        "{answer:?}"
    );
    for (path, status) in [
        ("/empty", 200),
        ("/204", 204),
        ("/304", 304),
        ("/other", 404),
    ] {
        let answer = client.get(path).await?;
        ensure!(
            answer.status() == status && answer.body.is_empty() && answer.complete(),
            "{path}: {answer:?}"
        );
    }
    let answer = client.get("/hints").await?;
    ensure!(answer.interim == 1 && answer.body == b"hello", "{answer:?}");
    let block = hpack::block(&[
        (":method", "HEAD"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", "/head"),
    ]);
    let stream = client.request(&block, true).await?;
    let answer = client.whole(stream).await?;
    ensure!(
        answer.field("content-length") == Some("1000")
            && answer.body.is_empty()
            && answer.complete(),
        "{answer:?}"
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn an_answer_of_http2_becomes_one_of_http1() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(stream) = conn.next_complete().await? {
            let path = conn
                .half(stream)
                .field(":path")
                .unwrap_or_default()
                .to_owned();
            let head =
                |fields: &[(&str, &str)], end| http2::headers(stream, &hpack::block(fields), end);
            let bytes = match path.as_str() {
                "/trailers" => [
                    head(
                        &[
                            (":status", "200"),
                            ("set-cookie", "a=1"),
                            ("set-cookie", "b=2"),
                            ("trailer", "x-sum"),
                        ],
                        false,
                    ),
                    http2::data(stream, b"hello", false),
                    http2::headers(stream, &hpack::block(&[("x-sum", "5")]), true),
                ]
                .concat(),
                "/length" => [
                    head(&[(":status", "200"), ("content-length", "5")], false),
                    http2::data(stream, b"hello", true),
                ]
                .concat(),
                "/open" => [
                    head(&[(":status", "200")], false),
                    http2::data(stream, b"hello", true),
                ]
                .concat(),
                "/hints" => [
                    head(&[(":status", "103"), ("link", "x")], false),
                    head(&[(":status", "200"), ("content-length", "5")], false),
                    http2::data(stream, b"hello", true),
                ]
                .concat(),
                "/204" => head(&[(":status", "204")], true),
                _ => head(&[(":status", "200")], true),
            };
            conn.send(bytes).await?;
        }
        Ok(())
    })
    .await?;
    let mut proxy = proxy_to(upstream.address(), "http2").await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("GET /trailers HTTP/1.1\r\nHost: test\r\nConnection: TE\r\nTE: trailers\r\n\r\n")
        .await?;
    let answer = client.response().await?;
    ensure!(
        answer.complete && answer.body == b"hello" && answer.count("set-cookie") == 2,
        "{answer:?}"
    );
    ensure!(
        answer.trailers == [("x-sum".to_owned(), "5".to_owned())],
        "{answer:?}"
    );
    let answer = client.get("/length").await?;
    ensure!(
        answer.field("content-length") == Some("5") && answer.count("transfer-encoding") == 0,
        "{answer:?}"
    );
    let answer = client.get("/open").await?;
    ensure!(answer.complete && answer.body == b"hello", "{answer:?}");
    let answer = client.get("/204").await?;
    ensure!(
        answer.status() == 204
            && answer.count("content-length") + answer.count("transfer-encoding") == 0,
        "{answer:?}"
    );
    let answer = client.get("/empty").await?;
    ensure!(answer.complete && answer.body.is_empty(), "{answer:?}");
    client
        .send("GET /hints HTTP/1.1\r\nHost: test\r\n\r\n")
        .await?;
    let interim = client
        .head(Duration::from_secs(10))
        .await?
        .context("closed")?;
    ensure!(interim.status() == 103, "{interim:?}");
    ensure!(client.response().await?.body == b"hello");

    // HTTP/1.0 knows no chunks: the body ends with the connection.
    let mut old = Http1::connect(proxy.address()).await?;
    old.send("GET /open HTTP/1.0\r\nHost: test\r\n\r\n").await?;
    let answer = old.response().await?;
    ensure!(
        answer.count("transfer-encoding") == 0 && answer.body == b"hello" && answer.complete,
        "{answer:?}"
    );
    proxy.check()?;
    drop((client, old));
    proxy.stop(END).await
}
