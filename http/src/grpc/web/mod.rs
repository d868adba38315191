//! gRPC-Web, as browsers speak it, bridged to gRPC (gRPC-Web's protocol document).
//!
//! A request with one of its content types becomes a gRPC request before policy sees it, and its answer is turned back:
//! trailers go into the body as a last frame, and the text form is base64 in both directions.

mod body;
mod text;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TE};
use http::{HeaderValue, Method};
use wireloom_codecs::{
    Accepted, Argument, ArgumentPath, Body, BoxFuture, ConnError, ErrorKind, Headers, LocalError,
    Needs, Protocol, ProtocolId, Request, Response, Service, Sniff, Stream,
};

use crate::semantics::{self, Asker};
use wireloom_codecs::http::GRPC;

/// A version of HTTP whose gRPC-Web requests become gRPC.
#[derive(Clone, Debug)]
pub struct GrpcWeb<P>(pub P);

impl<S: Service, P: Protocol<Bridged<S>>> Protocol<S> for GrpcWeb<P> {
    fn id(&self) -> ProtocolId {
        self.0.id()
    }

    fn carries(&self) -> &'static [ProtocolId] {
        self.0.carries()
    }

    fn sniff(&self, prefix: &[u8]) -> Sniff {
        self.0.sniff(prefix)
    }

    fn argument<'a>(
        &self,
        request: &'a Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'a>> {
        self.0.argument(request, path, budget)
    }

    fn serve(&self, connection: Accepted, service: S) -> BoxFuture<Result<(), ConnError>> {
        self.0.serve(connection, Bridged(service))
    }
}

/// A service whose gRPC-Web requests reach the inner one as gRPC.
#[derive(Clone)]
pub struct Bridged<S>(pub S);

/// The form that a client speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    /// Base64.
    text: bool,
    /// What follows the content type's name: `+proto`, or nothing.
    suffix: String,
}

impl Form {
    /// None if the content type is not gRPC-Web's.
    fn of(headers: &Headers) -> Option<Self> {
        let value = headers.get(&CONTENT_TYPE)?;
        let rest = value.strip_prefix(b"application/grpc-web")?;
        let (text, rest) = match rest.strip_prefix(b"-text") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let suffix = rest.split(|byte| *byte == b';').next().unwrap_or_default();
        let known = suffix.is_empty() || suffix.starts_with(b"+");
        let suffix = std::str::from_utf8(suffix.trim_ascii()).ok()?.to_owned();
        known.then_some(Self { text, suffix })
    }

    fn name(&self, of: &str) -> Result<HeaderValue, LocalError> {
        HeaderValue::from_str(&format!("{of}{}", self.suffix))
            .map_err(|_| LocalError::new(ErrorKind::Malformed, "content type"))
    }

    fn web(&self) -> Result<HeaderValue, LocalError> {
        self.name(match self.text {
            true => "application/grpc-web-text",
            false => "application/grpc-web",
        })
    }
}

impl<S: Service> Service for Bridged<S> {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<S> {
        let http = request.head.http.as_ref();
        let form = http
            .filter(|http| http.method == Method::POST)
            .and_then(|http| Form::of(&http.headers));
        match form {
            None => futures_util::future::Either::Left(self.0.call(request)),
            Some(form) => {
                futures_util::future::Either::Right(Box::pin(bridge(self.0.clone(), request, form)))
            }
        }
    }

    fn needs(&self) -> std::sync::Arc<Needs> {
        self.0.needs()
    }

    fn refused(&self, error: &LocalError) {
        self.0.refused(error);
    }
}

async fn bridge<S: Service>(
    service: S,
    mut request: Box<Request>,
    form: Form,
) -> Result<Response, LocalError> {
    inbound(&mut request, &form)?;
    let asker = Asker {
        protocol: GRPC,
        head: false,
    };
    let mut response = match service.call(request).await {
        Ok(response) => response,
        Err(error) => semantics::local_reply(asker, &error),
    };
    outbound(&mut response, &form)?;
    Ok(response)
}

/// Makes a gRPC request of it.
fn inbound(request: &mut Request, form: &Form) -> Result<(), LocalError> {
    let Some(mut http) = request.head.http.take() else {
        return Err(ErrorKind::Internal.into());
    };
    http.headers
        .set(&CONTENT_TYPE, &form.name("application/grpc")?);
    http.headers.set(&TE, &HeaderValue::from_static("trailers"));
    if form.text {
        http.headers.remove(&CONTENT_LENGTH);
        request.body = match std::mem::take(&mut request.body) {
            Body::Empty => Body::Empty,
            Body::Whole(bytes) => Body::Whole(text::decode_whole(&bytes)?),
            Body::Stream(body) => Body::Stream(Stream::pull(text::Decoding::new(body))),
        };
    }
    semantics::fill(&mut request.head, &http);
    request.head.http = Some(http);
    Ok(())
}

/// Turns the answer back.
fn outbound(response: &mut Response, form: &Form) -> Result<(), LocalError> {
    let Some(http) = response.head.http.as_mut() else {
        return Err(ErrorKind::Internal.into());
    };
    http.headers.set(&CONTENT_TYPE, &form.web()?);
    http.headers.remove(&CONTENT_LENGTH);
    let trailers = response.trailers.take();
    response.body = match std::mem::take(&mut response.body) {
        // Trailers-only: the status is in the head, where clients look too.
        Body::Empty if trailers.is_none() => Body::Empty,
        Body::Stream(body) => Body::Stream(Stream::pull(body::Framed::new(body, form.text))),
        whole => Body::Whole(body::whole(whole, trailers.as_deref(), form.text)),
    };
    Ok(())
}

#[cfg(test)]
mod tests;
