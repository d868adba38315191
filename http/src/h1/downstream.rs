//! A client's connection: one request after the other, on one task.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use tokio_util::codec::Decoder;
use wireloom_codecs::clock::{self, Turn};
use wireloom_codecs::http::{GRPC, HTTP1};
use wireloom_codecs::{
    Accepted, Body, BoxFuture, ByteBudget, ConnError, DrainPoll, DrainWatch, Early, ErrorKind,
    HttpResponse, Kind, LocalError, Message, Protocol, ProtocolId, Request, Response, Scheme,
    ServeLimits, Service, Sniff,
};

use crate::config::H1Config;
use crate::h1::body::{BodyDecoder, Length};
use crate::h1::encode::{self, Framing, Persist};
use crate::h1::inflow::{Broken, Gate, Inflow, Pumped, Start, start};
use crate::h1::outflow::{BrokeOff, Outflow, Took};
use crate::h1::refusal::Refusal;
use crate::h1::request::{Incoming, RequestDecoder};
use crate::h1::sniff::sniff;
use crate::h1::wire::Wire;
use crate::semantics::{self, Asker};

/// Longer than anything lasts that has a time of its own.
const FAR: Duration = Duration::from_secs(24 * 3600);
/// After a drain began, how long a connection must be quiet to be closed: a request may be on its way.
const QUIET: Duration = Duration::from_millis(500);
/// Above this many unwritten bytes, pipelined requests wait.
const HIGH_WATER: usize = 64 << 10;
/// What is read of a request body that nobody wants, so that the connection can go on or the client gets to the answer.
const UNWANTED: usize = 256 << 10;
/// How long that may take.
const LINGER: Duration = Duration::from_secs(1);

/// A connection whose client asked to go on in HTTP/2 (`Upgrade: h2c`).
pub struct Switched {
    /// The connection, with what the client has sent behind the request. Nothing was answered yet, not even the 101.
    pub connection: Accepted,
    /// The request, to be answered as stream 1.
    pub request: Box<Request>,
    /// The value of `HTTP2-Settings`: a SETTINGS payload in base64url.
    pub settings: Bytes,
}

/// Who takes connections over that go on in HTTP/2.
pub trait Handover: Clone + Send + Sync + 'static {
    /// Whether it does. Else the wish is ignored, which RFC 9110 §7.8 allows.
    const TAKES: bool;

    /// Serves the connection to its end.
    fn take<S: Service>(&self, switched: Switched, service: S) -> BoxFuture<Result<(), ConnError>>;
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHandover;

impl Handover for NoHandover {
    const TAKES: bool = false;

    fn take<S: Service>(&self, _: Switched, _: S) -> BoxFuture<Result<(), ConnError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The downstream side of HTTP/1.
#[derive(Clone, Debug, Default)]
pub struct Http1<H = NoHandover> {
    config: Arc<H1Config>,
    handover: H,
}

impl Http1 {
    /// With these settings, and without `Upgrade: h2c`.
    pub fn new(config: H1Config) -> Self {
        Self::with_handover(config, NoHandover)
    }
}

impl<H: Handover> Http1<H> {
    /// With these settings; `handover` serves what goes on in HTTP/2.
    pub fn with_handover(config: H1Config, handover: H) -> Self {
        Self {
            config: Arc::new(config),
            handover,
        }
    }
}

impl<S: Service, H: Handover> Protocol<S> for Http1<H> {
    fn id(&self) -> ProtocolId {
        HTTP1
    }

    fn carries(&self) -> &'static [ProtocolId] {
        &[GRPC]
    }

    fn sniff(&self, prefix: &[u8]) -> Sniff {
        sniff(prefix)
    }

    fn serve(&self, connection: Accepted, service: S) -> BoxFuture<Result<(), ConnError>> {
        let server = Server::new(self.config.clone(), connection, service);
        let handover = self.handover.clone();
        Box::pin(async move {
            let mut serving = pin!(server.run(handover));
            poll_fn(|cx| {
                let _turn = Turn::begin();
                serving.as_mut().poll(cx)
            })
            .await
        })
    }
}

/// Why a connection ends before its time.
enum Stop {
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
struct Plan {
    asker: Asker,
    /// HTTP/1.0.
    old: bool,
    keep_alive: bool,
    /// The method was CONNECT.
    connect: bool,
    upgrade: Option<Bytes>,
}

pub(super) struct Server<S> {
    wire: Wire,
    service: S,
    decoder: RequestDecoder,
    config: Arc<H1Config>,
    limits: ServeLimits,
    budget: ByteBudget,
    watch: DrainWatch,
    tls: bool,
    drain: DrainPoll,
    /// Once it drains: when it ends, quiet or not.
    end: Option<Instant>,
    /// When the last answer went, or the connection began.
    active: Instant,
    /// When the head under way began.
    head: Option<Instant>,
    /// The client sends no more.
    eof: bool,
    early: Early,
    /// The request's body, if it is not all there yet.
    inflow: Option<Inflow>,
    /// Some of a body was left unread.
    unread: bool,
}

impl<S: Service> Server<S> {
    fn new(config: Arc<H1Config>, connection: Accepted, service: S) -> Self {
        let now = Instant::now();
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

    async fn run<H: Handover>(mut self, handover: H) -> Result<(), ConnError> {
        loop {
            let incoming = match poll_fn(|cx| self.poll_head(cx)).await {
                Ok(Some(incoming)) => incoming,
                Ok(None) => return self.close(false).await,
                Err(stop) => return self.stop(stop, true).await,
            };
            self.head = None;
            if incoming.h2c.is_some() && H::TAKES {
                return self.hand_over(incoming, handover).await;
            }
            match self.exchange(incoming).await {
                Ok(true) => {}
                Ok(false) => {
                    let unread = self.unread || !self.wire.buffer.is_empty();
                    return self.close(unread).await;
                }
                Err((stop, unanswered)) => return self.stop(stop, unanswered).await,
            }
            self.active = clock::now();
        }
    }

    /// The next request's head; None if the connection is to end.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Incoming>, Stop>> {
        self.poll_drain(cx);
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
                Poll::Pending => break,
            }
            if self.eof {
                return Poll::Ready(self.ended());
            }
            match self.wire.poll_fill(cx) {
                Poll::Ready(Ok(0)) => self.eof = true,
                Poll::Ready(Ok(_)) => {
                    self.head.get_or_insert(clock::now());
                }
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(match self.wire.buffer.is_empty() {
                        true => Err(Stop::Gone),
                        false => Err(Stop::Failed(error.into())),
                    });
                }
                Poll::Pending => break,
            }
        }
        if self.wire.buffer.is_empty() {
            self.head = None;
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

    fn poll_drain(&mut self, cx: &mut Context<'_>) {
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
    fn pump(&mut self, cx: &mut Context<'_>) -> Result<bool, Stop> {
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
    fn body_due(&self) -> Instant {
        let waits = self.inflow.as_ref().and_then(Inflow::waits);
        let idle = waits.map(|since| since + self.limits.body_idle);
        let stalls = self.wire.stalls(self.limits.body_idle);
        let far = clock::now() + FAR;
        let all = [idle, stalls, self.end];
        all.into_iter().flatten().fold(far, Instant::min)
    }

    /// Writes the answer. True if another request may follow.
    async fn respond(&mut self, mut response: Response, plan: Plan) -> Result<bool, Stop> {
        let http = response.head.http.take();
        let http = http.unwrap_or_else(|| Box::new(HttpResponse::new(StatusCode::BAD_GATEWAY)));
        let switched = http.status == StatusCode::SWITCHING_PROTOCOLS && plan.upgrade.is_some()
            || plan.connect && http.status.is_success();
        if switched {
            return self.tunnel(&http, response.body, plan).await;
        }
        if http.status.is_informational() {
            let error = LocalError::new(ErrorKind::Reset, "an interim answer and no other");
            let reply = semantics::local_reply(plan.asker, &error);
            return Box::pin(self.respond(reply, plan)).await;
        }
        let framing = framing(&http, &response, &plan);
        let keep = plan.keep_alive && framing != Framing::Close && self.end.is_none() && !self.eof;
        let keep = keep && !self.unread_is_too_much();
        let persist = match (keep, plan.old) {
            (false, _) => Persist::Close,
            (true, true) => Persist::KeepAlive,
            (true, false) => Persist::Usual,
        };
        encode::response(&mut self.wire.out, &http, framing, persist, None);
        let body = std::mem::take(&mut response.body);
        match body {
            _ if matches!(framing, Framing::Bare | Framing::Told) => {}
            Body::Empty => {
                if framing == Framing::Chunked {
                    encode::last_chunk(&mut self.wire.out, response.trailers.as_deref());
                }
            }
            Body::Whole(bytes) => {
                if framing == Framing::Chunked {
                    encode::chunk(&mut self.wire.out, &bytes);
                    encode::last_chunk(&mut self.wire.out, response.trailers.as_deref());
                } else {
                    self.wire.out.put(&bytes);
                }
            }
            Body::Stream(stream) => {
                let mut outflow = Outflow::new(stream, framing);
                poll_fn(|cx| self.poll_body(&mut outflow, cx)).await?;
            }
        }
        if let Some(hold) = response.hold.take() {
            self.wire.out.hold(hold);
        }
        match self.inflow.take() {
            None => Ok(keep),
            Some(inflow) if inflow.complete() || inflow.gated() => Ok(keep),
            Some(inflow) => {
                let all = self.discard(inflow, keep).await;
                self.unread = !all;
                Ok(all && keep)
            }
        }
    }

    /// The rest of the request is more than is read for the sake of the connection, or may never come.
    fn unread_is_too_much(&self) -> bool {
        let inflow = self.inflow.as_ref();
        inflow.is_some_and(|inflow| inflow.unasked() || inflow.left() > UNWANTED as u64)
    }

    /// Moves a streamed answer to the client, and the rest of the request's body meanwhile.
    fn poll_body(&mut self, outflow: &mut Outflow, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.poll_drain(cx);
        loop {
            let took = match outflow.take(&mut self.wire.out, cx) {
                Ok(took) => took,
                Err(broken) => return Poll::Ready(Err(broke_off(broken))),
            };
            if let Took::All = took {
                return Poll::Ready(Ok(()));
            }
            let full = self.wire.out.len() > 0;
            let flushed = match self.wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Stop::Gone)),
                Poll::Pending => false,
            };
            let moved = self.pump(cx)?;
            if !moved && !(full && flushed) {
                break;
            }
        }
        let due = self.body_due();
        if self.wire.poll_due(due, cx).is_ready() {
            if self.body_due() <= clock::now() {
                return Poll::Ready(Err(Stop::Failed(ConnError::Timeout("body"))));
            }
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Throws the rest of a request's body away. True if all of it came.
    async fn discard(&mut self, mut inflow: Inflow, keep: bool) -> bool {
        if !keep && inflow.unasked() {
            return false;
        }
        let until = clock::now() + LINGER;
        let mut left = UNWANTED;
        poll_fn(|cx| {
            // The client may wait for the answer before it sends on.
            if let Poll::Ready(Err(_)) = self.wire.poll_flush(cx) {
                return Poll::Ready(false);
            }
            if let Poll::Ready(all) = inflow.poll_discard(&mut self.wire, &mut left, cx) {
                return Poll::Ready(all);
            }
            self.wire.poll_due(until, cx).map(|()| false)
        })
        .await
    }

    /// Ends the connection for a reason.
    async fn stop(mut self, stop: Stop, unanswered: bool) -> Result<(), ConnError> {
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
                        self.close(true).await?;
                    }
                }
                Err(refusal.conn())
            }
        }
    }

    /// Writes what waits and closes. With `linger`, what the client is still sending is read for a while: a socket that
    /// is closed with something unread in it takes back what was written.
    async fn close(mut self, linger: bool) -> Result<(), ConnError> {
        let patience = self.limits.body_idle;
        let until = clock::now() + patience;
        let flushed = poll_fn(|cx| {
            if let Poll::Ready(done) = self.wire.poll_flush(cx) {
                return Poll::Ready(done.is_ok());
            }
            self.wire.poll_due(until, cx).map(|()| false)
        });
        if !flushed.await {
            return Ok(());
        }
        let until = clock::now() + LINGER;
        let mut left = UNWANTED;
        poll_fn(|cx| {
            // Dropping the socket would do; shutting down first lets TLS say goodbye.
            if self.wire.poll_shutdown(cx).is_pending() {
                return self.wire.poll_due(until, cx);
            }
            while linger && !self.eof {
                self.wire.buffer.clear();
                match self.wire.poll_fill(cx) {
                    Poll::Ready(Ok(read @ 1..)) if read < left => left -= read,
                    Poll::Ready(_) => break,
                    Poll::Pending => return self.wire.poll_due(until, cx),
                }
            }
            Poll::Ready(())
        })
        .await;
        Ok(())
    }

    async fn hand_over<H: Handover>(
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

    /// Both directions until both have ended.
    async fn tunnel(&mut self, http: &HttpResponse, body: Body, plan: Plan) -> Result<bool, Stop> {
        let protocol = plan.upgrade.as_deref();
        encode::response(
            &mut self.wire.out,
            http,
            Framing::Bare,
            Persist::Usual,
            protocol,
        );
        if let Some(inflow) = &mut self.inflow {
            inflow.open();
        }
        let mut down = match body {
            Body::Stream(stream) => Some(Outflow::new(stream, Framing::Close)),
            Body::Whole(bytes) => {
                self.wire.out.put(&bytes);
                None
            }
            Body::Empty => None,
        };
        self.active = clock::now();
        poll_fn(|cx| self.poll_tunnel(&mut down, cx)).await?;
        Ok(false)
    }

    fn poll_tunnel(
        &mut self,
        down: &mut Option<Outflow>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Stop>> {
        self.poll_drain(cx);
        let mut moved = true;
        while std::mem::take(&mut moved) {
            let before = self.wire.out.len();
            if let Some(outflow) = down {
                match outflow.take(&mut self.wire.out, cx) {
                    Ok(Took::Waits) => {}
                    Ok(Took::All) => *down = None,
                    Err(broken) => return Poll::Ready(Err(broke_off(broken))),
                }
            }
            moved |= self.wire.out.len() > before;
            let flushed = match self.wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Stop::Gone)),
                Poll::Pending => false,
            };
            moved &= flushed;
            let up = match &mut self.inflow {
                None => true,
                Some(inflow) => match inflow.pump(&mut self.wire, cx)? {
                    Pumped::Moved => {
                        moved = true;
                        false
                    }
                    Pumped::Hungry | Pumped::Full => false,
                    Pumped::Over => true,
                },
            };
            if up {
                self.inflow = None;
            }
            if moved {
                self.active = clock::now();
            }
            if down.is_none() && flushed {
                let shut = self.wire.poll_shutdown(cx).is_ready();
                if up && shut {
                    return Poll::Ready(Ok(()));
                }
            }
        }
        let idle = self.active + self.limits.idle.min(FAR);
        let stalls = self.wire.stalls(self.limits.body_idle);
        let due = [stalls, self.end].into_iter().flatten();
        let due = due.fold(idle, Instant::min);
        self.wire
            .poll_due(due, cx)
            .map(|()| Err(Stop::Failed(ConnError::Timeout("tunnel"))))
    }
}

fn timed_out(what: &'static str) -> Stop {
    Stop::Refused(Refusal::new(StatusCode::REQUEST_TIMEOUT, what))
}

/// The client sees that the answer is cut: the connection closes before its end.
fn broke_off(broken: BrokeOff) -> Stop {
    Stop::Failed(ConnError::protocol(
        HTTP1.as_str(),
        match broken {
            BrokeOff::Failed(error) => format!("the answer broke off: {error}"),
            BrokeOff::Length => "the answer is not as long as it said".to_owned(),
        },
    ))
}

/// How the answer's body is told from what comes behind it.
fn framing(http: &HttpResponse, response: &Response, plan: &Plan) -> Framing {
    let trailers = response.trailers.as_ref();
    let trailers = trailers.is_some_and(|trailers| !trailers.is_empty()) && !plan.old;
    match &response.body {
        _ if http.status == StatusCode::NO_CONTENT => Framing::Bare,
        _ if plan.asker.head || http.status == StatusCode::NOT_MODIFIED => Framing::Told,
        Body::Empty | Body::Whole(_) if trailers => Framing::Chunked,
        Body::Empty => Framing::Length(0),
        Body::Whole(bytes) => Framing::Length(bytes.len() as u64),
        Body::Stream(_) => match announced(http) {
            Some(length) => Framing::Length(length),
            None if plan.old => Framing::Close,
            None => Framing::Chunked,
        },
    }
}

fn announced(http: &HttpResponse) -> Option<u64> {
    let value = http.headers.get(&http::header::CONTENT_LENGTH)?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
