//! Active health checks: every endpoint is asked again and again whether it is well.
//!
//! One task of the control plane per cluster ([`Cluster::check_health`](crate::Cluster::check_health)) has one task for each
//! endpoint, whatever the number of workers, and ends it when the endpoint leaves. What they find out is a
//! [mark](crate::Mark::FailedCheck); what follows from that is the balancers' affair. An endpoint that was there when its checks
//! began is taken for well until the first one fails; one that comes later has to pass one first.

mod checker;
mod verdict;

pub(crate) use verdict::Health;
