//! Thrift messages that no client should send: each is answered or ends its connection, at once, and harms nobody else.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use wireloom_conformance::grade::cases::thrift_messages::{Bad, Fate, SEQID, messages};
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::thrift::{Message, Transport};
use wireloom_conformance::scripted::{Backend, Dialect, Thrift};

use crate::setup::{END, Setup};

/// No timeout of the listener's is as short, so what is waited on shows.
const AT_ONCE: Duration = Duration::from_secs(8);

/// Sends the message behind a good one, and judges what comes.
async fn suffer(proxy: &Proxy, dialect: Dialect, case: &Bad) -> Result<()> {
    let mut client = Thrift::connect(dialect, proxy.address()).await?;
    client.echo(1, b"a good one first").await?;
    // Where it is refused before its end the connection may be gone.
    let _ = client.send(&case.bytes).await;
    let began = Instant::now();
    let goes_on = match case.fate {
        Fate::Closed => false,
        Fate::Answered(code) | Fate::AnsweredLast(code) => {
            let text = client.exception(case.method, SEQID, code).await?;
            ensure!(text.contains("wireloom"), "{text}");
            let framed = dialect.transport != Transport::Buffered;
            framed && matches!(case.fate, Fate::Answered(_))
        }
    };
    if goes_on {
        client.echo(2, b"a good one behind it").await?;
    } else {
        client.closes(AT_ONCE).await?;
    }
    let took = began.elapsed();
    ensure!(took < AT_ONCE, "it took {took:?}");
    Ok(())
}

async fn run(dialect: Dialect) -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let setup = Setup::to(upstream.address()).listener("timeouts: {header: 60s}");
    let mut proxy = setup.start().await?;
    let mut bystander = Thrift::connect(dialect, proxy.address()).await?;
    let mut problems = Vec::new();
    for case in messages(dialect) {
        if let Err(error) = suffer(&proxy, dialect, &case).await {
            problems.push(format!("{}: {error:#}", case.name));
        }
        let fine = bystander.echo(7, b"still served").await;
        fine.with_context(|| format!("{dialect:?}: after {}", case.name))?;
        proxy
            .check()
            .with_context(|| format!("{dialect:?}: after {}", case.name))?;
        let seen: Vec<Message> = upstream.take();
        if let Some(forwarded) = seen.iter().find(|call| call.start.name != "echo") {
            problems.push(format!(
                "{}: {:?} was forwarded",
                case.name, forwarded.start
            ));
        }
    }
    ensure!(problems.is_empty(), "{dialect:?}:\n{}", problems.join("\n"));
    drop(bystander);
    proxy.stop(END).await
}

#[tokio::test]
async fn bad_messages_with_a_length_are_answered_or_end_their_connection() -> Result<()> {
    for dialect in Dialect::WITH_LENGTH {
        run(dialect).await?;
    }
    Ok(())
}

#[tokio::test]
async fn bad_messages_without_a_length_are_answered_or_end_their_connection() -> Result<()> {
    for dialect in Dialect::ALL {
        if dialect.transport == Transport::Buffered {
            run(dialect).await?;
        }
    }
    Ok(())
}
