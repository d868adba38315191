//! The proxy's own failures as Dubbo responses.

use bytes::{Bytes, BytesMut};
use wireloom_codecs::{Body, ErrorKind, LocalError, Outcome, Response, ResponseHead, Wire};
use wireloom_hessian::{Dialect, strings};

use crate::types::{Head, serialization::HESSIAN2, status};

/// The longest message, in bytes of UTF-8.
const MESSAGE_MAX: usize = 1024;

/// The status that makes a Java consumer raise what fits: `TimeoutException` for 31, and for the others a
/// `RemotingException` with the message, which its cluster sees as `RpcException` NETWORK.
pub(crate) const fn status_of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::NoRoute => status::SERVICE_NOT_FOUND,
        ErrorKind::Timeout => status::SERVER_TIMEOUT,
        ErrorKind::Overloaded | ErrorKind::RateLimited => status::THREADPOOL_EXHAUSTED,
        ErrorKind::Malformed | ErrorKind::TooLarge => status::BAD_REQUEST,
        ErrorKind::Internal => status::SERVICE_ERROR,
        ErrorKind::NoEndpoint
        | ErrorKind::ConnectFailure
        | ErrorKind::Reset
        | ErrorKind::Denied
        | ErrorKind::Draining
        | ErrorKind::Unsupported => status::SERVER_ERROR,
    }
}

/// The response for `error`.
///
/// It is flagged as Hessian whatever the request was written in: consumers read the message of a status other
/// than 20 by the response's own flag, and check the flag against the request's only for status 20 (Dubbo
/// 3.3.6, run with fastjson2 requests). One without Hessian fails the call all the same, with another message.
pub(crate) fn reply(error: &LocalError) -> Response {
    let status = status_of(error.kind);
    let head = ResponseHead {
        outcome: Outcome::new(error.kind.class(), status.into()),
        wire: Wire {
            fixed: Head::response(HESSIAN2, status).to_fixed(),
            image: Bytes::new(),
        },
        ..ResponseHead::default()
    };
    let mut message = error.to_string();
    message.truncate(message.floor_char_boundary(MESSAGE_MAX));
    let mut body = BytesMut::with_capacity(message.len() + 3);
    strings::put_string(&mut body, Dialect::Final, &message);
    Response::new(head, Body::Whole(body.freeze()))
}
