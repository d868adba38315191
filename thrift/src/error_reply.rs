//! Failures made by the proxy, as the `TApplicationException` that the request's client raises.
//!
//! The reply repeats the method without a multiplexed service before it, as servers do: Go checks the name before it looks at
//! the type, and Node dispatches on it.

use bytes::{BufMut, Bytes, BytesMut};
use wireloom_codecs::{Body, ErrorKind, LocalError, Origin, Outcome, Response, ResponseHead, Wire};

use crate::blocks;
use crate::encode::{put_start, put_varint};
use crate::fixed::Fixed;
use crate::types::{MessageType, Protocol, exception};

/// The exception's type for `kind`.
pub(crate) const fn type_of(kind: ErrorKind) -> i32 {
    match kind {
        ErrorKind::NoRoute => exception::UNKNOWN_METHOD,
        ErrorKind::Malformed | ErrorKind::TooLarge => exception::PROTOCOL_ERROR,
        _ => exception::INTERNAL_ERROR,
    }
}

/// The reply in the request's dialect; the seqid comes with the encoding.
pub(crate) fn error_reply(to: &Origin, error: &LocalError) -> Response {
    // A request that did not come in Thrift is answered in what every library reads.
    let request = Fixed::parse(&to.fixed).unwrap_or_default();
    let dialect = request.dialect;
    let code = type_of(error.kind);
    let text = error.to_string();

    let mut image = BytesMut::with_capacity(32 + to.method.len());
    let words = blocks::empty(dialect, &mut image);
    if request.framed_again {
        // Encoding puts the length in.
        image.put_u32(0);
    }
    let kind = MessageType::Exception;
    let (seq_at, seq_width) = put_start(dialect.protocol, kind, to.method.as_bytes(), &mut image);
    let fixed = Fixed {
        dialect,
        kind,
        framed_again: request.framed_again,
        seq_at,
        seq_width,
        inner: request.inner,
        outer: request.outer,
        words,
        ..Fixed::default()
    };
    let head = ResponseHead {
        outcome: Outcome::new(error.kind.class(), code.cast_unsigned()),
        wire: Wire {
            fixed: fixed.to_bytes(),
            image: image.freeze(),
        },
        ..ResponseHead::default()
    };
    Response::new(head, Body::Whole(exception(dialect.protocol, &text, code)))
}

/// Field 1 is the text, field 2 the type.
pub(crate) fn exception(protocol: Protocol, text: &str, code: i32) -> Bytes {
    let len = u32::try_from(text.len()).unwrap_or_default();
    let text = text.as_bytes().get(..len as usize).unwrap_or_default();
    let mut body = BytesMut::with_capacity(text.len() + 16);
    if protocol == Protocol::Compact {
        body.put_u8(0x18);
        put_varint(&mut body, len);
        body.put_slice(text);
        body.put_u8(0x15);
        put_varint(
            &mut body,
            (code.cast_unsigned() << 1) ^ (code >> 31).cast_unsigned(),
        );
    } else {
        body.put_slice(&[11, 0, 1]);
        body.put_u32(len);
        body.put_slice(text);
        body.put_slice(&[8, 0, 2]);
        body.put_i32(code);
    }
    body.put_u8(0);
    body.freeze()
}
