//! Bodies of any length pass through little memory, at the pace of whoever takes them.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use tokio::task::JoinSet;
use tokio::time::sleep;
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::http2::{self, Http2};
use wireloom_conformance::scripted::{Http1, Upstream};

use crate::http_flow::{client2, counter, drain, pour, server1, server2, take, write};
use crate::setup::{END, Setup};

const MIB: u64 = 1 << 20;

/// Bytes of a long body: so many MiB, or what `WIRELOOM_BODY_MIB` says; the criterion is 10240.
fn long(mib: u64) -> u64 {
    let given = std::env::var("WIRELOOM_BODY_MIB").ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(mib) * MIB
}

/// Runs `work`, in which the proxy may not grow by more than 32 MiB.
async fn lean<T>(proxy: &Proxy, work: impl Future<Output = Result<T>>) -> Result<T> {
    let idle = proxy.memory()?;
    let mut most = 0;
    let start = Instant::now();
    let mut work = std::pin::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done?,
            () = sleep(Duration::from_millis(20)) => most = most.max(proxy.memory()?.saturating_sub(idle)),
        }
    };
    eprintln!(
        "{} KiB over idle at the most, {:?}",
        most >> 10,
        start.elapsed()
    );
    ensure!(most < 32 * MIB, "{} MiB over idle", most / MIB);
    Ok(done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_body_of_http1_passes_in_little_memory() -> Result<()> {
    let upstream = server1().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let length = long(1024);
    let mut client = Http1::connect(proxy.address()).await?;
    client.get("/down/100000").await?;
    lean(&proxy, async {
        client
            .send(format!(
                "POST /up HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"
            ))
            .await?;
        write(client.raw.stream(), length, &counter()).await?;
        let answer = client.response().await?;
        ensure!(answer.text() == length.to_string(), "{answer:?}");
        client
            .send(format!("GET /down/{length} HTTP/1.1\r\nHost: test\r\n\r\n"))
            .await?;
        let head = client
            .head(Duration::from_secs(10))
            .await?
            .context("closed")?;
        ensure!(
            head.field("content-length") == Some(length.to_string().as_str()),
            "{head:?}"
        );
        take(&mut client, length).await
    })
    .await?;
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_body_of_http2_passes_in_little_memory() -> Result<()> {
    let upstream = server2().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let length = long(256);
    let client = client2(proxy.address()).await?;
    lean(&proxy, async {
        let request = Request::post("http://test/up").body(())?;
        let mut client = client.ready().await?;
        let (answer, mut body) = client.send_request(request, false)?;
        pour(&mut body, length, &counter()).await?;
        let mut answer = answer.await?.into_body();
        let text = answer.data().await.context("no answer")??;
        ensure!(text == length.to_string(), "{text:?} instead of {length}");
        let request = Request::get(format!("http://test/down/{length}")).body(())?;
        let mut client = client.ready().await?;
        let (answer, _) = client.send_request(request, true)?;
        let came = drain(&mut answer.await?.into_body()).await?;
        ensure!(came == length, "{came} instead of {length}");
        Ok(())
    })
    .await?;
    proxy.check()?;
    proxy.stop(END).await
}

/// Reads a little of each request's body, and nothing more until it is told to.
async fn stops(version: &'static str) -> Result<Upstream> {
    Upstream::raw(move |stream, seen| async move {
        if version == "http1" {
            let mut conn = Http1::of(stream);
            conn.head(Duration::from_secs(60))
                .await?
                .context("closed")?;
            seen.note("begun");
            while !seen.notes().contains(&"go on".to_owned()) {
                sleep(Duration::from_millis(20)).await;
            }
            take(&mut conn, 64 * MIB).await?;
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await
        } else {
            let mut conn = Http2::accept(stream).await?;
            conn.generous = false;
            let stream = conn.next_request().await?.context("closed")?;
            seen.note("begun");
            while !seen.notes().contains(&"go on".to_owned()) {
                sleep(Duration::from_millis(20)).await;
            }
            // What had come meanwhile, and all else.
            conn.generous = true;
            conn.send([http2::window(0, 65_535), http2::window(stream, 65_535)].concat())
                .await?;
            conn.next_complete().await?.context("closed")?;
            let came = conn.half(stream).body.len() as u64;
            ensure!(came == 64 * MIB, "{came} bytes");
            conn.respond(stream, &[(":status", "200")], b"ok").await
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_reading_stops_its_client() -> Result<()> {
    for (down, up) in [
        ("http1", "http1"),
        ("http2", "http2"),
        ("http1", "http2"),
        ("http2", "http1"),
    ] {
        let upstream = stops(up).await?;
        let setup = Setup::to(upstream.address()).cluster(&format!("protocol: {up}"));
        let mut proxy = setup.start().await?;
        let idle = proxy.memory()?;
        let sent = counter();
        let address = proxy.address();
        let sending = tokio::spawn({
            let sent = sent.clone();
            async move {
                let length = 64 * MIB;
                if down == "http1" {
                    let mut client = Http1::connect(address).await?;
                    client
                        .send(format!(
                            "POST /up HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"
                        ))
                        .await?;
                    write(client.raw.stream(), length, &sent).await?;
                    Ok(client.response().await?.status())
                } else {
                    let mut client = client2(address).await?.ready().await?;
                    let request = Request::post("http://test/up")
                        .header("content-length", length)
                        .body(())?;
                    let (answer, mut body) = client.send_request(request, false)?;
                    pour(&mut body, length, &sent).await?;
                    anyhow::Ok(answer.await?.status().as_u16())
                }
            }
        });
        upstream.seen().noted("begun").await?;
        // Until nothing moves any more.
        let mut before = u64::MAX;
        let end = Instant::now() + Duration::from_secs(20);
        while sent.load(Ordering::SeqCst) != before {
            before = sent.load(Ordering::SeqCst);
            ensure!(Instant::now() < end, "{down} to {up}: it never stops");
            sleep(Duration::from_millis(700)).await;
        }
        let more = proxy.memory()?.saturating_sub(idle);
        eprintln!(
            "{down} to {up}: stopped behind {} KiB, {} KiB over idle",
            before >> 10,
            more >> 10
        );
        // What the system buffers for sockets is most of it.
        ensure!(
            before < 32 * MIB,
            "{down} to {up}: {before} bytes were taken"
        );
        ensure!(
            more < 32 * MIB,
            "{down} to {up}: {} MiB over idle",
            more / MIB
        );
        upstream.seen().note("go on");
        let status = sending.await?.with_context(|| format!("{down} to {up}"))?;
        ensure!(status == 200, "{down} to {up}: {status}");
        proxy.check()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_reading_stops_its_server() -> Result<()> {
    for (down, up) in [
        ("http1", "http1"),
        ("http2", "http2"),
        ("http1", "http2"),
        ("http2", "http1"),
    ] {
        let upstream = if up == "http1" {
            server1().await?
        } else {
            server2().await?
        };
        let setup = Setup::to(upstream.address()).cluster(&format!("protocol: {up}"));
        let mut proxy = setup.start().await?;
        let idle = proxy.memory()?;
        let length = 64 * MIB;
        if down == "http1" {
            let mut client = Http1::connect(proxy.address()).await?;
            client
                .send(format!("GET /down/{length} HTTP/1.1\r\nHost: test\r\n\r\n"))
                .await?;
            client
                .head(Duration::from_secs(10))
                .await?
                .context("closed")?;
            sleep(Duration::from_secs(1)).await;
            let more = proxy.memory()?.saturating_sub(idle);
            ensure!(
                more < 32 * MIB,
                "{down} to {up}: {} MiB over idle",
                more / MIB
            );
            take(&mut client, length)
                .await
                .with_context(|| format!("{down} to {up}"))?;
        } else {
            let mut client = client2(proxy.address()).await?.ready().await?;
            let request = Request::get(format!("http://test/down/{length}")).body(())?;
            let (answer, _) = client.send_request(request, true)?;
            let mut body = answer.await?.into_body();
            sleep(Duration::from_secs(1)).await;
            let more = proxy.memory()?.saturating_sub(idle);
            ensure!(
                more < 32 * MIB,
                "{down} to {up}: {} MiB over idle",
                more / MIB
            );
            let came = drain(&mut body)
                .await
                .with_context(|| format!("{down} to {up}"))?;
            ensure!(came == length, "{came}");
        }
        proxy.check()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_keep_their_own_order_and_content() -> Result<()> {
    let upstream = server2().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let client = client2(proxy.address()).await?;
    let mut streams = JoinSet::new();
    for number in 0..1000u32 {
        let client = client.clone();
        streams.spawn(async move {
            let mut client = client.ready().await?;
            let request = Request::post("http://test/echo").body(())?;
            let (answer, mut body) = client.send_request(request, false)?;
            let mut answer = answer.await?.into_body();
            // One after the other, so that all thousand are open together.
            for round in 0..5 {
                let text = Bytes::from(format!("<{number}:{round}>").repeat(20));
                body.send_data(text.clone(), round == 4)?;
                let mut came = Vec::new();
                while came.len() < text.len() {
                    let data = answer.data().await.context("an early end")??;
                    answer.flow_control().release_capacity(data.len())?;
                    came.extend(data);
                }
                ensure!(
                    came == text,
                    "stream {number}: {:?}",
                    String::from_utf8_lossy(&came)
                );
            }
            while let Some(data) = answer.data().await {
                ensure!(data?.is_empty(), "stream {number}: more came");
            }
            anyhow::Ok(())
        });
    }
    while let Some(stream) = streams.join_next().await {
        stream??;
    }
    eprintln!(
        "{} connections to the server",
        upstream.seen().connections()
    );
    proxy.check()?;
    proxy.stop(END).await
}

/// Resets the first connection once it has seen some of a body, and serves the next.
async fn resets_once() -> Result<Upstream> {
    Upstream::raw(|stream, seen| async move {
        let mut conn = Http1::of(stream);
        if seen.connections() == 1 {
            conn.head(Duration::from_secs(20)).await?;
            conn.raw.exactly(5).await?;
            seen.note("reset");
            conn.raw.reset();
            return Ok(());
        }
        while conn.request().await?.is_some() {
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_streamed_request_is_sent_once_and_a_buffered_one_again() -> Result<()> {
    let retry =
        "retry: {attempts: 2, on: [reset, connect-failure], buffer: 1KiB, backoff: {base: 1ms}}";
    for (head, rest, again) in [
        ("Content-Length: 5\r\n\r\nhello", "", true),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "0\r\n\r\n",
            false,
        ),
        ("Content-Length: 5000\r\n\r\nhello", "", false),
    ] {
        let upstream = resets_once().await?;
        let mut proxy = Setup::to(upstream.address()).route(retry).start().await?;
        let mut client = Http1::connect(proxy.address()).await?;
        client
            .send(format!("POST / HTTP/1.1\r\nHost: test\r\n{head}"))
            .await?;
        if again {
            sleep(Duration::from_millis(100)).await;
            client.send(rest).await?;
        } else {
            upstream.seen().noted("reset").await?;
        }
        let answer = client.response().await?;
        let status = if again { 200 } else { 502 };
        ensure!(answer.status() == status, "{head:?}: {answer:?}");
        let tries = upstream.seen().connections();
        ensure!(tries == 1 + usize::from(again), "{head:?}: {tries} tries");
        proxy.check()?;
    }
    Ok(())
}
