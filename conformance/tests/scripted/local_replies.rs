//! Failures that the proxy makes itself, as frames.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::ports;
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::{Call, Conn, Failure, Upstream, Wire};

use crate::setup::{END, Setup};

/// Groups whose calls fail, and how.
const GROUPS: [(&str, Failure); 6] = [
    ("unrouted", Failure::NoRoute),
    ("empty", Failure::NoEndpoint),
    ("refused", Failure::Connect),
    ("slow", Failure::Timeout),
    ("full", Failure::Overloaded),
    ("resetting", Failure::Reset),
];

struct Servers {
    echo: Upstream,
    silent: Upstream,
    resetting: Upstream,
}

async fn start(wire: Wire) -> Result<(Servers, Proxy)> {
    let servers = Servers {
        echo: Upstream::echo(wire).await?,
        silent: Upstream::silent().await?,
        resetting: Upstream::resetting().await?,
    };
    let echo = servers.echo.address();
    let proxy = Setup::to(echo)
        .listener("limits: {frame: 1MiB}")
        .group("empty", "endpoints: []", "")
        .group_to("refused", ports::free())
        .group(
            "slow",
            &format!("endpoints: [\"{}\"]", servers.silent.address()),
            "timeout: 300ms",
        )
        .group(
            "full",
            &format!("endpoints: [\"{echo}\"], limits: {{in_flight: 0}}"),
            "",
        )
        .group_to("resetting", servers.resetting.address())
        .start()
        .await?;
    Ok((servers, proxy))
}

#[tokio::test]
async fn each_has_the_status_that_clients_know() -> Result<()> {
    for wire in Wire::ALL {
        let (_servers, mut proxy) = start(wire).await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for (place, (group, failure)) in GROUPS.into_iter().enumerate() {
            let id = 0x1234_5670 + place as u64;
            client.request(id, &Call::echo("x").group(group)).await?;
            client
                .expect_failure(id, failure)
                .await
                .with_context(|| group)?;
            client
                .echo(id, b"still here")
                .await
                .with_context(|| format!("after {group}"))?;
        }
        // Longer than the limit, but short enough to be read away.
        client.request(9, &Call::echo(vec![1; 2 << 20])).await?;
        client.expect_failure(9, Failure::TooLarge).await?;
        client
            .echo(10, b"still here")
            .await
            .context("after a call that was too large")?;
        client.quiet(Duration::from_millis(100)).await?;
        proxy.check()?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_callers_own_timeout_counts_if_it_is_shorter() -> Result<()> {
    for wire in Wire::ALL {
        let silent = Upstream::silent().await?;
        let proxy = Setup::to(silent.address())
            .route("timeout: 10s")
            .read_timeouts()
            .start()
            .await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        let start = std::time::Instant::now();
        client
            .request(1, &Call::echo("x").timeout(Duration::from_millis(200)))
            .await?;
        // Dubbo's timeout is an attachment, which is read only if a route asks for it.
        client
            .expect_failure(1, Failure::Timeout)
            .await
            .with_context(|| format!("{wire:?}"))?;
        let took = start.elapsed();
        ensure!(took < Duration::from_secs(2), "{wire:?}: it took {took:?}");
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_one_way_call_that_fails_is_not_answered() -> Result<()> {
    for wire in Wire::ALL {
        let (_servers, mut proxy) = start(wire).await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        for (group, _) in GROUPS {
            client
                .request(3, &Call::echo("x").group(group).one_way())
                .await?;
        }
        client
            .request(4, &Call::echo(vec![1; 2 << 20]).one_way())
            .await?;
        client
            .echo(5, b"the only answer")
            .await
            .with_context(|| format!("{wire:?}"))?;
        client
            .quiet(Duration::from_millis(600))
            .await
            .with_context(|| format!("{wire:?}"))?;
        proxy.check()?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn in_flight_limits_shed_what_is_too_much_and_recover() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let echo = Upstream::start(wire, |mut conn, _| async move {
            while let Some(frame) = conn.next_ever().await? {
                tokio::time::sleep(Duration::from_millis(300)).await;
                conn.respond(frame.id, &frame.payload).await?;
            }
            Ok(())
        })
        .await?;
        let proxy = Setup::to(echo.address())
            .cluster("limits: {in_flight: 1}")
            .start()
            .await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        client.request(1, &Call::echo("x")).await?;
        client.request(2, &Call::echo("y")).await?;
        client.expect_failure(2, Failure::Overloaded).await?;
        client.expect(1, b"x").await?;
        client.echo(3, b"z").await?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}
