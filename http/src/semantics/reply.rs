//! What the proxy answers by itself, in the protocol of who asked.

use http::StatusCode;
use wireloom_codecs::{
    Body, HttpResponse, LocalError, Message, ProtocolId, Response, ResponseHead,
};

/// What is kept of a request while it is away, to answer it with an error of its own protocol.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// Of the request.
    pub protocol: ProtocolId,
    /// It was a HEAD request, whose answer has no body.
    pub head: bool,
}

/// The answer to a request that failed in the proxy: a status and a text, or gRPC's trailers-only form.
pub fn local_reply(to: Asker, error: &LocalError) -> Response {
    let _ = to;
    let mut head = ResponseHead::default();
    head.http = Some(Box::new(HttpResponse::new(StatusCode::BAD_GATEWAY)));
    Message::new(head, Body::Whole(error.to_string().into()))
}
