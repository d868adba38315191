//! What a server sees of an HTTP/1.1 request: one form, with nothing in it that means something else.

use anyhow::{Context, Result, ensure};
use wireloom_conformance::scripted::{Backend, Http1, Text};

use crate::setup::{END, Setup};

/// Sends it, and tells what the server saw. The answer must be the server's.
async fn seen(bytes: &str) -> Result<Text> {
    let backend = Backend::ok().await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client.send(bytes).await?;
    let answer = client.response().await?;
    ensure!(answer.text() == "ok", "{answer:?}");
    proxy.check()?;
    drop(client);
    proxy.stop(END).await?;
    let mut requests = backend.take();
    ensure!(requests.len() == 1, "the server saw {requests:?}");
    requests.pop().context("nothing")
}

/// Names in the order in which the server saw them, without what the proxy adds.
fn names(text: &Text) -> Vec<&str> {
    let names = text.fields.iter().map(|(name, _)| name.as_str());
    names.collect()
}

#[tokio::test]
async fn fields_keep_their_order_case_and_number() -> Result<()> {
    let text = seen(
        "GET /a?b=c%20d HTTP/1.1\r\nHost: test\r\nX-Zebra: 1\r\nx-apple: 2\r\nX-ZEBRA: 3\r\nCookie: a=1\r\nCookie: b=2\r\nX-Empty:\r\nX-Space: \t a  b \t\r\n\r\n",
    )
    .await?;
    ensure!(text.first == "GET /a?b=c%20d HTTP/1.1", "{}", text.first);
    let end: Vec<_> = text
        .fields
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("host"))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let sent = [
        "X-Zebra: 1",
        "x-apple: 2",
        "X-ZEBRA: 3",
        "Cookie: a=1",
        "Cookie: b=2",
        "X-Empty: ",
        "X-Space: a  b",
    ];
    let mut rest = end.iter();
    for line in sent {
        ensure!(
            rest.any(|seen| seen == line),
            "{line:?} is not where it was: {end:?}"
        );
    }
    ensure!(text.count("host") == 1 && text.field("host") == Some("test"));
    Ok(())
}

#[tokio::test]
async fn an_absolute_form_becomes_a_path_and_its_host() -> Result<()> {
    for (line, first, host) in [
        ("GET http://test/a?b HTTP/1.1", "GET /a?b HTTP/1.1", "test"),
        ("GET http://TEST:80/a HTTP/1.1", "GET /a HTTP/1.1", "test"),
        ("GET http://test?b HTTP/1.1", "GET /?b HTTP/1.1", "test"),
        ("GET http://test HTTP/1.1", "GET / HTTP/1.1", "test"),
        ("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1", "test"),
        ("OPTIONS http://test HTTP/1.1", "OPTIONS * HTTP/1.1", "test"),
    ] {
        let text = seen(&format!("{line}\r\nHost: test\r\n\r\n")).await?;
        ensure!(text.first == first, "{line}: {}", text.first);
        ensure!(text.count("host") == 1, "{line}: {text:?}");
        let seen = text.field("host").unwrap_or_default().to_ascii_lowercase();
        ensure!(seen.trim_end_matches(":80") == host, "{line}: Host {seen}");
    }
    Ok(())
}

#[tokio::test]
async fn equal_content_lengths_become_one() -> Result<()> {
    let backend = Backend::ok().await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("POST /bad HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello")
        .await?;
    let answer = client.response().await?;
    let requests = backend.take();
    match answer.status() {
        400 => ensure!(requests.is_empty(), "{requests:?}"),
        200 => {
            let request = requests.first().context("nothing")?;
            ensure!(
                request.count("content-length") == 1 && request.body == b"hello",
                "{request:?}"
            );
        }
        other => anyhow::bail!("{other}"),
    }
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn what_belongs_to_the_connection_stays_on_it() -> Result<()> {
    let text = seen(
        "GET / HTTP/1.1\r\nHost: test\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nX-Kept: 1\r\n\r\n",
    )
    .await?;
    for gone in ["x-hop", "keep-alive", "proxy-connection"] {
        ensure!(text.count(gone) == 0, "{gone} was passed on: {text:?}");
    }
    ensure!(
        text.field("te").is_none_or(|te| te == "trailers"),
        "{text:?}"
    );
    ensure!(text.field("x-kept") == Some("1"), "{text:?}");
    Ok(())
}

#[tokio::test]
async fn connection_cannot_name_framing_or_routing_away() -> Result<()> {
    let text = seen(
        "POST / HTTP/1.1\r\nHost: test\r\nConnection: Content-Length, Host, Content-Type, Authorization, Cookie\r\nContent-Length: 5\r\nContent-Type: a/b\r\nAuthorization: x\r\nCookie: y\r\n\r\nhello",
    )
    .await?;
    for kept in [
        "host",
        "content-length",
        "content-type",
        "authorization",
        "cookie",
    ] {
        ensure!(
            text.count(kept) == 1,
            "{kept} is gone or doubled: {:?}",
            names(&text)
        );
    }
    ensure!(text.body == b"hello", "{text:?}");
    Ok(())
}

#[tokio::test]
async fn chunks_lose_their_extensions_and_keep_their_trailers() -> Result<()> {
    let text = seen(
        "POST / HTTP/1.1\r\nHost: test\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n006;\"c\"\r\n world\r\n0;d\r\nX-Sum: 11\r\n\r\n",
    )
    .await?;
    ensure!(text.complete && text.body == b"hello world", "{text:?}");
    let framings = text.count("content-length") + text.count("transfer-encoding");
    ensure!(framings == 1, "{text:?}");
    if text.count("transfer-encoding") == 1 {
        ensure!(
            text.trailers == [("X-Sum".to_owned(), "11".to_owned())],
            "{text:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn trailers_never_join_the_head_nor_name_what_only_a_head_may() -> Result<()> {
    let bytes = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nHost: evil\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\nAuthorization: evil\r\nX-Sum: 5\r\n\r\n";
    let backend = Backend::ok().await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    client.send(bytes).await?;
    let answer = client.response().await?;
    ensure!(matches!(answer.status(), 200 | 400), "{answer:?}");
    for request in backend.take() {
        if answer.status() == 400 {
            ensure!(!request.complete, "{request:?}");
            continue;
        }
        ensure!(
            request.field("host") == Some("test") && request.count("host") == 1,
            "{request:?}"
        );
        ensure!(request.count("authorization") == 0, "{request:?}");
        ensure!(request.body == b"hello", "{request:?}");
        for (name, _) in &request.trailers {
            let forbidden = [
                "host",
                "content-length",
                "transfer-encoding",
                "authorization",
            ];
            ensure!(
                !forbidden.contains(&name.to_ascii_lowercase().as_str()),
                "{request:?}"
            );
        }
    }
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}
