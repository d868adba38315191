//! Servers and clients that take too long.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::say::{Each, client, pattern};
use crate::grade::arena::{Arena, TIMEOUT};
use crate::grade::case::{Case, Need};
use crate::grade::tongue::{Client, Said, Tongue, echo, scripted};
use crate::scripted::Wire;
use crate::scripted::raw::patience;

pub(super) fn register(list: &mut Vec<Case>) {
    let mut each = Each {
        list,
        tongues: &Tongue::ALL,
        needs: &[Need::Messages, Need::Timeout],
    };
    each.add(
        "timeout/silent-server",
        "A server that takes a call and never answers holds its caller no longer than the configured timeout (2 s here): then the caller gets an error in its own protocol, under its own id.",
        silent,
    );
    each.add(
        "timeout/late-answer",
        "An answer that comes behind its timeout reaches nobody: given to the next call of the connection it would be another's data. The next call gets its own answer.",
        late,
    );
    each.add(
        "timeout/half-a-request",
        "A client that sends half a request and stops holds memory and a connection; it is let go within the configured time for a head (5 s here), and other clients are served meanwhile.",
        half,
    );
    each.tongues = &[
        Tongue::Http2,
        Tongue::Grpc,
        Tongue::DUBBO,
        Tongue::Wire(Wire::BoltV1),
    ];
    each.add(
        "timeout/costs-its-own-call-only",
        "A call that times out on a shared connection is the only one that fails: others that are under way beside it, and those behind it, get their answers.",
        alone,
    );
}

async fn silent(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, _| async move {
        while server.next().await?.is_some() {}
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    client.ask(7, b"x").await?;
    let answer = client.answer().await.context("behind the timeout")?;
    ensure!(
        answer.said == Said::Error && answer.number == 7,
        "{:?} {}",
        answer.said,
        answer.status
    );
    Ok(())
}

async fn late(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, _| async move {
        while let Some(ask) = server.next().await? {
            if ask.payload == b"late" {
                sleep(TIMEOUT + Duration::from_millis(1500)).await;
            }
            server.respond(&ask, &ask.payload).await?;
        }
        Ok(())
    })
    .await?;
    let mut client = client(&arena, tongue, &server).await?;
    client.ask(2, b"late").await?;
    let answer = client.answer().await.context("behind the timeout")?;
    let shown =
        answer.said == Said::Error || (answer.said == Said::Broken && tongue.may_break_off());
    ensure!(
        shown && answer.number == 2,
        "{:?} {}",
        answer.said,
        answer.status
    );
    if tongue != Tongue::Http1 {
        client
            .quiet(Duration::from_millis(2500))
            .await
            .context("behind its error")?;
        client.echo(3, b"the next one").await?;
    } else {
        let rest = client
            .rest(Duration::from_millis(2500))
            .await
            .unwrap_or_default();
        ensure!(
            rest.is_empty(),
            "behind its error came {} bytes",
            rest.len()
        );
    }
    Ok(())
}

async fn half(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = echo(arena.upstream(tongue)).await?;
    let address = arena.front(server.address()).await?;
    let mut slow = Client::connect(tongue, address).await?;
    let bytes = slow.call(1, &pattern(100));
    // Within the first line, or the head of a frame.
    slow.send(bytes.get(..10).unwrap_or_default()).await?;
    let mut good = Client::connect(tongue, address).await?;
    good.echo(1, b"meanwhile").await?;
    let within = Duration::from_secs(5) + patience();
    slow.rest(within).await.context("the slow client")?;
    // Which may be idle for longer than that.
    let mut fresh = Client::connect(tongue, address).await?;
    fresh.echo(2, b"after").await?;
    ensure!(
        server.asks().len() == 2,
        "the half request was taken for whole"
    );
    Ok(())
}

async fn alone(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, _| async move {
        while let Some(ask) = server.next().await? {
            if ask.payload != b"never" {
                server.respond(&ask, &ask.payload).await?;
            }
        }
        Ok(())
    })
    .await?;
    let mut client = client(&arena, tongue, &server).await?;
    client.ask(2, b"never").await?;
    for number in 3..20 {
        client
            .echo(number, b"beside it")
            .await
            .with_context(|| format!("call {number}"))?;
    }
    let answer = client.answer().await?;
    let shown =
        answer.said == Said::Error || (answer.said == Said::Broken && tongue.may_break_off());
    ensure!(
        shown && answer.number == 2,
        "{:?} {}",
        answer.said,
        answer.status
    );
    client.echo(20, b"behind it").await
}
