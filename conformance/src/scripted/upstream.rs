//! A server that does to each connection what its script says.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::conn::Conn;
use super::wire::{Frame, Kind, Wire};

/// A scripted server on a loopback port. It and its connections end when it is dropped.
pub struct Upstream {
    address: SocketAddr,
    seen: Arc<Seen>,
    accepting: AbortHandle,
}

/// What a server saw.
#[derive(Debug, Default)]
pub struct Seen {
    connections: AtomicUsize,
    open: AtomicUsize,
    frames: Mutex<Vec<Frame>>,
    notes: Mutex<Vec<String>>,
}

impl Seen {
    /// Connections made so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Connections that its scripts have not ended with.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Writes down what a script saw, for the test to look at.
    pub fn note(&self, what: &str) {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what.to_owned());
    }

    /// What was written down.
    pub fn notes(&self) -> Vec<String> {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until this was written down.
    pub async fn noted(&self, what: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.notes().iter().any(|note| note == what) {
            if Instant::now() > end {
                bail!("no {what:?} came among {:?}", self.notes());
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Keeps a frame for the test to look at.
    pub fn keep(&self, frame: Frame) {
        self.frames
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(frame);
    }

    /// Frames that were kept.
    pub fn frames(&self) -> Vec<Frame> {
        self.frames
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many frames were kept.
    pub fn count(&self) -> usize {
        self.frames
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Waits until `count` frames were kept.
    pub async fn reaches(&self, count: usize) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        while self.count() < count {
            if Instant::now() > end {
                bail!("the server saw {} frames instead of {count}", self.count());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Upstream {
    /// A server that runs `script` for each connection.
    pub async fn raw<F, R>(script: F) -> Result<Self>
    where
        F: Fn(TcpStream, Arc<Seen>) -> R + Send + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    seen.connections.fetch_add(1, Ordering::SeqCst);
                    seen.open.fetch_add(1, Ordering::SeqCst);
                    let run = script(stream, seen.clone());
                    let seen = seen.clone();
                    connections.spawn(async move {
                        // A peer that resets is the test's business, and it sees it.
                        let _ = run.await;
                        seen.open.fetch_sub(1, Ordering::SeqCst);
                    });
                    while connections.try_join_next().is_some() {}
                }
            }
        });
        Ok(Self {
            address,
            seen,
            accepting: task.abort_handle(),
        })
    }

    /// A server that runs `script` for each connection, frame by frame.
    pub async fn start<F, R>(wire: Wire, script: F) -> Result<Self>
    where
        F: Fn(Conn, Arc<Seen>) -> R + Send + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        Self::raw(move |stream, seen| script(Conn::of(wire, stream), seen)).await
    }

    /// A server that answers each call with its argument, keeps all calls, and answers heartbeats.
    pub async fn echo(wire: Wire) -> Result<Self> {
        Self::start(wire, move |mut conn, seen| async move {
            while let Some(frame) = conn.next_ever().await? {
                match frame.kind {
                    Kind::Request => conn.respond(frame.id, &frame.payload).await?,
                    Kind::Ping => conn.send(&wire.pong(frame.id)).await?,
                    _ => {}
                }
                if frame.kind != Kind::Ping {
                    seen.keep(frame);
                }
            }
            Ok(())
        })
        .await
    }

    /// A server that answers whatever has the shape of a frame: calls with their argument, what it does not understand
    /// with an empty value.
    pub async fn tolerant(wire: Wire) -> Result<Self> {
        Self::start(wire, move |mut conn, _| async move {
            while let Some(image) = conn.image().await? {
                let id = wire.id(&image).unwrap_or_default();
                let payload = wire.parse(image).map(|frame| frame.payload);
                conn.respond(id, &payload.unwrap_or_default()).await?;
            }
            Ok(())
        })
        .await
    }

    /// A server that reads everything and answers nothing.
    pub async fn silent() -> Result<Self> {
        Self::raw(|mut stream, _| async move {
            let mut buffer = vec![0; 64 << 10];
            while stream.read(&mut buffer).await? > 0 {}
            Ok(())
        })
        .await
    }

    /// A server that never reads.
    pub async fn deaf() -> Result<Self> {
        Self::raw(|stream, _| async move {
            std::future::pending::<()>().await;
            drop(stream);
            Ok(())
        })
        .await
    }

    /// A server that reads a little of each connection and closes it.
    pub async fn resetting() -> Result<Self> {
        Self::raw(|mut stream, _| async move {
            let mut some = [0; 64];
            anyhow::ensure!(stream.read(&mut some).await? > 0);
            Ok(())
        })
        .await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it saw.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
