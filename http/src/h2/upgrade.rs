//! `Upgrade: h2c`: a connection that began in HTTP/1.1 and goes on in HTTP/2 (RFC 7540 §3.2).
//!
//! h2 has no way to begin with a request that came before the preface, so it is given one: the client's own preface and
//! its SETTINGS, with those of `HTTP2-Settings` in front of them in the same frame, so that there is one to acknowledge;
//! then the request, as the frames of stream 1 that it would have been.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wireloom_codecs::http::HTTP2;
use wireloom_codecs::{Accepted, Body, BoxFuture, ConnError, HttpRequest, Request, Service};

use super::Http2;
use super::server::{self, PREFACE};
use crate::h1::{Handover, Switched};

const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const HEAD: usize = 9;
/// The largest frame before anything else was agreed (RFC 9113 §4.2).
const FRAME: usize = 16_384;
/// The window of a stream before anything else was agreed (RFC 9113 §6.9.2).
const WINDOW: usize = 65_535;

impl Handover for Http2 {
    const TAKES: bool = true;

    fn take<S: Service>(&self, switched: Switched, service: S) -> BoxFuture<Result<(), ConnError>> {
        let config = self.config();
        Box::pin(async move {
            let within = switched.connection.limits.header_timeout;
            let accepted = match timeout(within, switch(switched)).await {
                Ok(accepted) => accepted?,
                Err(_) => return Err(ConnError::Timeout("preface")),
            };
            server::serve(config, accepted, service).await
        })
    }
}

/// The connection as if it had begun in HTTP/2.
async fn switch(switched: Switched) -> Result<Accepted, ConnError> {
    let wrong = |what: &'static str| ConnError::protocol(HTTP2.as_str(), what);
    let Switched {
        connection,
        request,
        settings,
    } = switched;
    let settings = BASE64_URL_SAFE_NO_PAD
        .decode(trimmed(&settings))
        .ok()
        .filter(|settings| settings.len().is_multiple_of(6) && settings.len() <= FRAME / 2)
        .ok_or_else(|| wrong("HTTP2-Settings holds no settings"))?;
    let request = frames(*request).ok_or_else(|| wrong("a request that cannot be switched"))?;
    let (limits, budget) = (connection.limits.clone(), connection.budget.clone());
    let (drain, tls) = (connection.drain.clone(), connection.tls);
    let mut io = connection.into_io();
    io.write_all(ANSWER).await?;
    io.flush().await?;
    let mut begin = [0; PREFACE.len() + HEAD];
    io.read_exact(&mut begin).await?;
    let (preface, head) = begin.split_at(PREFACE.len());
    let [a, b, c, kind, flags, stream @ ..] = head else {
        return Err(wrong("no preface"));
    };
    let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
    if preface != PREFACE
        || (*kind, *flags) != (SETTINGS, 0)
        || stream != [0; 4]
        || !length.is_multiple_of(6)
        || length + settings.len() > FRAME
    {
        return Err(wrong("no preface behind the switch"));
    }
    let mut own = vec![0; length];
    io.read_exact(&mut own).await?;
    let mut prefix = BytesMut::from(&PREFACE[..]);
    let settings = [settings, own].concat();
    put(&mut prefix, SETTINGS, 0, 0, &settings);
    prefix.extend_from_slice(&request);
    Ok(Accepted {
        io,
        prefix: prefix.freeze(),
        limits,
        budget,
        drain,
        tls,
    })
}

/// Base64url comes without padding, but some pad it.
fn trimmed(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|byte| *byte != b'=');
    end.and_then(|end| value.get(..=end)).unwrap_or_default()
}

fn put(out: &mut BytesMut, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.put_uint(payload.len() as u64, 3);
    out.put_u8(kind);
    out.put_u8(flags);
    out.put_u32(stream);
    out.extend_from_slice(payload);
}

/// The request as frames of stream 1; None if it has a body that is not all there.
fn frames(request: Request) -> Option<Bytes> {
    let http = request.head.http?;
    let body = match request.body {
        Body::Empty => Bytes::new(),
        Body::Whole(body) if body.len() <= WINDOW => body,
        Body::Whole(_) | Body::Stream(_) => return None,
    };
    let block = block(&http);
    let mut out = BytesMut::with_capacity(block.len() + body.len() + 64);
    let ends = if body.is_empty() { END_STREAM } else { 0 };
    let mut pieces = block.chunks(FRAME).peekable();
    let mut kind = (HEADERS, ends);
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() {
            END_HEADERS
        } else {
            0
        };
        put(&mut out, kind.0, kind.1 | last, 1, piece);
        kind = (CONTINUATION, 0);
    }
    let mut pieces = body.chunks(FRAME).peekable();
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() {
            END_STREAM
        } else {
            0
        };
        put(&mut out, DATA, last, 1, piece);
    }
    Some(out.freeze())
}

/// The fields in HPACK: literals without indexing, which need no state (RFC 7541 §6.2.2).
fn block(http: &HttpRequest) -> BytesMut {
    let mut out = BytesMut::new();
    literal(&mut out, b":method", http.method.as_str().as_bytes());
    literal(&mut out, b":scheme", http.scheme.as_str().as_bytes());
    literal(&mut out, b":path", http.target.as_bytes());
    if !http.authority.is_empty() {
        literal(&mut out, b":authority", http.authority.as_bytes());
    }
    if http.expect_continue {
        literal(&mut out, b"expect", b"100-continue");
    }
    for (name, value) in http.headers.iter() {
        literal(&mut out, &name.to_ascii_lowercase(), value);
    }
    out
}

fn literal(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    out.put_u8(0);
    for text in [name, value] {
        integer(out, text.len());
        out.extend_from_slice(text);
    }
}

/// An integer with a prefix of seven bits, the eighth zero (RFC 7541 §5.1).
fn integer(out: &mut BytesMut, value: usize) {
    const MOST: usize = 127;
    if value < MOST {
        out.put_u8(value as u8);
        return;
    }
    out.put_u8(MOST as u8);
    let mut rest = value - MOST;
    while rest >= 128 {
        out.put_u8((rest % 128) as u8 | 128);
        rest /= 128;
    }
    out.put_u8(rest as u8);
}
