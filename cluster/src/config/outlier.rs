//! When an endpoint is an outlier among its cluster's, as configurations write it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Span;

use super::{Ratio, positive, ratio, within};

/// Watches what becomes of requests, and takes endpoints out for a while that fail where others do not. What a failure is, is
/// said by every protocol's statuses alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutlierConfig {
    /// Failures in a row.
    pub consecutive: Consecutive,
    /// Endpoints that succeed less often than the others. On by default; `enforce: 0` switches it off.
    pub success_rate: SuccessRate,
    /// Endpoints that fail too large a part of their requests. Default: not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_percentage: Option<FailurePercentage>,
    /// Endpoints that take much longer than the others. Default: not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyOutlier>,
    /// How often endpoints are compared. What is counted for that begins anew each time.
    #[serde(deserialize_with = "positive")]
    pub interval: Span,
    /// How long an endpoint is out the first time; the second time in a row twice as long, and so on. Every interval that it
    /// serves well takes one time back.
    #[serde(deserialize_with = "positive")]
    pub base_ejection: Span,
    /// The longest that it is out, if `base_ejection` is not longer.
    #[serde(deserialize_with = "positive")]
    pub max_ejection: Span,
    /// By how many percent an ejection is longer by chance, 0 to 100, so that endpoints do not come back together.
    #[serde(deserialize_with = "within::<0, 100, _>")]
    #[schemars(range(max = 100))]
    pub jitter: u32,
    /// Percent of the endpoints that may be out at once, 0 to 100. One may be in any case, but for 0, where failures are only
    /// logged and counted, and never the last one that takes calls.
    #[serde(deserialize_with = "within::<0, 100, _>")]
    #[schemars(range(max = 100))]
    pub max_percent: u32,
}

impl Default for OutlierConfig {
    fn default() -> Self {
        Self {
            consecutive: Consecutive::default(),
            success_rate: SuccessRate::default(),
            failure_percentage: None,
            latency: None,
            interval: Span(Duration::from_secs(10)),
            base_ejection: Span(Duration::from_secs(30)),
            max_ejection: Span(Duration::from_secs(300)),
            jitter: 0,
            max_percent: 10,
        }
    }
}

impl OutlierConfig {
    /// What cannot be meant.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let rows = self.consecutive;
        let idle = rows.failures == 0
            && rows.gateway == 0
            && rows.local_origin == 0
            && self.success_rate.enforce == 0
            && self.failure_percentage.is_none()
            && self.latency.is_none();
        idle.then_some("nothing is looked at: give `consecutive` a number, or one of the other rules, or leave `outlier` out")
    }
}

/// Failures in a row that make an outlier at once. 0 = not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Consecutive {
    /// Failures of any kind: answers that say that the server failed or cannot serve, and requests without an answer (but for
    /// these if `local_origin` counts them).
    pub failures: u32,
    /// Of these only such as say that the server cannot serve (HTTP 502, 503, 504, gRPC UNAVAILABLE and their like), and
    /// requests without an answer.
    pub gateway: u32,
    /// Requests without an answer: no connection, one that broke, or no answer in time. If it is not 0 they count here alone.
    pub local_origin: u32,
}

impl Default for Consecutive {
    fn default() -> Self {
        Self {
            failures: 5,
            gateway: 0,
            local_origin: 0,
        }
    }
}

/// An outlier succeeds less often than the mean of the cluster less some standard deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SuccessRate {
    /// Endpoints with `volume` that there must be to be compared, at least 1.
    #[serde(deserialize_with = "within::<1, { u32::MAX }, _>")]
    #[schemars(range(min = 1))]
    pub min_endpoints: u32,
    /// Requests in an interval from which on an endpoint is compared, at least 1.
    #[serde(deserialize_with = "within::<1, { u32::MAX }, _>")]
    #[schemars(range(min = 1))]
    pub volume: u32,
    /// How many standard deviations below the mean.
    pub deviations: Ratio,
    /// Percent of the outliers found that are taken out, 0 to 100.
    #[serde(deserialize_with = "within::<0, 100, _>")]
    #[schemars(range(max = 100))]
    pub enforce: u32,
}

impl Default for SuccessRate {
    fn default() -> Self {
        Self {
            min_endpoints: 5,
            volume: 100,
            deviations: Ratio::thousandths(1900),
            enforce: 100,
        }
    }
}

/// An outlier fails that part of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FailurePercentage {
    /// Percent of its requests, 1 to 100.
    #[serde(deserialize_with = "within::<1, 100, _>")]
    #[schemars(range(min = 1, max = 100))]
    pub threshold: u32,
    /// Endpoints with `volume` that there must be, at least 1.
    #[serde(deserialize_with = "within::<1, { u32::MAX }, _>")]
    #[schemars(range(min = 1))]
    pub min_endpoints: u32,
    /// Requests in an interval from which on an endpoint is judged, at least 1.
    #[serde(deserialize_with = "within::<1, { u32::MAX }, _>")]
    #[schemars(range(min = 1))]
    pub volume: u32,
}

impl Default for FailurePercentage {
    fn default() -> Self {
        Self {
            threshold: 85,
            min_endpoints: 5,
            volume: 50,
        }
    }
}

/// An outlier takes several times as long as the median of the cluster's endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LatencyOutlier {
    /// How many times as long, 1.1 to 1000.
    #[serde(deserialize_with = "ratio::ratio_within::<1_100, 1_000_000, _>")]
    #[schemars(range(min = 1.1, max = 1000))]
    pub factor: Ratio,
    /// Shorter times are never too long.
    pub floor: Span,
    /// Endpoints with `volume` that there must be, at least 2.
    #[serde(deserialize_with = "within::<2, { u32::MAX }, _>")]
    #[schemars(range(min = 2))]
    pub min_endpoints: u32,
    /// Answers in an interval from which on an endpoint is compared, at least 1.
    #[serde(deserialize_with = "within::<1, { u32::MAX }, _>")]
    #[schemars(range(min = 1))]
    pub volume: u32,
}

impl Default for LatencyOutlier {
    fn default() -> Self {
        Self {
            factor: Ratio::thousandths(3000),
            floor: Span(Duration::from_millis(5)),
            min_endpoints: 3,
            volume: 20,
        }
    }
}
