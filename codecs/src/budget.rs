//! A bound on the memory that the frames of many connections take together.
//!
//! Large frames reserve theirs before they are read. Small ones are charged to their connection's account after they
//! were read, which may overdraw the budget by a read buffer per connection; then the reading stops. Large frames
//! together never take the last eighth, so a few clients that announce much and send little stop nobody else's small
//! requests.
//!
//! Who finds none waits in line. Only the first in line is woken, and when it is served or leaves it wakes the next:
//! nobody is overtaken, nobody is stranded, and two hundred that wait cost one wake-up and not two hundred.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Bytes that the frames of many connections share, given back when the last reference to a frame is dropped.
#[derive(Clone, Debug)]
pub struct ByteBudget(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// What large frames may take together.
    most_reserved: usize,
    reserved: usize,
    /// Negative while accounts overdraw it.
    free: isize,
    /// Who waits to reserve.
    reserving: VecDeque<Waiting>,
    /// Who waits to reserve more than it has.
    growing: VecDeque<Waiting>,
    /// Who waits until the budget is no longer overdrawn.
    overdrawn: VecDeque<Waiting>,
    tickets: u64,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    want: Want,
    waker: Waker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// So many bytes.
    Bytes(usize),
    /// So many bytes in the place of as many as it has.
    More { has: usize, wants: usize },
    /// A budget that is not overdrawn.
    Solvency,
}

/// Sizes here are far below `isize::MAX`; anything else saturates.
fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

impl State {
    fn fits(&self, want: Want) -> bool {
        match want {
            Want::Solvency => self.free > 0,
            // One large frame goes through whenever there is anything, or a small budget would never pass it.
            Want::Bytes(_) if self.reserved == 0 => self.free > 0,
            Want::Bytes(bytes) => {
                self.reserved + bytes <= self.most_reserved && signed(bytes) <= self.free
            }
            Want::More { has, .. } if self.reserved == has => self.free + signed(has) > 0,
            Want::More { has, wants } => {
                let more = wants - has;
                self.reserved + more <= self.most_reserved && signed(more) <= self.free
            }
        }
    }

    fn take(&mut self, want: Want) {
        let bytes = match want {
            Want::Bytes(bytes) => bytes,
            Want::More { has, wants } => wants - has,
            Want::Solvency => return,
        };
        self.reserved += bytes;
        self.free -= signed(bytes);
    }

    fn line(&mut self, want: Want) -> &mut VecDeque<Waiting> {
        match want {
            Want::Bytes(_) => &mut self.reserving,
            Want::More { .. } => &mut self.growing,
            Want::Solvency => &mut self.overdrawn,
        }
    }

    /// Who is to be woken: the first of each line, if there is what it waits for.
    fn next(&self) -> [Option<Waker>; 3] {
        [&self.growing, &self.reserving, &self.overdrawn].map(|line| {
            let first = line.front()?;
            self.fits(first.want).then(|| first.waker.clone())
        })
    }
}

fn wake(next: [Option<Waker>; 3]) {
    for waker in next.into_iter().flatten() {
        waker.wake();
    }
}

impl ByteBudget {
    /// A budget of `total` bytes.
    pub fn new(total: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            most_reserved: (total - total / 8).max(1),
            reserved: 0,
            free: signed(total),
            reserving: VecDeque::new(),
            growing: VecDeque::new(),
            overdrawn: VecDeque::new(),
            tickets: 0,
        })))
    }

    /// Bytes that nobody has; negative while small frames overdraw it.
    pub fn free(&self) -> isize {
        self.0.lock().free
    }

    /// A place from which one connection asks for bytes.
    pub fn claim(&self) -> Claim {
        Claim {
            budget: self.clone(),
            ticket: None,
        }
    }

    fn give_back(&self, bytes: usize, reserved: bool) {
        let next = {
            let mut state = self.0.lock();
            state.free += signed(bytes);
            if reserved {
                state.reserved -= bytes;
            }
            state.next()
        };
        wake(next);
    }
}

/// One connection's claim on a budget, with its place in line while it waits.
///
/// Who has been told to wait must go on asking, or [leave](Claim::leave): everybody else in the line waits behind it.
#[derive(Debug)]
pub struct Claim {
    budget: ByteBudget,
    ticket: Option<(Want, u64)>,
}

impl Claim {
    /// Takes `bytes`, or waits. A frame larger than what may be reserved goes through alone.
    pub fn poll_reserve(&mut self, bytes: usize, cx: &mut Context<'_>) -> Poll<Reserved> {
        let bytes = bytes.min(self.budget.0.lock().most_reserved);
        self.poll(Want::Bytes(bytes), cx).map(|()| Reserved {
            budget: self.budget.clone(),
            bytes,
        })
    }

    /// Makes `held` one of `bytes`, or waits and keeps what there is. Those who hold some and wait for more go before those
    /// who have none.
    pub fn poll_grow(
        &mut self,
        held: &mut Reserved,
        bytes: usize,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let has = held.bytes;
        let wants = bytes.min(self.budget.0.lock().most_reserved).max(has);
        let grown = self.poll(Want::More { has, wants }, cx);
        if grown.is_ready() {
            held.bytes = wants;
        }
        grown
    }

    /// Ready while the budget is not overdrawn.
    pub fn poll_solvent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(Want::Solvency, cx)
    }

    /// True after either has answered `Pending`.
    pub fn waits(&self) -> bool {
        self.ticket.is_some()
    }

    /// True while it waits to reserve.
    pub(crate) fn reserves(&self) -> bool {
        matches!(self.ticket, Some((Want::Bytes(_) | Want::More { .. }, _)))
    }

    /// Gives up the place in line.
    pub fn leave(&mut self) {
        let Some((want, ticket)) = self.ticket.take() else {
            return;
        };
        let next = {
            let mut state = self.budget.0.lock();
            state.line(want).retain(|waiting| waiting.ticket != ticket);
            state.next()
        };
        wake(next);
    }

    fn poll(&mut self, want: Want, cx: &mut Context<'_>) -> Poll<()> {
        if self.ticket.is_some_and(|(before, _)| before != want) {
            self.leave();
        }
        let mut state = self.budget.0.lock();
        let place = self.ticket.and_then(|(_, ticket)| {
            let line = state.line(want);
            line.iter().position(|waiting| waiting.ticket == ticket)
        });
        // Who comes now stands behind those who wait.
        let first = place.unwrap_or(state.line(want).len()) == 0;
        if first && state.fits(want) {
            if place.is_some() {
                state.line(want).pop_front();
            }
            state.take(want);
            let next = state.next();
            drop(state);
            self.ticket = None;
            wake(next);
            return Poll::Ready(());
        }
        match place.and_then(|place| state.line(want).get_mut(place)) {
            Some(waiting) if waiting.waker.will_wake(cx.waker()) => {}
            Some(waiting) => waiting.waker.clone_from(cx.waker()),
            None => {
                state.tickets += 1;
                let ticket = state.tickets;
                state.line(want).push_back(Waiting {
                    ticket,
                    want,
                    waker: cx.waker().clone(),
                });
                self.ticket = Some((want, ticket));
            }
        }
        Poll::Pending
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.leave();
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
        self.budget.give_back(self.bytes, true);
    }
}

/// What a connection's small frames take together: adjusted now and then, never waited for.
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
            Ordering::Less => self.budget.give_back(self.bytes - bytes, false),
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
mod tests;
