//! Thrift clients that are slow, idle, or announce more than they send; and the end of a proxy under them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tokio::time::sleep;
use wireloom_conformance::scripted::thrift::{HEADER, HEADER_COMPACT, PROTOCOL_ERROR, Start};
use wireloom_conformance::scripted::{Backend, Dialect, Thrift, Upstream};

use crate::setup::{END, Setup};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn half_a_message_has_its_time_and_idleness_another() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let setup =
        Setup::to(upstream.address()).listener("timeouts: {sniff: 1s, header: 1s, idle: 2s}");
    let proxy = setup.start().await?;
    let mut clients = tokio::task::JoinSet::new();
    for dialect in Dialect::ALL {
        let address = proxy.address();
        let call = dialect.call("echo", 1, &[b'x'; 500]);
        for sent in [0, 1, 9, call.len() - 1] {
            let call = call.clone();
            clients.spawn(async move {
                let mut client = Thrift::connect(dialect, address).await?;
                client.echo(0, b"first").await?;
                client.send(&call[..sent]).await?;
                client
                    .closes(Duration::from_secs(10))
                    .await
                    .with_context(|| format!("{dialect:?} behind {sent} bytes"))
            });
        }
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn two_hundred_slow_clients_hold_nobody_up() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).workers(2).start().await?;
    let mut slow = Vec::new();
    for number in 0..200 {
        let dialect = Dialect::ALL[number % Dialect::ALL.len()];
        let call = dialect.call("echo", 1, &[b'x'; 500]);
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        client.send(&call[..call.len() - 100]).await?;
        slow.push((client, call));
    }
    for dialect in Dialect::ALL {
        // The slow ones have 10 s each; a good one waits for none of them.
        let began = Instant::now();
        let mut good = Thrift::connect(dialect, proxy.address()).await?;
        good.echo(1, b"quick").await?;
        let took = began.elapsed();
        ensure!(
            took < Duration::from_secs(5),
            "{dialect:?}: it took {took:?}"
        );
    }
    // And they are served when they come to their end.
    for (client, call) in &mut slow {
        client.send(&call[call.len() - 100..]).await?;
        client.expect("echo", 1, &[b'x'; 500]).await?;
    }
    drop(slow);
    proxy.stop(END).await
}

#[tokio::test]
async fn a_drain_answers_what_is_under_way_and_closes_between_calls() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Thrift::of(stream);
        while let Some(call) = conn.next_ever().await? {
            seen.note(call.method());
            if call.method() == "slow" {
                sleep(Duration::from_secs(1)).await;
            }
            conn.send(call.echo()).await?;
        }
        Ok(())
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        client.echo(1, b"x").await?;
        idle.push((dialect, client));
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        client.send(dialect.call("slow", 2, b"under way")).await?;
        busy.push((dialect, client));
    }
    let end = Instant::now() + END;
    while upstream
        .seen()
        .notes()
        .iter()
        .filter(|note| *note == "slow")
        .count()
        < busy.len()
    {
        ensure!(Instant::now() < end, "the calls did not come");
        sleep(Duration::from_millis(5)).await;
    }
    proxy.signal(Signal::TERM);
    for (dialect, client) in &mut busy {
        let run = async {
            client.expect("slow", 2, b"under way").await?;
            client.closes(END).await
        };
        run.await.with_context(|| format!("{dialect:?}, busy"))?;
    }
    for (dialect, client) in &mut idle {
        let run = client.closes(END).await;
        run.with_context(|| format!("{dialect:?}, idle"))?;
    }
    proxy.ended(END).await
}

async fn stays_under(
    proxy: &wireloom_conformance::proxy::Proxy,
    idle: u64,
    most: u64,
) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(1);
    while Instant::now() < end {
        let more = proxy.memory()?.saturating_sub(idle);
        ensure!(more <= most, "{} MiB over idle", more / MIB);
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn announced_lengths_and_counts_allocate_nothing() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut good = Thrift::connect(Dialect::ALL[0], proxy.address()).await?;
    for seqid in 0..100 {
        good.echo(seqid, &[1; 1000]).await?;
    }
    let idle = proxy.memory()?;
    let mut announcers = Vec::new();
    for _ in 0..16 {
        for dialect in Dialect::ALL {
            // A text of 16,000,000 bytes, of which few come: below the limits, so it is waited for.
            let payload = vec![b'x'; 16_000_000];
            let call = dialect.call("echo", 1, &payload);
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            client.send(&call[..1000]).await?;
            announcers.push(client);
        }
    }
    stays_under(&proxy, idle, 96 * MIB).await?;
    good.echo(1, b"served").await?;
    proxy.check()?;
    drop((announcers, good));
    proxy.stop(END).await
}

/// A zlib stream of `start` and so many zeros, in fixed codes (RFC 1951, 3.2.6): thirteen bits for each 258 of them.
fn bomb(start: &[u8], zeros: usize) -> Vec<u8> {
    let (mut out, mut bits, mut count) = (vec![0x78, 0x01], 0u32, 0);
    let mut put = |code: u32, length: u32, reversed: bool| {
        for place in 0..length {
            let at = if reversed { length - 1 - place } else { place };
            bits |= (code >> at & 1) << count;
            count += 1;
            if count == 8 {
                out.push(bits as u8);
                (bits, count) = (0, 0);
            }
        }
    };
    put(0b011, 3, false);
    for byte in start.iter().chain(&[0]) {
        match u32::from(*byte) {
            low @ 0..144 => put(0x30 + low, 8, true),
            high => put(0x190 + high - 144, 9, true),
        }
    }
    for _ in 0..zeros / 258 {
        put(0xc5, 8, true);
        put(0, 5, true);
    }
    put(0, 7, true);
    put(0, 7, false);
    let (mut a, mut b) = (1u64, 0u64);
    for byte in start {
        a = (a + u64::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b = (b + a * (zeros as u64 / 258 * 258 + 1)) % 65_521;
    out.extend(((b as u32) << 16 | a as u32).to_be_bytes());
    out
}

/// Where a compressed message must be read, it is read up to the longest frame and no further.
#[tokio::test]
async fn a_zlib_bomb_stops_at_the_frame_limit() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let keys = "protocol: thrift, thrift: {transport: framed, protocol: binary}";
    let mut proxy = Setup::to(upstream.address()).cluster(keys).start().await?;
    let mut good = Thrift::connect(HEADER, proxy.address()).await?;
    for seqid in 0..100 {
        good.echo(seqid, &[1; 1000]).await?;
    }
    let idle = proxy.memory()?;
    for dialect in [HEADER, HEADER_COMPACT] {
        let start = Start {
            kind: 1,
            name: "bad".to_owned(),
            seqid: 5,
        };
        // A text of 256 MiB.
        let body: &[u8] = match dialect {
            HEADER => b"\x0b\0\x01\x10\0\0\0",
            _ => b"\x18\x80\x80\x80\x80\x01",
        };
        let message = bomb(&start.write(dialect.protocol, body), 256 << 20);
        ensure!(message.len() < 2 << 20);
        let call = dialect.headed(&dialect.block(1, &[]), 5, &message);
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for _ in 0..4 {
            client.send(&call).await?;
            let text = client.exception("bad", 5, PROTOCOL_ERROR).await?;
            ensure!(text.contains("inflated"), "{text}");
        }
        client.echo(6, b"next").await?;
    }
    stays_under(&proxy, idle, 96 * MIB).await?;
    ensure!(
        upstream
            .requests()
            .iter()
            .all(|call| call.start.name != "bad")
    );
    proxy.check()?;
    drop(good);
    proxy.stop(END).await
}
