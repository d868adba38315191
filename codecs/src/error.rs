//! Failures: of one exchange ([`LocalError`]) and of a whole connection ([`ConnError`]).

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use crate::Class;

/// Why the proxy, and not the service, answers a request. Each protocol has its own wire form for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No route matches.
    NoRoute,
    /// The route's cluster has no endpoint that may be used.
    NoEndpoint,
    /// No connection to an endpoint could be made.
    ConnectFailure,
    /// The upstream connection was lost, or broke its protocol, before the answer came.
    Reset,
    /// The deadline passed.
    Timeout,
    /// A limit on requests, connections or memory is reached.
    Overloaded,
    /// The caller sends more requests in a time than a limit lets through.
    RateLimited,
    /// The frame was whole but what it holds is not valid.
    Malformed,
    /// The message is larger than the limit.
    TooLarge,
    /// The proxy is shutting down and takes no new requests.
    Draining,
    /// Policy forbids it.
    Denied,
    /// What the request asks for cannot be done through a proxy (a server calling its client back).
    Unsupported,
    /// A fault of the proxy itself.
    Internal,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::NoRoute,
        Self::NoEndpoint,
        Self::ConnectFailure,
        Self::Reset,
        Self::Timeout,
        Self::Overloaded,
        Self::RateLimited,
        Self::Malformed,
        Self::TooLarge,
        Self::Draining,
        Self::Denied,
        Self::Unsupported,
        Self::Internal,
    ];

    /// The name that metrics and logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::NoEndpoint => "no_endpoint",
            Self::ConnectFailure => "connect_failure",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate_limited",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Draining => "draining",
            Self::Denied => "denied",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }

    /// What it means to policy.
    pub const fn class(self) -> Class {
        match self {
            Self::NoRoute | Self::Malformed | Self::TooLarge | Self::Denied | Self::Unsupported => {
                Class::ClientError
            }
            Self::NoEndpoint | Self::ConnectFailure | Self::Reset | Self::Draining => {
                Class::Unavailable
            }
            Self::Timeout => Class::Timeout,
            Self::Overloaded | Self::RateLimited => Class::Overloaded,
            Self::Internal => Class::ServerError,
        }
    }

    const fn lead(self) -> &'static str {
        match self {
            Self::NoRoute => "no route",
            Self::NoEndpoint => "no endpoint",
            Self::ConnectFailure => "connect failure",
            Self::Reset => "upstream connection reset",
            Self::Timeout => "timed out",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate limited",
            Self::Malformed => "malformed request",
            Self::TooLarge => "message exceeds the limit",
            Self::Draining => "draining",
            Self::Denied => "denied",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal error",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure made by the proxy, on its way to become a reply in the client's own protocol.
///
/// Displayed as `wireloom: no route: …`, the text a client's exception shows where its protocol carries text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wireloom: {}{}{detail}", kind.lead(), if detail.is_empty() { "" } else { ": " })]
pub struct LocalError {
    /// Why.
    pub kind: ErrorKind,
    /// More, for people; may be empty. Never holds what a peer sent without bound.
    pub detail: Cow<'static, str>,
    /// How long the client should wait before it asks again, in milliseconds: HTTP's `Retry-After`, gRPC's
    /// `grpc-retry-pushback-ms`. Other protocols have no place for it.
    pub retry_after: Option<NonZeroU32>,
    /// The status that the reply has in place of that of `kind`, in the protocols whose codec looks for it: a status of
    /// HTTP to an HTTP request, a code of gRPC to one of gRPC or Triple.
    pub status: Option<NonZeroU16>,
}

impl LocalError {
    /// A failure of `kind`, with more for people.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after: None,
            status: None,
        }
    }

    /// The same, which tells the client to wait so long, rounded up to a whole millisecond. Zero says nothing.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        let millis = wait.as_nanos().div_ceil(1_000_000);
        let millis = u32::try_from(millis).unwrap_or(u32::MAX);
        Self {
            retry_after: NonZeroU32::new(millis),
            ..self
        }
    }

    /// The same with a status of its own. See [`LocalError::status`].
    #[must_use]
    pub fn with_status(self, status: NonZeroU16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }
}

impl From<ErrorKind> for LocalError {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind, "")
    }
}

/// Why a connection cannot go on. Exchanges on it end with an error of their own.
#[derive(Debug, thiserror::Error)]
pub enum ConnError {
    /// The peer broke the protocol in a way that leaves no frame boundary to go on from.
    #[error("{protocol} protocol error: {what}")]
    Protocol {
        /// The protocol that was spoken.
        protocol: &'static str,
        /// What was wrong, with no more than a few of the peer's bytes.
        what: Cow<'static, str>,
    },
    /// The socket failed.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    /// A timer of the connection ran out.
    #[error("{0} timeout")]
    Timeout(&'static str),
    /// The peer closed in the middle of a frame.
    #[error("closed by the peer in the middle of a frame ({0} bytes of it came)")]
    Truncated(usize),
}

impl ConnError {
    /// A protocol violation.
    pub fn protocol(protocol: &'static str, what: impl Into<Cow<'static, str>>) -> Self {
        Self::Protocol {
            protocol,
            what: what.into(),
        }
    }

    /// A short name with a bounded number of values, for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Protocol { .. } => "protocol",
            Self::Io(_) => "io",
            Self::Timeout(_) => "timeout",
            Self::Truncated(_) => "truncated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_sentence() {
        let error = LocalError::new(ErrorKind::NoRoute, "service a.B, method c");
        assert_eq!(
            error.to_string(),
            "wireloom: no route: service a.B, method c"
        );
        assert_eq!(
            LocalError::from(ErrorKind::Timeout).to_string(),
            "wireloom: timed out"
        );
    }

    #[test]
    fn a_wait_is_rounded_up() {
        let after = |nanos| {
            let error = LocalError::from(ErrorKind::RateLimited);
            let wait = error
                .with_retry_after(Duration::from_nanos(nanos))
                .retry_after;
            wait.map(NonZeroU32::get)
        };
        assert_eq!(after(0), None);
        assert_eq!(after(1), Some(1));
        assert_eq!(after(2_000_001), Some(3));
        assert_eq!(after(u64::MAX), Some(u32::MAX));
    }
}
