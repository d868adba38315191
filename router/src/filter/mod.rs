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
//! | `shown` | configurations without their secrets |
//! | `chain` | the filters of one route on one listener, in order |
//! | `access`, `concurrency`, `fault`, `rate_limit`, `request_size` | Wireloom's own |
//! | `client`, `networks`, `permits` | what several of these use |

mod access;
mod chain;
mod client;
mod concurrency;
mod exchanged;
mod fault;
mod flow;
mod networks;
mod permits;
mod rate_limit;
mod registry;
mod request_size;
mod shown;
mod traits;

pub use access::AccessConfig;
pub use chain::{Chain, Layer, Link, merge};
pub use client::ForwardedConfig;
pub use concurrency::ConcurrencyConfig;
pub use exchanged::{Exchanged, Inside, Refusal, Refusals, Replied};
pub use fault::{AbortConfig, DelayConfig, FaultConfig, GrpcStatus, Kind as FaultError};
pub use flow::{Amendment, Flow, Verdict};
pub use networks::Networks;
pub use rate_limit::{Key as RateLimitKey, KeyPart, Rate, RateLimitConfig, Unit as RateUnit};
pub use registry::{Registry, Unread};
pub use request_size::RequestSizeConfig;
pub use shown::Secrets;
pub use traits::{Configured, Filter};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
