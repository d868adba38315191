//! Making a connection: one at a time for each set, whoever waits, with a pause after a failure.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use wireloom_codecs::{Channel, ChannelLimits, ChannelState, ErrorKind, LocalError};

use crate::ClusterConfig;
use crate::backoff;
use crate::channels::{ChannelSet, Failure, Flight, State, per_endpoint};
use crate::counters::{Reports, count};
use crate::local::with_rng;

/// Why no connection is being made.
#[derive(Debug)]
pub(crate) enum Blocked {
    /// There are as many as there may be.
    Full,
    /// The last attempt failed, with this, and the next is not due yet.
    BackingOff(LocalError),
}

impl ChannelSet {
    /// Has a connection made, or joins whoever waits for the one under way.
    ///
    /// The attempt is a task of its own and does not end with the request that asked for it.
    pub(crate) fn connect(
        self: &Arc<Self>,
        config: &Arc<ClusterConfig>,
    ) -> Result<Flight, Blocked> {
        let (done, flight) = watch::channel(None);
        {
            let mut state = self.state.lock();
            if let Some(flight) = &state.flight {
                return Ok(flight.clone());
            }
            if let Some(failure) = &state.failure
                && Instant::now() < failure.until
            {
                return Err(Blocked::BackingOff(failure.error.clone()));
            }
            let channels = self.open.load();
            let open = channels
                .iter()
                .filter(|channel| channel.state() == ChannelState::Open)
                .count();
            if open >= per_endpoint(config) {
                return Err(Blocked::Full);
            }
            state.flight = Some(flight.clone());
        }
        // Past the lock: a runtime that is shutting down drops the future at once, and with it the landing.
        tokio::spawn(
            Landing {
                set: self.clone(),
                done,
                landed: false,
            }
            .fly(config.clone()),
        );
        Ok(flight)
    }

    /// A byte stream, and on it the protocol.
    async fn open(
        self: &Arc<Self>,
        config: &ClusterConfig,
    ) -> Result<Arc<dyn Channel>, LocalError> {
        let address = self.endpoint.address();
        let io = self
            .upstream
            .dialer
            .dial(address, config.connect_timeout.0)
            .await?;
        let limits = ChannelLimits {
            frame: self.upstream.frame,
            idle: config.idle_timeout.0,
            keep_alive: config.keep_alive.as_ref().map(|config| config.keep_alive()),
            ..ChannelLimits::default()
        };
        let reports = Arc::new(Reports {
            counters: self.cluster.counters.clone(),
            set: Arc::downgrade(self),
        });
        let opening = self
            .connector
            .open(io, limits, self.upstream.budget.clone(), reports);
        opening
            .await
            .map_err(|error| failure(format!("cannot connect to {address}: {error}")))
    }

    /// Takes note of how an attempt ended.
    fn land(&self, result: &Result<Arc<dyn Channel>, LocalError>) {
        let mut state = self.state.lock();
        state.flight = None;
        match result {
            Ok(channel) => {
                if state.failures > 0 {
                    tracing::info!(
                        cluster = self.cluster.name(),
                        endpoint = %self.endpoint.address(),
                        "connected again"
                    );
                }
                state.failures = 0;
                state.failure = None;
                self.proven.store(false, Relaxed);
                count(&self.endpoint.connects);
                self.add(channel.clone(), &state);
            }
            Err(error) => self.fail(&mut state, error.clone()),
        }
    }

    /// Begins a pause.
    fn fail(&self, state: &mut State, error: LocalError) {
        count(&self.endpoint.connect_failures);
        state.failures = state.failures.saturating_add(1);
        let pause = with_rng(|rng| backoff::pause(state.failures, rng));
        // Once per outage and worker is enough to be seen.
        if state.failures == 1 {
            tracing::warn!(cluster = self.cluster.name(), "{}", error.detail);
        } else {
            tracing::debug!(cluster = self.cluster.name(), ?pause, "{}", error.detail);
        }
        state.failure = Some(Failure {
            error,
            until: Instant::now() + pause,
        });
    }

    /// The connection that a call had waited for was gone before it took any. Then a server accepts and closes, and
    /// to try again at once would be a storm of connections: this counts as a failure to connect. None if the
    /// connection did take calls before it closed.
    pub(crate) fn dead_on_arrival(&self) -> Option<LocalError> {
        if self.proven.load(Relaxed) {
            return None;
        }
        let mut state = self.state.lock();
        // Only the first of those that waited counts it; if the next attempt is under way, there is nothing to count.
        if state.flight.is_none() && state.failure.is_none() {
            let address = self.endpoint.address();
            let error = failure(format!(
                "cannot connect to {address}: the connection was closed as soon as it was made"
            ));
            self.fail(&mut state, error);
        }
        state.failure.as_ref().map(|failure| failure.error.clone())
    }

    /// How the last attempt to connect ended, if it failed.
    pub(crate) fn last_failure(&self) -> Option<LocalError> {
        let state = self.state.lock();
        state.failure.as_ref().map(|failure| failure.error.clone())
    }

    /// The last failure to connect and when the next attempt is due, while it is not.
    pub(crate) fn backing_off(&self) -> Option<(LocalError, Instant)> {
        let state = self.state.lock();
        let failure = state.failure.as_ref()?;
        (Instant::now() < failure.until).then(|| (failure.error.clone(), failure.until))
    }
}

fn failure(detail: String) -> LocalError {
    LocalError::new(ErrorKind::ConnectFailure, detail)
}

/// An attempt to connect. However it ends, the set is told, and then whoever waits.
struct Landing {
    set: Arc<ChannelSet>,
    done: watch::Sender<Option<Result<(), LocalError>>>,
    landed: bool,
}

impl Landing {
    async fn fly(mut self, config: Arc<ClusterConfig>) {
        let within = config.connect_timeout;
        let result = match timeout(within.0, self.set.open(&config)).await {
            Ok(result) => result,
            Err(_) => Err(failure(format!(
                "cannot connect to {}: not done within {within}",
                self.set.endpoint.address()
            ))),
        };
        self.landed = true;
        self.set.land(&result);
        self.done.send_replace(Some(result.map(|_| ())));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.landed {
            self.set.state.lock().flight = None;
        }
    }
}
