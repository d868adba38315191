//! The body of a request that is not all there with its head.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use wireloom_codecs::{Early, ErrorKind, HttpResponse, LocalError, Part, Pull};

use super::super::idle::{Idle, Moved};
use super::super::incoming::Incoming;

/// The client's stream as a body. It breaks off if the client resets the stream, or sends nothing for too long.
pub(super) struct RequestBody {
    incoming: Incoming,
    /// Where to ask for a 100, until that was done.
    expects: Option<Early>,
    idle: Idle,
    moved: Moved,
}

impl RequestBody {
    pub(super) fn new(
        incoming: Incoming,
        expects: Option<Early>,
        body_idle: Duration,
        moved: Moved,
    ) -> Self {
        Self {
            incoming,
            expects,
            idle: Idle::new(body_idle),
            moved,
        }
    }
}

impl Pull for RequestBody {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let polled = self.incoming.poll_next(cx);
        if polled.is_pending() {
            if let Some(early) = self.expects.take() {
                early.push(HttpResponse::new(StatusCode::CONTINUE));
            }
            ready!(self.idle.poll(self.moved.count(), cx));
            let what = "the client sends no more of its body";
            return Poll::Ready(Some(Err(LocalError::new(ErrorKind::Timeout, what))));
        }
        self.moved.add(1);
        polled.map(|part| part.map(|part| part.map_err(|error| broken(&error))))
    }

    fn set_idle(&mut self, limit: Duration) {
        self.idle.set(limit);
    }

    fn ended(&self) -> bool {
        self.incoming.ended()
    }
}

fn broken(error: &h2::Error) -> LocalError {
    let what = match error.reason() {
        Some(reason) => format!("the client reset its request: {reason}"),
        None => "the client's connection was lost".to_owned(),
    };
    LocalError::new(ErrorKind::Reset, what)
}
