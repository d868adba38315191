//! What becomes of a request other than going to a cluster as it came.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, not_null};

/// Sends the client elsewhere. What is not given stays as the request has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectConfig {
    /// Another scheme: `http` or `https`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "RedirectScheme")]
    pub scheme: Option<RedirectScheme>,
    /// Another host, without a port.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub host: Option<String>,
    /// Another port. Default: the request's, or that of the scheme where scheme or host become others.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "u16", range(min = 1))]
    pub port: Option<u16>,
    /// Another path, whole.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub path: Option<String>,
    /// What stands in the place of the prefix that `match.http.path` names.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub prefix: Option<String>,
    /// The status: 301, 302, 303, 307 or 308. Clients may turn a POST into a GET for the first three.
    #[serde(default = "moved")]
    #[schemars(range(min = 301, max = 308))]
    pub status: u16,
    /// Leaves the query out.
    #[serde(default)]
    pub strip_query: bool,
}

fn moved() -> u16 {
    301
}

/// The schemes that a client may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedirectScheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// Answers without asking anybody. A gRPC client sees the gRPC status that belongs to the HTTP status, a client of
/// another RPC protocol an error of its protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RespondConfig {
    /// The HTTP status, from 200 to 599.
    #[schemars(range(min = 200, max = 599))]
    pub status: u16,
    /// The body, up to 64 KiB. It is `text/plain` unless `headers` has a `content-type`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The header fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, OneOrMany>,
}

/// What a forwarded HTTP request's host and path become. At most one of `path`, `prefix` and `regex` may be given; the
/// query stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewriteConfig {
    /// The host that the upstream sees, with a port if it shall see one.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub host: Option<String>,
    /// The path, whole.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub path: Option<String>,
    /// What stands in the place of the prefix that `match.http.path` names. Slashes where the two meet are neither
    /// doubled nor lost: `/` in the place of `/api` makes `/x` of `/api/x`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub prefix: Option<String>,
    /// Replaces what a regular expression finds in the path.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "RegexRewrite")]
    pub regex: Option<RegexRewrite>,
}

/// Replaces everything in a path that a regular expression finds. A path in which it finds nothing stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegexRewrite {
    /// The regular expression. Unlike that of a match it may find a part of the path; `^` and `$` are its ends.
    pub pattern: String,
    /// What stands in the place of each find; `\1` to `\9` are the groups of the pattern, `\0` is all that was found.
    pub substitution: String,
}
