//! Every metric family, in one registry, and its text form.

use std::sync::Arc;

use prometheus::core::{Collector, GenericCounter, GenericGauge};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::process::Process;
use crate::{
    ClusterStats, ListenerStats, LocalErrorStats, Outcome, RequestStats, Retry, SkippedEdits,
};

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// 0.5 ms to 10 s. An in-memory call takes the first bucket; the last is near the default timeout of 15 s.
const DURATION_BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// What a request is counted under. All four come from the configuration, so that their number is bounded by it;
/// what a request lacks (a route, a cluster) is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestLabels<'a> {
    /// The listener's name.
    pub listener: &'a str,
    /// The route's name.
    pub route: &'a str,
    /// The cluster's name.
    pub cluster: &'a str,
    /// The downstream protocol.
    pub protocol: &'a str,
}

/// All metrics of a process. Made once; the handles it gives out are shared by all that asks for the same names, so a
/// reload goes on counting where the old configuration stopped.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    downstream_total: IntCounterVec,
    downstream: IntGaugeVec,
    downstream_errors: IntCounterVec,
    sniff_failures: IntCounterVec,
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGaugeVec,
    local_errors: IntCounterVec,
    filter_rejections: IntCounterVec,
    skipped_edits: IntCounterVec,
    retries: IntCounterVec,
    endpoints: IntGaugeVec,
    checks: IntCounterVec,
    ejections: IntCounterVec,
    ejections_refused: IntCounterVec,
    discovery: IntCounterVec,
    overflow: IntCounterVec,
    retired: IntCounterVec,
    concurrency_limit: IntGaugeVec,
    mirrors: IntCounterVec,
    upstream: IntGaugeVec,
    connects: IntCounterVec,
    connect_failures: IntCounterVec,
    lost: IntCounterVec,
    stray_replies: IntCounterVec,
    missed_heartbeats: IntCounterVec,
    refused_pushes: IntCounterVec,
    drained: IntCounterVec,
    reloads: IntCounterVec,
    generation: IntGauge,
    log_lines_dropped: IntCounter,
}

impl Metrics {
    /// All families, registered, with `wireloom_build_info` saying `version`.
    pub fn new(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let families = Families(&registry);
        families
            .gauges(
                "build_info",
                "Always 1; the labels tell what runs.",
                &["version"],
            )?
            .with_label_values(&[version])
            .set(1);
        registry.register(Box::new(Process::new()?))?;
        let cluster: &[&str] = &["cluster"];
        let metrics = Self {
            downstream_total: families.counters(
                "downstream_connections_total",
                "Downstream connections whose protocol is known.",
                &["listener", "protocol"],
            )?,
            downstream: families.gauges(
                "downstream_connections",
                "Downstream connections that are open.",
                &["listener"],
            )?,
            downstream_errors: families.counters(
                "downstream_connection_errors_total",
                "Downstream connections that ended in an error.",
                &["listener", "reason"],
            )?,
            sniff_failures: families.counters(
                "sniff_failures_total",
                "Downstream connections whose protocol was not recognised.",
                &["listener", "reason"],
            )?,
            requests: families.counters(
                "requests_total",
                "Exchanges that ended.",
                &["listener", "route", "cluster", "protocol", "outcome"],
            )?,
            durations: families.durations(
                "request_duration_seconds",
                "From a whole request to the end of its answer.",
                &["listener", "cluster", "protocol"],
            )?,
            in_flight: families.gauges("requests_in_flight", "Exchanges under way.", cluster)?,
            local_errors: families.counters(
                "local_errors_total",
                "Replies that the proxy, and not a service, made.",
                &["listener", "protocol", "error"],
            )?,
            filter_rejections: families.counters(
                "filter_rejections_total",
                "Requests and answers that a filter refused.",
                &["filter", "reason", "route"],
            )?,
            skipped_edits: families.counters(
                "header_edits_skipped_total",
                "Messages of which not all header fields were changed as the configuration says: they have none, or the \
                 names are the protocol's own.",
                &["protocol"],
            )?,
            retries: families.counters(
                "retries_total",
                "Tries after the first (attempted, hedged), those that helped (recovered, hedge_won), \
                 and failures that were not retried, by the reason.",
                &["cluster", "result"],
            )?,
            endpoints: families.gauges(
                "cluster_endpoints",
                "Endpoints that are listed, and those of them that may be picked.",
                &["cluster", "state"],
            )?,
            overflow: families.counters(
                "upstream_overflow_total",
                "Times that a limit turned a request away from a cluster or from one of its endpoints.",
                &["cluster", "limit"],
            )?,
            retired: families.counters(
                "upstream_connections_retired_total",
                "Upstream connections that were not used on because they were old or had taken their number of requests.",
                &["cluster", "reason"],
            )?,
            concurrency_limit: families.gauges(
                "upstream_concurrency_limit",
                "Requests that may be under way at once, as found by how long they take; 0 where nobody looks.",
                cluster,
            )?,
            mirrors: families.counters(
                "mirror_total",
                "Copies of requests that routes mirror to a cluster, by what became of them.",
                &["cluster", "outcome"],
            )?,
            checks: families.counters(
                "health_checks_total",
                "Health checks by how they ended.",
                &["cluster", "result"],
            )?,
            ejections: families.counters(
                "outlier_ejections_total",
                "Endpoints that were taken out for a while because they failed where others did not.",
                &["cluster", "reason"],
            )?,
            discovery: families.counters(
                "discovery_total",
                "Times that discovery changed a cluster's endpoints (updated), or failed and left them as they were (failed).",
                &["cluster", "result"],
            )?,
            ejections_refused: families.counters(
                "outlier_ejections_refused_total",
                "Outliers that stayed because too many others were out.",
                cluster,
            )?,
            upstream: families.gauges(
                "upstream_connections",
                "Upstream connections that are open.",
                cluster,
            )?,
            connects: families.counters(
                "upstream_connections_total",
                "Upstream connections that were made.",
                cluster,
            )?,
            connect_failures: families.counters(
                "upstream_connect_failures_total",
                "Upstream connections that could not be made.",
                cluster,
            )?,
            lost: families.counters(
                "upstream_connections_lost_total",
                "Upstream connections that ended in an error.",
                cluster,
            )?,
            stray_replies: families.counters(
                "stray_replies_total",
                "Replies that nobody waited for: late, repeated, or with an unknown id.",
                cluster,
            )?,
            missed_heartbeats: families.counters(
                "upstream_heartbeats_missed_total",
                "Heartbeats that an endpoint did not answer in time.",
                cluster,
            )?,
            refused_pushes: families.counters(
                "upstream_pushes_refused_total",
                "Requests that an endpoint sent of its own accord.",
                cluster,
            )?,
            drained: families.counters(
                "upstream_connections_drained_total",
                "Upstream connections that announced to take no more requests.",
                cluster,
            )?,
            reloads: families.counters(
                "config_reloads_total",
                "Attempts to load the configuration again.",
                &["result"],
            )?,
            generation: families.gauge(
                "config_generation",
                "How many configurations have been put to work; unchanged by a refused one.",
            )?,
            log_lines_dropped: families.counter(
                "log_lines_dropped_total",
                "Log lines lost because standard error did not take them in time.",
            )?,
            registry,
        };
        // Both are there from the start, so that an alert on the rate sees the first failure.
        for result in ["success", "failure"] {
            metrics.reloads.with_label_values(&[result]);
        }
        Ok(metrics)
    }

    /// What requests under these labels count. Two locks and some hashing: for the build of a configuration, not for
    /// the path of a request.
    pub fn request(&self, labels: RequestLabels<'_>) -> Arc<RequestStats> {
        let RequestLabels {
            listener,
            route,
            cluster,
            protocol,
        } = labels;
        Arc::new(RequestStats {
            outcomes: Outcome::ALL.map(|outcome| {
                self.requests.with_label_values(&[
                    listener,
                    route,
                    cluster,
                    protocol,
                    outcome.as_str(),
                ])
            }),
            duration: self
                .durations
                .with_label_values(&[listener, cluster, protocol]),
            in_flight: self.in_flight.with_label_values(&[cluster]),
        })
    }

    /// Counters of the proxy's own replies on a listener, one per name in `errors`.
    pub fn local_errors(&self, listener: &str, protocol: &str, errors: &[&str]) -> LocalErrorStats {
        let counter = |error: &&str| {
            self.local_errors
                .with_label_values(&[listener, protocol, error])
        };
        LocalErrorStats(errors.iter().map(counter).collect())
    }

    /// Counters of messages whose header fields could not all be edited, one per protocol.
    pub fn skipped_edits(&self, protocols: &[&str]) -> SkippedEdits {
        let counter = |protocol: &&str| self.skipped_edits.with_label_values(&[protocol]);
        SkippedEdits(protocols.iter().map(counter).collect())
    }

    /// A filter refused a request or an answer. The reason is a short name out of a bounded set. A lock and some hashing, which
    /// only refusals pay.
    pub fn filter_rejected(&self, filter: &str, reason: &'static str, route: &str) {
        self.filter_rejections
            .with_label_values(&[filter, reason, route])
            .inc();
    }

    /// What a listener counts.
    pub fn listener(&self, listener: &str) -> ListenerStats {
        ListenerStats {
            listener: listener.to_owned(),
            open: self.downstream.with_label_values(&[listener]),
            recognised: self.downstream_total.clone(),
            errors: self.downstream_errors.clone(),
            sniff_failures: self.sniff_failures.clone(),
        }
    }

    /// What a cluster counts.
    pub fn cluster(&self, cluster: &str) -> ClusterStats {
        let only = &[cluster];
        ClusterStats {
            retries: Retry::ALL
                .map(|retry| self.retries.with_label_values(&[cluster, retry.as_str()])),
            checks_passed: self.checks.with_label_values(&[cluster, "success"]),
            checks_failed: self.checks.with_label_values(&[cluster, "failure"]),
            endpoints_unhealthy: self.endpoints.with_label_values(&[cluster, "unhealthy"]),
            cluster: cluster.to_owned(),
            ejections: self.ejections.clone(),
            overflow: self.overflow.clone(),
            retired: self.retired.clone(),
            concurrency_limit: self.concurrency_limit.with_label_values(only),
            mirrors: self.mirrors.clone(),
            ejections_refused: self.ejections_refused.with_label_values(only),
            discovery_updates: self.discovery.with_label_values(&[cluster, "updated"]),
            discovery_failures: self.discovery.with_label_values(&[cluster, "failed"]),
            endpoints_ejected: self.endpoints.with_label_values(&[cluster, "ejected"]),
            lost: self.lost.with_label_values(only),
            endpoints_healthy: self.endpoints.with_label_values(&[cluster, "healthy"]),
            endpoints: self.endpoints.with_label_values(&[cluster, "listed"]),
            connections: self.upstream.with_label_values(only),
            connects: self.connects.with_label_values(only),
            connect_failures: self.connect_failures.with_label_values(only),
            stray_replies: self.stray_replies.with_label_values(only),
            missed_heartbeats: self.missed_heartbeats.with_label_values(only),
            refused_pushes: self.refused_pushes.with_label_values(only),
            drained: self.drained.with_label_values(only),
        }
    }

    /// The configuration was put to work: `generation` counts from 1. Call it for the first one too.
    pub fn config_loaded(&self, generation: u64) {
        self.generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
    }

    /// A reload was tried.
    pub fn config_reloaded(&self, ok: bool) {
        let result = if ok { "success" } else { "failure" };
        self.reloads.with_label_values(&[result]).inc();
    }

    /// Everything, in Prometheus' text format.
    pub fn encode(&self) -> String {
        let dropped = crate::writer::dropped();
        self.log_lines_dropped
            .inc_by(dropped.saturating_sub(self.log_lines_dropped.get()));
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

/// Makes families with the common prefix and registers them.
struct Families<'a>(&'a Registry);

impl Families<'_> {
    fn keep<C: Collector + Clone + 'static>(&self, family: C) -> Result<C, prometheus::Error> {
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn options(name: &str, help: &str) -> Opts {
        Opts::new(name, help).namespace("wireloom")
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.keep(GenericCounter::with_opts(Self::options(name, help))?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.keep(GenericGauge::with_opts(Self::options(name, help))?)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(Self::options(name, help), labels)?)
    }

    fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        self.keep(IntGaugeVec::new(Self::options(name, help), labels)?)
    }

    fn durations(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<HistogramVec, prometheus::Error> {
        let options =
            HistogramOpts::from(Self::options(name, help)).buckets(DURATION_BUCKETS.to_vec());
        self.keep(HistogramVec::new(options, labels)?)
    }
}

#[cfg(test)]
mod tests;
