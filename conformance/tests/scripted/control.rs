//! One-way calls are forwarded and never answered; heartbeats are answered where they arrive.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::scripted::{Call, Conn, Kind, Upstream, Wire};

use crate::setup::{END, Setup};

#[tokio::test]
async fn one_way_calls_are_forwarded_and_never_answered() -> Result<()> {
    for wire in Wire::ALL {
        // An upstream that answers even those.
        let upstream = Upstream::start(wire, |mut conn, seen| async move {
            while let Some(frame) = conn.next_ever().await? {
                conn.respond(frame.id, b"unasked").await?;
                seen.keep(frame);
            }
            Ok(())
        })
        .await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for number in 0..100 {
            client
                .request(number, &Call::echo(format!("fire {number}")).one_way())
                .await?;
        }
        upstream.seen().reaches(100).await?;
        let frames = upstream.seen().frames();
        ensure!(
            frames.iter().all(|frame| frame.kind == Kind::OneWay),
            "a one-way call came as another kind"
        );
        for number in 0..100 {
            let text = format!("fire {number}");
            let times = frames
                .iter()
                .filter(|frame| frame.payload == text.as_bytes())
                .count();
            ensure!(times == 1, "{text} came {times} times");
        }
        client
            .quiet(Duration::from_millis(300))
            .await
            .with_context(|| format!("{wire:?}"))?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_clients_heartbeat_is_answered_with_its_id_and_not_forwarded() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::start(wire, |mut conn, seen| async move {
            while let Some(frame) = conn.next_ever().await? {
                if frame.kind == Kind::Request {
                    conn.respond(frame.id, &frame.payload).await?;
                }
                seen.keep(frame);
            }
            Ok(())
        })
        .await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in wire.extreme_ids() {
            client.send(&wire.ping(id)).await?;
            let frame = client.frame().await?;
            ensure!(
                (frame.kind, frame.id) == (Kind::Pong, id),
                "{:?} {}",
                frame.kind,
                frame.id
            );
            ensure!(
                frame.bytes == wire.pong(id),
                "{wire:?}: the answer is {:02x?}",
                frame.bytes
            );
        }
        // Amid calls, with the id of one that is under way.
        client.request(5, &Call::echo("x")).await?;
        client.send(&wire.ping(5)).await?;
        let mut kinds = [client.frame().await?.kind, client.frame().await?.kind];
        kinds.sort_by_key(|kind| *kind == Kind::Pong);
        ensure!(kinds == [Kind::Response, Kind::Pong], "{kinds:?}");
        ensure!(
            upstream
                .seen()
                .frames()
                .iter()
                .all(|frame| frame.kind == Kind::Request),
            "a heartbeat was forwarded"
        );
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_upstreams_heartbeat_is_answered_with_its_id_and_not_forwarded() -> Result<()> {
    for wire in Wire::ALL {
        // Pings before it answers, and answers only what was ponged.
        let upstream = Upstream::start(wire, move |mut conn, seen| async move {
            while let Some(frame) = conn.next_ever().await? {
                conn.send(&wire.ping(frame.id)).await?;
                let pong = conn.next_ever().await?.context("closed")?;
                seen.keep(pong.clone());
                ensure!((pong.kind, pong.id) == (Kind::Pong, frame.id));
                conn.respond(frame.id, &frame.payload).await?;
            }
            Ok(())
        })
        .await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in 0..10 {
            client
                .echo(id, b"x")
                .await
                .with_context(|| format!("{wire:?}"))?;
        }
        ensure!(
            upstream
                .seen()
                .frames()
                .iter()
                .all(|frame| frame.kind == Kind::Pong),
            "no pong"
        );
        client.quiet(Duration::from_millis(200)).await?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_quiet_upstream_is_asked_and_given_up_if_it_does_not_answer() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        // Answers calls and no heartbeats.
        let upstream = Upstream::start(wire, |mut conn, seen| async move {
            while let Some(frame) = conn.next_ever().await? {
                match frame.kind {
                    Kind::Request => conn.respond(frame.id, &frame.payload).await?,
                    _ => seen.keep(frame),
                }
            }
            Ok(())
        })
        .await?;
        let keep_alive = "keep_alive: {interval: 200ms, timeout: 200ms, misses: 2}";
        let proxy = Setup::to(upstream.address())
            .cluster(keep_alive)
            .start()
            .await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        client.echo(1, b"x").await?;
        upstream.seen().reaches(2).await?;
        ensure!(
            upstream
                .seen()
                .frames()
                .iter()
                .all(|frame| frame.kind == Kind::Ping),
            "not a ping"
        );
        client
            .quiet(Duration::from_millis(800))
            .await
            .context("the client notices")?;
        client.echo(2, b"on a new connection").await?;
        ensure!(
            upstream.seen().connections() == 2,
            "{} connections",
            upstream.seen().connections()
        );
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_upstream_that_announces_its_end_gets_no_new_calls() -> Result<()> {
    // Dubbo only: Bolt's goaway is MOSN's, and no Java server sends it.
    let wire = Wire::Dubbo;
    let readonly = [&[0xda, 0xbb, 0xa2, 0][..], &[0; 8], &[0, 0, 0, 2, 1, b'R']].concat();
    let upstream = Upstream::start(wire, move |mut conn, seen| {
        let readonly = readonly.clone();
        async move {
            let mut calls = 0;
            while let Some(frame) = conn.next_ever().await? {
                if calls == 1 {
                    // The call that comes behind this one's announcement is on another connection.
                    seen.keep(frame);
                    continue;
                }
                calls += 1;
                conn.send(&readonly).await?;
                conn.respond(frame.id, &frame.payload).await?;
            }
            Ok(())
        }
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Conn::connect(wire, proxy.address()).await?;
    for id in 0..5 {
        client.echo(id, b"x").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ensure!(
        upstream.seen().connections() == 5,
        "{} connections",
        upstream.seen().connections()
    );
    ensure!(
        upstream.seen().count() == 0,
        "a call came on a connection that announced its end"
    );
    drop(client);
    proxy.stop(END).await
}
