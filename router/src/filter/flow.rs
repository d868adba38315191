//! What a filter may decide.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use wireloom_codecs::{LocalError, Response};

use super::{Exchanged, Replied};

/// What becomes of a request.
pub enum Flow {
    /// It goes on.
    Continue,
    /// It goes on, and this is kept until the exchange is over: until its answer's body has ended, or the client has gone
    /// away. For permits, and for what [`Filter::response`](super::Filter::response) wants to know again
    /// ([`Replied::held`]).
    Hold(Box<dyn Any + Send>),
    /// It is answered so, and goes nowhere.
    Answer(Box<Response>),
    /// It is refused in the form of its protocol, and counted under `reason`.
    Reject {
        /// What the client is told.
        error: LocalError,
        /// A label of the metric: one of a few.
        reason: &'static str,
    },
    /// Not known yet: the exchange waits for it, as long as it may take as a whole.
    Wait(Pin<Box<dyn Future<Output = Flow> + Send>>),
    /// Decides with the request at hand again: what a [`Flow::Wait`] ends in that has something to change.
    Then(Box<dyn FnOnce(&mut Exchanged<'_>) -> Flow + Send>),
}

impl Flow {
    /// [`Flow::Hold`].
    pub fn hold(guard: impl Any + Send) -> Self {
        Self::Hold(Box::new(guard))
    }

    /// [`Flow::Reject`].
    pub fn reject(error: impl Into<LocalError>, reason: &'static str) -> Self {
        Self::Reject {
            error: error.into(),
            reason,
        }
    }

    /// [`Flow::Wait`].
    pub fn wait(decision: impl Future<Output = Flow> + Send + 'static) -> Self {
        Self::Wait(Box::pin(decision))
    }

    /// [`Flow::Then`].
    pub fn then(decide: impl FnOnce(&mut Exchanged<'_>) -> Flow + Send + 'static) -> Self {
        Self::Then(Box::new(decide))
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continue => f.write_str("Continue"),
            Self::Hold(_) => f.write_str("Hold"),
            Self::Answer(response) => f.debug_tuple("Answer").field(response).finish(),
            Self::Reject { error, reason } => {
                f.debug_tuple("Reject").field(error).field(reason).finish()
            }
            Self::Wait(_) => f.write_str("Wait"),
            Self::Then(_) => f.write_str("Then"),
        }
    }
}

/// What becomes of an answer, which was perhaps changed in place.
pub enum Verdict {
    /// It goes on.
    Continue,
    /// A failure takes its place, and is counted under `reason`.
    Reject {
        /// What the client is told.
        error: LocalError,
        /// A label of the metric: one of a few.
        reason: &'static str,
    },
    /// Not known yet: the answer waits, as long as the exchange may take as a whole.
    Wait(Pin<Box<dyn Future<Output = Amendment> + Send>>),
}

/// What is done to an answer once it is known.
pub type Amendment = Box<dyn FnOnce(&mut Replied<'_>) -> Verdict + Send>;

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continue => f.write_str("Continue"),
            Self::Reject { error, reason } => {
                f.debug_tuple("Reject").field(error).field(reason).finish()
            }
            Self::Wait(_) => f.write_str("Wait"),
        }
    }
}
