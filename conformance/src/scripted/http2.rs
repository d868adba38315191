//! HTTP/2 frame by frame (RFC 9113), as either side.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::hpack::{self, Decoder, Field};
use super::raw::{Raw, patience};

/// What a client starts with.
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types.
pub mod kind {
    #![expect(missing_docs, reason = "as in RFC 9113 §6")]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Error codes.
pub mod code {
    #![expect(missing_docs, reason = "as in RFC 9113 §7")]
    pub const NO_ERROR: u32 = 0;
    pub const PROTOCOL_ERROR: u32 = 1;
    pub const INTERNAL_ERROR: u32 = 2;
    pub const FLOW_CONTROL_ERROR: u32 = 3;
    pub const STREAM_CLOSED: u32 = 5;
    pub const REFUSED_STREAM: u32 = 7;
    pub const CANCEL: u32 = 8;
    pub const COMPRESSION_ERROR: u32 = 9;
    pub const ENHANCE_YOUR_CALM: u32 = 11;
}

/// END_STREAM on DATA and HEADERS, ACK on SETTINGS and PING.
pub const END_STREAM: u8 = 1;
/// END_HEADERS.
pub const END_HEADERS: u8 = 4;

/// A frame as it is on the wire.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = length.get(1..).unwrap_or_default().to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A HEADERS frame with this block, which ends the headers and maybe the stream.
pub fn headers(stream: u32, block: &[u8], end: bool) -> Vec<u8> {
    let flags = END_HEADERS | u8::from(end);
    frame(kind::HEADERS, flags, stream, block)
}

/// A DATA frame.
pub fn data(stream: u32, payload: &[u8], end: bool) -> Vec<u8> {
    frame(kind::DATA, u8::from(end), stream, payload)
}

/// A RST_STREAM frame.
pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(kind::RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// A WINDOW_UPDATE frame.
pub fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(kind::WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

/// A SETTINGS frame.
pub fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let pair = |(key, value): &(u16, u32)| {
        let mut bytes = key.to_be_bytes().to_vec();
        bytes.extend(value.to_be_bytes());
        bytes
    };
    let payload: Vec<u8> = pairs.iter().flat_map(pair).collect();
    frame(kind::SETTINGS, 0, 0, &payload)
}

/// The fields of a GET, as a block.
pub fn get(path: &str) -> Vec<u8> {
    hpack::block(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", path),
    ])
}

/// The fields of a POST, as a block.
pub fn post(path: &str) -> Vec<u8> {
    hpack::block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", path),
    ])
}

/// The fields of a gRPC call, and more.
pub fn grpc(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = hpack::block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", path),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]);
    block.extend(hpack::block(more));
    block
}

/// A gRPC message, not compressed.
pub fn message(payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0];
    message.extend((payload.len() as u32).to_be_bytes());
    message.extend(payload);
    message
}

/// What the peer said on a stream.
#[derive(Clone, Debug, Default)]
pub struct Half {
    /// Of the head that is not 1xx.
    pub fields: Vec<Field>,
    /// 1xx heads.
    pub interim: usize,
    /// The bytes of all DATA.
    pub body: Vec<u8>,
    /// What followed the body.
    pub trailers: Vec<Field>,
    /// How it ended.
    pub end: Option<End>,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With END_STREAM in the head.
    InHead,
    /// With END_STREAM in DATA.
    InData,
    /// With END_STREAM in trailers.
    InTrailers,
    /// With RST_STREAM of this code.
    Reset(u32),
}

impl Half {
    /// A field of the head.
    pub fn field(&self, name: &str) -> Option<&str> {
        find(&self.fields, name)
    }

    /// A field of the trailers.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        find(&self.trailers, name)
    }

    /// The status of a response; 0 if it has none.
    pub fn status(&self) -> u16 {
        let status = self.field(":status").map(str::parse);
        status.and_then(Result::ok).unwrap_or_default()
    }

    /// The gRPC status, wherever it stands.
    pub fn grpc_status(&self) -> Option<u32> {
        let status = self
            .trailer("grpc-status")
            .or_else(|| self.field("grpc-status"));
        status.and_then(|status| status.parse().ok())
    }

    /// Whether it ended as a complete message does.
    pub fn complete(&self) -> bool {
        matches!(self.end, Some(End::InHead | End::InData | End::InTrailers))
    }
}

fn find<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

/// Something that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The head of a message.
    Head(u32),
    /// Some of its body.
    Data(u32),
    /// Its trailers.
    Trailers(u32),
    /// RST_STREAM with this code.
    Reset(u32, u32),
    /// GOAWAY: the last stream, the code.
    GoAway(u32, u32),
    /// A frame of another type, flags, stream.
    Other(u8, u8, u32),
}

/// Either end of an HTTP/2 connection. SETTINGS and PING are acknowledged, and windows are opened again as DATA comes, as
/// long as nothing else is said.
pub struct Http2 {
    /// The bytes below.
    pub raw: Raw,
    /// What came, by stream.
    pub halves: BTreeMap<u32, Half>,
    /// GOAWAY frames that came: the last stream, the code.
    pub goaways: Vec<(u32, u32)>,
    /// Windows are opened again as DATA comes.
    pub generous: bool,
    /// SETTINGS and PING are acknowledged.
    pub polite: bool,
    decoder: Decoder,
    next: u32,
    flow: Flow,
}

/// What the peer lets us send.
#[derive(Debug)]
struct Flow {
    /// Each stream's window at its start.
    initial: i64,
    /// What was added to windows and taken from them, by stream; 0 is the connection's.
    change: BTreeMap<u32, i64>,
}

/// Of a connection and its streams, unless something else is said (RFC 9113 §6.9.2).
const WINDOW: i64 = 65_535;

impl Flow {
    fn add(&mut self, stream: u32, more: i64) {
        *self.change.entry(stream).or_default() += more;
    }

    fn allows(&self, stream: u32, length: usize) -> bool {
        let change = |stream| self.change.get(&stream).copied().unwrap_or_default();
        let length = length as i64;
        WINDOW + change(0) >= length && self.initial + change(stream) >= length
    }

    fn settle(&mut self, payload: &[u8]) {
        for pair in payload.chunks_exact(6) {
            // SETTINGS_INITIAL_WINDOW_SIZE.
            if pair.starts_with(&[0, 4]) {
                self.initial = number(pair.get(2..).unwrap_or_default()).into();
            }
        }
    }
}

impl Http2 {
    /// Connects as a client with these settings.
    pub async fn connect_with(address: SocketAddr, pairs: &[(u16, u32)]) -> Result<Self> {
        let mut conn = Self::over(Raw::connect(address).await?);
        conn.send([PREFACE.as_slice(), &settings(pairs)].concat())
            .await?;
        Ok(conn)
    }

    /// Connects as a client.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        Self::connect_with(address, &[]).await
    }

    /// Takes a client's connection, with these settings.
    pub async fn accept_with(stream: TcpStream, pairs: &[(u16, u32)]) -> Result<Self> {
        let mut conn = Self::over(Raw::of(stream));
        conn.send(settings(pairs)).await?;
        let preface = conn.raw.exactly(PREFACE.len()).await?;
        ensure!(preface == PREFACE, "another preface: {preface:?}");
        Ok(conn)
    }

    /// Takes a client's connection.
    pub async fn accept(stream: TcpStream) -> Result<Self> {
        Self::accept_with(stream, &[]).await
    }

    /// A connection on which nothing was said yet. Streams count as a client's.
    pub fn over(raw: Raw) -> Self {
        Self {
            raw,
            halves: BTreeMap::new(),
            goaways: Vec::new(),
            generous: true,
            polite: true,
            decoder: Decoder::default(),
            next: 1,
            flow: Flow {
                initial: WINDOW,
                change: BTreeMap::new(),
            },
        }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.raw.send(bytes).await
    }

    /// Writes frames, DATA of them as the peer's windows allow.
    pub async fn send_flowing(&mut self, bytes: Vec<u8>) -> Result<()> {
        let deadline = Instant::now() + patience();
        let mut rest = bytes.as_slice();
        while let Some((head, behind)) = rest.split_first_chunk::<9>() {
            let [a, b, c, kind, _, stream @ ..] = *head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let stream = u32::from_be_bytes(stream);
            if kind == kind::DATA {
                while !self.flow.allows(stream, length) {
                    let event = self.event_by(deadline).await;
                    let event = event.context("the peer opens no window")?;
                    if event.is_none()
                        || self
                            .halves
                            .get(&stream)
                            .is_some_and(|half| half.end.is_some())
                    {
                        // It does not want the rest.
                        return Ok(());
                    }
                }
                self.flow.add(0, -(length as i64));
                self.flow.add(stream, -(length as i64));
            }
            let (frame, after) = rest.split_at(9 + length.min(behind.len()));
            self.send(frame).await?;
            rest = after;
        }
        Ok(())
    }

    /// The number of the next stream.
    pub fn begin(&mut self) -> u32 {
        let stream = self.next;
        self.next += 2;
        stream
    }

    /// Begins a request with this block, and tells its stream.
    pub async fn request(&mut self, block: &[u8], end: bool) -> Result<u32> {
        let stream = self.begin();
        self.send(headers(stream, block, end)).await?;
        Ok(stream)
    }

    /// A GET and its answer.
    pub async fn get(&mut self, path: &str) -> Result<Half> {
        let stream = self.request(&get(path), true).await?;
        self.whole(stream).await
    }

    /// A gRPC call with one message, and its answer.
    pub async fn call(
        &mut self,
        path: &str,
        more: &[(&str, &str)],
        payload: &[u8],
    ) -> Result<Half> {
        let stream = self.begin();
        // In one piece, as clients send unary calls.
        let mut bytes = headers(stream, &grpc(path, more), false);
        bytes.extend(data(stream, &message(payload), true));
        self.send(bytes).await?;
        self.whole(stream).await
    }

    /// Answers with a head, some body and its end.
    pub async fn respond(
        &mut self,
        stream: u32,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Result<()> {
        let mut bytes = headers(stream, &hpack::block(fields), body.is_empty());
        if !body.is_empty() {
            bytes.extend(data(stream, body, true));
        }
        self.send(bytes).await
    }

    /// Answers a gRPC call with a message and a status in trailers.
    pub async fn reply(&mut self, stream: u32, payload: &[u8], status: u32) -> Result<()> {
        let head = [(":status", "200"), ("content-type", "application/grpc")];
        let mut bytes = headers(stream, &hpack::block(&head), false);
        bytes.extend(data(stream, &message(payload), false));
        let status = [("grpc-status", status.to_string())];
        let status = status.each_ref().map(|(key, value)| (*key, value.as_str()));
        bytes.extend(headers(stream, &hpack::block(&status), true));
        self.send(bytes).await
    }

    /// What came on a stream.
    pub fn half(&self, stream: u32) -> Half {
        self.halves.get(&stream).cloned().unwrap_or_default()
    }

    /// Waits for the end of a stream, in whatever way.
    pub async fn whole(&mut self, stream: u32) -> Result<Half> {
        let deadline = Instant::now() + patience();
        loop {
            if let Some(half) = self.halves.get(&stream)
                && half.end.is_some()
            {
                return Ok(half.clone());
            }
            let event = self.event_by(deadline).await;
            let event = event.with_context(|| format!("waiting for the end of stream {stream}"))?;
            if event.is_none() {
                bail!(
                    "closed before the end of stream {stream} (GOAWAY {:?})",
                    self.goaways
                );
            }
        }
    }

    /// The stream whose head comes next, however long it takes; None if the peer closed.
    pub async fn next_request(&mut self) -> Result<Option<u32>> {
        loop {
            match self.event().await? {
                None => return Ok(None),
                Some(Event::Head(stream)) => return Ok(Some(stream)),
                Some(_) => {}
            }
        }
    }

    /// The stream whose message is the next to be complete, however long it takes; None if the peer closed.
    pub async fn next_complete(&mut self) -> Result<Option<u32>> {
        loop {
            let Some(event) = self.event().await? else {
                return Ok(None);
            };
            if let Event::Head(stream) | Event::Data(stream) | Event::Trailers(stream) = event
                && self.halves.get(&stream).is_some_and(Half::complete)
            {
                return Ok(Some(stream));
            }
        }
    }

    /// What comes next, however long it takes; None if the peer closed.
    pub async fn event(&mut self) -> Result<Option<Event>> {
        self.event_by(Instant::now() + Duration::from_secs(3600))
            .await
    }

    /// Reads until the peer closes, which it must within this time.
    pub async fn closes(&mut self, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        while self
            .event_by(deadline)
            .await
            .with_context(|| format!("still open after {within:?}"))?
            .is_some()
        {}
        Ok(())
    }

    /// What comes next; None if the peer closed or reset the connection.
    ///
    /// # Errors
    /// If nothing comes until `deadline`, or something that is no HTTP/2.
    pub async fn event_by(&mut self, deadline: Instant) -> Result<Option<Event>> {
        let Some((kind, flags, stream, payload)) = self.frame(deadline).await? else {
            return Ok(None);
        };
        let event = match kind {
            kind::HEADERS => {
                let mut block = payload;
                let mut flags_now = flags;
                while flags_now & END_HEADERS == 0 {
                    let next = self.frame(deadline).await?;
                    let (kind, flags, _, more) = next.context("closed within a head")?;
                    ensure!(kind == kind::CONTINUATION, "a frame within a head");
                    block.extend(more);
                    flags_now = flags;
                }
                let fields = self.decoder.decode(&block)?;
                self.head(stream, fields, flags & END_STREAM != 0)
            }
            kind::DATA => {
                let half = self.halves.entry(stream).or_default();
                half.body.extend(&payload);
                if flags & END_STREAM != 0 {
                    half.end = half.end.or(Some(End::InData));
                }
                if self.generous && !payload.is_empty() {
                    let more = payload.len() as u32;
                    let mut bytes = window(0, more);
                    bytes.extend(window(stream, more));
                    // The peer may be gone, with more of its own to be read.
                    let _ = self.send(bytes).await;
                }
                Event::Data(stream)
            }
            kind::RST_STREAM => {
                let code = number(&payload);
                let half = self.halves.entry(stream).or_default();
                half.end = half.end.or(Some(End::Reset(code)));
                Event::Reset(stream, code)
            }
            kind::GOAWAY => {
                let last = number(&payload);
                let code = number(payload.get(4..).unwrap_or_default());
                self.goaways.push((last, code));
                Event::GoAway(last, code)
            }
            kind::WINDOW_UPDATE => {
                self.flow.add(stream, number(&payload).into());
                Event::Other(kind, flags, stream)
            }
            kind::SETTINGS | kind::PING => {
                if kind == kind::SETTINGS && flags & 1 == 0 {
                    self.flow.settle(&payload);
                }
                if self.polite && flags & 1 == 0 {
                    let echo: &[u8] = if kind == kind::PING { &payload } else { &[] };
                    let _ = self.send(frame(kind, 1, 0, echo)).await;
                }
                Event::Other(kind, flags, stream)
            }
            _ => Event::Other(kind, flags, stream),
        };
        Ok(Some(event))
    }

    fn head(&mut self, stream: u32, fields: Vec<Field>, end: bool) -> Event {
        let half = self.halves.entry(stream).or_default();
        let (event, how) = if half.fields.is_empty() {
            let status = find(&fields, ":status");
            if status.is_some_and(|status| status.starts_with('1')) {
                half.interim += 1;
            } else {
                half.fields = fields;
            }
            (Event::Head(stream), End::InHead)
        } else {
            half.trailers = fields;
            (Event::Trailers(stream), End::InTrailers)
        };
        if end {
            half.end = half.end.or(Some(how));
        }
        event
    }

    async fn frame(&mut self, deadline: Instant) -> Result<Option<(u8, u8, u32, Vec<u8>)>> {
        loop {
            if let Some((head, rest)) = self.raw.buffer.split_first_chunk::<9>() {
                let [a, b, c, kind, flags, stream @ ..] = *head;
                let length = u32::from_be_bytes([0, a, b, c]) as usize;
                if let Some(payload) = rest.get(..length) {
                    let payload = payload.to_vec();
                    self.raw.buffer.drain(..9 + length);
                    let stream = u32::from_be_bytes(stream) & (u32::MAX >> 1);
                    return Ok(Some((kind, flags, stream, payload)));
                }
            }
            if !self.raw.more(deadline).await? {
                return Ok(None);
            }
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |four| u32::from_be_bytes(*four))
}
