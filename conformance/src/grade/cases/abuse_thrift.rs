//! Thrift messages that no client should send: each is answered or ends its connection, soon, and harms nobody else.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::Instant;

use super::thrift_messages::messages;
use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need, Protocol, slug};
use crate::grade::tongue::Tongue;
use crate::scripted::thrift::{BUFFERED, EXCEPTION, FRAMED, FRAMED_COMPACT};
use crate::scripted::{Backend, Dialect, Thrift};

/// Less than the time for a head, so that what is waited on shows.
const SOON: Duration = Duration::from_secs(4);

pub(super) fn register(list: &mut Vec<Case>) {
    for (group, dialect) in [
        ("abuse", FRAMED),
        ("abuse-unframed", BUFFERED),
        ("abuse-compact", FRAMED_COMPACT),
    ] {
        for (place, bad) in messages(dialect).into_iter().enumerate() {
            let why = format!(
                "A message with {} comes from a broken or a hostile client. It is answered with an exception or ends its connection, soon; nothing is set aside for what was only announced, and other clients are served on.",
                bad.name
            );
            let run = move |arena| suffer(arena, dialect, place);
            list.push(
                Case::new(
                    Protocol::Thrift,
                    format!("thrift/{group}/{}", slug(&bad.name)),
                    run,
                )
                .why(&why, Tongue::THRIFT.source())
                .needs(&[Need::Messages]),
            );
        }
    }
}

/// Sends the message behind a good one, and judges what comes.
async fn suffer(arena: Arena, dialect: Dialect, place: usize) -> Result<()> {
    let case = messages(dialect)
        .into_iter()
        .nth(place)
        .context("no such message")?;
    let upstream = Backend::thrift_echo().await?;
    let address = arena.front(upstream.address()).await?;
    let mut bystander = Thrift::connect(dialect, address).await?;
    bystander.echo(1, b"before").await?;
    let before = arena.memory()?;
    let mut client = Thrift::connect(dialect, address).await?;
    client.echo(1, b"a good one first").await?;
    // Where it is refused before its end the connection may be gone.
    let _ = client.send(&case.bytes).await;
    let deadline = Instant::now() + SOON;
    loop {
        if let Ok(Some((message, _))) = dialect.read(&client.raw.buffer) {
            ensure!(
                message.start.kind == EXCEPTION,
                "it was answered with {:?}",
                message.start
            );
            break;
        }
        match client.raw.fill(deadline).await {
            Ok(true) => {}
            // A reset is an end too.
            Ok(false) => break,
            Err(error) if error.is::<std::io::Error>() => break,
            Err(_) => bail!("neither answered nor closed within {SOON:?}"),
        }
    }
    let grown = arena.memory()?.saturating_sub(before);
    ensure!(grown < 128 << 20, "it cost {} MiB", grown >> 20);
    bystander.echo(2, b"after").await.context("another client")
}
