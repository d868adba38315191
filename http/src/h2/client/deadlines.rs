//! The deadlines of the calls on one connection, on the one timer of its task: a call costs an entry in a table.

use std::task::{Context, Poll, Waker};
use std::time::Instant;

use parking_lot::Mutex;

#[derive(Debug, Default)]
pub(super) struct Deadlines(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    /// No entry is due before this.
    first: Option<Instant>,
    /// What the task's timer is set to.
    armed: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    waker: Waker,
    due: bool,
}

/// A call's place in the table, once it had to wait.
#[derive(Debug, Default)]
pub(super) struct Place(Option<usize>);

impl Deadlines {
    /// Ready once `at` has passed and the task has noticed. True in the other value if the task must be woken to set its
    /// timer.
    pub(super) fn poll(
        &self,
        place: &mut Place,
        at: Instant,
        cx: &mut Context<'_>,
    ) -> (Poll<()>, bool) {
        let mut table = self.0.lock();
        if let Some(entry) = place
            .0
            .and_then(|key| table.entries.get_mut(key))
            .and_then(Option::as_mut)
        {
            if entry.due {
                return (Poll::Ready(()), false);
            }
            if !entry.waker.will_wake(cx.waker()) {
                entry.waker.clone_from(cx.waker());
            }
            return (Poll::Pending, false);
        }
        let entry = Some(Entry {
            at,
            waker: cx.waker().clone(),
            due: false,
        });
        let key = match table.free.pop() {
            Some(key) => {
                if let Some(slot) = table.entries.get_mut(key) {
                    *slot = entry;
                }
                key
            }
            None => {
                table.entries.push(entry);
                table.entries.len() - 1
            }
        };
        place.0 = Some(key);
        table.first = Some(table.first.map_or(at, |first| first.min(at)));
        (Poll::Pending, table.armed.is_none_or(|armed| at < armed))
    }

    /// Gives a place back.
    pub(super) fn leave(&self, place: &mut Place) {
        let Some(key) = place.0.take() else { return };
        let mut table = self.0.lock();
        if let Some(entry) = table.entries.get_mut(key) {
            *entry = None;
            table.free.push(key);
        }
    }

    /// Wakes the calls whose time is up. Answers when to look again, which the caller sets its timer to.
    pub(super) fn expire(&self, now: Instant) -> Option<Instant> {
        let mut due = Vec::new();
        {
            let mut table = self.0.lock();
            if table.first.is_some_and(|first| first <= now) {
                let mut next: Option<Instant> = None;
                for entry in table.entries.iter_mut().flatten() {
                    if entry.at <= now {
                        if !entry.due {
                            entry.due = true;
                            due.push(entry.waker.clone());
                        }
                    } else {
                        next = Some(next.map_or(entry.at, |first| first.min(entry.at)));
                    }
                }
                table.first = next;
            }
            table.armed = table.first;
            if due.is_empty() {
                return table.first;
            }
        }
        due.into_iter().for_each(Waker::wake);
        self.0.lock().first
    }
}
