//! The body of an answer that is not all there with its head.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use h2::Reason;
use tokio::task::AbortHandle;
use wireloom_codecs::{LocalError, Outcome, Part, ProtocolId, Pull};

use super::super::incoming::Incoming;
use super::super::outgoing::{Broken, Outgoing};
use super::error;
use super::link::Slot;
use crate::semantics;

/// The rest of a request's body, in a task of its own from the answer's head on: the two directions are independent
/// then. Dropped, it stops, and with its stream's other end gone h2 resets the stream.
pub(super) struct Pump(AbortHandle);

impl Pump {
    pub(super) fn start(mut upload: Outgoing) -> Self {
        let task = tokio::spawn(async move {
            match poll_fn(|cx| upload.poll(cx)).await {
                Ok(()) | Err(Broken::Peer) => {}
                Err(Broken::Body(_) | Broken::Unwritable) => {
                    upload.send.send_reset(Reason::CANCEL);
                }
            }
        });
        Self(task.abort_handle())
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The server's stream as a body.
pub(super) struct ResponseBody {
    incoming: Incoming,
    protocol: ProtocolId,
    /// What the server was told, if the protocol tells it.
    deadline: Instant,
    /// What the end says; until there are trailers, what an end without any would.
    outcome: Option<Outcome>,
    _pump: Option<Pump>,
    /// Last, so that the stream is closed before it counts as done.
    _slot: Option<Slot>,
}

impl ResponseBody {
    pub(super) fn new(
        incoming: Incoming,
        protocol: ProtocolId,
        deadline: Instant,
        outcome: Option<Outcome>,
        pump: Option<Pump>,
        slot: Option<Slot>,
    ) -> Self {
        Self {
            incoming,
            protocol,
            deadline,
            outcome,
            _pump: pump,
            _slot: slot,
        }
    }
}

impl Pull for ResponseBody {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        self.incoming.poll_next(cx).map(|next| {
            next.map(|part| {
                let part = part.map_err(|error| error::stream(&error, self.deadline))?;
                if let Part::Trailers(fields) = &part {
                    self.outcome = semantics::trailers_outcome(self.protocol, fields);
                }
                Ok(part)
            })
        })
    }

    fn ended(&self) -> bool {
        self.incoming.ended()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }
}
