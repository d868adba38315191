//! Requests of HTTP/1.1 that two parsers could read differently: refused, or made into one that all read alike.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http1_requests::{Bad, chunks, framing, hosts, lines, request_lines, sizes};
use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need, Protocol, slug};
use crate::scripted::raw::patience;
use crate::scripted::{Backend, Http1, Text};

type Group = (&'static str, fn() -> Vec<Bad>, &'static str, &'static str);

const GROUPS: [Group; 6] = [
    (
        "smuggling",
        framing,
        "A proxy and a server that disagree about where a request ends let a client put a request of its own into another client's connection (request smuggling). A request with this framing is refused with an error, and no request reaches the server.",
        "RFC 9112 §6.1-6.3 and §11.2",
    ),
    (
        "chunks",
        chunks,
        "A chunk that is none leaves open where the body ends, which is how requests are smuggled and memory is filled. The request is refused or broken off, and the server never takes it for complete.",
        "RFC 9112 §7.1",
    ),
    (
        "lines",
        lines,
        "Line ends and names that some parsers take and others do not change which fields a request has. It is refused, or, where the standard lets a recipient be lenient, passed on in a form that all read alike.",
        "RFC 9112 §2.2 and §5, RFC 9110 §5.5",
    ),
    (
        "request-line",
        request_lines,
        "A request line that some parsers take and others do not changes what a request asks for. It is refused, or, where the standard lets a recipient be lenient, passed on in a form that all read alike.",
        "RFC 9112 §3",
    ),
    (
        "host",
        hosts,
        "Routing and access rules go by the host, so there must be exactly one, and it must be valid. Else the request is refused, or, where the standard lets a recipient be lenient, passed on with one host that all read alike.",
        "RFC 9112 §3.2 and RFC 9110 §7.2",
    ),
    (
        "limits",
        sizes,
        "A head is held in memory until it is whole, so its size and number of fields have limits; what is over them is refused, at little cost. Smaller ones may pass where the limits are wider.",
        "RFC 9110 §5.4 and §15.5.15, RFC 6585 §5",
    ),
];

/// What is no valid request but may be read leniently, or is valid and one proxy's own rule to refuse.
const LENIENT: &[&str] = &[
    "a-chunk-size-of-17-digits",
    "an-extension-of-1-mib",
    "an-extension-of-510-bytes-on-each-byte",
    "a-trailer-that-is-folded",
    "a-trailer-of-1-mib",
    "a-trailer-without-a-colon",
    "lf-behind-a-trailer",
    "both-the-length-first",
    "both-the-length-last",
    "lf-behind-a-chunk",
    "lf-behind-a-chunk-size",
    "lf-behind-an-extension",
    "a-coding-behind-cr",
    "a-coding-behind-lf",
    "a-folded-coding",
    "lf-alone-everywhere",
    "lf-alone-behind-the-request-line",
    "lf-alone-for-the-empty-line",
    "a-space-before-the-first-field",
    "cr-in-a-value",
    "nul-in-a-value",
    "del-in-a-value",
    "esc-in-a-value",
    "a-folded-field",
    "a-field-folded-with-a-tab",
    "no-colon",
    "no-name",
    "a-control-byte-in-a-name",
    "nul-in-a-name",
    "a-byte-over-127-in-a-name",
    "a-space-in-a-name",
    "a-bracket-in-a-name",
    "two-spaces-behind-the-method",
    "two-spaces-before-the-version",
    "a-space-behind-the-version",
    "a-tab-for-a-space",
    "a-tab-before-the-version",
    "another-scheme",
    "http-1-10",
    "http-1-2",
    "no-version",
    "a-space-in-front",
    "connect-to-a-host",
    "200-000-empty-lines",
    "an-empty-host",
    "port-65536",
    "an-absolute-form-against-host",
    "a-user-in-an-absolute-form",
    "101-fields",
    "a-field-of-66-000-bytes",
    "a-target-of-8-300-bytes",
];

/// Where a lenient reading of the first request makes what stands behind it one of its own.
const TWO: [&str; 4] = [
    "a coding behind LF",
    "a folded coding",
    "both, the length first",
    "both, the length last",
];

/// Legal requests that one proxy's own rule refuses: nothing that others could fail.
const OWN: [&str; 2] = [
    "an-underscore-for-the-hyphen-of-a-coding",
    "an-underscore-for-the-hyphen-of-a-length",
];

pub(super) fn register(list: &mut Vec<Case>) {
    for (group, rows, why, source) in GROUPS {
        for (place, bad) in rows().into_iter().enumerate() {
            let name = slug(&bad.name);
            if OWN.contains(&name.as_str()) {
                continue;
            }
            let lenient = LENIENT.contains(&name.as_str());
            let why = format!("{}: {why}", bad.name.escape_debug());
            let run = move |arena| refused(arena, rows, place, lenient);
            list.push(
                Case::new(Protocol::Http1, format!("http1/{group}/{name}"), run)
                    .why(&why, source)
                    .needs(&[Need::Messages]),
            );
        }
    }
}

/// What is said to these bytes, and whether the connection ended.
async fn reaction(address: std::net::SocketAddr, bytes: Vec<u8>) -> Result<(Vec<u8>, bool)> {
    let (mut reading, mut writing) = TcpStream::connect(address).await?.into_split();
    // The peer may close before all of it is written. The sending side stays open, as a client's would.
    let writing = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut answer = Vec::new();
    // Behind an answer some wait for the next request, and some for the rest of this one.
    let mut wait = patience();
    let closed = loop {
        match timeout(wait, reading.read_buf(&mut answer)).await {
            Ok(Ok(0) | Err(_)) => break true,
            Ok(Ok(_)) => wait = Duration::from_millis(1500),
            Err(_) => break false,
        }
    };
    writing.abort();
    Ok((answer, closed))
}

async fn refused(arena: Arena, rows: fn() -> Vec<Bad>, place: usize, lenient: bool) -> Result<()> {
    let row = rows().into_iter().nth(place).context("no such request")?;
    let backend = Backend::targets().await?;
    let address = arena.clone().short_head().front(backend.address()).await?;
    let mut bystander = Http1::connect(address).await?;
    bystander.get("/good").await?;
    let before = arena.memory()?;
    let (answer, closed) = reaction(address, row.bytes.clone()).await?;
    let grown = arena.memory()?.saturating_sub(before);
    ensure!(grown < 64 << 20, "it cost {} MiB", grown >> 20);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status: u16 = answer
        .get(9..12)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let mut seen = backend.take();
    seen.retain(|request| request.target() != "/good");
    match lenient {
        true => alike(&row, &seen)?,
        false => {
            for request in &seen {
                let broken = row.body && !request.complete;
                ensure!(
                    broken,
                    "the server saw {:?} {:?}",
                    request.first,
                    request.fields
                );
            }
            if status < 400 && !closed {
                bail!(
                    "neither refused nor ended; {:?} came",
                    answer.lines().next()
                );
            }
            ensure!(
                status == 0 || status >= 400,
                "answered with {:?}",
                answer.lines().next()
            );
        }
    }
    let mut fresh = Http1::connect(address).await?;
    for client in [&mut fresh, &mut bystander] {
        let answer = client.get("/good").await.context("another client")?;
        ensure!(answer.text() == "/good", "another client got {answer:?}");
    }
    Ok(())
}

/// That what the server saw can be read in one way alone.
fn alike(row: &Bad, seen: &[Text]) -> Result<()> {
    let two = TWO.contains(&row.name.as_str()) && seen.iter().all(|request| request.complete);
    ensure!(
        seen.len() <= 1 || (two && seen.len() == 2),
        "one request became {}: {seen:?}",
        seen.len()
    );
    for request in seen {
        ensure!(
            two || !request.target().contains("smuggled"),
            "the server saw {:?}",
            request.first
        );
        let words = request.first.split(' ').count();
        let version = request.first.ends_with(" HTTP/1.1") || request.first.ends_with(" HTTP/1.0");
        ensure!(words == 3 && version, "the server saw {:?}", request.first);
        ensure!(
            request.count("host") == 1 || row.name == "no version",
            "{}: hosts {:?}",
            row.name,
            request.fields
        );
        for (name, value) in &request.fields {
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            ensure!(
                !name.is_empty() && name.chars().all(token),
                "the server saw a field {name:?}"
            );
            ensure!(
                !value.contains(['\0', '\r', '\n']),
                "the server saw {name}: {value:?}"
            );
        }
    }
    Ok(())
}
