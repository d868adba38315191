//! What happened in a cluster since it was made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::sync::Notify;
use wireloom_codecs::{ChannelEvents, ConnError};

use crate::lifetime::Retired;
use crate::limit::{Connection, Limit};
use crate::outlier::Reason;

/// Counts that only grow.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Requests refused because a limit was reached.
    pub(crate) overloaded: AtomicU64,
    /// Times that a limit turned a request away, by the [`Limit`](crate::Limit).
    pub(crate) overflow: [AtomicU64; Limit::COUNT],
    /// Requests for which nobody could be picked.
    pub(crate) no_endpoint: AtomicU64,
    pub(crate) stray_replies: AtomicU64,
    pub(crate) missed_pings: AtomicU64,
    pub(crate) refused_pushes: AtomicU64,
    pub(crate) drained: AtomicU64,
    /// Connections that were not used on, by the [`Retired`](crate::Retired).
    pub(crate) retired: [AtomicU64; Retired::COUNT],
    /// Connections that ended in an error.
    pub(crate) lost: AtomicU64,
    /// Health checks by how they ended.
    pub(crate) checks_passed: AtomicU64,
    pub(crate) checks_failed: AtomicU64,
    /// By the [`Reason`](crate::outlier::Reason).
    pub(crate) ejections: [AtomicU64; Reason::COUNT],
    /// Outliers that stayed because too many others were out.
    pub(crate) ejections_refused: AtomicU64,
    /// Times that discovery changed who is in the cluster.
    pub(crate) discovery_updates: AtomicU64,
    /// Times that it found nothing out.
    pub(crate) discovery_failures: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// One connection's reports, added to its cluster's counts.
pub(crate) struct Reports {
    pub(crate) counters: Arc<Counters>,
    pub(crate) set: std::sync::Weak<crate::channels::ChannelSet>,
    /// Told when a connection is needed in this one's place.
    pub(crate) upkeep: Arc<Notify>,
    /// Held for as long as the connection is there to report.
    pub(crate) _connection: Connection,
}

impl Reports {
    fn sweep(&self) {
        if let Some(set) = self.set.upgrade() {
            set.sweep();
        }
        // Cheap where nobody listens.
        self.upkeep.notify_one();
    }
}

impl ChannelEvents for Reports {
    fn stray_reply(&self) {
        count(&self.counters.stray_replies);
    }

    fn missed_ping(&self) {
        count(&self.counters.missed_pings);
    }

    fn refused_push(&self) {
        count(&self.counters.refused_pushes);
    }

    fn draining(&self) {
        count(&self.counters.drained);
        self.sweep();
    }

    fn closed(&self, error: Option<&ConnError>) {
        if error.is_some() {
            count(&self.counters.lost);
        }
        self.sweep();
    }
}
