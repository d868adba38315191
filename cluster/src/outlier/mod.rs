//! Outliers: endpoints that fail, or are slow, where others are not.
//!
//! Workers count what becomes of requests in a [`Tally`] of each endpoint, which is a few atomics. A task of the control plane
//! ([`Cluster::detect_outliers`]) is woken when a row of failures is full, compares the endpoints every interval, and sets
//! [`Mark::Ejected`](crate::Mark::Ejected) for a while. A cluster without `outlier` has no such task and counts nothing.

mod detector;
mod eject;
mod rates;
mod tally;

pub(crate) use eject::Ejections;
pub(crate) use tally::{Seen, Tally};

/// Why an endpoint was taken for an outlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// Failures in a row.
    Failures = 0,
    /// Failures in a row that say that it cannot serve.
    Gateway = 1,
    /// Requests in a row that had no answer.
    LocalOrigin = 2,
    /// It succeeds less often than the others.
    SuccessRate = 3,
    /// It fails too large a part of its requests.
    FailurePercentage = 4,
    /// It takes much longer than the others.
    Latency = 5,
}

impl Reason {
    /// How many there are.
    pub const COUNT: usize = 6;
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Failures,
        Self::Gateway,
        Self::LocalOrigin,
        Self::SuccessRate,
        Self::FailurePercentage,
        Self::Latency,
    ];

    /// The name that metrics and logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failures => "consecutive_failures",
            Self::Gateway => "consecutive_gateway",
            Self::LocalOrigin => "consecutive_local_origin",
            Self::SuccessRate => "success_rate",
            Self::FailurePercentage => "failure_percentage",
            Self::Latency => "latency",
        }
    }
}
