//! gRPC statuses: where they stand, which are retried, and that none is invented.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;
use wireloom_conformance::scripted::http2::{self, End, Http2, code, frame, kind};
use wireloom_conformance::scripted::{Backend, Upstream, hpack};

use crate::setup::{END, Setup};

const HEAD: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/grpc")];

/// How a server answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Status in the head, and nothing else.
    TrailersOnly(&'static str),
    /// Head, then status in trailers.
    Trailers(&'static str),
    /// Head, a message, then status in trailers.
    Message(&'static str),
    /// Head and a message, and then the end without a status.
    NoStatus,
    /// A head that ends it, without a status.
    BareHead,
    /// RST_STREAM with this code in the place of an answer.
    Reset(u32),
    /// Head and a message, then RST_STREAM.
    LateReset(u32),
    /// Head and a message, and after a while status in trailers.
    LateStatus(&'static str),
    /// Head and a message, then the connection is gone.
    Lost,
    /// The connection is gone at once.
    Gone,
    /// GOAWAY and then the end.
    GoAway,
    /// An answer of HTTP with this status.
    Http(&'static str),
}

fn bytes(stream: u32, way: Way) -> Vec<u8> {
    let head = |end| http2::headers(stream, &hpack::block(&HEAD), end);
    let status = |status: &str| {
        http2::headers(
            stream,
            &hpack::block(&[("grpc-status", status), ("grpc-message", "said%20so")]),
            true,
        )
    };
    let message = |end| http2::data(stream, &http2::message(b"some"), end);
    match way {
        Way::TrailersOnly(status) => {
            let mut block = hpack::block(&HEAD);
            block.extend(hpack::block(&[
                ("grpc-status", status),
                ("grpc-message", "said%20so"),
            ]));
            http2::headers(stream, &block, true)
        }
        Way::Trailers(code) => [head(false), status(code)].concat(),
        Way::Message(code) => [head(false), message(false), status(code)].concat(),
        Way::NoStatus => [head(false), message(true)].concat(),
        Way::BareHead => head(true),
        Way::Reset(code) => http2::reset(stream, code),
        Way::LateReset(_) | Way::LateStatus(_) | Way::Lost => {
            [head(false), message(false)].concat()
        }
        Way::Gone => Vec::new(),
        Way::GoAway => frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 2]),
        Way::Http(status) => {
            let fields = [(":status", status), ("content-type", "text/html")];
            [
                http2::headers(stream, &hpack::block(&fields), false),
                http2::data(stream, b"<html>", true),
            ]
            .concat()
        }
    }
}

/// Answers the first `times` calls one way, and the others well.
async fn server(way: Way, times: usize) -> Result<Upstream> {
    Upstream::raw(move |stream, seen| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(stream) = conn.next_complete().await? {
            seen.note("call");
            if seen.notes().len() > times {
                conn.reply(stream, b"fine", 0).await?;
                continue;
            }
            conn.send(bytes(stream, way)).await?;
            if matches!(way, Way::LateReset(_) | Way::LateStatus(_) | Way::Lost) {
                sleep(Duration::from_millis(300)).await;
            }
            match way {
                Way::LateReset(code) => conn.send(http2::reset(stream, code)).await?,
                Way::LateStatus(code) => {
                    let status = hpack::block(&[("grpc-status", code)]);
                    conn.send(http2::headers(stream, &status, true)).await?;
                }
                Way::Lost | Way::Gone | Way::GoAway => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_status_stays_where_it_was() -> Result<()> {
    for (way, end) in [
        (Way::TrailersOnly("5"), End::InHead),
        (Way::TrailersOnly("0"), End::InHead),
        (Way::Trailers("5"), End::InTrailers),
        (Way::Message("0"), End::InTrailers),
        (Way::Message("14"), End::InTrailers),
    ] {
        let upstream = server(way, usize::MAX).await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Http2::connect(proxy.address()).await?;
        let answer = client.call("/a.B/c", &[], b"x").await?;
        ensure!(answer.end == Some(end), "{way:?}: {answer:?}");
        let (Way::TrailersOnly(status) | Way::Trailers(status) | Way::Message(status)) = way else {
            continue;
        };
        ensure!(
            answer.grpc_status() == status.parse().ok(),
            "{way:?}: {answer:?}"
        );
        let text = answer
            .trailer("grpc-message")
            .or(answer.field("grpc-message"));
        ensure!(text == Some("said%20so"), "{way:?}: {answer:?}");
        ensure!(
            answer.field("grpc-status").is_some() == (end == End::InHead),
            "{answer:?}"
        );
        proxy.check()?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn success_is_never_invented() -> Result<()> {
    let unavailable: &[u32] = &[14];
    let mut problems = Vec::new();
    for (way, statuses) in [
        (Way::NoStatus, [2, 13].as_slice()),
        (Way::BareHead, &[2, 13]),
        (Way::Reset(code::CANCEL), &[1, 2, 13, 14]),
        (Way::Reset(code::INTERNAL_ERROR), &[2, 13, 14]),
        (Way::Reset(code::NO_ERROR), &[2, 13, 14]),
        (Way::Reset(code::REFUSED_STREAM), unavailable),
        (Way::Reset(code::ENHANCE_YOUR_CALM), &[8, 14]),
        (Way::LateReset(code::INTERNAL_ERROR), &[2, 13, 14]),
        (Way::LateReset(code::NO_ERROR), &[2, 13, 14]),
        (Way::Lost, &[2, 13, 14]),
        (Way::Gone, unavailable),
        (Way::GoAway, unavailable),
        (Way::Http("401"), &[16]),
        (Way::Http("403"), &[7]),
        (Way::Http("404"), &[12]),
        (Way::Http("429"), unavailable),
        (Way::Http("502"), unavailable),
        (Way::Http("503"), unavailable),
        (Way::Http("504"), unavailable),
        (Way::Http("500"), &[2]),
        (Way::Http("200"), &[2, 13]),
    ] {
        let upstream = server(way, usize::MAX).await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let mut client = Http2::connect(proxy.address()).await?;
        let answer = client
            .call("/a.B/c", &[], b"x")
            .await
            .with_context(|| format!("{way:?}"))?;
        // A reset is no status, and what has another HTTP status than 200 is mapped by the client.
        let reset = matches!(answer.end, Some(End::Reset(_)));
        let fits = match (reset, answer.grpc_status()) {
            (true, _) => true,
            (false, Some(status)) => statuses.contains(&status),
            (false, None) => matches!(way, Way::Http(_) | Way::NoStatus | Way::BareHead),
        };
        if !fits {
            problems.push(format!(
                "{way:?}: status {:?}, {:?}",
                answer.grpc_status(),
                answer.end
            ));
        }
        if let (Way::Http(status), false, None) = (way, reset, answer.grpc_status()) {
            ensure!(answer.field(":status") == Some(status), "{answer:?}");
        }
        proxy.check()?;
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn what_is_unavailable_is_tried_again_wherever_it_is_said() -> Result<()> {
    let mut problems = Vec::new();
    for (way, on, again) in [
        (Way::TrailersOnly("14"), "unavailable", true),
        (Way::Trailers("14"), "unavailable", true),
        (Way::Trailers("8"), "resource-exhausted", true),
        (Way::Trailers("10"), "aborted", true),
        (Way::Trailers("5"), "unavailable", false),
        (Way::Trailers("8"), "unavailable", false),
        (Way::Http("503"), "unavailable", true),
        (Way::Gone, "reset", true),
        (
            Way::Reset(code::REFUSED_STREAM),
            "refused, reset-before-request",
            true,
        ),
        // Something of it has reached the client.
        (Way::Lost, "reset", false),
        (Way::LateStatus("14"), "unavailable", false),
    ] {
        let upstream = server(way, 1).await?;
        let setup = Setup::to(upstream.address()).route(&format!(
            "retry: {{attempts: 2, on: [{on}], backoff: {{base: 1ms}}}}"
        ));
        let mut proxy = setup.start().await?;
        let mut client = Http2::connect(proxy.address()).await?;
        let answer = client.call("/a.B/c", &[], b"x").await?;
        let calls = upstream.seen().notes().len();
        let well = answer.grpc_status() == Some(0) && answer.body == http2::message(b"fine");
        if well != again || calls != 1 + usize::from(again) {
            problems.push(format!(
                "{way:?} on {on}: status {:?} after {calls} calls",
                answer.grpc_status()
            ));
        }
        proxy.check()?;
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn failures_of_the_proxy_are_trailers_only_with_readable_messages() -> Result<()> {
    let backend = Backend::ok2().await?;
    let setup = Setup::to(backend.address())
        .first("{match: {service: gone.Service}, to: gone}")
        .first("{match: {service: full.Service}, to: full}")
        .first("{match: {service: nobody.Service}, to: nobody}")
        .first(
            "{match: {service: says.Service}, respond: {status: 503, body: \"50% übervoll\\n\"}}",
        )
        .beside(
            "gone",
            &format!("endpoints: [\"{}\"]", wireloom_conformance::ports::free()),
        )
        .beside(
            "full",
            &format!(
                "endpoints: [\"{}\"], limits: {{in_flight: 0}}",
                backend.address()
            ),
        )
        .beside("nobody", "endpoints: []");
    let mut proxy = setup.start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    for (path, status) in [
        ("/gone.Service/m", 14),
        ("/full.Service/m", 14),
        ("/nobody.Service/m", 14),
        ("/says.Service/m", 14),
    ] {
        let answer = client.call(path, &[], b"x").await?;
        ensure!(answer.end == Some(End::InHead), "{path}: {answer:?}");
        ensure!(
            answer.status() == 200 && answer.grpc_status() == Some(status),
            "{path}: {answer:?}"
        );
        ensure!(
            answer.field("content-type") == Some("application/grpc"),
            "{path}: {answer:?}"
        );
        let text = answer.field("grpc-message").context("no message")?;
        let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        ensure!(plain && !text.is_empty(), "{path}: {text:?}");
        let escapes = text.split('%').skip(1);
        for escape in escapes {
            let hex = escape
                .get(..2)
                .is_some_and(|hex| u8::from_str_radix(hex, 16).is_ok());
            ensure!(hex, "{path}: {text:?}");
        }
        if path == "/says.Service/m" {
            ensure!(text == "50%25 %C3%BCbervoll", "{text:?}");
        }
    }
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn messages_are_opaque() -> Result<()> {
    let backend = Backend::http2(|half| half.body.clone()).await?;
    let mut proxy = Setup::to(backend.address()).start().await?;
    let mut client = Http2::connect(proxy.address()).await?;
    for prefix in [
        vec![0, 0xff, 0xff, 0xff, 0xff],
        vec![0xff, 0, 0, 0, 1, b'x'],
        vec![1, 0, 0],
        vec![0, 0, 0, 0, 0],
        vec![],
    ] {
        let idle = proxy.memory()?;
        let stream = client.request(&http2::grpc("/a.B/c", &[]), false).await?;
        client.send(http2::data(stream, &prefix, true)).await?;
        let answer = client.whole(stream).await?;
        ensure!(
            answer.body.get(5..) == Some(&prefix[..]),
            "{prefix:?}: {answer:?}"
        );
        ensure!(answer.grpc_status() == Some(0), "{answer:?}");
        ensure!(proxy.memory()?.saturating_sub(idle) < 8 << 20);
    }
    proxy.check()?;
    drop(client);
    proxy.stop(END).await
}
