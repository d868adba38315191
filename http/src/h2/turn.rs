//! Wake-ups within a turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// The waker of a connection that is polled in rounds. h2 wakes its connection whenever something is queued on a
/// stream; where the same task is just about to look, that must cost a flag and not another pass through the scheduler.
#[derive(Debug, Default)]
pub(super) struct Turns {
    within: AtomicBool,
    again: AtomicBool,
    task: AtomicWaker,
}

impl Turns {
    pub(super) fn new() -> (Arc<Self>, Waker) {
        let turns = Arc::new(Self::default());
        let waker = Waker::from(turns.clone());
        (turns, waker)
    }

    /// A turn begins: wake-ups are kept until [`Turns::end`].
    pub(super) fn begin(&self, task: &Waker) {
        self.task.register(task);
        self.within.store(true, Ordering::Release);
    }

    /// True if there was a wake-up since it was last asked.
    pub(super) fn again(&self) -> bool {
        self.again.swap(false, Ordering::AcqRel)
    }

    /// The turn is over: what was kept, and whatever comes, wakes the task.
    pub(super) fn end(&self) {
        self.within.store(false, Ordering::Release);
        if self.again() {
            self.task.wake();
        }
    }
}

impl Wake for Turns {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.within.load(Ordering::Acquire) {
            self.again.store(true, Ordering::Release);
            // The turn may have ended between the two.
            if !self.within.load(Ordering::Acquire) && self.again() {
                self.task.wake();
            }
        } else {
            self.task.wake();
        }
    }
}
