//! A connection as bytes.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a script waits for what must come, unless it was told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(20);

static TOLD: OnceLock<Duration> = OnceLock::new();

/// How long scripts wait for what must come: [`PATIENCE`], or what [`set_patience`] said.
pub fn patience() -> Duration {
    TOLD.get().copied().unwrap_or(PATIENCE)
}

/// Makes all scripts of this process wait for so long. Only the first call counts.
pub fn set_patience(time: Duration) {
    let _ = TOLD.set(time);
}

/// Room for what is read at once.
const ROOM: usize = 64 << 10;

/// Either end of a connection, with what came and was not looked at yet.
pub struct Raw {
    stream: TcpStream,
    /// What came.
    pub buffer: Vec<u8>,
}

impl Raw {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = timeout(patience(), TcpStream::connect(address)).await;
        Ok(Self::of(stream.with_context(|| {
            format!("{address} takes no connection")
        })??))
    }

    /// An end that is there.
    pub fn of(stream: TcpStream) -> Self {
        // What a test cuts in two must leave in two.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let sent = timeout(patience(), self.stream.write_all(bytes.as_ref())).await;
        sent.context("the peer does not read")?
            .context("cannot write")
    }

    /// No more bytes from this side.
    pub async fn finish(&mut self) -> Result<()> {
        Ok(self.stream.shutdown().await?)
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }

    /// The socket, to be written to.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The socket itself.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Waits until something more is in the buffer; false if the peer sends no more.
    ///
    /// # Errors
    /// If nothing comes until `deadline`, or the connection was reset.
    pub async fn fill(&mut self, deadline: Instant) -> Result<bool> {
        self.buffer.reserve(ROOM);
        let read = timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await;
        Ok(read.context("nothing came in time")?? > 0)
    }

    /// As [`Self::fill`], and a reset counts as an end.
    pub async fn more(&mut self, deadline: Instant) -> Result<bool> {
        self.buffer.reserve(ROOM);
        let read = timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await;
        Ok(matches!(read.context("nothing came in time")?, Ok(1..)))
    }

    /// So many bytes.
    pub async fn exactly(&mut self, count: usize) -> Result<Vec<u8>> {
        let deadline = Instant::now() + patience();
        while self.buffer.len() < count {
            if !self.fill(deadline).await? {
                let came = String::from_utf8_lossy(&self.buffer).into_owned();
                bail!("closed behind {came:?}");
            }
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// All that comes until the peer ends the connection, in whatever way, which it must within this time.
    pub async fn rest(&mut self, within: Duration) -> Result<Vec<u8>> {
        let deadline = Instant::now() + within;
        while self
            .more(deadline)
            .await
            .with_context(|| format!("still open after {within:?}"))?
        {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Checks that for so long nothing comes and nothing closes.
    pub async fn quiet(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        if self.buffer.is_empty() && self.fill(deadline).await.is_err() {
            return Ok(());
        }
        match self.buffer.as_slice() {
            [] => bail!("the peer closed the connection"),
            some => bail!("something came: {:?}", String::from_utf8_lossy(some)),
        }
    }
}
