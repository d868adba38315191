//! HTTP/2 requests that are none, and floods of frames.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::http2_frames::{Flood, continuations, control, resets};
use super::http2_requests::{heads, request};
use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need, Protocol, slug};
use crate::grade::tongue::{Client, Said, Tongue, echo, scripted};
use crate::scripted::http2::{self, End, Http2};
use crate::scripted::raw::patience;

/// Heads that the standard does not call malformed, or of which a recipient may think otherwise.
const LENIENT: &[&str] = &[
    ":path \"bad\"",
    ":path \"*\"",
    ":path \"/bad x\"",
    ":authority \"te st\"",
    ":authority \"test/x\"",
    ":authority \"me@test\"",
    ":authority \"test:65536\"",
    "host: \"other\"",
    "two hosts",
];

pub(super) fn register(list: &mut Vec<Case>) {
    let mut names = std::collections::HashSet::new();
    for (place, (what, _)) in heads().into_iter().enumerate() {
        if LENIENT.contains(&what.as_str()) {
            continue;
        }
        let mut name = slug(&what.replace("\"-", "minus "));
        while !names.insert(name.clone()) {
            name.push_str("-again");
        }
        let why = format!(
            "{}: a head that the standard calls malformed is refused, by a reset, a 4xx or the end of the connection, and never becomes a request at the server, whose own protocol may read it as another one.",
            what.escape_debug()
        );
        list.push(
            Case::new(
                Protocol::Http2,
                format!("http2/malformed/{name}"),
                move |arena| malformed(arena, place),
            )
            .why(&why, "RFC 9113 §8.1.1, §8.2 and §8.3")
            .needs(&[Need::Messages]),
        );
    }
    list.push(
        Case::new(Protocol::Http2, "http2/malformed/costs-its-own-stream", costs_its_own)
            .why("A malformed request is an error of its stream: the others of its connection, which may be other users' behind a gateway, are answered.", "RFC 9113 §5.4.2 and §8.1.1")
            .needs(&[Need::Messages]),
    );
    for (group, floods) in [
        ("resets", resets as fn() -> Vec<Flood>),
        ("control", control),
        ("continuations", continuations),
    ] {
        for (place, flood) in floods().into_iter().enumerate() {
            let why = format!(
                "{}: frames that cost their sender next to nothing and their reader work or memory. A flood of them costs a bounded amount of memory, reaches no server in number, and other clients are served all the while.",
                flood.name
            );
            list.push(
                Case::new(
                    Protocol::Http2,
                    format!("http2/flood-{group}/{}", slug(flood.name)),
                    move |arena| withstand(arena, floods, place),
                )
                .why(&why, "RFC 9113 §10.5, and the classes of attack by resets, control frames and endless heads")
                .needs(&[Need::Messages]),
            );
        }
    }
}

async fn malformed(arena: Arena, place: usize) -> Result<()> {
    let (_, block) = heads().into_iter().nth(place).context("no such head")?;
    let server = echo(arena.upstream(Tongue::Http2)).await?;
    let address = arena.front(server.address()).await?;
    let mut client = Http2::connect(address).await?;
    let stream = client.request(&block, true).await?;
    let deadline = Instant::now() + patience();
    loop {
        let half = client.half(stream);
        match half.end {
            Some(End::Reset(_)) => break,
            Some(_) => {
                ensure!(
                    (400..500).contains(&half.status()),
                    "it was answered with {:?}",
                    half.fields
                );
                break;
            }
            None => {}
        }
        match client.event_by(deadline).await {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => bail!("neither answered nor ended"),
        }
    }
    ensure!(server.asks().is_empty(), "it reached the server");
    let mut good = Client::connect(Tongue::Http2, address).await?;
    good.echo(1, b"after").await.context("another client")
}

async fn costs_its_own(arena: Arena) -> Result<()> {
    let server = scripted(arena.upstream(Tongue::Http2), |mut server, _| async move {
        while let Some(ask) = server.next().await? {
            sleep(Duration::from_millis(500)).await;
            server.respond(&ask, &ask.payload).await?;
        }
        Ok(())
    })
    .await?;
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(Tongue::Http2, address).await?;
    client.ask(1, b"good").await?;
    // Of the next stream, which no number of a call is for.
    let block = request(&[], &[("connection", "close")]);
    let bad = http2::headers(3, &block, true);
    client.send(bad).await?;
    let answer = client
        .answer()
        .await
        .context("the good request beside it")?;
    ensure!(
        answer.said == Said::Value,
        "the good request got {:?} {}",
        answer.said,
        answer.status
    );
    Ok(())
}

async fn withstand(arena: Arena, floods: fn() -> Vec<Flood>, place: usize) -> Result<()> {
    let flood = floods().into_iter().nth(place).context("no such flood")?;
    let server = echo(arena.upstream(Tongue::Http2)).await?;
    let address = arena.front(server.address()).await?;
    let mut bystander = Client::connect(Tongue::Http2, address).await?;
    for number in 0..20 {
        bystander.echo(number, b"before").await?;
    }
    let idle = arena.memory()?;
    let (mut reading, mut writing) = TcpStream::connect(address).await?.into_split();
    let bytes = [
        http2::PREFACE.as_slice(),
        &http2::settings(&[]),
        &flood.bytes,
    ]
    .concat();
    let writing = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let (mut most, mut number, mut sink) = (0, 100, vec![0; 64 << 10]);
    let began = Instant::now();
    let mut closed = false;
    // As long as it pours, and a while longer.
    while began.elapsed() < Duration::from_secs(8) && !closed {
        most = most.max(arena.memory()?.saturating_sub(idle));
        number += 1;
        bystander
            .echo(number, b"beside it")
            .await
            .context("another client meanwhile")?;
        if flood.reads || began.elapsed() > Duration::from_secs(2) {
            let tick = Duration::from_millis(20);
            while let Ok(read) = timeout(tick, reading.read(&mut sink)).await {
                closed = !matches!(read, Ok(1..));
                if closed || began.elapsed() > Duration::from_secs(8) {
                    break;
                }
            }
            if writing.is_finished() && began.elapsed() > Duration::from_secs(3) {
                break;
            }
        } else {
            sleep(Duration::from_millis(20)).await;
        }
    }
    writing.abort();
    ensure!(most < 64 << 20, "it cost {} MiB", most >> 20);
    let reached = server
        .asks()
        .iter()
        .filter(|ask| ask.payload.is_empty())
        .count();
    ensure!(reached <= 2000, "{reached} requests reached the server");
    bystander.echo(1, b"after").await.context("another client")
}
