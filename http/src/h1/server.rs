//! A client's connection: one request after the other, on one task.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use tokio_util::codec::Decoder;
use wireloom_codecs::clock;
use wireloom_codecs::http::HTTP1;
use wireloom_codecs::{
    Accepted, Body, ByteBudget, ConnError, DrainPoll, DrainWatch, Early, ErrorKind, Kind,
    LocalError, Message, Request, Response, Scheme, ServeLimits, Service,
};

use crate::config::H1Config;
use crate::h1::body::{BodyDecoder, Length};
use crate::h1::downstream::{Handover, Switched};
use crate::h1::encode::{self, Framing, Persist};
use crate::h1::inflow::{Broken, Gate, Inflow, Pumped, Start, start};
use crate::h1::refusal::Refusal;
use crate::h1::request::{Incoming, RequestDecoder};
use crate::h1::wire::Wire;
use crate::semantics::{self, Asker};

/// Longer than anything lasts that has a time of its own.
pub(super) const FAR: Duration = Duration::from_secs(24 * 3600);
/// After a drain began, how long a connection must be quiet to be closed: a request may be on its way.
const QUIET: Duration = Duration::from_millis(500);
/// Above this many unwritten bytes, pipelined requests wait.
const HIGH_WATER: usize = 64 << 10;

/// Why a connection ends before its time.
pub(super) enum Stop {
    /// The client is gone, or has waited its time.
    Gone,
    /// What it sent is answered with this.
    Refused(Refusal),
    Failed(ConnError),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Gone => Self::Gone,
            Broken::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

/// What the answer depends on.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) asker: Asker,
    /// HTTP/1.0.
    pub(super) old: bool,
    pub(super) keep_alive: bool,
    /// The method was CONNECT.
    pub(super) connect: bool,
    pub(super) upgrade: Option<Bytes>,
}

pub(super) struct Server<S> {
    pub(super) wire: Wire,
    pub(super) service: S,
    pub(super) decoder: RequestDecoder,
    pub(super) config: Arc<H1Config>,
    pub(super) limits: ServeLimits,
    pub(super) budget: ByteBudget,
    pub(super) watch: DrainWatch,
    pub(super) tls: bool,
    pub(super) drain: DrainPoll,
    /// Once it drains: when it ends, quiet or not.
    pub(super) end: Option<Instant>,
    /// When the last answer went, or the connection began.
    pub(super) active: Instant,
    /// When the head under way began.
    pub(super) head: Option<Instant>,
    /// The client sends no more.
    pub(super) eof: bool,
    pub(super) early: Early,
    /// The request's body, if it is not all there yet.
    pub(super) inflow: Option<Inflow>,
    /// Some of a body was left unread.
    pub(super) unread: bool,
}

impl<S: Service> Server<S> {
    pub(super) fn new(config: Arc<H1Config>, connection: Accepted, service: S) -> Self {
        let now = clock::read();
        let limits = connection.limits;
        let scheme = match connection.tls {
            true => Scheme::Https,
            false => Scheme::Http,
        };
        let frame = limits.frame;
        let armed = now + limits.header_timeout.min(limits.idle);
        Self {
            wire: Wire::new(connection.io, &connection.prefix, armed),
            service,
            decoder: RequestDecoder::new(&config, frame.header, frame.headers, scheme),
            config,
            limits,
            budget: connection.budget,
            watch: connection.drain.clone(),
            tls: connection.tls,
            drain: DrainPoll::new(connection.drain),
            end: None,
            active: now,
            head: None,
            eof: false,
            early: Early::new(),
            inflow: None,
            unread: false,
        }
    }

    /// Serves until the connection ends, or goes on as something else. What is rare is boxed: this future stays as
    /// large as the largest of its states while the connection is idle.
    pub(super) async fn run<H: Handover>(&mut self) -> Result<Option<Box<Incoming>>, ConnError> {
        loop {
            let incoming = match poll_fn(|cx| self.poll_head(cx)).await {
                Ok(Some(incoming)) => incoming,
                Ok(None) => break,
                Err(stop) => {
                    Box::pin(self.stop(stop, true)).await?;
                    return Ok(None);
                }
            };
            self.head = None;
            if incoming.h2c.is_some() && H::TAKES {
                return Ok(Some(Box::new(incoming)));
            }
            match self.exchange(incoming).await {
                Ok(true) => {}
                Ok(false) => break,
                Err((stop, unanswered)) => {
                    Box::pin(self.stop(stop, unanswered)).await?;
                    return Ok(None);
                }
            }
            self.active = clock::now();
        }
        let unread = self.unread || !self.wire.buffer.is_empty();
        Box::pin(self.close(unread)).await;
        Ok(None)
    }

    /// The next request's head; None if the connection is to end.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Incoming>, Stop>> {
        self.poll_drain(cx);
        let mut reads = true;
        loop {
            if self.wire.out.len() < HIGH_WATER && !self.wire.buffer.is_empty() {
                match self.decoder.decode(&mut self.wire.buffer) {
                    Ok(Some(incoming)) => return Poll::Ready(Ok(Some(incoming))),
                    Ok(None) => {}
                    Err(refusal) => return Poll::Ready(Err(Stop::Refused(refusal))),
                }
            }
            match self.wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Stop::Gone)),
                Poll::Pending => {
                    reads = false;
                    break;
                }
            }
            if self.eof {
                return Poll::Ready(self.ended());
            }
            match self.wire.poll_fill(cx) {
                Poll::Ready(Ok(0)) => self.eof = true,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(match self.wire.buffer.is_empty() {
                        true => Err(Stop::Gone),
                        false => Err(Stop::Failed(error.into())),
                    });
                }
                Poll::Pending => break,
            }
        }
        // A head that waits for us costs the client no time: while it does not read its answers, nothing more is read from it.
        if self.wire.buffer.is_empty() || !reads {
            self.head = None;
        } else {
            self.head.get_or_insert(clock::now());
        }
        loop {
            let due = self.head_due();
            if self.wire.poll_due(due, cx).is_pending() {
                return Poll::Pending;
            }
            let now = clock::now();
            if self.stalled(now) {
                return Poll::Ready(Err(Stop::Failed(ConnError::Timeout("write"))));
            }
            if self
                .head
                .is_some_and(|head| head + self.limits.header_timeout <= now)
            {
                let what = "the request's head did not come in time";
                return Poll::Ready(Err(timed_out(what)));
            }
            if self.head_due() <= now {
                // Idle, or quiet while it drains.
                return Poll::Ready(Ok(None));
            }
        }
    }

    fn head_due(&self) -> Instant {
        let mut due = match self.head {
            Some(head) => head + self.limits.header_timeout,
            None if self.end.is_some() => self.active + QUIET,
            None => self.active + self.limits.idle.min(FAR),
        };
        for at in [self.end, self.wire.stalls(self.limits.body_idle)] {
            due = at.map_or(due, |at| due.min(at));
        }
        due
    }

    fn stalled(&self, now: Instant) -> bool {
        let stalls = self.wire.stalls(self.limits.body_idle);
        stalls.is_some_and(|at| at <= now)
    }

    /// The client sends no more, between two requests or within a head.
    fn ended(&self) -> Result<Option<Incoming>, Stop> {
        match self.wire.buffer.len() {
            0 => Ok(None),
            rest => Err(Stop::Failed(ConnError::Truncated(rest))),
        }
    }

    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) {
        if self.drain.poll(cx).is_ready() {
            let now = clock::now();
            self.end = Some(now + self.limits.drain);
            self.active = now;
        }
    }

    /// The request as the service takes it, and what its answer depends on.
    fn admit(&mut self, incoming: Incoming) -> Result<(Box<Request>, Plan), Refusal> {
        let mut http = incoming.http;
        let connect = http.method == Method::CONNECT;
        if connect && !self.config.connect {
            let what = "CONNECT is not allowed here";
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, what));
        }
        let old = http.version == Version::HTTP_10;
        let mut decoder = BodyDecoder::new(incoming.length);
        let (body, trailers) = if connect || http.upgrade.is_some() {
            let decoder = BodyDecoder::new(Length::UntilClose);
            let (inflow, body) = Inflow::new(decoder, None, Gate::Switch);
            self.inflow = Some(inflow);
            (body, None)
        } else {
            match start(&mut decoder, &mut self.wire.buffer)? {
                Start::Whole(body, trailers) => {
                    http.expect_continue = false;
                    (body, trailers)
                }
                Start::Begun(begun) => {
                    http.expect_continue &= begun.is_none() && self.wire.buffer.is_empty();
                    let gate = match http.expect_continue {
                        true => Gate::Continue,
                        false => Gate::Open,
                    };
                    let (inflow, body) = Inflow::new(decoder, begun, gate);
                    self.inflow = Some(inflow);
                    (body, None)
                }
            }
        };
        self.wire.release();
        if !old {
            self.early.renew();
            http.early = Some(self.early.clone());
        }
        let mut plan = Plan {
            asker: Asker {
                protocol: HTTP1,
                head: http.method == Method::HEAD,
            },
            old,
            keep_alive: incoming.keep_alive,
            connect,
            upgrade: http.upgrade.clone().map(|protocol| protocol.into_bytes()),
        };
        let kind = match body {
            Body::Stream(_) => Kind::Streaming,
            _ => Kind::Unary,
        };
        let head = semantics::request_head(http, HTTP1, kind);
        plan.asker.protocol = head.protocol;
        let mut request = Message::new(head, body);
        request.trailers = trailers;
        Ok((Box::new(request), plan))
    }

    /// One request and its answer. True if another may follow. An error says whether nothing was answered yet.
    async fn exchange(&mut self, incoming: Incoming) -> Result<bool, (Stop, bool)> {
        let (request, plan) = self
            .admit(incoming)
            .map_err(|refusal| (Stop::Refused(refusal), true))?;
        let answer = {
            let mut call = pin!(self.service.call(request));
            let waiting = poll_fn(|cx| self.poll_answer(call.as_mut(), cx));
            waiting.await.map_err(|stop| (stop, true))?
        };
        let response = match answer {
            Ok(response) => response,
            Err(error) => semantics::local_reply(plan.asker, &error),
        };
        self.respond(response, plan)
            .await
            .map_err(|stop| (stop, false))
    }

    /// Waits for the answer; moves the body and interim responses meanwhile, and sees the client go.
    fn poll_answer<F>(
        &mut self,
        mut call: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Result<Response, LocalError>, Stop>>
    where
        F: Future<Output = Result<Response, LocalError>>,
    {
        self.poll_drain(cx);
        loop {
            let answered = call.as_mut().poll(cx);
            while let Poll::Ready(interim) = self.early.poll_next(cx) {
                encode::response(
                    &mut self.wire.out,
                    &interim,
                    Framing::Bare,
                    Persist::Usual,
                    None,
                );
            }
            if let Poll::Ready(answer) = answered {
                return Poll::Ready(Ok(answer));
            }
            if !self.pump(cx)? {
                break;
            }
        }
        if let Poll::Ready(Err(_)) = self.wire.poll_flush(cx) {
            return Poll::Ready(Err(Stop::Gone));
        }
        let due = self.body_due();
        if self.wire.poll_due(due, cx).is_ready() {
            let now = clock::now();
            if self.stalled(now) {
                return Poll::Ready(Err(Stop::Failed(ConnError::Timeout("write"))));
            }
            if self.end.is_some_and(|end| end <= now) {
                return Poll::Ready(Ok(Err(ErrorKind::Draining.into())));
            }
            if self.body_due() <= now {
                let what = "the request's body did not come in time";
                return Poll::Ready(Err(timed_out(what)));
            }
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Moves the request's body; true if something was moved. Where it does not read, it looks out for the client's end.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>) -> Result<bool, Stop> {
        if let Some(inflow) = &mut self.inflow {
            match inflow.pump(&mut self.wire, cx)? {
                Pumped::Moved => return Ok(true),
                Pumped::Hungry => return Ok(false),
                Pumped::Full | Pumped::Over => {}
            }
        }
        while !self.eof {
            match self.wire.poll_glance(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) if self.config.half_close => self.eof = true,
                Poll::Ready(Ok(0) | Err(_)) => return Err(Stop::Gone),
                Poll::Ready(Ok(_)) => {}
            }
        }
        Ok(false)
    }

    /// When waiting for the answer, or for more of it, ends by our own clock.
    pub(super) fn body_due(&self) -> Instant {
        let waits = self.inflow.as_ref().and_then(Inflow::waits);
        let idle = waits.map(|since| since + self.limits.body_idle);
        let stalls = self.wire.stalls(self.limits.body_idle);
        let far = clock::now() + FAR;
        let all = [idle, stalls, self.end];
        all.into_iter().flatten().fold(far, Instant::min)
    }

    /// Ends the connection for a reason.
    async fn stop(&mut self, stop: Stop, unanswered: bool) -> Result<(), ConnError> {
        if let Some(mut inflow) = self.inflow.take() {
            inflow.fail("the request broke off");
        }
        match stop {
            // Whoever is gone takes no answer.
            Stop::Gone => Ok(()),
            Stop::Failed(error) => Err(error),
            Stop::Refused(refusal) => {
                if unanswered {
                    let error = refusal.local();
                    self.service.refused(&error);
                    let asker = Asker {
                        protocol: HTTP1,
                        head: false,
                    };
                    let mut reply = semantics::local_reply(asker, &error);
                    if let Some(http) = &mut reply.head.http {
                        http.status = refusal.status;
                    }
                    let plan = Plan {
                        asker,
                        old: false,
                        keep_alive: false,
                        connect: false,
                        upgrade: None,
                    };
                    if self.respond(reply, plan).await.is_ok() {
                        self.close(true).await;
                    }
                }
                Err(refusal.conn())
            }
        }
    }

    /// Lets somebody else answer and go on.
    pub(super) async fn hand_over<H: Handover>(
        mut self,
        incoming: Incoming,
        handover: H,
    ) -> Result<(), ConnError> {
        let settings = incoming.h2c.clone().unwrap_or_default();
        let (request, _) = match self.admit(incoming) {
            Ok(admitted) => admitted,
            Err(refusal) => return self.stop(Stop::Refused(refusal), true).await,
        };
        let switched = Switched {
            connection: Accepted {
                io: self.wire.io,
                prefix: self.wire.buffer.freeze(),
                limits: self.limits,
                budget: self.budget,
                drain: self.watch,
                tls: self.tls,
            },
            request,
            settings,
        };
        handover.take(switched, self.service).await
    }
}

fn timed_out(what: &'static str) -> Stop {
    Stop::Refused(Refusal::new(StatusCode::REQUEST_TIMEOUT, what))
}
