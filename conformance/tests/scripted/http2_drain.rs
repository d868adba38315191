//! The end of HTTP/2 connections that nobody should feel: drains here and at servers, GOAWAY with streams under way.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};
use wireloom_conformance::scripted::http2::{self, Event, Http2, code, frame, kind};
use wireloom_conformance::scripted::raw::PATIENCE;
use wireloom_conformance::scripted::{Backend, Http1, Upstream};

use crate::setup::{END, Setup};

/// Answers each request after a second.
async fn slow() -> Result<Upstream> {
    Upstream::raw(|stream, seen| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(stream) = conn.next_complete().await? {
            seen.note("request");
            sleep(Duration::from_secs(1)).await;
            conn.respond(stream, &[(":status", "200")], b"slow").await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_drain_says_goaway_twice_and_finishes_what_is_under_way() -> Result<()> {
    let upstream = slow().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let stream = client.request(&http2::get("/"), true).await?;
    upstream.seen().noted("request").await?;
    proxy.signal(Signal::TERM);
    // Between the two a request is still taken.
    let end = Instant::now() + PATIENCE;
    while client.goaways.is_empty() {
        ensure!(
            client.event_by(end).await?.is_some(),
            "closed without GOAWAY"
        );
    }
    ensure!(
        client.goaways == [((1 << 31) - 1, code::NO_ERROR)],
        "{:?}",
        client.goaways
    );
    let answer = client.whole(stream).await?;
    ensure!(answer.body == b"slow", "{answer:?}");
    client.closes(END).await?;
    ensure!(
        client.goaways.len() >= 2 && client.goaways.iter().all(|(_, code)| *code == 0),
        "{:?}",
        client.goaways
    );
    let (last, _) = client.goaways.last().context("none")?;
    ensure!(*last == stream, "{:?}", client.goaways);
    proxy.ended(END).await
}

#[tokio::test]
async fn a_drain_tells_http1_with_its_next_answer() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Http1::of(stream);
        while conn.request().await?.is_some() {
            seen.note("request");
            sleep(Duration::from_secs(1)).await;
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
                .await?;
        }
        Ok(())
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await?;
    upstream.seen().noted("request").await?;
    proxy.signal(Signal::TERM);
    let answer = client.response().await?;
    ensure!(answer.text() == "slow", "{answer:?}");
    let close = answer
        .field("connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    ensure!(close, "{answer:?}");
    client.raw.rest(END).await?;
    proxy.ended(END).await
}

#[tokio::test]
async fn a_client_that_says_goaway_still_gets_its_answers() -> Result<()> {
    let upstream = slow().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let stream = client.request(&http2::get("/"), true).await?;
    client.send(frame(kind::GOAWAY, 0, 0, &[0; 8])).await?;
    let answer = client.whole(stream).await?;
    ensure!(answer.body == b"slow", "{answer:?}");
    client.closes(END).await?;
    proxy.check()?;
    proxy.stop(END).await
}

/// A server that takes the first stream of its first connection, says so with GOAWAY, and answers it later; what was sent
/// behind it was not processed and goes elsewhere, once.
#[tokio::test]
async fn streams_behind_a_goaway_are_tried_elsewhere_and_never_twice() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Http2::accept(stream).await?;
        let first = seen.connections() == 1;
        let mut came = Vec::new();
        while let Some(stream) = conn.next_complete().await? {
            let path = conn
                .half(stream)
                .field(":path")
                .unwrap_or_default()
                .to_owned();
            if !first {
                seen.note(&path);
                conn.respond(stream, &[(":status", "200")], path.as_bytes())
                    .await?;
                continue;
            }
            came.push((stream, path));
            if came.len() == 4 {
                let (last, path) = came.remove(0);
                seen.note(&path);
                let mut goaway = last.to_be_bytes().to_vec();
                goaway.extend(code::NO_ERROR.to_be_bytes());
                conn.send(frame(kind::GOAWAY, 0, 0, &goaway)).await?;
                sleep(Duration::from_millis(500)).await;
                conn.respond(last, &[(":status", "200")], path.as_bytes())
                    .await?;
            }
        }
        Ok(())
    })
    .await?;
    let setup = Setup::to(upstream.address())
        .cluster("connections: {per_endpoint: 1}")
        .route("retry: {attempts: 2, on: [refused, connect-failure, reset-before-request]}");
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let mut streams = Vec::new();
    for number in 0..4 {
        streams.push((
            client
                .request(&http2::get(&format!("/{number}")), true)
                .await?,
            number,
        ));
    }
    for (stream, number) in streams {
        let answer = client.whole(stream).await?;
        ensure!(
            answer.body == format!("/{number}").as_bytes(),
            "{number}: {answer:?}"
        );
    }
    let mut notes = upstream.seen().notes();
    notes.sort();
    ensure!(notes == ["/0", "/1", "/2", "/3"], "{notes:?}");
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_stream_that_was_refused_is_tried_again() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(stream) = conn.next_complete().await? {
            seen.note("request");
            if seen.notes().len() == 1 {
                conn.send(http2::reset(stream, code::REFUSED_STREAM))
                    .await?;
            } else {
                conn.respond(stream, &[(":status", "200")], b"ok").await?;
            }
        }
        Ok(())
    })
    .await?;
    let setup = Setup::to(upstream.address()).route("retry: {attempts: 1}");
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let answer = client.get("/").await?;
    ensure!(answer.body == b"ok", "{answer:?}");
    ensure!(upstream.seen().notes().len() == 2);
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

/// One stream at a time is all that the server allows: the others get connections of their own.
#[tokio::test]
async fn a_server_that_allows_few_streams_gets_no_more() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Http2::accept_with(stream, &[(3, 2)]).await?;
        let mut open = Vec::new();
        loop {
            let event = tokio::time::timeout(Duration::from_millis(30), conn.event()).await;
            match event {
                Ok(Ok(Some(Event::Head(stream)))) => {
                    open.push(stream);
                    if open.len() > 2 {
                        seen.note("too many");
                    }
                }
                Ok(Ok(Some(_))) => {}
                Ok(_) => return Ok(()),
                Err(_) => {
                    for stream in open.drain(..) {
                        conn.respond(stream, &[(":status", "200")], b"ok").await?;
                    }
                }
            }
        }
    })
    .await?;
    let setup = Setup::to(upstream.address()).cluster("connections: {per_endpoint: 32}");
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    ensure!(client.get("/").await?.body == b"ok");
    let mut streams = Vec::new();
    for _ in 0..40 {
        streams.push(client.request(&http2::get("/"), true).await?);
    }
    let mut problems = 0;
    for stream in streams {
        let answer = client.whole(stream).await?;
        problems += usize::from(answer.body != b"ok");
    }
    ensure!(problems == 0, "{problems} of 40 were not served");
    ensure!(
        upstream.seen().notes().is_empty(),
        "{:?}",
        upstream.seen().notes()
    );
    eprintln!("{} connections", upstream.seen().connections());
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_reload_loses_no_stream() -> Result<()> {
    let backend = Backend::ok2().await?;
    let setup = Setup::to(backend.address());
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    for round in 0..10 {
        ensure!(client.get("/").await?.body == b"ok", "round {round}");
        proxy.reload(
            &setup
                .clone()
                .route(&format!("timeout: {}s", round + 5))
                .yaml(),
        )?;
        ensure!(client.get("/").await?.body == b"ok", "round {round}");
        sleep(Duration::from_millis(30)).await;
    }
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}
