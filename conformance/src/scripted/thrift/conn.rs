//! Either end of a Thrift connection, message by message.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::super::backend::Backend;
use super::super::raw::{Raw, patience};
use super::super::upstream::Upstream;
use super::{CALL, Dialect, Message};

/// A connection in one dialect: the one it was made with, or that of the first message that comes.
pub struct Thrift {
    /// The bytes.
    pub raw: Raw,
    dialect: Option<Dialect>,
}

impl Thrift {
    /// Connects.
    pub async fn connect(dialect: Dialect, address: SocketAddr) -> Result<Self> {
        let raw = Raw::connect(address).await?;
        let dialect = Some(dialect);
        Ok(Self { raw, dialect })
    }

    /// The server's end, which speaks what its client does.
    pub fn of(stream: TcpStream) -> Self {
        Self {
            raw: Raw::of(stream),
            dialect: None,
        }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.raw.send(bytes).await
    }

    /// The next message; None if the peer closed between two.
    pub async fn next(&mut self) -> Result<Option<Message>> {
        self.next_by(Instant::now() + patience())
            .await
            .context("waiting for a message")
    }

    /// The next message, however long it takes; for servers, which end with their test.
    pub async fn next_ever(&mut self) -> Result<Option<Message>> {
        self.next_by(Instant::now() + Duration::from_secs(3600))
            .await
    }

    /// The next message, which must come.
    pub async fn message(&mut self) -> Result<Message> {
        self.next().await?.context("the peer closed the connection")
    }

    async fn next_by(&mut self, deadline: Instant) -> Result<Option<Message>> {
        loop {
            if self.dialect.is_none() {
                self.dialect = Dialect::detect(&self.raw.buffer)?;
            }
            if let Some(dialect) = self.dialect
                && let Some((message, length)) = dialect.read(&self.raw.buffer)?
            {
                self.raw.buffer.drain(..length);
                return Ok(Some(message));
            }
            if !self.raw.fill(deadline).await? {
                let left = &self.raw.buffer;
                ensure!(
                    left.is_empty(),
                    "closed in the middle of a message: {left:02x?}"
                );
                return Ok(None);
            }
        }
    }

    fn own(&self) -> Result<Dialect> {
        self.dialect.context("the dialect is not known yet")
    }

    /// Calls `echo` and checks that its argument comes back, byte for byte in this dialect.
    pub async fn echo(&mut self, seqid: i32, payload: &[u8]) -> Result<()> {
        self.call("echo", seqid, payload).await
    }

    /// The same with a name, which is bare in the answer.
    pub async fn call(&mut self, name: &str, seqid: i32, payload: &[u8]) -> Result<()> {
        self.send(self.own()?.call(name, seqid, payload)).await?;
        self.expect(name, seqid, payload).await
    }

    /// The next message, which must be the answer of an echoing server to this call.
    pub async fn expect(&mut self, name: &str, seqid: i32, payload: &[u8]) -> Result<()> {
        let method = name.split_once(':').map_or(name, |(_, method)| method);
        let expected = self.own()?.reply(method, seqid, payload);
        let message = self.message().await?;
        if let Some((text, code)) = message.exception() {
            bail!("{name} was answered with exception {code}: {text}");
        }
        ensure!(
            message.bytes == expected,
            "{name} was answered with {:?} and {} bytes of value",
            message.start,
            message.payload().len()
        );
        Ok(())
    }

    /// The next message, which must be a `TApplicationException` of this type, for this method and under this seqid, in
    /// this dialect. Gives its text.
    pub async fn exception(&mut self, method: &str, seqid: i32, code: i32) -> Result<String> {
        let message = self.message().await?;
        let dialect = self.own()?;
        let Some((text, came)) = message.exception() else {
            bail!("{:?} came for an exception", message.start);
        };
        ensure!(came == code, "exception {came} instead of {code}: {text}");
        ensure!(
            message.bytes == dialect.exception(method, seqid, &text, code),
            "{:?} with seqid {} outside instead of an exception for {method} {seqid}",
            message.start,
            message.outer
        );
        Ok(text)
    }

    /// Checks that the peer closes within this time and sends nothing before.
    pub async fn closes(&mut self, within: Duration) -> Result<()> {
        let rest = self.raw.rest(within).await?;
        ensure!(rest.is_empty(), "before the end came {rest:02x?}");
        Ok(())
    }

    /// Checks that for so long nothing comes and nothing closes.
    pub async fn quiet(&mut self, time: Duration) -> Result<()> {
        self.raw.quiet(time).await
    }
}

impl Backend<Message> {
    /// A Thrift server that speaks what each connection's client does, and answers each message with the bytes that
    /// `answer` makes of it.
    pub async fn thrift<A>(answer: A) -> Result<Self>
    where
        A: Fn(&Message) -> Vec<u8> + Send + Sync + 'static,
    {
        let log: Arc<Mutex<Vec<Message>>> = Arc::default();
        let answer = Arc::new(answer);
        let upstream = Upstream::raw({
            let log = log.clone();
            move |stream, _| {
                let (log, answer) = (log.clone(), answer.clone());
                async move {
                    let mut conn = Thrift::of(stream);
                    while let Some(message) = conn.next_ever().await? {
                        let bytes = answer(&message);
                        log.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(message);
                        conn.send(bytes).await?;
                    }
                    Ok(())
                }
            }
        })
        .await?;
        Ok(Self::of(upstream, log))
    }

    /// One that answers calls with their argument, and one-way calls not at all.
    pub async fn thrift_echo() -> Result<Self> {
        Self::thrift(|message| match message.start.kind {
            CALL => message.echo(),
            _ => Vec::new(),
        })
        .await
    }
}
