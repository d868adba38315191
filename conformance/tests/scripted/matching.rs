//! Every answer goes to the request that it answers, or to nobody.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use wireloom_conformance::scripted::{Call, Conn, Failure, Kind, Upstream, Wire};

use crate::setup::{END, Setup};

/// Holds calls back until `total` came, over all connections, and then answers each connection's in reverse.
async fn hoarder(wire: Wire, total: usize) -> Result<Upstream> {
    let (came, full) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(watch::channel(false).0),
    );
    Upstream::start(wire, move |mut conn, seen| {
        let (came, full) = (came.clone(), full.clone());
        async move {
            let mut held = Vec::new();
            let mut is_full = full.subscribe();
            loop {
                tokio::select! {
                    frame = conn.next_ever() => match frame? {
                        Some(frame) if frame.kind == Kind::Request => {
                            seen.keep(frame.clone());
                            held.push(frame);
                            if came.fetch_add(1, Ordering::SeqCst) + 1 == total {
                                full.send_replace(true);
                            }
                        }
                        Some(_) => {}
                        None => return Ok(()),
                    },
                    _ = is_full.wait_for(|full| *full) => break,
                }
            }
            let ids: HashSet<_> = held.iter().map(|frame| frame.id).collect();
            ensure!(ids.len() == held.len(), "two calls under way have one id");
            for frame in held.iter().rev() {
                conn.respond(frame.id, &frame.payload).await?;
            }
            conn.next_ever().await.map(drop)
        }
    })
    .await
}

#[tokio::test]
async fn a_thousand_in_flight_on_one_connection_answered_out_of_order() -> Result<()> {
    const CALLS: u64 = 1000;
    const CONNECTIONS: usize = 4;
    for wire in Wire::ALL {
        let upstream = hoarder(wire, CALLS as usize).await?;
        let setup = Setup::to(upstream.address())
            .cluster(&format!("connections: {{per_endpoint: {CONNECTIONS}}}"));
        let proxy = setup.start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in 0..CALLS {
            client
                .request(id, &Call::echo(format!("call {id}")))
                .await?;
        }
        let mut answered = HashSet::new();
        for _ in 0..CALLS {
            let frame = client.frame().await?;
            ensure!(frame.status == wire.success(), "status {}", frame.status);
            ensure!(
                frame.payload == format!("call {}", frame.id).as_bytes(),
                "{} got another's",
                frame.id
            );
            ensure!(answered.insert(frame.id), "{} was answered twice", frame.id);
        }
        let connections = upstream.seen().connections();
        ensure!(
            connections <= CONNECTIONS,
            "{wire:?}: {connections} upstream connections"
        );
        client.quiet(Duration::from_millis(100)).await?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_late_answer_reaches_nobody() -> Result<()> {
    for wire in Wire::ALL {
        // Each call called "late" is answered after its caller gave up, behind the answer of the next call.
        let upstream = Upstream::start(wire, |mut conn, _| async move {
            let mut late = Vec::new();
            while let Some(frame) = conn.next_ever().await? {
                if frame.kind != Kind::Request {
                    continue;
                }
                if frame.payload == b"late" {
                    late.push(frame.id);
                    continue;
                }
                for id in late.drain(..) {
                    conn.respond(id, b"too late").await?;
                }
                conn.respond(frame.id, &frame.payload).await?;
            }
            Ok(())
        })
        .await?;
        let proxy = Setup::to(upstream.address())
            .route("timeout: 200ms")
            .start()
            .await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for round in 0..5 {
            client.request(7, &Call::echo("late")).await?;
            client.expect_failure(7, Failure::Timeout).await?;
            // The same id again: only what the proxy remembers can tell the two calls apart.
            client.echo(7, format!("round {round}").as_bytes()).await?;
        }
        client.quiet(Duration::from_millis(300)).await?;
        ensure!(
            upstream.seen().connections() == 1,
            "a late answer cost the connection"
        );
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn duplicate_and_unknown_answers_reach_nobody() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::start(wire, |mut conn, _| async move {
            // Before anything was asked.
            conn.respond(0x7fff_fff1, b"unsolicited").await?;
            while let Some(frame) = conn.next_ever().await? {
                if frame.kind == Kind::Request {
                    conn.respond(frame.id ^ 0x4000_0000, b"unknown").await?;
                    conn.respond(frame.id, &frame.payload).await?;
                    conn.respond(frame.id, b"again").await?;
                    conn.respond(frame.id, b"and again").await?;
                }
            }
            Ok(())
        })
        .await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in 0..50 {
            client.echo(id, format!("call {id}").as_bytes()).await?;
        }
        // And with several under way.
        for id in 100..200 {
            client.request(id, &Call::echo(id.to_string())).await?;
        }
        let mut answered = HashSet::new();
        for _ in 0..100 {
            let frame = client.frame().await?;
            ensure!(
                frame.payload == frame.id.to_string().as_bytes(),
                "{} got another's",
                frame.id
            );
            ensure!(answered.insert(frame.id), "{} was answered twice", frame.id);
        }
        client.quiet(Duration::from_millis(200)).await?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_same_ids_on_twenty_connections_do_not_mix() -> Result<()> {
    const CALLS: u64 = 50;
    for wire in Wire::ALL {
        // Answers come in an order of their own.
        let upstream = hoarder(wire, 20 * CALLS as usize).await?;
        let proxy = Setup::to(upstream.address()).workers(2).start().await?;
        let mut clients = JoinSet::new();
        for number in 0..20 {
            let address = proxy.address();
            clients.spawn(async move {
                let mut client = Conn::connect(wire, address).await?;
                for id in 0..CALLS {
                    client
                        .request(id, &Call::echo(format!("{number}/{id}")))
                        .await?;
                }
                for _ in 0..CALLS {
                    let frame = client.frame().await?;
                    let own = format!("{number}/{}", frame.id);
                    ensure!(
                        frame.payload == own.as_bytes(),
                        "client {number} got what is not {own}"
                    );
                }
                client.quiet(Duration::from_millis(100)).await
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
async fn extreme_ids_come_back_exactly() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = hoarder(wire, wire.extreme_ids().len()).await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in wire.extreme_ids() {
            client.request(id, &Call::echo(id.to_string())).await?;
        }
        let mut missing: HashSet<_> = wire.extreme_ids().into_iter().collect();
        while !missing.is_empty() {
            let frame = client.frame().await?;
            ensure!(
                frame.payload == frame.id.to_string().as_bytes(),
                "{} got another's",
                frame.id
            );
            ensure!(
                missing.remove(&frame.id),
                "{} was never asked, or is answered twice",
                frame.id
            );
        }
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_id_used_twice_at_once_is_answered_twice() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let upstream = hoarder(wire, 2).await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for payload in ["one", "two"] {
            client.request(5, &Call::echo(payload)).await?;
        }
        let mut answers = HashMap::new();
        for _ in 0..2 {
            let frame = client.frame().await?;
            *answers.entry((frame.id, frame.payload)).or_insert(0) += 1;
        }
        let expected = HashMap::from([((5, b"one".to_vec()), 1), ((5, b"two".to_vec()), 1)]);
        ensure!(answers == expected, "{answers:?}");
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_from_a_client_is_refused_and_harms_nobody() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::echo(wire).await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let mut good = Conn::connect(wire, proxy.address()).await?;
        good.echo(1, b"before").await?;

        let mut bad = Conn::connect(wire, proxy.address()).await?;
        bad.echo(1, b"a good call first").await?;
        bad.respond(1, b"an answer that nobody asked for").await?;
        bad.closes(Duration::from_secs(2)).await?;

        // As the first frame, where the protocol may not even be recognised.
        let mut worse = Conn::connect(wire, proxy.address()).await?;
        worse.respond(1, b"an answer that nobody asked for").await?;
        worse.closes(Duration::from_secs(7)).await?;

        good.echo(2, b"after").await?;
        let frames = upstream.seen().frames();
        ensure!(
            frames.iter().all(|frame| frame.kind == Kind::Request),
            "the answer was forwarded"
        );
        proxy.check()?;
        drop(good);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_is_gone_costs_its_call_only() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let upstream = Upstream::start(wire, |mut conn, seen| async move {
            while let Some(frame) = conn.next_ever().await? {
                if frame.kind == Kind::Request {
                    seen.keep(frame.clone());
                    sleep(Duration::from_millis(100)).await;
                    conn.respond(frame.id, &frame.payload).await?;
                }
            }
            Ok(())
        })
        .await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let mut stays = Conn::connect(wire, proxy.address()).await?;
        for round in 0..5 {
            let mut leaves = Conn::connect(wire, proxy.address()).await?;
            leaves.request(1, &Call::echo("for nobody")).await?;
            upstream.seen().reaches(2 * round + 1).await?;
            drop(leaves);
            stays.echo(1, format!("round {round}").as_bytes()).await?;
        }
        stays.quiet(Duration::from_millis(200)).await?;
        ensure!(
            upstream.seen().connections() == 1,
            "a client's end cost the upstream connection"
        );
        proxy.check()?;
        drop(stays);
        proxy.stop(END).await?;
    }
    Ok(())
}
