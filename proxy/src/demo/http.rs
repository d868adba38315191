//! HTTP in the demo: hyper answers at `/echo` with the request, written out, its body last and as it comes.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::exhibit::{Exhibit, Expected, Try};
use super::servers::{HEADER, Site};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "http",
    title: "HTTP",
    matches: "protocol: [http1, http2]",
    upstream: Some("http1"),
    serve: |site| Box::pin(serve(site)),
    tries,
    others: |proxy| {
        vec![
            ("HTTP/1.1", format!("curl http://{proxy}/echo -d tea")),
            (
                "HTTP/2, to the same service of HTTP/1.1",
                format!("curl --http2-prior-knowledge http://{proxy}/echo -d tea"),
            ),
        ]
    },
};

/// Which service answered.
pub(super) const SERVED_BY: HeaderName = HeaderName::from_static("served-by");

/// The body of an answer.
pub(super) type Body = BoxBody<Bytes, hyper::Error>;

async fn serve(site: Site) {
    loop {
        let io = TokioIo::new(site.accept().await);
        let name = site.name.clone();
        let service = service_fn(move |request| {
            let answer = echo(request, &name);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER)
            .serve_connection(io, service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::info!("a connection to an echo service ended: {error}");
            }
        });
    }
}

fn echo(request: Request<Incoming>, name: &Arc<str>) -> Response<Body> {
    if request.uri().path() != "/echo" {
        return text(StatusCode::NOT_FOUND, name, "there is /echo alone\n".into());
    }
    let head = written(&request, name);
    let head = stream::iter([Ok(Frame::data(head.into()))]);
    let body = BodyStream::new(request.into_body());
    // Trailers end a body; this one goes on as text.
    let body = body.try_filter(|frame| std::future::ready(frame.is_data()));
    let mut response = text(StatusCode::OK, name, String::new());
    *response.body_mut() = BodyExt::boxed(StreamBody::new(head.chain(body)));
    response
}

/// A request's head as it is on the wire of HTTP/1.1, below a line that says who writes.
fn written<B>(request: &Request<B>, name: &str) -> String {
    let mut text = format!("served by {name}\n{} {} ", request.method(), request.uri());
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:?}", request.version());
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = writeln!(text, "{name}: {value}");
    }
    text.push('\n');
    text
}

/// An answer that is a text.
pub(super) fn text(status: StatusCode, name: &str, text: String) -> Response<Body> {
    let body = Full::from(text).map_err(|never: Infallible| match never {});
    let mut response = Response::new(BodyExt::boxed(body));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    if let Ok(name) = HeaderValue::from_str(name) {
        response.headers_mut().insert(SERVED_BY, name);
    }
    response
}

fn tries() -> Vec<Try> {
    let plain = Try {
        about: "HTTP/1.1",
        scheme: "http",
        target: "echo".to_owned(),
        query: "?cups=3",
        body: Some("tea"),
        types: None,
        http2: false,
        canary: false,
        expected: Expected::Lines(&["served by http", "POST /echo?cups=3 HTTP/1.1", "tea"]),
    };
    vec![
        plain.clone(),
        Try {
            about: "HTTP/2, to a service of HTTP/1.1",
            http2: true,
            ..plain.clone()
        },
        Try {
            about: "a header that a route asks for",
            query: "",
            body: None,
            canary: true,
            expected: Expected::Lines(&["served by http-canary", "GET /echo HTTP/1.1"]),
            ..plain
        },
    ]
}
