//! HTTP/1.1 as a peer reads it that trusts nobody: slowly, and with a reader of its own.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The first line of a head, and its fields with lower-case names.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        let value = self.get(name)?;
        Some(value.parse().expect("a number"))
    }

    pub(crate) fn status(&self) -> u16 {
        let word = self.line.split(' ').nth(1).expect("a status");
        word.parse().expect("a status")
    }

    fn read(text: &[u8]) -> Self {
        let text = std::str::from_utf8(text)
            .unwrap_or_else(|_| panic!("no head: {}", text.escape_ascii()));
        let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
        let line = lines.next().expect("a first line").to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').expect("a field");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self {
            fields: lines.map(field).collect(),
            line,
        }
    }
}

/// A body, whole.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) data: Vec<u8>,
    pub(crate) trailers: Option<Head>,
}

pub(crate) struct Reader<R> {
    io: R,
    pub(crate) buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(crate) fn new(io: R) -> Self {
        Self {
            io,
            buffer: BytesMut::new(),
        }
    }

    /// False at the end; None if the connection is lost.
    async fn fill(&mut self) -> Option<bool> {
        let read = self.io.read_buf(&mut self.buffer).await.ok()?;
        Some(read > 0)
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(&mut self) {
        while self.fill().await == Some(true) {
            self.buffer.clear();
        }
    }

    async fn until(&mut self, end: &[u8]) -> Option<BytesMut> {
        loop {
            let found = self.buffer.windows(end.len()).position(|at| at == end);
            if let Some(at) = found {
                return Some(self.buffer.split_to(at + end.len()));
            }
            if !self.fill().await? {
                return None;
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<BytesMut> {
        while self.buffer.len() < length {
            if !self.fill().await? {
                return None;
            }
        }
        Some(self.buffer.split_to(length))
    }

    /// The next head; None if the connection ends before it does.
    pub(crate) async fn head(&mut self) -> Option<Head> {
        let text = self.until(b"\r\n\r\n").await?;
        Some(Head::read(&text))
    }

    /// A body after `head`; `bare` if it has none for other reasons; an answer's may last as long as the connection.
    pub(crate) async fn body(&mut self, head: &Head, bare: bool, answer: bool) -> Option<Read> {
        let (mut data, mut trailers) = (Vec::new(), None);
        if bare {
        } else if head.get("transfer-encoding").is_some() {
            loop {
                let line = self.until(b"\r\n").await?;
                let line = std::str::from_utf8(&line).expect("ASCII").trim();
                let length = usize::from_str_radix(line, 16).expect("a chunk's length");
                if length == 0 {
                    break;
                }
                let chunk = self.exactly(length + 2).await?;
                assert!(chunk.ends_with(b"\r\n"), "a chunk's end");
                data.extend_from_slice(&chunk[..length]);
            }
            let mut text = b"trailers\r\n".to_vec();
            loop {
                let line = self.until(b"\r\n").await?;
                if line.len() == 2 {
                    break;
                }
                text.extend_from_slice(&line);
            }
            trailers = Some(Head::read(&text));
        } else if let Some(length) = head.number("content-length") {
            data = self.exactly(length).await?.to_vec();
        } else if answer {
            while self.fill().await? {}
            data = self.buffer.to_vec();
            self.buffer.advance(data.len());
        }
        Some(Read { data, trailers })
    }
}
