//! Label values: how an exchange ended, and what came of a retry.

/// How an exchange ended, as `wireloom_requests_total{outcome}` counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// The call returned a value.
    Success,
    /// The service ran and answered with an exception of its own.
    AppError,
    /// The request was at fault.
    ClientError,
    /// The peer did not take the request.
    Refused,
    /// The peer could not serve.
    Unavailable,
    /// The peer, or this proxy, had more than it could take.
    Overloaded,
    /// No answer in time.
    Timeout,
    /// The peer failed while it worked on the request.
    ServerError,
    /// Nobody waited for the end: the client went away.
    #[default]
    Cancelled,
}

impl Outcome {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// Every outcome, in the order of their discriminants.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Success,
        Self::AppError,
        Self::ClientError,
        Self::Refused,
        Self::Unavailable,
        Self::Overloaded,
        Self::Timeout,
        Self::ServerError,
        Self::Cancelled,
    ];

    /// The name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::AppError => "app_error",
            Self::ClientError => "client_error",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::ServerError => "server_error",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What came of a failure that might have been retried, as `wireloom_retries_total{result}` counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Retry {
    /// Another attempt was made.
    Attempted,
    /// An attempt after the first got an answer that is no failure.
    Recovered,
    /// The route's number of attempts is used up.
    Exhausted,
    /// The retry budget of the cluster is spent.
    OverBudget,
    /// The deadline leaves no time for it.
    NoTime,
    /// The request may have been carried out already.
    Unsafe,
    /// The route does not name the failure.
    NotNamed,
    /// The route does not name the request's method.
    Method,
    /// The server said that there is to be no retry.
    Pushback,
    /// Another try was sent beside one that was slow.
    Hedged,
    /// Such a try was the first with a good answer.
    HedgeWon,
}

impl Retry {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// Every result, in the order of their discriminants.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Attempted,
        Self::Recovered,
        Self::Exhausted,
        Self::OverBudget,
        Self::NoTime,
        Self::Unsafe,
        Self::NotNamed,
        Self::Method,
        Self::Pushback,
        Self::Hedged,
        Self::HedgeWon,
    ];

    /// The name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempted => "attempted",
            Self::Recovered => "recovered",
            Self::Exhausted => "exhausted",
            Self::OverBudget => "over_budget",
            Self::NoTime => "no_time",
            Self::Unsafe => "unsafe",
            Self::NotNamed => "not_named",
            Self::Method => "method",
            Self::Pushback => "pushback",
            Self::Hedged => "hedged",
            Self::HedgeWon => "hedge_won",
        }
    }
}

/// What became of a copy of a request that a route mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirrored {
    /// It was answered, by an exception of the service perhaps.
    Success,
    /// It was answered with an error, or not in time, or could not be sent.
    Failure,
    /// It was left out: too many are under way.
    OverBudget,
    /// It was left out: its body is larger than what is kept.
    TooLarge,
    /// It was left out: its body did not come to an end in time, or has none.
    NotWhole,
}

impl Mirrored {
    /// The name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::OverBudget => "over_budget",
            Self::TooLarge => "too_large",
            Self::NotWhole => "not_whole",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_follow_the_discriminants() {
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, at, "{}", outcome.as_str());
        }
        for (at, retry) in Retry::ALL.into_iter().enumerate() {
            assert_eq!(retry as usize, at, "{}", retry.as_str());
        }
    }
}
