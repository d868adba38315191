//! One entry of a route table.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Span;

use super::{
    ArgumentMatch, FilterConfig, HashConfig, HeaderEdits, HttpMatch, MirrorConfig, OneOrMany,
    RedirectConfig, RespondConfig, RetryConfig, RewriteConfig, StringMatch, TlsMatch, To, not_null,
};

/// How long an exchange may take if its route does not say.
pub const DEFAULT_TIMEOUT: Span = Span(Duration::from_secs(15));

fn default_timeout() -> Span {
    DEFAULT_TIMEOUT
}

/// A route: which requests it takes and what becomes of them. The first route of the table that matches wins. It has one
/// of `to`, `redirect` and `respond`.
///
/// An entry with `routes` is a group instead, a virtual host: its routes take the requests to its `hosts` or `services`
/// and no others, and what none of them matches has no route. A request goes to the group that names it most exactly,
/// wherever that stands: by the whole name, else by the longest `*.suffix`, else by the longest `prefix.*`, else by `*`;
/// where a service and a host do so alike, to that of the service. Routes in front of the first group are tried on every
/// request before; those behind it take the requests that no group names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["to"]}, {"required": ["redirect"]}, {"required": ["respond"]}, {"required": ["routes"]}]))]
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
    /// Header fields that are added, set or removed, on requests and on responses, after the listener's own changes.
    #[serde(default, skip_serializing_if = "HeaderEdits::is_empty")]
    pub headers: HeaderEdits,
    /// What looks at its requests and answers besides, in this order, behind the filters of the listener and of the route's
    /// group. One of the same name as there takes the other's place; `name: off` leaves it out. May stand in a group: for
    /// all its routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterConfig>,
    /// What the whole exchange may take, with all retries. `0s` means no limit.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    /// How long a streamed exchange may stand still, without any part of a body in either direction. It takes the place of
    /// the listener's `timeouts.body_idle`, and may be longer where HTTP/2 and gRPC come in; over HTTP/1.1 the shorter of
    /// both counts. What is not streamed has `timeout`. Default: what the listener says.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Span")]
    pub idle_timeout: Option<Span>,
    /// When a failed request is tried again. Default: never.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "RetryConfig")]
    pub retry: Option<RetryConfig>,
    /// What decides which endpoint a request goes to, where the cluster balances by `ring_hash` or `maglev`: requests that
    /// have the same of all of it go to the same one. It is read from the request as it came, before `headers` and
    /// `rewrite` change it. Default: nothing, and every request goes anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hash: Vec<HashConfig>,
    /// Copies of its requests for other clusters, which nobody waits for. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirror: Vec<MirrorConfig>,
    /// Of a group: the hosts of HTTP, gRPC and Triple requests that it takes, without ports: `a.example`, `*.example`,
    /// `example.*` or `*`. Case does not count, nor does a dot at the end.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OneOrMany")]
    pub hosts: Option<OneOrMany>,
    /// Of a group: the RPC services whose requests it takes, instead of `hosts`: `com.acme.OrderService`,
    /// `*.OrderService`, `com.acme.*` or `*`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OneOrMany")]
    pub services: Option<OneOrMany>,
    /// Of a group: its routes, of which the first that matches wins. None of them is a group.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Vec<RouteConfig>", length(min = 1))]
    pub routes: Option<Vec<RouteConfig>>,
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
    /// Networks, of which one must have the client's address: `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OneOrMany")]
    pub source: Option<OneOrMany>,
    /// What the client showed in its TLS handshake. `{}` takes whatever came over TLS.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "TlsMatch")]
    pub tls: Option<TlsMatch>,
    /// Values inside of the request's body; all must match. Where a body is looked into, only the value that is asked for
    /// is read. An HTTP body that is JSON waits for its end then, as long as it is within the budget.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<ArgumentMatch>,
    /// An expression in the syntax of CEL over what the other keys name: `headers["x-user"].startsWith("a") &&
    /// !source.inCidr("10.0.0.0/8")`. What it asks of something that is not there does not hold. See the guide for the
    /// names and operators that there are.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub when: Option<String>,
    /// How many percent of the requests that all else matches, from 0 to 100; each is drawn by itself. Default: all of
    /// them.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "f64", range(min = 0, max = 100))]
    pub percentage: Option<f64>,
    /// What only HTTP has.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "HttpMatch")]
    pub http: Option<HttpMatch>,
}

/// Every route that stands at `path` (`routes.main`), with those of groups, each with its own path.
pub fn each_route<'a>(
    path: &str,
    routes: &'a [RouteConfig],
) -> impl Iterator<Item = (String, &'a RouteConfig)> {
    routes.iter().enumerate().flat_map(move |(at, entry)| {
        let path = format!("{path}[{at}]");
        let grouped = entry.routes.iter().flatten().enumerate();
        let grouped: Vec<_> = grouped
            .map(|(at, route)| (format!("{path}.routes[{at}]"), route))
            .collect();
        std::iter::once((path, entry)).chain(grouped)
    })
}
