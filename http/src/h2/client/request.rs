//! From the proxy's head of a request to h2's.

use std::time::{Duration, Instant};

use http::header::{EXPECT, TE};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, HeaderValue, Method, Uri, Version};
use wireloom_codecs::clock;
use wireloom_codecs::http::{GRPC, TRIPLE};
use wireloom_codecs::{ErrorKind, HttpRequest, LocalError, ProtocolId, Scheme};

use crate::grpc::timeout;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The head as HTTP/2 has it, whichever version it came in. `waits` says that the body is held back until the server
/// asks for it.
pub(super) fn write(
    request: HttpRequest,
    protocol: ProtocolId,
    deadline: Instant,
    waits: bool,
) -> Result<http::Request<()>, LocalError> {
    let malformed = |what: &'static str| LocalError::new(ErrorKind::Malformed, what);
    let mut out = http::Request::new(());
    *out.version_mut() = Version::HTTP_2;
    let mut headers = request
        .headers
        .into_map()
        .map_err(|_| malformed("a field that HTTP/2 cannot carry"))?;
    if waits {
        headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
    } else {
        headers.remove(EXPECT);
    }
    if protocol == GRPC || protocol == TRIPLE {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if headers.contains_key(GRPC_TIMEOUT) {
            let left = deadline.saturating_duration_since(clock::read());
            // At least something, or the server takes it for no timeout at all.
            let left = timeout::format(left.max(Duration::from_micros(1)));
            if let Ok(left) = HeaderValue::try_from(left) {
                headers.insert(GRPC_TIMEOUT, left);
            }
        }
    }
    *out.headers_mut() = headers;
    let mut uri = http::uri::Parts::default();
    if !request.authority.is_empty() {
        let authority = Authority::from_maybe_shared(request.authority.into_bytes());
        uri.authority = Some(authority.map_err(|_| malformed("the authority names no host"))?);
    }
    let tunnel = request.method == Method::CONNECT && request.upgrade.is_none();
    if !tunnel {
        let target = PathAndQuery::from_maybe_shared(request.target.into_bytes());
        uri.path_and_query = Some(target.map_err(|_| malformed("a target that is no path"))?);
        if uri.authority.is_some() {
            uri.scheme = Some(match request.scheme {
                Scheme::Http => http::uri::Scheme::HTTP,
                Scheme::Https => http::uri::Scheme::HTTPS,
            });
        } else {
            // HTTP/1.0 may name no host. h2 lets that pass only in a request that says where it comes from.
            *out.version_mut() = Version::HTTP_11;
        }
    }
    *out.uri_mut() = Uri::from_parts(uri).map_err(|_| malformed("a target without a host"))?;
    *out.method_mut() = request.method;
    if let Some(protocol) = request.upgrade {
        *out.method_mut() = Method::CONNECT;
        let protocol = h2::ext::Protocol::from(protocol.as_str());
        out.extensions_mut().insert(protocol);
    }
    Ok(out)
}
