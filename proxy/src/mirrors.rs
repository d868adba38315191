//! What bounds a cluster's mirrored requests, and counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use wireloom_telemetry::{ClusterStats, Mirrored};

/// A cluster's mirrored requests, on all workers.
pub(crate) struct Mirrors {
    running: AtomicU32,
    most: AtomicU32,
    stats: ClusterStats,
}

/// Leave for one of them.
pub(crate) struct Permit(Arc<Mirrors>);

impl Mirrors {
    pub(crate) fn new(most: u32, stats: ClusterStats) -> Arc<Self> {
        Arc::new(Self {
            running: AtomicU32::new(0),
            most: AtomicU32::new(most),
            stats,
        })
    }

    /// How many are under way.
    pub(crate) fn running(&self) -> u32 {
        self.running.load(Relaxed)
    }

    /// Changes how many there may be, from the next one on.
    pub(crate) fn limit(&self, most: u32) {
        self.most.store(most, Relaxed);
    }

    /// Leave for one more; None, which is counted, if there are too many.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Permit> {
        let most = self.most.load(Relaxed);
        let more = |running| (running < most).then_some(running + 1);
        match self.running.try_update(Relaxed, Relaxed, more) {
            Ok(_) => Some(Permit(self.clone())),
            Err(_) => {
                self.count(Mirrored::OverBudget);
                None
            }
        }
    }

    /// Counts what became of one.
    pub(crate) fn count(&self, outcome: Mirrored) {
        self.stats.mirrored(outcome);
    }
}

/// How often a drain looks. It is nothing that a request should have to tell.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until none of them is under way.
pub(crate) async fn finished(all: &[Arc<Mirrors>]) {
    while all.iter().any(|mirrors| mirrors.running() > 0) {
        tokio::time::sleep(LOOK).await;
    }
}

impl Permit {
    /// It is over.
    pub(crate) fn ended(self, outcome: Mirrored) {
        self.0.count(outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}
