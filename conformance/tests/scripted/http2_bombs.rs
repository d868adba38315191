//! Little on the wire that is much behind it: header compression, cookie crumbs, windows that are closed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, sleep};
use wireloom_conformance::scripted::backend::ok_with;
use wireloom_conformance::scripted::hpack;
use wireloom_conformance::scripted::http2::{self, End, Http2, code, frame, kind};
use wireloom_conformance::scripted::{Backend, Http1};

use crate::setup::{END, Setup};

const MIB: u64 = 1 << 20;

/// A block in frames of at most 16 KiB.
fn split(stream: u32, block: &[u8]) -> Vec<u8> {
    let mut chunks = block.chunks(16_000).peekable();
    let mut bytes = Vec::new();
    let mut first = true;
    while let Some(chunk) = chunks.next() {
        let last = if chunks.peek().is_none() { 4 } else { 0 };
        bytes.extend(match first {
            true => frame(kind::HEADERS, last | 1, stream, chunk),
            false => frame(kind::CONTINUATION, last, stream, chunk),
        });
        first = false;
    }
    bytes
}

fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let referring = |name: &str, references: usize| {
        let mut block = http2::get("/bomb");
        block.extend(hpack::remembered(name, "x".repeat(3900)));
        block.extend(hpack::indexed(62).repeat(references));
        block
    };
    let crumbs = |count: usize| {
        let mut block = http2::get("/bomb");
        for n in 0..count {
            block.extend(hpack::literal("cookie", format!("c{n}=1")));
        }
        block
    };
    let mut empty = http2::get("/bomb");
    empty.extend(hpack::literal("x", "").repeat(60_000));
    let mut small = http2::get("/bomb");
    small.extend(hpack::remembered("x", ""));
    small.extend(hpack::indexed(62).repeat(16_000));
    let mut long = http2::get("/bomb");
    long.extend(hpack::literal("x", "y".repeat(70_000)));
    vec![
        ("16,000 references to 3.9 KB", referring("x", 16_000)),
        (
            "16,000 references to a cookie of 3.9 KB",
            referring("cookie", 16_000),
        ),
        (
            "20 references to a cookie of 3.9 KB",
            referring("cookie", 20),
        ),
        ("60,000 empty fields", empty),
        ("16,000 references to an empty field", small),
        ("a field of 70,000 bytes", long),
        ("10,000 crumbs of a cookie", crumbs(10_000)),
        ("150 crumbs of a cookie", crumbs(150)),
    ]
}

#[tokio::test]
async fn heads_over_the_limits_are_refused_whatever_they_weigh_on_the_wire() -> Result<()> {
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
        let mut bystander = Http1::connect(proxy.address()).await?;
        ensure!(bystander.get("/good").await?.text() == "ok");
        let idle = proxy.memory()?;
        for (name, block) in bombs() {
            for stream in [1, 3, 5] {
                let mut client = Http2::connect(proxy.address()).await?;
                let _ = client.send(split(stream, &block)).await;
                let end = Instant::now() + Duration::from_secs(10);
                loop {
                    let half = client.half(stream);
                    if half.end.is_some() {
                        let refused = matches!(half.end, Some(End::Reset(_)))
                            || matches!(half.status(), 400 | 431);
                        if !refused {
                            problems.push(format!("{upstream}: {name}: {:?}", half.fields));
                        }
                        break;
                    }
                    match client.event_by(end).await {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(error) => {
                            problems.push(format!("{upstream}: {name}: {error:#}"));
                            break;
                        }
                    }
                }
            }
            let more = proxy.memory()?.saturating_sub(idle);
            if more > 32 * MIB {
                problems.push(format!("{upstream}: {name}: {} MiB over idle", more / MIB));
            }
            ensure!(bystander.get("/good").await?.text() == "ok", "after {name}");
            proxy.check().with_context(|| name.to_owned())?;
        }
        let bad = one
            .take()
            .iter()
            .filter(|text| text.target() != "/good")
            .count()
            + two
                .take()
                .iter()
                .filter(|half| half.field(":path") != Some("/good"))
                .count();
        if bad > 0 {
            problems.push(format!("{upstream}: {bad} of them reached the server"));
        }
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn errors_of_compression_end_the_connection() -> Result<()> {
    let backend = Backend::ok().await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut truncated = http2::get("/");
    truncated.extend([0x40, 0x05, b'x']);
    let blocks: Vec<(&str, Vec<u8>)> = vec![
        ("field 0", vec![0x80]),
        ("a field that is in no table", hpack::indexed(70)),
        ("a name that is in no table", hpack::integer(6, 0x40, 70)),
        (
            "a number that overflows",
            [vec![0xff], vec![0xff; 12]].concat(),
        ),
        ("a string beyond the block", vec![0, 0x7f, 0xff, 0x7f, b'x']),
        (
            "a string of 2^31",
            [vec![0], hpack::integer(7, 0, 1 << 31)].concat(),
        ),
        ("a table of 1 MiB", hpack::integer(5, 0x20, 1 << 20)),
        (
            "a change of the table behind a field",
            [hpack::indexed(2), hpack::integer(5, 0x20, 0)].concat(),
        ),
        ("a block that breaks off", truncated),
        (
            "an end within a Huffman string",
            vec![0, 1, b'x', 0x84, 0xff, 0xff, 0xff, 0xff],
        ),
        (
            "bad padding of a Huffman string",
            vec![0, 1, b'x', 0x81, 0x00],
        ),
    ];
    let mut problems = Vec::new();
    for (name, block) in blocks {
        let mut client = Http2::connect(proxy.address()).await?;
        client.send(http2::headers(1, &block, true)).await?;
        let closed = client.closes(Duration::from_secs(8)).await;
        let codes: Vec<u32> = client.goaways.iter().map(|(_, code)| *code).collect();
        // RFC 9113 §4.3 wants COMPRESSION_ERROR; the h2 crate calls it PROTOCOL_ERROR.
        let told =
            codes.contains(&code::COMPRESSION_ERROR) || codes.contains(&code::PROTOCOL_ERROR);
        if closed.is_err() || !told {
            problems.push(format!(
                "{name}: closed {}, GOAWAY {codes:?}, {:?}",
                closed.is_ok(),
                client.half(1).end
            ));
        }
    }
    ensure!(backend.take().is_empty(), "something reached the server");
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    proxy.check()?;
    proxy.stop(END).await
}

/// Clients that ask for much and open no window: what is read of the answers is bounded, and they do not stay for ever.
#[tokio::test]
async fn answers_into_closed_windows_take_little_memory_and_end() -> Result<()> {
    let backend = Backend::http1(|request| match request.target() {
        "/big" => ok_with(&"x".repeat(4 << 20)),
        _ => ok_with("ok"),
    })
    .await?;
    let setup = Setup::to(backend.address())
        .cluster("protocol: http1")
        .listener("timeouts: {body_idle: 3s}");
    let mut proxy = setup.start().await?;
    let mut bystander = Http2::connect(proxy.address()).await?;
    for _ in 0..50 {
        ensure!(bystander.get("/good").await?.body == b"ok");
    }
    let idle = proxy.memory()?;
    // No window at all for the first, one byte for the second.
    for window in [0, 1] {
        let mut client = Http2::connect_with(proxy.address(), &[(4, window)]).await?;
        client.generous = false;
        let mut streams = Vec::new();
        for _ in 0..50 {
            streams.push(client.request(&http2::get("/big"), true).await?);
        }
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            let more = proxy.memory()?.saturating_sub(idle);
            ensure!(more < 32 * MIB, "{} MiB over idle", more / MIB);
            ensure!(bystander.get("/good").await?.body == b"ok");
            sleep(Duration::from_millis(50)).await;
        }
        // Nobody takes anything: each ends, with a reset or with the connection.
        let end = Instant::now() + Duration::from_secs(12);
        let left = |client: &Http2| {
            let open = streams
                .iter()
                .filter(|stream| client.half(**stream).end.is_none());
            open.count()
        };
        while left(&client) > 0 {
            let open = left(&client);
            let event = client
                .event_by(end)
                .await
                .with_context(|| format!("{open} streams stay"))?;
            if event.is_none() {
                break;
            }
        }
        let complete = streams
            .iter()
            .filter(|stream| client.half(**stream).complete())
            .count();
        ensure!(complete == 0, "{complete} look complete");
    }
    proxy.check()?;
    drop(bystander);
    proxy.stop(END).await
}
