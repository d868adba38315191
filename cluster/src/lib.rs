//! Clusters: who serves a request, and over which connection.
//!
//! A [`Cluster`] is shared by all workers: its configuration and [`Members`] are snapshots, its counts are atomics.
//! A [`LocalCluster`] is one worker's side of it: the balancer's state and the connections, which never leave the
//! worker. [`LocalCluster::attempt`] is all that an exchange sees: it admits, picks an [`Endpoint`], hands the request
//! to an open connection and waits for the answer. Only where no connection is open does it allocate and wait:
//!
//! * `attempt`: the future, and the way of a request to a connection that is there (no lock, one allocation);
//! * `search`: the way of one that has to wait for a connection or go elsewhere;
//! * `channels`: one worker's connections to one endpoint; `connect` makes them, one at a time; `backoff` spaces failures;
//! * `balance`: which endpoint; `tried`: which not.
//!
//! Every wait has a bound: requests under way and requests that wait for a connection are limited per cluster,
//! connections per worker and endpoint, attempts to connect by a timeout and a back-off.

mod attempt;
mod backoff;
pub mod balance;
mod channels;
mod cluster;
pub mod config;
mod connect;
mod counters;
mod endpoint;
mod local;
mod members;
mod permit;
mod search;
mod stats;
mod tried;
mod upstream;

pub use attempt::Attempt;
pub use balance::Balancer;
pub use cluster::Cluster;
pub use config::{ClusterConfig, EndpointConfig, Metadata};
pub use endpoint::Endpoint;
pub use local::LocalCluster;
pub use members::{Member, Members};
pub use stats::{BackingOff, ChannelStats, ClusterStats, EndpointStats};
pub use tried::Tried;
pub use upstream::{Dialer, Tcp, Upstream};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
