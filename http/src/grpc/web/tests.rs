//! What a browser sends and gets.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use parking_lot::Mutex;
use wireloom_codecs::http::{HTTP1, HTTP2};
use wireloom_codecs::{
    HeaderList, HttpRequest, HttpResponse, Kind, Message, Part, ResponseHead, stream,
};

use super::*;
use crate::grpc::GRPC_STATUS;

/// Answers with what it is told, and keeps the request.
#[derive(Clone)]
struct Inner(Arc<Mutex<Seen>>);

type Seen = (Option<Box<Request>>, Option<Result<Response, LocalError>>);

impl Service for Inner {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let mut state = self.0.lock();
        state.0 = Some(request);
        let answer = state.1.take().unwrap();
        async move { answer }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

fn list(fields: &[(&'static str, &'static str)]) -> Headers {
    let fields = fields
        .iter()
        .map(|(n, v)| (Bytes::from(*n), Bytes::from(*v)));
    HeaderList::from_iter(fields).into()
}

fn request(content_type: &'static str, body: Body) -> Box<Request> {
    let mut http = HttpRequest::new(Method::POST, "a".into(), "/pkg.Svc/Do".into());
    http.headers = list(&[("Content-Type", content_type), ("Content-Length", "8")]);
    let head = semantics::request_head(Box::new(http), HTTP1, Kind::Unary);
    Box::new(Message::new(head, body))
}

fn answer(body: Body, trailers: Option<Headers>) -> Response {
    let mut http = HttpResponse::new(http::StatusCode::OK);
    http.headers = list(&[("content-type", "application/grpc+proto")]);
    let head = ResponseHead {
        http: Some(Box::new(http)),
        ..ResponseHead::default()
    };
    let mut response = Message::new(head, body);
    response.trailers = trailers.map(Box::new);
    response
}

async fn exchange(
    request: Box<Request>,
    answer: Result<Response, LocalError>,
) -> (Box<Request>, Result<Response, LocalError>) {
    let inner = Inner(Arc::new(Mutex::new((None, Some(answer)))));
    let response = Bridged(inner.clone()).call(request).await;
    let seen = inner.0.lock().0.take().unwrap();
    (seen, response)
}

const STATUS: &[(&str, &str)] = &[("grpc-status", "0"), ("grpc-message", "")];
const FRAME: &[u8] = b"\x80\0\0\0\x20grpc-status: 0\r\ngrpc-message: \r\n";

#[tokio::test]
async fn the_binary_form_has_its_trailers_in_the_body() {
    let body = Body::Whole(Bytes::from_static(b"\0\0\0\0\x03abc"));
    let sent = request("application/grpc-web+proto", body);
    let reply = answer(Body::Whole(Bytes::from_static(b"data")), Some(list(STATUS)));
    let (seen, response) = exchange(sent, Ok(reply)).await;
    assert_eq!(seen.head.protocol, GRPC);
    assert_eq!((&*seen.head.service, &*seen.head.method), ("pkg.Svc", "Do"));
    let http = seen.head.http.as_ref().unwrap();
    assert_eq!(
        http.headers.get(&CONTENT_TYPE).unwrap(),
        b"application/grpc+proto"
    );
    assert_eq!(http.headers.get(&TE).unwrap(), b"trailers");
    assert_eq!(seen.body.whole().unwrap(), b"\0\0\0\0\x03abc");
    let response = response.unwrap();
    let http = response.head.http.unwrap();
    assert_eq!(
        http.headers.get(&CONTENT_TYPE).unwrap(),
        b"application/grpc-web+proto"
    );
    assert_eq!(response.body.whole().unwrap(), [b"data", FRAME].concat());
    assert!(response.trailers.is_none());
}

#[tokio::test]
async fn the_text_form_is_base64_both_ways() {
    // Two segments, the first padded.
    let body = Body::Whole(Bytes::from_static(b"YQ==YmNk"));
    let sent = request("application/grpc-web-text", body);
    let reply = answer(Body::Whole(Bytes::from_static(b"x")), Some(list(STATUS)));
    let (seen, response) = exchange(sent, Ok(reply)).await;
    assert_eq!(seen.body.whole().unwrap(), b"abcd");
    assert!(
        !seen
            .head
            .http
            .as_ref()
            .unwrap()
            .headers
            .contains(&CONTENT_LENGTH)
    );
    let text = response.unwrap();
    let decoded = text::decode_whole(text.body.whole().unwrap()).unwrap();
    assert_eq!(decoded, [b"x", FRAME].concat());
}

#[tokio::test]
async fn streams_are_turned_part_by_part() {
    let (mut up, body) = stream(64);
    let sent = request("application/grpc-web-text", Body::Stream(body));
    let (mut down, reply) = stream(64);
    let reply = answer(Body::Stream(reply), None);
    let (seen, response) = exchange(sent, Ok(reply)).await;
    let (Body::Stream(mut seen), Body::Stream(mut back)) = (seen.body, response.unwrap().body)
    else {
        panic!("streams stay streams");
    };
    for piece in ["YW", "JjZA", "=="] {
        up.push(Part::Data(piece.into())).unwrap();
    }
    up.finish();
    let mut all = Vec::new();
    while let Some(part) = seen.next().await {
        let Part::Data(data) = part.unwrap() else {
            panic!("data")
        };
        all.extend_from_slice(&data);
    }
    assert_eq!(all, b"abcd");
    down.push(Part::Data("one".into())).unwrap();
    down.push(Part::Trailers(list(STATUS))).unwrap();
    down.finish();
    let Part::Data(first) = back.next().await.unwrap().unwrap() else {
        panic!("data")
    };
    let Part::Data(last) = back.next().await.unwrap().unwrap() else {
        panic!("data")
    };
    assert_eq!(text::decode_whole(&first).unwrap(), "one");
    assert_eq!(text::decode_whole(&last).unwrap(), FRAME);
    assert!(back.next().await.is_none());
}

#[tokio::test]
async fn failures_are_grpc_statuses() {
    let sent = request("application/grpc-web", Body::Empty);
    let (_, response) = exchange(sent, Err(ErrorKind::NoEndpoint.into())).await;
    let http = response.unwrap().head.http.unwrap();
    assert_eq!(http.headers.get(&GRPC_STATUS).unwrap(), b"14");
    assert_eq!(
        http.headers.get(&CONTENT_TYPE).unwrap(),
        b"application/grpc-web"
    );
}

#[tokio::test]
async fn what_is_not_base64_is_refused() {
    let sent = request(
        "application/grpc-web-text",
        Body::Whole(Bytes::from_static(b"a*==")),
    );
    let inner = Inner(Arc::new(Mutex::new((None, None))));
    let error = Bridged(inner).call(sent).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Malformed);
}

#[test]
fn others_pass_untouched() {
    let mut sent = request("application/json", Body::Empty);
    sent.head.protocol = HTTP2;
    let reply = answer(Body::Empty, None);
    let (seen, response) = exchange(sent, Ok(reply)).now_or_never().unwrap();
    assert_eq!(seen.head.protocol, HTTP2);
    assert!(response.is_ok());
}
