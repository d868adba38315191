//! A cluster as configurations write it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use wireloom_codecs::KeepAlive;
use wireloom_codecs::edits::HeaderEdits;
use wireloom_codecs::units::Span;

mod adaptive;
mod balance;
mod check;
mod connections;
mod discovery;
mod endpoint;
mod health;
mod outlier;
mod ratio;
mod share;
mod tcp;
mod warm_up;

pub use adaptive::{AdaptiveLimit, MinRtt};
pub use balance::{
    Balance, LeastConnections, LeastRequest, MAX_CHOICES, MAX_RING, Maglev, PeakEwma, RingHash,
};
pub use check::Problem;
pub use connections::Connections;
pub use discovery::{
    DiscoveryConfig, DnsConfig, DnsServer, Family, OriginalDestination, RecordKind,
};
pub use endpoint::{EndpointConfig, MAX_PRIORITY, MAX_WEIGHT, Metadata};
pub use health::{
    Codes, EchoCheck, GrpcCheck, HealthConfig, HeartbeatCheck, HttpCheck, MethodCheck, TcpCheck,
};
pub use outlier::{Consecutive, FailurePercentage, LatencyOutlier, OutlierConfig, SuccessRate};
pub use ratio::Ratio;
pub use share::{Fallback, Localities, PanicConfig, SlowStart, SubsetConfig, ZoneAware};
pub use tcp::{TcpConfig, TcpKeepalive};
pub use warm_up::WarmUp;

use std::time::Duration;

/// A named set of endpoints that serve the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// What the endpoints speak, if not what the request came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Where the cluster's servers listen; each address once. Needed unless `discovery` finds them.
    #[serde(default, deserialize_with = "endpoint::distinct")]
    pub endpoints: Vec<EndpointConfig>,
    /// Finds the endpoints, instead of `endpoints`: `{dns: {…}}`, `original_destination`, or the name of a source that the
    /// program has beyond these. Default: nobody does.
    #[serde(
        default,
        deserialize_with = "some_discovery",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "DiscoveryConfig")]
    pub discovery: Option<DiscoveryConfig>,
    /// How an endpoint is picked.
    #[serde(default)]
    pub balance: Balance,
    /// Parts of the cluster that routes can choose. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subset: Option<SubsetConfig>,
    /// How much more than their share of the load endpoints can carry, 1 to 10: at 1.4 a priority, or a zone, of which
    /// 71 of 100 endpoints are well carries all of its load.
    #[serde(
        default = "overprovisioning",
        deserialize_with = "ratio::ratio_within::<1_000, 10_000, _>"
    )]
    #[schemars(range(min = 1, max = 10))]
    pub overprovisioning: Ratio,
    /// What becomes of a priority of which too few endpoints are well.
    #[serde(default)]
    pub panic: PanicConfig,
    /// The share of each zone, 0 to 10000; those not named have 1. Default: zones do not count.
    #[serde(
        default,
        deserialize_with = "share::locality_weights",
        skip_serializing_if = "Localities::is_empty"
    )]
    pub localities: Localities,
    /// Keeps requests in the proxy's own zone. Default: zones do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_aware: Option<ZoneAware>,
    /// Gives endpoints that are new, or well again, their share by and by. Default: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<SlowStart>,
    /// How long a connection may take to be made, name lookup and handshakes included.
    #[serde(default = "connect_timeout", deserialize_with = "positive")]
    pub connect_timeout: Span,
    /// How long a connection without any request under way is kept.
    #[serde(default = "idle_timeout", deserialize_with = "positive")]
    pub idle_timeout: Span,
    /// How many connections are made, and for how long each is used.
    #[serde(default)]
    pub connections: Connections,
    /// Whether each worker makes a connection to each endpoint before a request needs one: when the proxy starts, when a
    /// configuration brings the cluster, and when an endpoint joins it. `true`, or how long that is waited for at most
    /// (true: 5s) before the proxy says that it is ready, and before a new configuration takes over. It takes a
    /// `protocol`. Default: false.
    #[serde(default, skip_serializing_if = "WarmUp::is_off")]
    pub warm_up: WarmUp,
    /// The sockets of its connections.
    #[serde(default, skip_serializing_if = "TcpConfig::is_default")]
    pub tcp: TcpConfig,
    /// What the cluster takes at once; more is refused as overload.
    #[serde(default)]
    pub limits: Limits,
    /// Asks endpoints whether they are well. Default: nobody asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthConfig>,
    /// Takes endpoints out for a while that fail where others do not. Default: nobody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlier: Option<OutlierConfig>,
    /// When a quiet connection is asked whether it still lives, if not when its protocol does so by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<KeepAliveConfig>,
    /// How many retries may be under way at once.
    #[serde(default)]
    pub retry_budget: RetryBudget,
    /// What is changed in the header fields of requests to the cluster and of its responses, after their listener and their
    /// route have made their changes.
    #[serde(default, skip_serializing_if = "HeaderEdits::is_empty")]
    pub headers: HeaderEdits,
}

impl ClusterConfig {
    /// A cluster of these endpoints, and defaults.
    pub fn new(endpoints: impl IntoIterator<Item = EndpointConfig>) -> Self {
        Self {
            protocol: None,
            endpoints: endpoints.into_iter().collect(),
            discovery: None,
            balance: Balance::default(),
            subset: None,
            overprovisioning: overprovisioning(),
            panic: PanicConfig::default(),
            localities: Localities::new(),
            zone_aware: None,
            slow_start: None,
            connect_timeout: connect_timeout(),
            idle_timeout: idle_timeout(),
            connections: Connections::default(),
            warm_up: WarmUp::default(),
            tcp: TcpConfig::default(),
            limits: Limits::default(),
            health: None,
            outlier: None,
            keep_alive: None,
            retry_budget: RetryBudget::default(),
            headers: HeaderEdits::default(),
        }
    }

    /// True if connections are made before requests need them.
    pub(crate) fn connects_ahead(&self) -> bool {
        !self.warm_up.is_off()
            || self.connections.min_idle > 0
            || self.connections.preconnect.is_some()
    }

    /// True if its endpoints are where clients wanted to go.
    pub(crate) const fn is_on_the_fly(&self) -> bool {
        matches!(
            self.discovery,
            Some(DiscoveryConfig::OriginalDestination(_))
        )
    }

    /// True if endpoints are picked in the same way from the same ones.
    pub(crate) fn picks_like(&self, other: &Self) -> bool {
        self.endpoints == other.endpoints
            && self.is_on_the_fly() == other.is_on_the_fly()
            && self.balance == other.balance
            && self.subset == other.subset
            && self.overprovisioning == other.overprovisioning
            && self.panic == other.panic
            && self.localities == other.localities
            && self.zone_aware == other.zone_aware
            && self.slow_start == other.slow_start
    }
}

const fn overprovisioning() -> Ratio {
    Ratio::thousandths(1400)
}

const fn connect_timeout() -> Span {
    Span(Duration::from_secs(1))
}

const fn idle_timeout() -> Span {
    Span(Duration::from_secs(300))
}

/// What a cluster takes at once, over all workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests under way. 0 refuses all of them.
    pub in_flight: u32,
    /// Requests that wait for a connection to be made. 0 refuses them until there is one.
    pub pending: u32,
    /// Connections. Default: as many as each worker keeps to each endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// Requests under way as far as answers do not take longer for them; `{}` for the defaults. `in_flight` bounds it too.
    /// Default: that is not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptive: Option<AdaptiveLimit>,
    /// Copies of requests under way that routes mirror to the cluster, with those whose body is still coming. Further ones
    /// are left out. 0 = none at all.
    pub mirrors: u32,
    /// What each endpoint takes; more goes to another one, and is refused if there is none.
    #[serde(skip_serializing_if = "EndpointLimits::is_none")]
    pub per_endpoint: EndpointLimits,
}

/// What an endpoint takes at once, over all workers. Default: no limit of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointLimits {
    /// Requests under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// Requests that wait for a connection to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<u32>,
    /// Connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
}

impl EndpointLimits {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 100_000,
            pending: 1024,
            connections: None,
            adaptive: None,
            mirrors: 128,
            per_endpoint: EndpointLimits::default(),
        }
    }
}

/// When a quiet connection is asked whether it still lives, in protocols that have such a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepAliveConfig {
    /// Quiet time (nothing read) before the question.
    #[serde(deserialize_with = "positive")]
    pub interval: Span,
    /// How long the answer may take.
    #[serde(default = "keep_alive_timeout", deserialize_with = "positive")]
    pub timeout: Span,
    /// Unanswered questions in a row that close the connection, 1 to 100.
    #[serde(default = "misses", deserialize_with = "within::<1, 100, _>")]
    #[schemars(range(min = 1, max = 100))]
    pub misses: u32,
}

impl KeepAliveConfig {
    /// The same in the drivers' words.
    pub const fn keep_alive(&self) -> KeepAlive {
        KeepAlive {
            interval: self.interval.0,
            timeout: self.timeout.0,
            misses: self.misses,
        }
    }
}

const fn keep_alive_timeout() -> Span {
    Span(Duration::from_secs(3))
}

const fn misses() -> u32 {
    3
}

/// How many retries may be under way in a cluster at once, so that an outage is not answered with a multiple of the
/// load. One more is allowed if with it they keep to `percent`, or are at most `min`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryBudget {
    /// Retries under way for every hundred first tries under way, 0 to 100.
    #[serde(deserialize_with = "within::<0, 100, _>")]
    #[schemars(range(max = 100))]
    pub percent: u32,
    /// Retries under way at once that are allowed whatever the load.
    pub min: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            percent: 20,
            min: 3,
        }
    }
}

fn some_discovery<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DiscoveryConfig>, D::Error> {
    DiscoveryConfig::deserialize(deserializer).map(Some)
}

fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let span = Span::deserialize(deserializer)?;
    if span.0.is_zero() {
        return Err(de::Error::custom(
            "0s is too short: this time cannot be switched off",
        ));
    }
    Ok(span)
}

fn some_positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    positive(deserializer).map(Some)
}

fn within<'de, const LOW: u32, const HIGH: u32, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<u32, D::Error> {
    let number = u64::deserialize(deserializer)?;
    u32::try_from(number)
        .ok()
        .filter(|number| (LOW..=HIGH).contains(number))
        .ok_or_else(|| de::Error::custom(format!("{number} is out of range: {LOW} to {HIGH}")))
}

fn some_within<'de, const LOW: u32, const HIGH: u32, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    within::<LOW, HIGH, D>(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
