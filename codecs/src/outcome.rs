//! How an exchange ended, in words that every protocol shares.

use std::fmt;

/// What a status means to policy: retries, balancing, health and metrics read this and never the native code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// The call returned a value.
    #[default]
    Success,
    /// The service ran and answered with an exception of its own: a success to policy.
    AppError,
    /// The request was at fault: malformed, too large, forbidden, not found.
    ClientError,
    /// The peer did not take the request at all: it is safe to send it elsewhere.
    Refused,
    /// The peer cannot serve now.
    Unavailable,
    /// The peer, or this proxy, has more than it can take.
    Overloaded,
    /// No answer in time.
    Timeout,
    /// The peer failed while it worked on the request.
    ServerError,
}

impl Class {
    /// Every class, in the order of their discriminants.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::AppError,
        Self::ClientError,
        Self::Refused,
        Self::Unavailable,
        Self::Overloaded,
        Self::Timeout,
        Self::ServerError,
    ];

    /// The name that metrics and logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::AppError => "app_error",
            Self::ClientError => "client_error",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::ServerError => "server_error",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A response's status: the class for policy, the protocol's own code for logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What it means to policy.
    pub class: Class,
    /// The status as the wire has it (HTTP 503, Dubbo 31, Bolt 7, gRPC 14).
    pub native: u32,
}

impl Outcome {
    /// An outcome of `class` with the protocol's own code.
    pub const fn new(class: Class, native: u32) -> Self {
        Self { class, native }
    }
}
