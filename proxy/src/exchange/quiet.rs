//! Streamed exchanges that stand still.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::time::{Sleep, sleep_until};
use wireloom_codecs::{
    Body, ErrorKind, LocalError, Outcome, Part, Pull, Request, Response, Stream,
};

use super::FAR;

/// When a part passed last, in either direction.
pub(super) struct Moved {
    last: Mutex<Instant>,
    limit: Duration,
    /// It was too long ago. What else breaks off breaks off because of that.
    late: AtomicBool,
}

impl Moved {
    /// Watches the body of a request, if it is still coming. What its connection allows does not count any more.
    pub(super) fn watch(limit: Duration, request: &mut Request) -> Arc<Self> {
        let moved = Arc::new(Self {
            last: Mutex::new(Instant::now()),
            limit: limit.min(FAR),
            late: AtomicBool::new(false),
        });
        moved.take_over(&mut request.body);
        moved
    }

    /// Watches the body of the answer too.
    pub(super) fn answered(self: &Arc<Self>, result: &mut Result<Response, LocalError>) {
        *self.last.lock() = Instant::now();
        match result {
            Ok(response) => self.take_over(&mut response.body),
            Err(error) if self.late.load(Relaxed) => *error = self.timeout(),
            Err(_) => {}
        }
    }

    #[cold]
    fn timeout(&self) -> LocalError {
        self.late.store(true, Relaxed);
        let limit = self.limit.as_millis();
        let what = format!("nothing passed in either direction for {limit} ms");
        LocalError::new(ErrorKind::Timeout, what)
    }

    fn take_over(self: &Arc<Self>, body: &mut Body) {
        if let Body::Stream(_) = body
            && let Body::Stream(mut stream) = std::mem::take(body)
        {
            stream.set_idle(self.limit);
            let mut watched = Stream::pull(Watched {
                body: stream,
                moved: self.clone(),
                timer: None,
            });
            watched.set_idle(self.limit);
            *body = Body::Stream(watched);
        }
    }
}

/// A body that ends in a timeout when nothing passes in either direction.
struct Watched {
    body: Stream,
    moved: Arc<Moved>,
    /// There once something had to wait; it is moved only when it fires.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pull for Watched {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        match self.body.poll_next(cx) {
            Poll::Pending => {}
            Poll::Ready(Some(Err(_))) if self.moved.late.load(Relaxed) => {
                return Poll::Ready(Some(Err(self.moved.timeout())));
            }
            // The connection may have the same limit and notice first.
            Poll::Ready(Some(Err(error))) if error.kind == ErrorKind::Timeout => {
                self.moved.late.store(true, Relaxed);
                return Poll::Ready(Some(Err(error)));
            }
            ready => {
                *self.moved.last.lock() = Instant::now();
                return ready;
            }
        }
        let due = || *self.moved.last.lock() + self.moved.limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(due().into())));
        while timer.as_mut().poll(cx).is_ready() {
            let due = due();
            if Instant::now() >= due {
                return Poll::Ready(Some(Err(self.moved.timeout())));
            }
            timer.as_mut().reset(due.into());
        }
        Poll::Pending
    }

    fn ended(&self) -> bool {
        self.body.ended()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.body.outcome()
    }
}
