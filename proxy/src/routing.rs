//! A configuration as one listener on one worker uses it: routes, and the clusters behind them.

use std::sync::{Arc, OnceLock};

use wireloom_cluster::{LocalCluster, Selection, Subset};
use wireloom_codecs::{LocalError, Needs, Request, Response};
use wireloom_router::{Edits, RetryBudget, Route, RouteTable};
use wireloom_telemetry::{ClusterStats, Metrics, RequestLabels, RequestStats};

/// Routes with their clusters. Replaced whole on reload; exchanges under way keep the one that they began with.
pub(crate) struct Routing {
    pub(crate) table: Arc<RouteTable>,
    /// In the order of [`RouteTable::clusters`].
    pub(crate) bindings: Vec<Binding>,
    pub(crate) needs: Arc<Needs>,
    /// What the listener changes in header fields.
    pub(crate) edits: Option<Arc<Edits>>,
    pub(crate) stats: Arc<StatsTable>,
}

impl Routing {
    /// Changes the header fields of a request as the listener says, and then as the route and its cluster do.
    pub(crate) fn edit_request(&self, route: &Route, to: Option<&Binding>, request: &mut Request) {
        for edits in self.layers(route, to) {
            if let Some(http) = &mut request.head.http {
                edits.request.apply(&mut http.headers);
            }
        }
    }

    /// The same for an answer, be it an upstream's or the route's own.
    pub(crate) fn edit_response(
        &self,
        route: &Route,
        from: Option<&Binding>,
        result: &mut Result<Response, LocalError>,
    ) {
        let Ok(response) = result else { return };
        for edits in self.layers(route, from) {
            if let Some(http) = &mut response.head.http {
                edits.response.apply(&mut http.headers);
            }
        }
    }

    fn layers<'a>(
        &'a self,
        route: &'a Route,
        cluster: Option<&'a Binding>,
    ) -> impl Iterator<Item = &'a Edits> {
        let cluster = cluster.and_then(|binding| binding.edits.as_deref());
        let outer = self.edits.as_deref().into_iter();
        outer.chain(route.edits.as_deref()).chain(cluster)
    }
}

/// A cluster as a route uses it.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) cluster: Arc<LocalCluster>,
    /// The part of it that is meant.
    pub(crate) subset: Option<Arc<Subset>>,
    /// Shared by all workers.
    pub(crate) budget: Arc<RetryBudget>,
    pub(crate) stats: ClusterStats,
    /// What is changed in header fields on the way to it and back.
    pub(crate) edits: Option<Arc<Edits>>,
}

impl Binding {
    /// What a request wants of its endpoint.
    pub(crate) fn selection(&self, hash: Option<u64>) -> Selection<'_> {
        Selection {
            hash,
            subset: self.subset.as_deref(),
        }
    }
}

/// Counters per route, cluster and protocol, resolved on first use: most combinations never occur.
pub(crate) struct StatsTable {
    metrics: Arc<Metrics>,
    listener: Arc<str>,
    protocols: Vec<&'static str>,
    clusters: Arc<[Arc<str>]>,
    /// By route and protocol; within, by the position of the cluster in the route's split.
    cells: Vec<OnceLock<Cells>>,
}

type Cells = Vec<(usize, Arc<RequestStats>)>;

impl StatsTable {
    pub(crate) fn new(
        metrics: Arc<Metrics>,
        listener: Arc<str>,
        protocols: Vec<&'static str>,
        table: &RouteTable,
    ) -> Self {
        let cells = table.routes().len() * protocols.len();
        Self {
            metrics,
            listener,
            protocols,
            clusters: table.clusters().into(),
            cells: (0..cells).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The listener that it counts for.
    pub(crate) fn listener(&self) -> &str {
        &self.listener
    }

    /// What an exchange on `route` over `cluster` counts, for the protocol at this place of the registry.
    pub(crate) fn get(&self, route: &Route, cluster: usize, protocol: usize) -> Arc<RequestStats> {
        let cells = self
            .cells
            .get(route.index * self.protocols.len() + protocol)
            .map(|cell| cell.get_or_init(|| self.resolve(route, protocol)));
        let found = cells
            .into_iter()
            .flatten()
            .find(|(index, _)| *index == cluster)
            .map(|(_, stats)| stats.clone());
        found.unwrap_or_else(|| self.cell(route, cluster, protocol))
    }

    fn resolve(&self, route: &Route, protocol: usize) -> Cells {
        let clusters = route.split.clusters();
        clusters
            .map(|cluster| (cluster, self.cell(route, cluster, protocol)))
            .collect()
    }

    fn cell(&self, route: &Route, cluster: usize, protocol: usize) -> Arc<RequestStats> {
        self.metrics.request(RequestLabels {
            listener: &self.listener,
            route: &route.name,
            cluster: self.clusters.get(cluster).map_or("", |name| name),
            protocol: self.protocols.get(protocol).copied().unwrap_or_default(),
        })
    }
}
