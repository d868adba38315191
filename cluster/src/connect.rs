//! Making a connection: one at a time for each set, whoever waits, with a pause after a failure.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::watch;
use tokio::time::Instant;
use wireloom_codecs::{Channel, ChannelState, LocalError};

use crate::ClusterConfig;
use crate::channels::{ChannelSet, Flight, State};
use crate::counters::Reports;
use crate::lifetime::limited;
use crate::limit::Connection;
use crate::open::{closed_at_once, open};

/// Why no connection is being made.
#[derive(Debug)]
pub(crate) enum Blocked {
    /// There are as many as there may be.
    Full,
    /// As many as there may be over all workers.
    Limit(LocalError),
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
        self.connect_beside(config, 0)
    }

    /// The same where there may be some connections more, since as many are about to end.
    pub(crate) fn connect_beside(
        self: &Arc<Self>,
        config: &Arc<ClusterConfig>,
        more: usize,
    ) -> Result<Flight, Blocked> {
        let (done, flight) = watch::channel(None);
        let counted;
        {
            let mut state = self.state.lock();
            if let Some(flight) = &state.flight {
                return Ok(flight.clone());
            }
            if let Some((error, _)) = state.outage.pausing() {
                return Err(Blocked::BackingOff(error));
            }
            let channels = self.open.load();
            let open = channels
                .iter()
                .filter(|channel| channel.state() == ChannelState::Open)
                .count();
            if open >= self.most(config).saturating_add(more) {
                return Err(Blocked::Full);
            }
            let connection = self.cluster.connection(&self.endpoint, config);
            counted = connection.map_err(Blocked::Limit)?;
            state.flight = Some(flight.clone());
        }
        // Past the lock: a runtime that is shutting down drops the future at once, and with it the landing.
        tokio::spawn(
            Landing {
                set: self.clone(),
                done,
                landed: false,
            }
            .fly(config.clone(), counted),
        );
        Ok(flight)
    }

    async fn open(
        self: &Arc<Self>,
        config: &Arc<ClusterConfig>,
        counted: Connection,
    ) -> Result<Arc<dyn Channel>, LocalError> {
        let reports = Arc::new(Reports {
            counters: self.cluster.counters.clone(),
            set: Arc::downgrade(self),
            upkeep: self.upkeep.clone(),
            _connection: counted,
        });
        let opened = open(
            &self.endpoint,
            &self.connector,
            &self.upstream,
            config,
            reports,
        );
        let (channel, set) = (opened.await?, Arc::downgrade(self));
        Ok(limited(channel, config, &self.cluster.counters, set))
    }

    /// Takes note of how an attempt ended.
    fn land(&self, result: &Result<Arc<dyn Channel>, LocalError>) {
        let mut state = self.state.lock();
        state.flight = None;
        match result {
            Ok(channel) => {
                state.outage.over(self.cluster.name(), &self.endpoint);
                self.proven.store(false, Relaxed);
                self.add(channel.clone(), &state);
            }
            Err(error) => self.fail(&mut state, error.clone()),
        }
    }

    fn fail(&self, state: &mut State, error: LocalError) {
        state
            .outage
            .fail(self.cluster.name(), &self.endpoint, error);
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
        if state.flight.is_none() && state.outage.last().is_none() {
            self.fail(&mut state, closed_at_once(&self.endpoint));
        }
        state.outage.last()
    }

    /// How the last attempt to connect ended, if it failed.
    pub(crate) fn last_failure(&self) -> Option<LocalError> {
        self.state.lock().outage.last()
    }

    /// The last failure to connect and when the next attempt is due, while it is not.
    pub(crate) fn backing_off(&self) -> Option<(LocalError, Instant)> {
        self.state.lock().outage.pausing()
    }
}

/// An attempt to connect. However it ends, the set is told, and then whoever waits.
struct Landing {
    set: Arc<ChannelSet>,
    done: watch::Sender<Option<Result<(), LocalError>>>,
    landed: bool,
}

impl Landing {
    async fn fly(mut self, config: Arc<ClusterConfig>, counted: Connection) {
        let result = self.set.open(&config, counted).await;
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
