//! Which endpoint takes a request.
//!
//! Everything that follows from the configuration, the members and their marks is worked out when one of them changes,
//! off the path of requests, into a [`Plan`] that all workers share: which priorities and zones carry how much of the
//! load, which endpoints they have that may be picked (a [`Group`]), and the tables of hash balancers. A pick draws
//! a group and a member of it:
//!
//! * `plan`: how the whole is divided; `subset`: by metadata; `priority`: by priority and health; `locality`: by zone;
//! * `group`: members with their weights; `draw`: one of them at random; `round_robin`: in turn; `choice`: the best of
//!   a few; `hash`: by a hash, over a `ring` or a `maglev` table;
//! * `slow_start`: newcomers are passed over now and then.
//!
//! A pick takes no lock and allocates nothing: it reads the plan, the endpoints' counts (atomics) and, to be in turn, one
//! atomic count for each group that is the worker's own. It costs the same whether one endpoint or a thousand are in the
//! group, but for a binary search where weights differ or on a ring, and but for the rest of an exchange that has been to
//! several endpoints already. All ways respect weights, never pick what an exchange has tried, and never pick a member of
//! weight 0 or one that drains.

mod choice;
mod draw;
mod group;
mod hash;
mod latency;
mod locality;
mod maglev;
mod plan;
mod priority;
mod ring;
mod round_robin;
mod slow_start;
mod subset;
mod turns;

use wireloom_net::Address;

use crate::{ClusterConfig, Pins, Tried};

pub(crate) use latency::{Latency, Stopwatch};
pub(crate) use plan::Plan;
pub use subset::Subset;
pub(crate) use turns::Turns;

/// What a request wants of its endpoint.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// For hash balancers: requests of the same hash go to the same endpoint. None = at random.
    pub hash: Option<u64>,
    /// The part of the cluster that may serve it; None = what the cluster's `subset.fallback` says.
    pub subset: Option<&'a Subset>,
    /// Where its client wanted to go, for clusters that send requests there.
    pub destination: Option<&'a Address>,
    /// The connections of its downstream connection, for clusters where it has some of its own. None = any will do.
    pub pins: Option<&'a Pins>,
}

impl Selection<'_> {
    /// Nothing in particular.
    pub const ANY: Self = Self {
        hash: None,
        subset: None,
        destination: None,
        pins: None,
    };
}

impl<'a> Selection<'a> {
    /// The same, on its way to `destination`.
    #[must_use]
    pub const fn bound_for(mut self, destination: Option<&'a Address>) -> Self {
        self.destination = destination;
        self
    }

    /// Whose connections the request has to go over; None if it goes over those that all share.
    pub(crate) fn pins(&self, config: &ClusterConfig) -> Option<&'a Pins> {
        match config.connections.per_downstream {
            true => self.pins,
            false => None,
        }
    }
}

/// One pick.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) selection: Selection<'a>,
    pub(crate) tried: &'a Tried,
    /// Requests under way in the cluster.
    pub(crate) in_flight: u32,
}

#[cfg(test)]
mod tests;
