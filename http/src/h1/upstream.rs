//! A server's connection: who may use it, and when it may be used again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use wireloom_codecs::http::{HTTP1, HTTP2};
use wireloom_codecs::{
    Answer, BoxFuture, ByteBudget, Call, Channel, ChannelEvents, ChannelLimits, ChannelState,
    ConnError, Connector, Io, Mode, Probe, Probed, Probing, ProtocolId, clock,
};

use crate::h1::carry::Carry;
use crate::h1::wire::Wire;

/// Longer than anything lasts that has a time of its own.
pub(crate) const FAR: Duration = Duration::from_secs(24 * 3600);

/// The upstream side of HTTP/1.
#[derive(Clone, Debug, Default)]
pub struct Http1Connector;

impl Connector for Http1Connector {
    fn id(&self) -> ProtocolId {
        HTTP1
    }

    fn mode(&self) -> Mode {
        Mode::PingPong
    }

    fn takes(&self, protocol: ProtocolId) -> bool {
        protocol == HTTP1 || protocol == HTTP2
    }

    fn has_probe(&self, probe: &Probe) -> bool {
        matches!(probe, Probe::Http { .. })
    }

    fn probe(&self, probe: &Probe, over: Probing) -> Probed {
        crate::probe::probe(self, probe, over)
    }

    fn open(
        &self,
        io: Box<dyn Io>,
        limits: ChannelLimits,
        _: ByteBudget,
        events: Arc<dyn ChannelEvents>,
    ) -> BoxFuture<Result<Arc<dyn Channel>, ConnError>> {
        let now = clock::read();
        let wire = Box::new(Wire::new(io, &Bytes::new(), now + FAR));
        let shared = Shared {
            slot: Mutex::new(Some((wire, now))),
            state: AtomicU8::new(ChannelState::Open as u8),
            limits,
            events,
        };
        let channel: Arc<dyn Channel> = Arc::new(Handle(Arc::new(shared)));
        Box::pin(std::future::ready(Ok(channel)))
    }
}

/// What the channel and the exchange on it share.
pub(crate) struct Shared {
    /// The connection while nobody uses it, and since when.
    slot: Mutex<Option<(Box<Wire>, Instant)>>,
    state: AtomicU8,
    pub(crate) limits: ChannelLimits,
    events: Arc<dyn ChannelEvents>,
}

impl Shared {
    fn state(&self) -> ChannelState {
        match self.state.load(Ordering::Acquire) {
            0 => ChannelState::Open,
            1 => ChannelState::Draining,
            _ => ChannelState::Closed,
        }
    }

    pub(crate) fn close(&self, error: Option<&ConnError>) {
        let closed = ChannelState::Closed as u8;
        if self.state.swap(closed, Ordering::AcqRel) != closed {
            self.events.closed(error);
        }
    }

    /// Looks after a connection that nobody uses, and closes it if it cannot be used again.
    fn look(&self, slot: &mut Option<(Box<Wire>, Instant)>) {
        let Some((wire, since)) = slot else {
            return;
        };
        let idle = self.limits.idle;
        let mut cx = Context::from_waker(Waker::noop());
        let tired = !idle.is_zero() && clock::now() >= *since + idle.min(FAR);
        let polled = if tired {
            Poll::Ready(Ok(0))
        } else {
            wire.poll_glance(&mut cx)
        };
        let error = match polled {
            Poll::Pending => return,
            Poll::Ready(Ok(0)) => None,
            // Whatever it is, it answers nothing.
            Poll::Ready(Ok(_)) => Some(ConnError::protocol(HTTP1.as_str(), SURPLUS)),
            Poll::Ready(Err(error)) => Some(error.into()),
        };
        *slot = None;
        if matches!(error, Some(ConnError::Protocol { .. })) {
            self.events.stray_reply();
        }
        self.close(error.as_ref());
    }
}

pub(crate) const SURPLUS: &str = "the server sent more than it was asked for";

struct Handle(Arc<Shared>);

impl Channel for Handle {
    fn send(&self, call: Call) -> Result<Answer, Box<Call>> {
        if self.state() != ChannelState::Open {
            return Err(Box::new(call));
        }
        let Some((wire, _)) = self.0.slot.lock().take() else {
            return Err(Box::new(call));
        };
        let lease = Lease {
            wire: Some(wire),
            shared: self.0.clone(),
        };
        Ok(Answer::Driven(Box::pin(Carry::new(lease, call))))
    }

    /// Also finds out whether the server has closed, or sent what nobody asked for.
    fn state(&self) -> ChannelState {
        if let Some(mut slot) = self.0.slot.try_lock() {
            self.0.look(&mut slot);
        }
        self.0.state()
    }

    fn in_flight(&self) -> usize {
        let taken = self.0.slot.lock().is_none();
        usize::from(taken && self.0.state() != ChannelState::Closed)
    }

    fn drain(&self) {
        let mut slot = self.0.slot.lock();
        if slot.take().is_some() {
            return self.0.close(None);
        }
        let (open, draining) = (ChannelState::Open as u8, ChannelState::Draining as u8);
        let (done, not) = (Ordering::AcqRel, Ordering::Acquire);
        let _ = self.0.state.compare_exchange(open, draining, done, not);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Whoever uses the connection still holds the rest.
        self.drain();
    }
}

/// The use of a connection. Dropping it closes the connection: what was begun on it is not known to have ended.
pub(crate) struct Lease {
    wire: Option<Box<Wire>>,
    pub(crate) shared: Arc<Shared>,
}

impl Lease {
    pub(crate) fn wire(&mut self) -> Option<&mut Wire> {
        self.wire.as_deref_mut()
    }

    /// The connection can be used again.
    pub(crate) fn give_back(mut self) {
        let Some(mut wire) = self.wire.take() else {
            return;
        };
        wire.release();
        let mut slot = self.shared.slot.lock();
        if self.shared.state() == ChannelState::Open {
            *slot = Some((wire, clock::now()));
        } else {
            drop(slot);
            self.shared.close(None);
        }
    }

    /// The connection cannot be used again.
    pub(crate) fn close(mut self, error: Option<&ConnError>) {
        self.wire = None;
        self.shared.close(error);
    }

    /// The connection goes on as something else.
    pub(crate) fn into_wire(mut self) -> Option<Box<Wire>> {
        self.wire.take()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.wire.take().is_some() {
            self.shared.close(None);
        }
    }
}
