//! Frames of Dubbo and Bolt that no client should send: each is answered or ends its connection, soon, and harms nobody
//! else.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need, slug};
use crate::grade::tongue::Tongue;
use crate::scripted::{Call, Conn, Upstream, Wire};

/// Less than the time for a head, so that what is waited on shows.
const SOON: Duration = Duration::from_secs(4);

pub(super) fn register(list: &mut Vec<Case>) {
    for wire in Wire::ALL {
        let tongue = Tongue::Wire(wire);
        for (place, bad) in frames(wire).into_iter().enumerate() {
            let name = format!("{}/abuse/{}", tongue.name(), slug(&bad.name));
            let why = format!(
                "A frame with {} comes from a broken or a hostile client. It is answered with an error under its own id or ends its connection, soon, or, where only a server can judge, is passed on; memory is not set aside for what was only announced, and other clients are served on.",
                bad.name
            );
            let run = move |arena| suffer(arena, wire, place);
            list.push(
                Case::new(tongue.protocol(), name, run)
                    .why(&why, tongue.source())
                    .needs(&[Need::Messages]),
            );
        }
    }
}

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
    put(&mut frame, at, bytes);
    wire.with_id(&frame, 1)
}

fn put(frame: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = frame.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
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
    put(&mut cut, lengths + 4, &10u32.to_be_bytes());
    frames.push(bad("content length too short", cut, Fate::Any));
    if wire == Wire::BoltCrc {
        let good = wire.request(1, &Call::echo("payload"));
        for at in [0, 10, 90] {
            let mut flipped = good.clone();
            let place = flipped.len() - 1 - at;
            if let Some(byte) = flipped.get_mut(place) {
                *byte ^= 1;
            }
            frames.push(bad(
                format!("a bit flipped {at} bytes before the end"),
                flipped,
                Fate::Refused,
            ));
        }
        let mut ver1 = good.clone();
        put(&mut ver1, 1, &[9]);
        frames.push(bad("ver1 9", ver1, Fate::Refused));
        let mut switch = good;
        put(&mut switch, 11, &[0xff]);
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
async fn suffer(arena: Arena, wire: Wire, place: usize) -> Result<()> {
    let case = frames(wire)
        .into_iter()
        .nth(place)
        .context("no such frame")?;
    let upstream = Upstream::tolerant(wire).await?;
    let address = arena.front(upstream.address()).await?;
    let mut bystander = Conn::connect(wire, address).await?;
    bystander.echo(1, b"before").await?;
    let before = arena.memory()?;
    let mut client = Conn::connect(wire, address).await?;
    client.echo(0xabc, b"a good call first").await?;
    let mut stream = client.into_stream();
    stream.write_all(&case.bytes).await?;
    let mut answer = Vec::new();
    let read = timeout(SOON, stream.read_buf(&mut answer)).await;
    let closed = matches!(read, Ok(Ok(0) | Err(_)));
    match (case.fate, read) {
        // It leaves no boundary: what follows is awaited.
        (_, Err(_)) if case.name.contains("too short") => {}
        (_, Err(_)) => bail!("neither answered nor closed within {SOON:?}"),
        (Fate::Refused, _) if !closed => {
            ensure!(
                wire.id(&answer) == Some(1),
                "the answer is not to it: {answer:02x?}"
            );
            let parsed = wire.parse(answer.clone());
            let success = parsed.is_ok_and(|frame| frame.status == wire.success());
            ensure!(!success, "it was answered like a good one: {answer:02x?}");
        }
        _ => {}
    }
    let grown = arena.memory()?.saturating_sub(before);
    ensure!(grown < 128 << 20, "it cost {} MiB", grown >> 20);
    bystander.echo(2, b"after").await.context("another client")
}
