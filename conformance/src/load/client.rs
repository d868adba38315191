//! The connections that a load shares.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;

use super::Talk;
use crate::scripted::{Call, Kind, Wire};

/// Connections of a protocol that carries many requests at once.
const CONNECTIONS: usize = 8;
/// What a gRPC message of no bytes is on the wire.
pub(super) const MESSAGE: Bytes = Bytes::from_static(&[0; 5]);

/// Connections to the proxy, made as they are needed. All of them stay while it lives.
pub struct Client {
    address: SocketAddr,
    next: AtomicUsize,
    kind: Connections,
}

enum Connections {
    Dubbo(Vec<Dubbo>),
    Grpc(Vec<SendRequest<Bytes>>),
    /// Those that nobody uses.
    Http1(Mutex<Vec<TcpStream>>),
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// If the proxy takes no connection.
    pub async fn connect(talk: Talk, address: SocketAddr) -> Result<Self> {
        let kind = match talk {
            Talk::Http1 => Connections::Http1(Mutex::default()),
            Talk::Dubbo => {
                let mut all = Vec::new();
                for _ in 0..CONNECTIONS {
                    all.push(Dubbo::connect(address).await?);
                }
                Connections::Dubbo(all)
            }
            Talk::Grpc => {
                let mut all = Vec::new();
                for _ in 0..CONNECTIONS {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    let (sender, connection) = h2::client::handshake(stream).await?;
                    tokio::spawn(connection);
                    all.push(sender);
                }
                Connections::Grpc(all)
            }
        };
        Ok(Self {
            address,
            next: AtomicUsize::new(0),
            kind,
        })
    }

    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    /// If the answer is anything but success.
    pub async fn call(&self) -> Result<()> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let at = turn % CONNECTIONS;
        match &self.kind {
            Connections::Dubbo(all) => {
                let connection = all.get(at).context("no connection")?;
                connection.call(turn as u64).await
            }
            Connections::Grpc(all) => {
                let connection = all.get(at).context("no connection")?;
                grpc(connection.clone()).await
            }
            Connections::Http1(idle) => {
                let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut stream = match free {
                    Some(stream) => stream,
                    None => TcpStream::connect(self.address).await?,
                };
                let status = http1(&mut stream).await?;
                idle.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(stream);
                ensure!(status == b"200", "not a 200");
                Ok(())
            }
        }
    }
}

/// The status; the connection is good for another request.
async fn http1(stream: &mut TcpStream) -> Result<Vec<u8>> {
    stream.set_nodelay(true)?;
    stream
        .write_all(b"GET /load HTTP/1.1\r\nHost: load.test\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    loop {
        ensure!(stream.read_buf(&mut answer).await? > 0, "closed");
        let Some(end) = answer.windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|value| value.trim().parse::<usize>().ok())
            .context("an answer of no length")?;
        if answer.len() >= end + 4 + length {
            return Ok(answer.get(9..12).unwrap_or_default().to_vec());
        }
    }
}

async fn grpc(connection: SendRequest<Bytes>) -> Result<()> {
    let mut connection = connection.ready().await?;
    let request = Request::post("http://load.test/load.Load/Call")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())?;
    let (answer, mut body) = connection.send_request(request, false)?;
    body.send_data(MESSAGE, true)?;
    let (head, mut body) = answer.await?.into_parts();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
    }
    let trailers = body.trailers().await?.unwrap_or(head.headers);
    let status = trailers.get("grpc-status").context("no status")?;
    ensure!(status == "0", "status {status:?}");
    Ok(())
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<u16>>>>;

/// A Dubbo connection.
struct Dubbo {
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Waiting,
}

impl Dubbo {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let waiting = Waiting::default();
        tokio::spawn({
            let waiting = waiting.clone();
            async move {
                let _ = read(reader, &waiting).await;
                // Whoever waits still finds that nothing comes.
                waiting
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clear();
            }
        });
        Ok(Self {
            writer: tokio::sync::Mutex::new(writer),
            waiting,
        })
    }

    async fn call(&self, id: u64) -> Result<()> {
        let (sender, answer) = oneshot::channel();
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, sender);
        let request = Wire::Dubbo.request(id, &Call::echo("load"));
        self.writer.lock().await.write_all(&request).await?;
        let status = answer.await.context("the connection was lost")?;
        ensure!(status == Wire::Dubbo.success(), "status {status}");
        Ok(())
    }
}

async fn read(mut reader: OwnedReadHalf, waiting: &Waiting) -> Result<()> {
    let mut bytes = Vec::new();
    while reader.read_buf(&mut bytes).await? > 0 {
        while let Some(length) = Wire::Dubbo.length(&bytes)?
            && bytes.len() >= length
        {
            let rest = bytes.split_off(length);
            let frame = Wire::Dubbo.parse(std::mem::replace(&mut bytes, rest))?;
            if frame.kind == Kind::Response {
                let sender = waiting
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&frame.id);
                if let Some(sender) = sender {
                    let _ = sender.send(frame.status);
                }
            }
        }
    }
    Ok(())
}
