//! Slow clients and servers of HTTP/1.1 wait for themselves alone, and not for ever; who is within their time is not cut.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;
use wireloom_conformance::scripted::backend::{OK, ok_with};
use wireloom_conformance::scripted::http2::{self, Http2};
use wireloom_conformance::scripted::{Backend, Http1, Upstream};

use crate::setup::{END, Setup};

/// What a machine that stalls may add.
const STALL: Duration = Duration::from_secs(4);

#[tokio::test]
async fn two_hundred_slow_heads_end_in_time_and_hold_nobody_up() -> Result<()> {
    let backend = Backend::ok().await?;
    let setup = Setup::to(backend.address())
        .workers(2)
        .listener("timeouts: {header: 2s}");
    let mut proxy = setup.start().await?;
    let mut clients = Vec::new();
    let began = Instant::now();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(proxy.address()).await?;
        stream
            .write_all(b"GET /slow HTTP/1.1\r\nHost: test\r\nX: ")
            .await?;
        clients.push(stream);
    }
    let mut good = Http1::connect(proxy.address()).await?;
    // A byte now and then does not save them: the time counts for the head.
    while began.elapsed() < Duration::from_millis(2500) {
        let start = Instant::now();
        ensure!(good.get("/good").await?.text() == "ok");
        ensure!(
            start.elapsed() < Duration::from_secs(2),
            "a good request took {:?}",
            start.elapsed()
        );
        for stream in &mut clients {
            let _ = stream.write_all(b"x").await;
        }
        sleep(Duration::from_millis(500)).await;
    }
    for stream in clients {
        let mut client = Http1::of(stream);
        let answer = client
            .raw
            .rest(STALL)
            .await
            .context("a slow client is kept")?;
        let text = String::from_utf8_lossy(&answer);
        ensure!(
            text.is_empty() || text.starts_with("HTTP/1.1 408"),
            "{text:?}"
        );
    }
    ensure!(good.get("/good").await?.text() == "ok");
    let seen = backend.take();
    ensure!(
        seen.iter().all(|request| request.target() == "/good"),
        "{seen:?}"
    );
    proxy.check()?;
    drop(good);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_client_that_says_nothing_or_never_ends_its_preface_is_let_go() -> Result<()> {
    let backend = Backend::ok().await?;
    let setup =
        Setup::to(backend.address()).listener("timeouts: {sniff: 1s, header: 1s, idle: 1s}");
    let mut proxy = setup.start().await?;
    for start in [
        "",
        "G",
        "PRI * HTTP/2.0\r\n\r\nSM\r",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = Http1::connect(proxy.address()).await?;
        client.send(start).await?;
        // HTTP/2 has five seconds more, to take leave.
        client
            .raw
            .rest(Duration::from_secs(11) + STALL)
            .await
            .with_context(|| format!("{start:?} is kept"))?;
    }
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn bodies_that_stall_end_and_bodies_that_trickle_do_not() -> Result<()> {
    let backend = Backend::ok().await?;
    let setup = Setup::to(backend.address()).listener("timeouts: {header: 1s, body_idle: 2s}");
    let mut proxy = setup.start().await?;
    for framing in [
        "Content-Length: 10\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let mut client = Http1::connect(proxy.address()).await?;
        client
            .send(format!("POST /stalled HTTP/1.1\r\nHost: test\r\n{framing}"))
            .await?;
        let answer = client.raw.rest(Duration::from_secs(2) + STALL).await?;
        let text = String::from_utf8_lossy(&answer);
        ensure!(
            text.is_empty() || text.starts_with("HTTP/1.1 408"),
            "{text:?}"
        );
    }
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("POST /trickling HTTP/1.1\r\nHost: test\r\nContent-Length: 8\r\n\r\n")
        .await?;
    for _ in 0..8 {
        sleep(Duration::from_millis(600)).await;
        client.send("x").await?;
    }
    let answer = client.response().await?;
    ensure!(answer.text() == "ok", "{answer:?}");
    proxy.check()?;
    drop(client);
    proxy.stop(END).await?;
    for request in backend.take() {
        let complete = request.target() == "/trickling";
        ensure!(request.complete == complete, "{request:?}");
    }
    Ok(())
}

/// Answers so much later.
async fn late(delay: Duration) -> Result<Upstream> {
    Upstream::raw(move |stream, seen| async move {
        let mut conn = Http1::of(stream);
        while conn.request().await?.is_some() {
            // Whoever waits may go meanwhile.
            match conn.raw.quiet(delay).await {
                Ok(()) => conn.send(OK).await?,
                Err(_) => {
                    seen.note("gone");
                    return Ok(());
                }
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_idle_timeout_never_cuts_a_request_that_is_within_its_own() -> Result<()> {
    let upstream = late(Duration::from_secs(3)).await?;
    let setup = Setup::to(upstream.address())
        .cluster("protocol: http1, idle_timeout: 1s")
        .listener("timeouts: {idle: 1s, header: 1s, body_idle: 1s}");
    let mut proxy = setup.start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let answer = client.get("/late").await?;
    ensure!(answer.text() == "ok", "{answer:?}");
    let mut second = Http2::connect(proxy.address()).await?;
    let answer = second.get("/late").await?;
    ensure!(answer.body == b"ok", "{answer:?}");
    // Idle now, and closed for it.
    let last = client.raw.rest(Duration::from_secs(1) + STALL).await?;
    ensure!(last.is_empty(), "{last:?}");
    second.closes(Duration::from_secs(8) + STALL).await?;
    ensure!(
        second.goaways.iter().all(|(_, code)| *code == 0),
        "{:?}",
        second.goaways
    );
    ensure!(!second.goaways.is_empty(), "closed without a word");
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn no_request_lives_longer_than_its_deadline() -> Result<()> {
    let upstream = late(Duration::from_secs(60)).await?;
    let setup = Setup::to(upstream.address()).route("timeout: 1s");
    let mut proxy = setup.start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let start = Instant::now();
    let answer = client.get("/late").await?;
    ensure!(answer.status() == 504, "{answer:?}");
    ensure!(
        start.elapsed() < Duration::from_secs(1) + STALL,
        "{:?}",
        start.elapsed()
    );
    ensure!(
        start.elapsed() > Duration::from_millis(900),
        "{:?}",
        start.elapsed()
    );
    upstream.seen().noted("gone").await?;
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_server_that_stalls_in_its_answer_is_cut_visibly() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Http1::of(stream);
        conn.request().await?;
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            .await?;
        std::future::pending::<Result<()>>().await
    })
    .await?;
    let setup = Setup::to(upstream.address())
        .cluster("protocol: http1")
        .listener("timeouts: {body_idle: 1s}");
    let mut proxy = setup.start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let answer = client.get("/stalls").await?;
    ensure!(!answer.complete, "{answer:?}");
    let mut client = Http2::connect(proxy.address()).await?;
    let answer = client.get("/stalls").await?;
    ensure!(!answer.complete(), "{answer:?}");
    proxy.check()?;
    proxy.stop(END).await
}

/// A client that reads nothing of a large answer does not keep it for ever.
#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() -> Result<()> {
    let backend = Backend::http1(|_| ok_with(&"x".repeat(20 << 20))).await?;
    let setup = Setup::to(backend.address()).listener("timeouts: {body_idle: 1s}");
    let mut proxy = setup.start().await?;
    let fds = proxy.descriptors()?;
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
        .await?;
    let mut second = Http2::connect(proxy.address()).await?;
    second.request(&http2::get("/big"), true).await?;
    let end = Instant::now() + Duration::from_secs(8) + STALL;
    backend.reaches(1).await?;
    while proxy.descriptors()? > fds + 1 {
        ensure!(
            Instant::now() < end,
            "{} descriptors instead of {fds}",
            proxy.descriptors()?
        );
        sleep(Duration::from_millis(50)).await;
    }
    proxy.check()?;
    proxy.stop(END).await
}
