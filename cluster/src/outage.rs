//! Failures to connect to an endpoint, and the pauses between attempts.

use tokio::time::Instant;
use wireloom_codecs::LocalError;

use crate::counters::count;
use crate::local::with_rng;
use crate::{Endpoint, backoff};

/// Failures in a row of one worker's attempts to connect to one endpoint.
#[derive(Default)]
pub(crate) struct Outage {
    failures: u32,
    last: Option<Failure>,
}

struct Failure {
    error: LocalError,
    /// Nobody tries again before.
    until: Instant,
}

impl Outage {
    /// A connection was made.
    pub(crate) fn over(&mut self, cluster: &str, endpoint: &Endpoint) {
        if self.failures > 0 {
            tracing::info!(cluster, endpoint = %endpoint.address(), "connected again");
        }
        self.failures = 0;
        self.last = None;
        count(&endpoint.connects);
    }

    /// None could be made: begins a pause.
    pub(crate) fn fail(&mut self, cluster: &str, endpoint: &Endpoint, error: LocalError) {
        count(&endpoint.connect_failures);
        self.failures = self.failures.saturating_add(1);
        let pause = with_rng(|rng| backoff::pause(self.failures, rng));
        // Once per outage and worker is enough to be seen.
        if self.failures == 1 {
            tracing::warn!(cluster, "{}", error.detail);
        } else {
            tracing::debug!(cluster, ?pause, "{}", error.detail);
        }
        self.last = Some(Failure {
            error,
            until: Instant::now() + pause,
        });
    }

    /// How the last attempt ended, if it failed.
    pub(crate) fn last(&self) -> Option<LocalError> {
        self.last.as_ref().map(|failure| failure.error.clone())
    }

    /// The last failure and when the next attempt is due, while it is not.
    pub(crate) fn pausing(&self) -> Option<(LocalError, Instant)> {
        let failure = self.last.as_ref()?;
        (Instant::now() < failure.until).then(|| (failure.error.clone(), failure.until))
    }
}
