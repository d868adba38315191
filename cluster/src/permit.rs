//! A bound on how many there are at once.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Counts one more, unless `limit` are there already. To add first and take back later would be one instruction less, and would
/// refuse others for a number that was never reached.
pub(crate) fn take(count: &AtomicU32, limit: u32) -> bool {
    let one_more = |before| (before < limit).then_some(before + 1);
    count.fetch_update(Relaxed, Relaxed, one_more).is_ok()
}

/// One of a limited number, given back on drop.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a AtomicU32);

impl<'a> Permit<'a> {
    /// None if `limit` are out already.
    pub(crate) fn take(count: &'a AtomicU32, limit: u32) -> Option<Self> {
        take(count, limit).then(|| Self(count))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
