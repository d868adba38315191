//! Servers that begin HTTP/2 as they should, and then do what a request finds wrong with them.

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::upstream::Upstream;

/// What a client sends first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;
/// The largest frame that a peer may send which was told nothing else.
const LARGEST: u64 = 16 << 10;

impl Upstream {
    /// A server of HTTP/2 that reads everything and answers no request.
    pub async fn silent_http2() -> Result<Self> {
        Self::raw(|mut stream, _| async move {
            until_request(&mut stream).await?;
            let mut buffer = vec![0; 64 << 10];
            while stream.read(&mut buffer).await? > 0 {}
            Ok(())
        })
        .await
    }

    /// A server of HTTP/2 that closes the connection when a request comes.
    pub async fn resetting_http2() -> Result<Self> {
        Self::raw(|mut stream, _| async move { until_request(&mut stream).await }).await
    }
}

/// Exchanges SETTINGS and reads on to the head of the first request.
async fn until_request(stream: &mut TcpStream) -> Result<()> {
    stream.write_all(&empty(SETTINGS, 0)).await?;
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface).await?;
    ensure!(preface == PREFACE, "not a client of HTTP/2");
    loop {
        // RFC 9113 §4.1: length, type, flags, stream.
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [long, middle, short, kind, flags, ..] = head;
        let length = u64::from(u32::from_be_bytes([0, long, middle, short]));
        if length > LARGEST {
            bail!("a frame of {length} bytes");
        }
        let mut payload = (&mut *stream).take(length);
        tokio::io::copy(&mut payload, &mut tokio::io::sink()).await?;
        match kind {
            HEADERS => return Ok(()),
            SETTINGS if flags & ACK == 0 => stream.write_all(&empty(SETTINGS, ACK)).await?,
            _ => {}
        }
    }
}

/// A frame of the connection's without a payload.
const fn empty(kind: u8, flags: u8) -> [u8; 9] {
    [0, 0, 0, kind, flags, 0, 0, 0, 0]
}
