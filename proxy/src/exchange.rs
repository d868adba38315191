//! One request, from its head to its answer: route, deadline, cluster, tries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::header::{HeaderValue, SET_COOKIE};
use wireloom_cluster::{Pins, Selection};
use wireloom_codecs::{
    Argument, ArgumentPath, Body, Class, Downstream, ErrorKind, LocalError, Needs, Protocol,
    ProtocolId, Request, RequestHead, Response, Service, clock,
};
use wireloom_router::{Action, Arguments, HashPolicy, Hashed, Lookup, Route, RouteTable};
use wireloom_telemetry::{LocalErrorStats, Outcome, Record};

use crate::routing::{NO_CLUSTER, Routing, Target};

mod body;
mod direct;
mod edits;
mod filters;
mod hedge;
mod mirror;
mod pushback;
mod quiet;
mod replay;
mod streaming;
mod tries;

use filters::{Passage, Site};
use tries::{once, with_retries};

/// What "no limit" is to a deadline.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The [`Service`] that the driver of one connection calls.
#[derive(Clone)]
pub struct Exchanges(Arc<Connected>);

struct Connected {
    shared: Arc<Shared>,
    downstream: Downstream,
    /// Upstream connections that only this one uses, in clusters that want that.
    pins: Pins,
}

impl Connected {
    fn route<'t>(&self, table: &'t RouteTable, request: &Request) -> Option<&'t Arc<Route>> {
        table.route(&Lookup {
            arguments: &self.inside(request),
            random: if table.draws() { rand::random() } else { 0 },
            ..Lookup::new(&request.head, &self.downstream)
        })
    }

    fn inside<'a>(&'a self, request: &'a Request) -> Inside<'a> {
        Inside {
            protocol: &*self.shared.protocol,
            request,
        }
    }

    /// The request's hash, and the cookies that it is made of and that the client has to get.
    fn hashed(
        &self,
        policy: &HashPolicy,
        request: &Request,
    ) -> (Option<u64>, Option<Box<Cookies>>) {
        let lookup = Lookup {
            arguments: &self.inside(request),
            ..Lookup::new(&request.head, &self.downstream)
        };
        let Hashed { hash, cookies } = policy.hash(&lookup, rand::random);
        (
            hash,
            (!cookies.is_empty()).then(|| Box::new(Cookies(cookies))),
        )
    }
}

/// Cookies that the answer gives to its client. Rare, so that it is kept out of the future of an exchange.
struct Cookies(Vec<HeaderValue>);

/// What a listener's connections of one protocol on one worker share.
pub(crate) struct Shared {
    routing: Arc<ArcSwap<Routing>>,
    /// The connections' protocol.
    protocol: Arc<dyn Protocol<Exchanges>>,
    /// Its name, and its place among the labels.
    own: (ProtocolId, usize),
    /// Every protocol that a request can be in.
    labels: Arc<[ProtocolId]>,
    local_errors: LocalErrorStats,
}

impl Shared {
    pub(crate) fn new(
        routing: Arc<ArcSwap<Routing>>,
        protocol: Arc<dyn Protocol<Exchanges>>,
        labels: Arc<[ProtocolId]>,
        local_errors: LocalErrorStats,
    ) -> Self {
        let id = protocol.id();
        let place = labels.iter().position(|label| *label == id);
        Self {
            routing,
            own: (id, place.unwrap_or_default()),
            protocol,
            labels,
            local_errors,
        }
    }

    /// The place of the request's protocol among the labels.
    fn label(&self, protocol: ProtocolId) -> usize {
        let (own, place) = self.own;
        if protocol == own {
            return place;
        }
        let place = self.labels.iter().position(|label| *label == protocol);
        place.unwrap_or_default()
    }
}

impl Exchanges {
    /// Those of one connection.
    pub(crate) fn new(shared: Arc<Shared>, downstream: Downstream) -> Self {
        Self(Arc::new(Connected {
            shared,
            downstream,
            pins: Pins::default(),
        }))
    }
}

impl Service for Exchanges {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let connected = self.0.clone();
        async move {
            let routing = connected.shared.routing.load_full();
            let result = exchange(&routing, &connected, request).await;
            if let Err(error) = &result {
                connected.shared.local_errors.inc(error.kind as usize);
            }
            result
        }
    }

    fn needs(&self) -> Arc<Needs> {
        self.0.shared.routing.load().needs.clone()
    }

    fn refused(&self, error: &LocalError) {
        self.0.shared.local_errors.inc(error.kind as usize);
    }
}

/// What is inside of a request, for the routes that ask.
struct Inside<'a> {
    protocol: &'a dyn Protocol<Exchanges>,
    request: &'a Request,
}

impl Arguments for Inside<'_> {
    fn find(&self, path: &ArgumentPath, budget: usize) -> Option<Argument<'_>> {
        self.protocol.argument(self.request, path, budget)
    }
}

async fn exchange(
    routing: &Routing,
    connected: &Connected,
    mut request: Box<Request>,
) -> Result<Response, LocalError> {
    let started = clock::now();
    let looked_into = routing.table.body();
    if looked_into > 0 && body::is_wanted(&request, looked_into) {
        request = Box::pin(body::buffered(request, looked_into)).await?;
    }
    let Some(route) = connected.route(&routing.table, &request) else {
        return Err(no_route(&request.head));
    };
    let mut passage = Passage::default();
    if routing.filters.is_some() {
        (passage, request) =
            match passage.begin(Site::new(routing, connected, route, started), request) {
                Ok(through) => through,
                Err(later) => match later.await {
                    Ok(through) => through,
                    Err(stopped) => return *stopped,
                },
            };
    }
    let label = connected.shared.label(request.head.protocol);
    let (hash, cookies) = match &route.hash {
        None => (None, None),
        Some(policy) => connected.hashed(policy, &request),
    };
    let cluster = match &route.action {
        Action::Forward(_) => cluster(&routing.table, route, &request.head),
        _ => NO_CLUSTER,
    };
    let binding = routing.bindings.get(cluster);
    // One place in the future for both, which few exchanges have.
    let made = edits::made(connected, routing, route, binding, &request.head, cookies);
    match &route.action {
        Action::Forward(None) => {}
        Action::Forward(Some(rewrite)) => {
            if let Some(http) = &mut request.head.http
                && let Err(error) = rewrite.apply(http)
            {
                drop(made);
                let site = Site::new(routing, connected, route, started);
                return passage.refused(site, request.head.protocol, error).await;
            }
        }
        answered => {
            let stats = routing.stats.get(route, NO_CLUSTER, label);
            let record = Record::started_at(stats, started);
            let mut result = direct::answer(answered, &request.head);
            let _ = edits::response(connected, routing, route, None, made, &mut result);
            return match passage.is_some() {
                true => {
                    passage
                        .finish(
                            Site::new(routing, connected, route, started),
                            record,
                            result,
                            None,
                        )
                        .await
                }
                false => finish(record, result, None, started),
            };
        }
    }
    let Some(binding) = binding else {
        // What is dropped later has a place in the future.
        drop(made);
        let error = no_cluster(route, &request.head);
        if !passage.is_some() {
            let stats = routing.stats.get(route, NO_CLUSTER, label);
            let record = Record::started_at(stats, started);
            return finish(record, Err(error), None, started);
        }
        let site = Site::new(routing, connected, route, started);
        return passage.refused(site, request.head.protocol, error).await;
    };
    let subset = binding.part_for(&request.head);
    let to = binding.destination(&connected.downstream, &request.head);
    if !route.mirrors.is_empty() {
        mirror::copy(connected, routing, route, &mut request, hash);
    }
    let made = edits::request(connected, routing, route, Some(binding), made, &mut request);
    let stats = routing.stats.get(route, cluster, label);
    let record = Record::started_at(stats, started);
    let own = streaming::deadline(&request.head, started);
    let deadline = deadline(route, &request.head, started);
    let limit = route.idle_timeout;
    let moved = limit.map(|limit| quiet::Moved::watch(limit, &mut request));
    let target = Target {
        binding,
        selection: Selection {
            hash,
            subset: subset.as_deref(),
            destination: to.as_deref(),
            pins: Some(&connected.pins),
        },
    };
    // What was lent out would keep its place in the future to the end of its block.
    let result = {
        let mut result = match (&request.body, &route.retry) {
            (Body::Stream(_), _) => Box::pin(streaming::send(&target, route, request, own)).await,
            (_, None) => once(&target, request, deadline).await,
            (_, Some(policy)) => with_retries(&target, policy, request, deadline).await,
        };
        let from = Some(target.binding);
        let cookies = edits::response(connected, routing, route, from, made, &mut result);
        if let Some(moved) = moved {
            moved.answered(&mut result);
        }
        if let Some(cookies) = cookies {
            give(&cookies, &mut result);
        }
        result
    };
    if !passage.is_some() {
        return finish(record, result, own, started);
    }
    let site = Site::new(routing, connected, route, started);
    let (result, later) = passage.end(site, record, result, own);
    match later {
        None => result,
        Some(later) => {
            // By value, so that the future has no place for it.
            drop(result);
            later.await
        }
    }
}

/// The place of the cluster that a request goes to; of none if it may name one and does not.
fn cluster(table: &RouteTable, route: &Route, head: &RequestHead) -> usize {
    let named = route.named.as_ref();
    if let Some(cluster) = named.and_then(|named| named.pick(head, table)) {
        return cluster;
    }
    let share = if route.split.is_choice() {
        rand::random()
    } else {
        0
    };
    route.split.pick(share)
}

/// Says what the request should have named.
#[cold]
fn no_cluster(route: &Route, head: &RequestHead) -> LocalError {
    const LONGEST: usize = 64;
    let Some(named) = &route.named else {
        return ErrorKind::Internal.into();
    };
    let header = named.header();
    let detail = match named.value(head) {
        None => format!("header {header:?} is missing, and would name the cluster"),
        Some(value) => {
            let value = String::from_utf8_lossy(value);
            let name: String = value.chars().take(LONGEST).collect();
            format!("header {header:?} names no cluster that may be named: {name:?}")
        }
    };
    LocalError::new(ErrorKind::NoRoute, detail)
}

/// Gives a client the cookies that its next requests are found by.
fn give(cookies: &Cookies, result: &mut Result<Response, LocalError>) {
    let Ok(response) = result else { return };
    for cookie in &cookies.0 {
        if let Some(http) = &mut response.head.http {
            http.headers.append(&SET_COOKIE, cookie);
        }
    }
}

/// Takes note of how it ended, or has the end of a streamed answer noted.
fn finish(
    mut record: Record,
    mut result: Result<Response, LocalError>,
    own: Option<Instant>,
    started: Instant,
) -> Result<Response, LocalError> {
    match &mut result {
        Ok(response) => match std::mem::take(&mut response.body) {
            Body::Stream(body) => {
                let head = outcome(response.head.outcome.class);
                response.body = Body::Stream(streaming::recorded(body, record, head, own));
            }
            body => {
                response.body = body;
                record.set(outcome(response.head.outcome.class));
            }
        },
        Err(error) => record.set(outcome(error.kind.class())),
    }
    result.map_err(|error| explain(error, started))
}

/// The earlier of the route's timeout and the caller's own.
fn deadline(route: &Route, head: &RequestHead, started: Instant) -> Instant {
    let timeout = match (route.timeout, head.timeout) {
        (Some(route), Some(caller)) => route.min(caller),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => FAR,
    };
    started + timeout.min(FAR)
}

fn outcome(class: Class) -> Outcome {
    match class {
        Class::Success => Outcome::Success,
        Class::AppError => Outcome::AppError,
        Class::ClientError => Outcome::ClientError,
        Class::Refused => Outcome::Refused,
        Class::Unavailable => Outcome::Unavailable,
        Class::Overloaded => Outcome::Overloaded,
        Class::Timeout => Outcome::Timeout,
        Class::ServerError => Outcome::ServerError,
    }
}

/// Names what was asked for; the names come from the client, so they are cut short.
fn no_route(head: &RequestHead) -> LocalError {
    const LONGEST: usize = 200;
    let cut = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let protocol = head.protocol;
    let detail = match &head.http {
        Some(http) if head.service.is_empty() => {
            let path = String::from_utf8_lossy(http.path());
            let (host, path) = (cut(&http.authority), cut(&path));
            format!("{protocol} host {host:?}, path {path:?}")
        }
        _ => {
            let (service, method) = (cut(&head.service), cut(&head.method));
            format!("{protocol} service {service:?}, method {method:?}")
        }
    };
    LocalError::new(ErrorKind::NoRoute, detail)
}

/// A timeout says how long it was.
fn explain(error: LocalError, started: Instant) -> LocalError {
    if error.kind != ErrorKind::Timeout {
        return error;
    }
    let waited = started.elapsed().as_millis();
    let detail = format!("after {waited} ms: {}", error.detail);
    LocalError::new(ErrorKind::Timeout, detail)
}

#[cfg(test)]
mod tests;
