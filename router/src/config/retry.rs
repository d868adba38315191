//! When a failed request is tried again, as users write it.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use wireloom_codecs::units::{Size, Span};

use super::not_null;
use crate::Problem;

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
            buffer: default_buffer(),
            backoff: BackoffConfig::default(),
        }
    }
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
        }
    }
}

/// How much retrying a cluster bears: all requests to it share this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetConfig {
    /// Retries under way, in percent of the requests that are on their first try. 20 keeps the tries below 1.2
    /// times the requests when everything fails.
    #[serde(default = "default_percent")]
    #[schemars(range(max = 100))]
    pub percent: u32,
    /// So many retries may be under way even if `percent` allows fewer, so that quiet clusters can retry too.
    #[serde(default = "default_min")]
    pub min: u32,
}

fn default_percent() -> u32 {
    20
}

fn default_min() -> u32 {
    3
}

impl BudgetConfig {
    /// What is wrong with it, found at `path` (`clusters.orders.budget`).
    pub fn problems(&self, path: &str) -> Vec<Problem> {
        if self.percent > 100 {
            let message = format!("{} is more than 100 percent", self.percent);
            return vec![Problem::new(format!("{path}.percent"), message)];
        }
        Vec::new()
    }
}

impl Default for BudgetConfig {
    /// 20 %, and 3 at the least.
    fn default() -> Self {
        Self {
            percent: default_percent(),
            min: default_min(),
        }
    }
}
