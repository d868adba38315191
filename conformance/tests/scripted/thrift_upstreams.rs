//! Servers whose answers are none: the client is told so at once, under its own name and seqid, and goes on; the server's
//! connection carries no other call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::thrift::{
    BUFFERED, FRAMED, FRAMED_COMPACT, HEADER, INTERNAL_ERROR, Message, REPLY, Start, Transport,
};
use wireloom_conformance::scripted::{Dialect, Thrift, Upstream};

use crate::setup::{END, Setup};

/// What a server does behind its bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Stay,
    Close,
    Reset,
}

struct Row {
    name: &'static str,
    /// What it answers; None where the dialect has no such thing.
    bytes: fn(&Message) -> Option<Vec<u8>>,
    then: Then,
    /// What the exception's text says. Nothing where the answer is good and only what follows it is not.
    says: &'static [&'static str],
}

const fn row(
    name: &'static str,
    then: Then,
    says: &'static [&'static str],
    bytes: fn(&Message) -> Option<Vec<u8>>,
) -> Row {
    Row {
        name,
        bytes,
        then,
        says,
    }
}

/// A reply that is right but for its start.
fn started(call: &Message, change: impl FnOnce(&mut Start)) -> Option<Vec<u8>> {
    let mut start = Start {
        kind: REPLY,
        name: call.method().to_owned(),
        seqid: call.start.seqid,
    };
    change(&mut start);
    Some(call.dialect.message(&start, &[0]))
}

/// A reply with this struct.
fn body(call: &Message, binary: &[u8], compact: &[u8]) -> Option<Vec<u8>> {
    let start = Start {
        kind: REPLY,
        name: call.method().to_owned(),
        seqid: call.start.seqid,
    };
    let is_compact = format!("{:?}", call.dialect).contains("Compact");
    Some(
        call.dialect
            .message(&start, if is_compact { compact } else { binary }),
    )
}

/// A good answer with another length in front.
fn length(call: &Message, length: impl FnOnce(u32) -> u32) -> Option<Vec<u8>> {
    let mut answer = call.echo();
    if call.dialect.transport == Transport::Buffered {
        return None;
    }
    let own = u32::from_be_bytes(answer.first_chunk().copied()?);
    answer[..4].copy_from_slice(&length(own).to_be_bytes());
    Some(answer)
}

const UNUSABLE: &[&str] = &["reset"];

const ROWS: [Row; 33] = [
    row("nothing, and closes", Then::Close, &["reset"], |_| {
        Some(Vec::new())
    }),
    row("nothing, and resets", Then::Reset, &["reset"], |_| {
        Some(Vec::new())
    }),
    row(
        "half a message, and closes",
        Then::Close,
        &["reset"],
        |call| {
            let mut answer = call.echo();
            answer.truncate(answer.len() / 2);
            Some(answer)
        },
    ),
    row(
        "half a message, and resets",
        Then::Reset,
        &["reset"],
        |call| {
            let mut answer = call.echo();
            answer.truncate(answer.len() / 2);
            Some(answer)
        },
    ),
    row("a byte, and closes", Then::Close, &["reset"], |call| {
        Some(call.echo()[..1].to_vec())
    }),
    row(
        "all but a byte, and closes",
        Then::Close,
        &["reset"],
        |call| {
            let mut answer = call.echo();
            answer.pop();
            Some(answer)
        },
    ),
    row("another seqid", Then::Stay, &["seqid"], |call| {
        started(call, |start| start.seqid = start.seqid.wrapping_add(1))
    }),
    row("another name", Then::Stay, &["method"], |call| {
        started(call, |start| start.name = "other".to_owned())
    }),
    row("a longer name", Then::Stay, &["method"], |call| {
        started(call, |start| start.name.push('x'))
    }),
    row("no name", Then::Stay, &["method"], |call| {
        started(call, |start| start.name.clear())
    }),
    row("a call", Then::Stay, &["type", "call"], |call| {
        started(call, |start| start.kind = 1)
    }),
    row("a one-way call", Then::Stay, &["type", "call"], |call| {
        started(call, |start| start.kind = 4)
    }),
    row("type 0", Then::Stay, &["type"], |call| {
        started(call, |start| start.kind = 0)
    }),
    row("type 7", Then::Stay, &["type"], |call| {
        started(call, |start| start.kind = 7)
    }),
    row("HTTP", Then::Stay, UNUSABLE, |_| {
        Some(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec())
    }),
    row("zeros", Then::Stay, UNUSABLE, |_| Some(vec![0; 64])),
    row("0xff", Then::Stay, UNUSABLE, |_| Some(vec![0xff; 64])),
    row("length -1", Then::Stay, UNUSABLE, |call| {
        length(call, |_| u32::MAX)
    }),
    row("length -2^31", Then::Stay, UNUSABLE, |call| {
        length(call, |_| 1 << 31)
    }),
    row("length 2^31 - 1", Then::Stay, UNUSABLE, |call| {
        length(call, |_| u32::MAX >> 1)
    }),
    row("length 256 MiB", Then::Stay, UNUSABLE, |call| {
        length(call, |_| 1 << 28)
    }),
    row("length 0", Then::Stay, UNUSABLE, |call| length(call, |_| 0)),
    row(
        "a message longer than its frame",
        Then::Stay,
        UNUSABLE,
        |call| length(call, |own| own - 1),
    ),
    row(
        "bytes behind the message in its frame",
        Then::Stay,
        UNUSABLE,
        |call| {
            let mut answer = length(call, |own| own + 3)?;
            answer.extend([0; 3]);
            Some(answer)
        },
    ),
    row("another dialect", Then::Stay, UNUSABLE, |call| {
        let other = match call.dialect {
            FRAMED => FRAMED_COMPACT,
            BUFFERED => FRAMED,
            HEADER => FRAMED,
            _ => BUFFERED,
        };
        Some(other.reply(call.method(), call.start.seqid, b"x"))
    }),
    row("an unknown field type", Then::Stay, &["unusable"], |call| {
        body(call, b"\x7f\0\0\0", b"\x1f\0")
    }),
    row("a text of -1 bytes", Then::Stay, &["unusable"], |call| {
        body(
            call,
            b"\x0b\0\0\xff\xff\xff\xff\0",
            b"\x18\xff\xff\xff\xff\x0f\0",
        )
    }),
    row(
        "a list of 2^31 - 1 structs",
        Then::Stay,
        &["unusable"],
        |call| {
            body(
                call,
                b"\x0f\0\0\x0c\x7f\xff\xff\xff\0",
                b"\x19\xfc\xff\xff\xff\xff\x07\0",
            )
        },
    ),
    row(
        "a thousand structs in one another",
        Then::Stay,
        &["unusable"],
        |call| body(call, &b"\x0c\0\x01".repeat(1000), &[0x1c; 1000]),
    ),
    row("an answer too many", Then::Stay, &[], |call| {
        let poison = call
            .dialect
            .reply(call.method(), call.start.seqid, b"poison");
        Some([call.echo(), poison].concat())
    }),
    row("garbage behind the answer", Then::Stay, &[], |call| {
        Some([call.echo(), vec![0xaa; 9]].concat())
    }),
    row("the start of another answer", Then::Stay, &[], |call| {
        let poison = call
            .dialect
            .reply(call.method(), call.start.seqid, b"poison");
        Some([call.echo(), poison[..7].to_vec()].concat())
    }),
    row("the answer, and closes", Then::Close, &[], |call| {
        Some(call.echo())
    }),
];

/// Answers calls of `bad` as the row says that their argument numbers, and others with their argument. Notes the
/// connection of each.
async fn server() -> Result<Upstream> {
    Upstream::raw(|stream, seen| {
        let number = seen.connections();
        async move {
            let mut conn = Thrift::of(stream);
            while let Some(call) = conn.next_ever().await? {
                seen.note(&format!("{number}"));
                if call.method() != "bad" {
                    conn.send(call.echo()).await?;
                    continue;
                }
                let which: usize = std::str::from_utf8(call.payload())?.parse()?;
                let row = ROWS.get(which).context("no such row")?;
                conn.send((row.bytes)(&call).unwrap_or_default()).await?;
                match row.then {
                    Then::Stay => {}
                    Then::Close => return Ok(()),
                    Then::Reset => {
                        // What was written must not be overtaken.
                        sleep(Duration::from_millis(100)).await;
                        conn.raw.reset();
                        return Ok(());
                    }
                }
            }
            Ok(())
        }
    })
    .await
}

fn last_connection(upstream: &Upstream) -> Result<String> {
    upstream.seen().notes().pop().context("nothing came")
}

async fn suffer(client: &mut Thrift, dialect: Dialect, which: usize, seqid: i32) -> Result<()> {
    let row = &ROWS[which];
    let argument = which.to_string();
    client
        .send(dialect.call("S:bad", seqid, argument.as_bytes()))
        .await?;
    let began = Instant::now();
    if row.says.is_empty() {
        return client.expect("S:bad", seqid, argument.as_bytes()).await;
    }
    let text = client.exception("bad", seqid, INTERNAL_ERROR).await?;
    ensure!(
        row.says.iter().any(|says| text.contains(says)) && !text.contains("timed out"),
        "{text:?} does not say {:?}",
        row.says
    );
    // The route's timeout is 15 s.
    let took = began.elapsed();
    ensure!(took < Duration::from_secs(8), "it took {took:?}");
    Ok(())
}

async fn run(proxy: &Proxy, upstream: &Upstream, dialect: Dialect) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut client = Thrift::connect(dialect, proxy.address()).await?;
    for (which, row) in ROWS.iter().enumerate() {
        let probe = Message {
            dialect,
            ..sample(dialect)?
        };
        if (row.bytes)(&probe).is_none() {
            continue;
        }
        let place = format!("{dialect:?}: {}", row.name);
        let seqid = which as i32 - 7;
        client
            .echo(seqid, b"a good one")
            .await
            .with_context(|| format!("before {place}"))?;
        if let Err(error) = suffer(&mut client, dialect, which, seqid).await {
            problems.push(format!("{place}: {error:#}"));
            // What came of it must not be taken for what comes next.
            client = Thrift::connect(dialect, proxy.address()).await?;
        }
        let bad = last_connection(upstream)?;
        // What the server sent too much has come by now, as a rule.
        sleep(Duration::from_millis(20)).await;
        for round in 0..3 {
            client
                .echo(seqid, b"the next one")
                .await
                .with_context(|| format!("behind {place}, {round}"))?;
            ensure!(
                last_connection(upstream)? != bad,
                "{place}: the connection is used again"
            );
        }
    }
    client.quiet(Duration::from_millis(100)).await?;
    Ok(problems)
}

/// A call as the server sees it.
fn sample(dialect: Dialect) -> Result<Message> {
    let call = dialect.call("bad", 1, b"x");
    let (message, _) = dialect.read(&call)?.context("not whole")?;
    Ok(message)
}

#[tokio::test]
async fn every_fault_is_told_at_once_and_its_connection_is_dropped() -> Result<()> {
    let upstream = server().await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut problems = Vec::new();
    for dialect in Dialect::ALL {
        problems.extend(run(&proxy, &upstream, dialect).await?);
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    proxy.check()?;
    proxy.stop(END).await
}

/// Silence, and the start of an answer, last until the call's own end.
#[tokio::test]
async fn a_server_that_hangs_is_waited_for_until_the_timeout() -> Result<()> {
    let upstream = Upstream::raw(|stream, seen| {
        let number = seen.connections();
        async move {
            let mut conn = Thrift::of(stream);
            while let Some(call) = conn.next_ever().await? {
                seen.note(&format!("{number}"));
                let answer = call.echo();
                match call.method() {
                    "silent" => {}
                    "half" => conn.send(&answer[..answer.len() / 2]).await?,
                    _ => conn.send(&answer).await?,
                }
            }
            Ok(())
        }
    })
    .await?;
    let setup = Setup::to(upstream.address()).route("timeout: 400ms");
    let mut proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for method in ["silent", "half"] {
            let run = async {
                client.send(dialect.call(method, 5, b"x")).await?;
                let began = Instant::now();
                let text = client.exception(method, 5, INTERNAL_ERROR).await?;
                let took = began.elapsed();
                ensure!(text.contains("timed out"), "{text}");
                ensure!(took > Duration::from_millis(300), "it took only {took:?}");
                ensure!(took < Duration::from_secs(5), "it took {took:?}");
                let bad = last_connection(&upstream)?;
                client.echo(6, b"next").await?;
                ensure!(last_connection(&upstream)? != bad, "used again");
                Ok(())
            };
            run.await.with_context(|| format!("{dialect:?} {method}"))?;
        }
    }
    proxy.check()?;
    proxy.stop(END).await
}

/// An answer that comes when its caller has given up is nobody's.
#[tokio::test]
async fn a_late_answer_reaches_nobody() -> Result<()> {
    let held = Arc::new(tokio::sync::Notify::new());
    let upstream = Upstream::raw({
        let held = held.clone();
        move |stream, _| {
            let held = held.clone();
            async move {
                let mut conn = Thrift::of(stream);
                while let Some(call) = conn.next_ever().await? {
                    if call.method() == "late" {
                        held.notified().await;
                    }
                    conn.send(call.echo()).await?;
                }
                Ok(())
            }
        }
    })
    .await?;
    let setup = Setup::to(upstream.address()).route("timeout: 300ms");
    let mut proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for round in 0..3 {
            client.send(dialect.call("late", 7, b"too late")).await?;
            client.exception("late", 7, INTERNAL_ERROR).await?;
            held.notify_one();
            // Under the same seqid and the same name too.
            let run = async {
                client
                    .call("late", 7, b"held")
                    .await
                    .err()
                    .context("answered")?;
                held.notify_one();
                client.echo(7, b"in time").await
            };
            run.await.with_context(|| format!("{dialect:?} {round}"))?;
        }
        client.quiet(Duration::from_millis(100)).await?;
    }
    proxy.check()?;
    proxy.stop(END).await
}
