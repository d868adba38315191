//! A bound on how many there are at once.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// One of a limited number, given back on drop.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a AtomicU32);

impl<'a> Permit<'a> {
    /// None if `limit` are out already.
    pub(crate) fn take(count: &'a AtomicU32, limit: u32) -> Option<Self> {
        let before = count.fetch_add(1, Relaxed);
        // Made first, so that its drop takes the count back.
        let permit = Self(count);
        (before < limit).then_some(permit)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
