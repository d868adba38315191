//! Routes that answer by themselves: redirects and direct responses.

use bytes::Bytes;
use http::StatusCode;
use wireloom_codecs::http::{GRPC, TRIPLE};
use wireloom_codecs::{
    Body, Class, ErrorKind, HttpResponse, LocalError, Message, Outcome, RequestHead, Response,
    ResponseHead,
};
use wireloom_http::grpc;
use wireloom_router::{Action, DirectResponse};

/// The answer. What cannot be redirected is refused, and an RPC is answered by the status that is nearest.
pub(super) fn answer(action: &Action, request: &RequestHead) -> Result<Response, LocalError> {
    let rpc = request.protocol == GRPC || request.protocol == TRIPLE;
    match (action, &request.http) {
        (Action::Redirect(redirect), Some(http)) if !rpc => {
            Ok(respond(redirect.response(http), Bytes::new()))
        }
        (Action::Respond(direct), Some(_)) if rpc => grpc(direct),
        (Action::Respond(direct), Some(_)) => {
            let (head, body) = direct.response();
            Ok(respond(head, body))
        }
        (Action::Respond(direct), None) => Err(direct.error()),
        (Action::Redirect(_), _) => Err(LocalError::new(
            ErrorKind::Unsupported,
            "the route redirects, which this protocol cannot",
        )),
        (Action::Forward(_), _) => Err(ErrorKind::Internal.into()),
    }
}

fn respond(head: HttpResponse, body: Bytes) -> Response {
    let body = match body.is_empty() {
        true => Body::Empty,
        false => Body::Whole(body),
    };
    // The proxy did what it was told, whatever the status.
    let outcome = Outcome::new(Class::Success, head.status.as_u16().into());
    let head = ResponseHead {
        outcome,
        http: Some(Box::new(head)),
        ..ResponseHead::default()
    };
    Message::new(head, body)
}

/// A trailers-only answer with the body as its message.
fn grpc(direct: &DirectResponse) -> Result<Response, LocalError> {
    let mut head = HttpResponse::new(StatusCode::OK);
    let text = String::from_utf8_lossy(direct.body());
    let message = grpc::percent_encoded(text.trim());
    let code = direct.grpc_status();
    for (name, value) in [
        (http::header::CONTENT_TYPE, "application/grpc".to_owned()),
        (grpc::GRPC_STATUS, code.to_string()),
        (grpc::GRPC_MESSAGE, message),
    ] {
        let value = value.try_into().map_err(|_| ErrorKind::Internal)?;
        head.headers.append(&name, &value);
    }
    Ok(respond(head, Bytes::new()))
}
