//! The way of an exchange through the filters of its route.
//!
//! Filters that decide at once are called and that is all. Where one waits, or wants a body whole, the rest of the way is a
//! future of its own, so that the exchange's has no place for what most never need.

use std::any::Any;
use std::pin::Pin;
use std::time::Instant;

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method};
use tokio::time::timeout_at;
use wireloom_codecs::{
    Argument, ArgumentPath, Body, BodyEnd, ErrorKind, Headers, LocalError, ProtocolId, Request,
    Response, Watch,
};
use wireloom_router::Route;
use wireloom_router::filter::{
    Amendment, Chain, Exchanged, Flow, Inside, Link, Refusal, Refusals, Replied, Verdict,
};
use wireloom_telemetry::Record;

use super::{Connected, FAR, NO_CLUSTER, Shared, body, deadline, finish};
use crate::routing::Routing;

/// Where an exchange is.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    routing: &'a Routing,
    connected: &'a Connected,
    route: &'a Route,
    started: Instant,
}

impl<'a> Site<'a> {
    pub(super) fn new(
        routing: &'a Routing,
        connected: &'a Connected,
        route: &'a Route,
        started: Instant,
    ) -> Self {
        Self {
            routing,
            connected,
            route,
            started,
        }
    }

    fn chain(&self) -> &'a [Link] {
        let chain = self.routing.chain(self.route);
        chain.map(Chain::links).unwrap_or_default()
    }

    /// The record of an exchange that no cluster sees.
    fn record(&self, protocol: ProtocolId) -> Record {
        let label = self.connected.shared.label(protocol);
        let stats = self.routing.stats.get(self.route, NO_CLUSTER, label);
        Record::started_at(stats, self.started)
    }

    fn exchanged<'e>(&'e self, request: &'e mut Request, link: &'e Link) -> Exchanged<'e> {
        let connected = self.connected;
        let (from, inside) = (&connected.downstream, &*connected.shared);
        Exchanged::started_at(request, from, self.route, inside, self.started)
            .counted(self, &link.name)
    }

    fn replied<'e>(
        &'e self,
        result: &'e mut Answer,
        held: Option<&'e mut (dyn Any + Send)>,
    ) -> Replied<'e> {
        let to = &self.connected.downstream;
        Replied::new(result, to, self.route, self.started, held)
    }

    fn too_long(&self, link: Option<&Link>, cap: usize) -> LocalError {
        let name = self.name(link, "body_too_large");
        let detail = format!("the filter `{name}` takes bodies of up to {cap} bytes");
        LocalError::new(ErrorKind::TooLarge, detail)
    }

    /// The client is not to blame.
    fn answer_too_long(&self, link: Option<&Link>, cap: usize) -> LocalError {
        let name = self.name(link, "response_body_too_large");
        let detail = format!("the filter `{name}` takes answers of up to {cap} bytes");
        LocalError::new(ErrorKind::Internal, detail)
    }

    /// The name of a filter that refuses.
    fn name<'l>(&self, link: Option<&'l Link>, reason: &'static str) -> &'l str {
        link.map_or("", |link| {
            self.refused(link, reason);
            &link.name
        })
    }

    /// Counts a refusal.
    fn refused(&self, link: &Link, reason: &'static str) {
        let stats = &self.routing.stats;
        stats.filter_rejected(&link.name, reason, self.route);
    }

    /// A filter took longer than the exchange may.
    fn late(&self, at: usize) -> LocalError {
        let name = self.name(self.chain().get(at), "timeout");
        let detail = format!("the filter `{name}` waited for too long");
        LocalError::new(ErrorKind::Timeout, detail)
    }
}

impl Refusals for Site<'_> {
    fn of(&self, filter: &str) -> Refusal {
        self.routing.stats.filter_refusal(filter, self.route)
    }
}

impl Inside for Shared {
    fn argument<'r>(
        &self,
        request: &'r Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'r>> {
        self.protocol.argument(request, path, budget)
    }
}

/// Filters that a request has passed, and that its answer passes too.
#[derive(Default)]
pub(super) struct Passage {
    passed: u32,
    held: Option<Box<Held>>,
}

/// What filters keep until the exchange is over, by their places.
#[derive(Default)]
struct Held(Vec<(usize, Box<dyn Any + Send>)>);

impl Held {
    fn of(&mut self, at: usize) -> Option<&mut (dyn Any + Send)> {
        let mut held = self.0.iter_mut();
        held.find(|(place, _)| *place == at)
            .map(|(_, guard)| &mut **guard)
    }
}

/// How far a request came.
enum Step {
    /// Past all filters.
    Through,
    /// To one that answered or refused it.
    Stopped(Answer),
    /// To one that has not decided yet.
    Waits(Pin<Box<dyn Future<Output = Flow> + Send>>),
    /// To one that wants the body whole, if it is no longer than that.
    Body(usize),
}

/// How far an answer came, if not past all filters.
enum Back {
    /// To one that does not know yet what to do with it.
    Waits(Pin<Box<dyn Future<Output = Amendment> + Send>>),
    /// To one that wants the body whole, if it is no longer than that.
    Body(usize),
}

/// What goes to the client, not yet known.
type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Answer = Result<Response, LocalError>;
/// A request that came past the filters, or what goes to its client.
type Begun = Result<(Passage, Box<Request>), Box<Answer>>;

impl Passage {
    /// Whether any filter was passed.
    pub(super) fn is_some(&self) -> bool {
        self.passed > 0
    }

    /// Takes a request through the filters. `Err` is what is left to do if that is not done at once.
    pub(super) fn begin(
        mut self,
        site: Site<'_>,
        mut request: Box<Request>,
    ) -> Result<(Self, Box<Request>), Later<'_, Begun>> {
        match self.enter(&site, &mut request) {
            Step::Through => Ok((self, request)),
            step => Err(Box::pin(self.wait(site, request, step))),
        }
    }

    /// Takes an answer back through the filters and ends the exchange. What goes to the client is the second, if that is
    /// not done at once, and else the first.
    pub(super) fn end(
        mut self,
        site: Site<'_>,
        record: Record,
        mut result: Answer,
        own: Option<Instant>,
    ) -> (Answer, Option<Later<'_, Answer>>) {
        match self.leave(&site, &mut result) {
            None => (finish(record, result, own, site.started), None),
            Some(back) => {
                let later = Box::pin(self.linger(site, record, result, own, back));
                (Err(ErrorKind::Internal.into()), Some(later))
            }
        }
    }

    /// The same at once or not, in a place of its own.
    pub(super) fn finish(
        self,
        site: Site<'_>,
        record: Record,
        result: Answer,
        own: Option<Instant>,
    ) -> Later<'_, Answer> {
        match self.end(site, record, result, own) {
            (_, Some(later)) => later,
            (result, None) => Box::pin(std::future::ready(result)),
        }
    }

    /// Ends an exchange that came past the filters and not to a cluster.
    pub(super) fn refused(
        self,
        site: Site<'_>,
        protocol: ProtocolId,
        error: LocalError,
    ) -> Later<'_, Answer> {
        let record = site.record(protocol);
        self.finish(site, record, Err(error), None)
    }

    fn at(&self) -> usize {
        self.passed as usize
    }

    /// Takes the request through the filters, as far as it gets without waiting.
    fn enter(&mut self, site: &Site<'_>, request: &mut Request) -> Step {
        while let Some(link) = site.chain().get(self.at()) {
            match wanted(link.filter.request_body(&request.head), &request.body) {
                _ if switches(request) => {}
                Wanted::Nothing => {}
                Wanted::Rest(cap) => return Step::Body(cap),
                Wanted::Less(cap) => return Step::Stopped(Err(site.too_long(Some(link), cap))),
            }
            let flow = link.filter.request(&mut site.exchanged(request, link));
            if let Some(step) = self.follow(site, link, request, flow) {
                return step;
            }
        }
        if let (Some(http), Body::Whole(body)) = (&mut request.head.http, &request.body) {
            measure(&mut http.headers, body.len());
        }
        Step::Through
    }

    /// Does what a filter decided. None if the request goes on.
    fn follow(
        &mut self,
        site: &Site<'_>,
        link: &Link,
        request: &mut Request,
        mut flow: Flow,
    ) -> Option<Step> {
        loop {
            match flow {
                Flow::Continue => break,
                Flow::Hold(guard) => {
                    let at = self.at();
                    self.held.get_or_insert_default().0.push((at, guard));
                    break;
                }
                Flow::Answer(response) => return Some(Step::Stopped(Ok(*response))),
                Flow::Reject { error, reason } => {
                    site.refused(link, reason);
                    return Some(Step::Stopped(Err(error)));
                }
                Flow::Wait(decision) => return Some(Step::Waits(decision)),
                Flow::Then(decide) => flow = decide(&mut site.exchanged(request, link)),
            }
        }
        self.passed += 1;
        None
    }

    /// Goes on from a filter that waits or stopped the request. `Err` is what goes to the client.
    async fn wait(mut self, site: Site<'_>, mut request: Box<Request>, mut step: Step) -> Begun {
        // Whoever goes away meanwhile is counted too.
        let record = site.record(request.head.protocol);
        let limit = deadline(site.route, &request.head, site.started).into();
        let result = loop {
            let link = site.chain().get(self.at());
            let waited = match step {
                Step::Through => {
                    record.dismiss();
                    return Ok((self, request));
                }
                Step::Stopped(result) => break result,
                Step::Waits(decision) => match timeout_at(limit, decision).await {
                    Ok(flow) => link.and_then(|link| self.follow(&site, link, &mut request, flow)),
                    Err(_) => break Err(site.late(self.at())),
                },
                Step::Body(cap) => match timeout_at(limit, body::whole(&mut request, cap)).await {
                    Ok(Ok(true)) => None,
                    Ok(Ok(false)) => break Err(site.too_long(link, cap)),
                    Ok(Err(error)) => break Err(error),
                    Err(_) => break Err(site.late(self.at())),
                },
            };
            step = waited.unwrap_or_else(|| self.enter(&site, &mut request));
        };
        drop(request);
        Err(Box::new(self.finish(site, record, result, None).await))
    }

    /// Takes the answer back through the filters that the request has passed, as far as it gets without waiting. None if
    /// it came past all.
    fn leave(&mut self, site: &Site<'_>, result: &mut Answer) -> Option<Back> {
        while let Some(at) = self.at().checked_sub(1) {
            let Some(link) = site.chain().get(at) else {
                break;
            };
            if let Ok(response) = result {
                let cap = link.filter.response_body(&response.head);
                match wanted(cap, &response.body) {
                    Wanted::Nothing => {}
                    Wanted::Rest(cap) => return Some(Back::Body(cap)),
                    Wanted::Less(cap) => *result = Err(site.answer_too_long(Some(link), cap)),
                }
            }
            let held = self.held.as_mut().and_then(|held| held.of(at));
            let mut reply = site.replied(result, held);
            let verdict = link.filter.response(&mut reply);
            if let Some(back) = self.heed(site, link, result, verdict) {
                return Some(back);
            }
        }
        if let Ok(response) = result
            && let (Some(http), Body::Whole(body)) = (&mut response.head.http, &response.body)
        {
            measure(&mut http.headers, body.len());
        }
        self.hold(result);
        None
    }

    /// Does what a filter decided. None if the answer goes on.
    fn heed(
        &mut self,
        site: &Site<'_>,
        link: &Link,
        result: &mut Answer,
        verdict: Verdict,
    ) -> Option<Back> {
        match verdict {
            Verdict::Continue => {}
            Verdict::Reject { error, reason } => {
                site.refused(link, reason);
                *result = Err(error);
            }
            Verdict::Wait(decision) => return Some(Back::Waits(decision)),
        }
        self.passed = self.passed.saturating_sub(1);
        None
    }

    /// Goes on from a filter that waits, with an answer, and ends the exchange.
    async fn linger(
        mut self,
        site: Site<'_>,
        record: Record,
        mut result: Answer,
        own: Option<Instant>,
        mut back: Back,
    ) -> Answer {
        let timeout = site.route.timeout.unwrap_or(FAR).min(FAR);
        let limit = own.map_or(site.started + timeout, |own| {
            own.min(site.started + timeout)
        });
        let limit = limit.into();
        loop {
            let at = self.at().saturating_sub(1);
            let link = site.chain().get(at);
            let next = match (back, &mut result) {
                (Back::Waits(decision), result) => match timeout_at(limit, decision).await {
                    Ok(amend) => {
                        let held = self.held.as_mut().and_then(|held| held.of(at));
                        let verdict = amend(&mut site.replied(result, held));
                        link.and_then(|link| self.heed(&site, link, result, verdict))
                    }
                    Err(_) => {
                        *result = Err(site.late(at));
                        self.passed = self.passed.saturating_sub(1);
                        None
                    }
                },
                (Back::Body(cap), Ok(response)) => {
                    let failed = match timeout_at(limit, body::whole(response, cap)).await {
                        Ok(Ok(true)) => None,
                        Ok(Ok(false)) => Some(site.answer_too_long(link, cap)),
                        Ok(Err(error)) => Some(error),
                        Err(_) => Some(site.late(at)),
                    };
                    if let Some(error) = failed {
                        result = Err(error);
                    }
                    None
                }
                (Back::Body(_), Err(_)) => None,
            };
            back = match next.or_else(|| self.leave(&site, &mut result)) {
                Some(back) => back,
                None => return finish(record, result, own, site.started),
            };
        }
    }

    /// Has what filters hold kept until the answer's body has ended; else it is kept until now.
    fn hold(&mut self, result: &mut Answer) {
        if let Some(held) = self.held.take()
            && let Ok(response) = result
            && let Body::Stream(body) = &mut response.body
        {
            body.watch(held);
        }
    }
}

/// It is dropped then, and that is all.
impl Watch for Held {
    fn end(self: Box<Self>, _: BodyEnd<'_>) {}
}

/// What a filter wants of a body.
enum Wanted {
    /// Nothing, or it is there.
    Nothing,
    /// It is still to come.
    Rest(usize),
    /// It is there, and too long.
    Less(usize),
}

fn wanted(cap: usize, body: &Body) -> Wanted {
    match body.whole().map(<[u8]>::len) {
        _ if cap == 0 => Wanted::Nothing,
        None => Wanted::Rest(cap),
        Some(length) if length > cap => Wanted::Less(cap),
        Some(_) => Wanted::Nothing,
    }
}

/// Whether the body is what comes after a switch of protocols.
fn switches(request: &Request) -> bool {
    let http = request.head.http.as_ref();
    http.is_some_and(|http| http.upgrade.is_some() || http.method == Method::CONNECT)
}

/// Has the fields name the length of a body that may have become another one.
fn measure(headers: &mut Headers, length: usize) {
    let announced = headers.get(&CONTENT_LENGTH);
    let right = announced.is_none_or(|value| {
        let value = std::str::from_utf8(value).ok();
        value.and_then(|value| value.parse().ok()) == Some(length)
    });
    if !right {
        headers.set(&CONTENT_LENGTH, &HeaderValue::from(length));
    }
}
