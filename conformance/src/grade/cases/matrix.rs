//! What every protocol goes through: the calls that work, and the bytes that are none.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::sleep;

use super::say::{Each, pattern};
use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need, Protocol};
use crate::grade::tongue::{Client, Said, Server, Tongue, echo, scripted};
use crate::ports;
use crate::scripted::http2::{frame, kind};
use crate::scripted::raw::patience;
use crate::scripted::{Conn, Http2, Kind, Raw, Upstream, Wire};

pub(super) fn register(list: &mut Vec<Case>) {
    let mut each = Each {
        list,
        tongues: &Tongue::ALL,
        needs: &[],
    };
    each.add(
        "wire/success",
        "Calls of several sizes over one connection are answered with the server's own value, nothing added and nothing missing: without this nothing else counts.",
        success,
    );
    each.add(
        "wire/application-exception",
        "A failure that the application means (an exception, a status of the server's own) is the application's to read: it reaches the client as it was written, costs no connection, and the next call works.",
        exception,
    );
    each.add(
        "wire/byte-at-a-time",
        "TCP keeps no message boundaries, so a request and its answer may come a byte at a time; nothing may be lost, answered early or taken for something else.",
        byte_at_a_time,
    );
    each.add(
        "wire/two-in-one-segment",
        "TCP keeps no message boundaries, so two requests may come in one read; both are answered, and nobody waits for a third.",
        two_in_one,
    );
    each.add(
        "wire/maximum",
        "The longest message that the protocol's own libraries take by default (Dubbo's payload of 8 MiB, Thrift's frame of 16384000 bytes, gRPC's message of 4 MiB; 8 MiB elsewhere) passes whole, both ways.",
        maximum,
    );
    each.add(
        "wire/truncated",
        "A request that ends in the middle, with the end of the connection behind it, was never made: no server may take it for whole, and nobody else notices.",
        truncated,
    );
    each.needs = &[Need::Messages];
    each.add(
        "wire/backend-down",
        "Where the server refuses connections the caller gets an error in its own protocol, under its own id, and not silence or a bare end: only that tells it that nothing was done and that it may go elsewhere.",
        backend_down,
    );
    each.add(
        "wire/garbage",
        "Bytes that are no message, behind a good one, are refused at once or end their connection; the server sees none of them as a call, and other connections are served on.",
        garbage,
    );
    each.add(
        "wire/wrong-magic",
        "A connection whose first bytes belong to no protocol that is served ends soon: who waits for ever for bytes that cannot come can be made to wait by anybody.",
        wrong_magic,
    );
    each.needs = &[Need::Messages, Need::Limit];
    each.tongues = &RPC;
    each.add(
        "wire/maximum-plus-one",
        "A message a byte over the configured limit is refused by an answer under its own id, and the limit itself passes: a bare end looks like a network fault, for which clients try again.",
        maximum_plus_one,
    );
    each.needs = &[];
    each.add(
        "wire/one-way",
        "Calls that want no answer arrive, once each and as such, and nothing comes back for them, not even for what the server says unasked.",
        one_way,
    );
    each.tongues = &[
        Tongue::DUBBO,
        Tongue::Wire(Wire::BoltV1),
        Tongue::Wire(Wire::BoltV2),
        Tongue::Wire(Wire::BoltCrc),
        Tongue::Http2,
        Tongue::Grpc,
    ];
    each.add(
        "wire/heartbeat",
        "A heartbeat is answered with its own id or payload, between calls and amid them: clients close connections whose heartbeats go unanswered.",
        heartbeat,
    );
}

/// Those with frames of their own.
pub(super) const RPC: [Tongue; 5] = [
    Tongue::DUBBO,
    Tongue::Wire(Wire::BoltV1),
    Tongue::Wire(Wire::BoltV2),
    Tongue::Wire(Wire::BoltCrc),
    Tongue::THRIFT,
];

async fn success(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    for (number, size) in [5, 0, 1, 1000, 100_000, 5].into_iter().enumerate() {
        let run = client.echo(number as u64 + 1, &pattern(size)).await;
        run.with_context(|| format!("{size} bytes"))?;
    }
    ensure!(
        server.asks().len() == 6,
        "the server saw {} calls",
        server.asks().len()
    );
    Ok(())
}

async fn exception(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, _| async move {
        while let Some(ask) = server.next().await? {
            let bytes = match ask.payload.as_slice() {
                b"throw" => server.exception(&ask),
                payload => server.answer(&ask, payload),
            };
            server.send(bytes).await?;
        }
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    for round in 0..3 {
        client.ask(2 * round, b"throw").await?;
        let answer = client.answer().await?;
        ensure!(
            answer.said == Said::Exception && answer.number == 2 * round,
            "it came as {:?}, {}",
            answer.said,
            answer.status
        );
        let text = String::from_utf8_lossy(&answer.payload).into_owned();
        let told = tongue.protocol() == Protocol::Grpc || tongue == Tongue::THRIFT;
        ensure!(told || text.contains("said the server"), "it says {text:?}");
        client
            .echo(2 * round + 1, b"fine")
            .await
            .context("the call behind it")?;
    }
    Ok(())
}

/// Lets what was written be read by itself, without a wait for each byte: many of them would be a timeout of the head's.
async fn drip(place: usize) {
    match place % 8 {
        0 => sleep(Duration::from_millis(1)).await,
        _ => tokio::task::yield_now().await,
    }
}

async fn byte_at_a_time(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, _| async move {
        while let Some(ask) = server.next().await? {
            for (place, byte) in server.answer(&ask, &ask.payload).into_iter().enumerate() {
                server.send([byte]).await?;
                drip(place).await;
            }
        }
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    for number in 1..3 {
        for (place, byte) in client.call(number, b"drop by drop").into_iter().enumerate() {
            client.send([byte]).await?;
            drip(place).await;
        }
        client.expect(number, b"drop by drop").await?;
    }
    Ok(())
}

async fn two_in_one(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    for round in 0..3 {
        let (one, two) = (2 * round + 1, 2 * round + 2);
        let mut bytes = client.call(one, &[round as u8, 1]);
        bytes.extend(client.call(two, &[round as u8, 2]));
        client.send(bytes).await?;
        let mut missing = vec![one, two];
        while !missing.is_empty() {
            let answer = client.answer().await?;
            let place = missing.iter().position(|number| *number == answer.number);
            let place = place.with_context(|| format!("an answer to call {}", answer.number))?;
            missing.remove(place);
            let which = if answer.number == one { 1 } else { 2 };
            ensure!(
                answer.said == Said::Value && answer.payload == [round as u8, which],
                "call {which} got {:?} {}",
                answer.said,
                answer.status
            );
        }
    }
    Ok(())
}

async fn maximum(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    let longest = match tongue.protocol() {
        Protocol::Grpc => 4 << 20,
        Protocol::Thrift => 16_384_000,
        _ => 8 << 20,
    };
    // What stands around a payload counts in the protocols whose limit is the frame's.
    let around = match tongue {
        Tongue::Thrift(_) => client.call(1, b"").len(),
        // Head and names, and three bytes for each 32 KiB.
        Tongue::Wire(_) => 2048,
        _ => 0,
    };
    if around > 0 {
        client = Client::connect(tongue, address).await?;
    }
    client.echo(1, &pattern(longest - around)).await?;
    client.echo(2, b"small again").await
}

async fn truncated(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.front(server.address()).await?;
    let mut bystander = Client::connect(tongue, address).await?;
    bystander.echo(1, b"before").await?;
    for left in [1, 7, 20] {
        let mut client = Client::connect(tongue, address).await?;
        let bytes = client.call(1, &pattern(300));
        client
            .send(bytes.get(..bytes.len() - left).unwrap_or_default())
            .await?;
        client.finish().await?;
        let rest = client.rest(patience()).await;
        rest.with_context(|| format!("{left} bytes before its end"))?;
    }
    bystander
        .echo(2, b"after")
        .await
        .context("another connection")?;
    let calls = server.asks().len();
    ensure!(
        calls == 2,
        "the server took {} truncated calls for whole",
        calls.saturating_sub(2)
    );
    Ok(())
}

async fn backend_down(arena: Arena, tongue: Tongue) -> Result<()> {
    let address = arena.front(ports::free()).await?;
    for round in 0..2 {
        let mut client = Client::connect(tongue, address).await?;
        client.ask(round + 7, b"x").await?;
        client.expect_error(round + 7).await?;
        // Connections of these live long, so they go on.
        if tongue != Tongue::Http1 {
            client.ask(round + 8, b"x").await?;
            client
                .expect_error(round + 8)
                .await
                .context("the second call of the connection")?;
        }
    }
    Ok(())
}

async fn garbage(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.short_head().front(server.address()).await?;
    let mut bystander = Client::connect(tongue, address).await?;
    bystander.echo(1, b"before").await?;
    // No text, no magic, and no length that anybody would wait for.
    let garbage: Vec<u8> = (0..512u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80)
        .collect();
    let mut client = Client::connect(tongue, address).await?;
    client.echo(1, b"a good call first").await?;
    client.send(&garbage).await?;
    match client.rest(patience()).await {
        Ok(_) => {}
        Err(error) => bail!("neither refused nor ended: {error:#}"),
    }
    bystander
        .echo(2, b"after")
        .await
        .context("another connection")?;
    let calls = server.asks().len();
    ensure!(calls == 3, "the server saw {calls} calls instead of 3");
    Ok(())
}

async fn wrong_magic(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.short_head().front(server.address()).await?;
    let mut problems = Vec::new();
    for first in [
        &b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\xda\xbc\xc2\x00\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00aaaaaaaa",
        b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
    ] {
        let mut client = Raw::connect(address).await?;
        client.send(first).await?;
        if client.rest(patience()).await.is_err() {
            problems.push(format!("{:02x?}", first.get(..8).unwrap_or_default()));
        }
    }
    ensure!(
        problems.is_empty(),
        "kept without an end: {}",
        problems.join("; ")
    );
    ensure!(server.asks().is_empty(), "the server saw a call");
    let mut client = Client::connect(tongue, address).await?;
    client.echo(1, b"after").await
}

async fn maximum_plus_one(arena: Arena, tongue: Tongue) -> Result<()> {
    const LIMIT: usize = 1 << 20;
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.limit(LIMIT).front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    client
        .echo(1, &pattern(LIMIT - 4096))
        .await
        .context("a little under the limit")?;
    client.ask(2, &pattern(LIMIT + 1)).await?;
    client.expect_error(2).await?;
    let mut client = Client::connect(tongue, address).await?;
    client
        .echo(3, b"after")
        .await
        .context("another connection")?;
    ensure!(server.asks().len() == 2, "it was forwarded");
    Ok(())
}

async fn one_way(arena: Arena, tongue: Tongue) -> Result<()> {
    const CALLS: u64 = 20;
    let server = scripted(
        arena.upstream(tongue),
        |mut server: Server, seen| async move {
            while let Some(ask) = server.next().await? {
                if ask.one_way {
                    seen.note(&String::from_utf8_lossy(&ask.payload));
                } else {
                    server.respond(&ask, &ask.payload).await?;
                }
            }
            Ok(())
        },
    )
    .await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    for number in 0..CALLS {
        let bytes = client.one_way(number, format!("fire {number}").as_bytes());
        client.send(bytes.context("no one-way calls")?).await?;
    }
    client.echo(CALLS, b"a call behind them").await?;
    server.seen().noted(&format!("fire {}", CALLS - 1)).await?;
    let mut notes = server.seen().notes();
    notes.sort();
    let mut sent: Vec<_> = (0..CALLS).map(|number| format!("fire {number}")).collect();
    sent.sort();
    ensure!(notes == sent, "the server saw {notes:?}");
    client
        .quiet(Duration::from_millis(200))
        .await
        .context("after all were sent")
}

async fn heartbeat(arena: Arena, tongue: Tongue) -> Result<()> {
    let server: Upstream = scripted(arena.upstream(tongue), |mut server, _| async move {
        while let Some(ask) = server.next().await? {
            server.respond(&ask, &ask.payload).await?;
        }
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    let Tongue::Wire(wire) = tongue else {
        let mut client = Http2::connect(address).await?;
        let deadline = tokio::time::Instant::now() + patience();
        for byte in 1..4 {
            client.send(frame(kind::PING, 0, 0, &[byte; 8])).await?;
            loop {
                let event = client
                    .event_by(deadline)
                    .await
                    .context("no answer to PING")?;
                let event = event.context("closed on PING")?;
                if matches!(
                    event,
                    crate::scripted::http2::Event::Other(kind::PING, 1, 0)
                ) {
                    break;
                }
            }
        }
        return Ok(());
    };
    let mut client = Conn::connect(wire, address).await?;
    client.echo(1, b"a call first").await?;
    for id in [0, 1, 77, 0x7fff_ffff] {
        client.send(&wire.ping(id)).await?;
        let frame = client.frame().await.context("no answer to a heartbeat")?;
        ensure!(
            (frame.kind, frame.id) == (Kind::Pong, id),
            "{:?} {}",
            frame.kind,
            frame.id
        );
    }
    // Amid calls, with the id of one that is under way.
    client.request(5, &crate::scripted::Call::echo("x")).await?;
    client.send(&wire.ping(5)).await?;
    let mut kinds = [client.frame().await?.kind, client.frame().await?.kind];
    kinds.sort_by_key(|kind| *kind == Kind::Pong);
    ensure!(kinds == [Kind::Response, Kind::Pong], "{kinds:?}");
    Ok(())
}
