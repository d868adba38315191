//! How many requests a cluster may have under way, found by how long its answers take.
//!
//! Workers take note of times in [`Samples`] of their own, which is one atomic addition for an answer. A task of the control
//! plane ([`Cluster::adapt`](crate::Cluster::adapt)) puts them together every interval, asks the [`Controller`] for the limit, and
//! stores it where the next request reads it. A cluster without `limits.adaptive` has no such task and takes no times.

mod controller;
mod samples;
mod task;

pub(crate) use samples::Samples;
