//! Values to frames.

use bytes::{BufMut, Bytes, BytesMut};
use wireloom_codecs::{Body, ConnError, StreamId, Wire, WriteBuf};

use crate::decode::lost;
use crate::fixed::Fixed;
use crate::types::{FRAME_CEILING, MessageType, Protocol, Transport};
use crate::varint;

/// Writes a message: what `wire` keeps with both seqids replaced, and the body.
///
/// A message under its own seqids comes out as it came; the lengths are those of what is written. A compressed message keeps the seqid
/// inside it.
pub(crate) fn message(
    fixed: &Fixed,
    outer: u32,
    inner: u32,
    wire: &Wire,
    body: &Body,
    dst: &mut WriteBuf,
) -> Result<(), ConnError> {
    let none = Bytes::new();
    let body = match body {
        Body::Empty => &none,
        Body::Whole(body) => body,
        Body::Stream(_) => return Err(lost("a streamed body has no Thrift message")),
    };
    let image = &wire.image[..];
    let (before, after) = parts(fixed, image).ok_or_else(|| lost("a head that does not match"))?;
    let (mut seqid, mut seq_len) = ([0; varint::MAX_U32], 0);
    if !fixed.sealed {
        if fixed.dialect.protocol == Protocol::Compact {
            // Its own seqid in its own width, which may be padded.
            let width = if inner == fixed.inner {
                fixed.seq_width
            } else {
                1
            };
            (seqid, seq_len) = varint::encode(inner, width.into());
        } else {
            let [a, b, c, d] = inner.to_be_bytes();
            (seqid, seq_len) = ([a, b, c, d, 0], 4);
        }
    }
    let seqid = seqid.get(..seq_len).unwrap_or_default();

    let head = match fixed.dialect.transport {
        Transport::Header | Transport::TtHeader => 10,
        Transport::Framed | Transport::Buffered => 0,
    };
    let len = head + before.len() + seqid.len() + after.len() + body.len();
    let Some(len) = u32::try_from(len).ok().filter(|len| *len < FRAME_CEILING) else {
        return Err(lost("a message is too long for a frame"));
    };
    let magic = match fixed.dialect.transport {
        Transport::Buffered => None,
        Transport::Framed => {
            dst.put_slice(&len.to_be_bytes());
            None
        }
        Transport::Header => Some([0x0f, 0xff]),
        Transport::TtHeader => Some([0x10, 0]),
    };
    if let Some([magic_a, magic_b]) = magic {
        let [a, b, c, d] = len.to_be_bytes();
        let [e, f] = fixed.flags.to_be_bytes();
        let [g, h, i, j] = outer.to_be_bytes();
        let [k, l] = fixed.words.to_be_bytes();
        dst.put_slice(&[a, b, c, d, magic_a, magic_b, e, f, g, h, i, j, k, l]);
    }
    let block = 4 * usize::from(fixed.words);
    match before.get(block + 4..).filter(|_| fixed.framed_again) {
        Some(start) => {
            let inner_len = start.len() + seqid.len() + after.len() + body.len();
            dst.put_slice(before.get(..block).unwrap_or_default());
            // Less than the whole, which was checked.
            dst.put_slice(&(inner_len as u32).to_be_bytes());
            dst.put_slice(start);
        }
        None => dst.put_slice(before),
    }
    dst.put_slice(seqid);
    dst.put_slice(after);
    dst.put(body);
    Ok(())
}

/// The image around the seqid.
fn parts<'a>(fixed: &Fixed, image: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    if fixed.sealed {
        return Some((image, &[]));
    }
    let (before, rest) = image.split_at_checked(usize::try_from(fixed.seq_at).ok()?)?;
    let (_, after) = rest.split_at_checked(fixed.seq_width.into())?;
    Some((before, after))
}

/// The 32 bits that go on the wire.
pub(crate) fn wire_id(id: StreamId) -> Result<u32, ConnError> {
    u32::try_from(id.0).map_err(|_| lost("a seqid has more than 32 bits"))
}

/// The head of a message that this codec decoded or made.
pub(crate) fn head_of(wire: &Wire) -> Result<Fixed, ConnError> {
    Fixed::parse(&wire.fixed)
        .ok_or_else(|| lost("a message of another protocol cannot be written as Thrift"))
}

/// The start of a message, with 0 for its seqid. Gives the offset and the width of that.
pub(crate) fn put_start(
    protocol: Protocol,
    kind: MessageType,
    name: &[u8],
    image: &mut BytesMut,
) -> (u32, u8) {
    // A name is within the header limit, far below 2 GiB.
    let len = u32::try_from(name.len()).unwrap_or_default();
    let name = name.get(..len as usize).unwrap_or_default();
    let at = |image: &BytesMut| u32::try_from(image.len()).unwrap_or_default();
    match protocol {
        Protocol::Binary => {
            image.put_slice(&[0x80, 1, 0, kind as u8]);
            image.put_u32(len);
            image.put_slice(name);
            let seq_at = at(image);
            image.put_u32(0);
            (seq_at, 4)
        }
        Protocol::BinaryNonStrict => {
            image.put_u32(len);
            image.put_slice(name);
            image.put_u8(kind as u8);
            let seq_at = at(image);
            image.put_u32(0);
            (seq_at, 4)
        }
        Protocol::Compact => {
            image.put_slice(&[0x82, (kind as u8) << 5 | 1]);
            let seq_at = at(image);
            image.put_u8(0);
            put_varint(image, len);
            image.put_slice(name);
            (seq_at, 1)
        }
    }
}

pub(crate) fn put_varint(to: &mut BytesMut, value: u32) {
    let (bytes, len) = varint::encode(value, 1);
    to.put_slice(bytes.get(..len).unwrap_or_default());
}
