//! HTTP/1.1 without a judgement of its own: what comes is kept as it came, and says whether it was complete.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::raw::{Raw, patience};

/// Either end of an HTTP/1.1 connection.
pub struct Http1 {
    /// The bytes below.
    pub raw: Raw,
}

/// A message that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The request or status line.
    pub first: String,
    /// The header fields, as they came.
    pub fields: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// The trailer fields of a chunked body.
    pub trailers: Vec<(String, String)>,
    /// It came to the end that its framing announced.
    pub complete: bool,
}

impl Text {
    /// The first value of a field, whatever its case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// How many fields have this name.
    pub fn count(&self, name: &str) -> usize {
        let same = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().filter(same).count()
    }

    /// The status of a response; 0 if it has none.
    pub fn status(&self) -> u16 {
        let status = self.first.split(' ').nth(1).map(str::parse);
        status.and_then(Result::ok).unwrap_or_default()
    }

    /// The target of a request.
    pub fn target(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn lines(head: &[u8]) -> (String, Vec<(String, String)>) {
    let text: String = head.iter().copied().map(char::from).collect();
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    (first, lines.map(field).collect())
}

fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.to_owned(), value.trim_matches([' ', '\t']).to_owned())
}

impl Http1 {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let raw = Raw::connect(address).await?;
        Ok(Self { raw })
    }

    /// An end that is there.
    pub fn of(stream: TcpStream) -> Self {
        let raw = Raw::of(stream);
        Self { raw }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.raw.send(bytes).await
    }

    /// A GET without a body, and its answer.
    pub async fn get(&mut self, path: &str) -> Result<Text> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
            .await?;
        self.response().await
    }

    /// A head up to its empty line; None if the peer closed before it began.
    ///
    /// # Errors
    /// If it breaks off, or does not come in time.
    pub async fn head(&mut self, within: Duration) -> Result<Option<Text>> {
        let deadline = Instant::now() + within;
        loop {
            let end = self.raw.buffer.windows(4).position(|at| at == b"\r\n\r\n");
            if let Some(end) = end {
                let head: Vec<u8> = self.raw.buffer.drain(..end + 4).collect();
                let (first, fields) = lines(&head);
                return Ok(Some(Text {
                    first,
                    fields,
                    ..Text::default()
                }));
            }
            if !self
                .raw
                .more(deadline)
                .await
                .context("waiting for a head")?
            {
                let came = String::from_utf8_lossy(&self.raw.buffer).into_owned();
                ensure!(came.is_empty(), "closed in the middle of a head: {came:?}");
                return Ok(None);
            }
        }
    }

    /// The next request with its body, however long it takes; None if the peer closed. One that breaks off is not
    /// complete.
    pub async fn request(&mut self) -> Result<Option<Text>> {
        let hour = Duration::from_secs(3600);
        let Some(mut text) = self.head(hour).await? else {
            return Ok(None);
        };
        text.complete = self.body(&mut text, false, hour).await?;
        Ok(Some(text))
    }

    /// The next answer that is not 1xx, with its body.
    pub async fn response(&mut self) -> Result<Text> {
        self.response_to("GET").await
    }

    /// The next answer that is not 1xx, to a request of this method. One whose body breaks off is not complete.
    pub async fn response_to(&mut self, method: &str) -> Result<Text> {
        loop {
            let head = self.head(patience()).await?;
            let mut text = head.context("closed without an answer")?;
            let status = text.status();
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let bare = method == "HEAD" || matches!(status, 101 | 204 | 304);
            text.complete = bare || self.body(&mut text, true, patience()).await?;
            return Ok(text);
        }
    }

    /// The body of a message whose head came. False if it broke off.
    async fn body(&mut self, text: &mut Text, answer: bool, within: Duration) -> Result<bool> {
        let deadline = Instant::now() + within;
        let coding = text.field("transfer-encoding");
        if coding.is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return self.chunks(text, deadline).await;
        }
        if let Some(length) = text.field("content-length") {
            let length: usize = length.parse().context("a strange Content-Length")?;
            let complete = self.reach(length, deadline).await?;
            let length = length.min(self.raw.buffer.len());
            text.body = self.raw.buffer.drain(..length).collect();
            return Ok(complete);
        }
        if answer {
            // To the end of the connection; a reset is no end.
            while self.raw.fill(deadline).await? {}
            text.body = std::mem::take(&mut self.raw.buffer);
        }
        Ok(true)
    }

    async fn reach(&mut self, length: usize, deadline: Instant) -> Result<bool> {
        while self.raw.buffer.len() < length {
            if !self
                .raw
                .more(deadline)
                .await
                .context("waiting for a body")?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn line(&mut self, deadline: Instant) -> Result<Option<String>> {
        loop {
            if let Some(end) = self.raw.buffer.windows(2).position(|at| at == b"\r\n") {
                let line: Vec<u8> = self.raw.buffer.drain(..end + 2).collect();
                let text: String = line.into_iter().map(char::from).collect();
                return Ok(Some(text.trim_end().to_owned()));
            }
            if !self
                .raw
                .more(deadline)
                .await
                .context("waiting for a line")?
            {
                return Ok(None);
            }
        }
    }

    async fn chunks(&mut self, text: &mut Text, deadline: Instant) -> Result<bool> {
        loop {
            let Some(size) = self.line(deadline).await? else {
                return Ok(false);
            };
            let size = usize::from_str_radix(&size, 16)
                .with_context(|| format!("{size:?} is no chunk size"))?;
            if size == 0 {
                break;
            }
            if !self.reach(size + 2, deadline).await? {
                return Ok(false);
            }
            text.body.extend(self.raw.buffer.drain(..size));
            let end: Vec<u8> = self.raw.buffer.drain(..2).collect();
            ensure!(end == b"\r\n", "a chunk that does not end: {end:?}");
        }
        loop {
            match self.line(deadline).await? {
                None => return Ok(false),
                Some(line) if line.is_empty() => return Ok(true),
                Some(line) => text.trailers.push(field(&line)),
            }
        }
    }
}
