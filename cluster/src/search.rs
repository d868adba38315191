//! The way of a request that no open connection took at once: wait for one, or go elsewhere.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use wireloom_codecs::{Answer, Call, CallError, ErrorKind, LocalError};

use crate::attempt::{under_way, unsent};
use crate::channels::{ChannelSet, Refused};
use crate::connect::Blocked;
use crate::endpoint::Active;
use crate::local::{LocalCluster, LocalEndpoint};
use crate::permit::Permit;
use crate::{ClusterConfig, Endpoint, Tried};

/// Endpoints that one attempt passes over before it gives up: each costs a pick, and a large cluster that is down as
/// a whole is not to be gone through for every request.
const MOST_CANDIDATES: usize = 16;

/// An endpoint that was picked.
#[derive(Clone)]
pub(crate) struct Candidate {
    endpoint: Arc<Endpoint>,
    set: Arc<ChannelSet>,
    config: Arc<ClusterConfig>,
}

impl Candidate {
    pub(crate) fn new(
        local: &LocalEndpoint,
        set: &Arc<ChannelSet>,
        config: &Arc<ClusterConfig>,
    ) -> Self {
        Self {
            endpoint: local.endpoint.clone(),
            set: set.clone(),
            config: config.clone(),
        }
    }
}

/// What became of a call at a candidate.
enum Reached {
    /// A connection took it.
    Taken(Answer),
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
        position: usize,
        first: Candidate,
        refused: Refused,
        tried: &'a mut Tried,
    ) -> Result<(Answer, Active<'a>), CallError> {
        let mut avoid = tried.clone();
        let mut passed = Tried::new();
        let mut doubtful = None;
        let (mut candidate, mut refused) = (first, refused);
        let (call, why) = loop {
            let (call, why) = match self.wait(&candidate, refused, Patience::IfItWasFine).await {
                Reached::Taken(answer) => return arrived(candidate, answer, tried),
                Reached::Failed(error) => return failed(candidate, tried, error),
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
                self.candidate(position, &avoid)
                    .or_else(|| self.candidate(position, &passed))
            });
            let Some(next) = next.flatten() else {
                break (call, why);
            };
            candidate = next;
            refused = match candidate.set.offer(*call, &candidate.config) {
                Ok(answer) => return arrived(candidate, answer, tried),
                Err(refused) => refused,
            };
        };
        let Some(last) = doubtful else {
            return Err(self.refuse(why));
        };
        let refused = Refused {
            call,
            unconnected: true,
        };
        match self.wait(&last, refused, Patience::Always).await {
            Reached::Taken(answer) => arrived(last, answer, tried),
            Reached::Failed(error) | Reached::Passed(_, error) | Reached::Doubtful(_, error) => {
                tried.push(last.endpoint);
                Err(self.refuse(error))
            }
        }
    }

    fn candidate(&self, position: usize, avoid: &Tried) -> Option<Candidate> {
        let view = self.view.load();
        let local = view.pick(avoid)?;
        let set = local.set(position, self)?;
        Some(Candidate::new(local, set, &view.config))
    }

    /// Waits until the candidate has a connection that takes the call, or can have none.
    async fn wait(
        &self,
        candidate: &Candidate,
        mut refused: Refused,
        patience: Patience,
    ) -> Reached {
        let Candidate {
            endpoint,
            set,
            config,
        } = candidate;
        let deadline = Instant::from_std(refused.call.deadline);
        // Each round is a connection more, up to as many as there may be, or one in place of another that closed.
        loop {
            let mut flight = match set.connect(config) {
                Ok(flight) => flight,
                Err(Blocked::BackingOff(error)) => return Reached::Passed(refused.call, error),
                Err(Blocked::Full) => return Reached::Passed(refused.call, full(endpoint)),
            };
            if patience == Patience::IfItWasFine
                && let Some(error) = set.last_failure()
            {
                return Reached::Doubtful(refused.call, error);
            }
            let limit = config.limits.pending;
            let Some(_pending) = Permit::take(&self.cluster.pending, limit) else {
                let error = self.overloaded("requests that wait for a connection", limit);
                return Reached::Passed(refused.call, error);
            };
            let _active = endpoint.begin();
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
                    return Reached::Taken(answer);
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

fn arrived(
    candidate: Candidate,
    answer: Answer,
    tried: &mut Tried,
) -> Result<(Answer, Active<'_>), CallError> {
    tried.push(candidate.endpoint);
    let active = under_way(tried).map_err(unsent)?;
    Ok((answer, active))
}

fn failed(
    candidate: Candidate,
    tried: &mut Tried,
    error: LocalError,
) -> Result<(Answer, Active<'_>), CallError> {
    tried.push(candidate.endpoint);
    Err(unsent(error))
}

#[cold]
fn full(endpoint: &Endpoint) -> LocalError {
    LocalError::new(
        ErrorKind::Overloaded,
        format!("all connections to {} are full", endpoint.address()),
    )
}
