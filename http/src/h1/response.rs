//! Response heads.

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use tokio_util::codec::Decoder;
use wireloom_codecs::{Headers, HttpResponse, Str};

use crate::h1::body::Length;
use crate::h1::fields::Noted;
use crate::h1::refusal::Refusal;
use crate::h1::request::{explain, with_headers};
use crate::h1::scan::{HeadLimits, Scan};
use crate::semantics;

/// How every response begins.
const VERSION: &[u8] = b"HTTP/1.";

/// A response's head, and how the rest of it comes.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) http: Box<HttpResponse>,
    pub(crate) length: Length,
    /// The connection takes another request after it.
    pub(crate) keep_alive: bool,
}

/// What a response's length depends on besides itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing.
    #[default]
    Plain,
    /// It answers HEAD.
    Head,
    /// It answers CONNECT.
    Connect,
    /// It answers a request to switch protocols.
    Upgrade,
}

impl Asked {
    pub(crate) fn of(method: &Method, upgrade: bool) -> Self {
        match *method {
            _ if upgrade => Self::Upgrade,
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Connect,
            _ => Self::Plain,
        }
    }
}

/// Decodes the heads of the responses to one request.
#[derive(Debug)]
pub(crate) struct ResponseDecoder {
    scan: Scan,
    limits: HeadLimits,
    pub(crate) asked: Asked,
    /// The protocol that was asked for.
    pub(crate) upgrade: Option<Str>,
}

impl ResponseDecoder {
    /// `head` and `fields` are the limits of a head in bytes and in fields.
    pub(crate) fn new(head: usize, fields: usize, asked: Asked) -> Self {
        Self {
            scan: Scan::default(),
            limits: HeadLimits {
                head,
                fields,
                // Of the status line; there is no other bound.
                target: head,
                bare_lf: false,
            },
            asked,
            upgrade: None,
        }
    }

    fn read(&self, head: Bytes, fields: usize) -> Result<Answered, Refusal> {
        with_headers(fields, |headers| {
            let mut response = httparse::Response::new(&mut []);
            let parsed = httparse::ParserConfig::default()
                .parse_response_with_uninit_headers(&mut response, &head, headers)
                .map_err(explain)?;
            let (Some(version), Some(code)) = (response.version, response.code) else {
                return Err(Refusal::bad("a status line that breaks off"));
            };
            if parsed.is_partial() {
                return Err(Refusal::bad("a head that breaks off"));
            }
            // The `http` crate would take up to 999.
            let status = StatusCode::from_u16(code).ok();
            let Some(status) = status.filter(|_| (100..600).contains(&code)) else {
                return Err(Refusal::bad("a status out of range"));
            };
            let (noted, list) = Noted::read(&head, response.headers)?;
            let old = version == 0;
            if old && noted.chunked {
                return Err(Refusal::bad("Transfer-Encoding in HTTP/1.0"));
            }
            let switched = status == StatusCode::SWITCHING_PROTOCOLS;
            if switched && !self.agrees(&noted) {
                return Err(Refusal::bad("a switch of protocols that nobody asked for"));
            }
            let length = self.length(status, &noted);
            let mut headers = Headers::from(list);
            if noted.host.is_some() || noted.hop {
                semantics::strip_response(&mut headers);
            }
            let mut http = HttpResponse::new(status);
            http.headers = headers;
            http.reason = reason(&head, status, response.reason);
            let keep_alive = !noted.close && (!old || noted.keep_alive);
            Ok(Answered {
                http: Box::new(http),
                length,
                keep_alive: keep_alive && !matches!(length, Length::UntilClose),
            })
        })
    }

    /// A switch is to the protocol that was asked for.
    fn agrees(&self, noted: &Noted<'_>) -> bool {
        let asked = self.upgrade.as_ref().map(Str::as_bytes);
        asked.zip(noted.upgrade).is_some_and(|(asked, agreed)| {
            self.asked == Asked::Upgrade && asked.eq_ignore_ascii_case(agreed)
        })
    }

    /// RFC 9112 §6.3, in its order.
    fn length(&self, status: StatusCode, noted: &Noted<'_>) -> Length {
        let bodiless = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if status == StatusCode::SWITCHING_PROTOCOLS
            || self.asked == Asked::Connect && status.is_success()
        {
            return Length::UntilClose;
        }
        if self.asked == Asked::Head || bodiless {
            return Length::None;
        }
        match (noted.chunked, noted.length) {
            (true, _) => Length::Chunked,
            (false, Some(0)) => Length::None,
            (false, Some(length)) => Length::Known(length),
            (false, None) => Length::UntilClose,
        }
    }
}

/// None if it is the usual one.
fn reason(head: &Bytes, status: StatusCode, reason: Option<&str>) -> Option<Str> {
    let reason = reason?;
    if status.canonical_reason() == Some(reason) {
        return None;
    }
    // httparse gives an empty one that is no slice of the head where it is not ASCII.
    match reason.is_empty() {
        true => Some(Str::default()),
        false => Str::from_utf8(head.slice_ref(reason.as_bytes())).ok(),
    }
}

impl Decoder for ResponseDecoder {
    type Item = Answered;
    type Error = Refusal;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Answered>, Refusal> {
        // Another protocol may never send a line end, and then it would be waited for.
        if !buffer.iter().zip(VERSION).all(|(came, own)| came == own) {
            return Err(Refusal::bad("an answer that is not HTTP/1"));
        }
        let Some(end) = self.scan.scan(buffer, &self.limits)? else {
            return Ok(None);
        };
        self.scan = Scan::default();
        self.read(buffer.split_to(end.length).freeze(), end.fields)
            .map(Some)
    }
}
