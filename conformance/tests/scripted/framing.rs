//! Frames may be cut anywhere, and many may come at once.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep;
use wireloom_conformance::scripted::{Call, Conn, Kind, Upstream, Wire};

use crate::setup::{END, Setup};

/// Long enough for the first part to have been read by itself.
const BETWEEN: Duration = Duration::from_millis(30);

#[tokio::test]
async fn a_request_may_be_cut_at_every_byte() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::echo(wire).await?;
        let proxy = Setup::to(upstream.address()).workers(2).start().await?;
        let frame = wire.request(77, &Call::echo("cut me").group("blue"));
        let plain = wire.request(78, &Call::echo("cut me"));
        ensure!(plain.len() < frame.len());
        let mut clients = JoinSet::new();
        for cut in 1..plain.len() {
            let (address, plain) = (proxy.address(), plain.clone());
            clients.spawn(async move {
                let mut client = Conn::connect(wire, address).await?;
                let (first, rest) = plain.split_at(cut);
                client.send(first).await?;
                sleep(BETWEEN).await;
                client.send(rest).await?;
                client
                    .expect(78, b"cut me")
                    .await
                    .with_context(|| format!("{wire:?} cut at {cut}"))
            });
        }
        while let Some(client) = clients.join_next().await {
            client??;
        }
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_may_be_cut_at_every_byte() -> Result<()> {
    for wire in Wire::ALL {
        let length = wire.response(0, b"00000").len();
        // A call's argument says where its answer is cut.
        let upstream = Upstream::start(wire, move |mut conn, _| async move {
            while let Some(frame) = conn.next_ever().await? {
                let cut = String::from_utf8(frame.payload.clone())?.parse()?;
                let answer = wire.response(frame.id, &frame.payload);
                let (first, rest) = answer.split_at(cut);
                conn.send(first).await?;
                sleep(BETWEEN).await;
                conn.send(rest).await?;
            }
            Ok(())
        })
        .await?;
        let proxy = Setup::to(upstream.address())
            .cluster("connections: {per_endpoint: 8}")
            .start()
            .await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for cut in 1..length {
            client
                .request(cut as u64, &Call::echo(format!("{cut:05}")))
                .await?;
        }
        let mut missing: HashSet<_> = (1..length as u64).collect();
        while !missing.is_empty() {
            let frame = client
                .frame()
                .await
                .with_context(|| format!("{wire:?}, missing {missing:?}"))?;
            ensure!(frame.status == wire.success(), "status {}", frame.status);
            ensure!(frame.payload == format!("{:05}", frame.id).as_bytes());
            ensure!(missing.remove(&frame.id), "{} came twice", frame.id);
        }
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn bytes_may_come_one_by_one() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::echo(wire).await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in 0..3 {
            for byte in wire.request(id, &Call::echo("drop by drop")) {
                client.send(&[byte]).await?;
                sleep(Duration::from_millis(1)).await;
            }
            client
                .expect(id, b"drop by drop")
                .await
                .with_context(|| format!("{wire:?}"))?;
        }
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_thousand_frames_may_come_in_one_write() -> Result<()> {
    const CALLS: u64 = 1000;
    for wire in Wire::ALL {
        // Answers in one write too.
        let upstream = Upstream::start(wire, move |mut conn, _| async move {
            let mut answers = Vec::new();
            for _ in 0..CALLS {
                let frame = conn.next_ever().await?.context("closed")?;
                answers.extend(wire.response(frame.id, &frame.payload));
            }
            conn.send(&answers).await?;
            conn.next_ever().await.map(drop)
        })
        .await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        let frames: Vec<u8> = (0..CALLS)
            .flat_map(|id| wire.request(id, &Call::echo(id.to_string())))
            .collect();
        client.send(&frames).await?;
        for _ in 0..CALLS {
            let frame = client.frame().await?;
            ensure!(frame.payload == frame.id.to_string().as_bytes());
        }
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn more_calls_than_a_connection_may_have_wait_and_are_answered() -> Result<()> {
    const CALLS: u64 = 300;
    for wire in Wire::PROTOCOLS {
        let upstream = Upstream::echo(wire).await?;
        let setup = Setup::to(upstream.address()).listener("limits: {in_flight_per_connection: 4}");
        let proxy = setup.start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        let frames: Vec<u8> = (0..CALLS)
            .flat_map(|id| wire.request(id, &Call::echo(id.to_string())))
            .collect();
        client.send(&frames).await?;
        for _ in 0..CALLS {
            let frame = client.frame().await?;
            ensure!(frame.kind == Kind::Response && frame.status == wire.success());
            ensure!(frame.payload == frame.id.to_string().as_bytes());
        }
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn large_calls_come_through_whole() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::echo(wire).await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for (id, size) in [16 << 10, (16 << 10) + 1, 100_000, 1 << 20, 7 << 20]
            .into_iter()
            .enumerate()
        {
            let payload: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            client
                .echo(id as u64, &payload)
                .await
                .with_context(|| format!("{wire:?}, {size} bytes"))?;
        }
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}
