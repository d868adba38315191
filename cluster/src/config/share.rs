//! Which of a cluster's endpoints come into question for a request, before one of them is picked.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Span;

use super::endpoint::{MAX_WEIGHT, Metadata};
use super::ratio::{Ratio, ratio_within};
use super::{positive, within};

/// Parts of a cluster that routes can choose, by what the endpoints' metadata says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubsetConfig {
    /// The combinations of metadata keys that a route may choose by. Endpoints with the same values of a combination
    /// are a subset; those that lack one of its keys are in none. An endpoint's `zone` is one of these keys.
    pub keys: Vec<Vec<String>>,
    /// Who takes requests that choose no subset, or one that no endpoint is in.
    #[serde(default)]
    pub fallback: Fallback,
    /// With `fallback: default`, what the metadata of the endpoints that take them says.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub default: Metadata,
}

/// Who takes requests that choose no subset, or one that no endpoint is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// Nobody: they fail.
    #[default]
    None,
    /// All endpoints.
    Any,
    /// The endpoints with the metadata of `default`.
    Default,
}

/// What becomes of a priority of which too few endpoints are well to carry its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PanicConfig {
    /// In percent of its endpoints, 0 to 100. If fewer are well, and the priorities together cannot carry the load,
    /// health is disregarded: where most look ill the checks are more likely wrong. 0 = never.
    #[serde(deserialize_with = "within::<0, 100, _>")]
    #[schemars(range(max = 100))]
    pub threshold: u32,
    /// Requests are refused then, to give the endpoints time, instead of sent to ill ones too.
    pub refuse: bool,
}

impl Default for PanicConfig {
    fn default() -> Self {
        Self {
            threshold: 50,
            refuse: false,
        }
    }
}

/// Requests stay in the proxy's own zone as far as that keeps the load even over all endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneAware {
    /// The zone that the proxy is in. Default: the proxy's `zone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
    /// How many of a hundred requests that is tried for, 0 to 100.
    #[serde(default = "all", deserialize_with = "within::<0, 100, _>")]
    #[schemars(range(max = 100))]
    pub percent: u32,
    /// With fewer endpoints that are well, zones do not count: they would get too uneven a load.
    #[serde(default = "min_endpoints")]
    pub min_endpoints: u32,
    /// How the requests are spread over the zones that they come from: a number of callers or proxies for each.
    /// Default: evenly over the zones that the endpoints are in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub callers: BTreeMap<String, u32>,
}

const fn all() -> u32 {
    100
}

const fn min_endpoints() -> u32 {
    6
}

/// An endpoint that is new, or well again, gets its full share only by and by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowStart {
    /// How long that takes.
    #[serde(deserialize_with = "positive")]
    pub window: Span,
    /// The form of the way up, 0.1 to 10: 1 = straight, more = steep at first, less = steep at last.
    #[serde(default = "one", deserialize_with = "ratio_within::<100, 10_000, _>")]
    #[schemars(range(min = 0.1, max = 10))]
    pub aggression: Ratio,
    /// The share that it begins with, in percent of its full one, 1 to 100.
    #[serde(default = "min_weight", deserialize_with = "within::<1, 100, _>")]
    #[schemars(range(min = 1, max = 100))]
    pub min_weight: u32,
}

const fn one() -> Ratio {
    Ratio::ONE
}

const fn min_weight() -> u32 {
    10
}

impl SlowStart {
    /// The part of its weight that an endpoint has this long after it joined.
    pub fn factor(&self, since: Duration) -> f64 {
        let progress = since.as_secs_f64() / self.window.0.as_secs_f64();
        let least = f64::from(self.min_weight) / 100.0;
        progress.powf(1.0 / self.aggression.get()).clamp(least, 1.0)
    }
}

/// The share of each zone, 0 to 10000. Each is less if fewer of the zone's endpoints are well than the overprovisioning
/// makes up for.
pub type Localities = BTreeMap<String, u32>;

pub(super) fn locality_weights<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Localities, D::Error> {
    let weights = Localities::deserialize(deserializer)?;
    match weights.iter().find(|(_, weight)| **weight > MAX_WEIGHT) {
        Some((zone, weight)) => Err(serde::de::Error::custom(format!(
            "{weight} of {zone} is out of range: 0 to {MAX_WEIGHT}"
        ))),
        None => Ok(weights),
    }
}
