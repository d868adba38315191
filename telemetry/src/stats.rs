//! Counters resolved for one listener, cluster or route: adding to them is an atomic and nothing else.

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};

use crate::{Mirrored, Outcome, Retry};

/// What one (listener, route, cluster, protocol) counts per request. Shared in an `Arc` by its requests.
#[derive(Debug)]
pub struct RequestStats {
    pub(crate) outcomes: [IntCounter; Outcome::COUNT],
    pub(crate) duration: Histogram,
    pub(crate) in_flight: IntGauge,
}

impl RequestStats {
    /// Counts one exchange that ended.
    pub(crate) fn ended(&self, outcome: Outcome, seconds: f64) {
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.inc();
        }
        self.duration.observe(seconds);
        self.in_flight.dec();
    }

    /// Exchanges that ended so, since the start.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes
            .get(outcome as usize)
            .map_or(0, IntCounter::get)
    }
}

/// Replies that the proxy made itself, for one (listener, protocol), by the position of the error in the list that
/// [`Metrics::local_errors`](crate::Metrics::local_errors) was given.
#[derive(Debug)]
pub struct LocalErrorStats(pub(crate) Vec<IntCounter>);

impl LocalErrorStats {
    /// Counts one.
    pub fn inc(&self, position: usize) {
        if let Some(counter) = self.0.get(position) {
            counter.inc();
        }
    }
}

/// Messages whose header fields could not all be edited, by the position of their protocol in the list that
/// [`Metrics::skipped_edits`](crate::Metrics::skipped_edits) was given.
#[derive(Debug)]
pub struct SkippedEdits(pub(crate) Vec<IntCounter>);

impl SkippedEdits {
    /// Counts one.
    pub fn inc(&self, position: usize) {
        if let Some(counter) = self.0.get(position) {
            counter.inc();
        }
    }
}

/// What one listener counts. Connections look up their label once each; requests never come here.
#[derive(Clone, Debug)]
pub struct ListenerStats {
    pub(crate) listener: String,
    pub(crate) open: IntGauge,
    pub(crate) recognised: IntCounterVec,
    pub(crate) errors: IntCounterVec,
    pub(crate) sniff_failures: IntCounterVec,
}

impl ListenerStats {
    /// A connection was accepted; it counts as open until the guard is dropped.
    pub fn accepted(&self) -> OpenConnection {
        self.open.inc();
        OpenConnection(self.open.clone())
    }

    /// A connection's protocol is known.
    pub fn recognised(&self, protocol: &'static str) {
        self.recognised
            .with_label_values(&[self.listener.as_str(), protocol])
            .inc();
    }

    /// A connection ended in an error. The reason is a short name out of a bounded set.
    pub fn connection_error(&self, reason: &'static str) {
        self.errors
            .with_label_values(&[self.listener.as_str(), reason])
            .inc();
    }

    /// A connection's protocol was not recognised: `unknown`, `timeout`, `closed`.
    pub fn sniff_failure(&self, reason: &'static str) {
        self.sniff_failures
            .with_label_values(&[self.listener.as_str(), reason])
            .inc();
    }
}

/// One open connection in `wireloom_downstream_connections`.
#[derive(Debug)]
pub struct OpenConnection(IntGauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What one cluster counts.
#[derive(Clone, Debug)]
pub struct ClusterStats {
    pub(crate) retries: [IntCounter; Retry::COUNT],
    pub(crate) cluster: String,
    pub(crate) ejections: IntCounterVec,
    pub(crate) overflow: IntCounterVec,
    pub(crate) retired: IntCounterVec,
    pub(crate) mirrors: IntCounterVec,
    /// Outliers that stayed because too many others were out.
    pub ejections_refused: IntCounter,
    /// Times that discovery changed the endpoints.
    pub discovery_updates: IntCounter,
    /// Times that discovery failed, and the endpoints stayed as they were.
    pub discovery_failures: IntCounter,
    /// Endpoints that may be picked.
    pub endpoints_healthy: IntGauge,
    /// Endpoints that are listed.
    pub endpoints: IntGauge,
    /// Endpoints that fail their health checks.
    pub endpoints_unhealthy: IntGauge,
    /// Health checks that endpoints passed.
    pub checks_passed: IntCounter,
    /// Health checks that failed.
    pub checks_failed: IntCounter,
    /// Endpoints that are out as outliers.
    pub endpoints_ejected: IntGauge,
    /// Requests that may be under way at once, as found by their times.
    pub concurrency_limit: IntGauge,
    /// Upstream connections that are open.
    pub connections: IntGauge,
    /// Upstream connections made.
    pub connects: IntCounter,
    /// Upstream connections that could not be made.
    pub connect_failures: IntCounter,
    /// Upstream connections that ended in an error.
    pub lost: IntCounter,
    /// Replies that nobody waited for.
    pub stray_replies: IntCounter,
    /// Heartbeats that were not answered in time.
    pub missed_heartbeats: IntCounter,
    /// Requests that a server sent of its own accord, and that were refused.
    pub refused_pushes: IntCounter,
    /// Connections that announced to take no more requests.
    pub drained: IntCounter,
}

impl ClusterStats {
    /// How often that limit turned a request away, a short name out of a bounded set.
    pub fn overflow(&self, limit: &'static str) -> IntCounter {
        self.overflow
            .with_label_values(&[self.cluster.as_str(), limit])
    }

    /// How many connections were not used on for that reason, a short name out of a bounded set.
    pub fn retired(&self, reason: &'static str) -> IntCounter {
        self.retired
            .with_label_values(&[self.cluster.as_str(), reason])
    }

    /// How often endpoints were taken out for that reason, a short name out of a bounded set.
    pub fn ejections(&self, reason: &'static str) -> IntCounter {
        self.ejections
            .with_label_values(&[self.cluster.as_str(), reason])
    }

    /// Counts what became of a mirrored request.
    pub fn mirrored(&self, outcome: Mirrored) {
        self.mirrors
            .with_label_values(&[self.cluster.as_str(), outcome.as_str()])
            .inc();
    }

    /// Counts what came of a retry.
    pub fn retry(&self, retry: Retry) {
        if let Some(counter) = self.retries.get(retry as usize) {
            counter.inc();
        }
    }
}
