//! Requests of HTTP/1.1 that two parsers could read differently: refused, never forwarded, and nobody else's concern.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::{Backend, Http1, Text};

use crate::setup::{END, Setup};

const MIB: u64 = 1 << 20;

/// A request, and the statuses that may answer it; no status at all, for a connection that is closed, is one of them
/// where the first bytes do not look like HTTP or the client cannot be expected to get to the answer.
pub(crate) struct Bad {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) statuses: Vec<u16>,
    /// The head is fine, so the server may see it, and a body that breaks off.
    pub(crate) body: bool,
}

pub(crate) fn bad(name: impl Into<String>, bytes: impl Into<Vec<u8>>, statuses: &[u16]) -> Bad {
    Bad {
        name: name.into(),
        bytes: bytes.into(),
        statuses: statuses.to_vec(),
        body: false,
    }
}

/// A POST with these fields, and what stands behind its head: a request of its own for whoever thinks the body ended.
pub(crate) fn post(fields: &str, rest: &str) -> Vec<u8> {
    format!("POST /bad HTTP/1.1\r\nHost: test\r\n{fields}\r\n{rest}").into_bytes()
}

const SMUGGLED: &str = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";

fn framing() -> Vec<Bad> {
    let both = |fields: &str| {
        let name = format!("{:?}", fields.trim_end());
        bad(name, post(fields, SMUGGLED), &[400, 501])
    };
    let mut rows: Vec<Bad> = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: chunked\0\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 5.0\r\n",
        "Content-Length:\r\n",
        "Content-Length: 0_5\r\n",
        "Content-Length: 5\0\r\n",
        "Content-Length: \u{665}\r\n",
        "Content-Length: 18446744073709551621\r\n",
        "Content-Length : 5\r\n",
        "Content_Length: 5\r\n",
    ]
    .into_iter()
    .map(both)
    .collect();
    rows.push(bad(
        "Transfer-Encoding in HTTP/1.0",
        format!("POST /bad HTTP/1.0\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{SMUGGLED}"),
        &[400],
    ));
    rows
}

fn chunks() -> Vec<Bad> {
    let mut rows = Vec::new();
    let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(1 << 20));
    let each = "1;".to_owned() + &"x".repeat(510) + "\r\ny\r\n";
    let many = each.repeat(2000) + "0\r\n\r\n";
    let trailers = format!("5\r\nhello\r\n0\r\nX-Long: {}\r\n\r\n", "x".repeat(1 << 20));
    for (name, body) in [
        (
            "a chunk size of 17 digits",
            "00000000000000005\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "a chunk size of 2^64 + 5",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
        ),
        ("a chunk size of -5", "-5\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size of +5", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size of 0x5", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("a space before a chunk size", " 5\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size of 0_5", "0_5\r\nhello\r\n0\r\n\r\n"),
        ("an empty chunk size", "\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size that is a name", "five\r\nhello\r\n0\r\n\r\n"),
        ("no line end behind a chunk", "5\r\nhello0\r\n\r\n"),
        ("LF behind a chunk", "5\r\nhello\n0\r\n\r\n"),
        ("a chunk size that is too small", "4\r\nhello\r\n0\r\n\r\n"),
        ("LF behind a chunk size", "5\nhello\r\n0\r\n\r\n"),
        ("LF behind an extension", "5;a\nhello\r\n0\r\n\r\n"),
        ("CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        (
            "LF that hides a request in an extension",
            "5;\nxx\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n",
        ),
        ("an extension of 1 MiB", &long),
        ("an extension of 510 bytes on each byte", &many),
        ("a trailer of 1 MiB", &trailers),
        (
            "a trailer that is folded",
            "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
        ),
        ("a trailer without a colon", "5\r\nhello\r\n0\r\nXY\r\n\r\n"),
        ("LF behind a trailer", "5\r\nhello\r\n0\r\nX: y\n\r\n"),
    ] {
        let mut row = bad(
            name,
            post("Transfer-Encoding: chunked\r\n", body),
            &[400, 413, 431, 0],
        );
        row.body = true;
        rows.push(row);
    }
    rows
}

fn lines() -> Vec<Bad> {
    let field = |name: &str, line: &[u8]| {
        let bytes = [b"GET /bad HTTP/1.1\r\nHost: test\r\n", line, b"\r\n\r\n"].concat();
        bad(name, bytes, &[400])
    };
    vec![
        bad(
            "LF alone everywhere",
            "GET /bad HTTP/1.1\nHost: test\n\n",
            &[400],
        ),
        bad(
            "LF alone behind the request line",
            "GET /bad HTTP/1.1\nHost: test\r\n\r\n",
            &[400],
        ),
        bad(
            "LF alone for the empty line",
            "GET /bad HTTP/1.1\r\nHost: test\r\n\nX: y\r\n\r\n",
            &[400],
        ),
        bad(
            "CR alone everywhere",
            "GET /bad HTTP/1.1\rHost: test\r\rX\r\n\r\n",
            &[400, 505],
        ),
        bad(
            "a space before the first field",
            "GET /bad HTTP/1.1\r\n Host: test\r\n\r\n",
            &[400],
        ),
        field("CR in a value", b"X: a\rb"),
        field("CR before a field", b"\rX: a"),
        field("NUL in a value", b"X: a\0b"),
        field("DEL in a value", b"X: a\x7fb"),
        field("ESC in a value", b"X: a\x1bb"),
        field("a folded field", b"X: a\r\n b"),
        field("a field folded with a tab", b"X: a\r\n\tb"),
        field("a space before the colon", b"X : a"),
        field("a tab before the colon", b"X\t: a"),
        field("no colon", b"X"),
        field("no name", b": a"),
        field("a control byte in a name", b"X\x01: a"),
        field("NUL in a name", b"X\0: a"),
        field("a byte over 127 in a name", b"X\xe4: a"),
        field("a space in a name", b"X Y: a"),
        field("a bracket in a name", b"X(Y): a"),
    ]
}

fn request_lines() -> Vec<Bad> {
    let line = |name: &str, line: &str, statuses: &[u16]| {
        bad(name, format!("{line}\r\nHost: test\r\n\r\n"), statuses)
    };
    let mut rows = vec![
        line("two spaces behind the method", "GET  /bad HTTP/1.1", &[400]),
        line(
            "two spaces before the version",
            "GET /bad  HTTP/1.1",
            &[400, 505],
        ),
        line(
            "a space behind the version",
            "GET /bad HTTP/1.1 ",
            &[400, 505],
        ),
        line("a tab for a space", "GET\t/bad HTTP/1.1", &[400, 0]),
        line("a tab before the version", "GET /bad\tHTTP/1.1", &[400]),
        line("a space in the target", "GET /bad x HTTP/1.1", &[400, 505]),
        line(
            "a control byte in the target",
            "GET /bad\x01 HTTP/1.1",
            &[400],
        ),
        line("NUL in the target", "GET /bad\0 HTTP/1.1", &[400]),
        line("CR in the target", "GET /bad\r HTTP/1.1", &[400]),
        line("DEL in the target", "GET /bad\x7f HTTP/1.1", &[400]),
        line("a fragment", "GET /bad#here HTTP/1.1", &[400]),
        line("no slash", "GET bad HTTP/1.1", &[400]),
        line("an asterisk", "GET * HTTP/1.1", &[400]),
        line("another scheme", "GET ftp://test/bad HTTP/1.1", &[400]),
        line("no target", "GET HTTP/1.1", &[400]),
        line("HTTP/9.9", "GET /bad HTTP/9.9", &[505, 400]),
        line("HTTP/1.10", "GET /bad HTTP/1.10", &[505, 400]),
        line("HTTP/1.2", "GET /bad HTTP/1.2", &[505, 400]),
        line("HTTP/-1.1", "GET /bad HTTP/-1.1", &[505, 400]),
        line("http/1.1", "GET /bad http/1.1", &[505, 400]),
        line("HTTP/2.0", "GET /bad HTTP/2.0", &[505, 400]),
        line("no version", "GET /bad", &[505, 400]),
        line("a method that is no token", "G(T /bad HTTP/1.1", &[400, 0]),
        line("a space in front", " GET /bad HTTP/1.1", &[400, 0]),
        line(
            "CONNECT to a host",
            "CONNECT test:443 HTTP/1.1",
            &[405, 400],
        ),
        line("CONNECT to a path", "CONNECT /bad HTTP/1.1", &[405, 400]),
    ];
    let blank = "\r\n".repeat(200_000);
    rows.push(bad(
        "200,000 empty lines",
        blank + "GET /bad HTTP/1.1\r\nHost: test\r\n\r\n",
        &[400, 0],
    ));
    rows
}

fn hosts() -> Vec<Bad> {
    let mut rows = Vec::new();
    for (name, fields) in [
        ("no Host", ""),
        ("an empty Host", "Host:\r\n"),
        ("two Hosts", "Host: test\r\nHost: test\r\n"),
        ("two different Hosts", "Host: test\r\nHost: other\r\n"),
        ("a list of hosts", "Host: test, other\r\n"),
        ("a space in the host", "Host: te st\r\n"),
        ("a slash in the host", "Host: test/x\r\n"),
        ("a user in the host", "Host: me@test\r\n"),
        ("a fragment in the host", "Host: test#x\r\n"),
        ("port 65536", "Host: test:65536\r\n"),
        ("port -1", "Host: test:-1\r\n"),
        ("port x", "Host: test:x\r\n"),
        ("half an IPv6 address", "Host: [::1\r\n"),
    ] {
        rows.push(bad(
            name,
            format!("GET /bad HTTP/1.1\r\n{fields}\r\n"),
            &[400],
        ));
    }
    rows.push(bad(
        "an absolute form against Host",
        "GET http://one/bad HTTP/1.1\r\nHost: two\r\n\r\n",
        &[400],
    ));
    rows.push(bad(
        "a user in an absolute form",
        "GET http://me@test/bad HTTP/1.1\r\nHost: test\r\n\r\n",
        &[400],
    ));
    rows
}

fn sizes() -> Vec<Bad> {
    let many = (0..20_000)
        .map(|n| format!("X-{n}: y\r\n"))
        .collect::<String>();
    let hundred = (0..100)
        .map(|n| format!("X-{n}: y\r\n"))
        .collect::<String>();
    let mib = "x".repeat(1 << 20);
    vec![
        bad("20,000 fields", post(&many, ""), &[431, 0]),
        bad("101 fields", post(&hundred, ""), &[431]),
        bad(
            "a field of 66,000 bytes",
            post(&format!("X: {}\r\n", "y".repeat(66_000)), ""),
            &[431],
        ),
        bad(
            "a field of 1 MiB",
            post(&format!("X: {mib}\r\n"), ""),
            &[431, 0],
        ),
        bad(
            "a name of 256 KiB",
            post(&format!("{}: y\r\n", "x".repeat(256 << 10)), ""),
            &[431, 400, 0],
        ),
        bad(
            "a head of 2 MiB",
            post(&format!("X: {mib}\r\nY: {mib}\r\n"), ""),
            &[431, 0],
        ),
        bad(
            "a target of 8,300 bytes",
            format!("GET /{} HTTP/1.1\r\nHost: test\r\n\r\n", "b".repeat(8300)),
            &[414],
        ),
        bad(
            "a target of 1 MiB",
            format!("GET /{mib} HTTP/1.1\r\nHost: test\r\n\r\n"),
            &[414, 431, 400, 0],
        ),
        bad(
            "a method of 64 KiB",
            format!("{} / HTTP/1.1\r\nHost: test\r\n\r\n", "G".repeat(64 << 10)),
            &[400, 414, 431, 501, 0],
        ),
    ]
}

/// What the proxy says to these bytes until it closes, which it must.
pub(crate) async fn reaction(proxy: &Proxy, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let (mut reading, mut writing) = TcpStream::connect(proxy.address()).await?.into_split();
    // The proxy may close before all of it is written. The sending side stays open, as a client's would.
    let writing = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut answer = Vec::new();
    let end = timeout(Duration::from_secs(8), reading.read_to_end(&mut answer)).await;
    ensure!(
        end.is_ok(),
        "neither answered and closed nor closed; {:?} so far",
        String::from_utf8_lossy(&answer)
    );
    writing.abort();
    Ok(answer)
}

fn judge(row: &Bad, answer: &[u8], strict: bool, seen: &[Text]) -> Result<()> {
    let text = String::from_utf8_lossy(answer);
    ensure!(
        text.matches("HTTP/1.1 ").count() <= 1,
        "answered more than once: {text:?}"
    );
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let status: u16 = status.unwrap_or_default();
    // Text that sniffing does not take for HTTP is nobody's.
    let unanswered = status == 0 && (row.statuses.contains(&0) || !strict);
    ensure!(
        unanswered || row.statuses.contains(&status),
        "{:?} instead of one of {:?}",
        text.lines().next(),
        row.statuses
    );
    for request in seen {
        let broken = row.body && !request.complete && request.target() == "/bad";
        ensure!(broken, "the server saw {request:?}");
    }
    Ok(())
}

async fn refused(strict: bool, rows: Vec<Bad>) -> Result<()> {
    let backend = Backend::targets().await?;
    let setup = Setup::to(backend.address()).listener(match strict {
        true => "protocols: [http1]",
        false => "name: all",
    });
    let mut proxy = setup.start().await?;
    let mut bystander = Http1::connect(proxy.address()).await?;
    bystander.get("/good").await?;
    let idle = proxy.memory()?;
    let (mut problems, mut most) = (Vec::new(), 0);
    for row in rows {
        backend.take();
        let answer = reaction(&proxy, row.bytes.clone()).await;
        most = most.max(proxy.memory()?.saturating_sub(idle));
        // What had begun at the server must have ended there.
        let good = async {
            let mut fresh = Http1::connect(proxy.address()).await?;
            let answers = [fresh.get("/good").await?, bystander.get("/good").await?];
            for answer in answers {
                ensure!(answer.text() == "/good", "another answer: {answer:?}");
            }
            anyhow::Ok(())
        };
        good.await.with_context(|| format!("after {}", row.name))?;
        let mut seen = backend.take();
        seen.retain(|request| request.target() != "/good");
        let judged = answer.and_then(|answer| judge(&row, &answer, strict, &seen));
        if let Err(error) = judged {
            problems.push(format!("{}: {error:#}", row.name));
        }
        proxy
            .check()
            .with_context(|| format!("after {}", row.name))?;
    }
    eprintln!("{} KiB over idle at the most", most >> 10);
    ensure!(most < 32 * MIB, "{} MiB over idle", most / MIB);
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    drop(bystander);
    proxy.stop(END).await
}

#[tokio::test]
async fn ambiguous_framing_is_refused() -> Result<()> {
    refused(true, framing()).await
}

#[tokio::test]
async fn ambiguous_framing_is_refused_where_protocols_are_recognised() -> Result<()> {
    let rows = [framing(), lines(), request_lines(), hosts()];
    refused(false, rows.into_iter().flatten().collect()).await
}

#[tokio::test]
async fn chunks_that_are_none_end_the_request_and_complete_nothing() -> Result<()> {
    refused(true, chunks()).await
}

#[tokio::test]
async fn line_ends_and_field_names_are_taken_literally() -> Result<()> {
    refused(true, lines()).await
}

#[tokio::test]
async fn request_lines_are_taken_literally() -> Result<()> {
    refused(true, request_lines()).await
}

#[tokio::test]
async fn there_is_exactly_one_valid_host() -> Result<()> {
    refused(true, hosts()).await
}

#[tokio::test]
async fn heads_over_the_limits_are_refused() -> Result<()> {
    refused(true, sizes()).await
}
