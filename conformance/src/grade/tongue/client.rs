//! A client of any protocol that makes numbered calls.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::Instant;

use super::Tongue;
use crate::scripted::http2::{self, End, Half};
use crate::scripted::raw::patience;
use crate::scripted::thrift::{EXCEPTION, REPLY, Value};
use crate::scripted::{Call, Conn, Dialect, Http1, Http2, Kind, Text, Thrift, Wire};

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A value.
    Value,
    /// A failure that the application means.
    Exception,
    /// A failure of the way, in the protocol's own form.
    Error,
    /// An answer that had begun and then visibly broke off.
    Broken,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The call that it answers.
    pub number: u64,
    /// What it is.
    pub said: Said,
    /// The value, or what the failure says of itself.
    pub payload: Vec<u8>,
    /// The status, as the protocol writes it.
    pub status: String,
}

/// A client of any protocol.
pub struct Client {
    tongue: Tongue,
    inner: Inner,
    /// Calls under way: in order, where answers have none of their own.
    waiting: VecDeque<u64>,
    /// By stream.
    streams: BTreeMap<u32, u64>,
}

enum Inner {
    Wire(Wire, Conn),
    Thrift(Dialect, Thrift),
    Http1(Http1),
    Http2(Http2),
}

impl Client {
    /// Connects.
    pub async fn connect(tongue: Tongue, address: SocketAddr) -> Result<Self> {
        let inner = match tongue {
            Tongue::Wire(wire) => Inner::Wire(wire, Conn::connect(wire, address).await?),
            Tongue::Thrift(dialect) => {
                Inner::Thrift(dialect, Thrift::connect(dialect, address).await?)
            }
            Tongue::Http1 => Inner::Http1(Http1::connect(address).await?),
            Tongue::Http2 | Tongue::Grpc => Inner::Http2(Http2::connect(address).await?),
        };
        Ok(Self {
            tongue,
            inner,
            waiting: VecDeque::new(),
            streams: BTreeMap::new(),
        })
    }

    /// The bytes of a call, which counts as under way from here on.
    pub fn call(&mut self, number: u64, payload: &[u8]) -> Vec<u8> {
        self.waiting.push_back(number);
        match &mut self.inner {
            Inner::Wire(wire, _) => wire.request(number, &Call::echo(payload)),
            Inner::Thrift(dialect, _) => dialect.call("echo", number as i32, payload),
            Inner::Http1(_) => {
                let length = payload.len();
                let mut bytes = format!(
                    "POST /{number} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"
                )
                .into_bytes();
                bytes.extend(payload);
                bytes
            }
            Inner::Http2(conn) => {
                let stream = conn.begin();
                self.streams.insert(stream, number);
                let (block, body) = match self.tongue {
                    Tongue::Grpc => (
                        http2::grpc("/org.wireloom.scripted.Echo/echo", &[]),
                        http2::message(payload),
                    ),
                    _ => (http2::post(&format!("/{number}")), payload.to_vec()),
                };
                let mut bytes = http2::headers(stream, &block, false);
                // What a peer takes that said nothing else (RFC 9113 §4.2).
                let mut parts = body.chunks(16 << 10).peekable();
                while let Some(part) = parts.next() {
                    bytes.extend(http2::data(stream, part, parts.peek().is_none()));
                }
                if body.is_empty() {
                    bytes.extend(http2::data(stream, b"", true));
                }
                bytes
            }
        }
    }

    /// The bytes of a call that wants no answer; None if the protocol has none.
    pub fn one_way(&self, number: u64, payload: &[u8]) -> Option<Vec<u8>> {
        match &self.inner {
            Inner::Wire(wire, _) => Some(wire.request(number, &Call::echo(payload).one_way())),
            Inner::Thrift(dialect, _) => Some(dialect.one_way("echo", number as i32, payload)),
            _ => None,
        }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        match &mut self.inner {
            Inner::Wire(_, conn) => conn.send(bytes.as_ref()).await,
            Inner::Thrift(_, conn) => conn.send(bytes).await,
            Inner::Http1(conn) => conn.send(bytes).await,
            Inner::Http2(conn) => conn.send(bytes).await,
        }
    }

    /// Writes a call.
    pub async fn ask(&mut self, number: u64, payload: &[u8]) -> Result<()> {
        let bytes = self.call(number, payload);
        // HTTP/2 lets a peer take its time: its window comes as it reads.
        if let Inner::Http2(conn) = &mut self.inner
            && bytes.len() > 60_000
        {
            return conn.send_flowing(bytes).await;
        }
        self.send(bytes).await
    }

    /// A call and its answer, which must be its argument.
    pub async fn echo(&mut self, number: u64, payload: &[u8]) -> Result<()> {
        self.ask(number, payload).await?;
        self.expect(number, payload).await
    }

    /// The next answer, which must be this value of this call.
    pub async fn expect(&mut self, number: u64, payload: &[u8]) -> Result<()> {
        let answer = self.answer().await?;
        ensure!(
            answer.said == Said::Value,
            "call {number} was answered with {:?} {}: {}",
            answer.said,
            answer.status,
            shown(&answer.payload)
        );
        ensure!(
            answer.number == number,
            "an answer to call {} came instead of one to {number}",
            answer.number
        );
        ensure!(
            answer.payload == payload,
            "call {number} got another value: {} bytes, {}",
            answer.payload.len(),
            shown(&answer.payload)
        );
        Ok(())
    }

    /// The next answer, which must be a failure of the way for this call.
    pub async fn expect_error(&mut self, number: u64) -> Result<Answer> {
        let answer = self.answer().await?;
        ensure!(
            answer.number == number,
            "an answer to call {} came instead of one to {number}",
            answer.number
        );
        ensure!(
            answer.said == Said::Error,
            "call {number} was answered with {:?} {}: {}",
            answer.said,
            answer.status,
            shown(&answer.payload)
        );
        Ok(answer)
    }

    /// The next answer, whatever it says.
    pub async fn answer(&mut self) -> Result<Answer> {
        let answer = match &mut self.inner {
            Inner::Wire(wire, conn) => loop {
                let image = conn
                    .image_within(patience())
                    .await?
                    .context("closed without an answer")?;
                match wire.parse(image.clone()).map(|frame| frame.kind) {
                    // What a connection says of itself.
                    Ok(Kind::Event) => {}
                    Ok(Kind::Ping) => {
                        conn.send(&wire.pong(wire.id(&image).unwrap_or_default()))
                            .await?
                    }
                    _ => break of_wire(*wire, &image)?,
                }
            },
            Inner::Thrift(_, conn) => {
                let message = conn.message().await.context("no answer")?;
                let (said, status) = match (message.start.kind, message.exception()) {
                    (EXCEPTION, Some((text, code))) => {
                        let said = match text.starts_with(APPLICATION) {
                            true => Said::Exception,
                            false => Said::Error,
                        };
                        (said, format!("exception {code}: {text}"))
                    }
                    (REPLY, _) => match message.value.field(0) {
                        Some(Value::Binary(_)) => (Said::Value, "reply".to_owned()),
                        _ => (Said::Exception, "declared exception".to_owned()),
                    },
                    (kind, _) => bail!("a message of type {kind} came for an answer"),
                };
                Answer {
                    number: message.start.seqid as u64,
                    said,
                    payload: message.payload().to_vec(),
                    status,
                }
            }
            Inner::Http1(conn) => {
                let number = self.waiting.front().copied();
                let text = conn.response_to("POST").await?;
                of_http1(number.context("an answer to no request")?, text)
            }
            Inner::Http2(conn) => {
                let deadline = Instant::now() + patience();
                let (stream, half) = loop {
                    let done = self.streams.keys().find_map(|stream| {
                        let half = conn.halves.get(stream)?;
                        half.end.is_some().then_some(*stream)
                    });
                    if let Some(stream) = done {
                        break (stream, conn.halves.remove(&stream).unwrap_or_default());
                    }
                    if conn
                        .event_by(deadline)
                        .await
                        .context("no answer")?
                        .is_none()
                    {
                        bail!("closed without an answer (GOAWAY {:?})", conn.goaways);
                    }
                };
                let number = self.streams.remove(&stream).unwrap_or_default();
                of_http2(self.tongue, number, &half)
            }
        };
        let place = self
            .waiting
            .iter()
            .position(|number| *number == answer.number);
        if let Some(place) = place {
            self.waiting.remove(place);
        }
        Ok(answer)
    }

    /// No more bytes from this side.
    pub async fn finish(&mut self) -> Result<()> {
        match &mut self.inner {
            Inner::Wire(_, conn) => conn.finish().await,
            Inner::Thrift(_, conn) => conn.raw.finish().await,
            Inner::Http1(conn) => conn.raw.finish().await,
            Inner::Http2(conn) => conn.raw.finish().await,
        }
    }

    /// Checks that for so long no answer comes and nothing closes. HTTP/2 may say what belongs to the connection.
    pub async fn quiet(&mut self, time: Duration) -> Result<()> {
        match &mut self.inner {
            Inner::Wire(_, conn) => conn.quiet(time).await,
            Inner::Thrift(_, conn) => conn.quiet(time).await,
            Inner::Http1(conn) => conn.raw.quiet(time).await,
            Inner::Http2(conn) => {
                let deadline = Instant::now() + time;
                let before = conn.goaways.len();
                loop {
                    match conn.event_by(deadline).await {
                        Err(_) => return Ok(()),
                        Ok(None) => bail!("the peer closed the connection"),
                        Ok(Some(http2::Event::Other(..))) => {}
                        Ok(Some(event)) => bail!("something came: {event:?}"),
                    }
                    ensure!(conn.goaways.len() == before, "GOAWAY came");
                }
            }
        }
    }

    /// Reads until the peer ends the connection, which it must within this time. Tells what came before, of which
    /// nothing of HTTP/2's is kept.
    pub async fn rest(&mut self, within: Duration) -> Result<Vec<u8>> {
        match &mut self.inner {
            Inner::Wire(_, conn) => conn.rest(within).await,
            Inner::Thrift(_, conn) => conn.raw.rest(within).await,
            Inner::Http1(conn) => conn.raw.rest(within).await,
            Inner::Http2(conn) => conn.raw.rest(within).await,
        }
    }

    /// GOAWAY frames that came.
    pub fn goaways(&self) -> &[(u32, u32)] {
        match &self.inner {
            Inner::Http2(conn) => &conn.goaways,
            _ => &[],
        }
    }
}

/// What the texts of exceptions begin with that an application means.
pub(super) const APPLICATION: &str = "said the server";

fn shown(bytes: &[u8]) -> String {
    let some = bytes.get(..80.min(bytes.len())).unwrap_or_default();
    format!("{:?}", String::from_utf8_lossy(some))
}

/// The statuses of Dubbo and Bolt, and what a result of Dubbo begins with.
fn of_wire(wire: Wire, image: &[u8]) -> Result<Answer> {
    let number = wire.id(image).context("an answer without an id")?;
    let byte = |at: usize| image.get(at).copied().unwrap_or_default();
    if wire == Wire::Dubbo {
        ensure!(
            byte(2) & 0xa0 == 0,
            "a frame with flag {:#x} came for an answer",
            byte(2)
        );
        let status = byte(3);
        let kind = byte(16);
        let said = match (status, kind) {
            (20, 0x90 | 0x93) => Said::Exception,
            (20, _) => Said::Value,
            _ => Said::Error,
        };
        let payload = match said {
            Said::Value => wire.parse(image.to_vec())?.payload,
            // Whatever it says; the status alone is what makes it a failure.
            _ => image.get(17..).unwrap_or_default().to_vec(),
        };
        let status = format!("status {status}");
        return Ok(Answer {
            number,
            said,
            payload,
            status,
        });
    }
    let frame = wire.parse(image.to_vec())?;
    ensure!(
        frame.kind == Kind::Response,
        "a {:?} came for an answer",
        frame.kind
    );
    let said = match frame.status {
        0 => Said::Value,
        // SERVER_EXCEPTION is what a handler threw.
        2 => Said::Exception,
        _ => Said::Error,
    };
    Ok(Answer {
        number,
        said,
        payload: frame.payload,
        status: format!("status {}", frame.status),
    })
}

fn of_http1(number: u64, text: Text) -> Answer {
    let said = match text.status() {
        _ if text.field("x-exception").is_some() && text.complete => Said::Exception,
        _ if !text.complete => Said::Broken,
        200..300 => Said::Value,
        _ => Said::Error,
    };
    Answer {
        number,
        said,
        status: text.first,
        payload: text.body,
    }
}

fn of_http2(tongue: Tongue, number: u64, half: &Half) -> Answer {
    let exception = half.field("x-exception").or(half.trailer("x-exception"));
    let grpc = half.grpc_status();
    let said = match (half.end, tongue) {
        (Some(End::Reset(_)), _) => Said::Broken,
        _ if exception.is_some() => Said::Exception,
        (_, Tongue::Grpc) => match grpc {
            Some(0) => Said::Value,
            _ => Said::Error,
        },
        _ => match half.status() {
            200..300 => Said::Value,
            _ => Said::Error,
        },
    };
    let status = match (half.end, tongue) {
        (Some(End::Reset(code)), _) => format!("RST_STREAM {code}"),
        (_, Tongue::Grpc) => match grpc {
            Some(code) => format!("grpc-status {code}"),
            None => format!("HTTP {} without grpc-status", half.status()),
        },
        _ => format!("HTTP {}", half.status()),
    };
    let payload = match tongue {
        Tongue::Grpc => half.body.get(5..).unwrap_or_default().to_vec(),
        _ => half.body.clone(),
    };
    Answer {
        number,
        said,
        payload,
        status,
    }
}
