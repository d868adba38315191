//! Frames to values.
//!
//! [`open`] reads what precedes a message's struct; [`check`] walks the struct of a frame that is whole; [`event`] slices the
//! frame. Nothing is copied: names, image and body are slices of what came.

use std::ops::Range;
use std::time::Duration;

use bytes::{Buf, Bytes};
use wireloom_codecs::{
    Body, ConnError, ErrorKind, Fault, Fields, FrameLimits, Inbound, Kind, LocalError, Needs,
    Origin, ProtocolId, Request, RequestHead, Response, ResponseHead, Str, StreamId, Wire,
};

use crate::ThriftConfig;
use crate::fixed::Fixed;
use crate::head::{self, word};
use crate::infos::{self, Key, Refused, Seen, Transform};
use crate::types::{Dialect, MessageType, NAME, Transport};
use crate::walk::{Broken, Walker};
use crate::{outcome, sealed};

/// Bytes of THeader's and TTHeader's fixed head.
pub(crate) const HEADER_HEAD: usize = 14;

/// What precedes a message's struct, as ranges of what it was read from.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) fixed: Fixed,
    /// See [`Fixed`]; the body follows it.
    pub(crate) image: Range<usize>,
    name: Name,
    /// The header block, and where its pairs start.
    block: Option<(Range<usize>, usize)>,
    /// The start of a compressed message, and where its struct starts in it.
    inflated: Option<(Vec<u8>, usize)>,
    /// What is wrong already. The frame's end is known all the same.
    pub(crate) fault: Option<LocalError>,
}

#[derive(Debug)]
enum Name {
    At(Range<usize>),
    Inflated(Range<usize>),
}

pub(crate) fn malformed(what: &'static str) -> LocalError {
    LocalError::new(ErrorKind::Malformed, what)
}

pub(crate) fn lost(what: &'static str) -> ConnError {
    ConnError::protocol(NAME, what)
}

/// Reads the start of a frame of `len` bytes, of which `src` holds some; None if too few of them are there.
pub(crate) fn open(
    dialect: Dialect,
    src: &[u8],
    len: usize,
    limits: &FrameLimits,
) -> Result<Option<Opened>, ConnError> {
    match dialect.transport {
        Transport::Buffered => plain(dialect, src, 0, limits),
        Transport::Framed => plain(dialect, src, 4, limits),
        Transport::Header | Transport::TtHeader => with_header(dialect, src, len, limits),
    }
}

fn plain(
    dialect: Dialect,
    src: &[u8],
    at: usize,
    limits: &FrameLimits,
) -> Result<Option<Opened>, ConnError> {
    let Some(head) = head::parse(dialect.protocol, src, at, limits.header).map_err(lost)? else {
        return Ok(None);
    };
    let mut opened = Opened {
        fixed: Fixed {
            dialect,
            ..Fixed::default()
        },
        image: at..at,
        name: Name::At(0..0),
        block: None,
        inflated: None,
        fault: None,
    };
    opened.set(&head, at);
    opened.image.end = head.body;
    opened.name = Name::At(head.name);
    opened.fixed.outer = head.seqid;
    Ok(Some(opened))
}

impl Opened {
    /// Takes over what the message's start says; `at` is where the image starts.
    fn set(&mut self, head: &head::Head, at: usize) {
        // Both fit: names and header blocks are bounded, and a varint has five bytes.
        self.fixed.seq_at = u32::try_from(head.seq_at.saturating_sub(at)).unwrap_or(u32::MAX);
        self.fixed.seq_width = u8::try_from(head.seq_width).unwrap_or(u8::MAX);
        self.fixed.inner = head.seqid;
        match MessageType::of(head.kind) {
            Some(kind) => self.fixed.kind = kind,
            None => {
                self.fault
                    .get_or_insert_with(|| malformed("a message type that is none of 1, 2, 3, 4"));
            }
        }
    }
}

fn with_header(
    dialect: Dialect,
    src: &[u8],
    len: usize,
    limits: &FrameLimits,
) -> Result<Option<Opened>, ConnError> {
    let magic = match dialect.transport {
        Transport::Header => [0x0f, 0xff],
        _ => [0x10, 0],
    };
    let Some(fixed_head) = src.first_chunk::<HEADER_HEAD>() else {
        return Ok(None);
    };
    let &[
        _,
        _,
        _,
        _,
        a,
        b,
        flags_a,
        flags_b,
        c,
        d,
        e,
        f,
        words_a,
        words_b,
    ] = fixed_head;
    if [a, b] != magic {
        return Err(lost("a frame of another dialect than the connection's"));
    }
    let words = u16::from_be_bytes([words_a, words_b]);
    let block_range = HEADER_HEAD..HEADER_HEAD + 4 * usize::from(words);
    let at = block_range.end;
    if at > len {
        return Err(lost("a header block that runs past its frame"));
    }
    let Some(block) = src.get(block_range.clone()) else {
        return Ok(None);
    };
    let start = infos::start(dialect.transport, block)
        .ok_or_else(|| lost("a header block that breaks off"))?;
    if start.protocol != Some(dialect.protocol) {
        return Err(lost("a header with another protocol than the connection's"));
    }
    let outer = u32::from_be_bytes([c, d, e, f]);
    let mut opened = Opened {
        fixed: Fixed {
            dialect,
            outer,
            inner: outer,
            flags: u16::from_be_bytes([flags_a, flags_b]),
            words,
            ..Fixed::default()
        },
        image: HEADER_HEAD..at,
        name: Name::At(0..0),
        fault: None,
        inflated: None,
        block: Some((block_range, start.pairs)),
    };
    if block.len() > limits.header {
        let what = format!("header block over {} bytes", limits.header);
        opened.fault = Some(LocalError::new(ErrorKind::TooLarge, what));
    }
    match start.transform {
        Transform::None => {
            let mut message_at = at;
            if dialect.transport == Transport::TtHeader {
                let Some(first) = word(src, at) else {
                    return Ok(None);
                };
                // A version has its high bit set, which no length has.
                if first as usize == len.saturating_sub(at + 4) {
                    opened.fixed.framed_again = true;
                    message_at += 4;
                }
            }
            let parsed = head::parse(dialect.protocol, src, message_at, limits.header);
            let Some(head) = parsed.map_err(lost)? else {
                return Ok(None);
            };
            opened.set(&head, HEADER_HEAD);
            opened.image.end = head.body;
            opened.name = Name::At(head.name);
        }
        Transform::Zlib => {
            opened.fixed.sealed = true;
            // Always the same bytes, however they came, and once.
            let Some(start) = src.get(at..len.min(at + sealed::PREFIX)) else {
                return Ok(None);
            };
            let inflated = sealed::prefix(start).unwrap_or_default();
            match head::parse(dialect.protocol, &inflated, 0, limits.header) {
                Ok(Some(head)) => {
                    opened.set(&head, 0);
                    opened.name = Name::Inflated(head.name.clone());
                    opened.inflated = Some((inflated, head.body));
                }
                _ => {
                    opened.fault = Some(malformed("no message can be inflated from the frame"));
                }
            }
            opened.fixed.seq_at = 0;
            opened.fixed.seq_width = 0;
        }
        Transform::Unknown => {
            opened.fixed.sealed = true;
            let what = "a header transform other than zlib";
            opened.fault = Some(LocalError::new(ErrorKind::Unsupported, what));
        }
    }
    Ok(Some(opened))
}

/// How a struct ends in its frame.
pub(crate) enum Checked {
    Good,
    /// It is wrong, and the next frame starts where it should.
    Bad(LocalError),
    /// More follows it in the frame.
    Trailing(LocalError),
}

/// Walks the struct of a whole frame. A compressed one is not looked at.
pub(crate) fn check(opened: &Opened, frame: &[u8]) -> Checked {
    if opened.fixed.sealed {
        return Checked::Good;
    }
    let mut walker = Walker::new(opened.fixed.dialect.protocol, opened.image.end);
    match walker.walk(frame, frame.len()) {
        Ok(Some(end)) if end == frame.len() => Checked::Good,
        Ok(Some(_)) => Checked::Trailing(malformed("bytes behind the message in its frame")),
        Ok(None) | Err(Broken::TooLong) => {
            Checked::Bad(malformed("a message that runs past its frame"))
        }
        Err(Broken::Malformed(what)) => Checked::Bad(malformed(what)),
    }
}

/// What decoding reads of the connection.
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a ThriftConfig,
    pub(crate) default_service: &'a Str,
    pub(crate) limits: &'a FrameLimits,
    pub(crate) needs: &'a Needs,
}

/// The header pairs that anybody reads; ranges of the header block.
pub(crate) fn pairs(
    opened: &Opened,
    frame: &[u8],
    context: &Context<'_>,
) -> Result<Seen, LocalError> {
    let Some((range, from)) = &opened.block else {
        return Ok(Seen::default());
    };
    let seen = infos::scan(
        opened.fixed.dialect.transport,
        frame.get(range.clone()).unwrap_or_default(),
        *from,
        context.settings.service_header.as_bytes(),
        context.needs,
        context.limits.headers,
    );
    seen.map_err(|refused| match refused {
        Refused::Broken => malformed("a header block that breaks off"),
        Refused::TooMany => {
            let what = format!("more than {} header pairs", context.limits.headers);
            LocalError::new(ErrorKind::TooLarge, what)
        }
    })
}

/// The service in front of the first `:`, and the method.
fn split(mut name: Bytes) -> (Option<Str>, Str) {
    let colon = name.iter().position(|byte| *byte == b':');
    let service = colon.map(|colon| {
        let service = name.split_to(colon);
        name.advance(1);
        Str::from_utf8_lossy(service)
    });
    (service, Str::from_utf8_lossy(name))
}

/// The name as it came.
pub(crate) fn name<'a>(opened: &'a Opened, src: &'a [u8]) -> &'a [u8] {
    match (&opened.name, &opened.inflated) {
        (Name::At(range), _) => src.get(range.clone()).unwrap_or_default(),
        (Name::Inflated(range), Some((start, _))) => start.get(range.clone()).unwrap_or_default(),
        (Name::Inflated(_), None) => &[],
    }
}

/// The method that a message names.
pub(crate) fn method<'a>(opened: &'a Opened, src: &'a [u8]) -> &'a [u8] {
    let name = name(opened, src);
    let colon = name.iter().position(|byte| *byte == b':');
    colon.map_or(name, |colon| name.get(colon + 1..).unwrap_or_default())
}

/// A refused message as an event.
pub(crate) fn fault(
    opened: &Opened,
    src: &[u8],
    error: LocalError,
    context: &Context<'_>,
    is_request: bool,
) -> Inbound {
    // Few bytes, copied: the frame itself goes.
    let (service, method) = split(Bytes::copy_from_slice(name(opened, src)));
    let service = service.as_ref().unwrap_or(context.default_service);
    let settings = context.settings;
    let listed = settings.is_one_way(service.as_bytes(), method.as_bytes());
    Inbound::Fault(
        StreamId(opened.fixed.outer.into()),
        Fault {
            origin: Origin {
                kind: match opened.fixed.kind {
                    MessageType::OneWay => Kind::OneWay,
                    _ if listed => Kind::OneWay,
                    _ => Kind::Unary,
                },
                fixed: opened.fixed.to_bytes(),
                method,
            },
            error,
            is_request,
        },
    )
}

/// The event of a whole message with nothing wrong in it.
pub(crate) fn event(opened: Opened, seen: &Seen, frame: Bytes, context: &Context<'_>) -> Inbound {
    // Each slice is a reference counted, so the parts are cut off where they can be.
    let mut body = frame;
    let mut front = body.split_to(opened.image.end.min(body.len()));
    let block = match &opened.block {
        Some((range, _)) => front.slice(range.clone()),
        None => Bytes::new(),
    };
    let text = |range: &Range<usize>| Str::from_utf8_lossy(block.slice(range.clone()));
    let fields: Fields = seen
        .fields
        .iter()
        .map(|(key, value)| match key {
            Key::At(range) => (text(range), text(value)),
            Key::Named(name) => (Str::from_static(name), text(value)),
        })
        .collect();
    let fixed = opened.fixed;
    let id = StreamId(fixed.outer.into());
    let names = fixed.kind.is_request().then(|| match &opened.name {
        Name::At(range) => split(front.slice(range.clone())),
        Name::Inflated(_) => split(Bytes::copy_from_slice(name(&opened, &[]))),
    });
    front.advance(opened.image.start.min(front.len()));
    let wire = Wire {
        fixed: fixed.to_bytes(),
        image: front,
    };
    let Some((service, method)) = names else {
        let start = match &opened.inflated {
            Some((inflated, at)) => inflated.get(*at..).unwrap_or_default(),
            None => &body[..],
        };
        let head = ResponseHead {
            outcome: outcome::of(fixed.kind, fixed.dialect.protocol, start),
            fields,
            wire,
            http: None,
        };
        return Inbound::Response(id, Response::new(head, Body::Whole(body)));
    };
    let service = service
        .or_else(|| seen.service.as_ref().map(text))
        .unwrap_or_else(|| context.default_service.clone());
    let one_way = fixed.kind == MessageType::OneWay
        || context
            .settings
            .is_one_way(service.as_bytes(), method.as_bytes());
    let head = RequestHead {
        protocol: ProtocolId(NAME),
        kind: if one_way { Kind::OneWay } else { Kind::Unary },
        service,
        method,
        fields,
        timeout: seen.timeout.map(Duration::from_millis),
        wire,
        http: None,
    };
    Inbound::Request(id, Request::new(head, Body::Whole(body)))
}
