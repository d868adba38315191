//! One attempt of an exchange: from a request to its answer, at one endpoint.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use wireloom_codecs::{
    Answer, Call, CallError, ErrorKind, Kind, LocalError, ProtocolId, Request, RequestHead,
    Response,
};

use crate::balance::{Selection, Stopwatch};
use crate::channels::Refused;
use crate::config::Balance;
use crate::counters::count;
use crate::endpoint::Active;
use crate::local::{LocalCluster, LocalEndpoint, View};
use crate::search::{Candidate, Found};
use crate::set::Taken;
use crate::under_way::{InFlight, UnderWay};
use crate::upstream::Way;
use crate::{Endpoint, Member, Tried};

type Search<'a> = Pin<Box<dyn Future<Output = Result<Found<'a>, CallError>> + Send + 'a>>;

/// A request on its way and the wait for its answer. Dropping it gives up on the answer; counts fall back then, or at the
/// end of an answer's body.
#[must_use = "a dropped attempt gives up on its answer"]
pub struct Attempt<'a> {
    local: &'a LocalCluster,
    way: Way,
    selection: &'a Selection<'a>,
    deadline: Instant,
    in_flight: Option<InFlight>,
    /// Somebody wants to know how long answers take.
    timed: bool,
    /// The cluster looks for outliers.
    watched: bool,
    /// It was sent over another connection already because the first had been closed long ago.
    sent_again: bool,
    state: Stage<'a>,
}

enum Stage<'a> {
    /// No open connection took it at once.
    Searching(Search<'a>),
    /// A connection has it.
    Waiting {
        answer: Answer,
        under_way: UnderWay,
        /// What another connection needs to try it again, if this one turns out to have been closed long ago.
        again: Option<&'a mut Tried>,
    },
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
    /// connected to just now, and one whose connections are full, is passed over for another. A request that was sent
    /// over a connection which had rested, and whose server had closed it meanwhile, goes over another one if that is
    /// safe. For a one-way request the answer is an empty success, as soon as a connection has taken it.
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
        self.select(&Selection::ANY, protocol, request, deadline, tried)
    }

    /// The same for a request that wants something of its endpoint.
    ///
    /// # Errors
    /// The same; `NoEndpoint` also if there is no endpoint like that.
    pub fn select<'a>(
        &'a self,
        selection: &'a Selection<'a>,
        protocol: ProtocolId,
        request: Box<Request>,
        deadline: Instant,
        tried: &'a mut Tried,
    ) -> Attempt<'a> {
        let mut attempt = Attempt {
            local: self,
            way: Way {
                position: 0,
                lane: 0,
            },
            selection,
            deadline,
            in_flight: None,
            timed: false,
            watched: false,
            sent_again: false,
            state: Stage::Over,
        };
        if let Err(error) = attempt.begin(protocol, request, tried) {
            attempt.state = Stage::Failed(self.refuse(error));
        }
        attempt
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

    /// The way of a request in `protocol`.
    fn speaks(
        &self,
        own: Option<&str>,
        protocol: ProtocolId,
        head: &RequestHead,
    ) -> Result<Way, LocalError> {
        if let Some(way) = self.upstream.way(own, protocol, head) {
            return Ok(way);
        }
        Err(match own {
            Some(own) => self.untranslated(own, protocol),
            None => self.unsupported(protocol),
        })
    }

    #[cold]
    fn untranslated(&self, own: &str, protocol: ProtocolId) -> LocalError {
        let cluster = self.cluster.name();
        LocalError::new(
            ErrorKind::Unsupported,
            format!(
                "cluster {cluster} speaks {own} and the request is {protocol}, which is not translated"
            ),
        )
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
    pub(crate) fn no_endpoint(&self, view: &View, selection: Selection<'_>) -> LocalError {
        let members = &view.members;
        let takes = |member: &Member| member.weight > 0;
        let why = match selection.subset {
            _ if members.is_empty() && view.config.discovery.is_some() => {
                ": none was discovered".to_owned()
            }
            _ if members.is_empty() => String::new(),
            _ if !members.iter().any(takes) => " of a weight over 0".to_owned(),
            Some(subset) => format!(" in subset {subset} that takes calls"),
            None if view.config.subset.is_some() => {
                " for requests that choose no subset".to_owned()
            }
            None => " that takes calls".to_owned(),
        };
        LocalError::new(
            ErrorKind::NoEndpoint,
            format!("cluster {} has no endpoint{why}", self.cluster.name()),
        )
    }
}

impl<'a> Attempt<'a> {
    /// The endpoint that has the request; None while a connection is looked for, and once the attempt is over.
    pub fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        match &self.state {
            Stage::Waiting { under_way, .. } => Some(under_way.endpoint()),
            Stage::Searching(_) | Stage::Failed(_) | Stage::Over => None,
        }
    }

    fn begin(
        &mut self,
        protocol: ProtocolId,
        request: Box<Request>,
        tried: &'a mut Tried,
    ) -> Result<(), LocalError> {
        let local = self.local;
        let mut view = local.view.load();
        let config = &view.config;
        self.way = local.speaks(config.protocol.as_deref(), protocol, &request.head)?;
        let outlier = config.outlier.as_ref();
        let compared = outlier.is_some_and(|outlier| outlier.latency.is_some());
        // A one-way request is over as soon as it was handed over: that tells nothing of the endpoint.
        let told = request.head.kind != Kind::OneWay;
        self.watched = told && outlier.is_some();
        let adaptive = config.limits.adaptive.is_some();
        let weighed = matches!(config.balance, Balance::PeakEwma(_));
        self.timed = told && (compared || weighed || adaptive);
        self.in_flight = Some(local.cluster.enter(config)?);
        if view.is_on_the_fly() {
            view = local.with_destination(view, self.selection)?;
        } else if local.is_warming(&view) {
            self.warm(request, tried);
            return Ok(());
        }
        let config = &view.config;
        let endpoint = self.pick(&view, tried)?;
        let own;
        let set = match self.selection.pins(config) {
            None => endpoint.set(self.way, local),
            Some(pins) => {
                own = pins.set(endpoint, self.way, local);
                own.as_ref()
            }
        };
        let set = set.ok_or_else(|| local.unsupported(protocol))?;
        let call = Call {
            request,
            deadline: self.deadline,
        };
        let Ok(active) = local.cluster.admit(&endpoint.endpoint, config) else {
            let first = Candidate::new(endpoint, set, config);
            self.search(first, Refused::unadmitted(Box::new(call)), tried);
            return Ok(());
        };
        match set.offer(call, config) {
            Ok(taken) => {
                tried.push(endpoint.endpoint.clone());
                self.wait(taken, active, tried);
            }
            Err(refused) => {
                drop(active);
                let first = Candidate::new(endpoint, set, config);
                self.search(first, refused, tried);
            }
        }
        Ok(())
    }

    fn pick<'v>(
        &self,
        view: &'v View,
        tried: &Tried,
    ) -> Result<&'v Arc<LocalEndpoint>, LocalError> {
        let pick = |avoid: &Tried| view.pick(*self.selection, avoid, &self.local.cluster);
        let picked = match pick(tried) {
            None if !tried.is_empty() => pick(&Tried::new()),
            picked => picked,
        };
        picked.ok_or_else(|| self.local.no_endpoint(view, *self.selection))
    }

    #[cold]
    fn warm(&mut self, request: Box<Request>, tried: &'a mut Tried) {
        let call = Box::new(Call {
            request,
            deadline: self.deadline,
        });
        let warm = self.local.warm(self.way, self.selection, call, tried);
        self.state = Stage::Searching(Box::pin(warm));
    }

    fn search(&mut self, first: Candidate, refused: Refused, tried: &'a mut Tried) {
        let (way, selection) = (self.way, self.selection);
        let search = self.local.search(way, selection, first, refused, tried);
        self.state = Stage::Searching(Box::pin(search));
    }

    /// A connection has the call.
    fn wait(&mut self, taken: Taken, active: Active, tried: &'a mut Tried) {
        count(&active.endpoint().requests);
        self.state = Stage::Waiting {
            answer: taken.answer,
            under_way: UnderWay {
                active,
                _lease: taken.lease,
                started: self.timed.then(Stopwatch::start),
                watched: self.watched,
            },
            again: (taken.used && !self.sent_again).then_some(tried),
        };
    }

    /// Sends a request over another connection that found its own closed by a server that had tired of it. True if it
    /// is under way again.
    #[cold]
    fn sent_again(
        &mut self,
        under_way: &UnderWay,
        failed: &mut CallError,
        tried: &'a mut Tried,
    ) -> bool {
        let safe = |request: &Request| !failed.sent || request.head.is_idempotent();
        let Some(request) = failed.request.take_if(|request| safe(request)) else {
            return false;
        };
        let local = self.local;
        let view = local.view.load();
        let place = view
            .members
            .iter()
            .position(|member| Arc::ptr_eq(&member.endpoint, under_way.endpoint()));
        let Some((endpoint, set)) = place.and_then(|at| view.at(at)).and_then(|endpoint| {
            let set = local.set(endpoint, self.way, self.selection, &view.config)?;
            Some((endpoint, set))
        }) else {
            return false;
        };
        let call = Box::new(Call {
            request,
            deadline: self.deadline,
        });
        let first = Candidate::new(endpoint, &set, &view.config);
        self.sent_again = true;
        self.search(first, Refused::unconnected(call), tried);
        true
    }
}

/// A failure of a request of which no byte has left.
pub(crate) const fn unsent(error: LocalError) -> CallError {
    CallError {
        error,
        sent: false,
        request: None,
    }
}

impl Future for Attempt<'_> {
    type Output = Result<Response, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                Stage::Searching(search) => match ready!(search.as_mut().poll(cx)) {
                    Ok(found) => this.wait(found.taken, found.active, found.tried),
                    Err(error) => this.state = Stage::Failed(error),
                },
                Stage::Waiting { answer, .. } => {
                    let mut result = ready!(Pin::new(answer).poll(cx));
                    let Stage::Waiting {
                        under_way, again, ..
                    } = std::mem::replace(&mut this.state, Stage::Over)
                    else {
                        continue;
                    };
                    if let Err(failed) = &mut result {
                        if let Some(tried) = again
                            && this.sent_again(&under_way, failed, tried)
                        {
                            continue;
                        }
                        if failed.error.detail.is_empty() {
                            name_endpoint(failed, under_way.endpoint());
                        }
                    }
                    under_way.answered(this.in_flight.take(), this.local, &mut result);
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
