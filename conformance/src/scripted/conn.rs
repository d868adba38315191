//! Either end of a connection, frame by frame.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::raw::patience;
use super::wire::{Call, Failure, Frame, Kind, Wire};

/// A connection that a script holds.
pub struct Conn {
    wire: Wire,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Conn {
    /// Connects.
    pub async fn connect(wire: Wire, address: SocketAddr) -> Result<Self> {
        let stream = timeout(patience(), TcpStream::connect(address)).await;
        let stream = stream.with_context(|| format!("{address} takes no connection"))??;
        Ok(Self::of(wire, stream))
    }

    /// An end that is there.
    pub fn of(wire: Wire, stream: TcpStream) -> Self {
        // What a test cuts in two must leave in two.
        let _ = stream.set_nodelay(true);
        Self {
            wire,
            stream,
            buffer: Vec::new(),
        }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = timeout(patience(), self.stream.write_all(bytes)).await;
        sent.context("the peer does not read")?
            .context("cannot write")
    }

    /// Writes a request.
    pub async fn request(&mut self, id: u64, call: &Call) -> Result<()> {
        self.send(&self.wire.request(id, call)).await
    }

    /// Writes a successful answer.
    pub async fn respond(&mut self, id: u64, payload: &[u8]) -> Result<()> {
        self.send(&self.wire.response(id, payload)).await
    }

    /// No more bytes from this side.
    pub async fn finish(&mut self) -> Result<()> {
        Ok(self.stream.shutdown().await?)
    }

    /// The socket itself.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// The next frame; None if the peer closed between two.
    pub async fn next(&mut self) -> Result<Option<Frame>> {
        self.next_by(Instant::now() + patience())
            .await
            .context("waiting for a frame")
    }

    /// The next frame, however long it takes; for servers, which end with their test.
    pub async fn next_ever(&mut self) -> Result<Option<Frame>> {
        self.next_by(Instant::now() + Duration::from_secs(3600))
            .await
    }

    /// The next frame, which must come.
    pub async fn frame(&mut self) -> Result<Frame> {
        self.next().await?.context("the peer closed the connection")
    }

    async fn next_by(&mut self, deadline: Instant) -> Result<Option<Frame>> {
        match self.image_by(deadline).await? {
            Some(image) => self.wire.parse(image).map(Some),
            None => Ok(None),
        }
    }

    /// The next frame as it is on the wire, whatever it holds, however long it takes; None if the peer closed.
    pub async fn image(&mut self) -> Result<Option<Vec<u8>>> {
        self.image_by(Instant::now() + Duration::from_secs(3600))
            .await
    }

    /// The next frame as it is on the wire, within this time; None if the peer closed.
    pub async fn image_within(&mut self, time: Duration) -> Result<Option<Vec<u8>>> {
        self.image_by(Instant::now() + time)
            .await
            .context("waiting for a frame")
    }

    /// All that comes until the peer ends the connection, in whatever way, which it must within this time.
    pub async fn rest(&mut self, within: Duration) -> Result<Vec<u8>> {
        let deadline = Instant::now() + within;
        loop {
            let read = timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await;
            let read = read.with_context(|| format!("still open after {within:?}"))?;
            if !matches!(read, Ok(1..)) {
                return Ok(std::mem::take(&mut self.buffer));
            }
        }
    }

    async fn image_by(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(image) = self.buffered()? {
                return Ok(Some(image));
            }
            let read = timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await;
            if read.context("nothing came in time")?? == 0 {
                ensure!(self.buffer.is_empty(), "closed in the middle of a frame");
                return Ok(None);
            }
        }
    }

    /// A frame that came already.
    fn buffered(&mut self) -> Result<Option<Vec<u8>>> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        match self.wire.length(&self.buffer)? {
            Some(length) if length <= self.buffer.len() => {
                let rest = self.buffer.split_off(length);
                Ok(Some(std::mem::replace(&mut self.buffer, rest)))
            }
            _ => Ok(None),
        }
    }

    /// The next answer, whose id and payload must be these.
    pub async fn expect(&mut self, id: u64, payload: &[u8]) -> Result<()> {
        let frame = self.frame().await?;
        ensure!(
            frame.kind == Kind::Response,
            "a {:?} came for an answer",
            frame.kind
        );
        ensure!(
            frame.status == self.wire.success(),
            "{:?} {id} was answered with status {}: {}",
            self.wire,
            frame.status,
            String::from_utf8_lossy(&frame.payload)
        );
        ensure!(
            frame.id == id,
            "an answer for {} came instead of one for {id}",
            frame.id
        );
        ensure!(
            frame.payload == payload,
            "the answer for {id} is another one's"
        );
        Ok(())
    }

    /// The next answer, which must be this failure.
    pub async fn expect_failure(&mut self, id: u64, failure: Failure) -> Result<()> {
        self.expect_one_of(id, &[failure]).await
    }

    /// The next answer, which must be one of these failures.
    pub async fn expect_one_of(&mut self, id: u64, failures: &[Failure]) -> Result<()> {
        let frame = self.frame().await?;
        ensure!(
            frame.kind == Kind::Response,
            "a {:?} came for an answer",
            frame.kind
        );
        ensure!(
            frame.id == id,
            "an answer for {} came instead of one for {id}",
            frame.id
        );
        let text = String::from_utf8_lossy(&frame.payload);
        let is = |failure: &Failure| {
            let told = match self.wire {
                Wire::Dubbo => text.contains(failure.text()),
                // Java would read a body as an exception, in a dialect that nobody knows.
                _ => text.is_empty(),
            };
            told && frame.status == self.wire.status(*failure)
        };
        ensure!(
            failures.iter().any(is),
            "{:?}: status {} ({text:?}) instead of {failures:?}",
            self.wire,
            frame.status
        );
        Ok(())
    }

    /// Makes a call and checks that its argument comes back.
    pub async fn echo(&mut self, id: u64, payload: &[u8]) -> Result<()> {
        self.request(id, &Call::echo(payload)).await?;
        self.expect(id, payload).await
    }

    /// Checks that for so long nothing comes and nothing closes.
    pub async fn quiet(&mut self, time: Duration) -> Result<()> {
        if let Some(image) = self.buffered()? {
            let frame = self.wire.parse(image)?;
            bail!(
                "there is a {:?} (id {}, status {})",
                frame.kind,
                frame.id,
                frame.status
            );
        }
        match timeout(time, self.stream.read_buf(&mut self.buffer)).await {
            Err(_) => Ok(()),
            Ok(Ok(0)) => bail!("the peer closed the connection"),
            Ok(Ok(_)) => bail!(
                "something came: {:02x?}",
                self.buffer.get(..24.min(self.buffer.len()))
            ),
            Ok(Err(error)) => Err(error.into()),
        }
    }

    /// Checks that the peer closes within this time and sends no frame before.
    pub async fn closes(&mut self, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        loop {
            ensure!(
                self.buffer.is_empty(),
                "something came: {:02x?}",
                self.buffer.get(..24.min(self.buffer.len()))
            );
            match timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await {
                Err(_) => bail!("still open after {within:?}"),
                // A reset is an end too.
                Ok(Ok(0) | Err(_)) => return Ok(()),
                Ok(Ok(_)) => {}
            }
        }
    }
}
