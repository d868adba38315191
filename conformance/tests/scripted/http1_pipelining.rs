//! Requests of HTTP/1.1 one behind the other, and connections to servers that have closed meanwhile.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;
use wireloom_conformance::scripted::backend::{OK, ok_with};
use wireloom_conformance::scripted::{Backend, Http1, Upstream};

use crate::setup::{END, Setup};

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() -> Result<()> {
    // The later the sooner: answers must wait for those before them.
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Http1::of(stream);
        while let Some(request) = conn.request().await? {
            let number: u64 = request.target().trim_start_matches('/').parse()?;
            sleep(Duration::from_millis(if number.is_multiple_of(10) {
                30
            } else {
                0
            }))
            .await;
            conn.send(ok_with(&format!("{} {}", request.target(), request.text())))
                .await?;
        }
        Ok(())
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let requests: String = (0..100)
        .map(|number| match number % 3 {
            0 => format!("GET /{number} HTTP/1.1\r\nHost: test\r\n\r\n"),
            1 => format!("POST /{number} HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc"),
            _ => format!("POST /{number} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        })
        .collect();
    client.send(requests).await?;
    for number in 0..100 {
        let answer = client.response().await?;
        let body = if number % 3 == 0 { "" } else { "abc" };
        ensure!(
            answer.text() == format!("/{number} {body}"),
            "{number}: {answer:?}"
        );
    }
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn what_stands_behind_a_refused_request_is_not_looked_at() -> Result<()> {
    let backend = Backend::targets().await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let good = "GET /good HTTP/1.1\r\nHost: test\r\n\r\n";
    let bad = "GET /bad HTTP/1.1\r\nHost: test\r\nX : y\r\n\r\n";
    let behind = "GET /behind HTTP/1.1\r\nHost: test\r\n\r\n";
    client.send(format!("{good}{bad}{behind}")).await?;
    ensure!(client.response().await?.text() == "/good");
    ensure!(client.response().await?.status() == 400);
    let rest = client.raw.rest(Duration::from_secs(10)).await?;
    ensure!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    let seen = backend.take();
    ensure!(seen.len() == 1, "{seen:?}");
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn two_thousand_requests_whose_answers_nobody_reads_take_little_memory() -> Result<()> {
    let backend = Backend::http1(|_| ok_with(&"x".repeat(64 << 10))).await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut warm = Http1::connect(proxy.address()).await?;
    warm.get("/warm").await?;
    let idle = proxy.memory()?;
    let mut client = TcpStream::connect(proxy.address()).await?;
    let writing = tokio::spawn(async move {
        let requests = "GET /unread HTTP/1.1\r\nHost: test\r\n\r\n".repeat(2000);
        let _ = client.write_all(requests.as_bytes()).await;
        client
    });
    let mut most = 0;
    for _ in 0..40 {
        most = most.max(proxy.memory()?.saturating_sub(idle));
        sleep(Duration::from_millis(50)).await;
    }
    eprintln!("{} KiB over idle at the most", most >> 10);
    ensure!(most < 32 << 20, "{} MiB over idle", most >> 20);
    warm.get("/after").await?;
    proxy.check()?;
    writing.abort();
    drop(warm);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_connection_that_its_server_has_closed_is_never_seen() -> Result<()> {
    // One answer for each connection, without a word about it.
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Http1::of(stream);
        if let Some(request) = conn.request().await? {
            seen.note(request.target());
            conn.send(OK).await?;
        }
        Ok(())
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    for number in 0..200 {
        let answer = client.get(&format!("/{number}")).await?;
        ensure!(answer.text() == "ok", "{number}: {answer:?}");
    }
    let notes = upstream.seen().notes();
    ensure!(
        notes.len() == 200,
        "{} requests reached the server",
        notes.len()
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

/// Answers the first request of each connection, and hangs up on the second without a word.
async fn hangs_up() -> Result<Upstream> {
    Upstream::raw(|stream, seen| async move {
        let mut conn = Http1::of(stream);
        conn.request().await?.context("no request")?;
        conn.send(OK).await?;
        if let Some(request) = conn.request().await? {
            seen.note(&request.first);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_stale_connection_costs_a_safe_request_nothing() -> Result<()> {
    let upstream = hangs_up().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    for number in 0..20 {
        let answer = client.get(&format!("/{number}")).await?;
        ensure!(answer.text() == "ok", "{number}: {answer:?}");
    }
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_request_that_may_have_had_an_effect_is_sent_once() -> Result<()> {
    let upstream = hangs_up().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    ensure!(client.get("/first").await?.text() == "ok");
    client
        .send("POST /pay HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n10")
        .await?;
    let answer = client.response().await?;
    ensure!(answer.status() == 502, "{answer:?}");
    let notes = upstream.seen().notes();
    ensure!(notes == ["POST /pay HTTP/1.1"], "{notes:?}");
    ensure!(upstream.seen().connections() == 1, "it was sent again");
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn expect_100_continue_is_answered_by_the_server_or_for_it() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Http1::of(stream);
        let hour = Duration::from_secs(3600);
        while let Some(head) = conn.head(hour).await? {
            if head.target() == "/refuse" {
                conn.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
                return Ok(());
            }
            conn.send("HTTP/1.1 100 Continue\r\n\r\n").await?;
            let body = conn.raw.exactly(5).await?;
            ensure!(body == b"hello");
            conn.send(OK).await?;
        }
        Ok(())
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
    };
    let mut client = Http1::connect(proxy.address()).await?;
    client.send(head("/take")).await?;
    let interim = client
        .head(Duration::from_secs(10))
        .await?
        .context("closed")?;
    ensure!(interim.status() == 100, "{interim:?}");
    client.send("hello").await?;
    ensure!(client.response().await?.text() == "ok");
    client.send(head("/refuse")).await?;
    let answer = client.response().await?;
    ensure!(answer.status() == 417, "{answer:?}");
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn an_endpoint_that_speaks_another_protocol_is_a_clear_failure() -> Result<()> {
    let backend = Backend::ok2().await?;
    let setup = Setup::to(backend.address()).cluster("protocol: http1");
    let mut proxy = setup.start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let start = std::time::Instant::now();
    let answer = client.get("/").await?;
    ensure!(matches!(answer.status(), 502 | 503), "{answer:?}");
    ensure!(
        start.elapsed() < Duration::from_secs(8),
        "it took {:?}",
        start.elapsed()
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await?;

    let backend = Backend::ok().await?;
    let setup = Setup::to(backend.address()).cluster("protocol: http2");
    let mut proxy = setup.start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let start = std::time::Instant::now();
    let answer = client.get("/").await?;
    ensure!(matches!(answer.status(), 502 | 503), "{answer:?}");
    ensure!(
        start.elapsed() < Duration::from_secs(8),
        "it took {:?}",
        start.elapsed()
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}
