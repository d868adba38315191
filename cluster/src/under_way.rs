//! What is counted and held while a request is under way, up to the end of the answer's body.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use wireloom_codecs::{Body, BodyEnd, CallError, Class, Response, Watch};

use crate::balance::Stopwatch;
use crate::endpoint::Active;
use crate::pool::Lease;
use crate::{Cluster, Endpoint, LocalCluster};

/// A request that the cluster's limit has let in.
pub(crate) struct InFlight(Arc<Cluster>);

impl InFlight {
    /// None if `limit` are under way already.
    pub(crate) fn take(cluster: &Arc<Cluster>, limit: u32) -> Option<Self> {
        let before = cluster.in_flight.fetch_add(1, Relaxed);
        // Made first, so that its drop takes the count back.
        let permit = Self(cluster.clone());
        (before < limit).then_some(permit)
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
        if let Some(started) = self.started {
            let balance = local.view.load().config.balance;
            self.endpoint().took(balance, started.elapsed(), failed);
        }
        if let Ok(response) = result
            && let Body::Stream(body) = &mut response.body
        {
            body.watch(Box::new(Streaming {
                under_way: self,
                failed,
                _in_flight: in_flight,
            }));
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
    _in_flight: Option<InFlight>,
}

impl Watch for Streaming {
    fn end(self: Box<Self>, end: BodyEnd<'_>) {
        let failed = match end {
            BodyEnd::Complete(outcome) => outcome.is_some_and(|o| is_failure(o.class)),
            BodyEnd::Failed(_) => true,
            BodyEnd::Abandoned => false,
        };
        if failed && !self.failed {
            self.under_way.count_failure();
        }
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
