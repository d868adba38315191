//! What HTTP/1.1 and HTTP/2 share (RFC 9110): the part of a head that only HTTP has.
//!
//! A message of either version carries it, so that a request of one can leave as the other. It holds end-to-end
//! fields only: what belongs to one connection (`Connection`, `Transfer-Encoding`, `TE` but for `trailers`, …) and the
//! host field have been taken out by whoever read the message, and are made anew by whoever writes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{Method, StatusCode, Version};
use parking_lot::Mutex;

use crate::{Headers, ProtocolId, Str};

/// HTTP/1.1 and 1.0.
pub const HTTP1: ProtocolId = ProtocolId("http1");
/// HTTP/2, and requests over it that are nothing more.
pub const HTTP2: ProtocolId = ProtocolId("http2");
/// A request over HTTP/2 whose content type starts with `application/grpc`.
pub const GRPC: ProtocolId = ProtocolId("grpc");
/// A gRPC request with the fields of Dubbo 3's Triple.
pub const TRIPLE: ProtocolId = ProtocolId("triple");

/// What the client's connection was to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As URLs write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The HTTP part of a request's head.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// The HTTP method; for RPCs over HTTP, POST.
    pub method: Method,
    /// The scheme of the target.
    pub scheme: Scheme,
    /// Host and port as the client wrote them; empty if it named none (HTTP/1.0).
    pub authority: Str,
    /// Path and query, in origin form, or `*`; for CONNECT that is no tunnel to a path, empty.
    pub target: Str,
    /// End-to-end fields, without the host.
    pub headers: Headers,
    /// The protocol that the client would switch to (`websocket`), by `Upgrade` or by extended CONNECT. The body
    /// of such a request is what comes after the switch, and flows only once the answer has agreed to it: status 101,
    /// or 2xx to a CONNECT.
    pub upgrade: Option<Str>,
    /// The client waits for a 100 before it sends the body. The body's first poll makes the reader send it.
    pub expect_continue: bool,
    /// The version that the client spoke.
    pub version: Version,
    /// Where interim responses (1xx) go that come before the answer; None if nobody takes them.
    pub early: Option<Early>,
}

impl HttpRequest {
    /// A request for `target` of `authority`, without fields.
    pub fn new(method: Method, authority: Str, target: Str) -> Self {
        Self {
            method,
            scheme: Scheme::Http,
            authority,
            target,
            headers: Headers::new(),
            upgrade: None,
            expect_continue: false,
            version: Version::HTTP_11,
            early: None,
        }
    }

    /// The path alone.
    pub fn path(&self) -> &[u8] {
        split(self.target.as_bytes()).0
    }

    /// What follows the first `?`, if there is one.
    pub fn query(&self) -> Option<&[u8]> {
        split(self.target.as_bytes()).1
    }

    /// The authority without its port; brackets of an IPv6 address stay.
    pub fn host(&self) -> &[u8] {
        let authority = self.authority.as_bytes();
        let colon = authority.iter().rposition(|byte| *byte == b':');
        match colon {
            Some(at) if !authority.ends_with(b"]") => authority.get(..at).unwrap_or_default(),
            _ => authority,
        }
    }
}

fn split(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (
            target.get(..at).unwrap_or_default(),
            Some(target.get(at + 1..).unwrap_or_default()),
        ),
        None => (target, None),
    }
}

/// The HTTP part of a response's head.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status; 101 if the protocol is switched.
    pub status: StatusCode,
    /// The reason phrase of HTTP/1, where it is not the usual one.
    pub reason: Option<Str>,
    /// End-to-end fields.
    pub headers: Headers,
}

impl HttpResponse {
    /// A response without fields.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            reason: None,
            headers: Headers::new(),
        }
    }
}

/// Interim responses on their way down. The last [`Early::MOST`] that wait are kept; further ones are dropped, since
/// they only inform.
#[derive(Clone, Debug, Default)]
pub struct Early(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    responses: VecDeque<HttpResponse>,
    receiver: Option<Waker>,
}

impl Early {
    /// Interim responses that may wait.
    pub const MOST: usize = 8;

    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Passes one on.
    pub fn push(&self, response: HttpResponse) {
        let mut waiting = self.0.lock();
        if waiting.responses.len() < Self::MOST {
            waiting.responses.push_back(response);
        }
        if let Some(waker) = waiting.receiver.take() {
            waker.wake();
        }
    }

    /// Empty again, for the next request. Whoever still holds a copy for the last one pushes into the void.
    pub fn renew(&mut self) {
        match Arc::get_mut(&mut self.0) {
            Some(own) => own.get_mut().responses.clear(),
            None => *self = Self::default(),
        }
    }

    /// The next one; never ends.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<HttpResponse> {
        let mut waiting = self.0.lock();
        match waiting.responses.pop_front() {
            Some(response) => Poll::Ready(response),
            None => {
                let known = waiting.receiver.as_ref();
                if !known.is_some_and(|waker| waker.will_wake(cx.waker())) {
                    waiting.receiver = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(authority: &str, target: &str) -> HttpRequest {
        HttpRequest::new(Method::GET, authority.into(), target.into())
    }

    #[test]
    fn a_target_has_a_path_and_perhaps_a_query() {
        let with = request("a", "/p?q=1?2");
        assert_eq!(
            (with.path(), with.query()),
            (&b"/p"[..], Some(&b"q=1?2"[..]))
        );
        let without = request("a", "/p");
        assert_eq!((without.path(), without.query()), (&b"/p"[..], None));
    }

    #[tokio::test]
    async fn what_comes_for_an_earlier_request_is_not_told_to_the_next() {
        let mut early = Early::new();
        early.push(HttpResponse::new(StatusCode::EARLY_HINTS));
        early.renew();
        let earlier = early.clone();
        early.renew();
        earlier.push(HttpResponse::new(StatusCode::EARLY_HINTS));
        let next = std::future::poll_fn(|cx| Poll::Ready(early.poll_next(cx).is_pending()));
        assert!(next.await);
    }

    #[test]
    fn a_host_is_an_authority_without_its_port() {
        for (authority, host) in [
            ("a.b", "a.b"),
            ("a.b:80", "a.b"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(
                request(authority, "/").host(),
                host.as_bytes(),
                "{authority}"
            );
        }
    }
}
