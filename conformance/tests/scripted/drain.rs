//! SIGTERM: what is under way is answered, what is new goes elsewhere, and the process ends with 0.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::time::sleep;
use wireloom_conformance::scripted::{Call, Conn, Failure, Kind, Upstream, Wire};

use crate::setup::{END, Setup};

/// Answers each call after so long.
async fn slow(wire: Wire, time: Duration) -> Result<Upstream> {
    Upstream::start(wire, move |mut conn, seen| async move {
        while let Some(frame) = conn.next_ever().await? {
            if frame.kind == Kind::Request {
                seen.keep(frame.clone());
                sleep(time).await;
                conn.respond(frame.id, &frame.payload).await?;
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn calls_under_way_are_answered_before_the_end() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = slow(wire, Duration::from_secs(1)).await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let address = proxy.address();
        let mut idle = Conn::connect(wire, address).await?;
        let mut busy = Conn::connect(wire, address).await?;
        idle.send(&wire.ping(1)).await?;
        idle.frame().await?;
        busy.request(1, &Call::echo("under way")).await?;
        upstream.seen().reaches(1).await?;

        let start = Instant::now();
        proxy.signal(Signal::TERM);
        if wire == Wire::Dubbo {
            // READONLY: consumers choose other providers for new calls.
            for client in [&mut idle, &mut busy] {
                let frame = client.frame().await?;
                ensure!(
                    (frame.kind, frame.payload.as_slice()) == (Kind::Event, b"R"),
                    "{:?}",
                    frame.kind
                );
            }
        }
        // A call that left before the client knew is served too.
        idle.request(2, &Call::echo("on its way")).await?;
        busy.expect(1, b"under way").await?;
        idle.expect(2, b"on its way").await?;
        busy.closes(END)
            .await
            .context("the connection stays open when nothing is under way")?;
        idle.closes(END).await?;
        proxy.ended(END).await?;
        ensure!(
            start.elapsed() < Duration::from_secs(5),
            "it took {:?}",
            start.elapsed()
        );
        ensure!(
            TcpStream::connect(address).await.is_err(),
            "somebody listens still"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_drain_takes_no_longer_than_it_may() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let silent = Upstream::silent().await?;
        let proxy = Setup::to(silent.address())
            .route("timeout: 60s")
            .start()
            .await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        client.request(1, &Call::echo("for ever")).await?;
        sleep(Duration::from_millis(200)).await;
        let start = Instant::now();
        proxy.signal(Signal::TERM);
        if wire == Wire::Dubbo {
            client.frame().await?;
        }
        // `drain_timeout` of these tests is 5 s; whoever waits still is told.
        let frame = client.frame().await?;
        ensure!(
            (frame.kind, frame.id) == (Kind::Response, 1),
            "{:?}",
            frame.kind
        );
        ensure!(
            frame.status == wire.status(Failure::Reset),
            "status {}",
            frame.status
        );
        proxy.ended(END).await?;
        let took = start.elapsed();
        ensure!((4..9).contains(&took.as_secs()), "it took {took:?}");
    }
    Ok(())
}

#[tokio::test]
async fn readiness_ends_when_the_drain_begins() -> Result<()> {
    let wire = Wire::Dubbo;
    let upstream = slow(wire, Duration::from_secs(1)).await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Conn::connect(wire, proxy.address()).await?;
    client.request(1, &Call::echo("under way")).await?;
    upstream.seen().reaches(1).await?;
    ensure!(proxy.get("/ready").await?.0 == 200);
    proxy.signal(Signal::TERM);
    // The event comes when it has begun.
    ensure!(client.frame().await?.kind == Kind::Event);
    let (status, _) = proxy
        .get("/ready")
        .await
        .context("the admin server is gone before the drain is over")?;
    ensure!(status == 503, "status {status}");
    client.expect(1, b"under way").await?;
    proxy.ended(END).await
}

#[tokio::test]
async fn sigint_ends_at_once() -> Result<()> {
    let wire = Wire::Dubbo;
    let silent = Upstream::silent().await?;
    let proxy = Setup::to(silent.address()).start().await?;
    let mut client = Conn::connect(wire, proxy.address()).await?;
    client.request(1, &Call::echo("for ever")).await?;
    proxy.signal(Signal::INT);
    proxy.ended(Duration::from_secs(2)).await
}
