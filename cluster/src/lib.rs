//! Clusters: who serves a request, and over which connection.
//!
//! A [`Cluster`] is shared by all workers: its configuration and [`Members`] are snapshots, its counts are atomics.
//! A [`LocalCluster`] is one worker's side of it: the balancer's state and the connections, which never leave the
//! worker. [`LocalCluster::attempt`] is all that an exchange sees: it admits, picks an [`Endpoint`], hands the request
//! to an open connection and waits for the answer. Only where no connection is open does it allocate and wait:
//!
//! * `attempt`: the future, and the way of a request to a connection that is there (no lock, one allocation);
//! * `search`: the way of one that has to wait for a connection or go elsewhere;
//! * `set`: one worker's connections to one endpoint: `channels`, which carry many calls each and which `connect` makes
//!   one at a time, or a `pool` of those that carry one; `open` makes one, `lifetime` ends it in good
//!   time, `upkeep` makes it before it is needed, `outage` and `backoff` space failures;
//! * `under_way`: what is counted and held to the end of an answer's body;
//! * `balance`: which endpoint; `tried`: which not; `condition`: what is known against one;
//! * `outlier`: what the requests' outcomes say of endpoints; `health`: what they say themselves when asked;
//! * `limit`: what bounds them; `adaptive`: a bound that is found by how long answers take;
//! * `membership`: who is in a cluster whose endpoints are discovered; `warming`: requests that come before that is known;
//!   `destination`: endpoints that are where clients wanted to go.
//!
//! Every wait has a bound: requests under way and requests that wait for a connection are limited per cluster,
//! connections per worker and endpoint, attempts to connect by a timeout and a back-off.

mod adaptive;
mod attempt;
mod backoff;
mod balance;
mod channels;
mod cluster;
mod condition;
pub mod config;
mod connect;
mod counters;
mod destination;
mod endpoint;
mod health;
mod lifetime;
mod limit;
mod local;
mod members;
mod membership;
mod open;
mod outage;
pub mod outlier;
mod permit;
mod pins;
mod pool;
mod search;
mod set;
mod stats;
mod tried;
mod under_way;
mod upkeep;
mod upstream;
mod warming;

pub use attempt::Attempt;
pub use balance::{Selection, Subset};
pub use cluster::Cluster;
pub use condition::{Condition, Mark};
pub use config::{ClusterConfig, EndpointConfig, Metadata};
pub use endpoint::Endpoint;
pub use lifetime::Retired;
pub use limit::Limit;
pub use local::LocalCluster;
pub use members::{Member, Members};
pub use membership::{BoxSource, Discovery, MAX_ENDPOINTS, Source, SourceError, Update};
pub use pins::Pins;
pub use stats::{BackingOff, ChannelStats, ClusterStats, EndpointStats};
pub use tried::Tried;
pub use upstream::{Dialer, Tcp, Upstream};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
