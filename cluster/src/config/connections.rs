//! How many connections there are to an endpoint, and for how long each is used, as configurations write it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Span;

use super::ratio::{Ratio, some_ratio_within};
use super::{some_positive, some_within, within};

/// The most connections that one worker keeps to one endpoint.
const MAX_PER_ENDPOINT: u32 = 1024;

/// How many connections are made, and for how long each is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// The most that each worker keeps to each endpoint, 1 to 1024. The first is made when a request needs it, the
    /// others when those there are busy. Default: 1024 in protocols whose connections carry one request at a time
    /// (HTTP/1.1, Thrift), 8 in HTTP/2, where another is made only if the server allows no more streams, else 1.
    #[serde(
        deserialize_with = "some_within::<1, MAX_PER_ENDPOINT, _>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "u32", range(min = 1, max = 1024))]
    pub per_endpoint: Option<u32>,
    /// True: each downstream connection has upstream connections of its own, which no other shares, to whichever endpoint
    /// the balancer picks, for servers that keep something per connection. They are made when its requests need them and
    /// close when it does. `per_endpoint` then counts for each downstream connection; its default is 1, and 8 in protocols
    /// whose connections carry one request at a time; those over `limits.connections` are refused. Copies for mirrors have
    /// no downstream and share connections.
    pub per_downstream: bool,
    /// Requests that a connection takes, at least 1. Then another takes its place, and it closes with its last answer.
    /// Default: no limit.
    #[serde(
        deserialize_with = "some_within::<1, { u32::MAX }, _>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "u32", range(min = 1))]
    pub max_requests: Option<u32>,
    /// How old a connection grows. Then another takes its place, and it closes with its last answer; it goes on while no
    /// other can be made. Default: no limit.
    #[serde(
        deserialize_with = "some_positive",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Span")]
    pub max_age: Option<Span>,
    /// By how many percent `max_requests` and `max_age` are made smaller by chance, 0 to 90, a different part for each
    /// connection, so that those made together do not end together.
    #[serde(deserialize_with = "within::<0, 90, _>")]
    #[schemars(range(max = 90))]
    pub jitter: u32,
    /// Connections that each worker keeps ready at each endpoint, 0 to 1024: that rest, where a connection carries one
    /// request at a time, else that are open. They are made without a request, once it is known what to speak: from the
    /// start if the cluster has a `protocol`, else from the first request on.
    #[serde(deserialize_with = "within::<0, MAX_PER_ENDPOINT, _>")]
    #[schemars(range(max = 1024))]
    pub min_idle: u32,
    /// How many connections there are for each that is in use, itself included, 1 to 3: at 1.5 the third is made when two
    /// are in use. Default: none is made ahead.
    #[serde(
        deserialize_with = "some_ratio_within::<1_000, 3_000, _>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Ratio", range(min = 1, max = 3))]
    pub preconnect: Option<Ratio>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            per_endpoint: None,
            per_downstream: false,
            max_requests: None,
            max_age: None,
            jitter: 10,
            min_idle: 0,
            preconnect: None,
        }
    }
}
