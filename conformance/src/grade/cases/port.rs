//! The listener: many protocols on one port, and what comes before their first byte.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need, Protocol, slug};
use crate::grade::tongue::{Client, Said, Tongue, any_upstream, echo};
use crate::ports;
use crate::scripted::Raw;
use crate::scripted::raw::patience;

const SOURCE: &str = "the first bytes of each protocol: RFC 9112 §3, RFC 9113 §3.4, the Dubbo magic da bb, Bolt's protocol codes 1 and 2, Thrift's strict version 8001 behind a frame's length";
const HEADER: &str = "the PROXY protocol, versions 1 and 2 (haproxy, doc/proxy-protocol.txt)";

pub(super) fn register(list: &mut Vec<Case>) {
    use Protocol::{Bolt, Dubbo, Http1, Http2, Thrift};
    let sets: [(&str, &[Protocol]); 3] = [
        ("http1-and-http2", &[Http1, Http2]),
        ("http-and-dubbo", &[Http1, Http2, Dubbo]),
        ("all", &[Http1, Http2, Dubbo, Bolt, Thrift]),
    ];
    for (name, set) in sets {
        list.push(
            Case::new(Protocol::Port, format!("port/sniff/{name}"), move |arena| sniffed(arena, set))
                .why("Clients of several protocols on one port are each recognised by their first bytes, however these are cut, and served; and where the server is down each gets an error in its own protocol, which shows that it was recognised and not just relayed.", SOURCE)
                .needs(&[Need::Messages]),
        );
        list.push(
            Case::new(Protocol::Port, format!("port/sniff/{name}-backend-down"), move |arena| {
                down(arena, set)
            })
            .why("Where the server is down a client of each protocol on the one port gets an error in its own protocol: a sniffed connection is no second-class one.", SOURCE)
            .needs(&[Need::Messages]),
        );
    }
    for (name, first) in [
        ("redis", &b"*1\r\n$4\r\nPING\r\n"[..]),
        ("ssh", b"SSH-2.0-x\r\n"),
        ("mqtt", b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c"),
        ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        ("swapped-magic", b"\xbb\xda\xc2\x00"),
        ("all-ones", b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    ] {
        list.push(
            Case::new(Protocol::Port, format!("port/unknown/{}", slug(name)), move |arena| unknown(arena, first))
                .why("A client of a protocol that is not served is let go soon, and nothing of it reaches a server: bytes that can match nothing are not waited on.", SOURCE)
                .needs(&[Need::Messages]),
        );
    }
    list.push(
        Case::new(Protocol::Port, "port/sniff/silent-at-first", silent_at_first)
            .why("Pools connect before they have anything to say. A client that is silent for three seconds and then speaks is served, and until then no server hears of it.", SOURCE)
            .needs(&[Need::Messages]),
    );
    list.push(
        Case::new(Protocol::Port, "port/proxy-header/unasked", unasked)
            .why("Where no PROXY header is configured nobody may say who he is: one that comes is no part of any protocol, so the connection ends or gets an error, and no request reaches a server.", HEADER)
            .needs(&[Need::Messages]),
    );
    for (name, header) in [("v1", V1), ("v2", V2)] {
        list.push(
            Case::new(Protocol::Port, format!("port/proxy-header/{name}"), move |arena| {
                header_first(arena, header)
            })
            .why("Behind a load balancer the first bytes of a connection tell who its client is; the request behind them is served, whether both come in one segment or in many.", HEADER)
            .needs(&[Need::ProxyHeader]),
        );
    }
    list.push(
        Case::new(Protocol::Port, "port/proxy-header/broken", broken)
            .why("A PROXY header that is none, too long or missing ends the connection: a request behind it would be taken for another client's.", HEADER)
            .needs(&[Need::ProxyHeader]),
    );
}

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x67\0\x50";

fn tongue(protocol: Protocol) -> Tongue {
    match protocol {
        Protocol::Http2 => Tongue::Http2,
        Protocol::Dubbo => Tongue::DUBBO,
        Protocol::Bolt => Tongue::Wire(crate::scripted::Wire::BoltV1),
        Protocol::Thrift => Tongue::THRIFT,
        _ => Tongue::Http1,
    }
}

async fn sniffed(arena: Arena, set: &'static [Protocol]) -> Result<()> {
    let server = any_upstream().await?;
    let address = arena.sniffing(set)?.front(server.address()).await?;
    let mut clients = Vec::new();
    for protocol in set {
        let tongue = tongue(*protocol);
        clients.push((*protocol, Client::connect(tongue, address).await?));
    }
    for round in 1..4 {
        for (protocol, client) in &mut clients {
            let run = async {
                if round > 1 {
                    return client.echo(round, b"sniff").await;
                }
                // Byte by byte at first, where recognition happens.
                for (place, byte) in client.call(round, b"sniff").into_iter().enumerate() {
                    client.send([byte]).await?;
                    if place < 30 {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
                client.expect(round, b"sniff").await
            };
            run.await
                .with_context(|| format!("{protocol:?}, call {round}"))?;
        }
    }
    Ok(())
}

async fn down(arena: Arena, set: &'static [Protocol]) -> Result<()> {
    let address = arena.sniffing(set)?.front(ports::free()).await?;
    for protocol in set {
        let mut client = Client::connect(tongue(*protocol), address).await?;
        client.ask(7, b"x").await?;
        let answer = client
            .answer()
            .await
            .with_context(|| format!("{protocol:?}"))?;
        ensure!(
            answer.said == Said::Error && answer.number == 7,
            "{protocol:?}: {:?}",
            answer.said
        );
    }
    Ok(())
}

/// A target that is to serve as many protocols as it can tell apart.
fn widest(arena: Arena) -> Result<Arena> {
    use Protocol::{Bolt, Dubbo, Http1, Http2, Thrift};
    for set in [
        &[Http1, Http2, Dubbo, Bolt, Thrift][..],
        &[Http1, Http2, Dubbo],
        &[Http1, Http2],
    ] {
        if let Ok(arena) = arena.clone().sniffing(set) {
            return Ok(arena);
        }
    }
    arena.sniffing(&[Http1])
}

async fn unknown(arena: Arena, first: &'static [u8]) -> Result<()> {
    let server = any_upstream().await?;
    let address = widest(arena)?.short_head().front(server.address()).await?;
    let mut client = Raw::connect(address).await?;
    client.send(first).await?;
    let within = Duration::from_secs(5) + patience();
    client.rest(within).await.context("it is kept")?;
    ensure!(
        server.seen().notes().is_empty(),
        "a server saw {:?}",
        server.seen().notes()
    );
    let mut good = Client::connect(Tongue::Http1, address).await?;
    good.echo(1, b"after").await
}

async fn silent_at_first(arena: Arena) -> Result<()> {
    let server = any_upstream().await?;
    let address = widest(arena)?.front(server.address()).await?;
    let mut client = Client::connect(Tongue::Http1, address).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let early = server.seen().notes();
    ensure!(early.is_empty(), "a server saw {early:?}");
    client.echo(1, b"now").await
}

async fn unasked(arena: Arena) -> Result<()> {
    let server = any_upstream().await?;
    let address = widest(arena)?.short_head().front(server.address()).await?;
    for header in [V1, V2] {
        let mut client = Raw::connect(address).await?;
        client
            .send([header, b"GET /x HTTP/1.1\r\nHost: test\r\n\r\n"].concat())
            .await?;
        let answer = client
            .rest(Duration::from_secs(5) + patience())
            .await
            .context("it is kept")?;
        ensure!(!answer.starts_with(b"HTTP/1.1 200"), "it was served");
    }
    ensure!(
        server.seen().notes().is_empty(),
        "a server saw {:?}",
        server.seen().notes()
    );
    Ok(())
}

async fn header_first(arena: Arena, header: &'static [u8]) -> Result<()> {
    let server = echo(Tongue::Http1).await?;
    let address = arena
        .proxy_header()
        .short_head()
        .sniffing(&[Protocol::Http1])?
        .front(server.address())
        .await?;
    let request = b"POST /1 HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello";
    // The header itself is to come at once.
    for cut in [header.len() + 10, header.len()] {
        let mut client = crate::scripted::Http1::connect(address).await?;
        let bytes = [header, request].concat();
        let (one, two) = bytes.split_at(cut);
        client.send(one).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.send(two).await?;
        let answer = client
            .response()
            .await
            .with_context(|| format!("cut at {cut}"))?;
        ensure!(
            answer.status() == 200 && answer.body == b"hello",
            "{answer:?}"
        );
    }
    Ok(())
}

async fn broken(arena: Arena) -> Result<()> {
    let server = echo(Tongue::Http1).await?;
    let address = arena
        .proxy_header()
        .short_head()
        .sniffing(&[Protocol::Http1])?
        .front(server.address())
        .await?;
    let request =
        &b"POST /1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"[..];
    let long = [&b"PROXY TCP4 "[..], &[b'1'; 300], b"\r\n"].concat();
    let mut wrong = V2.to_vec();
    if let Some(version) = wrong.get_mut(12) {
        *version = 0x31;
    }
    for (name, header) in [
        ("none", &b""[..]),
        (
            "an address that is none",
            b"PROXY TCP4 999.0.2.1 192.0.2.2 4711 80\r\n",
        ),
        ("a line that is too long", &long),
        ("version 3", &wrong),
    ] {
        let mut client = Raw::connect(address).await?;
        client.send([header, request].concat()).await?;
        let answer = client.rest(Duration::from_secs(5) + patience()).await;
        let answer = answer.with_context(|| format!("{name}: it is kept"))?;
        ensure!(
            !answer.starts_with(b"HTTP/1.1 200"),
            "{name}: it was served"
        );
    }
    ensure!(server.asks().is_empty(), "the server saw a request");
    Ok(())
}
