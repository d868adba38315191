//! Permits, of which there are so many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Permits to give out; exact, however many threads ask.
#[derive(Debug)]
pub(super) struct Permits {
    given: AtomicU32,
    most: u32,
}

/// One of them, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<Permits>);

impl Permits {
    /// So many.
    pub(super) fn new(most: u32) -> Arc<Self> {
        let given = AtomicU32::new(0);
        Arc::new(Self { given, most })
    }

    /// One, if there is one.
    pub(super) fn take(self: &Arc<Self>) -> Option<Permit> {
        let next = |given: u32| given.checked_add(1).filter(|given| *given <= self.most);
        let taken = self
            .given
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        taken.is_ok().then(|| Permit(self.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.given.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_given_than_there_are_however_many_ask() {
        let permits = Permits::new(5);
        let all = std::sync::Barrier::new(8);
        let taken: usize = std::thread::scope(|scope| {
            let ask = || {
                let mine: Vec<_> = (0..100).filter_map(|_| permits.take()).collect();
                // Nobody gives back before all have asked.
                all.wait();
                mine.len()
            };
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asking
                .into_iter()
                .map(|asking| asking.join().unwrap())
                .sum()
        });
        assert_eq!(taken, 5);
        let again: Vec<_> = (0..9).map_while(|_| permits.take()).collect();
        assert_eq!(again.len(), 5);
    }
}
