//! Servers that die, at each point of a call.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::say::{Each, client, pattern};
use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need};
use crate::grade::tongue::{Ask, Client, Said, Server, Tongue, scripted};
use crate::scripted::{Raw, Upstream};

/// What a server does with the call that it does not answer.
#[derive(Clone, Copy, Debug)]
enum Way {
    Close,
    Reset,
    CutHead,
    CutBody,
    Garbage,
}

pub(super) fn register(list: &mut Vec<Case>) {
    let mut each = Each {
        list,
        tongues: &Tongue::ALL,
        needs: &[Need::Messages],
    };
    for (name, way, why) in [
        (
            "upstream/closes-on-request",
            Way::Close,
            "A server that reads a call and closes leaves it open whether the call was carried out. Its caller gets an error under its own id at once, and not silence; the caller's connection goes on, and the next call works.",
        ),
        (
            "upstream/resets-on-request",
            Way::Reset,
            "A server that reads a call and resets the connection has crashed, as a rule. Its caller gets an error under its own id at once, the caller's connection goes on, and the next call works.",
        ),
        (
            "upstream/closes-in-the-head-of-an-answer",
            Way::CutHead,
            "An answer that ends within its first bytes is none: its caller gets an error and none of these bytes, the caller's connection goes on, and the next call works.",
        ),
        (
            "upstream/closes-in-the-body-of-an-answer",
            Way::CutBody,
            "An answer that ends in the middle never looks whole: its caller gets an error, or, where the beginning was passed on already, an end that shows that something is missing; then the next call works.",
        ),
        (
            "upstream/answers-with-garbage",
            Way::Garbage,
            "A server that answers with bytes of no protocol is broken: its caller gets an error in its own protocol and none of these bytes, the connection to the server is given up, and the next call works.",
        ),
    ] {
        each.add(name, why, move |arena, tongue| dies(arena, tongue, way));
    }
    each.add(
        "upstream/closes-at-once",
        "A server that takes connections and closes them before it reads anything (a port forwarder without a server behind it, a process that is starting) is one that does not work: the caller gets an error in its own protocol, in time.",
        closes_at_once,
    );
    each.add(
        "upstream/closes-between-calls",
        "A server closes what rests, as servers do on deploys and for their idle timeouts; a call that comes a while later costs nobody anything and goes over another connection.",
        between,
    );
    each.add(
        "upstream/dies-with-many-calls-under-way",
        "When a connection is lost with many calls on it, each of them gets its own error, once, and none is forgotten: a call without an end holds its caller's thread for ever.",
        many,
    );
}

async fn die(mut server: Server, ask: &Ask, way: Way) -> Result<()> {
    match way {
        Way::Close => {}
        Way::Reset => {
            Raw::of(server.into_stream()).reset();
            return Ok(());
        }
        Way::CutHead => {
            let bytes = server.answer(ask, &pattern(100));
            server.send(bytes.get(..6).unwrap_or_default()).await?;
        }
        Way::CutBody => {
            let bytes = server.answer(ask, &pattern(3000));
            server
                .send(bytes.get(..bytes.len() - 500).unwrap_or_default())
                .await?;
        }
        Way::Garbage => server.send([0xee; 256]).await?,
    }
    // What was written is to be read before the end comes.
    sleep(Duration::from_millis(100)).await;
    Ok(())
}

/// Dies with calls of `die`, and echoes all others.
async fn mortal(tongue: Tongue, way: Way) -> Result<Upstream> {
    scripted(tongue, move |mut server, _| async move {
        while let Some(ask) = server.next().await? {
            if ask.payload == b"die" {
                return die(server, &ask, way).await;
            }
            server.respond(&ask, &ask.payload).await?;
        }
        Ok(())
    })
    .await
}

async fn dies(arena: Arena, tongue: Tongue, way: Way) -> Result<()> {
    let server = mortal(arena.upstream(tongue), way).await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    for round in 0..3 {
        let number = 2 * round + 1;
        client.ask(number, b"die").await?;
        let answer = client.answer().await.context("the call that dies")?;
        ensure!(
            answer.number == number,
            "an answer to call {}",
            answer.number
        );
        let shown =
            answer.said == Said::Error || (answer.said == Said::Broken && tongue.may_break_off());
        ensure!(shown, "it came as {:?}, {}", answer.said, answer.status);
        if tongue == Tongue::Http1 {
            // An error may end its connection there.
            client = Client::connect(tongue, address).await?;
        }
        client
            .echo(number + 1, b"fine")
            .await
            .context("the next call of the connection")?;
    }
    Ok(())
}

async fn closes_at_once(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = Upstream::raw(|stream, _| async move {
        drop(stream);
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    for round in 0..2 {
        let mut client = Client::connect(tongue, address).await?;
        client.ask(round, b"x").await?;
        let answer = client.answer().await?;
        let shown =
            answer.said == Said::Error || (answer.said == Said::Broken && tongue.may_break_off());
        ensure!(shown, "it came as {:?}, {}", answer.said, answer.status);
    }
    Ok(())
}

async fn between(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, _| async move {
        if let Some(ask) = server.next().await? {
            server.respond(&ask, &ask.payload).await?;
            // The answer is to be read before the end comes.
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    })
    .await?;
    let mut client = client(&arena, tongue, &server).await?;
    for number in 2..6 {
        // Long enough for the end to be seen, on a machine that stalls too.
        sleep(Duration::from_millis(500)).await;
        client
            .echo(number, b"later")
            .await
            .with_context(|| format!("call {number}"))?;
    }
    Ok(())
}

async fn many(arena: Arena, tongue: Tongue) -> Result<()> {
    const CALLS: u64 = 30;
    let server = scripted(arena.upstream(tongue), move |mut server, _| async move {
        let mut count = 0;
        while let Some(ask) = server.next().await? {
            if ask.payload != b"held" {
                server.respond(&ask, &ask.payload).await?;
                continue;
            }
            count += 1;
            // As many as come within a while: who has one call a connection sends no more.
            if count == 1 {
                tokio::time::timeout(Duration::from_millis(500), async {
                    while let Ok(Some(_)) = server.next().await {}
                })
                .await
                .unwrap_or_default();
                return Ok(());
            }
        }
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    if !tongue.is_multiplexed() {
        // A connection each.
        let mut clients = Vec::new();
        for number in 0..CALLS {
            let mut client = Client::connect(tongue, address).await?;
            client.ask(number, b"held").await?;
            clients.push(client);
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let answer = client
                .answer()
                .await
                .with_context(|| format!("call {number}"))?;
            ensure!(
                answer.said == Said::Error,
                "call {number} got {:?}",
                answer.said
            );
        }
        return Ok(());
    }
    let mut client = Client::connect(tongue, address).await?;
    let bytes: Vec<u8> = (0..CALLS)
        .flat_map(|number| client.call(number, b"held"))
        .collect();
    client.send(bytes).await?;
    let mut missing: std::collections::BTreeSet<_> = (0..CALLS).collect();
    while !missing.is_empty() {
        let answer = client
            .answer()
            .await
            .with_context(|| format!("missing {missing:?}"))?;
        let shown =
            answer.said == Said::Error || (answer.said == Said::Broken && tongue.may_break_off());
        ensure!(
            shown,
            "call {} got {:?} {}",
            answer.number,
            answer.said,
            answer.status
        );
        ensure!(
            missing.remove(&answer.number),
            "call {} ended twice",
            answer.number
        );
    }
    client
        .echo(CALLS, b"fine")
        .await
        .context("the next call of the connection")
}
