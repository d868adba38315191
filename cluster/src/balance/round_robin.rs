//! In turn.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rand::rngs::SmallRng;

use super::draw::{DRAWS, Scope};

impl Scope<'_> {
    /// The next member in turn. `turn` is the worker's own, so that its members get exactly their weights however
    /// many workers there are.
    pub(super) fn next(&self, turn: &AtomicU64, rng: &mut SmallRng) -> Option<usize> {
        let mut last = None;
        for _ in 0..DRAWS {
            let position = self.group.in_turn(turn.fetch_add(1, Relaxed));
            if !self.is_open(position) {
                continue;
            }
            if self.accepts(position, rng) {
                return Some(position);
            }
            last = Some(position);
        }
        last.or_else(|| self.scan(None, rng))
    }
}
