//! Tunnels: none before the server has agreed, and then nothing but bytes, each way to its own end.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::Instant;
use wireloom_conformance::scripted::http2::{self, End, Http2};
use wireloom_conformance::scripted::raw::{PATIENCE, Raw};
use wireloom_conformance::scripted::{Backend, Http1, Upstream};

use crate::setup::{END, Setup};

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// Agrees to every switch, sends all bytes back, and `bye` when the client has sent its end.
async fn echo(switch: &'static str) -> Result<Upstream> {
    Upstream::raw(move |stream, _| async move {
        let mut conn = Http1::of(stream);
        conn.head(PATIENCE).await?.context("no request")?;
        conn.send(switch).await?;
        let mut raw = conn.raw;
        loop {
            let bytes = std::mem::take(&mut raw.buffer);
            raw.send(bytes).await?;
            if !raw.fill(Instant::now() + PATIENCE).await? {
                break;
            }
        }
        raw.send("bye").await?;
        raw.finish().await
    })
    .await
}

#[tokio::test]
async fn bytes_behind_an_upgrade_that_is_not_accepted_stay_http() -> Result<()> {
    let backend = Backend::targets().await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    for protocol in ["websocket", "echo", "unheard/of"] {
        let upgrade = UPGRADE.replace("echo", protocol);
        let mut client = Http1::connect(proxy.address()).await?;
        client
            .send(format!(
                "{upgrade}GET /second HTTP/1.1\r\nHost: test\r\n\r\n"
            ))
            .await?;
        let first = client.response().await?;
        let second = client.response().await.context("the second request")?;
        ensure!(first.text() == "/chat" && second.text() == "/second");
        let seen: Vec<_> = backend
            .take()
            .iter()
            .map(|text| text.target().to_owned())
            .collect();
        ensure!(seen == ["/chat", "/second"], "the server saw {seen:?}");
        // What is no HTTP gets no further.
        let mut client = Http1::connect(proxy.address()).await?;
        client
            .send(format!("{upgrade}\x01\x02 raw bytes\r\n\r\n"))
            .await?;
        ensure!(client.response().await?.text() == "/chat");
        let answer = client.raw.rest(PATIENCE).await?;
        let text = String::from_utf8_lossy(&answer);
        ensure!(
            text.is_empty() || text.starts_with("HTTP/1.1 400"),
            "{text:?}"
        );
        let seen = backend.take();
        ensure!(seen.len() == 1, "the server saw {seen:?}");
    }
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn an_upgrade_with_a_body_is_no_upgrade() -> Result<()> {
    let backend = Backend::targets().await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    for framing in [
        "Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let mut client = Http1::connect(proxy.address()).await?;
        client
            .send(format!("POST /chat HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n{framing}"))
            .await?;
        let answer = client.response().await?;
        for request in backend.take() {
            ensure!(request.count("upgrade") == 0, "{request:?}");
            ensure!(request.body == b"hello" && request.complete, "{request:?}");
        }
        ensure!(matches!(answer.status(), 200 | 400), "{answer:?}");
    }
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn http2_by_upgrade_is_taken_here_or_nowhere() -> Result<()> {
    let backend = Backend::targets().await?;
    let mut proxy = Setup::to(backend.address())
        .cluster("protocol: http1")
        .start()
        .await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("GET /first HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
        .await?;
    let head = client.head(PATIENCE).await?.context("no answer")?;
    if head.status() == 101 {
        ensure!(head.field("upgrade") == Some("h2c"), "{head:?}");
        let mut client = Http2::over(client.raw);
        client
            .send([http2::PREFACE.as_slice(), &http2::settings(&[])].concat())
            .await?;
        let answer = client.whole(1).await?;
        ensure!(answer.body == b"/first" && answer.complete(), "{answer:?}");
        // Stream 1 is the request that asked for it.
        client
            .send(http2::headers(3, &http2::get("/second"), true))
            .await?;
        ensure!(client.whole(3).await?.body == b"/second");
    } else {
        ensure!(head.status() == 200, "{head:?}");
    }
    for request in backend.take() {
        for hop in ["upgrade", "http2-settings"] {
            ensure!(
                request.count(hop) == 0,
                "{hop} reached the server: {request:?}"
            );
        }
    }
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_and_each_end_by_itself() -> Result<()> {
    let upstream = echo(SWITCH).await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    // The first bytes come with the request, before the server has agreed.
    let mut client = Http1::connect(proxy.address()).await?;
    client.send(format!("{UPGRADE}early")).await?;
    let head = client.head(PATIENCE).await?.context("no answer")?;
    ensure!(
        head.status() == 101 && head.field("upgrade") == Some("echo"),
        "{head:?}"
    );
    let mut tunnel = client.raw;
    ensure!(tunnel.exactly(5).await? == b"early");
    let big: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"\0\xff\r\n0\r\n\r\n"] {
        tunnel.send(bytes).await?;
        ensure!(tunnel.exactly(bytes.len()).await? == bytes);
    }
    for part in big.chunks(50_000) {
        tunnel.send(part).await?;
        ensure!(tunnel.exactly(part.len()).await? == part);
    }
    // Half closed: the server still has something to say.
    tunnel.finish().await?;
    let rest = tunnel.rest(PATIENCE).await?;
    ensure!(rest == b"bye", "{:?}", String::from_utf8_lossy(&rest));
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn a_server_that_ends_a_tunnel_still_hears_the_client() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Http1::of(stream);
        conn.head(PATIENCE).await?.context("no request")?;
        conn.send(format!("{SWITCH}all I have")).await?;
        conn.raw.finish().await?;
        let last = conn.raw.exactly(4).await?;
        if last == b"last" {
            seen.note("last");
        }
        Ok(())
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client.send(UPGRADE).await?;
    client.head(PATIENCE).await?.context("no answer")?;
    let mut tunnel = client.raw;
    ensure!(tunnel.exactly(10).await? == b"all I have");
    ensure!(!tunnel.fill(Instant::now() + PATIENCE).await?, "more came");
    tunnel.send("last").await?;
    upstream.seen().noted("last").await?;
    proxy.check()?;
    drop(tunnel);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_tunnel_that_a_client_resets_ends_at_the_server() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Http1::of(stream);
        conn.head(PATIENCE).await?.context("no request")?;
        conn.send(SWITCH).await?;
        let ended = conn.raw.rest(PATIENCE).await;
        if ended.is_ok() {
            seen.note("ended");
        }
        Ok(())
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client.send(UPGRADE).await?;
    client.head(PATIENCE).await?.context("no answer")?;
    client.raw.reset();
    upstream.seen().noted("ended").await?;
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_a_failure() -> Result<()> {
    let upstream = echo(SWITCH).await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("GET /plain HTTP/1.1\r\nHost: test\r\n\r\n")
        .await?;
    let answer = client.response().await?;
    ensure!(answer.status() == 502, "{answer:?}");
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_switch_to_something_else_opens_no_tunnel_of_the_clients_protocol() -> Result<()> {
    let upstream =
        echo("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
            .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client.send(UPGRADE).await?;
    let answer = client.head(PATIENCE).await?.context("no answer")?;
    // Whoever lets it through tells the client what the server has switched to.
    let told = answer.status() == 101 && answer.field("upgrade") == Some("other");
    ensure!(told || answer.status() == 502, "{answer:?}");
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn connect_is_a_tunnel_where_it_is_allowed() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Http1::of(stream);
        let head = conn.head(PATIENCE).await?.context("no request")?;
        seen.note(&head.first);
        conn.send("HTTP/1.1 200 OK\r\n\r\n").await?;
        let bytes = conn.raw.exactly(5).await?;
        conn.raw.send(bytes).await?;
        conn.raw.finish().await
    })
    .await?;
    let mut proxy = Setup::to(upstream.address())
        .http("h1: {connect: true}")
        .start()
        .await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("CONNECT inner:443 HTTP/1.1\r\nHost: inner:443\r\n\r\n")
        .await?;
    let head = client.head(PATIENCE).await?.context("no answer")?;
    ensure!(head.status() == 200, "{head:?}");
    ensure!(
        head.count("content-length") + head.count("transfer-encoding") == 0,
        "{head:?}"
    );
    client.raw.send("hello").await?;
    ensure!(client.raw.rest(PATIENCE).await? == b"hello");
    upstream.seen().noted("CONNECT inner:443 HTTP/1.1").await?;
    proxy.check()?;
    proxy.stop(END).await
}

/// RFC 8441: WebSocket over HTTP/2, to a server that speaks HTTP/1.1.
#[tokio::test]
async fn extended_connect_becomes_an_upgrade() -> Result<()> {
    let upstream = echo(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    )
    .await?;
    let setup = Setup::to(upstream.address()).cluster("protocol: http1");
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let block = wireloom_conformance::scripted::hpack::block(&[
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", "/chat"),
        ("sec-websocket-version", "13"),
    ]);
    let stream = client.request(&block, false).await?;
    client.send(http2::data(stream, b"hello", false)).await?;
    let end = Instant::now() + PATIENCE;
    while client.half(stream).body != b"hello" {
        let event = client.event_by(end).await?;
        ensure!(
            event.is_some() && client.half(stream).end.is_none(),
            "{:?}",
            client.half(stream)
        );
    }
    ensure!(
        client.half(stream).status() == 200,
        "{:?}",
        client.half(stream)
    );
    client.send(http2::data(stream, b"", true)).await?;
    let answer = client.whole(stream).await?;
    ensure!(
        answer.body == b"hellobye" && answer.end == Some(End::InData),
        "{answer:?}"
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_tunnel_outlives_the_timeouts_of_requests() -> Result<()> {
    let upstream = echo(SWITCH).await?;
    let setup = Setup::to(upstream.address())
        .listener("timeouts: {header: 1s, idle: 1s}")
        .route("timeout: 1s");
    let mut proxy = setup.start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client.send(UPGRADE).await?;
    client.head(PATIENCE).await?.context("no answer")?;
    let mut tunnel: Raw = client.raw;
    for _ in 0..3 {
        tunnel.quiet(Duration::from_millis(900)).await?;
        tunnel.send("x").await?;
        ensure!(tunnel.exactly(1).await? == b"x");
    }
    proxy.check()?;
    drop(tunnel);
    proxy.stop(END).await
}
