//! One attempt of an exchange: from a request to its answer, at one endpoint.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use wireloom_codecs::{
    Answer, Call, CallError, Class, ErrorKind, LocalError, ProtocolId, Request, Response,
};

use crate::counters::count;
use crate::endpoint::Active;
use crate::local::{LocalCluster, View};
use crate::permit::Permit;
use crate::search::Candidate;
use crate::{ClusterConfig, Endpoint, Tried};

type Search<'a> =
    Pin<Box<dyn Future<Output = Result<(Answer, Active<'a>), CallError>> + Send + 'a>>;

/// A request on its way and the wait for its answer. Dropping it gives up on the answer; counts fall back then.
#[must_use = "a dropped attempt gives up on its answer"]
pub struct Attempt<'a> {
    _in_flight: Option<Permit<'a>>,
    state: Stage<'a>,
}

enum Stage<'a> {
    /// No open connection took it at once.
    Searching(Search<'a>),
    /// A connection has it.
    Waiting { answer: Answer, active: Active<'a> },
    /// Nobody has it.
    Failed(CallError),
    /// The outcome was taken.
    Over,
}

impl LocalCluster {
    /// Sends the request to an endpoint of the cluster and waits for the answer.
    ///
    /// The work up to the hand-over is done by this call itself, not by the first poll: the request never becomes
    /// part of the future. `protocol` is what the request is encoded in. `tried` is extended by the endpoint that
    /// is asked; those in it already are asked again only if there are no others. An endpoint that cannot be
    /// connected to just now, and one whose connections are full, is passed over for another. For a one-way request
    /// the answer is an empty success, as soon as a connection has taken it.
    ///
    /// # Errors
    /// With [`CallError::sent`] false: `Overloaded` if the cluster's limits are reached or all connections are
    /// full, `NoEndpoint`, `ConnectFailure`, `Unsupported`, or `Timeout` if the deadline passed before there was a
    /// connection. Else what the connection says. Once it has the call, the connection keeps the deadline.
    pub fn attempt<'a>(
        &'a self,
        protocol: ProtocolId,
        request: Box<Request>,
        deadline: Instant,
        tried: &'a mut Tried,
    ) -> Attempt<'a> {
        match self.begin(protocol, request, deadline, tried) {
            Ok(attempt) => attempt,
            Err(error) => Attempt {
                _in_flight: None,
                state: Stage::Failed(self.refuse(error)),
            },
        }
    }

    fn begin<'a>(
        &'a self,
        protocol: ProtocolId,
        request: Box<Request>,
        deadline: Instant,
        tried: &'a mut Tried,
    ) -> Result<Attempt<'a>, LocalError> {
        let view = self.view.load();
        let config = &view.config;
        let position = self.speaks(config, protocol)?;
        let Some(in_flight) = Permit::take(&self.cluster.in_flight, config.limits.in_flight) else {
            return Err(self.overloaded("requests under way", config.limits.in_flight));
        };
        let local = view
            .pick(tried)
            .or_else(|| view.pick(&Tried::new()))
            .ok_or_else(|| self.no_endpoint(&view))?;
        let set = local
            .set(position, self)
            .ok_or_else(|| self.unsupported(protocol))?;

        let call = Call { request, deadline };
        let state = match set.offer(call, config) {
            Ok(answer) => {
                tried.push(local.endpoint.clone());
                let active = under_way(tried)?;
                Stage::Waiting { answer, active }
            }
            Err(refused) => {
                let first = Candidate::new(local, set, config);
                Stage::Searching(Box::pin(self.search(position, first, refused, tried)))
            }
        };
        Ok(Attempt {
            _in_flight: Some(in_flight),
            state,
        })
    }

    /// Counts and makes the failure of a request that nobody took.
    #[cold]
    pub(crate) fn refuse(&self, error: LocalError) -> CallError {
        match error.kind {
            ErrorKind::Overloaded => count(&self.cluster.counters.overloaded),
            ErrorKind::NoEndpoint => count(&self.cluster.counters.no_endpoint),
            _ => {}
        }
        unsent(error)
    }

    /// The connector for a request in `protocol`.
    fn speaks(&self, config: &ClusterConfig, protocol: ProtocolId) -> Result<usize, LocalError> {
        if let Some(own) = &config.protocol
            && own != protocol.as_str()
        {
            return Err(LocalError::new(
                ErrorKind::Unsupported,
                format!(
                    "cluster {} speaks {own} and the request is {protocol}, which is not translated",
                    self.cluster.name()
                ),
            ));
        }
        self.upstream
            .position(protocol)
            .ok_or_else(|| self.unsupported(protocol))
    }

    #[cold]
    fn unsupported(&self, protocol: ProtocolId) -> LocalError {
        LocalError::new(
            ErrorKind::Unsupported,
            format!(
                "cluster {}: no upstream connections are made in {protocol}",
                self.cluster.name()
            ),
        )
    }

    #[cold]
    pub(crate) fn overloaded(&self, of: &str, limit: impl Display) -> LocalError {
        LocalError::new(
            ErrorKind::Overloaded,
            format!(
                "cluster {} has {limit} {of}, its limit",
                self.cluster.name()
            ),
        )
    }

    #[cold]
    fn no_endpoint(&self, view: &View) -> LocalError {
        let with_weight = if view.members.is_empty() {
            ""
        } else {
            " of a weight over 0"
        };
        LocalError::new(
            ErrorKind::NoEndpoint,
            format!(
                "cluster {} has no endpoint{with_weight}",
                self.cluster.name()
            ),
        )
    }
}

/// Counts the request at the endpoint that was tried last.
pub(crate) fn under_way(tried: &Tried) -> Result<Active<'_>, LocalError> {
    let endpoint = tried.last().ok_or(ErrorKind::Internal)?;
    count(&endpoint.requests);
    Ok(endpoint.begin())
}

/// A failure of a request of which no byte has left.
pub(crate) const fn unsent(error: LocalError) -> CallError {
    CallError { error, sent: false }
}

impl Future for Attempt<'_> {
    type Output = Result<Response, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                Stage::Searching(search) => {
                    this.state = match ready!(search.as_mut().poll(cx)) {
                        Ok((answer, active)) => Stage::Waiting { answer, active },
                        Err(error) => Stage::Failed(error),
                    };
                }
                Stage::Waiting { answer, active } => {
                    let mut result = ready!(Pin::new(answer).poll(cx));
                    if let Err(failed) = &mut result
                        && failed.error.detail.is_empty()
                    {
                        name_endpoint(failed, active.endpoint());
                    }
                    let failed = match &result {
                        Ok(response) => is_failure(response.head.outcome.class),
                        Err(_) => true,
                    };
                    if failed {
                        active.endpoint().failures.fetch_add(1, Relaxed);
                    }
                    this.state = Stage::Over;
                    return Poll::Ready(result);
                }
                Stage::Failed(_) | Stage::Over => {
                    let outcome = match std::mem::replace(&mut this.state, Stage::Over) {
                        Stage::Failed(error) => Err(error),
                        _ => Err(unsent(ErrorKind::Internal.into())),
                    };
                    return Poll::Ready(outcome);
                }
            }
        }
    }
}

/// A connection that ended without a word leaves the words to who knows its address.
#[cold]
fn name_endpoint(failed: &mut CallError, endpoint: &Endpoint) {
    let address = endpoint.address();
    let detail = format!("the connection to {address} ended without an answer");
    failed.error.detail = detail.into();
}

/// Answers that say something bad of the endpoint rather than of the request.
const fn is_failure(class: Class) -> bool {
    match class {
        Class::Success | Class::AppError | Class::ClientError => false,
        Class::Refused
        | Class::Unavailable
        | Class::Overloaded
        | Class::Timeout
        | Class::ServerError => true,
    }
}
