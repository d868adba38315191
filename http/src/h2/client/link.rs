//! The callers' end of an upstream connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use h2::client::SendRequest;
use parking_lot::Mutex;
use wireloom_codecs::{Answer, Call, CallError, Channel, ChannelState};

use super::call;
use super::deadlines::Deadlines;

/// What callers and the task share.
pub(super) struct Shared {
    /// None once the connection takes nothing more, so that h2 can see that nobody is left.
    pub(super) sender: Mutex<Option<SendRequest<Bytes>>>,
    state: AtomicU8,
    in_flight: AtomicUsize,
    /// The limit of our own.
    limit: usize,
    /// That and the server's together.
    most: AtomicUsize,
    /// Fields that an answer may have.
    pub(super) fields: usize,
    /// Calls taken so far.
    pub(super) taken: AtomicUsize,
    pub(super) deadlines: Deadlines,
    pub(super) task: AtomicWaker,
}

impl Shared {
    pub(super) fn new(sender: SendRequest<Bytes>, limit: usize, fields: usize) -> Self {
        let limit = limit.max(1);
        let most = limit.min(sender.current_max_send_streams());
        Self {
            sender: Mutex::new(Some(sender)),
            state: AtomicU8::new(ChannelState::Open as u8),
            in_flight: AtomicUsize::new(0),
            limit,
            most: AtomicUsize::new(most),
            fields,
            taken: AtomicUsize::new(0),
            deadlines: Deadlines::default(),
            task: AtomicWaker::new(),
        }
    }

    pub(super) fn state(&self) -> ChannelState {
        match self.state.load(Ordering::Acquire) {
            0 => ChannelState::Open,
            1 => ChannelState::Draining,
            _ => ChannelState::Closed,
        }
    }

    /// Moves on, never back; true if that is news.
    pub(super) fn advance(&self, state: ChannelState) -> bool {
        self.state.fetch_max(state as u8, Ordering::AcqRel) < state as u8
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Learns how many streams the server allows now. Err if h2 takes no more: the server said so, or the ids are used
    /// up.
    pub(super) fn refresh(&self) -> Result<(), h2::Error> {
        let mut sender = self.sender.lock();
        let Some(sender) = sender.as_mut() else {
            return Ok(());
        };
        let most = self.limit.min(sender.current_max_send_streams());
        self.most.store(most, Ordering::Relaxed);
        match sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

/// A stream under way; it is until the end of its body.
pub(super) struct Slot(pub(super) Arc<Shared>);

impl Drop for Slot {
    fn drop(&mut self) {
        let before = self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        if before == 1 && self.0.state() != ChannelState::Open {
            self.0.task.wake();
        }
    }
}

pub(super) struct Link {
    shared: Arc<Shared>,
}

impl Link {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Channel for Link {
    fn send(&self, call: Call) -> Result<Answer, Box<Call>> {
        let shared = &self.shared;
        if shared.state() != ChannelState::Open {
            return Err(Box::new(call));
        }
        let before = shared.in_flight.fetch_add(1, Ordering::Relaxed);
        let slot = Slot(shared.clone());
        if before >= shared.most.load(Ordering::Relaxed) {
            return Err(Box::new(call));
        }
        let begun = {
            let mut sender = shared.sender.lock();
            let Some(sender) = sender.as_mut() else {
                return Err(Box::new(call));
            };
            // Refused while the request is still whole: streams wait, a GOAWAY came, or the connection is gone.
            match sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) | Poll::Pending => return Err(Box::new(call)),
            }
            call::begin(sender, call, slot)
        };
        shared.taken.fetch_add(1, Ordering::Relaxed);
        let answer = match begun {
            Ok(exchange) => Answer::Driven(Box::pin(exchange.run())),
            Err(error) => {
                let error = CallError::new(error, false);
                Answer::Driven(Box::pin(std::future::ready(Err(error))))
            }
        };
        Ok(answer)
    }

    fn state(&self) -> ChannelState {
        self.shared.state()
    }

    fn in_flight(&self) -> usize {
        self.shared.in_flight()
    }

    fn drain(&self) {
        self.shared.advance(ChannelState::Draining);
        self.shared.task.wake();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Nobody can send another call.
        self.drain();
    }
}
