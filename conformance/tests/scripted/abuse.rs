//! Bytes that no client should send, beyond the frames that are cases of their own: they end their connection at once
//! and harm nobody else.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wireloom_conformance::scripted::{Call, Conn, Upstream, Wire};

use crate::setup::{END, Setup};

#[tokio::test]
async fn unknown_first_bytes_end_the_connection_at_once() -> Result<()> {
    let upstream = Upstream::echo(Wire::Dubbo).await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut connections = JoinSet::new();
    let firsts: [&[u8]; 12] = [
        b"*1\r\n$4\r\nPING\r\n",
        b"\x00\x00\x00\x10\xff",
        b"\xbb\xda\xc2\x00",
        b"\xda\xbc",
        b"\x03\x01\x00\x01\x01",
        b"\xff\xff\xff\xff",
        b"\x01\x09\x00\x01\x01",
        b"\x01\x01\x00\x07\x01",
        b"\x02\x09\x01\x00\x01\x01",
        b"SSH-2.0-x\r\n",
        b"hello\n",
        b"\x10\x0c\x00\x04MQTT",
    ];
    for first in firsts {
        let address = proxy.address();
        connections.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(first).await?;
            let mut answer = Vec::new();
            // Detection's own limit is 5 s; what can match nothing is not waited on.
            let end = timeout(Duration::from_secs(2), stream.read_to_end(&mut answer)).await;
            ensure!(end.is_ok(), "{first:02x?} is still waited on");
            anyhow::Ok(())
        });
    }
    let mut problems = Vec::new();
    while let Some(connection) = connections.join_next().await {
        problems.extend(connection?.err().map(|error| error.to_string()));
    }
    ensure!(problems.is_empty(), "{problems:#?}");
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn random_bytes_behind_good_starts_break_nothing() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::tolerant(wire).await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let mut bystander = Conn::connect(wire, proxy.address()).await?;
        let good = wire.request(1, &Call::echo("payload").group("blue"));
        // The same bytes at each run: xorshift.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for round in 0..300u64 {
            let mut frame = good.clone();
            for _ in 0..=random() % 4 {
                let at = (random() % frame.len() as u64) as usize;
                frame[at] = random() as u8;
            }
            let mut stream = TcpStream::connect(proxy.address()).await?;
            // The proxy may close before everything is written.
            let _ = stream.write_all(&frame).await;
            let _ = stream.shutdown().await;
            if round % 30 == 0 {
                bystander
                    .echo(round, b"still served")
                    .await
                    .with_context(|| format!("{wire:?}: round {round}"))?;
            }
        }
        bystander.echo(999, b"still served").await?;
        proxy.check()?;
        drop(bystander);
        proxy.stop(Duration::from_secs(20)).await?;
    }
    Ok(())
}
