//! The callers' end of an upstream connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::driver::{self, Driver};
use crate::{
    Answer, ByteBudget, Call, CallError, Channel, ChannelEvents, ChannelLimits, ChannelState,
    Codec, Io, Kind, Request, Response,
};

/// What callers send to the connection's task.
pub(super) enum Command {
    Call(Queued),
    Drain,
}

/// A call and where its answer goes; None for a one-way request.
pub(super) struct Queued {
    pub(super) request: Box<Request>,
    pub(super) deadline: Instant,
    pub(super) reply: Option<oneshot::Sender<Result<Response, CallError>>>,
}

/// What both ends see of each other; open at first.
#[derive(Debug, Default)]
pub(super) struct Shared {
    in_flight: AtomicUsize,
    state: AtomicU8,
}

impl Shared {
    pub(super) fn state(&self) -> ChannelState {
        match self.state.load(Ordering::Acquire) {
            0 => ChannelState::Open,
            1 => ChannelState::Draining,
            _ => ChannelState::Closed,
        }
    }

    pub(super) fn set_state(&self, state: ChannelState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// A call is over, in whatever way.
    pub(super) fn done(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Handle {
    commands: UnboundedSender<Command>,
    shared: Arc<Shared>,
    limit: usize,
}

/// Takes the connection over and spawns its task.
pub(crate) fn open<C: Codec>(
    settings: &C::Settings,
    io: Box<dyn Io>,
    limits: ChannelLimits,
    budget: ByteBudget,
    events: Arc<dyn ChannelEvents>,
) -> Arc<dyn Channel> {
    // Unbounded, but never longer than the count of calls under way, which `send` bounds, and the one-way ones that came since
    // the task looked last.
    let (commands, receiver) = unbounded_channel();
    let shared = Arc::new(Shared::default());
    let limit = driver::capacity(C::mode(settings), C::MAX_ID, limits.in_flight);
    let driver = Driver::<C>::new(
        settings,
        io,
        &limits,
        budget,
        events,
        receiver,
        shared.clone(),
    );
    tokio::spawn(Box::new(driver).run());
    Arc::new(Handle {
        commands,
        shared,
        limit,
    })
}

impl Channel for Handle {
    fn send(&self, call: Call) -> Result<Answer, Box<Call>> {
        if self.state() != ChannelState::Open {
            return Err(Box::new(call));
        }
        let (reply, answer) = match call.request.head.kind {
            // It is under way for nobody: whoever sent it may leave the connection to the next call.
            Kind::OneWay if self.in_flight() < self.limit => (None, Answer::Nothing),
            Kind::OneWay => return Err(Box::new(call)),
            Kind::Unary | Kind::Streaming => {
                if self.shared.in_flight.fetch_add(1, Ordering::Relaxed) >= self.limit {
                    self.shared.done();
                    return Err(Box::new(call));
                }
                let (reply, answer) = oneshot::channel();
                (Some(reply), Answer::Waiting(answer))
            }
        };
        let command = Command::Call(Queued {
            request: call.request,
            deadline: call.deadline,
            reply,
        });
        let Err(SendError(Command::Call(refused))) = self.commands.send(command) else {
            return Ok(answer);
        };
        if refused.reply.is_some() {
            self.shared.done();
        }
        Err(Box::new(Call {
            request: refused.request,
            deadline: refused.deadline,
        }))
    }

    fn state(&self) -> ChannelState {
        self.shared.state()
    }

    fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::Relaxed)
    }

    fn drain(&self) {
        // If the task is gone there is nothing left to drain.
        let _ = self.commands.send(Command::Drain);
    }
}
