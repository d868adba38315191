//! A bound on the memory that large frames may take together.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Bytes that the frames of many connections share. Reserved when a frame's head announces its length, given back
/// when the last reference to the frame is dropped. Who finds none waits with its socket unread.
#[derive(Clone, Debug)]
pub struct ByteBudget(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    total: usize,
    /// Negative while accounts overdraw it.
    free: isize,
    waiters: VecDeque<Waker>,
}

/// Sizes here are far below `isize::MAX`; anything else saturates.
fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

impl State {
    fn wait(&mut self, cx: &mut Context<'_>) {
        if !self.waiters.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiters.push_back(cx.waker().clone());
        }
    }
}

impl ByteBudget {
    /// A budget of `total` bytes.
    pub fn new(total: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            total,
            free: signed(total),
            waiters: VecDeque::new(),
        })))
    }

    /// Bytes that nobody has reserved; negative while small frames overdraw it.
    pub fn free(&self) -> isize {
        self.0.lock().free
    }

    /// Takes `bytes`, or waits. A frame larger than the whole budget is let through when nothing else is reserved.
    pub fn poll_reserve(&self, bytes: usize, cx: &mut Context<'_>) -> Poll<Reserved> {
        let mut state = self.0.lock();
        let bytes = bytes.min(state.total);
        if state.free >= signed(bytes) {
            state.free -= signed(bytes);
            return Poll::Ready(Reserved {
                budget: self.clone(),
                bytes,
            });
        }
        state.wait(cx);
        Poll::Pending
    }

    /// Ready while the budget is not overdrawn.
    pub(crate) fn poll_solvent(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.free > 0 {
            return Poll::Ready(());
        }
        state.wait(cx);
        Poll::Pending
    }

    fn give_back(&self, bytes: usize) {
        let waiters = {
            let mut state = self.0.lock();
            state.free += signed(bytes);
            std::mem::take(&mut state.waiters)
        };
        // They race for it in the order in which they came; who finds none queues again.
        for waker in waiters {
            waker.wake();
        }
    }
}

/// A part of a budget, given back on drop.
#[derive(Debug)]
pub struct Reserved {
    budget: ByteBudget,
    bytes: usize,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

/// What a connection's small frames take together: adjusted now and then, never waited for.
///
/// It may overdraw the budget, by no more than a read buffer per connection, since the connection then stops
/// reading until [`ByteBudget::poll_solvent`].
#[derive(Debug)]
pub(crate) struct Account {
    budget: ByteBudget,
    bytes: usize,
}

/// Smaller changes are not worth the lock.
const QUANTUM: usize = 32 << 10;

impl Account {
    pub(crate) fn new(budget: ByteBudget) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Sets what the connection uses now.
    pub(crate) fn set(&mut self, bytes: usize) {
        let bytes = bytes / QUANTUM * QUANTUM;
        match bytes.cmp(&self.bytes) {
            Ordering::Equal => return,
            Ordering::Greater => self.budget.0.lock().free -= signed(bytes - self.bytes),
            Ordering::Less => self.budget.give_back(self.bytes - bytes),
        }
        self.bytes = bytes;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn who_finds_none_waits_until_some_is_given_back() {
        let budget = ByteBudget::new(100);
        let first = poll_fn(|cx| budget.poll_reserve(80, cx)).await;
        assert_eq!(budget.free(), 20);

        let waiting = tokio::spawn({
            let budget = budget.clone();
            async move { poll_fn(|cx| budget.poll_reserve(50, cx)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        let reserved = waiting.await.unwrap();
        assert_eq!(budget.free(), 50);
        drop(reserved);
        assert_eq!(budget.free(), 100);
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_budget_goes_through_alone() {
        let budget = ByteBudget::new(100);
        let reserved = poll_fn(|cx| budget.poll_reserve(1000, cx)).await;
        assert_eq!(budget.free(), 0);
        drop(reserved);
        assert_eq!(budget.free(), 100);
    }

    #[tokio::test]
    async fn accounts_overdraw_and_stop_the_reading() {
        let budget = ByteBudget::new(QUANTUM);
        let mut account = Account::new(budget.clone());
        account.set(QUANTUM - 1);
        assert_eq!(budget.free(), signed(QUANTUM), "below the quantum");
        account.set(3 * QUANTUM);
        assert_eq!(budget.free(), -signed(2 * QUANTUM));
        let solvent = tokio::spawn({
            let budget = budget.clone();
            async move { poll_fn(|cx| budget.poll_solvent(cx)).await }
        });
        tokio::task::yield_now().await;
        assert!(!solvent.is_finished());
        drop(account);
        solvent.await.unwrap();
        assert_eq!(budget.free(), signed(QUANTUM));
    }
}
