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
    NOW.get().unwrap_or_else(read)
}

/// Reads the clock that tokio's timers run on: a test may stop and advance it. Without tokio's `test-util` it is the system's.
pub fn read() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A turn: until it is dropped, [`now`] on this thread answers the time at which it began.
#[derive(Debug)]
pub struct Turn(());

impl Turn {
    /// Begins one; with the time.
    pub fn begin() -> (Self, Instant) {
        let now = read();
        NOW.set(Some(now));
        (Self(()), now)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        NOW.set(None);
    }
}
