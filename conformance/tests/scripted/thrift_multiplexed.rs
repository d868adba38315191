//! Clusters whose servers answer in any order: every answer reaches its caller, and what is nobody's reaches nobody.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use wireloom_conformance::scripted::thrift::{FRAMED, INTERNAL_ERROR};
use wireloom_conformance::scripted::{Dialect, Thrift, Upstream};

use crate::setup::{END, Setup};

const KEYS: &str = "protocol: thrift, multiplexed: true";

/// Answers calls in batches of so many, the last one first.
async fn reversing(batch: usize) -> Result<Upstream> {
    Upstream::raw(move |stream, _| async move {
        let mut conn = Thrift::of(stream);
        let mut held = Vec::new();
        while let Some(call) = conn.next_ever().await? {
            held.push(call);
            if held.len() == batch {
                for call in held.drain(..).rev() {
                    conn.send(call.echo()).await?;
                }
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn answers_out_of_order_reach_their_callers() -> Result<()> {
    const CLIENTS: usize = 16;
    for dialect in Dialect::ALL {
        let upstream = reversing(CLIENTS).await?;
        let proxy = Setup::to(upstream.address()).cluster(KEYS).start().await?;
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let address = proxy.address();
            clients.spawn(async move {
                let mut client = Thrift::connect(dialect, address).await?;
                // All under the same seqids.
                for seqid in 0..10 {
                    let own = format!("client {number}, call {seqid}");
                    client.echo(seqid, own.as_bytes()).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(client) = clients.join_next().await {
            client?.with_context(|| format!("{dialect:?}"))?;
        }
        let connections = upstream.seen().connections();
        ensure!(connections == 1, "{dialect:?}: {connections} connections");
        proxy.stop(END).await?;
    }
    Ok(())
}

/// Answers under seqids that no call has, twice, and late: each caller gets its own answer all the same.
#[tokio::test]
async fn answers_of_nobodys_calls_reach_nobody() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Thrift::of(stream);
        let mut late = Vec::new();
        while let Some(call) = conn.next_ever().await? {
            let (name, seqid) = (call.method(), call.start.seqid);
            if name == "late" {
                late.push(call);
                continue;
            }
            for call in late.drain(..) {
                conn.send(call.echo()).await?;
            }
            for foreign in [seqid.wrapping_add(1), seqid ^ 0x4000_0000, 0, -1, i32::MIN] {
                if foreign != seqid {
                    let poison = call.dialect.reply(name, foreign, b"poison");
                    conn.send(poison).await?;
                }
            }
            conn.send(call.echo()).await?;
            conn.send(call.echo()).await?;
        }
        Ok(())
    })
    .await?;
    let setup = Setup::to(upstream.address())
        .cluster(KEYS)
        .route("timeout: 3s")
        .first("{match: {protocol: thrift, method: late}, to: main, timeout: 300ms}");
    let mut proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for round in 0..5 {
            let run = async {
                client.send(dialect.call("late", 7, b"too late")).await?;
                client.exception("late", 7, INTERNAL_ERROR).await?;
                client.echo(7, format!("round {round}").as_bytes()).await
            };
            run.await.with_context(|| format!("{dialect:?}, {round}"))?;
        }
        client.quiet(Duration::from_millis(100)).await?;
    }
    proxy.check()?;
    proxy.stop(END).await
}

/// The connection is lost under many calls: all of them fail, and the next ones go on.
#[tokio::test]
async fn calls_under_way_on_a_lost_connection_all_fail() -> Result<()> {
    const CALLS: i32 = 20;
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Thrift::of(stream);
        let mut came = 0;
        while let Some(call) = conn.next_ever().await? {
            if call.method() == "lost" {
                came += 1;
                if came == CALLS {
                    return Ok(());
                }
            } else {
                conn.send(call.echo()).await?;
            }
        }
        Ok(())
    })
    .await?;
    let proxy = Setup::to(upstream.address()).cluster(KEYS).start().await?;
    let mut clients = Vec::new();
    for seqid in 0..CALLS {
        let mut client = Thrift::connect(FRAMED, proxy.address()).await?;
        client.send(FRAMED.call("lost", seqid, b"x")).await?;
        clients.push((seqid, client));
    }
    for (seqid, client) in &mut clients {
        client.exception("lost", *seqid, INTERNAL_ERROR).await?;
        client.echo(*seqid, b"next").await?;
    }
    drop(clients);
    proxy.stop(END).await
}
