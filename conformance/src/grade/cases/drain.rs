//! The orderly end of a proxy.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::say::{Each, client};
use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need, Protocol};
use crate::grade::tongue::{Said, Tongue, scripted};
use crate::scripted::raw::patience;
use crate::scripted::{Conn, Http1, Http2, Upstream, Wire, http2};

pub(super) fn register(list: &mut Vec<Case>) {
    let mut each = Each {
        list,
        tongues: &Tongue::EACH,
        needs: &[Need::Messages, Need::Drain],
    };
    each.add(
        "drain/finishes-what-is-under-way",
        "A proxy that is asked to end, as each deploy asks it, lets the calls under way get their answers first.",
        finishes,
    );
    let mut tells = |protocol: Protocol, why: &str, source: &str| {
        let name = format!("{}/drain/tells-the-client", protocol.as_str());
        let case = Case::new(protocol, name, move |arena| told(arena, protocol));
        each.list
            .push(case.why(why, source).needs(&[Need::Messages, Need::Drain]));
    };
    tells(
        Protocol::Http1,
        "A proxy that is to end says so with its next answer, by Connection: close, and closes: else a client's next request runs into a connection that is just going away.",
        "RFC 9112 §9.6",
    );
    tells(
        Protocol::Http2,
        "A proxy that is to end says GOAWAY before it closes, so that clients know which of their requests were taken and open another connection for the next.",
        "RFC 9113 §6.8",
    );
    tells(
        Protocol::Grpc,
        "A proxy that is to end says GOAWAY before it closes, so that gRPC clients go elsewhere without a failed call.",
        "RFC 9113 §6.8 and gRPC over HTTP/2",
    );
    tells(
        Protocol::Dubbo,
        "A provider that is to end sends the READONLY event, upon which consumers send no more calls there; a proxy is the provider that they see.",
        "the Dubbo 2 protocol (HeaderExchangeServer sends READONLY_EVENT on close)",
    );
}

async fn finishes(arena: Arena, tongue: Tongue) -> Result<()> {
    let server = scripted(arena.upstream(tongue), |mut server, seen| async move {
        while let Some(ask) = server.next().await? {
            if ask.payload == b"slow" {
                seen.note("slow");
                sleep(Duration::from_secs(1)).await;
            }
            server.respond(&ask, &ask.payload).await?;
        }
        Ok(())
    })
    .await?;
    let mut client = client(&arena, tongue, &server).await?;
    client.ask(2, b"slow").await?;
    server.seen().noted("slow").await?;
    arena.drain().await?;
    let answer = client.answer().await.context("the call under way")?;
    ensure!(
        answer.said == Said::Value && answer.payload == b"slow",
        "the call under way got {:?} {}",
        answer.said,
        answer.status
    );
    Ok(())
}

/// Answers each call of HTTP/1.1 a second later.
async fn slow1() -> Result<Upstream> {
    scripted(Tongue::Http1, |mut server, seen| async move {
        while let Some(ask) = server.next().await? {
            seen.note("request");
            sleep(Duration::from_secs(1)).await;
            server.respond(&ask, b"slow").await?;
        }
        Ok(())
    })
    .await
}

async fn told(arena: Arena, protocol: Protocol) -> Result<()> {
    match protocol {
        Protocol::Http1 => {
            let server = slow1().await?;
            let mut client = Http1::connect(arena.front(server.address()).await?).await?;
            client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await?;
            server.seen().noted("request").await?;
            arena.drain().await?;
            // Who drains little by little may say so with a later one.
            let mut answers = 0;
            let end = tokio::time::Instant::now() + patience();
            loop {
                let answer = client.response().await.context("after the drain began")?;
                answers += 1;
                let connection = answer.field("connection").unwrap_or_default();
                if connection.eq_ignore_ascii_case("close") {
                    break;
                }
                ensure!(
                    tokio::time::Instant::now() < end,
                    "{answers} answers did not say it"
                );
                let sent = client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
                sent.context("closed without a word")?;
            }
            client.raw.rest(patience()).await.map(drop)
        }
        Protocol::Dubbo => {
            let server = Upstream::echo(Wire::Dubbo).await?;
            let mut client =
                Conn::connect(Wire::Dubbo, arena.front(server.address()).await?).await?;
            client.echo(1, b"x").await?;
            arena.drain().await?;
            let image = client.image_within(patience()).await?;
            let image = image.context("closed without a word")?;
            // An event of one way whose body is the text R.
            let event = image.get(2).is_some_and(|flag| flag & 0xe0 == 0xa0);
            ensure!(event && image.ends_with(&[1, b'R']), "{image:02x?} came");
            Ok(())
        }
        _ => {
            let tongue = match protocol {
                Protocol::Grpc => Tongue::Grpc,
                _ => Tongue::Http2,
            };
            let server = crate::grade::tongue::echo(arena.upstream(tongue)).await?;
            let mut client = Http2::connect(arena.front(server.address()).await?).await?;
            let first = match protocol {
                Protocol::Grpc => client.call("/a.B/c", &[], b"x").await?,
                _ => client.get("/").await?,
            };
            ensure!(first.complete(), "{first:?}");
            arena.drain().await?;
            // Who drains little by little may say so with a later answer.
            let end = tokio::time::Instant::now() + patience();
            while client.goaways.is_empty() && tokio::time::Instant::now() < end {
                let again = match protocol {
                    Protocol::Grpc => client.call("/a.B/c", &[], b"x").await,
                    _ => client.get("/").await,
                };
                if again.is_err() {
                    break;
                }
                sleep(Duration::from_millis(100)).await;
            }
            let told = client.goaways.iter();
            let told = told.clone().any(|(_, code)| *code == http2::code::NO_ERROR);
            ensure!(told, "GOAWAY {:?}", client.goaways);
            Ok(())
        }
    }
}
