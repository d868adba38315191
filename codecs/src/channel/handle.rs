//! The callers' end of an upstream connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::driver;
use crate::{ByteBudget, Call, Channel, ChannelEvents, ChannelLimits, ChannelState, Codec, Io};

/// What callers send to the connection's task.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every command is a call; boxing it would cost an allocation per request"
)]
pub(super) enum Command {
    Call(Call),
    Drain,
}

/// What both ends see of each other.
#[derive(Debug)]
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
    // Unbounded, but never longer than the count of calls under way, which `send` bounds.
    let (commands, receiver) = unbounded_channel();
    let shared = Arc::new(Shared {
        in_flight: AtomicUsize::new(0),
        state: AtomicU8::new(ChannelState::Open as u8),
    });
    let limit = driver::capacity::<C>(&limits);
    tokio::spawn(driver::run::<C>(
        settings,
        io,
        limits,
        budget,
        events,
        receiver,
        shared.clone(),
    ));
    Arc::new(Handle {
        commands,
        shared,
        limit,
    })
}

impl Channel for Handle {
    fn send(&self, call: Call) -> Result<(), Box<Call>> {
        if self.state() != ChannelState::Open {
            return Err(Box::new(call));
        }
        if self.shared.in_flight.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.shared.done();
            return Err(Box::new(call));
        }
        self.commands.send(Command::Call(call)).map_err(|refused| {
            self.shared.done();
            match refused.0 {
                Command::Call(call) => Box::new(call),
                Command::Drain => unreachable!("a call was sent"),
            }
        })
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
