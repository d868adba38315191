//! The tries of a request: one, or as many as the route's policy and the cluster's budget allow.

use std::time::{Duration, Instant, SystemTime};

use wireloom_cluster::Tried;
use wireloom_codecs::{
    Body, CallError, Class, ErrorKind, Kind, LocalError, ProtocolId, Request, Response, clock,
};
use wireloom_router::{Active, Attempt, Decision, Failure, RetryPolicy, Retrying, Why};
use wireloom_telemetry::Retry;

use super::hedge::Race;
use super::replay::Replay;
use super::{pushback, streaming};
use crate::routing::Target;

/// When tries end.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// All of them.
    deadline: Instant,
    /// One, after its start.
    per_try: Option<Duration>,
}

impl Limits {
    /// When a try that starts now ends.
    pub(super) fn of_a_try(self) -> Instant {
        match self.per_try {
            Some(limit) => self.deadline.min(clock::now() + limit),
            None => self.deadline,
        }
    }
}

pub(super) async fn once(
    target: &Target<'_>,
    request: Box<Request>,
    deadline: Instant,
) -> Result<Response, LocalError> {
    let protocol = request.head.protocol;
    let mut tried = Tried::new();
    let attempt =
        target
            .binding
            .cluster
            .select(&target.selection, protocol, request, deadline, &mut tried);
    attempt.await.map_err(|failed| failed.error)
}

pub(super) async fn with_retries(
    target: &Target<'_>,
    policy: &RetryPolicy,
    request: Box<Request>,
    deadline: Instant,
) -> Result<Response, LocalError> {
    let binding = target.binding;
    let _active = Active::new(&*binding.budget);
    let mut retrying: Option<Retrying<&_>> = None;
    let mut tried = Tried::new();
    let (protocol, kind) = (request.head.protocol, request.head.kind);
    // A body that is still coming takes the time that its client takes.
    let streamed = matches!(request.body, Body::Stream(_));
    let per_try = policy.per_try_timeout.filter(|_| !streamed);
    let limits = Limits { deadline, per_try };
    let terms = policy.terms(&request.head);
    let beside = terms.listed && terms.idempotent && kind != Kind::OneWay;
    let hedge = policy.hedge.filter(|_| beside);
    let mut replay = Replay::new(request, policy.buffer);
    let mut number = 0;
    loop {
        number += 1;
        let Some(request) = replay.take(number <= policy.attempts || hedge.is_some()) else {
            return Err(ErrorKind::Internal.into());
        };
        let limit = limits.of_a_try();
        let mut result = match hedge {
            None => {
                let attempt =
                    binding
                        .cluster
                        .select(&target.selection, protocol, request, limit, &mut tried);
                attempt.await
            }
            Some(hedge) => {
                let race = Race {
                    binding,
                    policy,
                    hedge,
                    selection: &target.selection,
                    protocol,
                    limits,
                };
                Box::pin(race.run(request, &mut replay, &mut tried)).await
            }
        };
        if hedge.is_none()
            && replay.is_kept()
            && let Ok(response) = &mut result
            && let Body::Stream(_) = response.body
        {
            // As long as nothing was forwarded, a status that comes behind the head may still be retried.
            result = Box::pin(streaming::settled(result, limit)).await;
        }
        drop(retrying.take());
        let (failure, sent, pushback) = match &result {
            Ok(response) if !failed(policy, protocol, response) => {
                if number > 1 {
                    binding.stats.retry(Retry::Recovered);
                }
                return unpack(result);
            }
            Ok(response) => {
                let answered = pushback::answered(policy, protocol, response);
                let pushback = pushback::named(response, SystemTime::now());
                (Failure::Response(answered), true, pushback)
            }
            Err(error) => (Failure::Local(error.error.kind), error.sent, None),
        };
        let facts = Attempt {
            number,
            kind,
            sent,
            terms,
            pushback,
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
pub(super) fn failed(policy: &RetryPolicy, protocol: ProtocolId, response: &Response) -> bool {
    !matches!(
        response.head.outcome.class,
        Class::Success | Class::AppError | Class::ClientError
    ) || policy.names_answer(pushback::answered(policy, protocol, response))
}

/// What is counted when a failure is not tried again; None where no retry was in question.
fn refusal(why: Why) -> Option<Retry> {
    match why {
        Why::Disabled => None,
        Why::NotRetriable => Some(Retry::NotNamed),
        Why::Method => Some(Retry::Method),
        Why::Pushback => Some(Retry::Pushback),
        Why::Attempts => Some(Retry::Exhausted),
        Why::OneWaySent | Why::NotSafe => Some(Retry::Unsafe),
        Why::Deadline => Some(Retry::NoTime),
        Why::Budget => Some(Retry::OverBudget),
    }
}
