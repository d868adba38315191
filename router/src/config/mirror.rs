//! Copies of requests for clusters that nobody waits for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Size;

use super::SubsetMatch;

/// Sends copies of requests to a cluster. Nothing waits for them, and their answers are thrown away. A copy has the route's
/// timeout (15s if it has none), is never retried, and is left out, and counted, where the cluster's `limits.mirrors` are
/// under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MirrorConfig {
    /// The cluster's name.
    pub cluster: String,
    /// What the metadata of the endpoints says that may get them. Default: what the cluster's `subset.fallback` says.
    #[serde(default, skip_serializing_if = "SubsetMatch::is_empty")]
    pub subset: SubsetMatch,
    /// How many percent of the route's requests are copied, from 0 to 100; each is drawn by itself.
    #[serde(default = "all")]
    #[schemars(range(min = 0, max = 100))]
    pub percentage: f64,
    /// Puts `-shadow` behind the host of copies of HTTP, gRPC and Triple requests: `a.example-shadow:80`. An IPv6 address
    /// stays as it is.
    #[serde(default = "yes")]
    pub shadow_host: bool,
    /// A request that is still coming is copied at its end, if its body has no more bytes than this, 0 to 8 MiB. One that
    /// is longer, or takes longer than the route's timeout, is not.
    #[serde(default = "buffer")]
    pub buffer: Size,
}

fn all() -> f64 {
    100.0
}

fn yes() -> bool {
    true
}

fn buffer() -> Size {
    Size(64 << 10)
}
