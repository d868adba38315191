//! What a cluster looks like now, for the admin page and metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use wireloom_codecs::ChannelState;
use wireloom_codecs::units::Span;

use crate::channels::ChannelSet;
use crate::config::Balance;
use crate::lifetime::Retired;
use crate::limit::Limit;
use crate::outlier::Reason;
use crate::pool::Pool;
use crate::{Cluster, Condition, Endpoint, Member, Metadata};

/// A cluster at one moment. Totals are since it was made.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterStats {
    /// Its name.
    pub name: String,
    /// What its endpoints speak, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// How it picks.
    pub balance: Balance,
    /// Requests under way.
    pub in_flight: u32,
    /// The most of them.
    pub in_flight_limit: u32,
    /// The most of them by how long answers take, where the cluster goes by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_limit: Option<u32>,
    /// Requests that wait for a connection.
    pub pending: u32,
    /// The most of them.
    pub pending_limit: u32,
    /// Total of requests refused because a limit was reached.
    pub overloaded: u64,
    /// Total of requests for which nobody could be picked.
    pub no_endpoint: u64,
    /// Total of replies that nobody waited for.
    pub stray_replies: u64,
    /// Total of heartbeats without an answer in time.
    pub missed_pings: u64,
    /// Total of requests that servers sent, which were refused.
    pub refused_pushes: u64,
    /// Total of connections that took no more requests before they closed.
    pub connections_drained: u64,
    /// Total of connections that were not used on because a limit of their own was reached, by the limit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub connections_retired: BTreeMap<&'static str, u64>,
    /// Total of connections that ended in an error.
    pub connections_lost: u64,
    /// Total of times that a limit turned a request away from the cluster or an endpoint, by the limit; those that never
    /// occurred are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overflow: BTreeMap<&'static str, u64>,
    /// Total of health checks that an endpoint passed.
    pub checks_passed: u64,
    /// Total of those that failed.
    pub checks_failed: u64,
    /// Total of endpoints that were taken out, by reason; those that never occurred are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ejections: BTreeMap<&'static str, u64>,
    /// Total of outliers that stayed because too many others were out.
    pub ejections_refused: u64,
    /// Total of times that discovery changed its endpoints.
    pub discovery_updates: u64,
    /// Total of times that discovery failed, and the endpoints stayed as they were.
    pub discovery_failures: u64,
    /// Its endpoints, in the configuration's order.
    pub endpoints: Vec<EndpointStats>,
}

/// An endpoint at one moment. Totals are since its address came into the cluster.
#[derive(Clone, Debug, Serialize)]
pub struct EndpointStats {
    /// Where it listens.
    pub address: String,
    /// Its share of the requests.
    pub weight: u32,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// 0 is asked first.
    pub priority: u32,
    /// Its locality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether it takes calls.
    pub health: Condition,
    /// Requests under way.
    pub active: u32,
    /// Total of requests that a connection took.
    pub requests: u64,
    /// Total of these that had no answer, or one that says that the endpoint failed.
    pub failures: u64,
    /// Total of connections made.
    pub connects: u64,
    /// Total of attempts to connect that failed.
    pub connect_failures: u64,
    /// Why its last health check failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_error: Option<String>,
    /// Total of times that it was taken out as an outlier.
    pub ejections: u64,
    /// Until it is back from being taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejected_for: Option<Span>,
    /// Its connections now, over all workers.
    pub channels: ChannelStats,
    /// Why workers do not try to connect just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backing_off: Option<BackingOff>,
}

/// Connections by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChannelStats {
    /// Being made.
    pub connecting: usize,
    /// Taking requests.
    pub open: usize,
    /// Finishing what they have.
    pub draining: usize,
    /// Requests under way on all of them.
    pub in_flight: usize,
}

/// A pause after failures to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackingOff {
    /// How many workers wait.
    pub workers: usize,
    /// Until the last of them tries again.
    pub retry_in: Span,
    /// The failure.
    pub error: String,
}

impl Cluster {
    /// The cluster at this moment.
    pub fn stats(&self) -> ClusterStats {
        let config = self.config();
        let counters = &self.counters;
        ClusterStats {
            name: self.name().to_owned(),
            protocol: config.protocol.clone(),
            balance: config.balance,
            in_flight: self.in_flight.load(Relaxed),
            in_flight_limit: config.limits.in_flight,
            concurrency_limit: config
                .limits
                .adaptive
                .is_some()
                .then(|| self.concurrency.load(Relaxed)),
            pending: self.pending.load(Relaxed),
            pending_limit: config.limits.pending,
            overloaded: counters.overloaded.load(Relaxed),
            no_endpoint: counters.no_endpoint.load(Relaxed),
            stray_replies: counters.stray_replies.load(Relaxed),
            missed_pings: counters.missed_pings.load(Relaxed),
            refused_pushes: counters.refused_pushes.load(Relaxed),
            connections_drained: counters.drained.load(Relaxed),
            connections_retired: named(Retired::ALL.map(Retired::as_str), &counters.retired),
            connections_lost: counters.lost.load(Relaxed),
            overflow: named(Limit::ALL.map(Limit::as_str), &counters.overflow),
            checks_passed: counters.checks_passed.load(Relaxed),
            checks_failed: counters.checks_failed.load(Relaxed),
            ejections: named(Reason::ALL.map(Reason::as_str), &counters.ejections),
            ejections_refused: counters.ejections_refused.load(Relaxed),
            discovery_updates: counters.discovery_updates.load(Relaxed),
            discovery_failures: counters.discovery_failures.load(Relaxed),
            endpoints: self.members().iter().map(Member::stats).collect(),
        }
    }
}

/// Counts over 0 by their names.
fn named<const N: usize>(
    names: [&'static str; N],
    counts: &[AtomicU64; N],
) -> BTreeMap<&'static str, u64> {
    let counts = counts.iter().map(|count| count.load(Relaxed));
    let totals = names.into_iter().zip(counts);
    totals.filter(|(_, total)| *total > 0).collect()
}

impl Member {
    fn stats(&self) -> EndpointStats {
        let endpoint = &self.endpoint;
        let (sets, pools) = (endpoint.sets(), endpoint.pools());
        let ejections = endpoint.ejections.lock();
        EndpointStats {
            address: endpoint.address().to_string(),
            weight: self.weight,
            metadata: Metadata::clone(&self.metadata),
            priority: self.priority,
            zone: self.zone.as_deref().map(str::to_owned),
            health: self.condition(),
            active: endpoint.active(),
            requests: endpoint.requests.load(Relaxed),
            failures: endpoint.failures.load(Relaxed),
            connects: endpoint.connects.load(Relaxed),
            connect_failures: endpoint.connect_failures.load(Relaxed),
            check_error: endpoint.health.lock().error.clone(),
            ejections: ejections.total,
            ejected_for: ejections.until().map(left),
            channels: channels(&sets, &pools),
            backing_off: backing_off(&sets, &pools),
        }
    }
}

impl Endpoint {
    /// Its connections now, over all workers.
    pub fn channels(&self) -> ChannelStats {
        channels(&self.sets(), &self.pools())
    }
}

fn channels(sets: &[Arc<ChannelSet>], pools: &[Arc<Pool>]) -> ChannelStats {
    let mut stats = ChannelStats::default();
    for pool in pools {
        let (open, idle) = pool.counts();
        stats.open += open;
        stats.in_flight += open.saturating_sub(idle);
    }
    for set in sets {
        set.sweep();
        let state = set.state.lock();
        stats.connecting += usize::from(state.flight.is_some());
        for channel in set.open.load().iter().chain(&state.draining) {
            stats.in_flight += channel.in_flight();
            match channel.state() {
                ChannelState::Open => stats.open += 1,
                ChannelState::Draining => stats.draining += 1,
                ChannelState::Closed => {}
            }
        }
    }
    stats
}

fn backing_off(sets: &[Arc<ChannelSet>], pools: &[Arc<Pool>]) -> Option<BackingOff> {
    let shared = sets.iter().filter_map(|set| set.backing_off());
    let exclusive = pools.iter().filter_map(|pool| pool.backing_off());
    let failures: Vec<_> = shared.chain(exclusive).collect();
    let (error, until) = failures.iter().max_by_key(|(_, until)| *until)?;
    Some(BackingOff {
        workers: failures.len(),
        retry_in: left(*until),
        error: error.detail.to_string(),
    })
}

fn left(until: Instant) -> Span {
    let left = until.saturating_duration_since(Instant::now());
    Span(Duration::from_millis(
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
    ))
}
