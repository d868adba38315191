//! Filters: what looks at requests and answers on their way through a route, of Wireloom's own and of anybody's.
//!
//! A filter is a type that implements [`Filter`], made of its part of the configuration by [`Configured`]. A
//! [`Registry`] knows filters by their names. What a listener, a group and a route list becomes one [`Chain`] per listener
//! and route. Requests pass it from the first filter to the last, behind routing and before anything that the route
//! changes or chooses; answers pass the same filters the other way, behind all that.
//!
//! | file | holds |
//! |---|---|
//! | `traits` | what a filter implements |
//! | `flow` | what it may decide |
//! | `exchanged` | what it sees |
//! | `registry` | filters by name |
//! | `chain` | the filters of one route on one listener, in order |

mod chain;
mod exchanged;
mod flow;
mod registry;
mod traits;

pub use chain::{Chain, Layer, Link, merge};
pub use exchanged::{Exchanged, Inside, Replied};
pub use flow::{Amendment, Flow, Verdict};
pub use registry::{Registry, Unread};
pub use traits::{Configured, Filter};

#[cfg(test)]
mod tests;
