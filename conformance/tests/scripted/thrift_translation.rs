//! Each dialect in, each dialect out: what the server sees and what the client gets, byte for byte against what a writer of
//! their own makes of the same values.

use anyhow::{Context, Result, ensure};
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::thrift::{
    CALL, EXCEPTION, HEADER, INTERNAL_ERROR, Message, ONE_WAY, PROTOCOL_ERROR, Protocol, REPLY,
    TTHEADER, Transport, Value,
};
use wireloom_conformance::scripted::{Backend, Dialect, Thrift};

use crate::setup::{END, Setup};

/// The cluster's dialect, as the configuration names it.
fn named(dialect: Dialect) -> String {
    let transport = match dialect.transport {
        Transport::Framed => "framed",
        Transport::Buffered => "buffered",
        Transport::Header => "header",
        Transport::TtHeader => "ttheader",
    };
    let protocol = match dialect.protocol {
        Protocol::Binary => "binary",
        Protocol::Compact => "compact",
    };
    format!("thrift: {{transport: {transport}, protocol: {protocol}}}")
}

/// One of every type, alone and in containers, with ids that go forth and back.
fn everything() -> Value {
    let numbers = vec![Value::I64(i64::MIN), Value::I64(-1), Value::I64(300)];
    let inner = Value::Struct(vec![(1, Value::List(10, numbers.clone()))]);
    Value::Struct(vec![
        (1, Value::Bool(true)),
        (2, Value::Bool(false)),
        (3, Value::I8(-7)),
        (20, Value::I16(-300)),
        (19, Value::I32(i32::MIN)),
        (-1, Value::Double(-0.1)),
        (1000, Value::text("Aé😀")),
        (1001, Value::Uuid([9; 16])),
        (1002, Value::Set(10, numbers)),
        (
            1003,
            Value::List(2, vec![Value::Bool(true), Value::Bool(false)]),
        ),
        (1004, Value::List(3, vec![Value::I8(1); 20])),
        (
            1005,
            Value::Map(8, 12, vec![(Value::I32(5), inner.clone())]),
        ),
        (
            1006,
            Value::List(12, vec![inner, Value::Struct(Vec::new())]),
        ),
        (1007, Value::List(8, Vec::new())),
        (1008, Value::Binary(vec![0xff; 300])),
    ])
}

/// What a server answers to a method: the type and the struct.
fn answers(method: &str) -> (u8, Value) {
    match method {
        "declared" => {
            let thrown = Value::Struct(vec![(1, Value::text("what went wrong"))]);
            (REPLY, Value::Struct(vec![(1, thrown)]))
        }
        "application" => {
            let fields = vec![(1, Value::text("no such thing")), (2, Value::I32(5))];
            (EXCEPTION, Value::Struct(fields))
        }
        "void" => (REPLY, Value::Struct(Vec::new())),
        _ => (REPLY, Value::Struct(vec![(0, everything())])),
    }
}

async fn server() -> Result<Backend<Message>> {
    Backend::thrift(|call| {
        if call.start.kind == ONE_WAY {
            return Vec::new();
        }
        let (kind, value) = answers(call.method());
        call.dialect
            .of(kind, call.method(), call.start.seqid, &value)
    })
    .await
}

async fn pair(proxy: &Proxy, server: &Backend<Message>, from: Dialect, to: Dialect) -> Result<()> {
    let mut client = Thrift::connect(from, proxy.address()).await?;
    for (seqid, name) in ["success", "declared", "application", "void", "Svc:success"]
        .into_iter()
        .enumerate()
    {
        let seqid = seqid as i32 - 2;
        server.take();
        client
            .send(from.of(CALL, name, seqid, &everything()))
            .await?;
        let answer = client.message().await.context(name)?;
        let method = name.rsplit(':').next().unwrap_or(name);
        let (kind, value) = answers(method);
        let expected = from.of(kind, method, seqid, &value);
        ensure!(
            answer.bytes == expected,
            "the answer to {name}:\n{}\n{}",
            hex::encode(&expected),
            hex::encode(&answer.bytes)
        );
        let seen = server.take().pop().context("nothing came")?;
        let expected = to.of(CALL, name, seen.start.seqid, &everything());
        ensure!(
            seen.bytes == expected,
            "{name}:\n{}\n{}",
            hex::encode(&expected),
            hex::encode(&seen.bytes)
        );
    }
    client
        .send(from.of(ONE_WAY, "Svc:notify", 9, &everything()))
        .await?;
    server.reaches(1).await?;
    let seen = server.take().pop().context("nothing came")?;
    let expected = to.of(ONE_WAY, "Svc:notify", seen.start.seqid, &everything());
    ensure!(
        seen.bytes == expected,
        "one-way: {}",
        hex::encode(&seen.bytes)
    );
    // What no route takes is told in the client's dialect too.
    client.send(from.call("Nowhere:m", 7, b"")).await?;
    client.exception("m", 7, INTERNAL_ERROR).await?;
    client.send(from.of(CALL, "void", 8, &everything())).await?;
    let answer = client.message().await?;
    ensure!(answer.bytes == from.of(REPLY, "void", 8, &Value::Struct(Vec::new())));
    Ok(())
}

async fn column(to: Dialect) -> Result<()> {
    let server = server().await?;
    let setup = Setup::to(server.address())
        .cluster(&format!("protocol: thrift, {}", named(to)))
        .service("Nowhere", "endpoints: []", "");
    let mut proxy = setup.start().await?;
    for from in Dialect::ALL {
        pair(&proxy, &server, from, to)
            .await
            .with_context(|| format!("{from:?} to {to:?}"))?;
    }
    // One server dialect is one kind of connection, whoever asks.
    let connections = server.seen().connections();
    ensure!(
        connections <= 2 * Dialect::ALL.len(),
        "{connections} connections"
    );
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn every_dialect_into_those_with_a_length() -> Result<()> {
    for to in Dialect::ALL {
        if to.transport == Transport::Framed {
            column(to).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_dialect_into_those_without() -> Result<()> {
    for to in Dialect::ALL {
        if to.transport == Transport::Buffered {
            column(to).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_dialect_into_those_with_a_header() -> Result<()> {
    for to in Dialect::ALL {
        if to.has_header() {
            column(to).await?;
        }
    }
    Ok(())
}

/// Pairs go where there is a place for them.
#[tokio::test]
async fn pairs_of_a_header_stay_pairs() -> Result<()> {
    for (from, to) in [
        (HEADER, HEADER),
        (HEADER, TTHEADER),
        (TTHEADER, HEADER),
        (TTHEADER, TTHEADER),
    ] {
        let server = server().await?;
        let keys = format!("protocol: thrift, {}", named(to));
        let proxy = Setup::to(server.address()).cluster(&keys).start().await?;
        let mut client = Thrift::connect(from, proxy.address()).await?;
        let pairs = [("x-trace", "abc"), ("caller", "web")];
        client.send(from.call_with("void", 5, b"x", &pairs)).await?;
        client.message().await?;
        let seen = server.take().pop().context("nothing came")?;
        let expected = to.call_with("void", seen.start.seqid, b"x", &pairs);
        ensure!(
            seen.bytes == expected,
            "{from:?} to {to:?}: {}",
            hex::encode(&seen.bytes)
        );
        proxy.stop(END).await?;
    }
    Ok(())
}

/// A server whose answer is none fails the call in the client's dialect; a client's that is none never reaches it.
#[tokio::test]
async fn what_cannot_be_read_is_not_translated() -> Result<()> {
    for to in Dialect::ALL {
        let server = Backend::thrift(|call| match call.method() {
            "bad" => call.dialect.message(
                &wireloom_conformance::scripted::thrift::Start {
                    kind: REPLY,
                    name: "bad".to_owned(),
                    seqid: call.start.seqid,
                },
                &[0xff; 20],
            ),
            _ => call.echo(),
        })
        .await?;
        let keys = format!("protocol: thrift, {}", named(to));
        let proxy = Setup::to(server.address()).cluster(&keys).start().await?;
        for from in Dialect::ALL {
            let run = async {
                let mut client = Thrift::connect(from, proxy.address()).await?;
                client.send(from.call("bad", 5, b"x")).await?;
                client.exception("bad", 5, INTERNAL_ERROR).await?;
                client.echo(6, b"next").await?;
                if from.transport != Transport::Buffered {
                    let start = wireloom_conformance::scripted::thrift::Start {
                        kind: CALL,
                        name: "Svc:worse".to_owned(),
                        seqid: 7,
                    };
                    client.send(from.message(&start, &[0xff; 20])).await?;
                    client.exception("worse", 7, PROTOCOL_ERROR).await?;
                    client.echo(8, b"next").await?;
                }
                anyhow::Ok(())
            };
            run.await.with_context(|| format!("{from:?} to {to:?}"))?;
        }
        let seen = server.take();
        ensure!(seen.iter().all(|call| call.method() != "worse"));
        proxy.stop(END).await?;
    }
    Ok(())
}
