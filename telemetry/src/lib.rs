//! What the proxy says about itself: metrics, the record of one exchange, and logs.
//!
//! A leaf: it knows nothing of protocols, routes or clusters but their names. Names become counters once, when a
//! configuration is built ([`Metrics::request`] and its siblings); the request path then only adds to atomics.
//!
//! | file | holds |
//! |---|---|
//! | `metrics` | every metric family, in one registry, and its text form |
//! | `stats` | counters resolved for one listener, cluster or route, as the request path holds them |
//! | `outcome` | how an exchange ended, and what came of a retry: the label values |
//! | `record` | one exchange, from start to drop |
//! | `process` | memory, descriptors and CPU time, read from `/proc/self` |
//! | `logging` | the subscriber, with a filter that changes while it runs |
//! | `writer` | the thread that owns standard error, so that a stuck pipe stalls nobody else |
//! | `limited` | a brake on warnings that a peer can cause at will |
//! | `escape` | what a peer sent, made fit to print |

mod escape;
mod limited;
mod logging;
mod metrics;
mod outcome;
mod process;
mod record;
mod stats;
mod writer;

pub use escape::{Escaped, escaped};
pub use limited::Limited;
pub use logging::{Format, LogControl, LogError, check_filter, init};
pub use metrics::{CONTENT_TYPE, Metrics, RequestLabels};
pub use outcome::{Mirrored, Outcome, Retry};
pub use record::Record;
pub use stats::{
    ClusterStats, ListenerStats, LocalErrorStats, OpenConnection, RequestStats, SkippedEdits,
};
