//! One entry of a route table.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Span;

use super::{
    HeaderEdits, HttpMatch, OneOrMany, RedirectConfig, RespondConfig, RetryConfig, RewriteConfig,
    StringMatch, To, not_null,
};

/// How long an exchange may take if its route does not say.
pub const DEFAULT_TIMEOUT: Span = Span(Duration::from_secs(15));

fn default_timeout() -> Span {
    DEFAULT_TIMEOUT
}

/// A route: which requests it takes and what becomes of them. The first route of the table that matches wins. It has one
/// of `to`, `redirect` and `respond`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["to"]}, {"required": ["redirect"]}, {"required": ["respond"]}]))]
pub struct RouteConfig {
    /// Its name in metrics and logs. Default: its place, like `routes.main[2]`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub name: Option<String>,
    /// Which requests it takes; all that is named must match. Default: every request.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "MatchConfig")]
    pub r#match: Option<MatchConfig>,
    /// Where they go: a cluster, or a list of clusters with weights.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "To")]
    pub to: Option<To>,
    /// Sends the client elsewhere, instead of `to`. For HTTP.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "RedirectConfig")]
    pub redirect: Option<RedirectConfig>,
    /// Answers without asking anybody, instead of `to`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "RespondConfig")]
    pub respond: Option<RespondConfig>,
    /// What host and path become on the way to the cluster. For HTTP. Default: they stay.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "RewriteConfig")]
    pub rewrite: Option<RewriteConfig>,
    /// Header fields that are added, set or removed, on requests and on responses. For HTTP.
    #[serde(default, skip_serializing_if = "HeaderEdits::is_empty")]
    pub headers: HeaderEdits,
    /// What the whole exchange may take, with all retries. `0s` means no limit.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    /// When a failed request is tried again. Default: never.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "RetryConfig")]
    pub retry: Option<RetryConfig>,
}

/// Which requests a route takes. Every key that is given must match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchConfig {
    /// The protocol that the request came in, or several of which one must be it.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OneOrMany")]
    pub protocol: Option<OneOrMany>,
    /// The RPC service: the interface alone, without version or group.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "StringMatch")]
    pub service: Option<StringMatch>,
    /// The RPC method.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "StringMatch")]
    pub method: Option<StringMatch>,
    /// The version of the service, where the protocol has one.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "StringMatch")]
    pub version: Option<StringMatch>,
    /// The group of the service, where the protocol has one.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "StringMatch")]
    pub group: Option<StringMatch>,
    /// By name: HTTP headers, gRPC metadata, Dubbo attachments, Bolt headers, THeader info headers. A name is
    /// looked up as written, and also in lower case, which is how HTTP/2 carries it. If it is repeated, one of its
    /// values must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, StringMatch>,
    /// What only HTTP has.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "HttpMatch")]
    pub http: Option<HttpMatch>,
}
