//! Whatever an upstream does wrong, its caller gets an error in time and the caller's connection goes on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::net::TcpStream;
use wireloom_conformance::ports;
use wireloom_conformance::scripted::{Call, Conn, Failure, Upstream, Wire};

use crate::setup::{END, Setup};

/// An upstream that does this to the first request of each connection, and then closes.
async fn answering(
    wire: Wire,
    bytes: impl Fn(u64) -> Vec<u8> + Clone + Send + 'static,
) -> Result<Upstream> {
    Upstream::start(wire, move |mut conn, _| {
        let bytes = bytes.clone();
        async move {
            let frame = conn.next_ever().await?.context("closed")?;
            conn.send(&bytes(frame.id)).await
        }
    })
    .await
}

/// The same, but it goes on reading.
async fn staying(
    wire: Wire,
    bytes: impl Fn(u64) -> Vec<u8> + Clone + Send + 'static,
) -> Result<Upstream> {
    Upstream::start(wire, move |mut conn, _| {
        let bytes = bytes.clone();
        async move {
            while let Some(frame) = conn.next_ever().await? {
                conn.send(&bytes(frame.id)).await?;
            }
            Ok(())
        }
    })
    .await
}

/// Closes with a reset, so that what it sent last may be lost.
fn reset(stream: &TcpStream) -> Result<()> {
    // Tokio calls blocking lingers deprecated; this one does not linger.
    #[expect(deprecated)]
    Ok(stream.set_linger(Some(Duration::ZERO))?)
}

struct Case {
    name: &'static str,
    upstream: Option<Upstream>,
    /// What its caller may be told.
    expected: Vec<Failure>,
}

impl Case {
    fn new(name: &'static str, upstream: Upstream, expected: Failure) -> Self {
        Self {
            name,
            upstream: Some(upstream),
            expected: vec![expected],
        }
    }

    fn address(&self) -> SocketAddr {
        self.upstream
            .as_ref()
            .map_or_else(ports::free, Upstream::address)
    }
}

async fn cases(wire: Wire) -> Result<Vec<Case>> {
    let half = move |id| {
        let mut frame = wire.response(id, &[7; 1000]);
        frame.truncate(frame.len() / 2);
        frame
    };
    let half_head = move |id| wire.response(id, b"x").into_iter().take(9).collect();
    let garbage = |_| b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec();
    let too_long = move |id| wire.answer_announcement(id, 1 << 30);
    let negative = move |id| wire.answer_announcement(id, u32::MAX);
    Ok(vec![
        Case {
            name: "refuses",
            upstream: None,
            expected: vec![Failure::Connect],
        },
        Case {
            name: "closes-at-once",
            upstream: Some(Upstream::raw(|_, _| async { Ok(()) }).await?),
            // By whether it is noticed before the request is written.
            expected: vec![Failure::Connect, Failure::Reset],
        },
        Case::new(
            "closes-after-reading",
            Upstream::resetting().await?,
            Failure::Reset,
        ),
        Case::new(
            "resets",
            Upstream::start(wire, |mut conn, _| async move {
                conn.next_ever().await?;
                reset(&conn.into_stream())
            })
            .await?,
            Failure::Reset,
        ),
        Case::new(
            "closes-in-a-frame",
            answering(wire, half).await?,
            Failure::Reset,
        ),
        Case::new(
            "closes-in-a-head",
            answering(wire, half_head).await?,
            Failure::Reset,
        ),
        Case::new(
            "sends-garbage",
            staying(wire, garbage).await?,
            Failure::Reset,
        ),
        Case::new(
            "announces-too-much",
            staying(wire, too_long).await?,
            Failure::Reset,
        ),
        Case::new(
            "announces-a-negative-length",
            staying(wire, negative).await?,
            Failure::Reset,
        ),
        Case::new(
            "stops-in-a-frame",
            staying(wire, half).await?,
            Failure::Timeout,
        ),
        Case::new("is-silent", Upstream::silent().await?, Failure::Timeout),
        Case::new("is-deaf", Upstream::deaf().await?, Failure::Timeout),
    ])
}

#[tokio::test]
async fn every_fault_becomes_an_error_of_the_clients_protocol() -> Result<()> {
    for wire in Wire::ALL {
        let echo = Upstream::echo(wire).await?;
        let cases = cases(wire).await?;
        let mut setup = Setup::to(echo.address());
        for case in &cases {
            setup = setup.group(
                case.name,
                &format!("endpoints: [\"{}\"]", case.address()),
                "timeout: 500ms",
            );
        }
        let mut proxy = setup.start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        let mut id = 0;
        for case in &cases {
            // More than once: the next call gets a connection of its own, or the same one.
            for _ in 0..3 {
                let run = async {
                    id += 1;
                    let start = Instant::now();
                    client
                        .request(id, &Call::echo("x").group(case.name))
                        .await?;
                    client.expect_one_of(id, &case.expected).await?;
                    let took = start.elapsed();
                    ensure!(took < Duration::from_secs(3), "the error took {took:?}");
                    id += 1;
                    client.echo(id, b"a good one").await
                };
                run.await
                    .with_context(|| format!("{wire:?}: an upstream that {}", case.name))?;
            }
        }
        client.quiet(Duration::from_millis(200)).await?;
        proxy.check()?;
        drop(client);
        proxy.stop(END).await.with_context(|| format!("{wire:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn calls_under_way_on_a_lost_connection_all_fail() -> Result<()> {
    const CALLS: u64 = 100;
    for wire in Wire::PROTOCOLS {
        let upstream = Upstream::start(wire, |mut conn, _| async move {
            for _ in 0..CALLS {
                conn.next_ever().await?;
            }
            reset(&conn.into_stream())
        })
        .await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in 0..CALLS {
            client.request(id, &Call::echo("x")).await?;
        }
        let mut missing: std::collections::BTreeSet<_> = (0..CALLS).collect();
        while !missing.is_empty() {
            let frame = client.frame().await?;
            ensure!(
                frame.status == wire.status(Failure::Reset),
                "status {}",
                frame.status
            );
            ensure!(missing.remove(&frame.id), "{} is answered twice", frame.id);
        }
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_upstream_that_comes_back_is_used_again() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let address = ports::free();
        let proxy = Setup::to(address).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        client.request(1, &Call::echo("x")).await?;
        client.expect_failure(1, Failure::Connect).await?;

        let listener = tokio::net::TcpListener::bind(address).await?;
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            let mut conn = Conn::of(wire, stream);
            while let Some(frame) = conn.next_ever().await? {
                conn.respond(frame.id, &frame.payload).await?;
            }
            anyhow::Ok(())
        });
        // The proxy may let some time pass before it tries again, but not much.
        let end = Instant::now() + Duration::from_secs(5);
        for id in 2.. {
            client.request(id, &Call::echo("again")).await?;
            let frame = client.frame().await?;
            if frame.status == wire.success() {
                break;
            }
            ensure!(
                Instant::now() < end,
                "{wire:?}: still status {}",
                frame.status
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        drop(client);
        proxy.stop(END).await?;
        server.abort();
    }
    Ok(())
}
