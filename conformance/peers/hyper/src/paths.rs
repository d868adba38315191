//! Which request gets which answer.

use std::convert::Infallible;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::{Method, Request, Response, StatusCode};

use crate::body::{Body, Error, broken, digest, drip, pattern_stream, whole};
use crate::{held, replies, tunnel};

const ABORTED_AFTER: u64 = 64 << 10;
const INTERNAL_ERROR: u32 = 2;

pub(crate) async fn handle(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let head = request.method() == Method::HEAD;
    let mut answer = answer(request).await.unwrap_or_else(|error| {
        replies::plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    });
    if head && let Some(length) = answer.body().size_hint().exact() {
        // The library would send it over HTTP/2.
        let fields = answer.headers_mut();
        fields.entry(CONTENT_LENGTH).or_insert(length.into());
        *answer.body_mut() = whole("");
    }
    Ok(answer)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Error> {
    if request.method() == Method::CONNECT {
        return Ok(replies::plain(StatusCode::METHOD_NOT_ALLOWED, ""));
    }
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["echo"] => Ok(replies::echo(request)),
        ["headers"] => replies::headers(&request),
        ["fields"] => replies::fields(),
        ["status", code] => {
            let status = replies::status(code.parse()?);
            digest(request.into_body()).await?;
            status
        }
        ["bytes", length] => replies::bytes(&request, length.parse()?),
        ["chunked", length] => Ok(Response::new(pattern_stream(length.parse()?))),
        ["hash"] => Ok(replies::json(&digest(request.into_body()).await?.0)),
        ["slow", millis] => {
            tokio::time::sleep(Duration::from_millis(millis.parse()?)).await;
            Ok(replies::plain(StatusCode::OK, format!("slept {millis}\n")))
        }
        ["drip", count, millis] => {
            let pause = Duration::from_millis(millis.parse()?);
            Ok(Response::new(drip(count.parse()?, pause)))
        }
        ["trailers"] => replies::trailers(request).await,
        ["refuse"] => Ok(replies::plain(StatusCode::EXPECTATION_FAILED, "")),
        ["abort"] => Ok(Response::builder()
            .header("content-length", 1 << 20)
            .body(broken(ABORTED_AFTER, INTERNAL_ERROR))?),
        ["abort", "chunked"] => Ok(Response::new(broken(ABORTED_AFTER, INTERNAL_ERROR))),
        ["reset", code] => Ok(Response::new(broken(ABORTED_AFTER, code.parse()?))),
        ["stream", token] => Ok(replies::stream(token)),
        ["hold", token] => {
            let open = held::Open::new(token);
            open.0.released().await;
            let (digest, _) = digest(request.into_body()).await?;
            open.done();
            Ok(replies::json(&digest))
        }
        ["wait", token] => {
            let open = held::Open::new(token);
            open.0.released().await;
            open.done();
            Ok(replies::plain(StatusCode::OK, "released\n"))
        }
        ["release", token] => {
            held::record(token).release();
            Ok(Response::builder()
                .status(StatusCode::NO_CONTENT)
                .body(whole(""))?)
        }
        ["seen", token] => Ok(replies::json(&held::record(token).tell())),
        ["upgrade"] => tunnel::upgrade(request),
        _ => Ok(replies::plain(StatusCode::NOT_FOUND, "")),
    }
}
