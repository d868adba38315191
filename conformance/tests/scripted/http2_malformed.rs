//! Requests of HTTP/2 that are none: the stream is reset or refused, the connection goes on, and nothing of it becomes
//! HTTP/1.1.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::grade::cases::http2_requests::{heads, request};
use wireloom_conformance::scripted::http2::{self, End, Half, Http2, code};
use wireloom_conformance::scripted::{Backend, hpack};

use crate::setup::{END, Setup};

/// A refusal: a reset, or a 4xx.
fn refused(half: &Half) -> bool {
    match half.end {
        Some(End::Reset(code)) => code == code::PROTOCOL_ERROR || half.status() >= 400,
        Some(_) => (400..500).contains(&half.status()),
        None => false,
    }
}

#[tokio::test]
async fn malformed_heads_are_refused_and_the_connection_goes_on() -> Result<()> {
    let mut problems = Vec::new();
    for upstream in ["http1", "http2"] {
        let (one, two) = (Backend::ok().await?, Backend::ok2().await?);
        let address = if upstream == "http1" {
            one.address()
        } else {
            two.address()
        };
        let setup = Setup::to(address).cluster(&format!("protocol: {upstream}"));
        let mut proxy = setup.start().await?;
        for (name, block) in heads() {
            let mut client = Http2::connect(proxy.address()).await?;
            let stream = client.request(&block, true).await?;
            match client.whole(stream).await {
                Ok(half) if refused(&half) => {}
                Ok(half) => problems.push(format!(
                    "{upstream}: {name}: {:?} {:?}",
                    half.fields, half.end
                )),
                // The h2 crate takes bytes that no field may have for an error of the connection, and says so.
                Err(_) if client.goaways.iter().any(|(_, code)| *code != 0) => continue,
                Err(error) => {
                    problems.push(format!("{upstream}: {name}: {error:#}"));
                    continue;
                }
            }
            let good = client.get("/good").await;
            if good.as_ref().is_ok_and(|good| good.body == b"ok") {
                continue;
            }
            problems.push(format!("{upstream}: behind {name}: {good:?}"));
        }
        for text in one.take() {
            if text.target() != "/good" {
                problems.push(format!("{upstream}: the server saw {text:?}"));
            }
        }
        for half in two.take() {
            if half.field(":path") != Some("/good") {
                problems.push(format!("{upstream}: the server saw {:?}", half.fields));
            }
        }
        proxy.check()?;
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_body_that_disagrees_with_its_length_is_never_completed() -> Result<()> {
    let backend = Backend::ok().await?;
    let setup = Setup::to(backend.address()).cluster("protocol: http1");
    let mut proxy = setup.start().await?;
    let mut problems = Vec::new();
    let smuggled = b"helloGET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
    let rows: [(&str, &str, Vec<&[u8]>); 6] = [
        ("length 0 and a body", "0", vec![b"hello"]),
        ("more than the length", "5", vec![smuggled]),
        (
            "more than the length, in two parts",
            "5",
            vec![b"hello", b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"],
        ),
        ("less than the length", "10", vec![b"hello"]),
        (
            "less than the length, in two parts",
            "10",
            vec![b"hel", b"lo"],
        ),
        ("nothing of a length", "5", vec![b""]),
    ];
    for (name, length, parts) in rows {
        let mut client = Http2::connect(proxy.address()).await?;
        let block = request(&[], &[("content-length", length)]);
        let stream = client.request(&block, false).await?;
        let count = parts.len();
        for (n, part) in parts.into_iter().enumerate() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            client
                .send(http2::data(stream, part, n + 1 == count))
                .await?;
        }
        let half = client
            .whole(stream)
            .await
            .with_context(|| name.to_owned())?;
        let reset = matches!(half.end, Some(End::Reset(_)));
        // All that was announced may be there, and answered, before what is too much comes.
        let surplus = ["length 0 and a body", "more than the length, in two parts"].contains(&name);
        if !reset && !(400..500).contains(&half.status()) && !surplus {
            problems.push(format!("{name}: {:?} {:?}", half.fields, half.end));
        }
        let good = client.get("/good").await?;
        ensure!(good.body == b"ok", "behind {name}: {good:?}");
    }
    proxy.check()?;
    proxy.stop(END).await?;
    for request in backend.take() {
        let exact =
            request.field("content-length") == Some(request.body.len().to_string().as_str());
        ensure!(!request.target().contains("smuggled"), "{request:?}");
        if request.target() != "/good" && request.complete && !exact {
            problems.push(format!("the server saw {request:?}"));
        }
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn trailers_that_are_none_break_the_request() -> Result<()> {
    let backend = Backend::ok().await?;
    let setup = Setup::to(backend.address()).cluster("protocol: http1");
    let mut proxy = setup.start().await?;
    let mut problems = Vec::new();
    for (name, value) in [
        (":path", "/x"),
        (":status", "200"),
        ("X-Upper", "y"),
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("x", "a\r\nb"),
        ("x\r\ny", "z"),
    ] {
        let mut client = Http2::connect(proxy.address()).await?;
        let stream = client.request(&request(&[], &[]), false).await?;
        client.send(http2::data(stream, b"hello", false)).await?;
        client
            .send(http2::headers(
                stream,
                &hpack::block(&[(name, value)]),
                true,
            ))
            .await?;
        // Pseudo-header fields in trailers are dropped by the h2 crate; none of it may go further.
        let dropped = name.starts_with(':');
        match client.whole(stream).await {
            Ok(half) if dropped || refused(&half) || matches!(half.end, Some(End::Reset(_))) => {}
            Err(_) if client.goaways.iter().any(|(_, code)| *code != 0) => {}
            other => problems.push(format!("{name}: {value:?}: {other:?}")),
        }
    }
    proxy.check()?;
    proxy.stop(END).await?;
    for request in backend.take() {
        if request.complete && !request.trailers.is_empty() {
            problems.push(format!("the server saw {request:?}"));
        }
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}
