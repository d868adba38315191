//! Request heads.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use httparse::Header;
use tokio_util::codec::Decoder;
use wireloom_codecs::{Headers, HttpRequest, Scheme, Str};

use crate::config::H1Config;
use crate::h1::body::Length;
use crate::h1::fields::{Noted, tokens};
use crate::h1::refusal::Refusal;
use crate::h1::scan::{HeadLimits, Scan};
use crate::h1::target::{Target, is_authority};
use crate::semantics;

/// Empty lines in front of a request that are skipped: some clients end a body with one too many.
const BLANK: u8 = 4;
/// Heads of no more fields are parsed without an allocation.
const USUAL: usize = 32;

/// A request's head, and how the rest of it comes.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) http: Box<HttpRequest>,
    pub(crate) length: Length,
    /// The client would send another request behind it.
    pub(crate) keep_alive: bool,
    /// The payload of `HTTP2-Settings`, of a request to go on in HTTP/2.
    pub(crate) h2c: Option<Bytes>,
}

/// Decodes the heads of requests, one after the other.
#[derive(Debug)]
pub(crate) struct RequestDecoder {
    scan: Scan,
    blank: u8,
    limits: HeadLimits,
    missing_host: bool,
    scheme: Scheme,
}

impl RequestDecoder {
    /// `head` and `fields` are the limits of a head in bytes and in fields.
    pub(crate) fn new(config: &H1Config, head: usize, fields: usize, scheme: Scheme) -> Self {
        Self {
            scan: Scan::default(),
            blank: 0,
            limits: HeadLimits {
                head,
                fields,
                target: config.uri.0,
                bare_lf: config.allow_bare_lf,
            },
            missing_host: config.allow_missing_host,
            scheme,
        }
    }

    /// Skips empty lines. False if it takes more bytes to tell.
    fn skip_blank(&mut self, buffer: &mut BytesMut) -> Result<bool, Refusal> {
        loop {
            let length = match &buffer[..] {
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] if self.limits.bare_lf => 1,
                [b'\r'] | [] => return Ok(false),
                _ => return Ok(true),
            };
            self.blank += 1;
            if self.blank > BLANK {
                return Err(Refusal::bad("empty lines in place of a request"));
            }
            buffer.advance(length);
        }
    }

    fn read(&self, head: Bytes, fields: usize) -> Result<Incoming, Refusal> {
        with_headers(fields, |headers| {
            let mut request = httparse::Request::new(&mut []);
            let status = request
                .parse_with_uninit_headers(&head, headers)
                .map_err(explain)?;
            let (Some(method), Some(target), Some(version)) =
                (request.method, request.path, request.version)
            else {
                return Err(Refusal::bad("a request line that breaks off"));
            };
            if status.is_partial() {
                return Err(Refusal::bad("a head that breaks off"));
            }
            let method = Method::from_bytes(method.as_bytes())
                .map_err(|_| Refusal::bad("a method that is no token"))?;
            self.judge(&head, method, target, version, request.headers)
        })
    }

    fn judge(
        &self,
        head: &Bytes,
        method: Method,
        target: &str,
        version: u8,
        fields: &[Header<'_>],
    ) -> Result<Incoming, Refusal> {
        if target.len() > self.limits.target {
            let what = "a target over the limit";
            return Err(Refusal::new(StatusCode::URI_TOO_LONG, what));
        }
        let target = Target::read(&method, head, target)?;
        let (noted, list) = Noted::read(head, fields)?;
        let old = version == 0;
        if old && noted.chunked {
            return Err(Refusal::bad("Transfer-Encoding in HTTP/1.0"));
        }
        let authority = self.authority(head, &target, noted.host, old)?;
        let length = match (noted.chunked, noted.length) {
            (true, _) => Length::Chunked,
            (false, Some(0) | None) => Length::None,
            (false, Some(length)) => Length::Known(length),
        };
        let mut headers = Headers::from(list);
        if noted.hop {
            semantics::strip_request(&mut headers);
        }
        let mut http = HttpRequest::new(method, authority, target.path);
        http.headers = headers;
        http.scheme = self.scheme;
        http.expect_continue = noted.expect && !old && length != Length::None;
        http.version = if old {
            Version::HTTP_10
        } else {
            Version::HTTP_11
        };
        let mut h2c = None;
        // One with a body of its own is no switch: what comes behind it would be read in two ways.
        if noted.upgrading && !old && length == Length::None && http.method != Method::CONNECT {
            match (noted.upgrade, noted.settings) {
                // Another connection's business: it is taken up here or ignored.
                (Some(protocol), settings) if is_h2c(protocol) => {
                    h2c = settings.map(|settings| head.slice_ref(settings));
                }
                // Of several the first, so that there is no doubt which one the server agrees to.
                (Some(protocols), _) => {
                    let first = tokens(protocols).find(|protocol| is_protocol(protocol));
                    http.upgrade =
                        first.and_then(|first| Str::from_utf8(head.slice_ref(first)).ok());
                }
                _ => {}
            }
        }
        Ok(Incoming {
            http: Box::new(http),
            length,
            keep_alive: !noted.close && (!old || noted.keep_alive),
            h2c,
        })
    }

    fn authority(
        &self,
        head: &Bytes,
        target: &Target,
        host: Option<&[u8]>,
        old: bool,
    ) -> Result<Str, Refusal> {
        match host {
            None if old || self.missing_host => {}
            None => return Err(Refusal::bad("no Host")),
            Some([]) if self.missing_host => {}
            Some(host) if !is_authority(host) => {
                return Err(Refusal::bad("a Host that is no host"));
            }
            Some(host) if !target.agrees(host) => {
                return Err(Refusal::bad("a target of another host than Host"));
            }
            Some(_) => {}
        }
        Ok(match (&target.authority, host) {
            (Some(authority), _) => authority.clone(),
            (None, Some(host)) => Str::from_utf8(head.slice_ref(host)).unwrap_or_default(),
            (None, None) => Str::default(),
        })
    }
}

/// A name, with or without a version.
fn is_protocol(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(byte);
    !text.is_empty() && text.iter().all(plain)
}

fn is_h2c(protocol: &[u8]) -> bool {
    tokens(protocol).any(|token| token.eq_ignore_ascii_case(b"h2c"))
}

impl Decoder for RequestDecoder {
    type Item = Incoming;
    type Error = Refusal;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Incoming>, Refusal> {
        if !self.skip_blank(buffer)? {
            return Ok(None);
        }
        let Some(end) = self.scan.scan(buffer, &self.limits)? else {
            return Ok(None);
        };
        self.scan = Scan::default();
        self.blank = 0;
        self.read(buffer.split_to(end.length).freeze(), end.fields)
            .map(Some)
    }
}

/// Room to parse so many fields in.
pub(crate) fn with_headers<'b, R>(
    fields: usize,
    parse: impl FnOnce(&mut [MaybeUninit<Header<'b>>]) -> R,
) -> R {
    if fields <= USUAL {
        return parse(&mut [const { MaybeUninit::uninit() }; USUAL]);
    }
    let mut many = Vec::new();
    many.resize_with(fields, MaybeUninit::uninit);
    parse(&mut many)
}

pub(crate) fn explain(error: httparse::Error) -> Refusal {
    use httparse::Error;
    let what = match error {
        Error::HeaderName => "a field name that is no token",
        Error::HeaderValue => "a field value with control bytes",
        Error::NewLine => "a CR that ends no line",
        Error::Status => "a status that is no number",
        Error::Token => "a request line that is none",
        Error::TooManyHeaders => "more header fields than the limit",
        Error::Version => {
            let what = "a version that is neither 1.0 nor 1.1";
            return Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, what);
        }
    };
    Refusal::bad(what)
}
