//! Requests of HTTP/1.1 that two parsers could read differently: refused, never forwarded, and nobody else's concern.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wireloom_conformance::grade::cases::http1_requests::{
    Bad, chunks, framing, hosts, lines, request_lines, sizes,
};
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::{Backend, Http1, Text};

use crate::setup::{END, Setup};

const MIB: u64 = 1 << 20;

/// What the proxy says to these bytes until it closes, which it must.
async fn reaction(proxy: &Proxy, bytes: Vec<u8>) -> Result<Vec<u8>> {
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
