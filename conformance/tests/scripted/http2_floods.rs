//! Floods of HTTP/2 frames: the connection ends with ENHANCE_YOUR_CALM, at little cost, and nobody else notices.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use wireloom_conformance::grade::cases::http2_frames::{Flood, continuations, control, resets};
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::http2::{self, Event, Http2, code, frame, kind};
use wireloom_conformance::scripted::raw::PATIENCE;
use wireloom_conformance::scripted::{Backend, Raw};

use crate::setup::{END, Setup};

const MIB: u64 = 1 << 20;

/// What came of a flood.
struct Outcome {
    /// GOAWAY frames.
    goaways: Vec<(u32, u32)>,
    /// The proxy ended the connection.
    closed: bool,
    /// Bytes over idle at the most.
    memory: u64,
}

async fn pour(proxy: &Proxy, flood: &Flood, idle: u64) -> Result<Outcome> {
    let (mut reading, mut writing) = TcpStream::connect(proxy.address()).await?.into_split();
    let bytes = [
        http2::PREFACE.as_slice(),
        &http2::settings(&[]),
        &flood.bytes,
    ]
    .concat();
    let writing = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut came = Vec::new();
    let (mut memory, mut closed) = (0, false);
    let end = Instant::now() + Duration::from_secs(12);
    let mut read_from = Instant::now();
    if !flood.reads {
        read_from += Duration::from_secs(2);
    }
    while !closed && Instant::now() < end {
        memory = memory.max(proxy.memory()?.saturating_sub(idle));
        let tick = Duration::from_millis(20);
        if Instant::now() < read_from {
            sleep(tick).await;
            continue;
        }
        match timeout(tick, reading.read_buf(&mut came)).await {
            Ok(Ok(1..)) => {}
            Ok(_) => closed = true,
            // All is written, and nothing has come of it for a while.
            Err(_)
                if writing.is_finished() && Instant::now() > read_from + Duration::from_secs(4) =>
            {
                break;
            }
            Err(_) => {}
        }
    }
    writing.abort();
    Ok(Outcome {
        goaways: goaways(&came),
        closed,
        memory,
    })
}

fn goaways(mut bytes: &[u8]) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            break;
        };
        if head[3] == kind::GOAWAY
            && let Some(numbers) = payload.first_chunk::<8>()
        {
            let number = |at: usize| {
                u32::from_be_bytes([
                    numbers[at],
                    numbers[at + 1],
                    numbers[at + 2],
                    numbers[at + 3],
                ])
            };
            found.push((number(0), number(4)));
        }
        bytes = rest;
    }
    found
}

async fn withstand(floods: Vec<Flood>) -> Result<()> {
    let mut problems = Vec::new();
    for flood in floods {
        let backend = Backend::ok().await?;
        let setup = Setup::to(backend.address()).cluster("protocol: http1");
        let mut proxy = setup.start().await?;
        let mut bystander = Http2::connect(proxy.address()).await?;
        for _ in 0..50 {
            ensure!(bystander.get("/good").await?.body == b"ok");
        }
        let idle = proxy.memory()?;
        let worked = proxy.processor_time()?;
        let pouring = pour(&proxy, &flood, idle);
        let watching = async {
            for _ in 0..20 {
                let start = Instant::now();
                ensure!(bystander.get("/good").await?.body == b"ok");
                let took = start.elapsed();
                ensure!(
                    took < Duration::from_secs(3),
                    "a good request took {took:?}"
                );
                sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(())
        };
        let (outcome, watched) = tokio::join!(pouring, watching);
        let outcome = outcome?;
        let seen = backend.take();
        let flooded = seen
            .iter()
            .filter(|request| request.target() != "/good")
            .count();
        let worked = proxy.processor_time()?.saturating_sub(worked);
        eprintln!(
            "{}: GOAWAY {:?}, closed {}, {flooded} at the server, {} KiB over idle, {worked:?} of work",
            flood.name,
            outcome.goaways,
            outcome.closed,
            outcome.memory >> 10
        );
        let mut problem = |what: String| problems.push(format!("{}: {what}", flood.name));
        if let Err(error) = watched {
            problem(format!("{error:#}"));
        }
        if outcome.memory > 32 * MIB {
            problem(format!("{} MiB over idle", outcome.memory / MIB));
        }
        if !outcome.closed {
            problem("the connection goes on".to_owned());
        } else if !outcome
            .goaways
            .iter()
            .any(|(_, code)| flood.codes.contains(code))
            && flood.reads
        {
            problem(format!("it ended with {:?}", outcome.goaways));
        }
        if flooded > 2000 {
            problem(format!("{flooded} requests reached the server"));
        }
        proxy.check().with_context(|| flood.name.to_owned())?;
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn floods_of_resets_end_the_connection() -> Result<()> {
    withstand(resets()).await
}

#[tokio::test]
async fn floods_of_control_frames_end_the_connection() -> Result<()> {
    withstand(control()).await
}

#[tokio::test]
async fn floods_of_continuations_end_the_connection() -> Result<()> {
    withstand(continuations()).await
}

/// A gRPC client that gives up most of its calls, at every moment that there is, keeps its connection.
#[tokio::test]
async fn a_client_that_cancels_a_lot_survives() -> Result<()> {
    let backend = Backend::http2(|half| half.body.get(5..).unwrap_or_default().to_vec()).await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let end = Instant::now() + Duration::from_secs(60);
    for round in 0..300u32 {
        // Given up at once, before the message, behind it, and behind the answer's head.
        let mut batch = Vec::new();
        let mut streams = Vec::new();
        for moment in 0..8u32 {
            let stream = client.begin();
            batch.extend(http2::headers(
                stream,
                &http2::grpc("/a.B/echo", &[]),
                false,
            ));
            if moment % 4 != 1 {
                batch.extend(http2::data(stream, &http2::message(b"x"), true));
            }
            if moment % 4 < 3 && moment > 1 {
                batch.extend(http2::reset(stream, code::CANCEL));
            }
            streams.push(stream);
        }
        client.send(batch).await?;
        // The first two of each round are waited for or begun and given up later.
        let first = streams[0];
        let answer = client
            .whole(first)
            .await
            .with_context(|| format!("round {round}"))?;
        ensure!(answer.grpc_status() == Some(0), "round {round}: {answer:?}");
        client.send(http2::reset(streams[1], code::CANCEL)).await?;
        let waited = streams[3];
        while client.half(waited).fields.is_empty() {
            let event = client
                .event_by(end)
                .await
                .with_context(|| format!("round {round}"))?;
            ensure!(
                !matches!(event, None | Some(Event::GoAway(..))),
                "round {round}: {event:?}"
            );
        }
        client.send(http2::reset(waited, code::CANCEL)).await?;
        ensure!(
            client.goaways.is_empty(),
            "round {round}: GOAWAY {:?}",
            client.goaways
        );
        client.halves.clear();
    }
    let answer = client.call("/a.B/echo", &[], b"last").await?;
    ensure!(answer.body == http2::message(b"last"), "{answer:?}");
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_connection_error_is_told_before_the_end() -> Result<()> {
    let backend = Backend::ok().await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let get = http2::get("/");
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("DATA on stream 0", http2::data(0, b"x", false)),
        ("HEADERS on stream 0", http2::headers(0, &get, true)),
        ("HEADERS on an even stream", http2::headers(2, &get, true)),
        ("DATA on an idle stream", http2::data(5, b"x", true)),
        (
            "RST_STREAM on an idle stream",
            http2::reset(5, code::CANCEL),
        ),
        ("PING of 7 bytes", frame(kind::PING, 0, 0, &[0; 7])),
        ("SETTINGS of 5 bytes", frame(kind::SETTINGS, 0, 0, &[0; 5])),
        ("SETTINGS on a stream", frame(kind::SETTINGS, 0, 1, b"")),
        ("a window setting of 2^31", http2::settings(&[(4, 1 << 31)])),
        ("a frame size of 0", http2::settings(&[(5, 0)])),
        (
            "a frame that is too long",
            frame(kind::HEADERS, 4, 1, &[0; 70_000]),
        ),
        (
            "PUSH_PROMISE",
            frame(kind::PUSH_PROMISE, 4, 1, &[0, 0, 0, 2]),
        ),
        ("WINDOW_UPDATE of 0 for the connection", http2::window(0, 0)),
        (
            "a window of the connection that overflows",
            http2::window(0, (1 << 31) - 1),
        ),
        (
            "CONTINUATION without HEADERS",
            frame(kind::CONTINUATION, 4, 1, &get),
        ),
        (
            "a frame within a head",
            [
                frame(kind::HEADERS, 1, 1, &get),
                frame(kind::PING, 0, 0, &[0; 8]),
            ]
            .concat(),
        ),
        (
            "a stream number that goes back",
            [http2::headers(5, &get, true), http2::headers(3, &get, true)].concat(),
        ),
        (
            "more padding than there is",
            frame(kind::DATA, 8, 1, &[9, 0]),
        ),
    ];
    let mut problems = Vec::new();
    for (name, bytes) in rows {
        let mut client = Http2::connect(proxy.address()).await?;
        client.send(bytes).await?;
        let closed = client.closes(Duration::from_secs(8)).await;
        let told = client
            .goaways
            .iter()
            .any(|(_, code)| *code != code::NO_ERROR);
        if closed.is_err() || !told {
            problems.push(format!(
                "{name}: closed {}, GOAWAY {:?}",
                closed.is_ok(),
                client.goaways
            ));
        }
    }
    // What is no preface ends at once, told or not.
    let mut raw = Raw::connect(proxy.address()).await?;
    raw.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await?;
    raw.rest(PATIENCE).await?;
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    proxy.check()?;
    proxy.stop(END).await
}
