//! The task that owns an upstream connection: it moves bytes, and knows when the connection is to end.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::Connection;
use tokio::time::{Sleep, sleep_until};
use wireloom_codecs::clock;
use wireloom_codecs::http::HTTP2;
use wireloom_codecs::{ChannelEvents, ChannelState, ConnError};

use super::super::pings::{Looked, Pings};
use super::super::wire::{Hold, Wire};
use super::error;
use super::link::Shared;

/// Deadlines are met this much late at the most; scans are no more frequent than that.
const COARSE: Duration = Duration::from_millis(5);
/// How long a server may leave what we write unread.
const STALL: Duration = Duration::from_secs(30);
/// How long the server has to take the last bytes.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longer than any timer needs; keeps sums of instants small.
const FAR: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Task {
    connection: Connection<Wire, Bytes>,
    hold: Hold,
    shared: Arc<Shared>,
    pings: Option<Pings>,
    events: Arc<dyn ChannelEvents>,
    idle: Duration,
    /// When a call was last under way.
    active: Instant,
    /// Calls taken when that was last looked at.
    taken: usize,
    /// The last call is done and no other can come: when to stop waiting for the server.
    farewell: Option<Instant>,
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
}

impl Task {
    pub(super) fn new(
        connection: Connection<Wire, Bytes>,
        hold: Hold,
        shared: Arc<Shared>,
        pings: Option<Pings>,
        idle: Duration,
        events: Arc<dyn ChannelEvents>,
    ) -> Box<Self> {
        let now = clock::read();
        let idle = match idle.is_zero() {
            true => FAR,
            false => idle.min(FAR),
        };
        Box::new(Self {
            connection,
            hold,
            shared,
            pings,
            events,
            idle,
            active: now,
            taken: 0,
            farewell: None,
            sleep: Box::pin(sleep_until((now + idle).into())),
            armed: now + idle,
        })
    }

    pub(super) async fn run(mut self: Box<Self>) {
        let result = poll_fn(|cx| self.poll(cx)).await;
        self.shared.advance(ChannelState::Closed);
        *self.shared.sender.lock() = None;
        self.events.closed(result.err().as_ref());
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnError>> {
        self.shared.task.register(cx.waker());
        loop {
            if let Poll::Ready(result) = Pin::new(&mut self.connection).poll(cx) {
                // What calls are left learn it from h2.
                return Poll::Ready(result.map_err(|error| error::connection(&error)));
            }
            if self.hold.flush(cx) {
                // h2 finds out when it is asked again.
                cx.waker().wake_by_ref();
            }
            if self.hold.flooded() {
                let what = "the server sends too many frames that are of no use";
                return Poll::Ready(Err(ConnError::protocol(HTTP2.as_str(), what)));
            }
            if self.shared.refresh().is_err() {
                // A GOAWAY, or no ids left: what is under way goes on.
                self.drain();
            }
            if self.farewell.is_none()
                && self.shared.state() != ChannelState::Open
                && self.shared.in_flight() == 0
            {
                // With the last handle gone h2 says goodbye and closes.
                *self.shared.sender.lock() = None;
                self.farewell = Some(clock::read() + FAREWELL);
                continue;
            }
            return self.wait(cx);
        }
    }

    fn drain(&self) {
        if self.shared.advance(ChannelState::Draining) {
            self.events.draining();
        }
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnError>> {
        let mut now = clock::read();
        loop {
            let taken = self.shared.taken.load(Ordering::Relaxed);
            if taken != self.taken || self.shared.in_flight() > 0 {
                self.taken = taken;
                self.active = now;
            }
            let deadline = self.shared.deadlines.expire(now);
            let stalled = self.hold.standing().blocked.map(|since| since + STALL);
            let ping = match &mut self.pings {
                Some(pings) => match pings.look(self.hold.standing().heard, now, cx) {
                    Looked::Again(at) => Some(at),
                    Looked::Missed => {
                        self.events.missed_ping();
                        return Poll::Ready(Err(ConnError::Timeout("heartbeat")));
                    }
                },
                None => None,
            };
            if stalled.is_some_and(|end| end <= now) {
                return Poll::Ready(Err(ConnError::Timeout("write")));
            }
            // Once it says goodbye, only that has a time.
            let idle = self.farewell.is_none().then_some(self.active + self.idle);
            let mut next = now + FAR;
            for due in [idle, deadline, self.farewell, stalled, ping] {
                next = due.map_or(next, |due| next.min(due));
            }
            if self.farewell.is_some_and(|end| end <= now) {
                return Poll::Ready(Ok(()));
            }
            if idle.is_some_and(|end| end <= now) {
                self.drain();
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if next < self.armed || self.armed <= now {
                self.armed = next.max(now + COARSE);
                self.sleep.as_mut().reset(self.armed.into());
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            now = clock::read();
        }
    }
}
