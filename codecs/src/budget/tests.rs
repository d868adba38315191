use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering as Relation};
use std::task::Wake;

use super::*;

#[tokio::test]
async fn who_finds_none_waits_until_some_is_given_back() {
    let budget = ByteBudget::new(160);
    let mut claim = budget.claim();
    let first = poll_fn(|cx| claim.poll_reserve(120, cx)).await;
    assert_eq!(budget.free(), 40);

    let waiting = tokio::spawn({
        let mut claim = budget.claim();
        async move { poll_fn(|cx| claim.poll_reserve(50, cx)).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(first);
    let reserved = waiting.await.unwrap();
    assert_eq!(budget.free(), 110);
    drop(reserved);
    assert_eq!(budget.free(), 160);
}

#[tokio::test]
async fn a_frame_larger_than_the_budget_goes_through_alone() {
    let budget = ByteBudget::new(80);
    let mut claim = budget.claim();
    let reserved = poll_fn(|cx| claim.poll_reserve(1000, cx)).await;
    assert_eq!(budget.free(), 10, "an eighth stays for small frames");
    let mut other = budget.claim();
    poll_fn(|cx| other.poll_solvent(cx)).await;
    drop(reserved);
    assert_eq!(budget.free(), 80);
}

#[tokio::test]
async fn who_has_some_and_wants_more_keeps_it_and_goes_first() {
    let budget = ByteBudget::new(160);
    let mut claim = budget.claim();
    let mut held = poll_fn(|cx| claim.poll_reserve(20, cx)).await;
    poll_fn(|cx| claim.poll_grow(&mut held, 40, cx)).await;
    assert_eq!(budget.free(), 120);

    let mut other = budget.claim();
    let all_but_some = poll_fn(|cx| other.poll_reserve(80, cx)).await;
    let newcomer = tokio::spawn({
        let mut claim = budget.claim();
        async move { poll_fn(|cx| claim.poll_reserve(60, cx)).await }
    });
    tokio::task::yield_now().await;
    let growing = tokio::spawn(async move {
        poll_fn(|cx| claim.poll_grow(&mut held, 80, cx)).await;
        held
    });
    tokio::task::yield_now().await;
    assert!(!growing.is_finished() && !newcomer.is_finished());
    assert_eq!(budget.free(), 40, "it has what it had");
    drop(all_but_some);
    let mut held = growing.await.unwrap();
    // Of 140 for large frames; 60 are left.
    let newcomer = newcomer.await.unwrap();
    assert_eq!(budget.free(), 20);
    drop(newcomer);

    // Alone it goes on whatever it wants, as if it had wanted it at once.
    let mut claim = budget.claim();
    poll_fn(|cx| claim.poll_grow(&mut held, 1000, cx)).await;
    poll_fn(|cx| claim.poll_grow(&mut held, 2000, cx)).await;
    assert_eq!(budget.free(), 20);
    drop(held);
    assert_eq!(budget.free(), 160);
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
        let mut claim = budget.claim();
        async move { poll_fn(|cx| claim.poll_solvent(cx)).await }
    });
    tokio::task::yield_now().await;
    assert!(!solvent.is_finished());
    drop(account);
    solvent.await.unwrap();
    assert_eq!(budget.free(), signed(QUANTUM));
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relation::Relaxed);
    }
}

struct Waiter {
    claim: Claim,
    woken: Arc<Woken>,
}

impl Waiter {
    fn new(budget: &ByteBudget) -> Self {
        Self {
            claim: budget.claim(),
            woken: Arc::default(),
        }
    }

    fn reserve(&mut self, bytes: usize) -> Option<Reserved> {
        let waker = self.woken.clone().into();
        match self
            .claim
            .poll_reserve(bytes, &mut Context::from_waker(&waker))
        {
            Poll::Ready(reserved) => Some(reserved),
            Poll::Pending => None,
        }
    }

    fn wakes(&self) -> usize {
        self.woken.0.load(Relation::Relaxed)
    }
}

#[test]
fn two_hundred_that_wait_are_served_in_turn_at_one_wake_up_each() {
    let budget = ByteBudget::new(800);
    let mut first = Waiter::new(&budget);
    let mut held = first.reserve(600);
    assert!(held.is_some());
    let mut waiters: Vec<_> = (0..200).map(|_| Waiter::new(&budget)).collect();
    for waiter in &mut waiters {
        assert!(waiter.reserve(600).is_none());
    }
    for place in 0..200 {
        drop(held.take());
        let woken: Vec<_> = (0..200).filter(|n| waiters[*n].wakes() > 0).collect();
        assert_eq!(woken, (0..=place).collect::<Vec<_>>(), "only who is next");
        held = waiters[place].reserve(600);
        assert!(held.is_some());
    }
    assert!(waiters.iter().all(|waiter| waiter.wakes() == 1));
    drop(held);
    assert_eq!(budget.free(), 800);
}

#[test]
fn who_is_woken_and_leaves_wakes_the_next() {
    let budget = ByteBudget::new(800);
    let held = Waiter::new(&budget).reserve(600);
    let mut waiters: Vec<_> = (0..4).map(|_| Waiter::new(&budget)).collect();
    for waiter in &mut waiters {
        assert!(waiter.reserve(600).is_none());
    }
    // One that leaves from the middle, one that leaves when it was woken, one whose connection closes.
    waiters[1].claim.leave();
    drop(held);
    assert_eq!(waiters[0].wakes(), 1);
    waiters[0].claim.leave();
    assert_eq!(waiters[2].wakes(), 1);
    let last = waiters.pop().unwrap();
    drop(waiters);
    assert_eq!(last.wakes(), 1);
    let mut last = last;
    assert!(last.reserve(600).is_some());
}

#[test]
fn nobody_overtakes_a_large_frame_that_waits() {
    let budget = ByteBudget::new(800);
    let held = Waiter::new(&budget).reserve(400);
    let mut large = Waiter::new(&budget);
    assert!(large.reserve(600).is_none());
    let mut newcomer = Waiter::new(&budget);
    assert!(newcomer.reserve(100).is_none(), "there would be room");
    drop(held);
    let taken = large.reserve(600);
    assert!(taken.is_some());
    assert_eq!(newcomer.wakes(), 1, "what fits beside it comes next");
    assert!(newcomer.reserve(100).is_some());
}

#[test]
fn what_is_reserved_never_stops_small_frames() {
    let budget = ByteBudget::new(16 << 20);
    let mut held = Vec::new();
    let mut waiters: Vec<_> = (0..200).map(|_| Waiter::new(&budget)).collect();
    for waiter in &mut waiters {
        held.extend(waiter.reserve(8 << 20));
    }
    assert_eq!(held.len(), 1);
    let waker = Arc::new(Woken::default()).into();
    let mut small = budget.claim();
    let solvent = small.poll_solvent(&mut Context::from_waker(&waker));
    assert!(solvent.is_ready());
}
