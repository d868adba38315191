//! How much retrying a cluster bears, so that its failure is not multiplied by its clients.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The numbers of a [`RetryBudget`]; how users write them is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Retries under way for every hundred first tries under way. 20 keeps the tries below 1.2 times the requests when
    /// everything fails.
    pub percent: u32,
    /// So many retries may be under way even if `percent` allows fewer, so that quiet clusters can retry too.
    pub min: u32,
}

impl Default for BudgetLimits {
    /// 20 %, and 3 at the least.
    fn default() -> Self {
        Self {
            percent: 20,
            min: 3,
        }
    }
}

/// Bounds the retries under way to one cluster by the requests that are on their first try.
///
/// A retry is allowed if with it the retries are at most `percent` of the first tries, or at most `min`. First
/// tries are the active requests that are not being retried: counted against all active requests, 20 % of retries
/// would make 1.25 tries of a request (20 retries beside 80 first tries), counted against first tries it is 1.2.
///
/// Requests and retries are guards that count while they live. Guards hold the budget by any pointer: a reference
/// from [`RetryBudget::request`], or an `Arc` of the budget or of what has it through [`Active::new`].
#[derive(Debug)]
pub struct RetryBudget {
    limits: BudgetLimits,
    /// Active requests in the upper half, retries in the lower: one word, so that a retry is judged by numbers of
    /// the same moment. Nothing else is ordered by it.
    counts: AtomicU64,
}

const REQUEST: u64 = 1 << 32;
const RETRY: u64 = 1;

const fn unpack(counts: u64) -> (u64, u64) {
    (counts >> 32, counts & (REQUEST - 1))
}

impl RetryBudget {
    /// A budget without any requests yet.
    pub fn new(limits: BudgetLimits) -> Self {
        Self {
            limits,
            counts: AtomicU64::new(0),
        }
    }

    /// Counts a request from now until the guard drops; it lives as long as the exchange, retries and waits included.
    pub fn request(&self) -> Active<&Self> {
        Active::new(self)
    }

    /// Counts a retry from now until the guard drops, if one more is allowed. Taken before the back-off and kept
    /// until the retry's outcome.
    pub fn try_retry(&self) -> Option<Retrying<&Self>> {
        Retrying::new(self)
    }

    /// Requests under way.
    pub fn active(&self) -> u64 {
        unpack(self.counts.load(Relaxed)).0
    }

    /// Retries under way.
    pub fn retrying(&self) -> u64 {
        unpack(self.counts.load(Relaxed)).1
    }

    fn allows_one_more(&self, counts: u64) -> bool {
        let (active, retrying) = unpack(counts);
        let retries = retrying + 1;
        let first_tries = active.saturating_sub(retries);
        retries <= u64::from(self.limits.min)
            || retries * 100 <= first_tries * u64::from(self.limits.percent)
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(BudgetLimits::default())
    }
}

/// A request that counts as active until this drops.
#[derive(Debug)]
pub struct Active<B: Deref<Target = RetryBudget>>(B);

impl<B: Deref<Target = RetryBudget>> Active<B> {
    /// Counts a request of this budget.
    pub fn new(budget: B) -> Self {
        budget.counts.fetch_add(REQUEST, Relaxed);
        Self(budget)
    }
}

impl<B: Deref<Target = RetryBudget>> Drop for Active<B> {
    fn drop(&mut self) {
        self.0.counts.fetch_sub(REQUEST, Relaxed);
    }
}

/// A retry that counts as under way until this drops.
#[derive(Debug)]
pub struct Retrying<B: Deref<Target = RetryBudget>>(B);

impl<B: Deref<Target = RetryBudget>> Retrying<B> {
    /// Counts a retry of this budget, if one more is allowed.
    pub fn new(budget: B) -> Option<Self> {
        let one_more = |counts| budget.allows_one_more(counts).then_some(counts + RETRY);
        budget
            .counts
            .fetch_update(Relaxed, Relaxed, one_more)
            .ok()?;
        Some(Self(budget))
    }
}

impl<B: Deref<Target = RetryBudget>> Drop for Retrying<B> {
    fn drop(&mut self) {
        self.0.counts.fetch_sub(RETRY, Relaxed);
    }
}

#[cfg(test)]
mod tests;
