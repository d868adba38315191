//! Slow clients wait for themselves alone, and not for ever.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use wireloom_conformance::scripted::{Call, Conn, Upstream, Wire};

use crate::setup::{END, Setup};

/// Behind how much of a frame 200 clients stop.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Sniffing,
    InTheHead,
    InTheBody,
}

async fn slow_clients(wire: Wire, stop: Stop) -> Result<()> {
    let upstream = Upstream::echo(wire).await?;
    let setup = Setup::to(upstream.address())
        .workers(2)
        .listener("timeouts: {sniff: 1s, header: 2s}");
    let mut proxy = setup.start().await?;
    let frame = wire.request(1, &Call::echo(vec![1; 500]));
    let sent = match stop {
        Stop::Sniffing => 1,
        Stop::InTheHead => 10,
        Stop::InTheBody => frame.len() - 100,
    };
    let mut clients = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(proxy.address()).await?;
        stream.write_all(&frame[..sent]).await?;
        clients.push(stream);
    }
    let mut good = Conn::connect(wire, proxy.address()).await?;
    for id in 0..20 {
        let start = Instant::now();
        timeout(Duration::from_secs(2), good.echo(id, b"quick")).await??;
        ensure!(
            start.elapsed() < Duration::from_secs(1),
            "a good call took {:?}",
            start.elapsed()
        );
    }
    // A byte now and then does not save them: the time counts for the frame.
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        for stream in &mut clients {
            // Those that are closed already say so.
            let _ = stream.write_all(&frame[sent..=sent]).await;
        }
        sleep(Duration::from_millis(700)).await;
    }
    for stream in clients {
        let mut client = Conn::of(wire, stream);
        client
            .closes(Duration::from_secs(2))
            .await
            .context("a slow client is kept")?;
    }
    good.echo(99, b"still served").await?;
    proxy.check()?;
    drop(good);
    proxy.stop(END).await
}

#[tokio::test]
async fn two_hundred_clients_that_stop_after_a_byte() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        slow_clients(wire, Stop::Sniffing)
            .await
            .with_context(|| format!("{wire:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn two_hundred_clients_that_stop_in_a_head() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        slow_clients(wire, Stop::InTheHead)
            .await
            .with_context(|| format!("{wire:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn two_hundred_clients_that_stop_in_a_body() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        slow_clients(wire, Stop::InTheBody)
            .await
            .with_context(|| format!("{wire:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn an_idle_client_is_kept_and_then_closed() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let upstream = Upstream::echo(wire).await?;
        let proxy = Setup::to(upstream.address())
            .listener("timeouts: {idle: 1500ms}")
            .start()
            .await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        client.echo(1, b"x").await?;
        client.quiet(Duration::from_secs(1)).await?;
        client.echo(2, b"x").await?;
        client.quiet(Duration::from_secs(1)).await?;
        client.closes(Duration::from_secs(2)).await?;
        proxy.stop(END).await?;
    }
    Ok(())
}
