//! What the proxy answers by itself, in the protocol of who asked.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use wireloom_codecs::http::{GRPC, TRIPLE};
use wireloom_codecs::{
    Body, ErrorKind, HeaderList, Headers, HttpResponse, LocalError, Message, Outcome, ProtocolId,
    Response, ResponseHead,
};

use crate::grpc;

/// What is kept of a request while it is away, to answer it with an error of its own protocol.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// Of the request.
    pub protocol: ProtocolId,
    /// It was a HEAD request, whose answer has no body.
    pub head: bool,
}

/// The answer to a request that failed in the proxy: a status with a line of text, or gRPC's trailers-only form, a head
/// and nothing behind it.
pub fn local_reply(to: Asker, error: &LocalError) -> Response {
    if to.protocol == GRPC || to.protocol == TRIPLE {
        return grpc_reply(error);
    }
    let status = http_status(error.kind);
    let mut text = error.to_string();
    text.push('\n');
    let mut http = HttpResponse::new(status);
    http.headers = list([
        (CONTENT_TYPE.as_str(), "text/plain; charset=utf-8".into()),
        (CONTENT_LENGTH.as_str(), text.len().to_string().into()),
    ]);
    let body = match to.head {
        true => Body::Empty,
        false => Body::Whole(text.into()),
    };
    let outcome = Outcome::new(error.kind.class(), status.as_u16().into());
    reply(http, outcome, body)
}

/// The trailers that end a gRPC response whose head has left already.
pub fn grpc_trailers(error: &LocalError) -> Headers {
    status_fields(error).collect::<HeaderList>().into()
}

fn grpc_reply(error: &LocalError) -> Response {
    let mut http = HttpResponse::new(StatusCode::OK);
    let content_type = ("content-type".into(), "application/grpc".into());
    let fields = std::iter::once(content_type).chain(status_fields(error));
    http.headers = fields.collect::<HeaderList>().into();
    reply(http, grpc::outcome(grpc::code_of(error.kind)), Body::Empty)
}

fn status_fields(error: &LocalError) -> impl Iterator<Item = (Bytes, Bytes)> {
    let code = grpc::code_of(error.kind).to_string();
    let message = grpc::percent_encoded(&error.to_string());
    [
        ("grpc-status".into(), code.into()),
        ("grpc-message".into(), message.into()),
    ]
    .into_iter()
}

fn list<const N: usize>(fields: [(&'static str, Bytes); N]) -> Headers {
    let fields = fields.map(|(name, value)| (Bytes::from_static(name.as_bytes()), value));
    HeaderList::from_iter(fields).into()
}

fn reply(http: HttpResponse, outcome: Outcome, body: Body) -> Response {
    let head = ResponseHead {
        outcome,
        http: Some(Box::new(http)),
        ..ResponseHead::default()
    };
    Message::new(head, body)
}

/// RFC 9110 §15; where it leaves a choice, as other proxies choose.
fn http_status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NoRoute => StatusCode::NOT_FOUND,
        ErrorKind::NoEndpoint
        | ErrorKind::ConnectFailure
        | ErrorKind::Overloaded
        | ErrorKind::Draining => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Reset => StatusCode::BAD_GATEWAY,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Malformed => StatusCode::BAD_REQUEST,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wireloom_codecs::http::HTTP1;

    fn asker(protocol: ProtocolId, head: bool) -> Asker {
        Asker { protocol, head }
    }

    #[test]
    fn http_gets_a_status_and_a_text() {
        let error = LocalError::new(ErrorKind::Timeout, "after 5 ms");
        let reply = local_reply(asker(HTTP1, false), &error);
        assert_eq!(reply.head.http.unwrap().status, 504);
        assert_eq!(
            reply.body.whole().unwrap(),
            b"wireloom: timed out: after 5 ms\n"
        );
        let reply = local_reply(asker(HTTP1, true), &error);
        assert_eq!(reply.body.whole().unwrap(), b"");
        let http = reply.head.http.unwrap();
        assert_eq!(http.headers.get(&CONTENT_LENGTH).unwrap(), b"32");
    }

    #[test]
    fn grpc_gets_trailers_only() {
        let error = LocalError::new(ErrorKind::NoRoute, "no 100% match\n");
        let reply = local_reply(asker(GRPC, false), &error);
        assert!(matches!(reply.body, Body::Empty) && reply.trailers.is_none());
        let http = reply.head.http.unwrap();
        assert_eq!(http.status, 200);
        assert_eq!(http.headers.get(&grpc::GRPC_STATUS).unwrap(), b"12");
        let message = http.headers.get(&grpc::GRPC_MESSAGE).unwrap();
        assert_eq!(message, b"wireloom: no route: no 100%25 match%0A");
    }
}
