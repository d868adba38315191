//! When a failed request is tried again, as users write it.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use wireloom_codecs::units::{Size, Span};

use super::not_null;
/// When and how often a failed request is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryConfig {
    /// How many times at most the request is tried **again** after its first try; 2 means three tries in all.
    #[serde(default = "one")]
    #[schemars(range(max = 100))]
    pub attempts: u32,
    /// What one try may take; a try that takes longer fails with `timeout`. Default: only the route's timeout.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Span")]
    pub per_try_timeout: Option<Span>,
    /// Which failures are tried again.
    #[serde(default = "default_on")]
    pub on: Vec<Condition>,
    /// Answers with one of these statuses are tried again too, whatever `on` says: the status as the request's
    /// protocol has it (HTTP 503, gRPC 14, Dubbo 31), or by the name that it has in gRPC and Triple (`UNAVAILABLE`)
    /// or in Thrift (`INTERNAL_ERROR`): a name means nothing in protocols without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub statuses: Vec<Status>,
    /// Answers with one of these header fields are tried again too, whatever else they say. Header fields are those of
    /// HTTP, gRPC and Triple, for the latter two also those behind the messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<String>,
    /// Only requests of these methods are tried again: the RPC's method or HTTP's; `get*` is every method that starts so.
    /// Default: all.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Vec<String>", length(min = 1, max = 64))]
    pub methods: Option<Vec<String>>,
    /// Whether the route's requests may be carried out twice without harm. If not (`false`), they are tried again only if no
    /// byte of them was sent, the peer answered that it refused them, is unavailable or overloaded, or the answer's status
    /// or header field is one that is named here, whatever `on` names. If so (`true`), they may be hedged. Default: `on` decides
    /// about trying again, and only plain HTTP requests are hedged whose method says that they may (GET, HEAD, PUT, DELETE, OPTIONS,
    /// TRACE).
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "bool")]
    pub idempotent: Option<bool>,
    /// A second try beside one that is slow. Default: none.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "HedgeConfig")]
    pub hedge: Option<HedgeConfig>,
    /// How much of a request's body may be kept to send it again; a request with a longer one is tried once. `0B`
    /// keeps none.
    #[serde(default = "default_buffer")]
    pub buffer: Size,
    /// How long to wait before each retry.
    #[serde(default)]
    pub backoff: BackoffConfig,
}

fn one() -> u32 {
    1
}

/// Those that cannot have had an effect at the upstream.
fn default_on() -> Vec<Condition> {
    vec![
        Condition::ConnectFailure,
        Condition::ResetBeforeRequest,
        Condition::Refused,
    ]
}

fn default_buffer() -> Size {
    Size(64 << 10)
}

impl Default for RetryConfig {
    /// One retry, of what is always safe.
    fn default() -> Self {
        Self {
            attempts: one(),
            per_try_timeout: None,
            on: default_on(),
            statuses: Vec::new(),
            headers: Vec::new(),
            methods: None,
            idempotent: None,
            hedge: None,
            buffer: default_buffer(),
            backoff: BackoffConfig::default(),
        }
    }
}

/// Requests that take long are sent a second time; the first good answer wins, and the other try is given up. Holds for
/// requests that may be carried out twice (see `idempotent`) and are whole by then, never for one-way ones. Each hedge counts
/// against the cluster's retry budget, and is not one of `attempts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HedgeConfig {
    /// How long a try may be without an answer before another is sent beside it, and how long that one before the next.
    pub after: Span,
    /// How many are sent beside the first at most.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 5))]
    pub attempts: u32,
}

/// A status of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Status {
    /// Its number, in whatever protocol.
    Number(u32),
    /// Its name, in the protocols that have it.
    Name(String),
}

impl From<u32> for Status {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Status;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number or the name of a status")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Status, E> {
                let small = u32::try_from(number).ok().map(Status::Number);
                small.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E>(self, name: &str) -> Result<Status, E> {
                Ok(Status::Name(name.to_owned()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A failure that may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// No connection to the endpoint could be made. Always safe.
    ConnectFailure,
    /// The connection was lost before any byte of the request was written to it. Always safe.
    ResetBeforeRequest,
    /// The connection was lost before the answer came, whether or not the request was written. Only safe for
    /// requests that may be carried out twice.
    Reset,
    /// The peer said that it did not take the request. Always safe.
    Refused,
    /// The peer answered that it cannot serve now (HTTP 503, gRPC UNAVAILABLE and their like).
    Unavailable,
    /// `per_try_timeout` passed, or the peer answered that a timeout of its own did. Never the route's timeout.
    Timeout,
    /// The peer answered that it has more than it can take. Not the proxy's own limits: shed load stays shed.
    Overloaded,
    /// The peer answered that it failed while it worked on the request.
    ServerError,
    /// gRPC and Triple: the peer answered CANCELLED.
    Cancelled,
    /// gRPC and Triple: the peer answered UNKNOWN.
    Unknown,
    /// gRPC and Triple: the peer answered DEADLINE_EXCEEDED. A timeout of the proxy's own is `timeout`.
    DeadlineExceeded,
    /// gRPC and Triple: the peer answered RESOURCE_EXHAUSTED.
    ResourceExhausted,
    /// gRPC and Triple: the peer answered ABORTED.
    Aborted,
    /// gRPC and Triple: the peer answered INTERNAL.
    Internal,
    /// gRPC and Triple: the peer answered DATA_LOSS.
    DataLoss,
}

impl Condition {
    /// The condition that names this gRPC status (gRPC, "Status codes") and no other.
    pub(crate) const fn of_grpc(status: u32) -> Option<Self> {
        Some(match status {
            1 => Self::Cancelled,
            2 => Self::Unknown,
            4 => Self::DeadlineExceeded,
            8 => Self::ResourceExhausted,
            10 => Self::Aborted,
            13 => Self::Internal,
            15 => Self::DataLoss,
            _ => return None,
        })
    }
}

/// Exponential back-off with full jitter: retry n waits for a random time of up to `base` × 2^(n-1), at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackoffConfig {
    /// The longest wait before the first retry; `0s` means no wait.
    #[serde(default = "default_base")]
    pub base: Span,
    /// The longest wait before any retry. Default: 10 × `base`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Span")]
    pub max: Option<Span>,
    /// The longest wait that an answer may ask for, in place of the time above: HTTP's `Retry-After`, or
    /// `grpc-retry-pushback-ms`, which may also say that there is to be no retry. One that asks for more is waited for so
    /// long. `0s`: no answer is asked.
    #[serde(default = "default_server_max")]
    pub server_max: Span,
}

fn default_server_max() -> Span {
    Span(Duration::from_secs(5))
}

fn default_base() -> Span {
    Span(Duration::from_millis(25))
}

impl BackoffConfig {
    /// [`Self::max`], or what it is when it is not given.
    pub fn max(&self) -> Span {
        self.max.unwrap_or(Span(self.base.0.saturating_mul(10)))
    }
}

impl Default for BackoffConfig {
    /// From 25 ms to 250 ms.
    fn default() -> Self {
        Self {
            base: default_base(),
            max: None,
            server_max: default_server_max(),
        }
    }
}
