//! Every answer goes to the request that it answers, or to nobody.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::matrix::RPC;
use super::say::{Each, client};
use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need};
use crate::grade::tongue::{Client, Said, Tongue, echo, scripted};
use crate::scripted::{Conn, Upstream, Wire};

/// Those whose calls share a connection.
const MULTIPLEXED: [Tongue; 6] = [
    Tongue::Http2,
    Tongue::Grpc,
    Tongue::DUBBO,
    Tongue::Wire(Wire::BoltV1),
    Tongue::Wire(Wire::BoltV2),
    Tongue::Wire(Wire::BoltCrc),
];

const WIRES: [Tongue; 4] = [
    Tongue::DUBBO,
    Tongue::Wire(Wire::BoltV1),
    Tongue::Wire(Wire::BoltV2),
    Tongue::Wire(Wire::BoltCrc),
];

pub(super) fn register(list: &mut Vec<Case>) {
    let mut each = Each {
        list,
        tongues: &MULTIPLEXED,
        needs: &[],
    };
    each.add(
        "identity/out-of-order",
        "Answers may come in any order. A hundred calls of one connection, answered last first, get their own answers, each once.",
        out_of_order,
    );
    each.add(
        "identity/thousand-in-flight",
        "A thousand calls at once on one connection are all answered, each with its own value: neither a table of ids nor a pool of connections may run out in silence.",
        thousand,
    );
    each.tongues = &Tongue::ALL;
    each.add(
        "identity/same-ids-on-many-connections",
        "Every client counts from one, so the same ids are under way on many connections at once; no client gets what is another's.",
        same_ids,
    );
    each.add(
        "identity/client-gone",
        "A client that goes away with a call under way costs that call and nothing else: its answer reaches nobody, and the calls of other clients go on.",
        gone,
    );
    each.tongues = &[Tongue::Http1, Tongue::THRIFT];
    each.add(
        "identity/pipelined-in-order",
        "Where answers carry nothing to tell them apart they come in the order of the requests, also when many were sent ahead.",
        pipelined,
    );
    each.tongues = &WIRES;
    each.add(
        "identity/extreme-ids",
        "Ids are the client's to choose: 0, the largest, and those whose sign bit is set come back exactly, all under way at once.",
        extreme,
    );
    each.needs = &[Need::Messages];
    each.add(
        "identity/unasked-answers",
        "What a server says unasked, twice, or to an id that nobody used reaches nobody. Given to a client it would be taken for another answer as soon as the ids meet.",
        unasked,
    );
    each.add(
        "identity/answer-from-a-client",
        "A client that sends an answer is no client: it is not passed on to a server, who would take it for one to a call of its own, and nobody else notices.",
        from_a_client,
    );
    each.tongues = &RPC;
    each.needs = &[Need::Messages, Need::Timeout];
    each.add(
        "identity/answer-of-another-id",
        "A server that answers with an id that is not the call's has answered nothing: the caller gets an error, in time, and never the value.",
        another_id,
    );
}

/// Holds calls back until `total` came, over all connections, and then answers each connection's in reverse.
async fn hoarder(tongue: Tongue, total: usize) -> Result<Upstream> {
    let came = Arc::new(AtomicUsize::new(0));
    let full = Arc::new(watch::channel(false).0);
    scripted(tongue, move |mut server, _| {
        let (came, full) = (came.clone(), full.clone());
        async move {
            let mut held = Vec::new();
            let mut is_full = full.subscribe();
            loop {
                tokio::select! {
                    ask = server.next() => match ask? {
                        Some(ask) => {
                            held.push(ask);
                            if came.fetch_add(1, Ordering::SeqCst) + 1 == total {
                                full.send_replace(true);
                            }
                        }
                        None => return Ok(()),
                    },
                    () = async { let _ = is_full.wait_for(|full| *full).await; }, if !held.is_empty() => {
                        while let Some(ask) = held.pop() {
                            server.respond(&ask, &ask.payload).await?;
                        }
                    }
                }
            }
        }
    })
    .await
}

/// Reads answers until each of these calls has one, whose value is what `own` says.
async fn all(client: &mut Client, numbers: &[u64], own: impl Fn(u64) -> Vec<u8>) -> Result<()> {
    let mut missing: BTreeSet<u64> = numbers.iter().copied().collect();
    while !missing.is_empty() {
        let answer = client
            .answer()
            .await
            .with_context(|| format!("{} calls are missing", missing.len()))?;
        ensure!(
            answer.said == Said::Value,
            "call {} got {:?} {}",
            answer.number,
            answer.said,
            answer.status
        );
        ensure!(
            missing.remove(&answer.number),
            "call {} was answered twice, or never made",
            answer.number
        );
        ensure!(
            answer.payload == own(answer.number),
            "call {} got another's value",
            answer.number
        );
    }
    Ok(())
}

fn number(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

async fn out_of_order(arena: Arena, tongue: Tongue) -> Result<()> {
    // Whose clients' calls are spread over connections holds fewer of them.
    let server = hoarder(arena.upstream(tongue), 100).await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    let numbers: Vec<u64> = (1..101).collect();
    for call in &numbers {
        client.ask(*call, &number(*call)).await?;
    }
    all(&mut client, &numbers, number).await?;
    client
        .quiet(Duration::from_millis(200))
        .await
        .context("behind them")
}

async fn thousand(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    // HTTP/2 says how many streams may be open; a hundred are what it recommends at least.
    let batch = match tongue {
        Tongue::Http2 | Tongue::Grpc => 100,
        _ => 1000,
    };
    let calls: Vec<u64> = (1..1001).collect();
    for numbers in calls.chunks(batch) {
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|call| client.call(*call, &number(*call)))
            .collect();
        client.send(bytes).await?;
        all(&mut client, numbers, number).await?;
    }
    Ok(())
}

async fn same_ids(arena: Arena, tongue: Tongue) -> Result<()> {
    const CLIENTS: u64 = 10;
    let calls: u64 = if tongue.is_multiplexed() { 10 } else { 1 };
    let server = hoarder(arena.upstream(tongue), (CLIENTS * calls) as usize).await?;
    let address = arena.front(server.address()).await?;
    let mut clients = JoinSet::new();
    for who in 0..CLIENTS {
        clients.spawn(async move {
            let mut client = Client::connect(tongue, address).await?;
            let own = |call: u64| format!("{who}/{call}").into_bytes();
            let numbers: Vec<u64> = (1..=calls).collect();
            for call in &numbers {
                client.ask(*call, &own(*call)).await?;
            }
            all(&mut client, &numbers, own)
                .await
                .with_context(|| format!("client {who}"))
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

async fn gone(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, seen| async move {
        while let Some(ask) = server.next().await? {
            if ask.payload.starts_with(b"for nobody") {
                seen.note(&String::from_utf8_lossy(&ask.payload));
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            server.respond(&ask, &ask.payload).await?;
        }
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    let mut stays = Client::connect(tongue, address).await?;
    for round in 0..5u64 {
        let mut leaves = Client::connect(tongue, address).await?;
        let payload = format!("for nobody {round}");
        leaves.ask(1, payload.as_bytes()).await?;
        server.seen().noted(&payload).await?;
        drop(leaves);
        stays
            .echo(round + 1, format!("round {round}").as_bytes())
            .await?;
    }
    stays.quiet(Duration::from_millis(300)).await
}

async fn pipelined(arena: Arena, tongue: Tongue) -> Result<()> {
    // The earlier the later.
    let server = scripted(arena.upstream(tongue), |mut server, _| async move {
        while let Some(ask) = server.next().await? {
            let place = ask.payload.first().copied().unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(30u64.saturating_sub(place.into()))).await;
            server.respond(&ask, &ask.payload).await?;
        }
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    // Thrift's libraries that never count send the same seqid in each call.
    let id = |call: u8| {
        if tongue == Tongue::THRIFT {
            0
        } else {
            call.into()
        }
    };
    let bytes: Vec<u8> = (1..31u8)
        .flat_map(|call| client.call(id(call), &[call]))
        .collect();
    client.send(bytes).await?;
    for call in 1..31u8 {
        client.expect(id(call), &[call]).await?;
    }
    Ok(())
}

fn wire(tongue: Tongue) -> Result<Wire> {
    match tongue {
        Tongue::Wire(wire) => Ok(wire),
        other => anyhow::bail!("{other:?} has no ids of its own"),
    }
}

async fn extreme(arena: Arena, tongue: Tongue) -> Result<()> {
    let ids = wire(tongue)?.extreme_ids();
    let server = hoarder(arena.upstream(tongue), ids.len()).await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    for id in &ids {
        client.ask(*id, &number(*id)).await?;
    }
    all(&mut client, &ids, number).await
}

async fn unasked(arena: Arena, tongue: Tongue) -> Result<()> {
    let wire = wire(tongue)?;
    let server = Upstream::start(wire, |mut conn, _| async move {
        // Before anything was asked.
        conn.respond(0x7fff_fff1, b"unsolicited").await?;
        while let Some(frame) = conn.next_ever().await? {
            conn.respond(frame.id ^ 0x4000_0000, b"unknown").await?;
            conn.respond(frame.id, &frame.payload).await?;
            conn.respond(frame.id, b"again").await?;
        }
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    for id in 0..30 {
        client.echo(id, &number(id)).await?;
    }
    let numbers: Vec<u64> = (100..150).collect();
    for id in &numbers {
        client.ask(*id, &number(*id)).await?;
    }
    all(&mut client, &numbers, number).await?;
    client.quiet(Duration::from_millis(300)).await
}

async fn from_a_client(arena: Arena, tongue: Tongue) -> Result<()> {
    let wire = wire(tongue)?;
    let server = Upstream::echo(wire).await?;
    let address = arena.front(server.address()).await?;
    let mut good = Conn::connect(wire, address).await?;
    good.echo(1, b"before").await?;
    let mut bad = Conn::connect(wire, address).await?;
    bad.echo(1, b"a good call first").await?;
    bad.respond(1, b"an answer that nobody asked for").await?;
    // Ended or ignored, as long as it goes no further.
    let _ = bad
        .request(2, &crate::scripted::Call::echo("behind it"))
        .await;
    let _ = bad.image_within(Duration::from_secs(1)).await;
    good.echo(2, b"after").await?;
    let frames = server.seen().frames();
    let calls = frames
        .iter()
        .all(|frame| frame.kind == crate::scripted::Kind::Request);
    ensure!(calls, "the answer was forwarded");
    Ok(())
}

async fn another_id(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, _| async move {
        while let Some(mut ask) = server.next().await? {
            if ask.payload == b"wrong" {
                ask.shift_id();
            }
            server.respond(&ask, &ask.payload).await?;
        }
        Ok(())
    })
    .await?;
    let mut client = client(&arena, tongue, &server).await?;
    client.ask(2, b"wrong").await?;
    client.expect_error(2).await?;
    client.echo(3, b"right").await
}
