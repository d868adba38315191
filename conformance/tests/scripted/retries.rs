//! A failed call is tried again only where that is safe, and only as often as the route says.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;
use wireloom_conformance::ports;
use wireloom_conformance::scripted::{Call, Conn, Failure, Upstream, Wire};

use crate::setup::{END, Setup};

/// Takes a whole call, keeps it, and closes the connection.
async fn forgetful(wire: Wire) -> Result<Upstream> {
    Upstream::start(wire, |mut conn, seen| async move {
        if let Some(frame) = conn.next_ever().await? {
            seen.keep(frame);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_passed_over() -> Result<()> {
    const CALLS: u64 = 50;
    for wire in Wire::PROTOCOLS {
        let echo = Upstream::echo(wire).await?;
        let endpoints = format!(
            "endpoints: [\"{}\", \"{}\"], balance: round_robin",
            ports::free(),
            echo.address()
        );
        let setup = Setup::to(echo.address());
        let proxy = setup
            .group("two", &endpoints, "retry: {attempts: 1}")
            .start()
            .await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in 0..CALLS {
            client.request(id, &Call::echo("x").group("two")).await?;
            client
                .expect(id, b"x")
                .await
                .with_context(|| format!("{wire:?}: call {id}"))?;
        }
        let served = echo.seen().count() as u64;
        ensure!(served == CALLS, "{CALLS} calls became {served}");
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_was_sent_is_sent_again_only_if_the_route_says_so() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        for (keys, one_way, expected) in [
            ("timeout: 5s", false, 1),
            // By default only what cannot have had an effect.
            ("retry: {attempts: 2}", false, 1),
            ("retry: {attempts: 2, on: [reset]}", false, 3),
            ("retry: {attempts: 2, on: [reset]}", true, 1),
        ] {
            let upstream = forgetful(wire).await?;
            let proxy = Setup::to(upstream.address()).route(keys).start().await?;
            let mut client = Conn::connect(wire, proxy.address()).await?;
            let call = Call::echo("once");
            if one_way {
                client.request(1, &call.one_way()).await?;
                upstream.seen().reaches(1).await?;
            } else {
                client.request(1, &call).await?;
                client.expect_failure(1, Failure::Reset).await?;
            }
            // Time for one too many to show.
            client.quiet(Duration::from_millis(500)).await?;
            let came = upstream.seen().count();
            ensure!(
                came == expected,
                "{wire:?}, {keys}, one-way {one_way}: the call came {came} times, not {expected}"
            );
            drop(client);
            proxy.stop(END).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_upstream_that_closes_between_calls_costs_none() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let upstream = Upstream::start(wire, |mut conn, seen| async move {
            if let Some(frame) = conn.next_ever().await? {
                conn.respond(frame.id, &frame.payload).await?;
                seen.keep(frame);
            }
            Ok(())
        })
        .await?;
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for id in 0..30 {
            client
                .echo(id, b"x")
                .await
                .with_context(|| format!("{wire:?}: call {id}"))?;
            sleep(Duration::from_millis(30)).await;
        }
        ensure!(
            upstream.seen().connections() == 30,
            "{} connections",
            upstream.seen().connections()
        );
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}
