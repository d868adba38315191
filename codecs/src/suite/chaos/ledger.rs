//! What must be true of every seed: of each request, of each connection, and of what is left in the end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::{ByteBudget, Channel, ChannelEvents, ChannelState, ConnError};

/// What became of one request.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// It wants no answer.
    pub one_way: bool,
    /// The service got it.
    pub served: usize,
    /// Answers that its client got.
    pub answered: usize,
    /// Times that it was handed to a connection and is said to be sent, or perhaps.
    pub sent: usize,
    /// Times that a server got it.
    pub arrived: usize,
}

/// What became of all requests of a seed.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Entry>>);

impl Ledger {
    /// Of so many requests.
    pub fn of(asked: usize) -> Self {
        Self(Mutex::new(vec![Entry::default(); asked]))
    }

    /// Writes something down.
    pub fn entry<T>(&self, tag: usize, change: impl FnOnce(&mut Entry) -> T) -> T {
        change(&mut self.0.lock()[tag])
    }

    /// A request is read once at most, and one that was said not to be sent has reached nobody.
    pub fn check(&self) {
        for (tag, entry) in self.0.lock().iter().enumerate() {
            assert!(entry.served <= 1, "request {tag} was read twice: {entry:?}");
            assert!(
                entry.answered <= 1,
                "request {tag} was answered twice: {entry:?}"
            );
            assert!(
                entry.arrived <= entry.sent,
                "request {tag} was said not to be sent: {entry:?}"
            );
        }
    }
}

/// Every connection says once that it is gone.
#[derive(Debug, Default)]
pub struct Ends(AtomicUsize);

impl ChannelEvents for Ends {
    fn closed(&self, error: Option<&ConnError>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        let text = error.map(ToString::to_string).unwrap_or_default();
        // The runtime of a seed that has failed ends with tasks under way.
        assert!(
            std::thread::panicking() || !text.contains("its task ended"),
            "a connection's task panicked"
        );
    }
}

impl Ends {
    /// Drains a connection and waits until it is gone and has said so.
    pub async fn of(&self, channel: &dyn Channel) {
        channel.drain();
        while channel.state() != ChannelState::Closed {
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(
            channel.in_flight(),
            0,
            "calls under way on a connection that is gone"
        );
        // The state changes in the same turn that the end is told in.
        assert_eq!(self.0.load(Ordering::Relaxed), 1, "ends of one connection");
    }
}

/// When all is over: no byte of the budgets of `memory` is held, and no task lives.
pub async fn nothing_left(budgets: &[ByteBudget], memory: usize) {
    // Late replies and stalled connections have an end too.
    sleep(Duration::from_secs(600)).await;
    for budget in budgets {
        assert_eq!(
            budget.free(),
            memory as isize,
            "memory that nobody gave back"
        );
    }
    let tasks = Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks, 0, "tasks that did not end");
}
