//! Servers whose HTTP/1.1 answers are none: the client sees a failure, and nobody gets another's answer.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::backend::ok_with;
use wireloom_conformance::scripted::http2::{End, Http2};
use wireloom_conformance::scripted::{Http1, Text, Upstream};

use crate::setup::Setup;

const MIB: u64 = 1 << 20;
/// What is wrong is seen when it comes, not when the route's timeout has passed.
const SOON: Duration = Duration::from_secs(10);

/// What a server does behind its bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Stay,
    Close,
    Reset,
}

/// What the client must see.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// A 5xx of the proxy's, or an answer that visibly breaks off.
    Failure,
    /// This status and body.
    Answer(u16, &'static str),
    /// Either.
    Any,
}

struct Row {
    name: &'static str,
    bytes: Vec<u8>,
    then: Then,
    fate: Fate,
}

fn row(name: &'static str, bytes: impl Into<Vec<u8>>, then: Then, fate: Fate) -> Row {
    let bytes = bytes.into();
    Row {
        name,
        bytes,
        then,
        fate,
    }
}

fn heads() -> Vec<Row> {
    let head = |name, fields: &str| {
        let bytes = format!("HTTP/1.1 200 OK\r\n{fields}\r\n5\r\nhello\r\n0\r\n\r\n");
        row(name, bytes, Then::Stay, Fate::Failure)
    };
    let line = |name, line: &str| {
        let bytes = format!("{line}\r\nContent-Length: 5\r\n\r\nhello");
        row(name, bytes, Then::Stay, Fate::Failure)
    };
    let many = (0..20_000)
        .map(|n| format!("X-{n}: y\r\n"))
        .collect::<String>();
    vec![
        head(
            "Content-Length with Transfer-Encoding",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        ),
        head(
            "Transfer-Encoding with Content-Length",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        ),
        head(
            "two Content-Lengths",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
        ),
        head("a list of Content-Lengths", "Content-Length: 5, 6\r\n"),
        head("Content-Length: -5", "Content-Length: -5\r\n"),
        head("Content-Length: +5", "Content-Length: +5\r\n"),
        head(
            "a Content-Length of 20 digits",
            "Content-Length: 18446744073709551621\r\n",
        ),
        head("chunked twice", "Transfer-Encoding: chunked, chunked\r\n"),
        head("an unknown coding", "Transfer-Encoding: xchunked\r\n"),
        head("NUL in a field", "X: a\0b\r\nContent-Length: 5\r\n"),
        head("CR in a field", "X: a\rb\r\nContent-Length: 5\r\n"),
        head("LF in a field", "X: a\nContent-Length: 5\r\n"),
        head("a folded field", "X: a\r\n b\r\nContent-Length: 5\r\n"),
        head("a space before the colon", "Content-Length : 5\r\n"),
        head("20,000 fields", &many),
        head(
            "a field of 4 MiB",
            &format!("X: {}\r\n", "x".repeat(4 << 20)),
        ),
        line("garbage", "hello world"),
        line("status 2000000", "HTTP/1.1 2000000 OK"),
        line("status 99", "HTTP/1.1 99 OK"),
        line("status abc", "HTTP/1.1 abc OK"),
        line("HTTP/9.9", "HTTP/9.9 200 OK"),
        line("no status", "HTTP/1.1"),
        row(
            "an answer of HTTP/0.9",
            "hello\n",
            Then::Close,
            Fate::Failure,
        ),
        row(
            "an answer of HTTP/2",
            [0, 0, 0, 4, 0, 0, 0, 0, 0],
            Then::Stay,
            Fate::Failure,
        ),
        row(
            "a switch that nobody asked for",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
            Then::Stay,
            Fate::Failure,
        ),
        row("nothing", "", Then::Close, Fate::Failure),
        row("a reset", "", Then::Reset, Fate::Failure),
        row(
            "half a head",
            "HTTP/1.1 200 OK\r\nContent-Le",
            Then::Close,
            Fate::Failure,
        ),
        row(
            "a head without its end",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
            Then::Reset,
            Fate::Failure,
        ),
    ]
}

fn bodies() -> Vec<Row> {
    let chunked = |name, body: &str, then| {
        let bytes = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        row(name, bytes, then, Fate::Failure)
    };
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(5000) + ok;
    vec![
        row(
            "a body cut short",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
            Then::Close,
            Fate::Failure,
        ),
        row(
            "a body cut by a reset",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
            Then::Reset,
            Fate::Failure,
        ),
        row(
            "a long body cut short",
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n{}",
                "x".repeat(1_000_000)
            ),
            Then::Close,
            Fate::Failure,
        ),
        row(
            "a body without a length cut by a reset",
            format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(200_000)),
            Then::Reset,
            Fate::Any,
        ),
        chunked("no last chunk", "5\r\nhello\r\n", Then::Close),
        chunked("a chunk cut short", "a\r\nhello", Then::Close),
        chunked("a chunk cut by a reset", "a\r\nhello", Then::Reset),
        chunked(
            "trailers cut short",
            "5\r\nhello\r\n0\r\nX: y\r\n",
            Then::Close,
        ),
        chunked(
            "a chunk size of 2^64 + 5",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            Then::Stay,
        ),
        chunked("a chunk size of -5", "-5\r\nhello\r\n0\r\n\r\n", Then::Stay),
        chunked(
            "a chunk size that is too small",
            "4\r\nhello\r\n0\r\n\r\n",
            Then::Stay,
        ),
        chunked(
            "LF behind a chunk size",
            "5\nhello\r\n0\r\n\r\n",
            Then::Stay,
        ),
        row(
            "a body on 204",
            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
            Then::Stay,
            Fate::Answer(204, ""),
        ),
        row(
            "a chunked body on 204",
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            Then::Stay,
            Fate::Any,
        ),
        row(
            "a body on 304",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
            Then::Stay,
            Fate::Answer(304, ""),
        ),
        row(
            "an answer too many",
            format!("{ok}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"),
            Then::Stay,
            Fate::Answer(200, "ok"),
        ),
        row(
            "bytes too many",
            format!("{ok}poison"),
            Then::Stay,
            Fate::Answer(200, "ok"),
        ),
        row(
            "a body to the end of the connection",
            "HTTP/1.1 200 OK\r\n\r\nuntil the end",
            Then::Close,
            Fate::Answer(200, "until the end"),
        ),
        row(
            "an answer of HTTP/1.0",
            "HTTP/1.0 200 OK\r\n\r\nuntil the end",
            Then::Close,
            Fate::Answer(200, "until the end"),
        ),
        row("5,000 interim answers", interim, Then::Stay, Fate::Any),
    ]
}

/// Answers `/bad` with the row's bytes, and anything else with its target.
async fn server(row: &Row) -> Result<Upstream> {
    let (bytes, then) = (row.bytes.clone(), row.then);
    Upstream::raw(move |stream, _| {
        let bytes = bytes.clone();
        async move {
            let mut conn = Http1::of(stream);
            while let Some(request) = conn.request().await? {
                if request.target() != "/bad" {
                    conn.send(ok_with(request.target())).await?;
                    continue;
                }
                conn.send(&bytes).await?;
                match then {
                    Then::Stay => {}
                    Then::Close => return Ok(()),
                    Then::Reset => {
                        // What was written must not be overtaken.
                        sleep(Duration::from_millis(300)).await;
                        conn.raw.reset();
                        return Ok(());
                    }
                }
            }
            Ok(())
        }
    })
    .await
}

fn judge(fate: Fate, answer: &Text) -> Result<()> {
    let failed = answer.status() >= 500 || !answer.complete;
    match fate {
        Fate::Any => {}
        Fate::Failure => ensure!(failed, "it looks like an answer: {answer:?}"),
        Fate::Answer(status, body) => ensure!(
            answer.complete && answer.status() == status && answer.text() == body,
            "{answer:?}"
        ),
    }
    Ok(())
}

async fn suffer(proxy: &Proxy, row: &Row, method: &str) -> Result<()> {
    let mut client = Http1::connect(proxy.address()).await?;
    client
        .send("GET /before HTTP/1.1\r\nHost: test\r\n\r\n")
        .await?;
    ensure!(client.response().await?.text() == "/before");
    client
        .send(format!("{method} /bad HTTP/1.1\r\nHost: test\r\n\r\n"))
        .await?;
    match client.response_to(method).await {
        Ok(answer) if method == "HEAD" => ensure!(answer.body.is_empty(), "{answer:?}"),
        Ok(answer) => judge(row.fate, &answer)?,
        // Closed or reset without a head: visible enough, but then something was not answered.
        Err(error) => return Err(error),
    }
    // Whoever comes next gets what is theirs.
    for number in 0..8 {
        let mut next = Http1::connect(proxy.address()).await?;
        let target = format!("/next/{number}");
        let answer = next.get(&target).await?;
        ensure!(
            answer.text() == target,
            "{target} was answered with {answer:?}"
        );
    }
    Ok(())
}

async fn run(rows: Vec<Row>, method: &str) -> Result<()> {
    let mut problems = Vec::new();
    for row in rows {
        let upstream = server(&row).await?;
        let mut proxy = Setup::to(upstream.address()).start().await?;
        let idle = proxy.memory()?;
        let began = Instant::now();
        let suffered = suffer(&proxy, &row, method).await;
        if began.elapsed() > SOON {
            problems.push(format!("{}: took {:?}", row.name, began.elapsed()));
        }
        if let Err(error) = suffered {
            problems.push(format!("{}: {error:#}", row.name));
        }
        let more = proxy.memory()?.saturating_sub(idle);
        if more > 32 * MIB {
            problems.push(format!("{}: {} MiB over idle", row.name, more / MIB));
        }
        proxy
            .check()
            .with_context(|| format!("after {}", row.name))?;
    }
    for problem in &mut problems {
        problem.truncate(problem.floor_char_boundary(500));
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}

#[tokio::test]
async fn answers_with_bad_heads_are_failures() -> Result<()> {
    run(heads(), "GET").await
}

#[tokio::test]
async fn answers_that_break_off_look_so_and_surplus_bytes_reach_nobody() -> Result<()> {
    run(bodies(), "GET").await
}

#[tokio::test]
async fn bodies_of_answers_to_head_reach_nobody() -> Result<()> {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    run(
        vec![row("a body on HEAD", ok, Then::Stay, Fate::Any)],
        "HEAD",
    )
    .await
}

/// The same answers, for a client that speaks HTTP/2.
#[tokio::test]
async fn answers_that_break_off_are_resets_in_http2() -> Result<()> {
    let mut problems = Vec::new();
    for row in bodies() {
        if !matches!(row.fate, Fate::Failure) {
            continue;
        }
        let upstream = server(&row).await?;
        let setup = Setup::to(upstream.address()).cluster("protocol: http1");
        let mut proxy = setup.start().await?;
        let mut client = Http2::connect(proxy.address()).await?;
        let answer = client.get("/bad").await?;
        let failed = answer.status() >= 500 || matches!(answer.end, Some(End::Reset(_)));
        if !failed {
            problems.push(format!(
                "{}: {:?}, {:?}",
                row.name, answer.fields, answer.end
            ));
        }
        let next = client.get("/next").await?;
        if next.body != b"/next" {
            problems.push(format!("behind {}: {next:?}", row.name));
        }
        proxy.check()?;
    }
    ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
    Ok(())
}
