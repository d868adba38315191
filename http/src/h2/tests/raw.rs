//! A peer of raw frames, which may break every rule.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::h2::server::PREFACE;
use crate::h2::support::soon;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;
pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const CALM: u32 = 11;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The number at `at` of the payload.
    pub(super) fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A field in HPACK, without indexing and without Huffman (RFC 7541 §6.2.2).
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        assert!(text.len() < 127);
        bytes.push(text.len() as u8);
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// The block of a request for `/`.
pub(super) fn get() -> Vec<u8> {
    [
        field(":method", "GET"),
        field(":scheme", "http"),
        field(":path", "/"),
        field(":authority", "a.example"),
    ]
    .concat()
}

pub(super) struct Raw {
    io: DuplexStream,
    buffer: BytesMut,
}

impl Raw {
    /// A client that has said hello.
    pub(super) async fn client(io: DuplexStream) -> Self {
        Self::saying(io, &[&PREFACE[..], &frame(SETTINGS, 0, 0, b"")].concat()).await
    }

    /// A client that has said this.
    pub(super) async fn saying(io: DuplexStream, bytes: &[u8]) -> Self {
        let mut raw = Self {
            io,
            buffer: BytesMut::new(),
        };
        raw.send(bytes).await;
        raw
    }

    /// Writes; that nobody takes it any more is no failure.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        let _ = soon(self.io.write_all(bytes)).await;
    }

    /// The next frame; None at the end.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if self.buffer.len() >= 9 {
                let head = &self.buffer[..9];
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                if self.buffer.len() >= 9 + length {
                    let bytes = self.buffer.split_to(9 + length);
                    return Some(Frame {
                        kind: bytes[3],
                        flags: bytes[4],
                        stream: u32::from_be_bytes(bytes[5..9].try_into().unwrap()),
                        payload: bytes[9..].to_vec(),
                    });
                }
            }
            if soon(self.io.read_buf(&mut self.buffer)).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next frame of a kind, others left out.
    pub(super) async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// Writes in the background, since the other end may stop reading. What comes meanwhile is read.
    pub(super) async fn flood(&mut self, bytes: Vec<u8>) -> Option<Frame> {
        let (mut read, mut write) = tokio::io::split(&mut self.io);
        let writing = async {
            let _ = write.write_all(&bytes).await;
            std::future::pending::<()>().await;
        };
        let reading = async { while read.read_buf(&mut self.buffer).await.unwrap_or(0) > 0 {} };
        soon(async {
            tokio::select! {
                () = writing => {}
                () = reading => {}
            }
        })
        .await;
        self.next_of(GOAWAY).await
    }
}
