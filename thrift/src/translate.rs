//! A message in another dialect.
//!
//! The type, the name, the seqids and the struct stay what they are; the transport and the protocol change. A name stays as it came also
//! where only a header pair told the service and the other dialect has no headers: `Service:method` would be refused by a server
//! that serves one service, and which kind of server a cluster has is not known here. What becomes of header pairs
//! is told in [`blocks`](crate::blocks).
//!
//! A struct is rewritten only between binary and compact; where the transport alone changes it is shared. A compressed
//! message is inflated, up to the longest frame and no further, and leaves uncompressed: each THeader message says how it
//! was transformed, so a client that compresses reads one that is not.

use bytes::{BufMut, Bytes, BytesMut};
use wireloom_codecs::{Body, ErrorKind, LocalError, Str, Wire};

use crate::decode::malformed;
use crate::fixed::Fixed;
use crate::head;
use crate::sealed::{self, Unreadable};
use crate::transcode::transcode;
use crate::types::{Dialect, Protocol, Transport};
use crate::walk::{Broken, Walker};
use crate::{blocks, encode};

/// What a message is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) dialect: Dialect,
    /// TTHeader: with a length of its own behind the header block.
    pub(crate) framed_again: bool,
}

/// What it has become.
#[derive(Debug)]
pub(crate) struct Translated {
    pub(crate) fixed: Fixed,
    pub(crate) wire: Wire,
    pub(crate) body: Body,
}

const UNREADABLE: &str = "no message can be inflated from the frame";

/// The message in the dialect of `to`.
///
/// # Errors
///
/// One that would be longer than `longest`, the length word of a frame aside; a compressed one that is no message or whose name is over
/// `max_name`. Others were looked at when they came.
pub(crate) fn message(
    fixed: &Fixed,
    wire: &Wire,
    body: &Body,
    to: Target,
    longest: usize,
    max_name: usize,
) -> Result<Translated, LocalError> {
    let (name, content) = open(fixed, wire, body, longest, max_name)?;
    let (from, into) = (fixed.dialect.protocol, to.dialect.protocol);

    let block = wire.image.get(..4 * usize::from(fixed.words));
    let again = usize::from(to.framed_again) * 4;
    let is_shared = from.shares_structs(into);
    // A guess where it is rewritten: compact takes less, binary seldom more than half again.
    let room = if is_shared { 0 } else { content.len() * 3 / 2 };
    let mut image = BytesMut::with_capacity(image_size(fixed, to, &name) + room);
    let words = blocks::carry(
        fixed.dialect.transport,
        block.unwrap_or_default(),
        to.dialect,
        &mut image,
    )?;
    // Encoding puts the length in.
    image.put_bytes(0, again);
    let (seq_at, seq_width) = encode::put_start(into, fixed.kind, &name, &mut image);

    // What frames count beside the image, and what a seqid may grow by.
    let header = if to.dialect.transport.has_header() {
        10
    } else {
        0
    };
    let around = match into {
        Protocol::Compact => header + 5 - usize::from(seq_width),
        Protocol::Binary | Protocol::BinaryNonStrict => header,
    };
    let too_long = || {
        let what = format!("over {longest} bytes in the other end's dialect");
        LocalError::new(ErrorKind::TooLarge, what)
    };
    let room = longest
        .checked_sub(image.len() + around)
        .ok_or_else(too_long)?;
    let (image, content) = if is_shared {
        if content.len() > room {
            return Err(too_long());
        }
        (image.freeze(), content)
    } else {
        let start = image.len();
        let read = transcode(from, &content, into, &mut image, room);
        let read = read.map_err(|broken| match broken {
            Broken::TooLong => too_long(),
            Broken::Malformed(what) => malformed(what),
        })?;
        if read != content.len() {
            return Err(malformed("bytes behind the message in its frame"));
        }
        let mut image = image.freeze();
        let content = image.split_off(start);
        (image, content)
    };
    let fixed = Fixed {
        dialect: to.dialect,
        kind: fixed.kind,
        sealed: false,
        framed_again: to.framed_again,
        seq_at,
        seq_width,
        inner: fixed.inner,
        // There is one seqid where there is no header.
        outer: match to.dialect.transport.has_header() {
            true => fixed.outer,
            false => fixed.inner,
        },
        flags: match to.dialect.transport == fixed.dialect.transport {
            true => fixed.flags,
            false => 0,
        },
        words,
    };
    let wire = Wire {
        fixed: fixed.to_bytes(),
        image,
    };
    Ok(Translated {
        fixed,
        wire,
        body: Body::Whole(content),
    })
}

/// More than the image of the message will take, in most cases.
fn image_size(fixed: &Fixed, to: Target, name: &[u8]) -> usize {
    let block = match to.dialect.transport {
        Transport::Header | Transport::TtHeader => 4 * usize::from(fixed.words) + 16,
        Transport::Framed | Transport::Buffered => 0,
    };
    block + name.len() + 24
}

/// The message's name and its struct.
fn open(
    fixed: &Fixed,
    wire: &Wire,
    body: &Body,
    longest: usize,
    max_name: usize,
) -> Result<(Bytes, Bytes), LocalError> {
    let none = Bytes::new();
    let body = match body {
        Body::Empty => &none,
        Body::Whole(body) => body,
        Body::Stream(_) => return Err(malformed("a streamed body has no Thrift message")),
    };
    let protocol = fixed.dialect.protocol;
    if !fixed.sealed {
        return Ok((name(fixed, wire).ok_or_else(unknown)?, body.clone()));
    }
    let message = sealed::whole(body, longest).map_err(|unreadable| match unreadable {
        Unreadable::TooLong => {
            let what = format!("over {longest} bytes once it is inflated");
            LocalError::new(ErrorKind::TooLarge, what)
        }
        Unreadable::Broken => malformed(UNREADABLE),
    })?;
    let message = Bytes::from(message);
    let head = head::parse(protocol, &message, 0, max_name).map_err(malformed)?;
    let head = head.ok_or_else(|| malformed(UNREADABLE))?;
    // Nobody has looked at it before.
    match Walker::new(protocol, head.body).walk(&message, message.len()) {
        Ok(Some(end)) if end == message.len() => {}
        Ok(Some(_)) => return Err(malformed("bytes behind the message in its frame")),
        Ok(None) | Err(Broken::TooLong) => {
            return Err(malformed("a message that runs past its frame"));
        }
        Err(Broken::Malformed(what)) => return Err(malformed(what)),
    }
    Ok((message.slice(head.name), message.slice(head.body..)))
}

/// The name of a message that is not compressed.
fn name(fixed: &Fixed, wire: &Wire) -> Option<Bytes> {
    let at = 4 * usize::from(fixed.words) + usize::from(fixed.framed_again) * 4;
    let head = head::parse(fixed.dialect.protocol, &wire.image, at, usize::MAX);
    Some(wire.image.slice(head.ok()??.name))
}

/// The method that a message names, as far as it can be told.
pub(crate) fn method(fixed: &Fixed, wire: &Wire, body: &Body) -> Str {
    let name = match (fixed.sealed, body) {
        (false, _) => name(fixed, wire),
        (true, Body::Whole(body)) => sealed::prefix(body).and_then(|start| {
            let head = head::parse(fixed.dialect.protocol, &start, 0, usize::MAX);
            Some(Bytes::copy_from_slice(start.get(head.ok()??.name)?))
        }),
        (true, _) => None,
    };
    name.map(Str::from_utf8_lossy).unwrap_or_default()
}

fn unknown() -> LocalError {
    malformed("a head that does not match")
}
