//! What bounds a cluster and each of its endpoints, and how a request hears that a bound is reached.
//!
//! Every bound is one atomic that is only ever raised if it stays within the bound, so that what is let in is exact over all
//! workers. A full cluster refuses at once. A full endpoint is passed over for another; if all are full, that is a refusal too.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use wireloom_codecs::{ErrorKind, LocalError};

use crate::counters::count;
use crate::endpoint::{Active, Counted};
use crate::permit::Permit;
use crate::under_way::InFlight;
use crate::{Cluster, ClusterConfig, Endpoint};

/// A bound that turned a request away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Limit {
    /// Requests under way in the cluster.
    InFlight = 0,
    /// Requests of the cluster that wait for a connection.
    Pending = 1,
    /// Connections of the cluster.
    Connections = 2,
    /// Requests under way at the endpoint.
    EndpointInFlight = 3,
    /// Requests that wait for a connection to the endpoint.
    EndpointPending = 4,
    /// Connections to the endpoint.
    EndpointConnections = 5,
    /// Requests under way in the cluster by how long answers take.
    Adaptive = 6,
    /// Endpoints of a cluster that sends requests where their clients wanted to go.
    Endpoints = 7,
}

impl Limit {
    /// How many there are.
    pub const COUNT: usize = 8;
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; Self::COUNT] = [
        Self::InFlight,
        Self::Pending,
        Self::Connections,
        Self::EndpointInFlight,
        Self::EndpointPending,
        Self::EndpointConnections,
        Self::Adaptive,
        Self::Endpoints,
    ];

    /// The name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Pending => "pending",
            Self::Connections => "connections",
            Self::EndpointInFlight => "endpoint_in_flight",
            Self::EndpointPending => "endpoint_pending",
            Self::EndpointConnections => "endpoint_connections",
            Self::Adaptive => "adaptive",
            Self::Endpoints => "endpoints",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::InFlight | Self::EndpointInFlight => "requests under way",
            Self::Adaptive => "requests under way, more would make its answers slower",
            Self::Pending | Self::EndpointPending => "requests that wait for a connection",
            Self::Connections | Self::EndpointConnections => "connections",
            Self::Endpoints => "endpoints",
        }
    }
}

/// A connection, counted at its endpoint and in its cluster.
pub(crate) struct Connection {
    _endpoint: Counted,
    _cluster: Counted,
}

/// A place in the line for a connection.
pub(crate) struct Pending<'a> {
    _endpoint: Permit<'a>,
    _cluster: Permit<'a>,
}

impl Cluster {
    /// Counts a request as under way in the cluster.
    pub(crate) fn enter(self: &Arc<Self>, config: &ClusterConfig) -> Result<InFlight, LocalError> {
        let limit = config.limits.in_flight;
        let found = match config.limits.adaptive {
            Some(_) => self.concurrency.load(Relaxed),
            None => u32::MAX,
        };
        InFlight::take(self, limit.min(found)).ok_or_else(|| match found < limit {
            true => self.overflow(Limit::Adaptive, None, found),
            false => self.overflow(Limit::InFlight, None, limit),
        })
    }

    /// Counts a request at an endpoint.
    pub(crate) fn admit(
        &self,
        endpoint: &Arc<Endpoint>,
        config: &ClusterConfig,
    ) -> Result<Active, LocalError> {
        let limit = config.limits.per_endpoint.in_flight.unwrap_or(u32::MAX);
        let admitted = endpoint.begin(limit);
        admitted.ok_or_else(|| self.overflow(Limit::EndpointInFlight, Some(endpoint), limit))
    }

    /// Counts a request that is about to wait for a connection.
    pub(crate) fn queue<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        config: &ClusterConfig,
    ) -> Result<Pending<'a>, LocalError> {
        let limits = &config.limits;
        let cluster = Permit::take(&self.pending, limits.pending);
        let cluster = cluster.ok_or_else(|| self.overflow(Limit::Pending, None, limits.pending))?;
        let limit = limits.per_endpoint.pending.unwrap_or(u32::MAX);
        let place = Permit::take(&endpoint.pending, limit);
        let place =
            place.ok_or_else(|| self.overflow(Limit::EndpointPending, Some(endpoint), limit))?;
        Ok(Pending {
            _endpoint: place,
            _cluster: cluster,
        })
    }

    /// Counts a connection that is about to be made.
    pub(crate) fn connection(
        &self,
        endpoint: &Endpoint,
        config: &ClusterConfig,
    ) -> Result<Connection, LocalError> {
        let limit = config.limits.connections.unwrap_or(u32::MAX);
        let cluster = Counted::take(&self.connections, limit);
        let cluster = cluster.ok_or_else(|| self.overflow(Limit::Connections, None, limit))?;
        let limit = config.limits.per_endpoint.connections.unwrap_or(u32::MAX);
        let place = endpoint.connection(limit);
        let place = place
            .ok_or_else(|| self.overflow(Limit::EndpointConnections, Some(endpoint), limit))?;
        Ok(Connection {
            _endpoint: place,
            _cluster: cluster,
        })
    }

    /// Counts that a limit is reached, and says so. The endpoint is the one whose limit it is.
    #[cold]
    pub(crate) fn overflow(
        &self,
        limit: Limit,
        endpoint: Option<&Endpoint>,
        number: u32,
    ) -> LocalError {
        if let Some(counter) = self.counters.overflow.get(limit as usize) {
            count(counter);
        }
        let (cluster, what) = (self.name(), limit.what());
        let detail = match endpoint {
            None => format!("cluster {cluster} has {number} {what}, its limit"),
            Some(endpoint) => {
                let address = endpoint.address();
                format!("endpoint {address} of cluster {cluster} has {number} {what}, its limit")
            }
        };
        LocalError::new(ErrorKind::Overloaded, detail)
    }
}
