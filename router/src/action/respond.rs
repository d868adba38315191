//! Answering without asking anybody.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use wireloom_codecs::{ErrorKind, HttpResponse, LocalError};

use crate::Problem;
use crate::config::RespondConfig;
use crate::edits;

/// The longest body: it stands in the configuration, and not in a file.
const LONGEST: usize = 64 << 10;

/// A compiled [`RespondConfig`].
#[derive(Clone, Debug)]
pub struct DirectResponse {
    head: HttpResponse,
    body: Bytes,
}

impl DirectResponse {
    pub(super) fn compile(
        path: &str,
        config: &RespondConfig,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let place = |key: &str| format!("{path}.{key}");
        let status = StatusCode::from_u16(config.status).ok();
        let status = status.filter(|status| (200..600).contains(&status.as_u16()));
        if status.is_none() {
            let message = format!("{} is out of range: 200 to 599", config.status);
            problems.push(Problem::new(place("status"), message));
        }
        // RFC 9110 §15.3.5, §15.3.6, §15.4.5.
        if matches!(config.status, 204 | 205 | 304) && !config.body.is_empty() {
            let message = format!("an answer with status {} has no body", config.status);
            problems.push(Problem::new(place("body"), message));
        }
        if config.body.len() > LONGEST {
            let message = format!("{} bytes are more than {LONGEST}", config.body.len());
            problems.push(Problem::new(place("body"), message));
        }
        let fields = edits::fields(&place("headers"), &config.headers, problems);
        let mut head = HttpResponse::new(status?);
        for (name, value) in &fields {
            head.headers.append(name, value);
        }
        if !config.body.is_empty() && !head.headers.contains(&CONTENT_TYPE) {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            head.headers.append(&CONTENT_TYPE, &plain);
        }
        (problems.len() == before).then(|| Self {
            head,
            body: Bytes::from(config.body.clone()),
        })
    }

    /// The answer to an HTTP request.
    pub fn response(&self) -> (HttpResponse, Bytes) {
        (self.head.clone(), self.body.clone())
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The body, which is the message of an error in RPC protocols.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The status of a gRPC answer, which has no body: OK for a 2xx, else what clients make of the HTTP status
    /// (gRPC, "HTTP to gRPC Status Code Mapping").
    pub fn grpc_status(&self) -> u32 {
        match self.head.status.as_u16() {
            200..=299 => 0,
            400 => 13,
            401 => 16,
            403 => 7,
            404 => 12,
            429 | 502 | 503 | 504 => 14,
            _ => 2,
        }
    }

    /// The answer to a request of an RPC protocol that has no direct responses: the error that is nearest.
    pub fn error(&self) -> LocalError {
        let kind = match self.head.status.as_u16() {
            401 | 403 => ErrorKind::Denied,
            404 => ErrorKind::NoRoute,
            408 | 504 => ErrorKind::Timeout,
            413 | 431 => ErrorKind::TooLarge,
            429 => ErrorKind::RateLimited,
            400..=499 => ErrorKind::Malformed,
            502 | 503 => ErrorKind::NoEndpoint,
            500..=599 => ErrorKind::Internal,
            _ => ErrorKind::Unsupported,
        };
        let body = String::from_utf8_lossy(&self.body);
        let text = body.trim();
        match text.is_empty() {
            true => LocalError::new(kind, format!("the route answers {}", self.head.status)),
            false => LocalError::new(kind, text.to_owned()),
        }
    }
}
