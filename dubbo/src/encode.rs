//! Writing messages: a fresh fixed head, and the body as it came.

use wireloom_codecs::{Body, ConnError, StreamId, Wire, WriteBuf};

use crate::PROTOCOL;
use crate::types::Head;

/// Writes a message under `id`. It fails for what no Dubbo codec made, and for bodies that Dubbo cannot frame.
pub(crate) fn message(
    id: StreamId,
    wire: &Wire,
    body: &Body,
    dst: &mut WriteBuf,
) -> Result<(), ConnError> {
    let error = |what: &'static str| ConnError::protocol(PROTOCOL, what);
    let head = Head::parse(&wire.fixed).ok_or_else(|| error("a message of another protocol"))?;
    let len = body.whole().ok_or_else(|| error("a streamed body"))?.len();
    // The length is signed in Java.
    let length = i32::try_from(len).map_err(|_| error("a body of 2 GiB or more"))?;
    let head = Head {
        id: id.0,
        length: length.unsigned_abs(),
        ..head
    };
    dst.put_slice(&head.to_bytes());
    if let Body::Whole(bytes) = body {
        dst.put(bytes);
    }
    Ok(())
}
