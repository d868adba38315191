//! The answers that take more than a line.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE, TRAILER};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use serde_json::{Value, json};

use crate::body::{Body, Error, channel, digest, list, pattern, pattern_stream, whole};
use crate::held;

pub(crate) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    response
}

pub(crate) fn json(value: &Value) -> Response<Body> {
    let mut response = plain(StatusCode::OK, value.to_string());
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

pub(crate) fn echo(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(body.map_err(Into::into).boxed());
    let fields = response.headers_mut();
    if let Ok(method) = head.method.as_str().parse() {
        fields.insert("x-method", method);
    }
    for name in [CONTENT_TYPE, CONTENT_LENGTH] {
        if let Some(value) = head.headers.get(&name) {
            fields.insert(name, value.clone());
        }
    }
    response
}

pub(crate) fn headers(request: &Request<Incoming>) -> Result<Response<Body>, Error> {
    let target = request
        .uri()
        .path_and_query()
        .map_or("", |target| target.as_str());
    let version = if request.version() == Version::HTTP_2 {
        "2.0"
    } else {
        "1.1"
    };
    Ok(json(&json!({
        "method": request.method().as_str(),
        "target": target,
        "version": version,
        "headers": list(request.headers()),
    })))
}

pub(crate) fn fields() -> Result<Response<Body>, Error> {
    let fields = [
        ("x-mixed-case", "Kept"),
        ("x-lower-case", "kept"),
        ("x-upper-case", "KEPT"),
        ("set-cookie", "a=1; Path=/"),
        ("x-many", "one"),
        ("set-cookie", "b=2; HttpOnly"),
        ("x-many", "two"),
        ("x-empty", ""),
        ("x-last", "tab\tand \"quotes\", comma"),
    ];
    let builder = fields
        .into_iter()
        .fold(Response::builder(), |builder, (name, value)| {
            builder.header(name, value)
        });
    Ok(builder.body(whole(""))?)
}

pub(crate) fn status(code: u16) -> Result<Response<Body>, Error> {
    let status = StatusCode::from_u16(code)?;
    let text = match code {
        204 | 304 => String::new(),
        _ => format!("status {code}\n"),
    };
    Ok(plain(status, text))
}

pub(crate) fn bytes(request: &Request<Incoming>, length: u64) -> Result<Response<Body>, Error> {
    let builder = Response::builder().header(ACCEPT_RANGES, "bytes");
    if let Some((first, last)) = range(request.headers(), length) {
        return Ok(builder
            .status(StatusCode::PARTIAL_CONTENT)
            .header(CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))
            .body(whole(pattern(first, last + 1)))?);
    }
    let body = if request.method() == Method::HEAD {
        whole("")
    } else {
        pattern_stream(length)
    };
    Ok(builder.header(CONTENT_LENGTH, length).body(body)?)
}

/// The first and last byte of the one range that was asked for.
fn range(fields: &HeaderMap, length: u64) -> Option<(u64, u64)> {
    let (first, last) = fields
        .get(RANGE)?
        .to_str()
        .ok()?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    let first = first.parse().ok().filter(|first| *first < length)?;
    let last = last
        .parse()
        .map_or(length - 1, |last: u64| last.min(length - 1));
    (first <= last).then_some((first, last))
}

pub(crate) async fn trailers(request: Request<Incoming>) -> Result<Response<Body>, Error> {
    let (_, received) = digest(request.into_body()).await?;
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        let mut own = HeaderMap::new();
        own.insert("x-first", hyper::header::HeaderValue::from_static("1"));
        own.insert(
            "x-second",
            hyper::header::HeaderValue::from_static("two words"),
        );
        let _ = sender.send_data(list(&received).to_string().into()).await;
        let _ = sender.send_trailers(own).await;
    });
    Ok(Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header(TRAILER, "x-first, x-second")
        .body(body)?)
}

/// Zeros without end, as fast as they are taken.
pub(crate) fn stream(token: &str) -> Response<Body> {
    let open = held::Open::new(token);
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        let piece = Bytes::from_static(&[0; 16 << 10]);
        while sender.send_data(piece.clone()).await.is_ok() {
            open.0.sent(piece.len());
        }
    });
    Response::new(body)
}
