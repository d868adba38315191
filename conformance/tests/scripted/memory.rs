//! Memory stays within bounds whatever peers announce, send, or leave unread.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::{Call, Conn, Failure, Upstream, Wire};

use crate::setup::{END, Setup};

const MIB: u64 = 1 << 20;

/// Watches for so long that the proxy never uses more than `bound` bytes over `idle`.
async fn stays_under(proxy: &Proxy, idle: u64, bound: u64, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let mut most = 0;
    while Instant::now() < end {
        most = most.max(proxy.memory()?.saturating_sub(idle));
        ensure!(
            most <= bound,
            "{} MiB over the {} MiB of an idle proxy",
            most / MIB,
            idle / MIB
        );
        sleep(Duration::from_millis(50)).await;
    }
    eprintln!("{} MiB over idle at the most", most / MIB);
    Ok(most)
}

/// Warm, so that what is allocated once does not count.
async fn idle_memory(proxy: &Proxy, wire: Wire) -> Result<u64> {
    let mut client = Conn::connect(wire, proxy.address()).await?;
    for id in 0..100 {
        client.echo(id, &[1; 1000]).await?;
    }
    proxy.memory()
}

#[tokio::test]
async fn announced_lengths_allocate_nothing() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let upstream = Upstream::echo(wire).await?;
        // Below the limit first, so that the frames are waited for.
        for limit in ["128MiB", "8MiB"] {
            let setup =
                Setup::to(upstream.address()).listener(&format!("limits: {{frame: {limit}}}"));
            let mut proxy = setup.start().await?;
            let idle = idle_memory(&proxy, wire).await?;
            let mut announcers = Vec::new();
            for _ in 0..16 {
                let mut client = Conn::connect(wire, proxy.address()).await?;
                client.send(&wire.announcement(1, 65 << 20)).await?;
                // Where it is refused the connection may be gone.
                let _ = client.send(&[0; 1000]).await;
                announcers.push(client);
            }
            stays_under(&proxy, idle, 64 * MIB, Duration::from_secs(1)).await?;
            if limit == "8MiB" {
                for client in &mut announcers {
                    client.expect_failure(1, Failure::TooLarge).await?;
                }
            }
            let mut good = Conn::connect(wire, proxy.address()).await?;
            let served = timeout(Duration::from_secs(2), good.echo(1, b"served")).await;
            served.with_context(|| format!("{wire:?}: announcers starve others"))??;
            proxy.check()?;
            drop((announcers, good));
            proxy.stop(END).await?;
        }
    }
    Ok(())
}

/// 200 clients send 1 MiB each to a server that reads nothing.
#[tokio::test]
async fn a_server_that_does_not_read_holds_its_clients_back() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let (echo, deaf) = (Upstream::echo(wire).await?, Upstream::deaf().await?);
        let setup = Setup::to(echo.address())
            .workers(2)
            .group_to("deaf", deaf.address());
        let mut proxy = setup.start().await?;
        let idle = idle_memory(&proxy, wire).await?;
        let mut clients = JoinSet::new();
        for id in 0..200 {
            let address = proxy.address();
            clients.spawn(async move {
                let mut client = Conn::connect(wire, address).await?;
                // Never done, as a rule.
                client
                    .request(id, &Call::echo(vec![3; MIB as usize]).group("deaf"))
                    .await?;
                client.frame().await.map(drop)
            });
        }
        stays_under(&proxy, idle, 64 * MIB, Duration::from_secs(3)).await?;
        let mut good = Conn::connect(wire, proxy.address()).await?;
        let served = timeout(Duration::from_secs(2), good.echo(1, b"served")).await;
        served.with_context(|| format!("{wire:?}: a small call to another server waits"))??;
        proxy.check()?;
        clients.shutdown().await;
        drop(good);
        sleep(Duration::from_millis(500)).await;
        ensure!(proxy.memory()? <= idle + 64 * MIB, "memory is kept");
        proxy.stop(END).await?;
    }
    Ok(())
}

/// Clients ask for answers of 1 MiB and read none.
#[tokio::test]
async fn a_client_that_does_not_read_holds_its_answers_back() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let upstream = Upstream::start(wire, |mut conn, _| async move {
            while let Some(frame) = conn.next_ever().await? {
                let size = if frame.payload == b"big" {
                    MIB as usize
                } else {
                    1000
                };
                conn.respond(frame.id, &vec![5; size]).await?;
            }
            Ok(())
        })
        .await?;
        let echo = Upstream::echo(wire).await?;
        let setup = Setup::to(echo.address())
            .workers(2)
            .group_to("big", upstream.address());
        let mut proxy = setup.start().await?;
        let idle = idle_memory(&proxy, wire).await?;
        let mut clients = Vec::new();
        for _ in 0..50 {
            let mut client = Conn::connect(wire, proxy.address()).await?;
            for id in 0..20 {
                client.request(id, &Call::echo("big").group("big")).await?;
            }
            clients.push(client);
        }
        stays_under(&proxy, idle, 96 * MIB, Duration::from_secs(3)).await?;
        let mut good = Conn::connect(wire, proxy.address()).await?;
        let served = timeout(Duration::from_secs(2), good.echo(1, b"served")).await;
        served.with_context(|| format!("{wire:?}: a small call to another server waits"))??;
        proxy.check()?;
        drop((good, clients));
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn heartbeats_whose_answers_are_not_read_are_bounded() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let echo = Upstream::echo(wire).await?;
        let mut proxy = Setup::to(echo.address()).start().await?;
        let idle = idle_memory(&proxy, wire).await?;
        let mut flood = Conn::connect(wire, proxy.address()).await?.into_stream();
        let pings = wire.ping(1).repeat(1000);
        let flooding = tokio::spawn(async move {
            for _ in 0..2000 {
                flood.write_all(&pings).await?;
            }
            std::future::pending::<std::io::Result<()>>().await
        });
        stays_under(&proxy, idle, 48 * MIB, Duration::from_secs(2)).await?;
        let mut good = Conn::connect(wire, proxy.address()).await?;
        timeout(Duration::from_secs(2), good.echo(1, b"served")).await??;
        proxy.check()?;
        flooding.abort();
        drop(good);
        proxy.stop(END).await?;
    }
    Ok(())
}
