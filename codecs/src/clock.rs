//! The time of the current turn: one clock read per wake-up of a connection and none per request.

use std::cell::Cell;
use std::time::Instant;

thread_local! {
    static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The time at which this thread's current turn began; the time itself outside of turns.
///
/// Within a driver's turn it is late by at most the turn, a fraction of a millisecond.
pub fn now() -> Instant {
    NOW.get().unwrap_or_else(Instant::now)
}

/// A turn: until it is dropped, [`now`] on this thread answers the time at which it began.
#[derive(Debug)]
pub struct Turn(());

impl Turn {
    /// Begins one; with the time.
    pub fn begin() -> (Self, Instant) {
        let now = Instant::now();
        NOW.set(Some(now));
        (Self(()), now)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        NOW.set(None);
    }
}
