//! What users write under `routes`, and what of it clusters share.
//!
//! Unknown keys are refused everywhere. Keys that may be written short (a plain string for an exact match, one
//! cluster for a split) are parsed by hand: serde's untagged enums would forget where an error is and which keys
//! exist.

mod action;
mod argument_match;
mod connection_match;
mod filter;
mod hash;
mod http_match;
mod mirror;
mod node;
mod path_match;
mod retry;
mod route;
mod string_match;
mod target;

pub use action::{RedirectConfig, RedirectScheme, RegexRewrite, RespondConfig, RewriteConfig};
pub use argument_match::{ArgumentAt, ArgumentMatch, DEFAULT_BUDGET};
pub use connection_match::TlsMatch;
pub use filter::FilterConfig;
pub use hash::{ArgumentPlace, CookieHash, HashConfig};
pub use http_match::HttpMatch;
pub use mirror::MirrorConfig;
pub use node::Node;
pub use path_match::PathMatch;
pub use retry::{BackoffConfig, Condition, HedgeConfig, RetryConfig, Status};
pub use route::{DEFAULT_TIMEOUT, MatchConfig, RouteConfig, each_route};
pub use wireloom_codecs::edits::{HeaderChanges, HeaderEdits};
pub use wireloom_codecs::units::OneOrMany;

pub use string_match::{Range, StringMatch};
pub use target::{ClusterHeader, ClusterSubset, SubsetMatch, SubsetValue, To, WeightedCluster};

use serde::{Deserialize, Deserializer};

/// Reads an optional key that may be left out but not left empty: `service:` with nothing behind it would
/// otherwise match every service.
pub(crate) fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
