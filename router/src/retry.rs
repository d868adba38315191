//! Whether a failed try is made again: a pure function of the facts.

use std::time::Duration;

use wireloom_codecs::units::{Size, Span};
use wireloom_codecs::{Class, ErrorKind, Kind, Outcome, ProtocolId, http};

use crate::Problem;
use crate::config::{Condition, RetryConfig, Status};

/// The most retries that a route may ask for.
const MAX_ATTEMPTS: u32 = 100;
/// The most statuses that a route may name.
const MAX_STATUSES: usize = 64;
/// The most of a request that may be kept: it is memory that a client can claim.
const MAX_BUFFER: usize = 64 << 20;

/// Finds what a status is called: the protocols that have one of that name and the numbers that it has there, or what is
/// wrong with the name. This crate knows no protocol, so the caller does.
pub type StatusNames<'a> = dyn Fn(&str) -> Result<Vec<(ProtocolId, u32)>, String> + 'a;

/// Where statuses have no names.
pub(crate) fn no_names(status: &str) -> Result<Vec<(ProtocolId, u32)>, String> {
    Err(format!("no protocol has a status `{status}`"))
}

/// A set of [`Condition`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions(u32);

impl Conditions {
    const fn bit(condition: Condition) -> u32 {
        1 << condition as u16
    }

    /// True if `condition` is in the set.
    pub const fn contains(self, condition: Condition) -> bool {
        self.0 & Self::bit(condition) != 0
    }

    /// True if the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Condition> for Conditions {
    fn from_iter<I: IntoIterator<Item = Condition>>(conditions: I) -> Self {
        Self(conditions.into_iter().fold(0, |set, c| set | Self::bit(c)))
    }
}

/// A compiled [`RetryConfig`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many times at most a request is tried again after its first try.
    pub attempts: u32,
    /// What one try may take; None means no limit but the request's own deadline.
    pub per_try_timeout: Option<Duration>,
    /// Which failures are tried again.
    pub on: Conditions,
    /// Which answers are tried again whatever they mean, by the status that their protocol gives them.
    pub statuses: Box<[u32]>,
    /// The same for statuses that stand by their names, each of one protocol.
    pub named: Box<[(ProtocolId, u32)]>,
    /// How many bytes of a request's body may be kept to send it again.
    pub buffer: usize,
    /// The longest wait before the first retry.
    pub base: Duration,
    /// The longest wait before any retry.
    pub max: Duration,
}

/// What is known about a try that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which try it was; the first is 1.
    pub number: u32,
    /// What kind of request.
    pub kind: Kind,
    /// Whether any byte of the request may have left. An answer proves that it did.
    pub sent: bool,
    /// Whether the whole request is still at hand; false once parts of a streamed body were given away.
    pub replayable: bool,
    /// What went wrong.
    pub failure: Failure,
    /// The time left until the exchange's deadline, zero once it has passed; None means that it has none.
    pub remaining: Option<Duration>,
}

/// How a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The proxy got no answer. [`ErrorKind::Timeout`] with time remaining is the timeout of this try.
    Local(ErrorKind),
    /// The upstream answered.
    Response(Answered),
}

/// An answer that may be a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What the answer says, in the status of `protocol`.
    pub outcome: Outcome,
    /// The request's protocol.
    pub protocol: ProtocolId,
}

impl Answered {
    /// An answer to a request of `protocol`.
    pub const fn new(protocol: ProtocolId, outcome: Outcome) -> Self {
        Self { outcome, protocol }
    }
}

/// What to do about a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait, then try again, if the budget allows.
    Retry {
        /// How long to wait, jitter included. Shorter than the time that remains.
        backoff: Duration,
    },
    /// Give the failure to the client.
    No(Why),
}

/// Why a failed try is not made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The route has no retries.
    Disabled,
    /// The route does not name this failure.
    NotRetriable,
    /// All tries are used up.
    Attempts,
    /// A one-way request may have left already, and nothing tells whether it arrived.
    OneWaySent,
    /// The request may have had its effect (and `reset` is not named), or is no longer whole.
    NotSafe,
    /// The deadline has passed, or would before the back-off is over.
    Deadline,
    /// Too many retries are under way; see [`RetryBudget`](crate::RetryBudget).
    Budget,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Disabled,
        Self::NotRetriable,
        Self::Attempts,
        Self::OneWaySent,
        Self::NotSafe,
        Self::Deadline,
        Self::Budget,
    ];

    /// The name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::NotRetriable => "not_retriable",
            Self::Attempts => "attempts",
            Self::OneWaySent => "one_way_sent",
            Self::NotSafe => "not_safe",
            Self::Deadline => "deadline",
            Self::Budget => "budget",
        }
    }
}

impl RetryPolicy {
    /// Compiles the policy found at `path` (`routes.main[2].retry`) of a route with this timeout.
    pub(crate) fn compile(
        path: &str,
        config: &RetryConfig,
        timeout: Option<Duration>,
        status: &StatusNames<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut note = |key: &str, message: String| {
            problems.push(Problem::new(format!("{path}.{key}"), message));
        };
        if config.attempts > MAX_ATTEMPTS {
            let given = config.attempts;
            note(
                "attempts",
                format!("{given} is more than {MAX_ATTEMPTS} retries"),
            );
        }
        if config.on.is_empty() && config.statuses.is_empty() {
            let message = "an empty list retries nothing: name a failure, or leave `retry` out";
            note("on", message.to_owned());
        }
        if config.statuses.len() > MAX_STATUSES {
            note("statuses", format!("there are more than {MAX_STATUSES}"));
        }
        let (mut statuses, mut named) = (Vec::new(), Vec::new());
        for (at, given) in config.statuses.iter().enumerate().take(MAX_STATUSES) {
            match given {
                Status::Number(number) => statuses.push(*number),
                Status::Name(name) => match status(name) {
                    Ok(found) => named.extend(found),
                    Err(message) => note(&format!("statuses[{at}]"), message),
                },
            }
        }
        if config.buffer.0 > MAX_BUFFER {
            let (given, most) = (config.buffer, Size(MAX_BUFFER));
            note("buffer", format!("{given} is more than {most}"));
        }
        let per_try = config.per_try_timeout.filter(|span| !span.0.is_zero());
        if let (Some(per_try), Some(timeout)) = (per_try, timeout)
            && per_try.0 > timeout
        {
            let whole = Span(timeout);
            let message = format!(
                "{per_try} is longer than the route's timeout of {whole}, so it never passes: \
                 lower it, or raise `timeout`"
            );
            note("per_try_timeout", message);
        }
        let (base, max) = (config.backoff.base, config.backoff.max());
        if base > max {
            note(
                "backoff.max",
                format!("{max} is shorter than `base`, {base}"),
            );
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            attempts: config.attempts,
            per_try_timeout: per_try.map(|span| span.0),
            on: config.on.iter().copied().collect(),
            statuses: statuses.into(),
            named: named.into(),
            buffer: config.buffer.0,
            base: base.0,
            max: max.0,
        })
    }

    /// Decides about a failed try. `random`, uniform over all `u32`, is the back-off's jitter.
    ///
    /// The answer leaves the budget to the caller, who asks it only for a retry that is due.
    pub fn decide(&self, facts: &Attempt, random: u32) -> Decision {
        if let Some(why) = self.forbids(facts) {
            return Decision::No(why);
        }
        let backoff = self.backoff(facts.number, random);
        match facts.remaining {
            Some(remaining) if remaining <= backoff => Decision::No(Why::Deadline),
            _ => Decision::Retry { backoff },
        }
    }

    fn forbids(&self, facts: &Attempt) -> Option<Why> {
        if self.attempts == 0 {
            return Some(Why::Disabled);
        }
        let answered = matches!(facts.failure, Failure::Response(_));
        let sent = facts.sent || answered;
        if facts.kind == Kind::OneWay && sent {
            return Some(Why::OneWaySent);
        }
        let is_timeout = facts.failure == Failure::Local(ErrorKind::Timeout);
        if is_timeout && facts.remaining.is_some_and(|left| left.is_zero()) {
            return Some(Why::Deadline);
        }
        if !self.names(facts.failure, sent) {
            // Naming the safe reset alone shows that the other one was thought of.
            let unsafe_reset = facts.failure == Failure::Local(ErrorKind::Reset)
                && self.on.contains(Condition::ResetBeforeRequest);
            return Some(if unsafe_reset {
                Why::NotSafe
            } else {
                Why::NotRetriable
            });
        }
        if !facts.replayable {
            return Some(Why::NotSafe);
        }
        (facts.number > self.attempts).then_some(Why::Attempts)
    }

    /// True if the route names the failure.
    fn names(&self, failure: Failure, sent: bool) -> bool {
        let on = |condition| self.on.contains(condition);
        match failure {
            Failure::Local(ErrorKind::ConnectFailure) => on(Condition::ConnectFailure),
            Failure::Local(ErrorKind::Reset) => {
                // A stream that an HTTP/2 server refused is one of those that were not sent.
                let unsent = on(Condition::ResetBeforeRequest) || on(Condition::Refused);
                on(Condition::Reset) || (!sent && unsent)
            }
            Failure::Local(ErrorKind::Timeout) => on(Condition::Timeout),
            // The proxy's own limits and faults: more of the same work would not mend them.
            Failure::Local(_) => false,
            Failure::Response(answered) => self.names_answer(answered),
        }
    }

    /// True if an answer is a failure that the route names. A success never is.
    pub fn names_answer(&self, answered: Answered) -> bool {
        let Outcome { class, native } = answered.outcome;
        let condition = match class {
            Class::Success => return false,
            Class::AppError | Class::ClientError => None,
            Class::Refused => Some(Condition::Refused),
            Class::Unavailable => Some(Condition::Unavailable),
            Class::Timeout => Some(Condition::Timeout),
            Class::Overloaded => Some(Condition::Overloaded),
            Class::ServerError => Some(Condition::ServerError),
        };
        let grpc = match answered.protocol {
            http::GRPC | http::TRIPLE => Condition::of_grpc(native),
            _ => None,
        };
        let mut conditions = condition.into_iter().chain(grpc);
        conditions.any(|condition| self.on.contains(condition))
            || self.statuses.contains(&native)
            || self.named.contains(&(answered.protocol, native))
    }

    /// The wait before the retry that follows try `number`: uniform in [0, min(max, base × 2^(number - 1))].
    ///
    /// Full jitter spreads the retries of requests that failed together.
    pub fn backoff(&self, number: u32, random: u32) -> Duration {
        let doublings = number.saturating_sub(1).min(31);
        let longest = self.base.saturating_mul(1 << doublings).min(self.max);
        let nanos = longest.as_nanos() * u128::from(random) / u128::from(u32::MAX);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests;
