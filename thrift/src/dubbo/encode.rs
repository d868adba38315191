//! Values to frames, and failures made by the proxy.

use bytes::{BufMut, Bytes, BytesMut};
use wireloom_codecs::{
    Body, ConnError, LocalError, Origin, Outcome, Response, ResponseHead, StreamId, Wire, WriteBuf,
};

use super::{ID, MAGIC, NAME, SERVICE, VERSION};
use crate::encode::put_start;
use crate::error_reply::{exception, type_of};
use crate::types::{MessageType, Protocol};

/// Writes a message: its length, what precedes the id, the id, and what follows it.
pub(crate) fn message(
    id: StreamId,
    wire: &Wire,
    body: &Body,
    dst: &mut WriteBuf,
) -> Result<(), ConnError> {
    let none = Bytes::new();
    let body = match body {
        Body::Empty => &none,
        Body::Whole(body) => body,
        Body::Stream(_) => return Err(ConnError::protocol(NAME, "a streamed body has no message")),
    };
    let length = u32::try_from(wire.image.len() + ID + body.len());
    let length = length.map_err(|_| ConnError::protocol(NAME, "a message beyond 4 GiB"))?;
    dst.put_slice(&length.to_be_bytes());
    dst.put(&wire.image);
    dst.put_slice(&id.0.to_be_bytes());
    dst.put(body);
    Ok(())
}

/// The `TApplicationException` for `error`. It names no service: none is kept of a request, and no client reads one there.
pub(crate) fn error_reply(to: &Origin, error: &LocalError) -> Response {
    let code = type_of(error.kind);
    let mut body = BytesMut::new();
    let (kind, name) = (MessageType::Exception, to.method.as_bytes());
    put_start(Protocol::Binary, kind, name, &mut body);
    body.extend_from_slice(&exception(Protocol::Binary, &error.to_string(), code));

    let header = SERVICE - 4 + 4 + ID;
    let mut image = BytesMut::with_capacity(header);
    image.put_slice(&MAGIC);
    // The text of an error is short.
    image.put_u32(u32::try_from(header + body.len()).unwrap_or_default());
    image.put_u16(u16::try_from(header).unwrap_or_default());
    image.put_u8(VERSION);
    image.put_u32(0);
    let head = ResponseHead {
        outcome: Outcome::new(error.kind.class(), code.cast_unsigned()),
        wire: Wire {
            image: image.freeze(),
            ..Wire::default()
        },
        ..ResponseHead::default()
    };
    Response::new(head, Body::Whole(body.freeze()))
}
