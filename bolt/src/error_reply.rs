//! Failures made by the proxy, as the responses that make Bolt clients raise the exception that fits.
//!
//! They have no body: a status alone is enough for Java and Node, in whatever dialect they serialize.

use bytes::Bytes;
use wireloom_codecs::{Body, ErrorKind, LocalError, Origin, Outcome, Response, ResponseHead, Wire};

use crate::types::{CODEC_HESSIAN, Head, VER2, command, status};

/// The status for `kind`.
pub(crate) const fn status_of(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::NoRoute | ErrorKind::NoEndpoint => status::NO_PROCESSOR,
        // Clients fail over on it.
        ErrorKind::ConnectFailure | ErrorKind::Reset | ErrorKind::Draining => {
            status::CONNECTION_CLOSED
        }
        ErrorKind::Timeout => status::TIMEOUT,
        ErrorKind::Overloaded | ErrorKind::RateLimited => status::SERVER_THREADPOOL_BUSY,
        ErrorKind::Malformed | ErrorKind::TooLarge => status::CODEC_EXCEPTION,
        ErrorKind::Denied => status::SERVER_EXCEPTION,
        ErrorKind::Unsupported | ErrorKind::Internal => status::UNKNOWN,
    }
}

/// The reply in the request's version, codec and switch; the id comes with the encoding.
pub(crate) fn error_reply(to: &Origin, error: &LocalError) -> Response {
    // A request that did not come in Bolt is answered in v1, which every peer reads.
    let request = Head::parse(&to.fixed).unwrap_or(Head {
        ver2: VER2,
        codec: CODEC_HESSIAN,
        ..Head::default()
    });
    let status = status_of(error.kind);
    let head = ResponseHead {
        outcome: Outcome::new(error.kind.class(), status.into()),
        wire: Wire {
            fixed: request.answer(command::RESPONSE, status).to_bytes(),
            image: Bytes::new(),
        },
        ..ResponseHead::default()
    };
    Response::new(head, Body::Empty)
}
