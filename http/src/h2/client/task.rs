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
use wireloom_codecs::{ChannelEvents, ChannelLimits, ChannelState, ConnError, Io};

use super::error;
use super::link::Shared;

/// Deadlines are met this much late at the most; scans are no more frequent than that.
const COARSE: Duration = Duration::from_millis(5);
/// How long the server has to take the last bytes.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longer than any timer needs; keeps sums of instants small.
const FAR: Duration = Duration::from_secs(24 * 3600);

struct Task {
    connection: Connection<Box<dyn Io>, Bytes>,
    shared: Arc<Shared>,
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

pub(super) async fn run(
    connection: Connection<Box<dyn Io>, Bytes>,
    shared: Arc<Shared>,
    limits: ChannelLimits,
    events: Arc<dyn ChannelEvents>,
) {
    let now = Instant::now();
    let idle = match limits.idle.is_zero() {
        true => FAR,
        false => limits.idle.min(FAR),
    };
    let mut task = Box::new(Task {
        connection,
        shared,
        events,
        idle,
        active: now,
        taken: 0,
        farewell: None,
        sleep: Box::pin(sleep_until((now + idle).into())),
        armed: now + idle,
    });
    let result = poll_fn(|cx| task.poll(cx)).await;
    task.shared.advance(ChannelState::Closed);
    *task.shared.sender.lock() = None;
    task.events.closed(result.err().as_ref());
}

impl Task {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnError>> {
        self.shared.task.register(cx.waker());
        loop {
            if let Poll::Ready(result) = Pin::new(&mut self.connection).poll(cx) {
                // What calls are left learn it from h2.
                return Poll::Ready(result.map_err(|error| error::connection(&error)));
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
                self.farewell = Some(Instant::now() + FAREWELL);
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
        let mut now = Instant::now();
        loop {
            let taken = self.shared.taken.load(Ordering::Relaxed);
            if taken != self.taken || self.shared.in_flight() > 0 {
                self.taken = taken;
                self.active = now;
            }
            let deadline = self.shared.deadlines.expire(now);
            let mut next = self.active + self.idle;
            for due in [deadline, self.farewell] {
                next = due.map_or(next, |due| next.min(due));
            }
            if self.farewell.is_some_and(|end| end <= now) {
                return Poll::Ready(Ok(()));
            }
            if self.active + self.idle <= now {
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
            now = Instant::now();
        }
    }
}
