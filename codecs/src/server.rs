//! The downstream driver: serves a client's connection with any [`Codec`].
//!
//! One task does it all: it reads, decodes, starts an exchange per request, polls the exchanges, and writes what they
//! answered, once per turn. See `LIFECYCLE.md` beside this crate for the order of events.

use std::future::{Future, poll_fn};
use std::io::ErrorKind::ConnectionReset;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWrite, copy, sink};
use tokio::time::{Sleep, sleep_until, timeout};

use crate::clock::{self, Turn};
use crate::exchange::{Exchange, Finished};
use crate::order::Order;
use crate::progress::Progress;
use crate::reader::{Read, Reader, Shed};
use crate::{
    Accepted, Codec, ConnError, Control, DrainPoll, ErrorKind, Fault, Inbound, Io, Kind,
    LocalError, Mode, Needs, Outbound, Request, Response, Role, ServeLimits, Service, StreamId,
    WriteBuf,
};

/// Above this many unwritten bytes, answers wait and the socket is not read.
const HIGH_WATER: usize = 256 << 10;
/// Rounds of reading and answering before other connections of the worker get their turn.
const ROUNDS: usize = 8;
/// The slowest that a client may read, in bytes per second, once it has left something unread for `body_idle`.
const SLOWEST: u64 = 16 << 10;
/// Longer than anything lasts that has a time of its own.
const FAR: Duration = Duration::from_secs(24 * 3600);
/// How long what a client still sends is thrown away once its connection has ended with an error, and how much of it, in bytes.
const LINGER: Duration = Duration::from_secs(2);
const UNWANTED: u64 = 64 << 20;
/// After a drain began, how long a connection must be quiet to be closed: a request may be on its way.
const QUIET: Duration = Duration::from_millis(500);

/// Serves `connection` until either side ends it.
pub(crate) async fn serve<C: Codec, S: Service>(
    settings: C::Settings,
    connection: Accepted,
    service: S,
) -> Result<(), ConnError> {
    let mut server =
        Server::<C, S, _, _>::new(&settings, connection, service, |service: &S, request| {
            service.call(request)
        });
    let end = poll_fn(|cx| server.poll(cx)).await;
    if matches!(end, Err(ConnError::Protocol { .. })) {
        Box::pin(linger(server.io)).await;
    }
    end
}

/// Lets the client read why the connection ends while it is still writing: a socket that is closed with bytes unread takes back
/// what was written to it.
async fn linger(io: Box<dyn Io>) {
    let mut rest = io.take(UNWANTED);
    let _ = timeout(LINGER, copy(&mut rest, &mut sink())).await;
}

/// Where the connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Requests come in.
    Open,
    /// As open, but it ends when it is quiet.
    Draining,
    /// No more requests; it ends when those under way are answered.
    Finishing,
}

/// An answer under the client's id.
struct Reply(StreamId, Response);

struct Server<C, S, M, F> {
    io: Box<dyn Io>,
    codec: C,
    service: S,
    call: M,
    limits: ServeLimits,
    in_flight_max: usize,
    /// Where answers have no ids: they leave in the order of their requests.
    order: Option<Order<Reply>>,
    reader: Reader,
    write: WriteBuf,
    exchanges: FuturesUnordered<Exchange<F>>,
    /// Bytes of the frames whose exchanges are under way.
    held: usize,
    needs: Option<Arc<Needs>>,
    drain: DrainPoll,
    phase: Phase,
    /// Once it drains: when it ends, quiet or not.
    end: Option<Instant>,
    /// Why it ends, once that is known.
    fate: Result<(), ConnError>,
    /// Buffered bytes may hold another frame.
    undecoded: bool,
    /// When something last came or went.
    active: Instant,
    /// How the client reads, while something waits to be written.
    writing: Option<Progress>,
    timer: Pin<Box<Sleep>>,
    armed: Instant,
}

impl<C, S, M, F> Server<C, S, M, F>
where
    C: Codec,
    S: Service,
    M: Fn(&S, Box<Request>) -> F,
    F: Future<Output = Result<Response, LocalError>>,
{
    fn new(settings: &C::Settings, connection: Accepted, service: S, call: M) -> Self {
        let now = clock::read();
        let limits = connection.limits;
        let armed = now + limits.header_timeout.min(limits.idle);
        Self {
            io: connection.io,
            codec: C::new(settings, Role::Downstream, limits.frame),
            service,
            call,
            in_flight_max: match C::MODE {
                Mode::Multiplexed => limits.in_flight.max(1),
                Mode::PingPong => limits.in_flight.min(C::pipelined(settings)).max(1),
            },
            order: (C::MODE == Mode::PingPong).then(Order::default),
            reader: Reader::new(&connection.prefix, limits.frame.frame, connection.budget),
            write: WriteBuf::new(),
            exchanges: FuturesUnordered::new(),
            held: 0,
            needs: None,
            drain: DrainPoll::new(connection.drain),
            phase: Phase::Open,
            end: None,
            fate: Ok(()),
            undecoded: true,
            active: now,
            writing: None,
            timer: Box::pin(sleep_until(armed.into())),
            armed,
            limits,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnError>> {
        let (_turn, now) = Turn::begin();
        self.refresh_needs();
        if self.drain.poll(cx).is_ready() {
            self.begin_drain(now)?;
        }
        for _ in 0..ROUNDS {
            let mut progress = self.read(now, cx)?;
            progress |= self.answer(now, cx)?;
            progress |= self.flush(now, cx)?;
            if self.is_over(now) {
                return self.close(cx);
            }
            if !progress {
                return self.wait(now, cx);
            }
        }
        if self.next_due() <= now {
            // A client that never pauses must not keep its connection from ending.
            return self.expire(now, cx);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn refresh_needs(&mut self) {
        let needs = self.service.needs();
        if !self
            .needs
            .as_ref()
            .is_some_and(|old| Arc::ptr_eq(old, &needs))
        {
            self.codec.set_needs(&needs);
            self.needs = Some(needs);
        }
    }

    fn begin_drain(&mut self, now: Instant) -> Result<(), ConnError> {
        self.end = Some(now + self.limits.drain);
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
            self.codec.encode(Outbound::GoAway, &mut self.write)?;
            self.active = now;
        }
        Ok(())
    }

    /// Requests that are not answered.
    fn unanswered(&self) -> usize {
        let waiting = self.order.as_ref().map_or(0, Order::len);
        self.exchanges.len().max(waiting)
    }

    fn accepts(&self) -> bool {
        self.phase != Phase::Finishing
            && self.unanswered() < self.in_flight_max
            && self.write.len() < HIGH_WATER
    }

    /// Decodes what is there, then reads once. True if there may be more. Fails if the client is gone altogether; what
    /// is wrong with what it sent is its [fate](Self::finish).
    fn read(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<bool, ConnError> {
        if !self.accepts() {
            self.reader.pause(now);
            return Ok(false);
        }
        if self.undecoded {
            self.decode(now);
            if self.undecoded || self.phase == Phase::Finishing {
                return Ok(false);
            }
        }
        let polled = self.reader.poll_read(&mut self.io, &self.codec, now, cx);
        match polled {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(Read::Some)) => {
                self.active = now;
                self.undecoded = true;
                self.decode(now);
            }
            Poll::Ready(Ok(Read::End)) => {
                let rest = self.reader.buffered();
                self.finish(if rest == 0 && !self.codec.mid_frame() {
                    Ok(())
                } else {
                    Err(ConnError::Truncated(rest))
                });
            }
            // Nobody is there to take an answer, so nothing is worth finishing.
            Poll::Ready(Err(ConnError::Io(error))) if error.kind() == ConnectionReset => {
                return Err(error.into());
            }
            Poll::Ready(Err(error)) => self.finish(Err(error)),
        }
        Ok(true)
    }

    /// Starts an exchange per whole frame, as far as the limits allow.
    fn decode(&mut self, now: Instant) {
        while self.accepts() {
            match self.reader.decode(&mut self.codec, now) {
                Ok(Some(event)) => {
                    let size = self.reader.uncovered();
                    if let Err(error) = self.handle(event, size) {
                        return self.finish(Err(error));
                    }
                }
                Ok(None) => {
                    self.undecoded = false;
                    break;
                }
                Err(error) => return self.finish(Err(error)),
            }
        }
        self.reader.settle(self.held);
    }

    fn handle(&mut self, event: Inbound, size: usize) -> Result<(), ConnError> {
        match event {
            Inbound::Request(id, request) => {
                let origin = request.head.origin();
                self.held += size;
                let turn = self.take_turn(origin.kind);
                let future = (self.call)(&self.service, Box::new(request));
                let exchange = Exchange::new(future, id, size, turn, origin);
                self.exchanges.push(exchange);
                Ok(())
            }
            Inbound::Control(Control::Ping(id, wire)) => self
                .codec
                .encode(Outbound::Pong(id, &wire), &mut self.write),
            Inbound::Control(_) => Ok(()),
            Inbound::Fault(id, fault) => self.refuse(id, &fault),
            Inbound::Response(id, _) => Err(ConnError::protocol(
                C::ID.as_str(),
                format!("a client sent a response (id {})", id.0),
            )),
        }
    }

    fn refuse(&mut self, id: StreamId, fault: &Fault) -> Result<(), ConnError> {
        if !fault.is_request {
            let what = format!("a client sent a response: {}", fault.error.detail);
            return Err(ConnError::protocol(C::ID.as_str(), what));
        }
        self.service.refused(&fault.error);
        if fault.origin.kind == Kind::OneWay {
            return Ok(());
        }
        let reply = self.codec.error_reply(&fault.origin, &fault.error);
        let turn = self.take_turn(fault.origin.kind);
        self.reply(turn, Reply(id, reply))
    }

    fn take_turn(&mut self, kind: Kind) -> u64 {
        match &mut self.order {
            Some(order) if kind != Kind::OneWay => order.take_turn(),
            _ => 0,
        }
    }

    /// Queues the answer, or keeps it until those before it are there.
    fn reply(&mut self, turn: u64, mut reply: Reply) -> Result<(), ConnError> {
        let Some(order) = &mut self.order else {
            return self.encode(&mut reply);
        };
        order.fill(turn, reply);
        while let Some(mut reply) = self.order.as_mut().and_then(Order::next) {
            self.encode(&mut reply)?;
        }
        Ok(())
    }

    fn encode(&mut self, Reply(id, response): &mut Reply) -> Result<(), ConnError> {
        self.codec
            .encode(Outbound::Response(*id, response), &mut self.write)?;
        if let Some(reserved) = response.hold.take() {
            self.write.hold(reserved);
        }
        Ok(())
    }

    /// Polls the exchanges and queues the answers of those that are done.
    fn answer(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<bool, ConnError> {
        let mut progress = false;
        while self.write.len() < HIGH_WATER {
            let Poll::Ready(Some(finished)) = self.exchanges.poll_next_unpin(cx) else {
                break;
            };
            let Finished {
                id,
                size,
                turn,
                origin,
                result,
            } = finished;
            progress = true;
            self.held -= size;
            if origin.kind == Kind::OneWay {
                continue;
            }
            let reply = match result {
                Ok(response) => response,
                Err(error) => self.codec.error_reply(&origin, &error),
            };
            self.reply(turn, Reply(id, reply))?;
        }
        if progress {
            self.active = now;
            self.reader.settle(self.held);
        }
        Ok(progress)
    }

    fn flush(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<bool, ConnError> {
        let before = self.write.len();
        if before == 0 {
            return Ok(false);
        }
        if let Poll::Ready(Err(error)) = self.write.poll_flush(&mut self.io, cx) {
            return Err(error.into());
        }
        self.writing = Progress::of_queue(self.writing, now, before, self.write.len());
        // Only room that was missing is progress: answers may wait for it.
        Ok(before >= HIGH_WATER && self.write.len() < HIGH_WATER)
    }

    /// No more requests. The first reason counts.
    fn finish(&mut self, fate: Result<(), ConnError>) {
        if self.phase != Phase::Finishing {
            self.phase = Phase::Finishing;
            self.fate = fate;
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let idle = self.exchanges.is_empty() && self.write.is_empty();
        match self.phase {
            Phase::Open => false,
            Phase::Finishing => idle,
            Phase::Draining => idle && !self.mid_request() && now >= self.active + QUIET,
        }
    }

    /// A part of a request is there.
    fn mid_request(&self) -> bool {
        self.reader.buffered() > 0 || self.codec.mid_frame()
    }

    fn frame_deadline(&self) -> Option<Instant> {
        let limits = &self.limits;
        self.reader
            .frame_deadline(limits.header_timeout, limits.body_idle)
    }

    fn stalled(&self) -> Option<Instant> {
        let grace = self.limits.body_idle;
        Some(self.writing?.deadline(grace, grace, SLOWEST))
    }

    fn close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnError>> {
        // Dropping the socket would do; shutting down first lets TLS say goodbye.
        let _ = Pin::new(&mut self.io).poll_shutdown(cx);
        Poll::Ready(std::mem::replace(&mut self.fate, Ok(())))
    }

    /// Nothing more can be done now: arm the timer for whatever is due first.
    fn wait(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<Result<(), ConnError>> {
        let next = self.next_due();
        if next <= now {
            return self.expire(now, cx);
        }
        // Coarse on purpose: the timer is moved only when it would come too late, and looks again when it fires.
        if next < self.armed || self.armed <= now {
            self.armed = next;
            self.timer.as_mut().reset(next.into());
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = clock::read();
            let next = self.next_due();
            if next <= now {
                return self.expire(now, cx);
            }
            self.armed = next;
            self.timer.as_mut().reset(next.into());
        }
        Poll::Pending
    }

    fn next_due(&self) -> Instant {
        // Nobody is idle who waits for an answer or takes one: those have deadlines of their own.
        let mut due = match self.exchanges.is_empty() && self.write.is_empty() {
            true => self.active + self.limits.idle,
            false => self.active + self.limits.idle.max(FAR),
        };
        let frame = match self.phase {
            Phase::Finishing => None,
            Phase::Open | Phase::Draining => self.frame_deadline(),
        };
        let shed = self.reader.shed_at(self.limits.header_timeout);
        for at in [frame, self.stalled(), self.end, shed] {
            due = at.map_or(due, |at| due.min(at));
        }
        if self.phase == Phase::Draining
            && self.exchanges.is_empty()
            && self.write.is_empty()
            && !self.mid_request()
        {
            due = due.min(self.active + QUIET);
        }
        due
    }

    /// A time limit has passed: which one?
    fn expire(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<Result<(), ConnError>> {
        let due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        if due(self.stalled()) {
            return Poll::Ready(Err(ConnError::Timeout("write")));
        }
        if due(self.end) {
            self.abandon()?;
            let _ = self.write.poll_flush(&mut self.io, cx);
            return self.close(cx);
        }
        if due(self.reader.shed_at(self.limits.header_timeout)) {
            let limits = self.limits.frame;
            if let Shed::Told(event) = self.reader.shed(&mut self.codec, limits, now)? {
                self.handle(*event, 0)?;
                self.undecoded = true;
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if due(self.frame_deadline()) {
            self.finish(Err(ConnError::Timeout("frame")));
            // Those under way are still answered.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.exchanges.is_empty() || !self.write.is_empty() {
            self.active = now;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // Idle, or quiet while it drains.
        self.close(cx)
    }

    /// The drain's time is up: every request that is still under way is told so.
    fn abandon(&mut self) -> Result<(), ConnError> {
        let error = LocalError::from(ErrorKind::Draining);
        let exchanges = std::mem::take(&mut self.exchanges);
        for exchange in Pin::new(&exchanges).iter_pin_ref() {
            let (id, turn, origin) = exchange.get_ref().identity();
            if origin.kind != Kind::OneWay {
                let reply = self.codec.error_reply(origin, &error);
                self.reply(turn, Reply(id, reply))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
