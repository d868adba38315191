//! What a filter sees of an exchange.

use std::any::Any;
use std::time::Instant;

use wireloom_codecs::{Argument, ArgumentPath, Downstream, LocalError, Request, Response};

use crate::Route;

/// An exchange whose request has a route.
#[non_exhaustive]
pub struct Exchanged<'a> {
    /// The request.
    pub request: &'a mut Request,
    /// The connection that it came over.
    pub downstream: &'a Downstream,
    /// The route that took it.
    pub route: &'a Route,
    /// When it was whole.
    pub started: Instant,
    inside: &'a dyn Inside,
    refusals: Option<(&'a dyn Refusals, &'a str)>,
}

/// Counts a refusal under a reason.
pub type Refusal = Box<dyn Fn(&'static str) + Send + Sync>;

/// Counts refusals that come after a filter let its request through: in the middle of its body.
pub trait Refusals: Sync {
    /// What counts those of the filter of this name on this exchange.
    fn of(&self, filter: &str) -> Refusal;
}

/// Reads values inside of requests: what a protocol can do.
pub trait Inside: Sync {
    /// The value at `path` in the request's body, looked for in at most `budget` bytes.
    fn argument<'r>(
        &self,
        request: &'r Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'r>>;
}

/// A protocol whose requests nobody looks into.
impl Inside for () {
    fn argument<'r>(&self, _: &'r Request, _: &ArgumentPath, _: usize) -> Option<Argument<'r>> {
        None
    }
}

impl<'a> Exchanged<'a> {
    /// An exchange that starts now, of a protocol that nobody looks into.
    pub fn new(request: &'a mut Request, downstream: &'a Downstream, route: &'a Route) -> Self {
        Self::started_at(request, downstream, route, &(), Instant::now())
    }

    /// The same with all that there is to know.
    pub fn started_at(
        request: &'a mut Request,
        downstream: &'a Downstream,
        route: &'a Route,
        inside: &'a dyn Inside,
        started: Instant,
    ) -> Self {
        Self {
            request,
            downstream,
            route,
            started,
            inside,
            refusals: None,
        }
    }

    /// The same, seen by the filter of this name, whose later refusals are counted so.
    #[must_use]
    pub fn counted(mut self, refusals: &'a dyn Refusals, filter: &'a str) -> Self {
        self.refusals = Some((refusals, filter));
        self
    }

    /// What counts a refusal that [`Flow::Reject`](super::Flow::Reject) cannot say, because the request is on its way by then.
    pub fn later(&self) -> Refusal {
        match self.refusals {
            Some((refusals, filter)) => refusals.of(filter),
            None => Box::new(|_| {}),
        }
    }

    /// The value at `path` in the request's body, looked for in at most `budget` bytes. None if there is none, if it lies
    /// behind the budget or in a body that is not whole, and for a path of another protocol's kind.
    pub fn argument(&self, path: &ArgumentPath, budget: usize) -> Option<Argument<'_>> {
        self.inside.argument(self.request, path, budget)
    }
}

/// An exchange with its answer, or with its failure.
#[non_exhaustive]
pub struct Replied<'a> {
    /// What goes to the client.
    pub result: &'a mut Result<Response, LocalError>,
    /// The connection that it goes to.
    pub downstream: &'a Downstream,
    /// The route that took the request.
    pub route: &'a Route,
    /// When the request was whole.
    pub started: Instant,
    held: Option<&'a mut (dyn Any + Send)>,
}

impl<'a> Replied<'a> {
    /// An exchange that ends so.
    pub fn new(
        result: &'a mut Result<Response, LocalError>,
        downstream: &'a Downstream,
        route: &'a Route,
        started: Instant,
        held: Option<&'a mut (dyn Any + Send)>,
    ) -> Self {
        Self {
            result,
            downstream,
            route,
            started,
            held,
        }
    }

    /// What the same filter [held](super::Flow::Hold) on this exchange, if it held a `T`.
    pub fn held<T: Any>(&mut self) -> Option<&mut T> {
        self.held.as_deref_mut()?.downcast_mut()
    }
}
