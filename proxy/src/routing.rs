//! A configuration as one listener on one worker uses it: routes, and the clusters behind them.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use crate::mirrors::Mirrors;
use wireloom_cluster::config::OriginalDestination;
use wireloom_cluster::{LocalCluster, Selection, Subset};
use wireloom_codecs::{Downstream, Needs, RequestHead};
use wireloom_net::Address;
use wireloom_router::filter::{Chain, Refusal};
use wireloom_router::{Edits, RetryBudget, Route, RouteTable, SubsetRule};
use wireloom_telemetry::{ClusterStats, Metrics, RequestLabels, RequestStats, SkippedEdits};

use crate::filters::Chains;

/// The place of a cluster that is none: the proxy answers by itself.
pub(crate) const NO_CLUSTER: usize = usize::MAX;

/// Routes with their clusters. Replaced whole on reload; exchanges under way keep the one that they began with.
pub(crate) struct Routing {
    pub(crate) table: Arc<RouteTable>,
    /// In the order of [`RouteTable::clusters`].
    pub(crate) bindings: Vec<Binding>,
    pub(crate) needs: Arc<Needs>,
    /// What the listener changes in header fields.
    pub(crate) edits: Option<Arc<Edits>>,
    /// The filters of the listener and of its routes; None if there are none.
    pub(crate) filters: Option<Arc<Chains>>,
    pub(crate) stats: Arc<StatsTable>,
}

impl Routing {
    /// The filters that the route's requests pass.
    pub(crate) fn chain(&self, route: &Route) -> Option<&Chain> {
        self.filters.as_ref()?.of(route)
    }
}

/// A cluster as a route uses it.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) name: Arc<str>,
    pub(crate) cluster: Arc<LocalCluster>,
    /// The part of it that is meant.
    pub(crate) part: Option<Part>,
    /// Shared by all workers.
    pub(crate) budget: Arc<RetryBudget>,
    pub(crate) stats: ClusterStats,
    /// What is changed in header fields on the way to it and back.
    pub(crate) edits: Option<Arc<Edits>>,
    /// Shared by all workers.
    pub(crate) mirrors: Arc<Mirrors>,
    /// Requests go where their clients wanted to go.
    pub(crate) destination: Option<Arc<OriginalDestination>>,
}

/// Which of a cluster's endpoints are meant.
#[derive(Clone)]
pub(crate) enum Part {
    /// The same for all requests.
    Constant(Arc<Subset>),
    /// What each request says.
    Chosen(Arc<SubsetRule>),
}

impl Part {
    pub(crate) fn of(rule: &Arc<SubsetRule>) -> Self {
        match rule.is_constant() {
            true => Self::Constant(Arc::new(Subset::new(rule.constants()))),
            false => Self::Chosen(rule.clone()),
        }
    }
}

impl Binding {
    /// Where the request is to go, if it says that itself and the cluster heeds it. A field that is meant to say it and does
    /// not leaves the request without a destination, rather than with another.
    pub(crate) fn destination(
        &self,
        from: &Downstream,
        head: &RequestHead,
    ) -> Option<Box<Address>> {
        let own = self.destination.as_ref()?;
        let named = own.header.as_ref();
        let named = named.and_then(|name| head.values(name.as_bytes()).next());
        let address: SocketAddr = match named {
            Some(value) => std::str::from_utf8(value).ok()?.trim().parse().ok()?,
            None => from.destination?,
        };
        (address.port() > 0).then(|| Box::new(Address::from(address)))
    }

    /// The part of the cluster that a request asks for. It lives as long as the exchange: nothing is kept of what clients
    /// ask for.
    pub(crate) fn part_for(&self, head: &RequestHead) -> Option<Arc<Subset>> {
        match self.part.as_ref()? {
            Part::Constant(subset) => Some(subset.clone()),
            Part::Chosen(rule) => {
                let pairs: Vec<_> = rule.of(head).collect();
                let pairs = pairs.iter().map(|(key, value)| (*key, &**value));
                // Without any key it is the cluster's fallback.
                (pairs.len() > 0).then(|| Arc::new(Subset::new(pairs)))
            }
        }
    }
}

/// Where a request goes, with all its tries.
pub(crate) struct Target<'a> {
    pub(crate) binding: &'a Binding,
    /// What the request wants of its endpoint there.
    pub(crate) selection: Selection<'a>,
}

/// Counters per route, cluster and protocol, resolved on first use: most combinations never occur.
pub(crate) struct StatsTable {
    metrics: Arc<Metrics>,
    listener: Arc<str>,
    protocols: Vec<&'static str>,
    clusters: Arc<[Arc<str>]>,
    pub(crate) skipped_edits: SkippedEdits,
    /// By route and protocol; within, by the position of the cluster in the route's split.
    cells: Vec<OnceLock<Cells>>,
    table: Arc<RouteTable>,
}

/// By cluster, in order; the last is for requests that reach none.
type Cells = Box<[(usize, OnceLock<Arc<RequestStats>>)]>;

impl StatsTable {
    pub(crate) fn new(
        metrics: Arc<Metrics>,
        listener: Arc<str>,
        protocols: Vec<&'static str>,
        table: &Arc<RouteTable>,
    ) -> Self {
        let cells = table.routes().len() * protocols.len();
        let skipped_edits = metrics.skipped_edits(&protocols);
        Self {
            metrics,
            listener,
            protocols,
            skipped_edits,
            clusters: table.clusters().into(),
            cells: (0..cells).map(|_| OnceLock::new()).collect(),
            table: table.clone(),
        }
    }

    /// The listener that it counts for.
    pub(crate) fn listener(&self) -> &str {
        &self.listener
    }

    /// A filter refused a request or an answer.
    pub(crate) fn filter_rejected(&self, filter: &str, reason: &'static str, route: &Route) {
        self.metrics.filter_rejected(filter, reason, &route.name);
    }

    /// What counts a filter's refusals that come in the middle of a body.
    pub(crate) fn filter_refusal(&self, filter: &str, route: &Route) -> Refusal {
        let (metrics, route) = (self.metrics.clone(), route.name.clone());
        let filter: Arc<str> = filter.into();
        Box::new(move |reason| metrics.filter_rejected(&filter, reason, &route))
    }

    /// What an exchange on `route` over `cluster` counts, for the protocol at this place of the registry.
    pub(crate) fn get(&self, route: &Route, cluster: usize, protocol: usize) -> Arc<RequestStats> {
        let cells = self
            .cells
            .get(route.index * self.protocols.len() + protocol)
            .map(|cell| cell.get_or_init(|| self.resolve(route)));
        let found = cells.and_then(|cells| {
            let at = cells.binary_search_by_key(&cluster, |(index, _)| *index);
            cells.get(at.ok()?)
        });
        match found {
            Some((_, stats)) => stats
                .get_or_init(|| self.cell(route, cluster, protocol))
                .clone(),
            None => self.cell(route, cluster, protocol),
        }
    }

    fn resolve(&self, route: &Route) -> Cells {
        let none = std::iter::once(NO_CLUSTER);
        let clusters = self.table.targets(route).into_iter().chain(none);
        clusters.map(|cluster| (cluster, OnceLock::new())).collect()
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
