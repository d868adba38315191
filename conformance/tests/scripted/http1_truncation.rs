//! A message that broke off never looks complete, on whichever side and in whichever version of HTTP.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;
use wireloom_conformance::scripted::http2::{self, End, Http2, code};
use wireloom_conformance::scripted::raw::PATIENCE;
use wireloom_conformance::scripted::{Backend, Http1, Upstream};

use crate::setup::{END, Setup};

const CUT: [(&str, &str); 4] = [
    ("a short body", "Content-Length: 10\r\n\r\nhello"),
    ("no body at all", "Content-Length: 10\r\n\r\n"),
    (
        "no last chunk",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ),
    (
        "half a chunk",
        "Transfer-Encoding: chunked\r\n\r\na\r\nhello",
    ),
];

#[tokio::test]
async fn requests_that_break_off_are_never_completed() -> Result<()> {
    for (name, rest) in CUT {
        for reset in [false, true] {
            let backend = Backend::ok().await?;
            let mut proxy = Setup::to(backend.address()).start().await?;
            let mut client = Http1::connect(proxy.address()).await?;
            client
                .send(format!("POST /cut HTTP/1.1\r\nHost: test\r\n{rest}"))
                .await?;
            // Long enough for what is streamed to be on its way.
            sleep(Duration::from_millis(300)).await;
            if reset {
                client.raw.reset();
            } else {
                client.raw.finish().await?;
                let answer = client.raw.rest(PATIENCE).await?;
                let text = String::from_utf8_lossy(&answer);
                ensure!(!text.contains(" 200 "), "{name}: {text:?}");
            }
            let mut good = Http1::connect(proxy.address()).await?;
            ensure!(good.get("/good").await?.text() == "ok");
            proxy.check()?;
            drop(good);
            proxy.stop(END).await?;
            // All connections are closed by now.
            for request in backend.take() {
                ensure!(
                    request.target() == "/good" || !request.complete,
                    "{name}, reset {reset}: the server took {request:?}"
                );
            }
        }
    }
    Ok(())
}

/// Tells how the stream of each request ended.
async fn ends() -> Result<Upstream> {
    Upstream::raw(|stream, seen| async move {
        let mut conn = Http2::accept(stream).await?;
        while conn.event().await?.is_some() {
            for (stream, half) in std::mem::take(&mut conn.halves) {
                match half.end {
                    Some(End::Reset(_)) => seen.note("reset"),
                    Some(_) => seen.note("complete"),
                    None => {
                        seen.note("begun");
                        conn.halves.insert(stream, half);
                    }
                }
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn requests_that_break_off_are_reset_upstream() -> Result<()> {
    for (name, rest) in CUT {
        let upstream = ends().await?;
        let setup = Setup::to(upstream.address()).cluster("protocol: http2");
        let mut proxy = setup.start().await?;
        let mut client = Http1::connect(proxy.address()).await?;
        client
            .send(format!("POST /cut HTTP/1.1\r\nHost: test\r\n{rest}"))
            .await?;
        upstream.seen().noted("begun").await?;
        client.raw.reset();
        upstream.seen().noted("reset").await.context(name)?;
        ensure!(
            !upstream.seen().notes().contains(&"complete".to_owned()),
            "{name}"
        );
        proxy.check()?;
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn requests_that_are_reset_are_not_completed_in_http1() -> Result<()> {
    let backend = Backend::ok().await?;
    let setup = Setup::to(backend.address()).cluster("protocol: http1");
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let block = wireloom_conformance::scripted::hpack::block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", "/cut"),
    ]);
    let stream = client.request(&block, false).await?;
    client.send(http2::data(stream, b"hello", false)).await?;
    sleep(Duration::from_millis(300)).await;
    client.send(http2::reset(stream, code::CANCEL)).await?;
    // The same connection goes on.
    ensure!(client.get("/good").await?.body == b"ok");
    // And one whose connection goes.
    client.request(&block, false).await?;
    sleep(Duration::from_millis(300)).await;
    client.raw.reset();
    let mut good = Http1::connect(proxy.address()).await?;
    ensure!(good.get("/good").await?.text() == "ok");
    proxy.check()?;
    drop(good);
    proxy.stop(END).await?;
    for request in backend.take() {
        ensure!(
            request.target() == "/good" || !request.complete,
            "{request:?}"
        );
    }
    Ok(())
}

/// A server of HTTP/2 that begins an answer and breaks it off.
async fn breaks(lost: bool) -> Result<Upstream> {
    Upstream::raw(move |stream, _| async move {
        let mut conn = Http2::accept(stream).await?;
        let stream = conn.next_request().await?.context("no request")?;
        let head = wireloom_conformance::scripted::hpack::block(&[(":status", "200")]);
        let mut bytes = http2::headers(stream, &head, false);
        bytes.extend(http2::data(stream, b"hello", false));
        conn.send(bytes).await?;
        sleep(Duration::from_millis(300)).await;
        if goaway {
            return Ok(());
        }
        conn.send(http2::reset(stream, code::INTERNAL_ERROR))
            .await?;
        while conn.event().await?.is_some() {}
        Ok(())
    })
    .await
}

#[tokio::test]
async fn answers_that_a_server_of_http2_breaks_off_never_look_complete() -> Result<()> {
    for lost in [false, true] {
        let upstream = breaks(lost).await?;
        let setup = Setup::to(upstream.address()).cluster("protocol: http2");
        let mut proxy = setup.start().await?;
        let mut client = Http1::connect(proxy.address()).await?;
        let answer = client.get("/cut").await?;
        ensure!(!answer.complete || answer.status() == 502, "{answer:?}");
        let mut client = Http2::connect(proxy.address()).await?;
        let answer = client.get("/cut").await?;
        ensure!(
            matches!(answer.end, Some(End::Reset(_))) || answer.status() == 502,
            "{answer:?}"
        );
        proxy.check()?;
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_of_unknown_length_that_is_reset_never_looks_complete() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Http1::of(stream);
        conn.request().await?;
        conn.send(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(200_000)))
            .await?;
        sleep(Duration::from_millis(500)).await;
        conn.raw.reset();
        Ok(())
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let answer = client.get("/cut").await?;
    ensure!(
        !answer.complete || answer.status() == 502,
        "{} bytes",
        answer.body.len()
    );
    proxy.check()?;
    proxy.stop(END).await
}
