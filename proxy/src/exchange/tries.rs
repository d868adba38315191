//! The tries of a request: one, or as many as the route's policy and the cluster's budget allow.

use std::time::Instant;

use wireloom_cluster::Tried;
use wireloom_codecs::{
    Body, CallError, Class, ErrorKind, LocalError, Outcome, ProtocolId, Request, Response,
};
use wireloom_router::{Active, Answered, Attempt, Decision, Failure, RetryPolicy, Retrying, Why};
use wireloom_telemetry::Retry;

use super::replay::Replay;
use super::streaming;
use crate::routing::Binding;

pub(super) async fn once(
    binding: &Binding,
    request: Box<Request>,
    deadline: Instant,
) -> Result<Response, LocalError> {
    let protocol = request.head.protocol;
    let mut tried = Tried::new();
    let selection = binding.selection(None);
    let attempt = binding
        .cluster
        .select(&selection, protocol, request, deadline, &mut tried);
    attempt.await.map_err(|failed| failed.error)
}

pub(super) async fn with_retries(
    binding: &Binding,
    policy: &RetryPolicy,
    request: Box<Request>,
    deadline: Instant,
) -> Result<Response, LocalError> {
    let _active = Active::new(&*binding.budget);
    let mut retrying: Option<Retrying<&_>> = None;
    let mut tried = Tried::new();
    let (protocol, kind) = (request.head.protocol, request.head.kind);
    // A body that is still coming takes the time that its client takes.
    let streamed = matches!(request.body, Body::Stream(_));
    let per_try = policy.per_try_timeout.filter(|_| !streamed);
    let selection = binding.selection(None);
    let mut replay = Replay::new(request, policy.buffer);
    let mut number = 0;
    loop {
        number += 1;
        let Some(request) = replay.take(number <= policy.attempts) else {
            return Err(ErrorKind::Internal.into());
        };
        let limit = match per_try {
            Some(limit) => deadline.min(Instant::now() + limit),
            None => deadline,
        };
        let attempt = binding
            .cluster
            .select(&selection, protocol, request, limit, &mut tried);
        let mut result = attempt.await;
        if replay.is_kept()
            && let Ok(response) = &mut result
            && let Body::Stream(_) = response.body
        {
            // As long as nothing was forwarded, a status that comes behind the head may still be retried.
            result = Box::pin(streaming::settled(result, limit)).await;
        }
        drop(retrying.take());
        let (failure, sent) = match &result {
            Ok(response) if !failed(policy, protocol, response.head.outcome) => {
                if number > 1 {
                    binding.stats.retry(Retry::Recovered);
                }
                return unpack(result);
            }
            Ok(response) => {
                let answered = Answered::new(protocol, response.head.outcome);
                (Failure::Response(answered), true)
            }
            Err(error) => (Failure::Local(error.error.kind), error.sent),
        };
        let facts = Attempt {
            number,
            kind,
            sent,
            replayable: replay.is_back() || number > policy.attempts,
            failure,
            remaining: Some(deadline.saturating_duration_since(Instant::now())),
        };
        let decision = match policy.decide(&facts, rand::random()) {
            Decision::Retry { backoff } => match Retrying::new(&*binding.budget) {
                Some(guard) => {
                    retrying = Some(guard);
                    Ok(backoff)
                }
                None => Err(Why::Budget),
            },
            Decision::No(why) => Err(why),
        };
        match decision {
            Ok(backoff) => {
                binding.stats.retry(Retry::Attempted);
                Box::pin(tokio::time::sleep(backoff)).await;
            }
            Err(why) => {
                if let Some(retry) = refusal(why) {
                    binding.stats.retry(retry);
                }
                return unpack(result);
            }
        }
    }
}

fn unpack(result: Result<Response, CallError>) -> Result<Response, LocalError> {
    result.map_err(|failed| failed.error)
}

/// Answers that a retry may mend: those of some classes, and those that the route names.
fn failed(policy: &RetryPolicy, protocol: ProtocolId, outcome: Outcome) -> bool {
    !matches!(
        outcome.class,
        Class::Success | Class::AppError | Class::ClientError
    ) || policy.names_answer(Answered::new(protocol, outcome))
}

/// What is counted when a failure is not tried again; None where no retry was in question.
fn refusal(why: Why) -> Option<Retry> {
    match why {
        Why::Disabled | Why::NotRetriable => None,
        Why::Attempts => Some(Retry::Exhausted),
        Why::OneWaySent | Why::NotSafe => Some(Retry::Unsafe),
        Why::Deadline => Some(Retry::NoTime),
        Why::Budget => Some(Retry::OverBudget),
    }
}
