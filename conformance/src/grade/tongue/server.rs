//! A server of any protocol, call by call.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::Tongue;
use super::client::APPLICATION;
use crate::scripted::http2;
use crate::scripted::thrift::{CALL, Message, REPLY, Value};
use crate::scripted::{Conn, Http1, Http2, Kind, Raw, Seen, Thrift, Upstream, Wire, hpack};

/// A call that came.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The id, seqid, stream or place that its answer needs.
    pub id: u64,
    /// The argument.
    pub payload: Vec<u8>,
    /// It wants no answer.
    pub one_way: bool,
    /// Of Thrift.
    message: Option<Message>,
}

impl Ask {
    /// Makes its answer one to another call.
    pub fn shift_id(&mut self) {
        self.id ^= 0x0010_0000;
        if let Some(message) = &mut self.message {
            message.start.seqid ^= 0x0010_0000;
        }
    }
}

/// A connection that a server holds.
pub struct Server {
    tongue: Tongue,
    inner: Inner,
}

enum Inner {
    Wire(Wire, Conn),
    Thrift(Thrift),
    Http1(Http1, u64),
    Http2(Http2),
}

impl Server {
    /// Takes a connection.
    pub async fn accept(tongue: Tongue, stream: TcpStream) -> Result<Self> {
        let inner = match tongue {
            Tongue::Wire(wire) => Inner::Wire(wire, Conn::of(wire, stream)),
            Tongue::Thrift(_) => Inner::Thrift(Thrift::of(stream)),
            Tongue::Http1 => Inner::Http1(Http1::of(stream), 0),
            Tongue::Http2 | Tongue::Grpc => Inner::Http2(Http2::accept(stream).await?),
        };
        Ok(Self { tongue, inner })
    }

    /// The next call, however long it takes; None if the peer closed. Heartbeats are answered.
    pub async fn next(&mut self) -> Result<Option<Ask>> {
        match &mut self.inner {
            Inner::Wire(wire, conn) => loop {
                let Some(frame) = conn.next_ever().await? else {
                    return Ok(None);
                };
                match frame.kind {
                    Kind::Ping => conn.send(&wire.pong(frame.id)).await?,
                    Kind::Request | Kind::OneWay => {
                        return Ok(Some(Ask {
                            id: frame.id,
                            one_way: frame.kind == Kind::OneWay,
                            payload: frame.payload,
                            message: None,
                        }));
                    }
                    _ => {}
                }
            },
            Inner::Thrift(conn) => {
                let message = conn.next_ever().await?;
                Ok(message.map(|message| Ask {
                    id: message.start.seqid as u64,
                    payload: message.payload().to_vec(),
                    one_way: message.start.kind != CALL,
                    message: Some(message),
                }))
            }
            Inner::Http1(conn, count) => {
                let Some(text) = conn.request().await? else {
                    return Ok(None);
                };
                *count += 1;
                if !text.complete {
                    return Ok(None);
                }
                Ok(Some(Ask {
                    id: *count,
                    payload: text.body,
                    one_way: false,
                    message: None,
                }))
            }
            Inner::Http2(conn) => {
                let Some(stream) = conn.next_complete().await? else {
                    return Ok(None);
                };
                let half = conn.halves.remove(&stream).unwrap_or_default();
                let payload = match self.tongue {
                    Tongue::Grpc => half.body.get(5..).unwrap_or_default().to_vec(),
                    _ => half.body,
                };
                Ok(Some(Ask {
                    id: stream.into(),
                    payload,
                    one_way: false,
                    message: None,
                }))
            }
        }
    }

    /// The bytes of a successful answer.
    pub fn answer(&self, ask: &Ask, payload: &[u8]) -> Vec<u8> {
        match &self.inner {
            Inner::Wire(wire, _) => wire.response(ask.id, payload),
            Inner::Thrift(_) => match &ask.message {
                Some(call) => call.dialect.reply(call.method(), call.start.seqid, payload),
                None => Vec::new(),
            },
            Inner::Http1(..) => crate::scripted::backend::ok_with_bytes(payload),
            Inner::Http2(_) => self.answer2(ask.id as u32, payload, None),
        }
    }

    /// The bytes of a failure that the application means, as the protocol writes one.
    pub fn exception(&self, ask: &Ask) -> Vec<u8> {
        let text = APPLICATION;
        match &self.inner {
            Inner::Wire(wire @ Wire::Dubbo, _) => {
                // A result with an exception: 0, and here a text for the object.
                let mut frame = wire.response(ask.id, b"");
                frame.truncate(16);
                frame.extend([0x90, text.len() as u8]);
                frame.extend(text.as_bytes());
                let length = (frame.len() as u32 - 16).to_be_bytes();
                if let Some(field) = frame.get_mut(12..16) {
                    field.copy_from_slice(&length);
                }
                frame
            }
            Inner::Wire(wire, _) => {
                let mut frame = wire.response(ask.id, text.as_bytes());
                let at = if *wire == Wire::BoltV1 { 10 } else { 12 };
                if let Some(status) = frame.get_mut(at + 1) {
                    *status = 2;
                }
                wire.with_id(&frame, ask.id)
            }
            Inner::Thrift(_) => match &ask.message {
                Some(call) => {
                    let thrown = Value::Struct(vec![(1, Value::text(text))]);
                    let declared = Value::Struct(vec![(1, thrown)]);
                    let seqid = call.start.seqid;
                    call.dialect.of(REPLY, call.method(), seqid, &declared)
                }
                None => Vec::new(),
            },
            Inner::Http1(..) => {
                let length = text.len();
                format!("HTTP/1.1 500 Oops\r\nX-Exception: yes\r\nContent-Length: {length}\r\n\r\n{text}").into()
            }
            Inner::Http2(_) => self.answer2(ask.id as u32, text.as_bytes(), Some("13")),
        }
    }

    fn answer2(&self, stream: u32, payload: &[u8], failure: Option<&str>) -> Vec<u8> {
        let exception = [("x-exception", "yes")];
        let more: &[(&str, &str)] = if failure.is_some() { &exception } else { &[] };
        match self.tongue {
            Tongue::Grpc => {
                let head = [(":status", "200"), ("content-type", "application/grpc")];
                let mut bytes = http2::headers(stream, &hpack::block(&head), false);
                if failure.is_none() {
                    bytes.extend(split(stream, &http2::message(payload), false));
                }
                let mut trailers = hpack::block(&[("grpc-status", failure.unwrap_or("0"))]);
                trailers.extend(hpack::block(more));
                bytes.extend(http2::headers(stream, &trailers, true));
                bytes
            }
            _ => {
                let status = if failure.is_some() { "500" } else { "200" };
                let mut head = hpack::block(&[(":status", status)]);
                head.extend(hpack::block(more));
                let mut bytes = http2::headers(stream, &head, false);
                bytes.extend(split(stream, payload, true));
                bytes
            }
        }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        match &mut self.inner {
            Inner::Wire(_, conn) => conn.send(bytes.as_ref()).await,
            Inner::Thrift(conn) => conn.send(bytes).await,
            Inner::Http1(conn, _) => conn.send(bytes).await,
            Inner::Http2(conn) if bytes.as_ref().len() > 60_000 => {
                conn.send_flowing(bytes.as_ref().to_vec()).await
            }
            Inner::Http2(conn) => conn.send(bytes).await,
        }
    }

    /// Sends a successful answer.
    pub async fn respond(&mut self, ask: &Ask, payload: &[u8]) -> Result<()> {
        let bytes = self.answer(ask, payload);
        self.send(bytes).await
    }

    /// The socket.
    pub fn into_stream(self) -> TcpStream {
        match self.inner {
            Inner::Wire(_, conn) => conn.into_stream(),
            Inner::Thrift(conn) => conn.raw.into_stream(),
            Inner::Http1(conn, _) => conn.raw.into_stream(),
            Inner::Http2(conn) => conn.raw.into_stream(),
        }
    }
}

/// DATA in frames that any peer takes.
fn split(stream: u32, payload: &[u8], end: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut parts = payload.chunks(16 << 10).peekable();
    while let Some(part) = parts.next() {
        bytes.extend(http2::data(stream, part, end && parts.peek().is_none()));
    }
    if payload.is_empty() && end {
        bytes.extend(http2::data(stream, b"", true));
    }
    bytes
}

/// A server that runs `script` for each connection.
pub async fn scripted<F, R>(tongue: Tongue, script: F) -> Result<Upstream>
where
    F: Fn(Server, Arc<Seen>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<()>> + Send + 'static,
{
    Upstream::raw(move |stream, seen| {
        let script = script.clone();
        async move { script(Server::accept(tongue, stream).await?, seen).await }
    })
    .await
}

/// A server that answers each call with its argument, and keeps the calls.
pub struct Echo {
    upstream: Upstream,
    asks: Arc<Mutex<Vec<Ask>>>,
}

/// Starts one.
pub async fn echo(tongue: Tongue) -> Result<Echo> {
    let asks: Arc<Mutex<Vec<Ask>>> = Arc::default();
    let log = asks.clone();
    let upstream = scripted(tongue, move |server, _| serve(server, log.clone())).await?;
    Ok(Echo { upstream, asks })
}

async fn serve(mut server: Server, log: Arc<Mutex<Vec<Ask>>>) -> Result<()> {
    while let Some(ask) = server.next().await? {
        // Before the answer, behind which somebody may look.
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ask.clone());
        if !ask.one_way {
            server.respond(&ask, &ask.payload).await?;
        }
    }
    Ok(())
}

impl Echo {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.upstream.address()
    }

    /// Its connections.
    pub fn seen(&self) -> &Seen {
        self.upstream.seen()
    }

    /// The calls so far.
    pub fn asks(&self) -> Vec<Ask> {
        self.asks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until so many calls came.
    pub async fn reaches(&self, count: usize) -> Result<()> {
        let end = Instant::now() + crate::scripted::raw::patience();
        loop {
            let seen = self.asks().len();
            if seen >= count {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("the server saw {seen} calls instead of {count}");
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A server that speaks what each connection begins with, and echoes.
pub async fn any_upstream() -> Result<Upstream> {
    Upstream::raw(move |stream, seen| async move {
        let mut first = [0; 4];
        let end = Instant::now() + Duration::from_secs(3600);
        // Four bytes tell HTTP/2 from HTTP/1.1, and all the others apart.
        while stream.peek(&mut first).await? < 4 {
            if Instant::now() > end {
                return Ok(());
            }
            sleep(Duration::from_millis(5)).await;
        }
        let tongue = match first {
            [0xda, 0xbb, ..] => Tongue::DUBBO,
            [1, ..] => Tongue::Wire(Wire::BoltV1),
            [2, 1, ..] => Tongue::Wire(Wire::BoltV2),
            [2, ..] => Tongue::Wire(Wire::BoltCrc),
            [0 | 0x80 | 0x82, ..] => Tongue::THRIFT,
            [b'P', b'R', b'I', b' '] => Tongue::Http2,
            [b'A'..=b'Z', ..] => Tongue::Http1,
            other => {
                seen.note(&format!("{other:02x?}"));
                let mut raw = Raw::of(stream);
                raw.rest(Duration::from_secs(60)).await?;
                return Ok(());
            }
        };
        seen.note(tongue.name());
        let server = Server::accept(tongue, stream).await.context("accept")?;
        serve(server, Arc::default()).await
    })
    .await
}
