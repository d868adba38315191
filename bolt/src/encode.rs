//! Values to frames.

use bytes::Bytes;
use wireloom_codecs::{Body, ConnError, StreamId, Wire, WriteBuf};

use crate::types::{Head, MAX_SHORT, NAME};

/// Writes a frame: `head` under `id`, the class name and header block that `wire` keeps, and the body.
///
/// The lengths are those of what is written, so a frame that nobody changed comes out as it came, and one with
/// a new header block or body is still a frame. Only the class name's length is the head's own.
pub(crate) fn message(
    head: Head,
    id: StreamId,
    wire: &Wire,
    body: &Body,
    dst: &mut WriteBuf,
) -> Result<(), ConnError> {
    let unfit = |what| Err(ConnError::protocol(NAME, what));
    let none = Bytes::new();
    let content = match body {
        Body::Empty => &none,
        Body::Whole(content) => content,
        Body::Stream(_) => return unfit("a streamed body has no Bolt frame"),
    };
    let header_len = wire.image.len().checked_sub(head.class_len.into());
    let Some(Ok(header_len)) = header_len.map(u16::try_from) else {
        return unfit("the class name or the header block does not fit its length field");
    };
    if header_len > MAX_SHORT {
        return unfit("the header block is longer than 32767 bytes");
    }
    let Ok(content_len) = i32::try_from(content.len()) else {
        return unfit("the content is longer than 2 GiB");
    };
    let head = Head {
        id: wire_id(id)?,
        header_len,
        content_len,
        ..head
    };
    write(&head, &wire.image, content, dst);
    Ok(())
}

/// Writes a frame without class name, header block and content.
pub(crate) fn bare(head: &Head, dst: &mut WriteBuf) {
    let none = Bytes::new();
    write(head, &none, &none, dst);
}

/// The 32 bits that go on the wire.
pub(crate) fn wire_id(id: StreamId) -> Result<u32, ConnError> {
    u32::try_from(id.0).map_err(|_| ConnError::protocol(NAME, "a request id has more than 32 bits"))
}

/// The head of a message that this codec decoded or made.
pub(crate) fn head_of(wire: &Wire) -> Result<Head, ConnError> {
    Head::parse(&wire.fixed)
        .ok_or_else(|| ConnError::protocol(NAME, "a message of another protocol cannot be written"))
}

fn write(head: &Head, image: &Bytes, content: &Bytes, dst: &mut WriteBuf) {
    let fixed = head.to_bytes();
    let fixed = fixed.get(..head.len()).unwrap_or_default();
    dst.put_slice(fixed);
    dst.put(image);
    dst.put(content);
    if head.has_crc() {
        let mut crc = crc32fast::Hasher::new();
        for piece in [fixed, image, content] {
            crc.update(piece);
        }
        dst.put_slice(&crc.finalize().to_be_bytes());
    }
}
