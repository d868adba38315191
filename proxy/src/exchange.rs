//! One request, from its head to its answer: route, deadline, cluster, tries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use wireloom_cluster::Tried;
use wireloom_codecs::{
    CallError, Class, ErrorKind, LocalError, Needs, Outcome as Answer, ProtocolId, Request,
    RequestHead, Response, Service, clock,
};
use wireloom_router::{
    Active, Answered, Attempt, Decision, Failure, RetryPolicy, Retrying, Route, Why,
};
use wireloom_telemetry::{LocalErrorStats, Outcome, Record, Retry};

use crate::routing::{Binding, Routing};

/// What "no limit" is to a deadline.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a listener's connections of one protocol on one worker share: the [`Service`] that the drivers call.
#[derive(Clone)]
pub struct Exchanges(Arc<Shared>);

struct Shared {
    routing: Arc<ArcSwap<Routing>>,
    /// The place of the connections' protocol in the registry.
    position: usize,
    local_errors: LocalErrorStats,
}

impl Exchanges {
    pub(crate) fn new(
        routing: Arc<ArcSwap<Routing>>,
        position: usize,
        local_errors: LocalErrorStats,
    ) -> Self {
        Self(Arc::new(Shared {
            routing,
            position,
            local_errors,
        }))
    }
}

impl Service for Exchanges {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let shared = self.0.clone();
        async move {
            let routing = shared.routing.load_full();
            let result = exchange(&routing, &shared, request).await;
            if let Err(error) = &result {
                shared.local_errors.inc(error.kind as usize);
            }
            result
        }
    }

    fn needs(&self) -> Arc<Needs> {
        self.0.routing.load().needs.clone()
    }

    fn refused(&self, error: &LocalError) {
        self.0.local_errors.inc(error.kind as usize);
    }
}

async fn exchange(
    routing: &Routing,
    shared: &Shared,
    request: Box<Request>,
) -> Result<Response, LocalError> {
    let started = clock::now();
    let Some(route) = routing.table.route(&request.head) else {
        return Err(no_route(&request.head));
    };
    let share = if route.split.is_choice() {
        rand::random()
    } else {
        0
    };
    let cluster = route.split.pick(share);
    let Some(binding) = routing.bindings.get(cluster) else {
        return Err(ErrorKind::Internal.into());
    };
    let stats = routing.stats.get(route, cluster, shared.position);
    let mut record = Record::started_at(stats, started);
    let deadline = deadline(route, &request.head, started);
    let result = match &route.retry {
        None => once(binding, request, deadline).await,
        Some(policy) => with_retries(binding, policy, request, deadline).await,
    };
    record.set(outcome(match &result {
        Ok(response) => response.head.outcome.class,
        Err(error) => error.kind.class(),
    }));
    result.map_err(|error| explain(error, started))
}

/// The earlier of the route's timeout and the caller's own.
fn deadline(route: &Route, head: &RequestHead, started: Instant) -> Instant {
    let timeout = match (route.timeout, head.timeout) {
        (Some(route), Some(caller)) => route.min(caller),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => FAR,
    };
    started + timeout.min(FAR)
}

async fn once(
    binding: &Binding,
    request: Box<Request>,
    deadline: Instant,
) -> Result<Response, LocalError> {
    let protocol = request.head.protocol;
    let mut tried = Tried::new();
    let attempt = binding
        .cluster
        .attempt(protocol, request, deadline, &mut tried);
    attempt.await.map_err(|failed| failed.error)
}

async fn with_retries(
    binding: &Binding,
    policy: &RetryPolicy,
    request: Box<Request>,
    deadline: Instant,
) -> Result<Response, LocalError> {
    let _active = Active::new(&*binding.budget);
    let mut retrying: Option<Retrying<&_>> = None;
    let mut tried = Tried::new();
    let (protocol, kind) = (request.head.protocol, request.head.kind);
    let mut next = Some(request);
    let mut number = 0;
    loop {
        number += 1;
        let Some(request) = next.take() else {
            return Err(ErrorKind::Internal.into());
        };
        if number <= policy.attempts {
            next = request.try_clone().map(Box::new);
        }
        let limit = match policy.per_try_timeout {
            Some(limit) => deadline.min(Instant::now() + limit),
            None => deadline,
        };
        let attempt = binding
            .cluster
            .attempt(protocol, request, limit, &mut tried);
        let result = attempt.await;
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
            replayable: next.is_some() || number > policy.attempts,
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
fn failed(policy: &RetryPolicy, protocol: ProtocolId, outcome: Answer) -> bool {
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

fn outcome(class: Class) -> Outcome {
    match class {
        Class::Success => Outcome::Success,
        Class::AppError => Outcome::AppError,
        Class::ClientError => Outcome::ClientError,
        Class::Refused => Outcome::Refused,
        Class::Unavailable => Outcome::Unavailable,
        Class::Overloaded => Outcome::Overloaded,
        Class::Timeout => Outcome::Timeout,
        Class::ServerError => Outcome::ServerError,
    }
}

/// Names what was asked for; the names come from the client, so they are cut short.
fn no_route(head: &RequestHead) -> LocalError {
    const LONGEST: usize = 200;
    let cut = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let (service, method) = (cut(&head.service), cut(&head.method));
    let detail = format!("{} service {service:?}, method {method:?}", head.protocol);
    LocalError::new(ErrorKind::NoRoute, detail)
}

/// A timeout says how long it was.
fn explain(error: LocalError, started: Instant) -> LocalError {
    if error.kind != ErrorKind::Timeout {
        return error;
    }
    let waited = started.elapsed().as_millis();
    let detail = format!("after {waited} ms: {}", error.detail);
    LocalError::new(ErrorKind::Timeout, detail)
}

#[cfg(test)]
mod tests;
