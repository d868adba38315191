//! One call at a time on each upstream connection, answers in the order of the calls, and connections that are used again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;
use wireloom_conformance::scripted::thrift::INTERNAL_ERROR;
use wireloom_conformance::scripted::{Backend, Dialect, Thrift, Upstream};

use crate::setup::{END, Setup};

/// Answers each call a little later, and notes a call that comes while another is under way on its connection.
async fn strict() -> Result<Upstream> {
    Upstream::raw(|stream, seen| async move {
        let mut conn = Thrift::of(stream);
        while let Some(call) = conn.next_ever().await? {
            sleep(Duration::from_millis(3)).await;
            if !conn.raw.buffer.is_empty() || conn.quiet(Duration::from_millis(1)).await.is_err() {
                seen.note("two at once");
            }
            conn.send(call.echo()).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pipelined_calls_are_answered_in_order() -> Result<()> {
    const CALLS: i32 = 50;
    // The first calls take the longest.
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Thrift::of(stream);
        while let Some(call) = conn.next_ever().await? {
            let place: u64 = std::str::from_utf8(call.payload())?.parse()?;
            sleep(Duration::from_millis(20u64.saturating_sub(place))).await;
            conn.send(call.echo()).await?;
        }
        Ok(())
    })
    .await?;
    let proxy = Setup::to(upstream.address()).workers(2).start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        // Libraries that never count send the same seqid in each call.
        for seqid in [|_| 0, |place: i32| place] {
            let calls: Vec<u8> = (0..CALLS)
                .flat_map(|place| dialect.call("echo", seqid(place), place.to_string().as_bytes()))
                .collect();
            client.send(calls).await?;
            for place in 0..CALLS {
                client
                    .expect("echo", seqid(place), place.to_string().as_bytes())
                    .await
                    .with_context(|| format!("{dialect:?}, call {place}"))?;
            }
        }
    }
    proxy.stop(END).await
}

/// Failures keep their place among the answers.
#[tokio::test]
async fn failures_of_pipelined_calls_come_in_their_place() -> Result<()> {
    let (echo, silent) = (Backend::thrift_echo().await?, Upstream::silent().await?);
    let setup = Setup::to(echo.address())
        .service("None", "endpoints: []", "")
        .service(
            "Silent",
            &format!("endpoints: [\"{}\"]", silent.address()),
            "timeout: 300ms",
        );
    let proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        let calls = [
            dialect.call("Silent:a", 1, b""),
            dialect.call("echo", 2, b"x"),
            dialect.call("None:b", 3, b""),
            dialect.one_way("None:c", 4, b""),
            dialect.call("echo", 5, b"y"),
        ];
        client.send(calls.concat()).await?;
        let run = async {
            client.exception("a", 1, INTERNAL_ERROR).await?;
            client.expect("echo", 2, b"x").await?;
            client.exception("b", 3, INTERNAL_ERROR).await?;
            client.expect("echo", 5, b"y").await
        };
        run.await.with_context(|| format!("{dialect:?}"))?;
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn an_upstream_connection_has_one_call_at_a_time() -> Result<()> {
    let upstream = strict().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..16 {
        let address = proxy.address();
        clients.spawn(async move {
            let dialect = Dialect::ALL[number % Dialect::ALL.len()];
            let mut client = Thrift::connect(dialect, address).await?;
            let calls: Vec<u8> = (0..20)
                .flat_map(|seqid| dialect.call("echo", seqid, &[number as u8]))
                .collect();
            client.send(calls).await?;
            for seqid in 0..20 {
                client.expect("echo", seqid, &[number as u8]).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    ensure!(
        upstream.seen().notes().is_empty(),
        "calls were not one at a time"
    );
    proxy.stop(END).await
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() -> Result<()> {
    for dialect in Dialect::ALL {
        let upstream = Backend::thrift_echo().await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        for _ in 0..3 {
            // Clients come and go; the connection stays.
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            for seqid in 0..20 {
                client.echo(seqid, b"x").await?;
            }
        }
        let connections = upstream.seen().connections();
        ensure!(connections == 1, "{dialect:?}: {connections} connections");
        proxy.stop(END).await?;
    }
    Ok(())
}

/// More calls than connections wait for one, and all are answered.
#[tokio::test]
async fn calls_wait_for_one_of_few_connections() -> Result<()> {
    let upstream = strict().await?;
    let setup = Setup::to(upstream.address()).cluster("connections: {per_endpoint: 2}");
    let proxy = setup.start().await?;
    let dialect = Dialect::ALL[0];
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..20u8 {
        let address = proxy.address();
        clients.spawn(async move {
            let mut client = Thrift::connect(dialect, address).await?;
            for seqid in 0..10 {
                client.echo(seqid, &[number]).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let connections = upstream.seen().connections();
    ensure!(connections <= 2, "{connections} connections");
    ensure!(upstream.seen().notes().is_empty());
    proxy.stop(END).await
}

/// A server that closes what rests costs nobody a call, however soon the next one comes.
#[tokio::test]
async fn a_server_that_closes_between_calls_costs_none() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Thrift::of(stream);
        if let Some(call) = conn.next_ever().await? {
            conn.send(call.echo()).await?;
        }
        Ok(())
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for seqid in 0..20 {
            client
                .echo(seqid, b"x")
                .await
                .with_context(|| format!("{dialect:?}, call {seqid}"))?;
            sleep(Duration::from_millis(20)).await;
        }
    }
    ensure!(upstream.seen().connections() == 20 * Dialect::ALL.len());
    proxy.stop(END).await
}

/// A client that goes away takes its interest with it: nobody gets the answer that comes then.
#[tokio::test]
async fn an_answer_whose_client_went_away_reaches_nobody() -> Result<()> {
    let (release, came) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let upstream = Upstream::raw({
        let (release, came) = (release.clone(), came.clone());
        move |stream, _| {
            let (release, came) = (release.clone(), came.clone());
            async move {
                let mut conn = Thrift::of(stream);
                while let Some(call) = conn.next_ever().await? {
                    if call.payload() == b"held" {
                        came.notify_one();
                        release.acquire().await?.forget();
                    }
                    conn.send(call.echo()).await?;
                }
                Ok(())
            }
        }
    })
    .await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        for reset in [false, true] {
            let mut gone = Thrift::connect(dialect, proxy.address()).await?;
            gone.send(dialect.call("echo", 1, b"held")).await?;
            came.notified().await;
            match reset {
                true => gone.raw.reset(),
                false => drop(gone),
            }
            sleep(Duration::from_millis(50)).await;
            let mut next = Thrift::connect(dialect, proxy.address()).await?;
            let place = || format!("{dialect:?}, reset {reset}");
            next.echo(1, b"mine").await.with_context(place)?;
            release.add_permits(1);
            for seqid in 0..5 {
                next.echo(seqid, b"mine too").await.with_context(place)?;
            }
            next.quiet(Duration::from_millis(50)).await?;
        }
    }
    proxy.check()?;
    proxy.stop(END).await
}

/// Closing the sending side is no reason to leave calls unanswered.
#[tokio::test]
async fn calls_before_the_end_of_a_client_are_answered() -> Result<()> {
    let upstream = strict().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        let calls: Vec<u8> = (0..10)
            .flat_map(|seqid| dialect.call("echo", seqid, b"x"))
            .collect();
        client.send(calls).await?;
        client.raw.finish().await?;
        for seqid in 0..10 {
            client
                .expect("echo", seqid, b"x")
                .await
                .with_context(|| format!("{dialect:?}, call {seqid}"))?;
        }
        client.closes(END).await?;
    }
    proxy.stop(END).await
}

/// A failure that cannot have had an effect is tried elsewhere; any other only if the route says so.
#[tokio::test]
async fn calls_are_sent_again_only_where_that_is_safe() -> Result<()> {
    let forgetful = Upstream::raw(|stream, seen| async move {
        let mut conn = Thrift::of(stream);
        if conn.next_ever().await?.is_some() {
            seen.note("came");
        }
        Ok(())
    })
    .await?;
    for (keys, expected) in [
        ("timeout: 5s", 1),
        ("retry: {attempts: 2}", 1),
        ("retry: {attempts: 2, on: [reset]}", 3),
    ] {
        let proxy = Setup::to(forgetful.address()).route(keys).start().await?;
        for dialect in Dialect::ALL {
            let before = forgetful.seen().notes().len();
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            client.send(dialect.call("m", 1, b"x")).await?;
            client.exception("m", 1, INTERNAL_ERROR).await?;
            let came = forgetful.seen().notes().len() - before;
            ensure!(
                came == expected,
                "{dialect:?}, {keys}: it came {came} times"
            );
        }
        proxy.stop(END).await?;
    }
    Ok(())
}
