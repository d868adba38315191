//! From h2's head of a request to the proxy's.

use http::header::{CONTENT_LENGTH, EXPECT, HOST};
use http::{HeaderMap, Method, StatusCode, Version};
use wireloom_codecs::{
    ErrorKind, FrameLimits, Headers, HttpRequest, LocalError, ProtocolId, Scheme, Str,
};

use super::super::websocket;
use crate::h1::is_authority;

/// Why a request goes no further than its head.
pub(super) struct Refusal {
    /// What the client is told.
    pub(super) error: LocalError,
    /// The status, where it is not what the error's kind says.
    pub(super) status: Option<StatusCode>,
}

impl Refusal {
    fn malformed(what: &'static str) -> Self {
        Self {
            error: LocalError::new(ErrorKind::Malformed, what),
            status: Some(StatusCode::BAD_REQUEST),
        }
    }
}

/// What a connection knows of all its requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) limits: FrameLimits,
    pub(super) scheme: Scheme,
    /// CONNECT without a protocol is let through.
    pub(super) connect: bool,
}

/// The fields of a request that come before the end of its head is known to be the end of it all.
///
/// h2 has refused by now what RFC 9113 §8.2 and §8.3 call malformed: pseudo-header fields that are missing, doubled or
/// out of place, upper-case names, fields of one connection, `te` other than `trailers`, and content lengths that do
/// not parse or disagree.
pub(super) fn read(
    parts: http::request::Parts,
    reading: Reading,
) -> Result<Box<HttpRequest>, Refusal> {
    let http::request::Parts {
        method,
        uri,
        mut headers,
        mut extensions,
        ..
    } = parts;
    if headers.len() > reading.limits.headers {
        let most = reading.limits.headers;
        return Err(Refusal {
            error: LocalError::new(ErrorKind::TooLarge, format!("more than {most} fields")),
            status: Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        });
    }
    let upgrade = extensions
        .remove::<h2::ext::Protocol>()
        .map(|protocol| Str::from(protocol.as_str().to_owned()));
    if method == Method::CONNECT && upgrade.is_none() && !reading.connect {
        return Err(Refusal {
            error: LocalError::new(ErrorKind::Unsupported, "CONNECT is off"),
            status: Some(StatusCode::METHOD_NOT_ALLOWED),
        });
    }
    let authority = authority(&uri, &mut headers)?;
    if !authority.is_empty() && !is_authority(authority.as_bytes()) {
        return Err(Refusal::malformed("an authority that is no host and port"));
    }
    // h2 reads an empty one as 0.
    if headers
        .get(CONTENT_LENGTH)
        .is_some_and(|length| length.is_empty())
    {
        return Err(Refusal::malformed("a content length that is no number"));
    }
    let target = match uri.path_and_query() {
        Some(target) => Str::from(target.as_str().to_owned()),
        None => Str::default(),
    };
    let path = match target.as_bytes() {
        // A tunnel to a host has none.
        b"" => method == Method::CONNECT && upgrade.is_none(),
        b"*" => method == Method::OPTIONS,
        path => path.starts_with(b"/"),
    };
    if !path {
        return Err(Refusal::malformed("a target that is no path"));
    }
    let expect_continue = match headers.get(EXPECT) {
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            headers.remove(EXPECT);
            true
        }
        Some(_) => {
            return Err(Refusal {
                error: LocalError::new(ErrorKind::Unsupported, "an unknown expectation"),
                status: Some(StatusCode::EXPECTATION_FAILED),
            });
        }
        None => false,
    };
    if upgrade
        .as_ref()
        .is_some_and(|p| websocket::is(p.as_bytes()))
    {
        websocket::add_key(&mut headers);
    }
    // h2 has refused what `semantics::strip_request` would take out.
    Ok(Box::new(HttpRequest {
        scheme: reading.scheme,
        headers: Headers::Map(headers),
        upgrade,
        expect_continue,
        version: Version::HTTP_2,
        ..HttpRequest::new(method, authority, target)
    }))
}

/// `:authority`, or the host field if there is none; if there are both they must agree (RFC 9113 §8.3.1).
fn authority(uri: &http::Uri, headers: &mut HeaderMap) -> Result<Str, Refusal> {
    let named = uri.authority().map(|authority| authority.as_str());
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) => return Ok(named.map_or_else(Str::default, |name| name.to_owned().into())),
        (Some(host), None) => host,
        (Some(_), Some(_)) => return Err(Refusal::malformed("two host fields")),
    };
    let authority = match named {
        Some(name) if name.as_bytes().eq_ignore_ascii_case(host.as_bytes()) => name.to_owned(),
        Some(_) => {
            return Err(Refusal::malformed(
                "the authority and the host field differ",
            ));
        }
        None => match host.to_str().map(str::parse::<http::uri::Authority>) {
            Ok(Ok(authority)) => authority.as_str().to_owned(),
            _ => return Err(Refusal::malformed("the host field names no host")),
        },
    };
    headers.remove(HOST);
    Ok(authority.into())
}

/// The protocol that a refused request would have been in: gRPC's clients want its own form of an error.
pub(super) fn protocol(headers: &HeaderMap) -> ProtocolId {
    let content_type = headers.get(http::header::CONTENT_TYPE);
    match content_type.map(http::HeaderValue::as_bytes) {
        Some(value) if value.starts_with(b"application/grpc") => wireloom_codecs::http::GRPC,
        _ => wireloom_codecs::http::HTTP2,
    }
}
