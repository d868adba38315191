use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use wireloom_codecs::{Class, Kind, Outcome, ProtocolId};

use super::*;
use crate::config::{Condition, RetryConfig};
use crate::{Answered, Attempt, Decision, Failure, RetryPolicy, Terms};

fn budget(percent: u32, min: u32) -> RetryBudget {
    RetryBudget::new(BudgetLimits { percent, min })
}

#[test]
fn quiet_clusters_may_retry() {
    let budget = RetryBudget::default();
    let _request = budget.request();
    let retries: Vec<_> = std::iter::from_fn(|| budget.try_retry()).collect();
    assert_eq!(retries.len(), 3);
    assert_eq!((budget.active(), budget.retrying()), (1, 3));
    drop(retries);
    assert_eq!(budget.retrying(), 0);
}

#[test]
fn retries_are_at_most_the_share_of_first_tries() {
    let budget = budget(20, 3);
    let requests: Vec<_> = (0..120).map(|_| budget.request()).collect();
    let retries: Vec<_> = std::iter::from_fn(|| budget.try_retry()).collect();
    // 20 retries beside 100 first tries.
    assert_eq!(retries.len(), 20);
    drop(requests);
    assert!(budget.try_retry().is_none());
    drop(retries);
    assert_eq!((budget.active(), budget.retrying()), (0, 0));
    assert!(budget.try_retry().is_some());
}

#[test]
fn nothing_allowed() {
    let budget = budget(0, 0);
    let _requests: Vec<_> = (0..1000).map(|_| budget.request()).collect();
    assert!(budget.try_retry().is_none());
}

#[test]
fn guards_may_own_the_budget() {
    let budget = Arc::new(budget(20, 1));
    let request = Active::new(budget.clone());
    let retry = Retrying::new(budget.clone()).unwrap();
    assert!(Retrying::new(budget.clone()).is_none());
    drop((request, retry));
    assert_eq!((budget.active(), budget.retrying()), (0, 0));
    assert_eq!(Arc::strong_count(&budget), 1);
}

#[test]
fn counts_survive_threads() {
    let budget = budget(20, 3);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let _request = budget.request();
                    let _retry = budget.try_retry();
                    assert!(budget.retrying() <= 4);
                }
            });
        }
    });
    assert_eq!((budget.active(), budget.retrying()), (0, 0));
}

/// What one simulated client does next.
enum Step<'a> {
    /// Its try fails.
    Fail(Option<Retrying<&'a RetryBudget>>),
    /// Its back-off is over; the retry goes out.
    Retry(Retrying<&'a RetryBudget>),
}

struct Client<'a> {
    request: Option<Active<&'a RetryBudget>>,
    number: u32,
    step: Option<Step<'a>>,
}

/// The same pseudo-random numbers (xorshift) for the same seed.
fn numbers(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from(state >> 32).unwrap()
    }
}

/// Tries per request when everything fails and `clients` send a new request as soon as the last one failed.
///
/// Events run in the order of their simulated time, so the outcome depends on the seed alone.
fn amplification(
    clients: usize,
    on_budget: &RetryBudget,
    backoff: &str,
    latency: (u64, u64),
) -> f64 {
    const REQUESTS: u64 = 30_000;
    let config = RetryConfig {
        attempts: 3,
        on: vec![Condition::Unavailable],
        ..serde_json::from_str(&format!(r#"{{"backoff": {{"base": "{backoff}"}}}}"#)).unwrap()
    };
    let policy = RetryPolicy::compile("retry", &config, None, &crate::retry::no_names).unwrap();
    let mut jitter = numbers(0x9e37_79b9_7f4a_7c15);
    let mut spread = numbers(0xd1b5_4a32_d192_ed03);
    let mut took = || latency.0 + u64::from(spread()) % (latency.1 - latency.0 + 1);

    let (mut requests, mut tries) = (0_u64, 0_u64);
    let mut due = BinaryHeap::new();
    let mut all: Vec<Client<'_>> = Vec::new();
    for id in 0..clients {
        due.push(Reverse((0, id)));
        all.push(Client {
            request: None,
            number: 0,
            step: None,
        });
    }
    while let Some(Reverse((now, id))) = due.pop() {
        let client = &mut all[id];
        let retry = match client.step.take() {
            Some(Step::Retry(retry)) => Some(retry),
            Some(Step::Fail(retry)) => {
                drop(retry);
                let facts = Attempt {
                    number: client.number,
                    kind: Kind::Unary,
                    sent: true,
                    terms: Terms {
                        listed: true,
                        idempotent: false,
                    },
                    pushback: None,
                    replayable: true,
                    failure: Failure::Response(Answered::new(
                        ProtocolId("bolt"),
                        Outcome::new(Class::Unavailable, 7),
                    )),
                    remaining: None,
                };
                let decision = policy.decide(&facts, jitter());
                if let Decision::Retry { backoff } = decision
                    && let Some(retry) = on_budget.try_retry()
                {
                    client.step = Some(Step::Retry(retry));
                    due.push(Reverse((
                        now + u64::try_from(backoff.as_micros()).unwrap(),
                        id,
                    )));
                    continue;
                }
                client.request = None;
                None
            }
            None => None,
        };
        if retry.is_none() {
            if requests == REQUESTS {
                continue;
            }
            requests += 1;
            client.request = Some(on_budget.request());
            client.number = 0;
        }
        client.number += 1;
        tries += 1;
        client.step = Some(Step::Fail(retry));
        due.push(Reverse((now + took(), id)));
    }
    assert_eq!((on_budget.active(), on_budget.retrying()), (0, 0));
    tries as f64 / requests as f64
}

#[test]
fn a_failing_cluster_gets_at_most_a_fifth_more() {
    // Without a wait is the worst case: a retry holds its place in the budget no longer than a first try does.
    for backoff in ["0s", "25ms"] {
        for latency in [(10_000, 10_000), (5_000, 15_000), (100, 200)] {
            for clients in [100, 128, 1000] {
                let ratio = amplification(clients, &budget(20, 3), backoff, latency);
                let case =
                    format!("{clients} clients, {latency:?} µs, back-off {backoff}: {ratio}");
                assert!(ratio <= 1.2, "{case}");
                assert!(ratio > 1.0, "retries must happen: {case}");
            }
        }
    }
}

#[test]
fn without_a_budget_the_same_load_multiplies() {
    let unlimited = budget(100, u32::MAX);
    let ratio = amplification(100, &unlimited, "0s", (5_000, 15_000));
    assert!((ratio - 4.0).abs() < 0.01, "{ratio}");
}
