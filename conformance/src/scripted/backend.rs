//! HTTP servers that keep what they see.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use super::http1::{Http1, Text};
use super::http2::{Half, Http2};
use super::upstream::{Seen, Upstream};

/// A server that keeps the requests it saw.
pub struct Backend<T> {
    upstream: Upstream,
    log: Arc<Mutex<Vec<T>>>,
}

/// The answer of a server that has nothing to say.
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

impl Backend<Text> {
    /// An HTTP/1.1 server that answers each request with the bytes that `answer` makes of it, as they are. Requests that
    /// broke off are kept and not answered.
    pub async fn http1<A>(answer: A) -> Result<Self>
    where
        A: Fn(&Text) -> Vec<u8> + Send + Sync + 'static,
    {
        let log: Arc<Mutex<Vec<Text>>> = Arc::default();
        let answer = Arc::new(answer);
        let upstream = Upstream::raw({
            let log = log.clone();
            move |stream, _| {
                let (log, answer) = (log.clone(), answer.clone());
                async move {
                    let mut conn = Http1::of(stream);
                    while let Some(request) = conn.request().await? {
                        log.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(request.clone());
                        if !request.complete {
                            break;
                        }
                        conn.send(answer(&request)).await?;
                    }
                    Ok(())
                }
            }
        })
        .await?;
        Ok(Self { upstream, log })
    }

    /// One that answers `ok` to everything.
    pub async fn ok() -> Result<Self> {
        Self::http1(|_| OK.into()).await
    }

    /// One that answers with the target, so that answers can be told from one another.
    pub async fn targets() -> Result<Self> {
        Self::http1(|request| ok_with(request.target())).await
    }
}

/// A 200 with this body.
pub fn ok_with(body: &str) -> Vec<u8> {
    ok_with_bytes(body.as_bytes())
}

/// The same of bytes.
pub fn ok_with_bytes(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    bytes.extend(body);
    bytes
}

impl Backend<Half> {
    /// An HTTP/2 server that answers each request, once it is complete, with the status, fields and body that `answer`
    /// makes of it. gRPC calls get status 0 in trailers behind the body.
    pub async fn http2<A>(answer: A) -> Result<Self>
    where
        A: Fn(&Half) -> Vec<u8> + Send + Sync + 'static,
    {
        let log: Arc<Mutex<Vec<Half>>> = Arc::default();
        let answer = Arc::new(answer);
        let upstream = Upstream::raw({
            let log = log.clone();
            move |stream, _| {
                let (log, answer) = (log.clone(), answer.clone());
                async move {
                    let mut conn = Http2::accept(stream).await?;
                    while let Some(stream) = conn.next_complete().await? {
                        let half = conn.halves.remove(&stream).unwrap_or_default();
                        let body = answer(&half);
                        let kind = half.field("content-type").unwrap_or_default();
                        let grpc = kind.starts_with("application/grpc");
                        log.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(half);
                        match grpc {
                            true => conn.reply(stream, &body, 0).await?,
                            false => conn.respond(stream, &[(":status", "200")], &body).await?,
                        }
                    }
                    Ok(())
                }
            }
        })
        .await?;
        Ok(Self { upstream, log })
    }

    /// One that answers `ok` to everything.
    pub async fn ok2() -> Result<Self> {
        Self::http2(|_| b"ok".to_vec()).await
    }
}

impl<T: Clone> Backend<T> {
    /// A server that writes what it saw into `log`.
    pub(super) fn of(upstream: Upstream, log: Arc<Mutex<Vec<T>>>) -> Self {
        Self { upstream, log }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.upstream.address()
    }

    /// Its connections.
    pub fn seen(&self) -> &Seen {
        self.upstream.seen()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<T> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes the requests so far out.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until it saw so many requests.
    pub async fn reaches(&self, count: usize) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let seen = self.requests().len();
            if seen >= count {
                return Ok(());
            }
            ensure!(
                Instant::now() < end,
                "the server saw {seen} requests instead of {count}"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }
}
