//! Frames that no client should send: each is answered or ends its connection, at once, and harms nobody else.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::{Call, Conn, Upstream, Wire};

use crate::setup::{END, Setup};

/// How a frame may end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// An error reply with the request's id, or the end of the connection.
    Refused,
    /// As above, or forwarded, for it is the server's to understand it.
    Any,
}

struct Bad {
    name: String,
    bytes: Vec<u8>,
    fate: Fate,
}

fn bad(name: impl Into<String>, bytes: Vec<u8>, fate: Fate) -> Bad {
    Bad {
        name: name.into(),
        bytes,
        fate,
    }
}

/// A good request with some bytes changed.
fn patched(wire: Wire, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = wire.request(1, &Call::echo("payload"));
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    wire.with_id(&frame, 1)
}

fn dubbo_body(body: &[u8]) -> Vec<u8> {
    let mut frame = Wire::Dubbo.announcement(1, body.len() as u32);
    frame.extend(body);
    frame
}

/// A body that is good up to the arguments, which are these.
fn dubbo_arguments(descriptor: &str, arguments: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for text in ["2.0.2", "a.B", "1.0.0", "m", descriptor] {
        body.push(text.len() as u8);
        body.extend(text.as_bytes());
    }
    body.extend(arguments);
    body.extend(b"HZ");
    dubbo_body(&body)
}

fn dubbo_frames() -> Vec<Bad> {
    let wire = Wire::Dubbo;
    let object = "Ljava/lang/Object;";
    let mut frames = vec![
        bad("length -1", patched(wire, 12, &[0xff; 4]), Fate::Refused),
        bad(
            "length 2^31",
            patched(wire, 12, &[0x80, 0, 0, 0]),
            Fate::Refused,
        ),
        bad(
            "length 1 GiB",
            patched(wire, 12, &[0x40, 0, 0, 0]),
            Fate::Refused,
        ),
        bad("no body", dubbo_body(b""), Fate::Refused),
        bad(
            "an endless string",
            dubbo_body(b"S\xff\xffabc"),
            Fate::Refused,
        ),
        bad(
            "endless string chunks",
            dubbo_body(&b"R\x00\x00".repeat(1000)),
            Fate::Refused,
        ),
        bad(
            "binary for a string",
            dubbo_body(b"B\x00\x05hello"),
            Fate::Refused,
        ),
        bad(
            "an int for the service",
            dubbo_body(b"\x052.0.2\x90\x051.0.0\x01m\x00HZ"),
            Fate::Refused,
        ),
        bad(
            "null for the service",
            dubbo_body(b"\x052.0.2N\x051.0.0\x01m\x00HZ"),
            Fate::Any,
        ),
        bad(
            "an empty service",
            dubbo_body(b"\x052.0.2\x00\x051.0.0\x01m\x00HZ"),
            Fate::Any,
        ),
        bad("no serialization", patched(wire, 2, &[0xc0]), Fate::Any),
        bad("Java serialization", patched(wire, 2, &[0xc3]), Fate::Any),
        bad("serialization 31", patched(wire, 2, &[0xdf]), Fate::Any),
        bad("a status in a request", patched(wire, 3, &[77]), Fate::Any),
        bad(
            "the magic swapped, later",
            [wire.request(1, &Call::echo("x")), vec![0xbb, 0xda]].concat(),
            Fate::Any,
        ),
    ];
    let arguments: [(&str, Vec<u8>); 12] = [
        ("a list of 2^31 - 1", b"XI\x7f\xff\xff\xff".to_vec()),
        ("a list of -1", b"XI\xff\xff\xff\xff".to_vec()),
        ("an endless map", b"H".to_vec()),
        ("100,000 nested lists", b"\x79".repeat(100_000)),
        ("100,000 nested maps", b"H\x90".repeat(100_000)),
        ("a list that holds itself", b"\x79Q\x90".to_vec()),
        ("a reference to nothing", b"QI\x7f\xff\xff\xff".to_vec()),
        (
            "a class with 2^31 - 1 fields",
            b"C\x01aI\x7f\xff\xff\xff\x60".to_vec(),
        ),
        (
            "a class with -1 fields",
            b"C\x01aI\xff\xff\xff\xff\x60".to_vec(),
        ),
        ("an object without a class", b"\x6f\x90".to_vec()),
        ("an unknown tag", b"\x40".to_vec()),
        (
            "surrogates and overlong text",
            b"\x04\xed\xa0\x80\xed\xb0\x80\xc0\x80\xff".to_vec(),
        ),
    ];
    for (name, bytes) in arguments {
        frames.push(bad(name, dubbo_arguments(object, &bytes), Fate::Any));
    }
    frames.push(bad(
        "a descriptor of 60,000 arguments",
        dubbo_arguments(&"I".repeat(31), b"\x90"),
        Fate::Any,
    ));
    frames
}

fn bolt_frames(wire: Wire) -> Vec<Bad> {
    let shift = usize::from(wire != Wire::BoltV1);
    // Where the class length is; header and content length are behind it.
    let lengths = if wire == Wire::BoltV1 { 14 } else { 16 };
    let head = lengths + 8;
    let class = b"com.alipay.sofa.rpc.core.request.SofaRequest".len();
    let header = head + class;
    let mut frames = vec![
        bad("type 9", patched(wire, 1 + shift, &[9]), Fate::Refused),
        bad(
            "command 777",
            patched(wire, 2 + shift, &[3, 9]),
            Fate::Refused,
        ),
        bad("ver2 77", patched(wire, 4 + shift, &[77]), Fate::Refused),
        bad("codec 99", patched(wire, 9 + shift, &[99]), Fate::Any),
        bad(
            "content length -1",
            patched(wire, lengths + 4, &[0xff; 4]),
            Fate::Refused,
        ),
        bad(
            "content length 2^31",
            patched(wire, lengths + 4, &[0x80, 0, 0, 0]),
            Fate::Refused,
        ),
        bad(
            "content length 1 GiB",
            patched(wire, lengths + 4, &[0x40, 0, 0, 0]),
            Fate::Refused,
        ),
        bad(
            "all lengths at their most",
            patched(wire, lengths, &[0xff; 8]),
            Fate::Refused,
        ),
        bad(
            "class length 0xffff",
            patched(wire, lengths, &[0xff; 2]),
            Fate::Refused,
        ),
        bad(
            "header length 0x8000",
            patched(wire, lengths + 2, &[0x80, 0]),
            Fate::Refused,
        ),
        bad(
            "a header key of 2^31 - 1",
            patched(wire, header, &[0x7f, 0xff, 0xff, 0xff]),
            Fate::Refused,
        ),
        bad(
            "a header key of -5",
            patched(wire, header, &[0xff, 0xff, 0xff, 0xfb]),
            Fate::Refused,
        ),
        bad(
            "a header key beyond the block",
            patched(wire, header, &[0, 0, 1, 0]),
            Fate::Refused,
        ),
        bad(
            "a header key that is null",
            patched(wire, header, &[0xff; 4]),
            Fate::Any,
        ),
        bad(
            "a class name that is no text",
            patched(wire, head, &[0xff; 20]),
            Fate::Any,
        ),
        bad(
            "timeout -2^31",
            patched(wire, lengths - 4, &[0x80, 0, 0, 0]),
            Fate::Any,
        ),
        bad(
            "timeout 2^31 - 1",
            patched(wire, lengths - 4, &[0x7f, 0xff, 0xff, 0xff]),
            Fate::Any,
        ),
    ];
    // A frame that ends before its parts do leaves no boundary: what follows is read as another one.
    let short = wire.request(1, &Call::echo("x".repeat(100)));
    let mut cut = short.clone();
    cut[lengths + 4..lengths + 8].copy_from_slice(&10u32.to_be_bytes());
    frames.push(bad("content length too short", cut, Fate::Any));
    if wire == Wire::BoltCrc {
        let good = wire.request(1, &Call::echo("payload"));
        for at in [0, 10, 90] {
            let mut flipped = good.clone();
            let place = flipped.len() - 1 - at;
            flipped[place] ^= 1;
            frames.push(bad(
                format!("a bit flipped {at} bytes before the end"),
                flipped,
                Fate::Refused,
            ));
        }
        let mut ver1 = good.clone();
        ver1[1] = 9;
        frames.push(bad("ver1 9", ver1, Fate::Refused));
        let mut switch = good;
        switch[11] = 0xff;
        frames.push(bad("switch 255", switch, Fate::Refused));
    }
    frames
}

fn frames(wire: Wire) -> Vec<Bad> {
    match wire {
        Wire::Dubbo => dubbo_frames(),
        _ => bolt_frames(wire),
    }
}

/// Sends the frame behind a good call, and judges what comes.
async fn suffer(wire: Wire, proxy: &Proxy, case: &Bad) -> Result<()> {
    let mut client = Conn::connect(wire, proxy.address()).await?;
    client.echo(0xabc, b"a good call first").await?;
    let mut stream = client.into_stream();
    stream.write_all(&case.bytes).await?;
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(2), stream.read_buf(&mut answer)).await;
    let closed = matches!(read, Ok(Ok(0) | Err(_)));
    match (case.fate, read) {
        (_, Err(_)) if case.name.contains("too short") => {}
        (_, Err(_)) => bail!("neither answered nor closed within 2 s"),
        (Fate::Refused, _) if !closed => {
            ensure!(
                wire.id(&answer) == Some(1),
                "the answer is not to it: {}",
                hex::encode(&answer)
            );
            let success = wire
                .parse(answer.clone())
                .is_ok_and(|frame| frame.status == wire.success());
            ensure!(
                !success,
                "it was answered like a good one: {}",
                hex::encode(&answer)
            );
        }
        _ => {}
    }
    Ok(())
}

#[tokio::test]
async fn bad_frames_are_answered_or_end_their_connection() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::tolerant(wire).await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let mut bystander = Conn::connect(wire, proxy.address()).await?;
        let mut problems = Vec::new();
        for (place, case) in frames(wire).iter().enumerate() {
            if let Err(error) = suffer(wire, &proxy, case).await {
                problems.push(format!("{}: {error:#}", case.name));
            }
            let fine = bystander.echo(place as u64, b"still served").await;
            fine.with_context(|| format!("{wire:?}: after {}", case.name))?;
            proxy
                .check()
                .with_context(|| format!("{wire:?}: after {}", case.name))?;
        }
        ensure!(problems.is_empty(), "{wire:?}:\n{}", problems.join("\n"));
        drop(bystander);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn unknown_first_bytes_end_the_connection_at_once() -> Result<()> {
    let upstream = Upstream::echo(Wire::Dubbo).await?;
    let mut proxy = Setup::to(upstream.address()).start().await?;
    let mut connections = JoinSet::new();
    let firsts: [&[u8]; 12] = [
        b"*1\r\n$4\r\nPING\r\n",
        b"\x00\x00\x00\x10\xff",
        b"\xbb\xda\xc2\x00",
        b"\xda\xbc",
        b"\x03\x01\x00\x01\x01",
        b"\xff\xff\xff\xff",
        b"\x01\x09\x00\x01\x01",
        b"\x01\x01\x00\x07\x01",
        b"\x02\x09\x01\x00\x01\x01",
        b"SSH-2.0-x\r\n",
        b"hello\n",
        b"\x10\x0c\x00\x04MQTT",
    ];
    for first in firsts {
        let address = proxy.address();
        connections.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(first).await?;
            let mut answer = Vec::new();
            // Detection's own limit is 5 s; what can match nothing is not waited on.
            let end = timeout(Duration::from_secs(2), stream.read_to_end(&mut answer)).await;
            ensure!(end.is_ok(), "{first:02x?} is still waited on");
            anyhow::Ok(())
        });
    }
    let mut problems = Vec::new();
    while let Some(connection) = connections.join_next().await {
        problems.extend(connection?.err().map(|error| error.to_string()));
    }
    ensure!(problems.is_empty(), "{problems:#?}");
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn random_bytes_behind_good_starts_break_nothing() -> Result<()> {
    for wire in Wire::ALL {
        let upstream = Upstream::tolerant(wire).await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let mut bystander = Conn::connect(wire, proxy.address()).await?;
        let good = wire.request(1, &Call::echo("payload").group("blue"));
        // The same bytes at each run: xorshift.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for round in 0..300u64 {
            let mut frame = good.clone();
            for _ in 0..=random() % 4 {
                let at = (random() % frame.len() as u64) as usize;
                frame[at] = random() as u8;
            }
            let mut stream = TcpStream::connect(proxy.address()).await?;
            // The proxy may close before everything is written.
            let _ = stream.write_all(&frame).await;
            let _ = stream.shutdown().await;
            if round % 30 == 0 {
                bystander
                    .echo(round, b"still served")
                    .await
                    .with_context(|| format!("{wire:?}: round {round}"))?;
            }
        }
        bystander.echo(999, b"still served").await?;
        proxy.check()?;
        drop(bystander);
        proxy.stop(Duration::from_secs(20)).await?;
    }
    Ok(())
}
