//! Whether a failed try is made again: a pure function of the facts.

use std::time::Duration;

use http::HeaderName;
use wireloom_codecs::units::{Size, Span};
use wireloom_codecs::{Class, ErrorKind, Kind, Outcome, ProtocolId, RequestHead, http as rpc};

use crate::Problem;
use crate::config::{Condition, HedgeConfig, RetryConfig, Status};

/// The most retries that a route may ask for.
const MAX_ATTEMPTS: u32 = 100;
/// The most statuses that a route may name.
const MAX_STATUSES: usize = 64;
/// The most header fields that a route may name.
const MAX_HEADERS: usize = 16;
/// The most methods that a route may name.
const MAX_METHODS: usize = 64;
/// The most hedges beside one try.
const MAX_HEDGES: u32 = 5;
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
    /// Answers with one of these header fields are tried again.
    pub headers: Box<[HeaderName]>,
    /// The methods that are tried again; None means all.
    pub methods: Option<Box<[MethodMatch]>>,
    /// Whether requests may be carried out twice. None: those of which a named failure may have come too late are, and for hedging
    /// their method tells.
    pub idempotent: Option<bool>,
    /// Second tries beside slow ones.
    pub hedge: Option<Hedge>,
    /// How many bytes of a request's body may be kept to send it again.
    pub buffer: usize,
    /// The longest wait before the first retry.
    pub base: Duration,
    /// The longest wait before any retry.
    pub max: Duration,
    /// The longest wait that an answer may ask for; zero means that none is asked.
    pub server_max: Duration,
}

/// A method, or all that start alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodMatch {
    /// This one.
    Exact(Box<str>),
    /// Those that start so.
    Prefix(Box<str>),
}

impl MethodMatch {
    fn new(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(start) => Self::Prefix(start.into()),
            None => Self::Exact(text.into()),
        }
    }

    fn takes(&self, method: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *method,
            Self::Prefix(start) => method.starts_with(&**start),
        }
    }
}

/// When a try gets company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// How long the last try may be without an answer.
    pub after: Duration,
    /// How many more there are at most.
    pub attempts: u32,
}

/// What a request's own head says about trying it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Its method is one of those that are tried again.
    pub listed: bool,
    /// It may be carried out twice.
    pub idempotent: bool,
}

/// What an answer says about trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// After this time.
    After(Duration),
    /// Not at all.
    Never,
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
    /// What the request says by itself.
    pub terms: Terms,
    /// What the answer says by itself.
    pub pushback: Option<Pushback>,
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
    /// It has one of the header fields that the route names.
    pub marked: bool,
}

impl Answered {
    /// An answer to a request of `protocol`.
    pub const fn new(protocol: ProtocolId, outcome: Outcome) -> Self {
        Self {
            outcome,
            protocol,
            marked: false,
        }
    }

    /// The same answer, which has such a header field or not.
    #[must_use]
    pub const fn marked(self, marked: bool) -> Self {
        Self { marked, ..self }
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
    /// Requests of this method are not tried again.
    Method,
    /// The request may have had its effect and the route says that it may not have it twice, or `reset` is not named, or it is no longer
    /// whole.
    NotSafe,
    /// The answer says that there is to be no retry.
    Pushback,
    /// The deadline has passed, or would before the back-off is over.
    Deadline,
    /// Too many retries are under way; see [`RetryBudget`](crate::RetryBudget).
    Budget,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Disabled,
        Self::NotRetriable,
        Self::Attempts,
        Self::OneWaySent,
        Self::Method,
        Self::NotSafe,
        Self::Pushback,
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
            Self::Method => "method",
            Self::NotSafe => "not_safe",
            Self::Pushback => "pushback",
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
        if config.on.is_empty() && config.statuses.is_empty() && config.headers.is_empty() {
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
        if config.headers.len() > MAX_HEADERS {
            note("headers", format!("there are more than {MAX_HEADERS}"));
        }
        let mut headers = Vec::new();
        for (at, name) in config.headers.iter().enumerate().take(MAX_HEADERS) {
            match HeaderName::try_from(name) {
                Ok(name) => headers.push(name),
                Err(_) => note(
                    &format!("headers[{at}]"),
                    format!("{name:?} is no name of a header field"),
                ),
            }
        }
        match config.methods.as_deref().map(<[_]>::len) {
            Some(0) => {
                let message = "an empty list retries nothing: name a method, or leave it out";
                note("methods", message.to_owned());
            }
            Some(more) if more > MAX_METHODS => {
                note("methods", format!("there are more than {MAX_METHODS}"));
            }
            _ => {}
        }
        if let Some(hedge) = &config.hedge {
            check_hedge(config, hedge, timeout, &mut note);
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
            headers: headers.into(),
            methods: config
                .methods
                .as_ref()
                .map(|methods| methods.iter().map(|text| MethodMatch::new(text)).collect()),
            idempotent: config.idempotent,
            hedge: config.hedge.map(|hedge| Hedge {
                after: hedge.after.0,
                attempts: hedge.attempts,
            }),
            buffer: config.buffer.0,
            base: base.0,
            max: max.0,
            server_max: config.backoff.server_max.0,
        })
    }

    /// What a request says about trying it again.
    pub fn terms(&self, head: &RequestHead) -> Terms {
        let http = head.http.as_ref().map(|http| http.method.as_str());
        let listed = |methods: &[MethodMatch]| {
            let takes = |name: &str| methods.iter().any(|method| method.takes(name));
            takes(&head.method) || http.is_some_and(takes)
        };
        Terms {
            listed: self.methods.as_deref().is_none_or(listed),
            idempotent: self.idempotent.unwrap_or_else(|| head.is_idempotent()),
        }
    }

    /// Decides about a failed try. `random`, uniform over all `u32`, is the back-off's jitter.
    ///
    /// The answer leaves the budget to the caller, who asks it only for a retry that is due.
    pub fn decide(&self, facts: &Attempt, random: u32) -> Decision {
        if let Some(why) = self.forbids(facts) {
            return Decision::No(why);
        }
        let backoff = match facts.pushback {
            Some(Pushback::After(wait)) if !self.server_max.is_zero() => wait.min(self.server_max),
            _ => self.backoff(facts.number, random),
        };
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
        if !facts.terms.listed {
            return Some(Why::Method);
        }
        // Who names a failure has it tried again, unless the route says that nothing may happen twice.
        let harmless = !sent || self.idempotent != Some(false) || self.harmless(facts.failure);
        if !facts.replayable || !harmless {
            return Some(Why::NotSafe);
        }
        if facts.pushback == Some(Pushback::Never) {
            return Some(Why::Pushback);
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

    /// True if the peer has not carried out what it was sent, or the route names this very answer and so says that it may
    /// be carried out again.
    fn harmless(&self, failure: Failure) -> bool {
        let Failure::Response(answered) = failure else {
            return false;
        };
        let turned_away = matches!(
            answered.outcome.class,
            Class::Refused | Class::Unavailable | Class::Overloaded
        );
        turned_away || self.names_itself(answered)
    }

    /// True if an answer is a failure that the route names. A success is none but for its header fields.
    pub fn names_answer(&self, answered: Answered) -> bool {
        let condition = match answered.outcome.class {
            Class::Success => None,
            Class::AppError | Class::ClientError => None,
            Class::Refused => Some(Condition::Refused),
            Class::Unavailable => Some(Condition::Unavailable),
            Class::Timeout => Some(Condition::Timeout),
            Class::Overloaded => Some(Condition::Overloaded),
            Class::ServerError => Some(Condition::ServerError),
        };
        condition.is_some_and(|condition| self.on.contains(condition))
            || self.names_itself(answered)
    }

    /// True if the route names the answer's status or a header field of it, and not just its class.
    fn names_itself(&self, answered: Answered) -> bool {
        let Outcome { class, native } = answered.outcome;
        if answered.marked || class == Class::Success {
            return answered.marked;
        }
        let grpc = match answered.protocol {
            rpc::GRPC | rpc::TRIPLE => Condition::of_grpc(native),
            _ => None,
        };
        grpc.is_some_and(|condition| self.on.contains(condition))
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

fn check_hedge(
    config: &RetryConfig,
    hedge: &HedgeConfig,
    timeout: Option<Duration>,
    note: &mut impl FnMut(&str, String),
) {
    if !(1..=MAX_HEDGES).contains(&hedge.attempts) {
        let given = hedge.attempts;
        note(
            "hedge.attempts",
            format!("{given} is out of range: 1 to {MAX_HEDGES}"),
        );
    }
    let per_try = config.per_try_timeout.map(|span| span.0);
    let per_try = per_try.filter(|span| !span.is_zero());
    let after = hedge.after;
    for (what, limit) in [("`per_try_timeout`", per_try), ("route's timeout", timeout)] {
        if let Some(limit) = limit.filter(|limit| after.0 >= *limit) {
            let limit = Span(limit);
            let message = format!(
                "{after} is not shorter than the {what} of {limit}, so no hedge is ever sent: lower it"
            );
            note("hedge.after", message);
        }
    }
    if config.idempotent == Some(false) {
        let message = "hedging carries requests out twice, and `idempotent` says that they may not: \
                       remove one of them";
        note("hedge", message.to_owned());
    }
}

#[cfg(test)]
mod tests;
