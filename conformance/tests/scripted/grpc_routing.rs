//! gRPC routed by what it says of itself, and gRPC-Web made into gRPC.

use anyhow::{Context, Result, ensure};
use wireloom_conformance::scripted::http2::{self, Http2};
use wireloom_conformance::scripted::{Backend, Http1};

use crate::setup::{END, Setup};

#[tokio::test]
async fn calls_are_routed_by_service_method_and_metadata() -> Result<()> {
    let main = Backend::http2(|_| b"main".to_vec()).await?;
    let other = Backend::http2(|_| b"other".to_vec()).await?;
    let setup = Setup::to(main.address())
        .first("{match: {service: a.Special}, to: other}")
        .first("{match: {service: a.B, method: special}, to: other}")
        .first("{match: {headers: {x-canary: \"yes\"}}, to: other}")
        .first("{match: {headers: {x-trace-bin: {present: true}}}, to: other}")
        .first("{match: {protocol: grpc, headers: {x-tenant: {prefix: blue-}}}, to: other}")
        .beside("other", &format!("endpoints: [\"{}\"]", other.address()));
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    for (path, metadata, to) in [
        ("/a.B/plain", [].as_slice(), "main"),
        ("/a.Special/x", &[], "other"),
        ("/a.SpecialNot/x", &[], "main"),
        ("/a.B/special", &[], "other"),
        ("/a.C/special", &[], "main"),
        ("/a.B/c", &[("x-canary", "yes")], "other"),
        ("/a.B/c", &[("x-canary", "no")], "main"),
        (
            "/a.B/c",
            &[("x-canary", "no"), ("x-canary", "yes")],
            "other",
        ),
        ("/a.B/c", &[("x-trace-bin", "AAEC/w")], "other"),
        ("/a.B/c", &[("x-tenant", "blue-7")], "other"),
        ("/a.B/c", &[("x-tenant", "red-7")], "main"),
    ] {
        let answer = client.call(path, metadata, b"x").await?;
        ensure!(
            answer.body == http2::message(to.as_bytes()),
            "{path} {metadata:?}: {answer:?}"
        );
    }
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn metadata_passes_unchanged() -> Result<()> {
    let backend = Backend::http2(|_| b"ok".to_vec()).await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    let sent = [
        ("x-one-bin", "AAEC/w"),
        ("x-many", "1"),
        ("x-many", "2"),
        ("x-list", "a, b"),
        ("x-empty", ""),
        ("grpc-encoding", "gzip"),
        ("grpc-accept-encoding", "gzip, identity"),
        ("user-agent", "grpc-test/1"),
    ];
    client.call("/a.B/c", &sent, b"x").await?;
    let half = backend.take().pop().context("nothing")?;
    for (name, _) in sent {
        let expected: Vec<_> = sent
            .iter()
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| *value)
            .collect();
        let came: Vec<_> = half
            .fields
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect();
        ensure!(came == expected, "{name}: {came:?}");
    }
    ensure!(half.field("te") == Some("trailers"), "{half:?}");
    ensure!(
        half.field("content-type") == Some("application/grpc"),
        "{half:?}"
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

/// What a gRPC-Web body says: messages and trailers, each behind a flag and a length.
fn web_frames(mut body: &[u8]) -> Result<Vec<(u8, Vec<u8>)>> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = body.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let (payload, rest) = rest.split_at_checked(length).context("cut short")?;
        frames.push((head[0], payload.to_vec()));
        body = rest;
    }
    ensure!(body.is_empty(), "{} bytes too many", body.len());
    Ok(frames)
}

fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk
            .iter()
            .fold(0u32, |sum, byte| sum << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let digit = |byte: u8| match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        let padding = four.iter().filter(|byte| **byte == b'=').count();
        let number = four.iter().fold(0u32, |sum, byte| {
            sum << 6
                | if *byte == b'=' {
                    0
                } else {
                    u32::from(digit(*byte))
                }
        });
        bytes.extend(number.to_be_bytes().get(1..4 - padding).unwrap_or_default());
    }
    bytes
}

#[tokio::test]
async fn grpc_web_becomes_grpc_and_its_answer_grpc_web() -> Result<()> {
    let backend = Backend::http2(|half| half.body.get(5..).unwrap_or_default().to_vec()).await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    for content_type in [
        "application/grpc-web",
        "application/grpc-web+proto",
        "application/grpc-web-text",
    ] {
        let text = content_type.ends_with("text");
        let body = http2::message(b"hello web");
        let body = if text {
            encode(&body).into_bytes()
        } else {
            body
        };
        let mut client = Http1::connect(proxy.address()).await?;
        let mut request = format!(
            "POST /a.B/echo HTTP/1.1\r\nHost: test\r\nContent-Type: {content_type}\r\nAccept: {content_type}\r\nX-Grpc-Web: 1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(&body);
        client.send(request).await?;
        let answer = client.response().await?;
        ensure!(
            answer.status() == 200 && answer.complete,
            "{content_type}: {answer:?}"
        );
        let told = answer.field("content-type").unwrap_or_default();
        ensure!(
            told.starts_with(content_type.trim_end_matches("+proto")),
            "{content_type}: {told}"
        );
        let body = if text {
            decode(&answer.text())
        } else {
            answer.body.clone()
        };
        let frames = web_frames(&body).with_context(|| format!("{content_type}: {answer:?}"))?;
        ensure!(
            frames.len() == 2 && frames[0] == (0, b"hello web".to_vec()),
            "{content_type}: {frames:?}"
        );
        let trailers = String::from_utf8_lossy(&frames[1].1)
            .to_ascii_lowercase()
            .replace(' ', "");
        ensure!(
            frames[1].0 == 0x80 && trailers.contains("grpc-status:0"),
            "{content_type}: {trailers:?}"
        );
        let half = backend.take().pop().context("nothing")?;
        let seen = half.field("content-type").unwrap_or_default();
        ensure!(
            seen.starts_with("application/grpc") && !seen.contains("web"),
            "{half:?}"
        );
        ensure!(
            half.field("te") == Some("trailers") && half.body == http2::message(b"hello web"),
            "{half:?}"
        );
    }
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn failures_reach_grpc_web_in_its_own_form() -> Result<()> {
    let setup = Setup::to(wireloom_conformance::ports::free());
    let mut proxy = setup.start().await?;
    let mut client = Http1::connect(proxy.address()).await?;
    let body = http2::message(b"x");
    let mut request = format!(
        "POST /a.B/echo HTTP/1.1\r\nHost: test\r\nContent-Type: application/grpc-web\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend(&body);
    client.send(request).await?;
    let answer = client.response().await?;
    // Trailers-only: the status is in the head, or in a frame of trailers.
    let in_head = answer.field("grpc-status") == Some("14");
    let frames = web_frames(&answer.body)?;
    let in_body = frames.iter().any(|(flag, payload)| {
        *flag == 0x80
            && String::from_utf8_lossy(payload)
                .replace(' ', "")
                .contains("grpc-status:14")
    });
    ensure!(answer.status() == 200 && (in_head || in_body), "{answer:?}");
    ensure!(
        answer
            .field("content-type")
            .unwrap_or_default()
            .starts_with("application/grpc-web"),
        "{answer:?}"
    );
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}
