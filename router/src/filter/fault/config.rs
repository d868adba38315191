//! What users write under `fault`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Span;

use super::failure::{GrpcStatus, Kind};
use crate::config::{MatchConfig, not_null};

/// Makes requests late, or fail, to see what their callers do. It has `delay`, `abort` or both; a request that both take is
/// late and then fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultConfig {
    /// Which requests, of those that come here. Default: every one.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "MatchConfig")]
    pub r#match: Option<MatchConfig>,
    /// Makes them late.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "DelayConfig")]
    pub delay: Option<DelayConfig>,
    /// Makes them fail.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "AbortConfig")]
    pub abort: Option<AbortConfig>,
}

/// Makes requests late. It has `duration`, `header` or both. The wait counts against the route's timeout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelayConfig {
    /// How late. Default: not at all, unless the header says it.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Span")]
    pub duration: Option<Span>,
    /// The field of a request that says how late it shall be, in place of `duration`: milliseconds, or a number with a unit
    /// (`2s`). What is neither does not count. Default: none, so that a client cannot ask for it.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub header: Option<String>,
    /// The most that `header` can ask for: 10 s if not given. One that asks for more gets so much.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Span")]
    pub max: Option<Span>,
    /// How many percent of the requests, from 0 to 100; each is drawn by itself.
    #[serde(default = "all")]
    #[schemars(range(min = 0, max = 100))]
    pub percentage: f64,
    /// How many requests wait at once, over all workers; further ones are not late.
    #[serde(default = "waiting")]
    #[schemars(range(min = 1))]
    pub concurrent: u32,
}

/// Makes requests fail, without asking anybody. It has at least one of `error`, `http`, `grpc` and `header`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AbortConfig {
    /// The failure, in the form that it has in the request's protocol when Wireloom itself fails so. Default: the one that
    /// is nearest to `http`, or else to `grpc`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Kind")]
    pub error: Option<Kind>,
    /// The status of an answer over HTTP, from 400 to 599. Default: that of `error`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "u16", range(min = 400, max = 599))]
    pub http: Option<u16>,
    /// The status of an answer of gRPC or Triple, by name or number. Default: that of `error`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "GrpcStatus")]
    pub grpc: Option<GrpcStatus>,
    /// The field of a request that says how it shall fail, in place of the others: the name of an error, or an HTTP status
    /// from 400 to 599, to which RPC protocols have the nearest error. What is neither does not count. Default: none,
    /// so that a client cannot ask for it.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub header: Option<String>,
    /// How many percent of the requests, from 0 to 100; each is drawn by itself.
    #[serde(default = "all")]
    #[schemars(range(min = 0, max = 100))]
    pub percentage: f64,
}

const fn all() -> f64 {
    100.0
}

const fn waiting() -> u32 {
    1000
}
