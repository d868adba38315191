//! The task that owns an upstream connection: calls in, frames out, replies back to the call they answer.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::handle::{Command, Shared};
use super::timers::Timers;
use crate::clock::Turn;
use crate::reader::{Read, Reader};
use crate::slots::{Slots, Taken};
use crate::{
    ByteBudget, Call, CallError, ChannelEvents, ChannelLimits, ChannelState, Codec, ConnError,
    Control, ErrorKind, Inbound, Io, Kind, LocalError, Mode, Outbound, Request, Response, Role,
    StreamId, WriteBuf,
};

/// Above this many unwritten bytes, calls wait unencoded.
const HIGH_WATER: usize = 256 << 10;
/// Rounds of reading and writing before other connections of the worker get their turn.
const ROUNDS: usize = 8;

/// Where a call's answer goes.
type Reply = oneshot::Sender<Result<Response, CallError>>;

/// A request under way.
pub(super) struct Pending {
    pub(super) deadline: Instant,
    pub(super) waiter: Waiter,
}

/// Who waits for a slot's reply.
pub(super) enum Waiter {
    Call(Reply),
    /// We do: it is our heartbeat.
    Ping,
}

/// How many calls a connection carries at once.
pub(super) fn capacity<C: Codec>(limits: &ChannelLimits) -> usize {
    match C::MODE {
        Mode::Multiplexed => limits.in_flight.clamp(1, 1 << 16),
        Mode::PingPong => 1,
    }
}

/// Serves the connection to its end. Not an `async fn`, so that the settings are not kept in the future.
pub(super) fn run<C: Codec>(
    settings: &C::Settings,
    io: Box<dyn Io>,
    limits: ChannelLimits,
    budget: ByteBudget,
    events: Arc<dyn ChannelEvents>,
    commands: UnboundedReceiver<Command>,
    shared: Arc<Shared>,
) -> impl Future<Output = ()> + Send + 'static {
    let capacity = capacity::<C>(&limits);
    let mut driver = Box::new(Driver {
        io,
        codec: C::new(settings, Role::Upstream, limits.frame),
        reader: Reader::new(&[], budget),
        write: WriteBuf::new(),
        commands,
        // As many again may be in quarantine before the connection is given up.
        slots: Slots::new((2 * capacity).next_power_of_two(), C::MAX_ID),
        capacity,
        unsent: VecDeque::new(),
        timers: Timers::new(
            limits.keep_alive.or_else(|| C::keep_alive(settings)),
            limits.idle,
        ),
        events,
        shared,
    });
    async move { poll_fn(|cx| driver.poll(cx)).await }
}

pub(super) struct Driver<C> {
    io: Box<dyn Io>,
    pub(super) codec: C,
    reader: Reader,
    pub(super) write: WriteBuf,
    commands: UnboundedReceiver<Command>,
    pub(super) slots: Slots<Pending>,
    pub(super) capacity: usize,
    /// Calls that wait for the peer to read.
    pub(super) unsent: VecDeque<Call>,
    pub(super) timers: Timers,
    pub(super) events: Arc<dyn ChannelEvents>,
    pub(super) shared: Arc<Shared>,
}

impl<C: Codec> Driver<C> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (_turn, now) = Turn::begin();
        match self.turn(now, cx) {
            Ok(ControlFlow::Continue(())) => Poll::Pending,
            Ok(ControlFlow::Break(())) => {
                self.close(None);
                Poll::Ready(())
            }
            Err(error) => {
                self.close(Some(&error));
                Poll::Ready(())
            }
        }
    }

    fn turn(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<ControlFlow<()>, ConnError> {
        for _ in 0..ROUNDS {
            let read = self.read(now, cx)?;
            if read.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let mut progress = read == ControlFlow::Continue(true);
            progress |= self.take_calls(now, cx)?;
            progress |= self.flush(now, cx)?;
            if self.is_over() {
                return Ok(ControlFlow::Break(()));
            }
            if !progress {
                return self.wait(now, cx);
            }
        }
        cx.waker().wake_by_ref();
        Ok(ControlFlow::Continue(()))
    }

    /// Reads once and hands out the replies. Breaks at a clean end; continues with whether there was anything.
    fn read(
        &mut self,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Result<ControlFlow<(), bool>, ConnError> {
        match self.reader.poll_read(&mut self.io, &self.codec, cx) {
            Poll::Pending => return Ok(ControlFlow::Continue(false)),
            Poll::Ready(Ok(Read::Some)) => {}
            Poll::Ready(Ok(Read::End)) if self.reader.buffered() == 0 => {
                return Ok(ControlFlow::Break(()));
            }
            Poll::Ready(Ok(Read::End)) => {
                return Err(ConnError::Truncated(self.reader.buffered()));
            }
            Poll::Ready(Err(error)) => return Err(error.into()),
        }
        self.timers.heard(now);
        while let Some((event, _)) = self.reader.decode(&mut self.codec, now)? {
            self.handle(event)?;
        }
        Ok(ControlFlow::Continue(true))
    }

    fn handle(&mut self, event: Inbound) -> Result<(), ConnError> {
        match event {
            Inbound::Response(id, response) => {
                self.deliver(id, Ok(response));
                Ok(())
            }
            Inbound::Fault(id, fault) if !fault.is_request => {
                let what = format!("the upstream's answer is unusable: {}", fault.error.detail);
                let error = LocalError::new(ErrorKind::Reset, what);
                self.deliver(id, Err(CallError { error, sent: true }));
                Ok(())
            }
            Inbound::Control(control) => self.control(control),
            Inbound::Request(id, request) => self.refuse_push(id, &request.head.origin()),
            Inbound::Fault(id, fault) => self.refuse_push(id, &fault.origin),
        }
    }

    fn deliver(&mut self, id: StreamId, result: Result<Response, CallError>) {
        match self.slots.take(id) {
            Taken::Live(Pending {
                waiter: Waiter::Call(reply),
                ..
            }) => {
                self.shared.done();
                // If the caller is gone, so is the interest in the answer.
                let _ = reply.send(result);
            }
            Taken::Live(_) | Taken::Late | Taken::Unknown => self.events.stray_reply(),
        }
    }

    fn control(&mut self, control: Control) -> Result<(), ConnError> {
        match control {
            Control::Ping(id, wire) => {
                self.codec
                    .encode(Outbound::Pong(id, &wire), &mut self.write)?;
            }
            Control::Pong(id) => {
                self.slots.take(id);
            }
            Control::GoAway => self.drain(),
            Control::Resume if self.shared.state() == ChannelState::Draining => {
                self.shared.set_state(ChannelState::Open);
            }
            Control::Resume | Control::Ignore => {}
        }
        Ok(())
    }

    /// A server's own request cannot be carried to a client: many share this connection.
    fn refuse_push(&mut self, id: StreamId, origin: &crate::Origin) -> Result<(), ConnError> {
        self.events.refused_push();
        if origin.kind == Kind::OneWay {
            return Ok(());
        }
        let what = "calls from a server to its client cannot pass a proxy";
        let error = LocalError::new(ErrorKind::Unsupported, what);
        let reply = self.codec.error_reply(origin, &error);
        self.codec
            .encode(Outbound::Response(id, &reply), &mut self.write)
    }

    /// Takes no more calls; those under way finish.
    pub(super) fn drain(&mut self) {
        if self.shared.state() == ChannelState::Open {
            self.shared.set_state(ChannelState::Draining);
            self.events.draining();
        }
    }

    /// Encodes what callers sent, as long as the peer reads.
    fn take_calls(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<bool, ConnError> {
        let mut progress = false;
        while self.write.len() < HIGH_WATER
            && let Some(call) = self.unsent.pop_front()
        {
            progress = true;
            self.start(call)?;
        }
        while let Poll::Ready(command) = self.commands.poll_recv(cx) {
            progress = true;
            match command {
                Some(Command::Call(call)) => {
                    self.timers.called(now, call.deadline);
                    if self.write.len() < HIGH_WATER {
                        self.start(call)?;
                    } else {
                        self.unsent.push_back(call);
                    }
                }
                Some(Command::Drain) => self.drain(),
                None => {
                    // Every handle is gone.
                    self.drain();
                    break;
                }
            }
        }
        Ok(progress)
    }

    /// Gives the call a slot and its request an id, and queues the bytes.
    fn start(&mut self, call: Call) -> Result<(), ConnError> {
        let Call {
            request,
            deadline,
            reply,
        } = call;
        let Some(reply) = reply else {
            self.shared.done();
            // A one-way request needs an id and no slot. It takes one for a moment, so that the id is nobody else's.
            return self.send_one_way(&request, deadline);
        };
        if reply.is_closed() {
            self.shared.done();
            return Ok(());
        }
        let waiter = Waiter::Call(reply);
        match self.slots.insert(Pending { deadline, waiter }) {
            Ok(id) => self.encode(id, &request),
            Err(pending) => {
                self.fail(pending, ErrorKind::Overloaded, "no free slot", false);
                Ok(())
            }
        }
    }

    fn send_one_way(&mut self, request: &Request, deadline: Instant) -> Result<(), ConnError> {
        let waiter = Waiter::Ping;
        if let Ok(id) = self.slots.insert(Pending { deadline, waiter }) {
            self.slots.take(id);
            return self.encode(id, request);
        }
        Ok(())
    }

    fn encode(&mut self, id: StreamId, request: &Request) -> Result<(), ConnError> {
        self.codec
            .encode(Outbound::Request(id, request), &mut self.write)
    }

    pub(super) fn fail(
        &self,
        pending: Pending,
        kind: ErrorKind,
        detail: impl Into<std::borrow::Cow<'static, str>>,
        sent: bool,
    ) {
        if let Waiter::Call(reply) = pending.waiter {
            self.shared.done();
            let error = LocalError::new(kind, detail);
            let _ = reply.send(Err(CallError { error, sent }));
        }
    }

    fn flush(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<bool, ConnError> {
        let before = self.write.len();
        if before == 0 {
            return Ok(false);
        }
        if let Poll::Ready(Err(error)) = self.write.poll_flush(&mut self.io, cx) {
            return Err(error.into());
        }
        self.timers.wrote(now, before, self.write.len());
        Ok(before >= HIGH_WATER && self.write.len() < HIGH_WATER)
    }

    /// A connection that takes no calls ends with its last one.
    fn is_over(&self) -> bool {
        self.shared.state() != ChannelState::Open
            && self.slots.live() == 0
            && self.unsent.is_empty()
            && self.write.is_empty()
    }

    fn wait(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<ControlFlow<()>, ConnError> {
        let mut now = now;
        loop {
            if self.run_timers(now)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if !self.write.is_empty() {
                self.flush(now, cx)?;
            }
            if self.timers.poll(now, cx).is_pending() {
                return Ok(ControlFlow::Continue(()));
            }
            now = Instant::now();
        }
    }

    /// The connection is gone: every call on it ends with an error.
    fn close(&mut self, error: Option<&ConnError>) {
        self.shared.set_state(ChannelState::Closed);
        self.commands.close();
        let what = match error {
            Some(error) => error.to_string(),
            None => "closed by the upstream".to_owned(),
        };
        let pending: Vec<Pending> = self.slots.drain().collect();
        for pending in pending {
            self.fail(pending, ErrorKind::Reset, what.clone(), true);
        }
        let mut unsent = std::mem::take(&mut self.unsent);
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Call(call) = command {
                unsent.push_back(call);
            }
        }
        for call in unsent {
            self.fail_unsent(call, ErrorKind::Reset, &what);
        }
        self.events.closed(error);
    }

    pub(super) fn fail_unsent(&self, call: Call, kind: ErrorKind, what: &str) {
        self.shared.done();
        if let Some(reply) = call.reply {
            let error = LocalError::new(kind, what.to_owned());
            let _ = reply.send(Err(CallError { error, sent: false }));
        }
    }
}
