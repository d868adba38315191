//! What is counted and held while a request is under way, up to the end of the answer's body.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use wireloom_codecs::{Body, BodyEnd, CallError, Class, ErrorKind, Response, Watch};

use crate::balance::Stopwatch;
use crate::endpoint::Active;
use crate::outlier::Seen;
use crate::permit::take;
use crate::pool::Lease;
use crate::{Cluster, Endpoint, LocalCluster};

/// A request that the cluster's limit has let in.
pub(crate) struct InFlight(Arc<Cluster>);

impl InFlight {
    /// None if `limit` are under way already.
    pub(crate) fn take(cluster: &Arc<Cluster>, limit: u32) -> Option<Self> {
        take(&cluster.in_flight, limit).then(|| Self(cluster.clone()))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// A request at an endpoint.
pub(crate) struct UnderWay {
    pub(crate) active: Active,
    pub(crate) _lease: Option<Box<Lease>>,
    /// When a connection took it, if somebody wants to know how long it takes.
    pub(crate) started: Option<Stopwatch>,
    /// The cluster looks for outliers.
    pub(crate) watched: bool,
}

impl UnderWay {
    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        self.active.endpoint()
    }

    /// Takes note of the answer. If its body is still to come, the counts and the connection are held to its end.
    pub(crate) fn answered(
        self,
        in_flight: Option<InFlight>,
        local: &LocalCluster,
        result: &mut Result<Response, CallError>,
    ) {
        let failed = match &*result {
            Ok(response) => is_failure(response.head.outcome.class),
            Err(_) => true,
        };
        if failed {
            self.count_failure();
        }
        if self.watched || self.started.is_some() {
            self.observe(local, result, failed);
        }
        if let Ok(response) = result
            && let Body::Stream(body) = &mut response.body
        {
            let watched = self.watched;
            body.watch(Box::new(Streaming {
                under_way: self,
                failed,
                watched: watched.then(|| local.cluster.clone()),
                _in_flight: in_flight,
            }));
        }
    }

    /// Lets know whoever wants to: the balancer, and who looks for outliers.
    fn observe(&self, local: &LocalCluster, result: &Result<Response, CallError>, failed: bool) {
        let view = local.view.load();
        let config = &view.config;
        if let Some(started) = self.started {
            let time = started.elapsed();
            self.endpoint().took(config.balance, time, failed);
            self.endpoint().tally.took(time);
            if config.limits.adaptive.is_some() && tells_of_load(result, failed) {
                local.samples.took(time);
            }
        }
        // Of a body that is to come the end tells, but for a failure that its head told of.
        let streamed = matches!(result, Ok(response) if matches!(response.body, Body::Stream(_)));
        if self.watched && (failed || !streamed) {
            let seen = Seen::of(result);
            local.cluster.observe(self.endpoint(), config, seen);
        }
    }

    fn count_failure(&self) {
        self.endpoint().failures.fetch_add(1, Relaxed);
    }
}

/// An answer whose body is under way.
struct Streaming {
    under_way: UnderWay,
    /// Its head told of a failure already.
    failed: bool,
    /// The cluster, if it looks for outliers.
    watched: Option<Arc<Cluster>>,
    _in_flight: Option<InFlight>,
}

impl Watch for Streaming {
    fn end(self: Box<Self>, end: BodyEnd<'_>) {
        let (failed, seen) = match end {
            BodyEnd::Complete(None) => (false, Seen::Good),
            BodyEnd::Complete(Some(outcome)) => {
                (is_failure(outcome.class), Seen::class(outcome.class))
            }
            BodyEnd::Failed(error) => (true, Seen::error(error.kind)),
            BodyEnd::Abandoned => (false, Seen::Nothing),
        };
        if self.failed {
            return;
        }
        if failed {
            self.under_way.count_failure();
        }
        if let Some(cluster) = &self.watched {
            cluster.observe(self.under_way.endpoint(), &cluster.config(), seen);
        }
    }
}

/// Whether the time tells how busy the server is: refusals are quick, and lost connections end at any time.
fn tells_of_load(result: &Result<Response, CallError>, failed: bool) -> bool {
    match result {
        Ok(_) => !failed,
        Err(error) => error.error.kind == ErrorKind::Timeout,
    }
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
