//! How many requests a cluster takes at once by how long it takes for them, as configurations write it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Span;

use super::{positive, within};

/// Finds out how many requests may be under way: more while answers take no longer than they do without load, fewer while
/// they do. Meant for calls with one answer; a stream counts as one request for as long as it lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptiveLimit {
    /// The fewest requests that may be under way, and as many as may be while it is measured how long answers take without
    /// load; at least 1.
    #[serde(deserialize_with = "within::<1, { u32::MAX }, _>")]
    #[schemars(range(min = 1))]
    pub min: u32,
    /// The most, at least 1.
    #[serde(deserialize_with = "within::<1, { u32::MAX }, _>")]
    #[schemars(range(min = 1))]
    pub max: u32,
    /// How often the limit is found anew, 10ms to 1h.
    #[serde(deserialize_with = "positive")]
    pub interval: Span,
    /// Which of the times of an interval counts: the one that so many percent of the answers keep to, 1 to 99.
    #[serde(deserialize_with = "within::<1, 99, _>")]
    #[schemars(range(min = 1, max = 99))]
    pub percentile: u32,
    /// How long answers take without load.
    pub min_rtt: MinRtt,
}

/// How long answers take without load: measured again and again, while only a few requests may be under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MinRtt {
    /// From one measurement to the next.
    #[serde(deserialize_with = "positive")]
    pub interval: Span,
    /// By how many percent that is longer by chance, 0 to 100, so that proxies do not measure at the same time.
    #[serde(deserialize_with = "within::<0, 100, _>")]
    #[schemars(range(max = 100))]
    pub jitter: u32,
    /// Answers that a measurement takes, at least 1. It ends after ten seconds with fewer.
    #[serde(deserialize_with = "within::<1, { u32::MAX }, _>")]
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// Percent by which answers may take longer before the limit is lowered, 0 to 1000.
    #[serde(deserialize_with = "within::<0, 1000, _>")]
    #[schemars(range(max = 1000))]
    pub buffer: u32,
}

impl Default for AdaptiveLimit {
    fn default() -> Self {
        Self {
            min: 3,
            max: 1000,
            interval: Span(Duration::from_millis(100)),
            percentile: 50,
            min_rtt: MinRtt::default(),
        }
    }
}

impl Default for MinRtt {
    fn default() -> Self {
        Self {
            interval: Span(Duration::from_secs(60)),
            jitter: 15,
            requests: 50,
            buffer: 25,
        }
    }
}

impl AdaptiveLimit {
    /// What cannot be meant: the key below `adaptive`, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if self.min > self.max {
            let why = format!("{} is more than `max`, which is {}", self.min, self.max);
            return Some(("min", why));
        }
        let (low, high) = (Duration::from_millis(10), Duration::from_secs(3600));
        if !(low..=high).contains(&self.interval.0) {
            let why = format!("{} is out of range: 10ms to 1h", self.interval);
            return Some(("interval", why));
        }
        if self.min_rtt.interval <= self.interval {
            let why = format!(
                "there would be nothing but measurements: make it longer than `interval`, which is {}",
                self.interval
            );
            return Some(("min_rtt.interval", why));
        }
        None
    }
}
