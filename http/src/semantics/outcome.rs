//! How an exchange ended, in policy's words.

use wireloom_codecs::http::{GRPC, TRIPLE};
use wireloom_codecs::{Class, Headers, HttpResponse, Outcome, ProtocolId};

use http::header::HeaderName;

use crate::grpc;

/// Triple: the body is an exception of the service.
const TRI_EXCEPTION: HeaderName = HeaderName::from_static("tri-exception-code");

/// What the head of a response says. For gRPC and Triple that is the status of a trailers-only response, or success
/// until the trailers say otherwise; where HTTP itself failed, what gRPC makes of its status. Else the HTTP status.
pub fn outcome(protocol: ProtocolId, response: &HttpResponse) -> Outcome {
    let status = response.status.as_u16();
    if protocol != GRPC && protocol != TRIPLE {
        return Outcome::new(http_class(status), status.into());
    }
    if protocol == TRIPLE && response.headers.contains(&TRI_EXCEPTION) {
        // The service's own exception, in the body and under a status of success.
        return Outcome::new(Class::AppError, grpc::OK);
    }
    match grpc::status_of(&response.headers) {
        Some(code) => grpc::outcome(code),
        None if status == 200 => grpc::outcome(grpc::OK),
        None => grpc::outcome(grpc::code_of_http(status)),
    }
}

/// What the trailers of a response say; None if they do not matter to the protocol, or say no more than its head. gRPC
/// trailers without a status are UNKNOWN, as a client takes them.
pub fn trailers_outcome(protocol: ProtocolId, trailers: &Headers) -> Option<Outcome> {
    if protocol != GRPC && protocol != TRIPLE {
        return None;
    }
    match grpc::status_of(trailers).unwrap_or(grpc::UNKNOWN) {
        // Triple's exceptions come with a status of success.
        grpc::OK if protocol == TRIPLE => None,
        code => Some(grpc::outcome(code)),
    }
}

/// What an HTTP status means to policy.
fn http_class(status: u16) -> Class {
    match status {
        0..=399 => Class::Success,
        408 | 504 => Class::Timeout,
        429 => Class::Overloaded,
        400..=499 => Class::ClientError,
        502 | 503 => Class::Unavailable,
        _ => Class::ServerError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::StatusCode;
    use wireloom_codecs::HeaderList;
    use wireloom_codecs::http::HTTP1;

    fn fields(code: &'static str) -> Headers {
        HeaderList::from_iter([(Bytes::from("grpc-status"), Bytes::from(code))]).into()
    }

    fn response(status: u16) -> HttpResponse {
        HttpResponse::new(StatusCode::from_u16(status).unwrap())
    }

    #[test]
    fn http_counts_its_status() {
        for (status, class) in [
            (200, Class::Success),
            (304, Class::Success),
            (404, Class::ClientError),
            (429, Class::Overloaded),
            (500, Class::ServerError),
            (503, Class::Unavailable),
            (504, Class::Timeout),
        ] {
            assert_eq!(
                outcome(HTTP1, &response(status)),
                Outcome::new(class, status.into())
            );
        }
    }

    #[test]
    fn grpc_counts_its_own_status_wherever_it_stands() {
        let mut trailers_only = response(200);
        trailers_only.headers = fields("14");
        assert_eq!(outcome(GRPC, &trailers_only).class, Class::Unavailable);
        assert_eq!(outcome(GRPC, &response(200)).class, Class::Success);
        assert_eq!(outcome(TRIPLE, &response(503)).native, 14);
        assert_eq!(
            trailers_outcome(GRPC, &fields("8")).unwrap().class,
            Class::Overloaded
        );
        assert_eq!(trailers_outcome(GRPC, &Headers::new()).unwrap().native, 2);
        assert_eq!(trailers_outcome(HTTP1, &fields("8")), None);
    }
}
