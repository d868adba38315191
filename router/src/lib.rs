//! Routing: which cluster gets a request, how long it may take, and whether it is tried again.
//!
//! [`RouteTable::compile`] turns the config's `routes` ([`config`]) into a table once; [`RouteTable::route`] finds
//! the first [`Route`] that matches a [`Lookup`]: a request head, the connection that it came over, and, read one by one
//! when a route comes to ask, values inside of its body ([`Arguments`]). It compares bytes and allocates nothing but what
//! decoding takes. Routes may stand in groups by host or service; a large table is indexed by what its routes name exactly.
//! The table also says what codecs must decode for it ([`RouteTable::needs`]) and which clusters and protocols it names, because this crate
//! knows neither clusters nor protocols: the caller checks the names.
//!
//! A route has an [`Action`]: requests go to one of the clusters of its [`Split`], perhaps with another host or path, or
//! the client is redirected or answered. It carries [`Edits`] of header fields, its timeout and its [`RetryPolicy`]. Retrying is a pure decision
//! ([`RetryPolicy::decide`]) over the facts of one failed try; the [`RetryBudget`], shared by all requests to a
//! cluster, then bounds how many retries run at once.

mod action;
mod arguments;
mod budget;
pub mod config;
mod edits;
pub mod filter;
#[doc(hidden)]
pub mod fuzz;
mod lookup;
mod matcher;
mod mentions;
mod problem;
mod retry;
mod route;
mod split;
mod table;
mod when;

pub use action::{
    Action, DirectResponse, HashPolicy, Hashed, Mirror, NamedCluster, Redirect, Rewrite, SubsetRule,
};
pub use arguments::Arguments;
pub use budget::{Active, BudgetLimits, RetryBudget, Retrying};
pub use edits::{Edits, Facts, HeaderEditSet, Values};
pub use lookup::Lookup;
pub use mentions::Mention;
pub use problem::Problem;
pub use retry::{
    Answered, Attempt, Conditions, Decision, Failure, Hedge, MethodMatch, Pushback, RetryPolicy,
    StatusNames, Terms, Why,
};
pub use route::Route;
pub use split::Split;
pub use table::RouteTable;
