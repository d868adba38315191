//! What ends a Thrift connection: another dialect in the middle of it, more than a message in a frame, another transport
//! than the configured one.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;
use wireloom_conformance::scripted::thrift::{
    CALL, FRAMED, FRAMED_COMPACT, PROTOCOL_ERROR, Protocol, Start, Transport, frame,
};
use wireloom_conformance::scripted::{Backend, Dialect, Thrift};

use crate::setup::{END, Setup};

/// No timeout of the listener's is as short, so what is waited on shows.
const AT_ONCE: Duration = Duration::from_secs(8);
const SEQID: i32 = 77;
const ERRORS: &str = "wireloom_downstream_connection_errors_total";

/// In mid-connection: the end, behind an answer where the message could be read, and counted once.
#[tokio::test]
async fn messages_of_another_dialect_are_the_end() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut ends = 0.0;
    for dialect in Dialect::ALL {
        for other in Dialect::ALL {
            if other == dialect {
                continue;
            }
            let place = format!("{other:?} on a connection of {dialect:?}");
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            client.echo(1, b"x").await?;
            client.send(other.call("poison", 2, b"x")).await?;
            let rest = client.raw.rest(AT_ONCE).await;
            let rest = rest.with_context(|| place.clone())?;
            if !rest.is_empty() {
                let answer = dialect.read(&rest)?.context("half an answer")?;
                let code = answer.0.exception().map(|(_, code)| code);
                ensure!(
                    code == Some(PROTOCOL_ERROR) && answer.1 == rest.len(),
                    "{place}: {answer:?}"
                );
            }
            ends += 1.0;
            // The close may be seen before it is counted.
            let end = Instant::now() + AT_ONCE;
            let mut counted = proxy.metric(ERRORS, &["reason=\"protocol\""]).await?;
            while counted < ends && Instant::now() < end {
                sleep(Duration::from_millis(5)).await;
                counted = proxy.metric(ERRORS, &["reason=\"protocol\""]).await?;
            }
            ensure!(counted == ends, "{place}: {counted} ends of {ends}");
        }
    }
    let poisoned = upstream.take();
    let poisoned = poisoned.iter().find(|call| call.start.name == "poison");
    ensure!(poisoned.is_none(), "it was forwarded: {poisoned:?}");
    proxy.check()?;
    proxy.stop(END).await
}

/// The log takes one such line a second, so each has a proxy of its own.
#[tokio::test]
async fn each_end_is_one_line_of_the_log() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let start = Start {
        kind: CALL,
        name: "Svc:bad".to_owned(),
        seqid: SEQID,
    };
    let message = start.write(Protocol::Binary, &[0]);
    for (name, bytes, answered) in [
        ("two messages", frame(&message.repeat(2)), true),
        (
            "a byte too many",
            frame(&[&message[..], b"x"].concat()),
            true,
        ),
        (
            "another dialect",
            FRAMED_COMPACT.call("poison", 2, b"x"),
            false,
        ),
        ("an answer", FRAMED.reply("echo", 2, b"x"), false),
    ] {
        let proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Thrift::connect(FRAMED, proxy.address()).await?;
        let peer = client.raw.stream().local_addr()?.to_string();
        client.echo(1, b"x").await?;
        client.send(bytes).await?;
        if answered {
            client.exception("bad", SEQID, PROTOCOL_ERROR).await?;
        }
        client.closes(AT_ONCE).await?;
        let told = || proxy.lines(&[&peer, "protocol error"]);
        let end = Instant::now() + AT_ONCE;
        while told() == 0 && Instant::now() < end {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(100)).await;
        ensure!(told() == 1, "{name}: {} lines", told());
        let lines = proxy.lines(&[&peer]);
        ensure!(lines == 1, "{name}: {lines} lines");
        proxy.stop(END).await?;
    }
    Ok(())
}

/// A port of unframed Thrift takes a frame for nothing.
#[tokio::test]
async fn a_configured_transport_takes_no_other() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    for (own, name) in [
        (Transport::Framed, "framed"),
        (Transport::Buffered, "buffered"),
        (Transport::Header, "header"),
        (Transport::TtHeader, "ttheader"),
    ] {
        let setup = Setup::to(upstream.address())
            .thrift(&format!("transport: {name}"))
            .listener("protocols: [thrift]")
            .listener("timeouts: {header: 60s}");
        let proxy = setup.start().await?;
        for dialect in Dialect::ALL {
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            if dialect.transport == own {
                client
                    .echo(1, b"x")
                    .await
                    .with_context(|| format!("{dialect:?} on {name}"))?;
            } else {
                client.send(dialect.call("echo", 1, b"x")).await?;
                client
                    .closes(AT_ONCE)
                    .await
                    .with_context(|| format!("{dialect:?} on {name}"))?;
            }
        }
        proxy.stop(END).await?;
    }
    Ok(())
}
