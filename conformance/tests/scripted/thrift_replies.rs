//! Answers speak the dialect of their call, under its name and its seqid, whoever makes them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::ports;
use wireloom_conformance::scripted::thrift::{
    CALL, FRAMED_COMPACT, HEADER, INTERNAL_ERROR, REPLY, Start, Transport, Value, frame,
};
use wireloom_conformance::scripted::{Backend, Dialect, Thrift, Upstream};

use crate::setup::{END, Setup};

/// At the edges of 32 bits, and of a varint's widths.
const SEQIDS: [i32; 11] = [
    0,
    1,
    127,
    128,
    16_383,
    16_384,
    300_000_000,
    i32::MAX,
    i32::MIN,
    -1,
    -2,
];

#[tokio::test]
async fn every_seqid_comes_back() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for seqid in SEQIDS {
            for name in ["echo", "Echo:echo", "a.b.Echo:echo", ""] {
                client
                    .call(name, seqid, b"x")
                    .await
                    .with_context(|| format!("{dialect:?} {seqid}"))?;
            }
        }
        // Libraries that never count send one seqid for all.
        for _ in 0..3 {
            client.echo(0, b"x").await?;
        }
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn the_same_seqids_on_many_connections_are_not_mixed_up() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).workers(2).start().await?;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..24 {
        let address = proxy.address();
        let dialect = Dialect::ALL[number % Dialect::ALL.len()];
        clients.spawn(async move {
            let mut client = Thrift::connect(dialect, address).await?;
            for seqid in 0..50 {
                let own = format!("client {number}, call {seqid}");
                client.echo(seqid % 3, own.as_bytes()).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    proxy.stop(END).await
}

/// What the server saw is what the client sent, the seqid aside: unknown pairs, all types.
#[tokio::test]
async fn messages_leave_byte_for_byte() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let everything = Value::Struct(vec![
        (1, Value::text("first")),
        (2, Value::Bool(true)),
        (3, Value::Double(0.1)),
        (
            9,
            Value::Map(11, 8, vec![(Value::text("k"), Value::I32(-1))]),
        ),
        (1000, Value::List(12, vec![Value::Struct(Vec::new()); 20])),
        (-5, Value::Set(10, vec![Value::I64(i64::MIN)])),
        (1001, Value::Uuid([7; 16])),
    ]);
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        let start = Start {
            kind: CALL,
            name: "Echo:echo".to_owned(),
            seqid: 77,
        };
        let pairs = [("x-unknown", "pair"), ("", "")];
        let body = everything.write(dialect.protocol);
        let written = |start: &Start| {
            dialect.wrap(&start.write(dialect.protocol, &body), start.seqid, &pairs)
        };
        client.send(written(&start)).await?;
        client.expect("echo", 77, b"first").await?;
        let seen = upstream.take().pop().context("nothing came")?;
        let expected = written(&Start {
            seqid: seen.start.seqid,
            ..start
        });
        ensure!(
            seen.bytes == expected,
            "{dialect:?} changed on its way:\n{}\n{}",
            hex::encode(&expected),
            hex::encode(&seen.bytes)
        );
    }
    // A seqid of 1 in five bytes.
    let mut client = Thrift::connect(FRAMED_COMPACT, proxy.address()).await?;
    let call = frame(b"\x82\x21\x81\x80\x80\x80\x00\x04echo\x18\x01x\x00");
    client.send(&call).await?;
    let answer = client.message().await?;
    ensure!(answer.start.seqid == 1 && answer.payload() == b"x");
    proxy.stop(END).await
}

/// A server may declare exceptions, refuse, or answer with nothing: all of it is the client's to read.
#[tokio::test]
async fn answers_of_servers_pass_byte_for_byte() -> Result<()> {
    // Of each dialect: a declared exception, all sorts of TApplicationException, void.
    let answers = |dialect: Dialect, seqid: i32| {
        let declared = Value::Struct(vec![(1, Value::text("what went wrong"))]);
        let odd = Value::Struct(vec![
            (2, Value::I32(4711)),
            (7, Value::text("not in any IDL")),
        ]);
        let mut answers = vec![
            dialect.of(REPLY, "m", seqid, &Value::Struct(vec![(1, declared)])),
            dialect.of(REPLY, "m", seqid, &Value::Struct(Vec::new())),
            dialect.of(3, "m", seqid, &odd),
            dialect.of(3, "m", seqid, &Value::Struct(Vec::new())),
        ];
        for code in [-1, 0, 1, 4, 5, 6, 7, 10, i32::MAX] {
            answers.push(dialect.exception("m", seqid, "said the server", code));
        }
        answers
    };
    let upstream = Backend::thrift(move |call| {
        let which: usize = std::str::from_utf8(call.payload())
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        answers(call.dialect, call.start.seqid).swap_remove(which)
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for (which, answer) in answers(dialect, -9).into_iter().enumerate() {
            client
                .send(dialect.call("m", -9, which.to_string().as_bytes()))
                .await?;
            let came = client.message().await?;
            ensure!(came.bytes == answer, "{dialect:?} {which}: {came:?}");
        }
    }
    let connections = upstream.seen().connections();
    // An answer of any kind leaves its connection fit for the next call.
    ensure!(
        connections <= Dialect::ALL.len(),
        "{connections} connections"
    );
    proxy.stop(END).await
}

/// THeader's two seqids may differ; each comes back in its place.
#[tokio::test]
async fn both_seqids_of_a_header_come_back() -> Result<()> {
    let upstream = Backend::thrift(|call| {
        let answer = call.dialect.reply(call.method(), call.start.seqid, b"x");
        // As a server that repeats the outer one outside.
        let mut answer = answer;
        answer[8..12].copy_from_slice(&call.outer.to_be_bytes());
        answer
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        if dialect.transport != Transport::Header {
            continue;
        }
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        let mut call = dialect.call("echo", 5, b"x");
        call[8..12].copy_from_slice(&(-6i32).to_be_bytes());
        for _ in 0..2 {
            client.send(&call).await?;
            let answer = client.message().await?;
            ensure!(
                (answer.outer, answer.start.seqid) == (-6, 5),
                "{dialect:?}: {answer:?}"
            );
        }
    }
    proxy.stop(END).await
}

/// The proxy's own failures: which exception, and what its text says.
#[tokio::test]
async fn failures_of_the_proxy_are_application_exceptions() -> Result<()> {
    let (echo, silent) = (Backend::thrift_echo().await?, Upstream::silent().await?);
    let echoing = format!("endpoints: [\"{}\"]", echo.address());
    let setup = Setup::to(echo.address())
        .service("None", "endpoints: []", "")
        .service_to("Refused", ports::free())
        .service("Full", &format!("{echoing}, limits: {{in_flight: 0}}"), "")
        .service(
            "Silent",
            &format!("endpoints: [\"{}\"]", silent.address()),
            "timeout: 300ms",
        );
    let mut proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for (service, says) in [
            ("None", "no endpoint"),
            ("Refused", "connect"),
            ("Full", "overloaded"),
            ("Silent", "timed out"),
        ] {
            for seqid in SEQIDS {
                if service == "Silent" && seqid > 1 {
                    continue;
                }
                let run = async {
                    let name = format!("{service}:method");
                    client.send(dialect.call(&name, seqid, b"x")).await?;
                    let text = client.exception("method", seqid, INTERNAL_ERROR).await?;
                    ensure!(text.contains(says), "{text:?} does not say {says:?}");
                    client.echo(seqid, b"a good one").await
                };
                run.await
                    .with_context(|| format!("{dialect:?} {service} {seqid}"))?;
            }
        }
        client.quiet(Duration::from_millis(100)).await?;
    }
    proxy.check()?;
    proxy.stop(END).await
}

/// The proxy answers a call with pairs and transforms in plain THeader, which every library reads.
#[tokio::test]
async fn failures_behind_a_header_repeat_its_seqid() -> Result<()> {
    let proxy = Setup::to(ports::free()).start().await?;
    let mut client = Thrift::connect(HEADER, proxy.address()).await?;
    let mut call = HEADER.call_with("m", 5, b"x", &[("k", "v")]);
    call[8..12].copy_from_slice(&9i32.to_be_bytes());
    client.send(&call).await?;
    let answer = client.message().await?;
    ensure!((answer.outer, answer.start.seqid) == (9, 5), "{answer:?}");
    let code = answer.exception().map(|(_, code)| code);
    ensure!(code == Some(INTERNAL_ERROR), "{answer:?}");
    proxy.stop(END).await
}
