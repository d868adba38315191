//! Well-behaved ends of long bodies, whose bytes tell their place.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use h2::{RecvStream, SendStream};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wireloom_conformance::scripted::{Http1, Upstream};

/// The most that is written at once.
pub(crate) const PART: usize = 64 << 10;
const PERIOD: usize = 251;

/// Byte `i` of a body is `i` modulo 251.
pub(crate) struct Pattern(Bytes);

impl Pattern {
    pub(crate) fn new() -> Self {
        let bytes: Vec<u8> = (0..PERIOD + PART).map(|at| (at % PERIOD) as u8).collect();
        Self(bytes.into())
    }

    /// The part that begins at `place`.
    pub(crate) fn part(&self, place: u64, length: usize) -> Bytes {
        let start = (place % PERIOD as u64) as usize;
        self.0.slice(start..start + length.min(PART))
    }

    /// That these bytes are those of this place.
    pub(crate) fn check(&self, place: u64, bytes: &[u8]) -> Result<()> {
        let mut place = place;
        for part in bytes.chunks(PART) {
            ensure!(
                self.part(place, part.len()) == part,
                "other bytes behind {place}"
            );
            place += part.len() as u64;
        }
        Ok(())
    }
}

/// Takes a body to its end.
pub(crate) async fn drain(body: &mut RecvStream) -> Result<u64> {
    let pattern = Pattern::new();
    let mut place = 0;
    while let Some(data) = body.data().await {
        let data = data?;
        pattern.check(place, &data)?;
        place += data.len() as u64;
        body.flow_control().release_capacity(data.len())?;
    }
    Ok(place)
}

/// Writes a body of this length.
pub(crate) async fn pour(
    body: &mut SendStream<Bytes>,
    length: u64,
    sent: &AtomicU64,
) -> Result<()> {
    let pattern = Pattern::new();
    let mut place = 0;
    while place < length {
        let want = PART.min((length - place) as usize);
        body.reserve_capacity(want);
        let room = poll_fn(|cx| body.poll_capacity(cx))
            .await
            .context("the stream is closed")??;
        let part = pattern.part(place, room.min(want));
        place += part.len() as u64;
        sent.store(place, Ordering::SeqCst);
        body.send_data(part, place == length)?;
    }
    Ok(())
}

fn wanted(path: &str) -> u64 {
    path.rsplit('/')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// Serves `/down/N` and, with any other path, tells how long the body was. What it has read stands in `read`; while `stop`
/// is set it reads no more.
pub(crate) async fn server2() -> Result<Upstream> {
    Upstream::raw(|stream, _| async move {
        let mut builder = h2::server::Builder::new();
        builder
            .initial_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .max_concurrent_streams(2000);
        let mut conn = builder.handshake::<_, Bytes>(stream).await?;
        while let Some(accepted) = conn.accept().await {
            let (request, mut respond) = accepted?;
            tokio::spawn(async move {
                let path = request.uri().path().to_owned();
                let mut body = request.into_body();
                let mut head = http::Response::new(());
                if path.starts_with("/down/") {
                    let length = wanted(&path);
                    head.headers_mut().insert("content-length", length.into());
                    let mut body = respond.send_response(head, false)?;
                    pour(&mut body, length, &AtomicU64::new(0)).await?;
                } else if path.starts_with("/echo") {
                    let mut back = respond.send_response(head, false)?;
                    while let Some(data) = body.data().await {
                        let data = data?;
                        body.flow_control().release_capacity(data.len())?;
                        back.send_data(data, false)?;
                    }
                    back.send_data(Bytes::new(), true)?;
                } else {
                    let length = drain(&mut body).await?;
                    let mut body = respond.send_response(head, false)?;
                    body.send_data(length.to_string().into(), true)?;
                }
                anyhow::Ok(())
            });
        }
        Ok(())
    })
    .await
}

/// The same in HTTP/1.1, without `/echo`.
pub(crate) async fn server1() -> Result<Upstream> {
    Upstream::raw(|stream, _| async move {
        let mut conn = Http1::of(stream);
        let hour = std::time::Duration::from_secs(3600);
        while let Some(head) = conn.head(hour).await? {
            if head.target().starts_with("/down/") {
                let length = wanted(head.target());
                conn.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
                ))
                .await?;
                write(conn.raw.stream(), length, &AtomicU64::new(0)).await?;
            } else {
                let length = head
                    .field("content-length")
                    .and_then(|length| length.parse().ok());
                let length: u64 = length.context("no length")?;
                take(&mut conn, length).await?;
                let text = length.to_string();
                conn.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
                    text.len()
                ))
                .await?;
            }
        }
        Ok(())
    })
    .await
}

/// Writes a body of this length to a socket.
pub(crate) async fn write(stream: &mut TcpStream, length: u64, sent: &AtomicU64) -> Result<()> {
    let pattern = Pattern::new();
    let mut place = 0;
    while place < length {
        let part = pattern.part(place, PART.min((length - place) as usize));
        stream.write_all(&part).await?;
        place += part.len() as u64;
        sent.store(place, Ordering::SeqCst);
    }
    Ok(())
}

/// Reads a body of this length.
pub(crate) async fn take(conn: &mut Http1, length: u64) -> Result<()> {
    let pattern = Pattern::new();
    let mut place = 0;
    loop {
        let have = conn.raw.buffer.len().min((length - place) as usize);
        let part: Vec<u8> = conn.raw.buffer.drain(..have).collect();
        pattern.check(place, &part)?;
        place += have as u64;
        if place == length {
            return Ok(());
        }
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        ensure!(
            conn.raw.fill(deadline).await?,
            "closed behind {place} of {length}"
        );
    }
}

/// A client of HTTP/2 that is driven by a task of its own.
pub(crate) async fn client2(address: SocketAddr) -> Result<h2::client::SendRequest<Bytes>> {
    let stream = TcpStream::connect(address).await?;
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(1 << 20)
        .initial_connection_window_size(4 << 20);
    let (client, driver) = builder.handshake(stream).await?;
    tokio::spawn(driver);
    Ok(client)
}

/// How much was sent, seen from elsewhere.
pub(crate) fn counter() -> Arc<AtomicU64> {
    Arc::default()
}
