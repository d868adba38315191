//! Heads, chunks and trailers on their way out, in one canonical form.

use std::io::Write;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use wireloom_codecs::{Headers, HttpRequest, HttpResponse, WriteBuf};

use crate::h1::fields::Known;

/// How a body is told from what comes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none, and nothing is said about it.
    Bare,
    /// There is none; a length that the fields have is that of another answer (to HEAD, 304).
    Told,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// To the end of the connection.
    Close,
}

/// What is said about the connection's future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persist {
    /// Nothing: it stays, as HTTP/1.1 has it.
    Usual,
    /// It stays, which HTTP/1.0 must be told.
    KeepAlive,
    /// It ends.
    Close,
}

/// Writes a request's head.
///
/// `comes` says that the body is still to come, so that it may be waited with.
pub(crate) fn request(out: &mut WriteBuf, http: &HttpRequest, framing: Framing, comes: bool) {
    let extended = http.method == Method::CONNECT && http.upgrade.is_some();
    out.put_slice(match extended {
        // What HTTP/2 writes as an extended CONNECT (RFC 8441 §5).
        true => b"GET",
        false => http.method.as_str().as_bytes(),
    });
    out.put_slice(b" ");
    out.put_slice(match http.target.is_empty() {
        true => http.authority.as_bytes(),
        false => http.target.as_bytes(),
    });
    out.put_slice(b" HTTP/1.1\r\nHost: ");
    out.put_slice(http.authority.as_bytes());
    out.put_slice(b"\r\n");
    let waits = http.expect_continue && comes && framing != Framing::Bare;
    let mut writer = Fields::new(out, framing, waits);
    writer.all(&http.headers);
    let (expected, te) = (writer.expected, writer.te);
    writer.finish();
    if waits && !expected {
        out.put_slice(b"Expect: 100-continue\r\n");
    }
    match &http.upgrade {
        Some(protocol) => upgrade(out, protocol.as_bytes()),
        // RFC 9110 §10.1.4: it is for the next hop, and made anew by each.
        None if te => out.put_slice(b"TE: trailers\r\nConnection: TE\r\n"),
        None => {}
    }
    out.put_slice(b"\r\n");
}

/// Writes a response's head. `switched` is the protocol that it agrees to go on in.
pub(crate) fn response(
    out: &mut WriteBuf,
    http: &HttpResponse,
    framing: Framing,
    persist: Persist,
    switched: Option<&[u8]>,
) {
    if http.status == StatusCode::OK && http.reason.is_none() {
        out.put_slice(b"HTTP/1.1 200 OK\r\n");
    } else {
        out.put_slice(b"HTTP/1.1 ");
        out.put_slice(http.status.as_str().as_bytes());
        out.put_slice(b" ");
        let usual = || {
            http.status
                .canonical_reason()
                .unwrap_or_default()
                .as_bytes()
        };
        out.put_slice(
            http.reason
                .as_ref()
                .map_or_else(usual, |reason| reason.as_bytes()),
        );
        out.put_slice(b"\r\n");
    }
    let mut writer = Fields::new(out, framing, true);
    writer.all(&http.headers);
    writer.finish();
    match persist {
        Persist::Usual => {}
        Persist::KeepAlive => out.put_slice(b"Connection: keep-alive\r\n"),
        Persist::Close => out.put_slice(b"Connection: close\r\n"),
    }
    if let Some(protocol) = switched {
        upgrade(out, protocol);
    }
    out.put_slice(b"\r\n");
}

fn upgrade(out: &mut WriteBuf, protocol: &[u8]) {
    out.put_slice(b"Connection: Upgrade\r\nUpgrade: ");
    out.put_slice(protocol);
    out.put_slice(b"\r\n");
}

/// Writes a chunk; nothing if there is no data, for that would be the last one.
pub(crate) fn chunk(out: &mut WriteBuf, data: &Bytes) {
    if data.is_empty() {
        return;
    }
    let mut line = [0; 18];
    let mut rest = &mut line[..];
    let _ = write!(rest, "{:x}\r\n", data.len());
    let unused = rest.len();
    out.put_slice(line.get(..18 - unused).unwrap_or_default());
    out.put(data);
    out.put_slice(b"\r\n");
}

/// Writes the last chunk with what comes after the body.
pub(crate) fn last_chunk(out: &mut WriteBuf, trailers: Option<&Headers>) {
    out.put_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        let mut writer = Fields::new(out, Framing::Bare, false);
        writer.all(trailers);
        writer.finish();
    }
    out.put_slice(b"\r\n");
}

/// Writes fields, but for those that the connection makes anew.
struct Fields<'a> {
    out: &'a mut WriteBuf,
    framing: Framing,
    /// A length was written.
    told: bool,
    /// `Expect` may stay.
    expect: bool,
    /// `Expect` was written.
    expected: bool,
    /// `TE` is among the fields; it is made anew.
    te: bool,
    /// A cookie field is written, but for its line end.
    cookie: bool,
}

impl<'a> Fields<'a> {
    fn new(out: &'a mut WriteBuf, framing: Framing, expect: bool) -> Self {
        Self {
            out,
            framing,
            told: false,
            expect,
            expected: false,
            te: false,
            cookie: false,
        }
    }

    fn all(&mut self, headers: &Headers) {
        match headers {
            Headers::List(list) => {
                for (name, value) in list.iter() {
                    self.field(name, value);
                }
            }
            Headers::Map(map) => self.map(map),
        }
    }

    /// HTTP/2 may have cut a cookie field in pieces (RFC 9113 §8.2.3).
    fn map(&mut self, map: &HeaderMap) {
        for (name, value) in map {
            if name == http::header::COOKIE {
                self.out.put_slice(match self.cookie {
                    true => b"; ",
                    false => b"cookie: ",
                });
                self.out.put_slice(value.as_bytes());
                self.cookie = true;
                continue;
            }
            self.end_cookie();
            self.field(name.as_str().as_bytes(), value.as_bytes());
        }
        self.end_cookie();
    }

    fn end_cookie(&mut self) {
        if std::mem::take(&mut self.cookie) {
            self.out.put_slice(b"\r\n");
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        match Known::of(name) {
            Known::Other => self.line(name, value),
            Known::Te => self.te = true,
            Known::ContentLength => self.length(name, value),
            Known::Expect if self.expect => {
                self.expected = true;
                self.line(name, value);
            }
            _ => {}
        }
    }

    fn line(&mut self, name: &[u8], value: &[u8]) {
        self.out.put_slice(name);
        self.out.put_slice(b": ");
        self.out.put_slice(value);
        self.out.put_slice(b"\r\n");
    }

    /// In the place and the case that it had, with what it is now.
    fn length(&mut self, name: &[u8], value: &[u8]) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        match self.framing {
            Framing::Told => self.line(name, value),
            Framing::Length(length) => {
                self.out.put_slice(name);
                self.number(length);
            }
            Framing::Bare | Framing::Chunked | Framing::Close => {}
        }
    }

    fn number(&mut self, length: u64) {
        let mut line = [0; 24];
        let mut rest = &mut line[..];
        let _ = write!(rest, ": {length}\r\n");
        let unused = rest.len();
        self.out
            .put_slice(line.get(..24 - unused).unwrap_or_default());
    }

    fn finish(mut self) {
        match self.framing {
            Framing::Length(length) if !self.told => {
                self.out.put_slice(b"Content-Length");
                self.number(length);
            }
            Framing::Chunked => self.out.put_slice(b"Transfer-Encoding: chunked\r\n"),
            _ => {}
        }
    }
}
