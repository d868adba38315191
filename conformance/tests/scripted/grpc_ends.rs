//! The end of a gRPC call, wherever it begins, reaches the other side at once.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::timeout;
use wireloom_conformance::scripted::http2::{self, End, Event, Http2, code};
use wireloom_conformance::scripted::raw::PATIENCE;
use wireloom_conformance::scripted::{Upstream, hpack};

use crate::setup::{END, Setup};

/// What the criteria ask for is 100 ms; more is allowed for a machine that is busy with other things.
const PROMPT: Duration = Duration::from_secs(1);

/// Takes calls, begins to answer those to `/a.B/begun`, and tells when streams are reset or the connection ends.
async fn watcher() -> Result<Upstream> {
    Upstream::raw(|stream, seen| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(event) = conn.event().await? {
            match event {
                Event::Head(stream) => {
                    if conn.half(stream).field(":path") == Some("/a.B/begun") {
                        let head = [(":status", "200"), ("content-type", "application/grpc")];
                        let mut bytes = http2::headers(stream, &hpack::block(&head), false);
                        bytes.extend(http2::data(stream, &http2::message(b"first"), false));
                        conn.send(bytes).await?;
                    }
                    let timeout = conn
                        .half(stream)
                        .field("grpc-timeout")
                        .unwrap_or("none")
                        .to_owned();
                    seen.note(&format!("timeout {timeout}"));
                    seen.note("call");
                }
                Event::Reset(_, code) => {
                    seen.note(&format!("code {code}"));
                    seen.note("reset");
                }
                _ => {}
            }
        }
        seen.note("closed");
        Ok(())
    })
    .await
}

/// How a client ends a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Cancel,
    Close,
    Lose,
}

#[tokio::test]
async fn a_client_that_goes_ends_the_call_at_the_server() -> Result<()> {
    let mut slow = Vec::new();
    for how in [How::Cancel, How::Close, How::Lose] {
        for path in ["/a.B/begun", "/a.B/waits"] {
            for complete in [false, true] {
                let upstream = watcher().await?;
                let mut proxy = Setup::to(upstream.address()).start().await?;
                let mut client = Http2::connect(proxy.address()).await?;
                let stream = client.request(&http2::grpc(path, &[]), false).await?;
                client
                    .send(http2::data(stream, &http2::message(b"x"), complete))
                    .await?;
                upstream.seen().noted("call").await?;
                if path == "/a.B/begun" {
                    let end = tokio::time::Instant::now() + PATIENCE;
                    while client.half(stream).body.is_empty() {
                        client.event_by(end).await?.context("closed")?;
                    }
                }
                let start = Instant::now();
                match how {
                    How::Cancel => client.send(http2::reset(stream, code::CANCEL)).await?,
                    How::Close => drop(client),
                    How::Lose => client.raw.reset(),
                }
                let ended = timeout(PATIENCE, upstream.seen().noted("reset")).await;
                let took = start.elapsed();
                let name = format!("{how:?}, {path}, complete {complete}");
                ended
                    .with_context(|| name.clone())?
                    .with_context(|| name.clone())?;
                eprintln!("{name}: {took:?}");
                if took > PROMPT {
                    slow.push(format!("{name}: {took:?}"));
                }
                let codes = upstream.seen().notes();
                ensure!(
                    codes.contains(&"code 8".to_owned()),
                    "{name}: not CANCEL but {codes:?}"
                );
                proxy.check()?;
            }
        }
    }
    ensure!(slow.is_empty(), "{slow:?}");
    Ok(())
}

#[tokio::test]
async fn a_deadline_ends_both_sides() -> Result<()> {
    for path in ["/a.B/waits", "/a.B/begun"] {
        let upstream = watcher().await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Http2::connect(proxy.address()).await?;
        let start = Instant::now();
        let answer = client.call(path, &[("grpc-timeout", "700m")], b"x").await?;
        let took = start.elapsed();
        ensure!(answer.grpc_status() == Some(4), "{path}: {answer:?}");
        ensure!(
            took > Duration::from_millis(650) && took < Duration::from_millis(700) + 2 * PROMPT,
            "{path}: {took:?}"
        );
        upstream.seen().noted("reset").await.context(path)?;
        let took = start.elapsed().saturating_sub(Duration::from_millis(700));
        eprintln!("{path}: the server knew {took:?} after the deadline");
        ensure!(took < 2 * PROMPT, "{path}: {took:?}");
        proxy.check()?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

/// Nanoseconds.
fn nanos(timeout: &str) -> Result<u128> {
    let (digits, unit) = timeout.split_at(timeout.len() - 1);
    ensure!((1..=8).contains(&digits.len()), "{timeout}");
    let unit = match unit {
        "H" => 3600 * 1_000_000_000,
        "M" => 60 * 1_000_000_000,
        "S" => 1_000_000_000,
        "m" => 1_000_000,
        "u" => 1000,
        "n" => 1,
        other => anyhow::bail!("unit {other}"),
    };
    Ok(digits.parse::<u128>()? * unit)
}

#[tokio::test]
async fn what_is_left_of_a_timeout_is_passed_on() -> Result<()> {
    for (told, most) in [
        ("10S", 10_000_000_000u128),
        ("9000m", 9_000_000_000),
        ("1H", 3_600_000_000_000),
        ("99999999u", 99_999_999_000),
    ] {
        let upstream = watcher().await?;
        let mut proxy = Setup::to(upstream.address())
            .route("timeout: 0s")
            .start()
            .await?;
        let mut client = Http2::connect(proxy.address()).await?;
        client
            .request(&http2::grpc("/a.B/waits", &[("grpc-timeout", told)]), true)
            .await?;
        upstream.seen().noted("call").await?;
        let notes = upstream.seen().notes();
        let seen = notes
            .iter()
            .find_map(|note| note.strip_prefix("timeout "))
            .context("none")?;
        let left = nanos(seen)?;
        ensure!(
            left <= most && left > most.saturating_sub(5_000_000_000),
            "{told} became {seen}"
        );
        proxy.check()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_route_may_be_stricter_than_a_caller_but_not_laxer() -> Result<()> {
    let upstream = watcher().await?;
    let setup = Setup::to(upstream.address()).route("timeout: 500ms");
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let start = Instant::now();
    let answer = client
        .call("/a.B/waits", &[("grpc-timeout", "20S")], b"x")
        .await?;
    ensure!(answer.grpc_status() == Some(4), "{answer:?}");
    ensure!(
        start.elapsed() < Duration::from_millis(500) + 3 * PROMPT,
        "{:?}",
        start.elapsed()
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_timeout_that_cannot_be_read_hangs_nothing() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(stream) = conn.next_complete().await? {
            conn.reply(stream, b"fine", 0).await?;
        }
        Ok(())
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    for told in [
        "",
        "abc",
        "-1S",
        "+1S",
        "123456789S",
        "10",
        "S",
        "1.5S",
        "1 S",
        "10s",
        "0n",
        "99999999H",
    ] {
        let mut client = Http2::connect(proxy.address()).await?;
        let answer = client.call("/a.B/c", &[("grpc-timeout", told)], b"x").await;
        let answer = answer.with_context(|| format!("{told:?}"))?;
        let status = answer.grpc_status();
        let fits = match told {
            "0n" => status == Some(4),
            "99999999H" => status == Some(0),
            _ => matches!(status, Some(0 | 3 | 13)),
        };
        ensure!(fits, "{told:?}: {answer:?}");
    }
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn a_server_that_resets_reaches_the_client_at_once_and_never_as_an_end() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(stream) = conn.next_request().await? {
            let head = [(":status", "200"), ("content-type", "application/grpc")];
            let mut bytes = http2::headers(stream, &hpack::block(&head), false);
            bytes.extend(http2::data(stream, &http2::message(b"first"), false));
            conn.send(bytes).await?;
            tokio::time::sleep(Duration::from_millis(300)).await;
            conn.send(http2::reset(stream, code::INTERNAL_ERROR))
                .await?;
        }
        Ok(())
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let start = Instant::now();
    // Both with the client's half open and closed.
    for complete in [false, true] {
        let stream = client.request(&http2::grpc("/a.B/c", &[]), false).await?;
        client
            .send(http2::data(stream, &http2::message(b"x"), complete))
            .await?;
        let answer = client.whole(stream).await?;
        let told = matches!(answer.end, Some(End::Reset(_)))
            || answer.grpc_status().is_some_and(|status| status != 0);
        ensure!(told, "{answer:?}");
    }
    ensure!(start.elapsed() < 4 * PROMPT, "{:?}", start.elapsed());
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}
