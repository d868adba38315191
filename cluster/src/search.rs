//! The way of a request that no open connection took at once: wait for one, or go elsewhere.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use wireloom_codecs::{Call, CallError, ErrorKind, LocalError};

use crate::attempt::unsent;
use crate::balance::Selection;
use crate::channels::{ChannelSet, Refused};
use crate::connect::Blocked;
use crate::endpoint::Active;
use crate::local::{LocalCluster, LocalEndpoint};
use crate::outlier::Seen;
use crate::pool::{NoLease, Pool};
use crate::set::{Set, Taken};
use crate::upstream::Way;
use crate::{ClusterConfig, Endpoint, Tried};

/// Endpoints that one attempt passes over before it gives up: each costs a pick, and a large cluster that is down as
/// a whole is not to be gone through for every request.
const MOST_CANDIDATES: usize = 16;

/// An endpoint that was picked.
#[derive(Clone)]
pub(crate) struct Candidate {
    endpoint: Arc<Endpoint>,
    set: Set,
    config: Arc<ClusterConfig>,
}

impl Candidate {
    pub(crate) fn new(local: &LocalEndpoint, set: &Set, config: &Arc<ClusterConfig>) -> Self {
        Self {
            endpoint: local.endpoint.clone(),
            set: set.clone(),
            config: config.clone(),
        }
    }
}

/// A connection that has the call.
pub(crate) struct Found<'a> {
    pub(crate) taken: Taken,
    pub(crate) active: Active,
    /// Extended by the endpoint.
    pub(crate) tried: &'a mut Tried,
}

impl<'a> Found<'a> {
    fn new((taken, active): (Taken, Active), tried: &'a mut Tried) -> Self {
        tried.push(active.endpoint().clone());
        Self {
            taken,
            active,
            tried,
        }
    }
}

/// What became of a call at a candidate.
enum Reached {
    /// A connection took it.
    Taken(Taken, Active),
    /// The candidate cannot take it now, for this reason; another may.
    Passed(Box<Call>, LocalError),
    /// A connection is being made, and the last attempt failed: another candidate is the better bet.
    Doubtful(Box<Call>, LocalError),
    /// The attempt is over.
    Failed(LocalError),
}

/// Whether to wait for an endpoint that the last attempt to connect to has failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    IfItWasFine,
    Always,
}

impl LocalCluster {
    /// Finds a connection for a call that `first` has `refused`.
    pub(crate) async fn search<'a>(
        &'a self,
        way: Way,
        selection: &'a Selection<'a>,
        first: Candidate,
        refused: Refused,
        tried: &'a mut Tried,
    ) -> Result<Found<'a>, CallError> {
        let mut avoid = tried.clone();
        let mut passed = Tried::new();
        let mut doubtful = None;
        let (mut candidate, mut refused) = (first, refused);
        let (call, why) = loop {
            let (call, why) = match self.wait(&candidate, refused, Patience::IfItWasFine).await {
                Reached::Taken(taken, active) => return Ok(Found::new((taken, active), tried)),
                Reached::Failed(error) => return self.failed(candidate, tried, error),
                Reached::Passed(call, error) => (call, error),
                Reached::Doubtful(call, error) => {
                    doubtful.get_or_insert_with(|| candidate.clone());
                    (call, error)
                }
            };
            avoid.push(candidate.endpoint.clone());
            passed.push(candidate.endpoint);
            let next = (passed.len() < MOST_CANDIDATES).then(|| {
                // Those that earlier attempts of the exchange had been to are still better than none.
                self.candidate(way, selection, &avoid)
                    .or_else(|| self.candidate(way, selection, &passed))
            });
            let Some(next) = next.flatten() else {
                break (call, why);
            };
            candidate = next;
            refused = match self.cluster.admit(&candidate.endpoint, &candidate.config) {
                Ok(active) => match candidate.set.offer(*call, &candidate.config) {
                    Ok(taken) => return Ok(Found::new((taken, active), tried)),
                    Err(refused) => refused,
                },
                Err(_) => Refused::unadmitted(call),
            };
        };
        let Some(last) = doubtful else {
            return Err(self.refuse(why));
        };
        let refused = Refused::unconnected(call);
        match self.wait(&last, refused, Patience::Always).await {
            Reached::Taken(taken, active) => Ok(Found::new((taken, active), tried)),
            Reached::Failed(error) => {
                self.cluster
                    .observe(&last.endpoint, &last.config, Seen::error(error.kind));
                tried.push(last.endpoint);
                Err(self.refuse(error))
            }
            Reached::Passed(_, error) | Reached::Doubtful(_, error) => {
                tried.push(last.endpoint);
                Err(self.refuse(error))
            }
        }
    }

    /// Hands the call to the candidate, or finds it another.
    pub(crate) async fn go<'a>(
        &'a self,
        way: Way,
        selection: &'a Selection<'a>,
        candidate: Candidate,
        call: Box<Call>,
        tried: &'a mut Tried,
    ) -> Result<Found<'a>, CallError> {
        let refused = match self.cluster.admit(&candidate.endpoint, &candidate.config) {
            Ok(active) => match candidate.set.offer(*call, &candidate.config) {
                Ok(taken) => return Ok(Found::new((taken, active), tried)),
                Err(refused) => refused,
            },
            Err(_) => Refused::unadmitted(call),
        };
        self.search(way, selection, candidate, refused, tried).await
    }

    fn failed<'a>(
        &self,
        candidate: Candidate,
        tried: &'a mut Tried,
        error: LocalError,
    ) -> Result<Found<'a>, CallError> {
        let config = &candidate.config;
        candidate
            .endpoint
            .took(config.balance, Duration::ZERO, true);
        self.cluster
            .observe(&candidate.endpoint, config, Seen::error(error.kind));
        tried.push(candidate.endpoint);
        Err(unsent(error))
    }

    pub(crate) fn candidate(
        &self,
        way: Way,
        selection: &Selection<'_>,
        avoid: &Tried,
    ) -> Option<Candidate> {
        let view = self.view.load();
        let local = view.pick(*selection, avoid, &self.cluster)?;
        let set = self.set(local, way, selection, &view.config)?;
        Some(Candidate::new(local, &set, &view.config))
    }

    /// Waits until the candidate has a connection that takes the call, or can have none.
    async fn wait(&self, candidate: &Candidate, refused: Refused, patience: Patience) -> Reached {
        let active = match self.cluster.admit(&candidate.endpoint, &candidate.config) {
            Ok(active) => active,
            Err(error) => return Reached::Passed(refused.call, error),
        };
        match &candidate.set {
            Set::Shared(set) => {
                self.wait_shared((candidate, active), set, refused, patience)
                    .await
            }
            Set::Exclusive(pool) => {
                let call = refused.call;
                self.wait_exclusive((candidate, active), pool, call, patience)
                    .await
            }
        }
    }

    async fn wait_exclusive(
        &self,
        (candidate, active): (&Candidate, Active),
        pool: &Arc<Pool>,
        call: Box<Call>,
        patience: Patience,
    ) -> Reached {
        if patience == Patience::IfItWasFine
            && pool.backing_off().is_none()
            && let Some(error) = pool.last_failure()
        {
            // Or nobody would ever find out that it is well again while others serve.
            pool.try_again(&candidate.config);
            return Reached::Doubtful(call, error);
        }
        let endpoint = &candidate.endpoint;
        let _pending = match self.cluster.queue(endpoint, &candidate.config) {
            Ok(pending) => pending,
            Err(error) => return Reached::Passed(call, error),
        };
        let deadline = Instant::from_std(call.deadline);
        match pool.acquire(&candidate.config, deadline).await {
            Ok(lease) => match Taken::exclusive(lease, *call) {
                Ok(taken) => Reached::Taken(taken, active),
                Err(call) => Reached::Passed(call, full(&candidate.endpoint)),
            },
            Err(NoLease::Pausing(error)) => Reached::Passed(call, error),
            Err(NoLease::Failed(error)) => Reached::Failed(error),
        }
    }

    async fn wait_shared(
        &self,
        (candidate, active): (&Candidate, Active),
        set: &Arc<ChannelSet>,
        mut refused: Refused,
        patience: Patience,
    ) -> Reached {
        let Candidate {
            endpoint, config, ..
        } = candidate;
        let deadline = Instant::from_std(refused.call.deadline);
        // Each round is a connection more, up to as many as there may be, or one in place of another that closed.
        loop {
            let mut flight = match set.connect(config) {
                Ok(flight) => flight,
                Err(Blocked::BackingOff(error)) => return Reached::Passed(refused.call, error),
                Err(Blocked::Full) => return Reached::Passed(refused.call, full(endpoint)),
                Err(Blocked::Limit(error)) => return Reached::Passed(refused.call, error),
            };
            if patience == Patience::IfItWasFine
                && let Some(error) = set.last_failure()
            {
                return Reached::Doubtful(refused.call, error);
            }
            let _pending = match self.cluster.queue(endpoint, config) {
                Ok(pending) => pending,
                Err(error) => return Reached::Passed(refused.call, error),
            };
            let landed = match timeout_at(deadline, flight.wait_for(Option::is_some)).await {
                Ok(Ok(landed)) => landed.clone().unwrap_or(Ok(())),
                Ok(Err(_)) => Err(LocalError::new(
                    ErrorKind::ConnectFailure,
                    format!("connecting to {} was given up", endpoint.address()),
                )),
                Err(_) => Err(LocalError::new(
                    ErrorKind::Timeout,
                    format!("no connection to {} was made in time", endpoint.address()),
                )),
            };
            if let Err(error) = landed {
                return Reached::Failed(error);
            }
            refused = match set.offer(*refused.call, config) {
                Ok(answer) => {
                    set.prove();
                    return Reached::Taken(Taken::shared(answer), active);
                }
                Err(refused) => refused,
            };
            if refused.unconnected
                && let Some(error) = set.dead_on_arrival()
            {
                return Reached::Failed(error);
            }
        }
    }
}

#[cold]
fn full(endpoint: &Endpoint) -> LocalError {
    LocalError::new(
        ErrorKind::Overloaded,
        format!("all connections to {} are full", endpoint.address()),
    )
}
