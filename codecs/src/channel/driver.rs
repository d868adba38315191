//! The task that owns an upstream connection: calls in, frames out, replies back to the call they answer.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::handle::{Command, Queued, Shared};
use super::timers::Timers;
use crate::clock::{self, Turn};
use crate::reader::{Read, Reader, Shed};
use crate::slots::{Slots, Taken};
use crate::{
    ByteBudget, CallError, ChannelEvents, ChannelLimits, ChannelState, Codec, ConnError, Control,
    ErrorKind, FrameLimits, Inbound, Io, Kind, LocalError, Mode, Outbound, Request, Response, Role,
    StreamId, WriteBuf,
};

/// Above this many unwritten bytes, calls wait unencoded.
const HIGH_WATER: usize = 256 << 10;
/// How long an answer may wait for memory while the answers behind it wait too.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// Rounds of reading and writing before other connections of the worker get their turn.
const ROUNDS: usize = 8;

/// Where a call's answer goes.
type Reply = oneshot::Sender<Result<Response, CallError>>;

/// A request under way.
pub(super) struct Pending {
    pub(super) deadline: Instant,
    pub(super) reply: Reply,
}

/// Where there is one call at a time, an id only tells it from those just before, and takes one byte where ids are varints: a frame at
/// its server's limit does not grow over it.
const SMALL: u64 = 0x7f;

/// How many calls a connection carries at once. Where ids are few, so many fewer that a slot's id is not soon the same.
pub(super) fn capacity(mode: Mode, max_id: u64, in_flight: usize) -> usize {
    let by_ids = usize::try_from(max_id / 16).unwrap_or(usize::MAX).max(1);
    match mode {
        Mode::Multiplexed => in_flight.clamp(1, 1 << 16).min(by_ids),
        Mode::PingPong => 1,
    }
}

pub(super) struct Driver<C> {
    io: Box<dyn Io>,
    pub(super) mode: Mode,
    pub(super) codec: C,
    limits: FrameLimits,
    reader: Reader,
    pub(super) write: WriteBuf,
    commands: UnboundedReceiver<Command>,
    pub(super) slots: Slots<Pending>,
    pub(super) capacity: usize,
    /// Calls that wait for the peer to read.
    pub(super) unsent: VecDeque<Queued>,
    /// How many may.
    queue: usize,
    /// Nobody can send another call.
    orphaned: bool,
    /// It drains because the peer asked for it, and for no reason of ours.
    told_to_drain: bool,
    pub(super) timers: Timers,
    pub(super) events: Arc<dyn ChannelEvents>,
    pub(super) shared: Arc<Shared>,
}

impl<C: Codec> Driver<C> {
    pub(super) fn new(
        settings: &C::Settings,
        io: Box<dyn Io>,
        limits: &ChannelLimits,
        budget: ByteBudget,
        events: Arc<dyn ChannelEvents>,
        commands: UnboundedReceiver<Command>,
        shared: Arc<Shared>,
    ) -> Self {
        let mode = C::mode(settings);
        let capacity = capacity(mode, C::MAX_ID, limits.in_flight);
        let max_id = match mode {
            Mode::Multiplexed => C::MAX_ID,
            Mode::PingPong => C::MAX_ID.min(SMALL),
        };
        let keep_alive = limits.keep_alive.or_else(|| C::keep_alive(settings));
        Self {
            io,
            mode,
            codec: C::new(settings, Role::Upstream, limits.frame),
            limits: limits.frame,
            reader: Reader::new(&[], limits.frame.frame, budget),
            write: WriteBuf::new(),
            commands,
            // As many again may be in quarantine before the connection is given up.
            slots: Slots::new((2 * capacity).next_power_of_two(), max_id),
            capacity,
            unsent: VecDeque::new(),
            queue: limits.queue.max(1),
            orphaned: false,
            told_to_drain: false,
            timers: Timers::new(keep_alive, limits.idle),
            events,
            shared,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(self: Box<Self>) {
        let mut driver = self;
        poll_fn(|cx| driver.poll(cx)).await;
    }

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

    pub(super) fn turn(
        &mut self,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Result<ControlFlow<()>, ConnError> {
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
        // A peer that never pauses must not keep deadlines from being met.
        cx.waker().wake_by_ref();
        self.run_timers(now)
    }

    /// Reads once and hands out the replies. Breaks at a clean end; continues with whether there was anything.
    ///
    /// It reads whatever waits to be written: a server that does not read before its answers are taken would never
    /// get on otherwise.
    fn read(
        &mut self,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Result<ControlFlow<(), bool>, ConnError> {
        match self.reader.poll_read(&mut self.io, &self.codec, now, cx) {
            Poll::Pending => {
                if self.reader.waits_for_memory() {
                    // We do not listen, so nobody can say that the peer is silent.
                    self.timers.heard(now);
                }
                self.timers.reading(&self.reader);
                return self.shed(now).map(ControlFlow::Continue);
            }
            Poll::Ready(Ok(Read::Some)) => {}
            Poll::Ready(Ok(Read::End)) => {
                let rest = self.reader.buffered();
                return if rest == 0 && !self.codec.mid_frame() {
                    Ok(ControlFlow::Break(()))
                } else {
                    Err(ConnError::Truncated(rest))
                };
            }
            Poll::Ready(Err(error)) => return Err(error),
        }
        self.timers.heard(now);
        while let Some(event) = self.reader.decode(&mut self.codec, now)? {
            self.handle(event)?;
        }
        if self.mode == Mode::PingPong && self.slots.live() == 0 && self.reader.buffered() > 0 {
            // The next call's answer would be read as the rest of them.
            let what = "the start of an answer that nobody asked for";
            return Err(ConnError::protocol(C::ID.as_str(), what));
        }
        self.timers.reading(&self.reader);
        Ok(ControlFlow::Continue(true))
    }

    /// Turns the answer away that waits for memory, once it has done so for long enough: the answers behind it must not
    /// wait for clients that do not read theirs.
    fn shed(&mut self, now: Instant) -> Result<bool, ConnError> {
        let due = self.reader.shed_at(PATIENCE);
        if due.is_none_or(|due| now < due) {
            return Ok(false);
        }
        let shed = self.reader.shed(&mut self.codec, self.limits, now)?;
        self.timers.reading(&self.reader);
        match shed {
            Shed::Waits => Ok(false),
            Shed::Begun => Ok(true),
            Shed::Told(event) => self.handle(*event).map(|()| true),
        }
    }

    fn handle(&mut self, event: Inbound) -> Result<(), ConnError> {
        match event {
            Inbound::Response(id, response) => self.deliver(id, Ok(response)),
            Inbound::Fault(id, fault) if !fault.is_request => {
                let error = match fault.error.kind {
                    ErrorKind::Overloaded => fault.error,
                    _ => {
                        let what =
                            format!("the upstream's answer is unusable: {}", fault.error.detail);
                        LocalError::new(ErrorKind::Reset, what)
                    }
                };
                self.deliver(id, Err(CallError::new(error, true)))
            }
            Inbound::Control(control) => self.control(control),
            Inbound::Request(id, request) => self.refuse_push(id, &request.head.origin()),
            Inbound::Fault(id, fault) => self.refuse_push(id, &fault.origin),
        }
    }

    fn deliver(
        &mut self,
        id: StreamId,
        result: Result<Response, CallError>,
    ) -> Result<(), ConnError> {
        if let Taken::Live(pending) = self.slots.take(id) {
            self.shared.done();
            // If the caller is gone, so is the interest in the answer.
            let _ = pending.reply.send(result);
            return Ok(());
        }
        self.events.stray_reply();
        if self.mode == Mode::PingPong {
            // Nothing tells this answer from the next call's.
            let what = "an answer that nobody asked for";
            return Err(ConnError::protocol(C::ID.as_str(), what));
        }
        Ok(())
    }

    fn control(&mut self, control: Control) -> Result<(), ConnError> {
        match control {
            // A peer that does not read gets no answers that pile up here.
            Control::Ping(id, wire) if self.write.len() < HIGH_WATER => {
                self.codec
                    .encode(Outbound::Pong(id, &wire), &mut self.write)?;
            }
            Control::GoAway => {
                if self.shared.state() == ChannelState::Open {
                    self.told_to_drain = true;
                    self.drain();
                }
            }
            // What the peer takes back is its own goaway, not our reasons.
            Control::Resume if self.told_to_drain => {
                self.told_to_drain = false;
                self.shared.set_state(ChannelState::Open);
            }
            // That anything came is the answer to our ping, so the id of a pong names nothing.
            Control::Ping(..) | Control::Pong(_) | Control::Resume | Control::Ignore => {}
        }
        Ok(())
    }

    /// A server's own request cannot be carried to a client: many share this connection.
    fn refuse_push(&mut self, id: StreamId, origin: &crate::Origin) -> Result<(), ConnError> {
        self.events.refused_push();
        if origin.kind == Kind::OneWay || self.write.len() >= HIGH_WATER {
            return Ok(());
        }
        let what = "calls from a server to its client cannot pass a proxy";
        let error = LocalError::new(ErrorKind::Unsupported, what);
        let reply = self.codec.error_reply(origin, &error);
        self.codec
            .encode(Outbound::Response(id, &reply), &mut self.write)
    }

    /// Encodes what callers sent, as long as the peer reads.
    fn take_calls(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<bool, ConnError> {
        let mut progress = false;
        while self.write.len() < HIGH_WATER
            && let Some(call) = self.unsent.pop_front()
        {
            progress = true;
            self.start(call, now)?;
        }
        while !self.orphaned
            && let Poll::Ready(command) = self.commands.poll_recv(cx)
        {
            progress = true;
            match command {
                Some(Command::Call(call)) => {
                    self.timers.called(now, call.deadline);
                    if self.write.len() < HIGH_WATER {
                        self.start(call, now)?;
                    } else if self.unsent.len() < self.queue {
                        self.unsent.push_back(call);
                    } else {
                        let what = "too many requests wait for the upstream to read";
                        self.fail_unsent(call, ErrorKind::Overloaded, what);
                    }
                }
                Some(Command::Drain) => self.leave(now)?,
                None => {
                    // Every handle is gone. It says so each time that it is asked.
                    self.orphaned = true;
                    self.leave(now)?;
                }
            }
        }
        Ok(progress)
    }

    /// Takes no more calls for good, and does not wait for answers that nobody waits for.
    fn leave(&mut self, now: Instant) -> Result<(), ConnError> {
        self.retire();
        self.expire(now, true)
    }

    /// Gives the call a slot and its request an id, and queues the bytes.
    fn start(&mut self, mut call: Queued, now: Instant) -> Result<(), ConnError> {
        if call.deadline <= now {
            self.fail_unsent(call, ErrorKind::Timeout, "the upstream does not read");
            return Ok(());
        }
        if call.reply.as_ref().is_some_and(Reply::is_closed) {
            self.shared.done();
            return Ok(());
        }
        if let Err(error) = self.codec.adapt(&mut call.request) {
            self.refuse_unsent(call, error);
            return Ok(());
        }
        let Queued {
            request,
            deadline,
            reply,
        } = call;
        let Some(reply) = reply else {
            return match self.slots.spare_id() {
                Some(id) => self.encode(id, request),
                // Nobody waits, and there is nobody to tell.
                None => Ok(()),
            };
        };
        match self.slots.insert(Pending { deadline, reply }) {
            Ok(id) => self.encode(id, request),
            Err(pending) => {
                self.fail(pending, ErrorKind::Overloaded, "no free slot", false);
                Ok(())
            }
        }
    }

    fn encode(&mut self, id: StreamId, mut request: Box<Request>) -> Result<(), ConnError> {
        self.codec
            .encode(Outbound::Request(id, &request), &mut self.write)?;
        if let Some(reserved) = request.hold.take() {
            self.write.hold(reserved);
        }
        Ok(())
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
    pub(super) fn is_over(&self) -> bool {
        self.shared.state() != ChannelState::Open
            && self.slots.live() == 0
            && self.unsent.is_empty()
            && self.write.is_empty()
    }

    fn wait(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<ControlFlow<()>, ConnError> {
        let mut now = now;
        loop {
            if self.run_timers(now)?.is_break() || self.is_over() {
                return Ok(ControlFlow::Break(()));
            }
            if self.flush(now, cx)? {
                // Calls wait for the room that there is now.
                cx.waker().wake_by_ref();
            }
            if self.timers.poll(now, cx).is_pending() {
                return Ok(ControlFlow::Continue(()));
            }
            now = clock::read();
        }
    }
}

impl<C> Driver<C> {
    /// Takes no more calls; those under way finish.
    fn drain(&self) {
        if self.shared.state() == ChannelState::Open {
            self.shared.set_state(ChannelState::Draining);
            self.events.draining();
        }
    }

    /// The same for good, whatever the peer says.
    pub(super) fn retire(&mut self) {
        self.told_to_drain = false;
        self.drain();
    }

    pub(super) fn fail(
        &self,
        pending: Pending,
        kind: ErrorKind,
        detail: impl Into<Cow<'static, str>>,
        sent: bool,
    ) {
        self.shared.done();
        let error = LocalError::new(kind, detail);
        let _ = pending.reply.send(Err(CallError::new(error, sent)));
    }

    pub(super) fn fail_unsent(&self, call: Queued, kind: ErrorKind, what: &str) {
        self.refuse_unsent(call, LocalError::new(kind, what.to_owned()));
    }

    fn refuse_unsent(&self, call: Queued, error: LocalError) {
        if let Some(reply) = call.reply {
            self.shared.done();
            let _ = reply.send(Err(CallError::new(error, false)));
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
            if let Some(reply) = call.reply {
                self.shared.done();
                // Another connection may carry it.
                let _ = reply.send(Err(CallError {
                    error: LocalError::new(ErrorKind::Reset, what.clone()),
                    sent: false,
                    request: Some(call.request),
                }));
            }
        }
        self.events.closed(error);
    }
}

impl<C> Drop for Driver<C> {
    /// However the task ends, a panic and the end of the runtime included, nobody is left to think that the connection
    /// is open.
    fn drop(&mut self) {
        if self.shared.state() != ChannelState::Closed {
            let error = std::io::Error::other("its task ended");
            self.close(Some(&ConnError::Io(error)));
        }
    }
}
