//! What the proxy answers by itself, in the protocol of who asked.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
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
    let status = own_status(error).unwrap_or_else(|| http_status(error.kind));
    let mut text = error.to_string();
    text.push('\n');
    let mut http = HttpResponse::new(status);
    http.headers = list([
        (CONTENT_TYPE.as_str(), "text/plain; charset=utf-8".into()),
        (CONTENT_LENGTH.as_str(), text.len().to_string().into()),
    ]);
    if let Some(millis) = error.retry_after {
        // RFC 9110 §10.2.3: whole seconds.
        let seconds = millis.get().div_ceil(1000).into();
        http.headers.append(&RETRY_AFTER, &seconds);
    }
    let body = match to.head {
        true => Body::Empty,
        false => Body::Whole(text.into()),
    };
    let outcome = Outcome::new(error.kind.class(), status.as_u16().into());
    reply(http, outcome, body)
}

/// The status that the failure itself asks for; a final one.
fn own_status(error: &LocalError) -> Option<StatusCode> {
    let status = StatusCode::from_u16(error.status?.get()).ok()?;
    (!status.is_informational()).then_some(status)
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
    reply(http, grpc::outcome(grpc_code(error)), Body::Empty)
}

fn grpc_code(error: &LocalError) -> u32 {
    let own = error.status.map(|status| status.get().into());
    own.unwrap_or_else(|| grpc::code_of(error.kind))
}

fn status_fields(error: &LocalError) -> impl Iterator<Item = (Bytes, Bytes)> {
    let code = grpc_code(error).to_string();
    let message = grpc::percent_encoded(&error.to_string());
    let pushback = error.retry_after.map(|millis| {
        let millis = millis.to_string();
        ("grpc-retry-pushback-ms".into(), millis.into())
    });
    let status = [
        ("grpc-status".into(), code.into()),
        ("grpc-message".into(), message.into()),
    ];
    status.into_iter().chain(pushback)
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
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
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
    fn a_failure_may_have_a_wait_and_a_status_of_its_own() {
        let error = LocalError::from(ErrorKind::RateLimited);
        let error = error.with_retry_after(std::time::Duration::from_millis(1200));
        let http = |error: &LocalError| local_reply(asker(HTTP1, false), error).head.http.unwrap();
        let reply = http(&error);
        assert_eq!(reply.status, 429);
        assert_eq!(reply.headers.get(&RETRY_AFTER).unwrap(), b"2");
        let rpc = |error: &LocalError| local_reply(asker(GRPC, false), error).head;
        let reply = rpc(&error);
        assert_eq!(reply.outcome.native, 8);
        let fields = reply.http.unwrap().headers;
        let pushback = http::HeaderName::from_static("grpc-retry-pushback-ms");
        assert_eq!(fields.get(&pushback).unwrap(), b"1200");

        let status = |code| std::num::NonZeroU16::new(code).unwrap();
        let error = LocalError::from(ErrorKind::Internal);
        assert_eq!(http(&error.clone().with_status(status(418))).status, 418);
        // What cannot be an answer's.
        assert_eq!(http(&error.clone().with_status(status(100))).status, 500);
        let reply = rpc(&error.with_status(status(10)));
        assert_eq!(reply.outcome.native, 10);
        let fields = reply.http.unwrap().headers;
        assert_eq!(fields.get(&grpc::GRPC_STATUS).unwrap(), b"10");
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
