//! What of a request only HTTP has, as routes match it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, PathMatch, StringMatch, not_null};

/// What only HTTP has: gRPC and Triple requests have it too, requests of other protocols match none of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpMatch {
    /// The host that the client named, or several of which one must be it: `a.example`, `*.example` (one label or
    /// more before it), `example.*` or `*` (any, but one must be named). Case does not count, nor does a dot at the
    /// end. A port in the pattern must be the request's (that of its scheme if it names none); without one the
    /// request's port does not count. IPv6 addresses stand in brackets.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OneOrMany")]
    pub host: Option<OneOrMany>,
    /// The path, without the query. It is compared as the client wrote it: percent-encoding and dot segments are
    /// left as they are.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "PathMatch")]
    pub path: Option<PathMatch>,
    /// The HTTP method, or several of which one must be it. HEAD is a method of its own.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OneOrMany")]
    pub method: Option<OneOrMany>,
    /// Parameters of the query by name. Names and values are compared decoded, with `+` as a space; a `%` that two
    /// hexadecimal digits do not follow stands for itself. A parameter without `=` is there and empty. If a name is
    /// repeated, one of its values must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, StringMatch>,
    /// Cookies by name. Quotes around a value are not part of it. If a name is repeated, one of its values must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cookie: BTreeMap<String, StringMatch>,
}
