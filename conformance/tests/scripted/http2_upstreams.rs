//! Servers whose HTTP/2 answers are none, or who send what nobody asked for: the client sees a failure, and the next gets
//! their own answer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;
use wireloom_conformance::scripted::http2::{self, End, Http2, code, frame, kind};
use wireloom_conformance::scripted::{Http1, Upstream, hpack};

use crate::setup::Setup;

const MIB: u64 = 1 << 20;

/// What a server sends in the place of an answer on a stream.
type Frames = fn(u32) -> Vec<u8>;

fn head(stream: u32, fields: &[(&str, &str)], end: bool) -> Vec<u8> {
    http2::headers(stream, &hpack::block(fields), end)
}

const OK: [(&str, &str); 1] = [(":status", "200")];

fn rows() -> Vec<(&'static str, Frames)> {
    vec![
        ("no status", |id| head(id, &[("x", "y")], true)),
        ("status abc", |id| head(id, &[(":status", "abc")], true)),
        ("status 99", |id| head(id, &[(":status", "99")], true)),
        ("status 2000", |id| head(id, &[(":status", "2000")], true)),
        ("a path in an answer", |id| {
            head(id, &[(":status", "200"), (":path", "/")], true)
        }),
        ("CR and LF in a field", |id| {
            head(id, &[(":status", "200"), ("x", "a\r\nSet-Cookie: b")], true)
        }),
        ("NUL in a field", |id| {
            head(id, &[(":status", "200"), ("x", "a\0b")], true)
        }),
        ("a name in upper case", |id| {
            head(id, &[(":status", "200"), ("X", "y")], true)
        }),
        ("a field of one connection", |id| {
            head(
                id,
                &[(":status", "200"), ("transfer-encoding", "chunked")],
                true,
            )
        }),
        ("less than its length", |id| {
            let fields = [(":status", "200"), ("content-length", "10")];
            [head(id, &fields, false), http2::data(id, b"hello", true)].concat()
        }),
        ("more than its length", |id| {
            let fields = [(":status", "200"), ("content-length", "5")];
            [
                head(id, &fields, false),
                http2::data(id, b"hello poison", true),
            ]
            .concat()
        }),
        ("DATA before its head", |id| http2::data(id, b"hello", true)),
        ("DATA on a stream that is not open", |id| {
            http2::data(id + 100, b"hello", true)
        }),
        ("PUSH_PROMISE", |id| {
            let payload = [&[0, 0, 0, 2], http2::get("/pushed").as_slice()].concat();
            frame(kind::PUSH_PROMISE, 4, id, &payload)
        }),
        ("an error of compression", |id| {
            http2::headers(id, &[0x80], true)
        }),
        ("a head of 70,000 bytes", |id| {
            let block = [hpack::block(&OK), hpack::literal("x", "y".repeat(70_000))].concat();
            let (first, rest) = block.split_at(16_000);
            let mut bytes = frame(kind::HEADERS, 1, id, first);
            for part in rest.chunks(16_000) {
                bytes.extend(frame(kind::CONTINUATION, 0, id, part));
            }
            bytes.extend(frame(kind::CONTINUATION, 4, id, b""));
            bytes
        }),
        ("more than the window", |id| {
            let more = http2::data(id, &[0; 16_000], false).repeat(200);
            [head(id, &OK, false), more].concat()
        }),
        ("WINDOW_UPDATE that overflows", |id| {
            [
                http2::window(0, (1 << 31) - 1),
                http2::window(id, (1 << 31) - 1),
            ]
            .concat()
        }),
        ("interim heads without end", |id| {
            head(id, &[(":status", "103")], false).repeat(20_000)
        }),
        ("PING without end", |_| {
            frame(kind::PING, 0, 0, &[1; 8]).repeat(100_000)
        }),
        ("SETTINGS without end", |_| {
            http2::settings(&[]).repeat(100_000)
        }),
        ("empty DATA without end", |id| {
            [
                head(id, &OK, false),
                http2::data(id, b"", false).repeat(100_000),
            ]
            .concat()
        }),
        ("HTTP/1.1", |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("GOAWAY with an error", |_| {
            frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 1])
        }),
    ]
}

/// Answers `/bad` with these frames, and anything else with its path.
async fn server(frames: Frames) -> Result<Upstream> {
    Upstream::raw(move |stream, _| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(stream) = conn.next_complete().await? {
            let path = conn
                .half(stream)
                .field(":path")
                .unwrap_or_default()
                .to_owned();
            if path == "/bad" {
                conn.send(frames(stream)).await?;
            } else {
                conn.respond(stream, &OK, path.as_bytes()).await?;
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn answers_that_are_none_are_failures_and_poison_nothing() -> Result<()> {
    let mut problems = Vec::new();
    for (name, frames) in rows() {
        let upstream = server(frames).await?;
        let setup = Setup::to(upstream.address())
            .cluster("protocol: http2")
            .route("timeout: 3s")
            .listener("timeouts: {body_idle: 3s}");
        let mut proxy = setup.start().await?;
        let mut client = Http2::connect(proxy.address()).await?;
        ensure!(client.get("/first").await?.body == b"/first");
        let idle = proxy.memory()?;
        let answer = client.get("/bad").await.with_context(|| name.to_owned())?;
        let failed = answer.status() >= 500 || matches!(answer.end, Some(End::Reset(_)));
        if !failed {
            problems.push(format!("{name}: {:?} {:?}", answer.fields, answer.end));
        }
        let more = proxy.memory()?.saturating_sub(idle);
        if more > 32 * MIB {
            problems.push(format!("{name}: {} MiB over idle", more / MIB));
        }
        for number in 0..4 {
            let path = format!("/next/{number}");
            let answer = client.get(&path).await?;
            if answer.body != path.as_bytes() {
                problems.push(format!("behind {name}: {answer:?}"));
            }
        }
        // A client of HTTP/1.1 sees it as a failure too.
        let mut old = Http1::connect(proxy.address()).await?;
        match old.get("/bad").await {
            Ok(answer) if answer.complete && answer.status() < 500 => {
                problems.push(format!("{name}, in HTTP/1.1: {answer:?}"));
            }
            Ok(_) => {}
            Err(error) => problems.push(format!("{name}, in HTTP/1.1: {error:#}")),
        }
        proxy.check().with_context(|| name.to_owned())?;
    }
    for problem in &mut problems {
        problem.truncate(problem.floor_char_boundary(500));
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

/// Connections, streams and tunnels that end badly leave nothing open.
#[tokio::test]
async fn descriptors_come_back_whatever_happened() -> Result<()> {
    let upstream = server(|id| http2::reset(id, code::INTERNAL_ERROR)).await?;
    let mut proxy = Setup::to(upstream.address())
        .cluster("protocol: http2")
        .start()
        .await?;
    ensure!(
        Http2::connect(proxy.address())
            .await?
            .get("/first")
            .await?
            .body
            == b"/first"
    );
    let before = proxy.descriptors()?;
    for round in 0..40 {
        let mut one = Http1::connect(proxy.address()).await?;
        one.send("POST /cut HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhello")
            .await?;
        let mut two = Http2::connect(proxy.address()).await?;
        two.request(&http2::get("/bad"), true).await?;
        two.request(&http2::grpc("/a.B/c", &[]), false).await?;
        let mut bad = Http1::connect(proxy.address()).await?;
        bad.send("GET / HTTP/1.1\r\n\r\n").await?;
        if round % 2 == 0 {
            one.raw.reset();
            two.raw.reset();
        }
    }
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while proxy.descriptors()? > before + 24 {
        let now = proxy.descriptors()?;
        ensure!(
            std::time::Instant::now() < end,
            "{now} descriptors instead of {before}"
        );
        sleep(Duration::from_millis(50)).await;
    }
    proxy.check()?;
    Ok(())
}
