//! Messages at the limits, and a byte beyond.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::scripted::thrift::{
    BUFFERED, FRAMED, FRAMED_COMPACT, HEADER, INTERNAL_ERROR, PROTOCOL_ERROR, Protocol, TTHEADER,
    Transport,
};
use wireloom_conformance::scripted::{Backend, Dialect, Thrift};

use crate::setup::{END, Setup};

/// What Thrift's libraries take by default, the length word aside (`TConfiguration.DEFAULT_MAX_FRAME_SIZE`).
const MOST: usize = 16_384_000;
/// The same limit where a test wants small messages.
const SMALL: &str = "max_frame: 100000B";

/// A call whose frame has this length; an unframed one is as long as the frame would be with its length word.
fn call_of(dialect: Dialect, seqid: i32, length: usize) -> (Vec<u8>, Vec<u8>) {
    let word = match dialect.transport {
        Transport::Buffered => 0,
        _ => 4,
    };
    let wanted = length + word;
    let mut payload = vec![b'x'; wanted];
    // The payload's own length may be a varint, so the rest is found by trying.
    let mut call = dialect.call("echo", seqid, &payload);
    while call.len() != wanted {
        payload.resize((payload.len() + wanted).saturating_sub(call.len()), b'x');
        call = dialect.call("echo", seqid, &payload);
    }
    (call, payload)
}

/// What an answer takes more than its call: compact writes field 0 in a byte more than field 1.
fn longer(dialect: Dialect) -> usize {
    usize::from(dialect.protocol == Protocol::Compact)
}

/// The most that a server takes comes to it whole: in compact a seqid takes as many bytes as it must, and no other is put in its
/// place that takes more.
#[tokio::test]
async fn no_call_grows_over_its_servers_limit() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let mut client = Thrift::connect(FRAMED_COMPACT, proxy.address()).await?;
    let (call, _) = call_of(FRAMED_COMPACT, 5, MOST);
    for calls in 1..=3 {
        client.send(&call).await?;
        upstream.reaches(calls).await?;
        // The answer is a byte longer, and over the limit.
        client.exception("echo", 5, INTERNAL_ERROR).await?;
    }
    let seen = upstream.take();
    ensure!(seen.iter().all(|message| message.bytes.len() == call.len()));
    proxy.stop(END).await
}

#[tokio::test]
async fn the_longest_frame_of_the_libraries_passes_both_ways() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in [FRAMED, FRAMED_COMPACT, HEADER, TTHEADER, BUFFERED] {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        let seqid = 5;
        let (call, payload) = call_of(dialect, seqid, MOST - longer(dialect));
        for _ in 0..2 {
            client.send(&call).await?;
            client
                .expect("echo", seqid, &payload)
                .await
                .with_context(|| format!("{dialect:?}"))?;
        }
        client.echo(6, b"small").await?;
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn a_byte_more_is_refused_by_an_answer() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in [FRAMED, FRAMED_COMPACT, HEADER, TTHEADER] {
        let run = async {
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            client.echo(4, b"first").await?;
            let (call, _) = call_of(dialect, 5, MOST + 1);
            client.send(&call).await?;
            let text = client.exception("echo", 5, PROTOCOL_ERROR).await?;
            ensure!(text.contains("exceeds the limit"), "{text}");
            // What of it comes late is nobody's call.
            client.echo(6, b"small").await
        };
        run.await.with_context(|| format!("{dialect:?}"))?;
    }
    let forwarded = upstream.requests().len();
    ensure!(forwarded == 8, "{forwarded} calls came through");
    proxy.stop(END).await
}

#[tokio::test]
async fn the_limit_is_the_configurations() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).thrift(SMALL).start().await?;
    for dialect in Dialect::WITH_LENGTH {
        let run = async {
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            let (call, payload) = call_of(dialect, 5, 100_000 - longer(dialect));
            client.send(&call).await?;
            client.expect("echo", 5, &payload).await?;
            let (call, _) = call_of(dialect, 6, 100_001);
            client.send(&call).await?;
            client.exception("echo", 6, PROTOCOL_ERROR).await?;
            client.echo(7, b"small").await
        };
        run.await.with_context(|| format!("{dialect:?}"))?;
    }
    proxy.stop(END).await
}

/// It is answered when its start can be read, not when it has come.
#[tokio::test]
async fn the_answer_does_not_wait_for_the_frame() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let setup = Setup::to(upstream.address())
        .thrift(SMALL)
        .listener("timeouts: {header: 60s, body_idle: 60s}");
    let proxy = setup.start().await?;
    for dialect in Dialect::WITH_LENGTH {
        let run = async {
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            let (call, _) = call_of(dialect, 6, 1 << 20);
            client.send(&call[..200]).await?;
            client.exception("echo", 6, PROTOCOL_ERROR).await?;
            client.quiet(Duration::from_millis(50)).await?;
            client.send(&call[200..]).await?;
            client.echo(7, b"small").await
        };
        run.await.with_context(|| format!("{dialect:?}"))?;
    }
    proxy.stop(END).await
}

/// Beyond what is ever read to its end.
#[tokio::test]
async fn a_frame_that_is_far_too_long_is_answered_and_is_the_end() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let setup = Setup::to(upstream.address()).thrift("max_frame: 100000B, discard: 200000B");
    let proxy = setup.start().await?;
    for dialect in Dialect::WITH_LENGTH {
        let run = async {
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            let (call, _) = call_of(dialect, 6, 300_000);
            client.send(&call[..200]).await?;
            client.exception("echo", 6, PROTOCOL_ERROR).await?;
            client.closes(Duration::from_secs(8)).await
        };
        run.await.with_context(|| format!("{dialect:?}"))?;
    }
    proxy.stop(END).await
}

/// Nobody knows where the next message starts.
#[tokio::test]
async fn an_unframed_message_over_the_limit_is_answered_and_is_the_end() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let setup = Setup::to(upstream.address()).listener("limits: {frame: 100KiB}");
    let proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        if dialect.transport != Transport::Buffered {
            continue;
        }
        let run = async {
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            let (call, payload) = call_of(dialect, 5, 100 << 10);
            client.send(&call).await?;
            client.expect("echo", 5, &payload).await?;
            let (call, _) = call_of(dialect, 6, 200 << 10);
            // A text's length tells that it is too long before it has come.
            client.send(&call[..200]).await?;
            client.exception("echo", 6, PROTOCOL_ERROR).await?;
            client.closes(Duration::from_secs(8)).await
        };
        run.await.with_context(|| format!("{dialect:?}"))?;
    }
    proxy.stop(END).await
}

/// An answer over the limit fails its call and no other.
#[tokio::test]
async fn an_answer_over_the_limit_fails_its_call() -> Result<()> {
    let upstream = Backend::thrift(|call| {
        let size = if call.payload() == b"big" {
            17_000_000
        } else {
            10
        };
        call.dialect
            .reply(call.method(), call.start.seqid, &vec![b'x'; size])
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in [FRAMED, FRAMED_COMPACT, HEADER, TTHEADER, BUFFERED] {
        let run = async {
            let mut client = Thrift::connect(dialect, proxy.address()).await?;
            client.send(dialect.call("m", 5, b"big")).await?;
            client.exception("m", 5, 6).await?;
            client.send(dialect.call("m", 6, b"small")).await?;
            client.expect("m", 6, &[b'x'; 10]).await
        };
        run.await.with_context(|| format!("{dialect:?}"))?;
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn sizes_around_those_of_buffers_come_through_whole() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for size in [
            0,
            4095,
            4096,
            16 << 10,
            (16 << 10) + 1,
            (64 << 10) - 1,
            100_000,
            1 << 20,
        ] {
            let payload: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            client
                .echo(1, &payload)
                .await
                .with_context(|| format!("{dialect:?}, {size} bytes"))?;
        }
    }
    proxy.stop(END).await
}
