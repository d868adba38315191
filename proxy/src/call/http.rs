//! `http://host[:port]/path?query`: HTTP/1.1, or HTTP/2 with `--http2`.
//!
//! The method is POST if there is a body, else GET, unless `--request` says otherwise. The body goes to standard output
//! as it comes, whatever the status is.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use super::connection::{self, lost};
use super::{CallError, CallUrl, Caller, Failure, Out, Piece, Wrong, options};
use crate::cli::{CallArgs, VERSION};

pub(super) struct Http;

impl Caller for Http {
    fn scheme(&self) -> &'static str {
        "http"
    }

    fn call<'a>(
        &'a self,
        url: &'a CallUrl,
        args: &'a CallArgs,
        out: Out<'a>,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            options::only(args, self.scheme(), &[options::REQUEST, options::HTTP2])?;
            let request = request(url, args)?;
            let response = match args.http2 {
                true => {
                    let mut sender = connection::http2(url, args).await?;
                    sender.send_request(request).await
                }
                false => {
                    let mut sender = connection::http1(url, args).await?;
                    sender.send_request(request).await
                }
            };
            read(url, response.map_err(|error| lost(url, &error))?, out).await
        })
    }
}

fn request(url: &CallUrl, args: &CallArgs) -> Result<Request<Full<Bytes>>, Wrong> {
    let method = match (&args.method, &args.body) {
        (Some(name), _) => Method::from_bytes(name.as_bytes())
            .map_err(|_| Wrong::Option(options::REQUEST, format!("`{name}` is no method")))?,
        (None, Some(_)) => Method::POST,
        (None, None) => Method::GET,
    };
    if method == Method::CONNECT {
        let what = "CONNECT asks for a tunnel, not for an answer".to_owned();
        return Err(Wrong::Option(options::REQUEST, what));
    }
    let mut fields = fields(args)?;
    let body = args.body.clone().unwrap_or_default();
    // Like curl, but for JSON, which is what most bodies here are.
    if args.body.is_some() && !fields.contains_key(CONTENT_TYPE) {
        let json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
        let plain = "text/plain; charset=utf-8";
        let kind = if json { "application/json" } else { plain };
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let uri = match args.http2 {
        // HTTP/2 has `:authority` where HTTP/1.1 has Host.
        true => {
            let host = fields.remove(HOST);
            let host = host.and_then(|host| host.to_str().ok().map(str::to_owned));
            let host = host.unwrap_or_else(|| url.address.to_string());
            uri(&format!("http://{host}{}", target(url)))?
        }
        false => {
            if !fields.contains_key(HOST) {
                fields.insert(HOST, host(url)?);
            }
            uri(&target(url))?
        }
    };
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = fields;
    Ok(request)
}

/// The fields that were written, and those that every request has.
pub(super) fn fields(args: &CallArgs) -> Result<HeaderMap, Wrong> {
    let mut fields = HeaderMap::new();
    for header in &args.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| Wrong::Header(format!("`{}` is no name of a field", header.name)))?;
        let value = HeaderValue::from_str(&header.value).map_err(|_| {
            Wrong::Header(format!("the value of `{name}` has characters of control"))
        })?;
        fields.append(name, value);
    }
    let agent = HeaderValue::from_str(&format!("wireloom/{VERSION}"));
    if let (false, Ok(agent)) = (fields.contains_key(USER_AGENT), agent) {
        fields.insert(USER_AGENT, agent);
    }
    if !fields.contains_key(ACCEPT) {
        fields.insert(ACCEPT, HeaderValue::from_static("*/*"));
    }
    Ok(fields)
}

pub(super) fn host(url: &CallUrl) -> Result<HeaderValue, Wrong> {
    HeaderValue::from_str(&url.address.to_string()).map_err(Wrong::url)
}

/// The path and the query: `/` for want of a path.
pub(super) fn target(url: &CallUrl) -> String {
    let slash = if url.target.starts_with('/') { "" } else { "/" };
    format!("{slash}{}", url.target)
}

pub(super) fn uri(text: &str) -> Result<Uri, Wrong> {
    let wrong = |why: &str| Wrong::url(format!("`{text}` is no URI: {why}"));
    if text.contains('#') {
        return Err(wrong("what is behind a `#` is never sent"));
    }
    text.parse()
        .map_err(|error: http::uri::InvalidUri| wrong(&error.to_string()))
}

/// The status and the fields of an answer, as pieces.
pub(super) fn head<B>(response: &Response<B>, out: Out<'_>) -> std::io::Result<()> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let line = format!("{:?} {} {reason}", response.version(), status.as_u16());
    out(Piece::Status(line.trim_end().to_owned()))?;
    attachments(response.headers(), out)
}

/// Fields as pieces.
pub(super) fn attachments(fields: &HeaderMap, out: Out<'_>) -> std::io::Result<()> {
    fields.iter().try_for_each(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        out(Piece::Attachment(name.to_string(), value))
    })
}

async fn read(url: &CallUrl, response: Response<Incoming>, out: Out<'_>) -> Result<(), CallError> {
    head(&response, out)?;
    let status = response.status();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let what = format!("the answer breaks off: {}", connection::chain(&error));
            CallError::Lost(url.address.clone(), what)
        })?;
        match frame.into_data() {
            Ok(data) => out(Piece::Bytes(data))?,
            Err(frame) => {
                if let Some(trailers) = frame.trailers_ref() {
                    attachments(trailers, out)?;
                }
            }
        }
    }
    match status.as_u16() {
        400.. => Err(Failure::Http {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default(),
        }
        .into()),
        _ => Ok(()),
    }
}
