//! The taking end of a streamed body, whatever feeds it.

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Part;
use super::window::Receiver;
use crate::{LocalError, Outcome};

/// A body that produces its parts as they are asked for: a connection's own flow control is then the body's.
///
/// Dropping it before its end gives up on the rest.
pub trait Pull: Send {
    /// The next part; None after the last. An error is the last thing that it yields.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>>;

    /// True if it is known by now that no further part comes, so that the last one can be marked as such.
    fn ended(&self) -> bool {
        false
    }

    /// From now on it may stand still for so long, in both directions together, and not for as long as its connection
    /// allows. Sources without such a limit pay no heed.
    fn set_idle(&mut self, limit: Duration) {
        let _ = limit;
    }

    /// What the end of the body made of the answer (gRPC's trailers hold the status). Asked after the end.
    fn outcome(&self) -> Option<Outcome> {
        None
    }
}

/// Told once how a body ended.
pub trait Watch: Send {
    /// It is over.
    fn end(self: Box<Self>, end: BodyEnd<'_>);
}

/// How a body ended.
#[derive(Clone, Copy, Debug)]
pub enum BodyEnd<'a> {
    /// It is complete; with what its end says about the answer, if it says so.
    Complete(Option<Outcome>),
    /// It broke off.
    Failed(&'a LocalError),
    /// Whoever took it wants no more.
    Abandoned,
}

/// A streamed body. Whoever takes it asks until it yields None or an error: only then is it over for those that watch.
pub struct Stream {
    source: Source,
    watch: Option<Box<dyn Watch>>,
    /// In milliseconds; None = what the connection allows.
    idle: Option<NonZeroU32>,
}

enum Source {
    Window(Receiver),
    Pull(Box<dyn Pull>),
}

impl Stream {
    pub(super) fn windowed(receiver: Receiver) -> Self {
        Self {
            source: Source::Window(receiver),
            watch: None,
            idle: None,
        }
    }

    /// A body that `source` produces.
    pub fn pull(source: impl Pull + 'static) -> Self {
        Self {
            source: Source::Pull(Box::new(source)),
            watch: None,
            idle: None,
        }
    }

    /// The next part; None after the last; an error if it broke off.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let polled = match &mut self.source {
            Source::Window(receiver) => receiver.poll_next(cx),
            Source::Pull(source) => source.poll_next(cx),
        };
        match &polled {
            Poll::Ready(None) => self.tell(BodyEnd::Complete(self.outcome())),
            Poll::Ready(Some(Err(error))) => self.tell(BodyEnd::Failed(error)),
            _ => {}
        }
        polled
    }

    /// The next part. See [`Stream::poll_next`].
    pub async fn next(&mut self) -> Option<Result<Part, LocalError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Sets how long it may stand still, in place of what the connection allows, for its source and for who writes it on.
    /// Whole milliseconds count; the most are 49 days.
    pub fn set_idle(&mut self, limit: Duration) {
        let millis = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
        self.idle = NonZeroU32::new(millis.max(1));
        if let Source::Pull(source) = &mut self.source {
            source.set_idle(limit);
        }
    }

    /// How long it may stand still, if it was [set](Self::set_idle).
    pub fn idle(&self) -> Option<Duration> {
        let millis = self.idle?.get();
        Some(Duration::from_millis(millis.into()))
    }

    /// True if no further part comes. False does not mean that one does.
    pub fn ended(&self) -> bool {
        match &self.source {
            Source::Window(receiver) => receiver.ended(),
            Source::Pull(source) => source.ended(),
        }
    }

    /// What the end of the body made of the answer.
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.source {
            Source::Window(receiver) => receiver.outcome(),
            Source::Pull(source) => source.outcome(),
        }
    }

    /// Has `watch` told of the end, after those that watch already.
    pub fn watch(&mut self, watch: Box<dyn Watch>) {
        self.watch = Some(match self.watch.take() {
            None => watch,
            Some(first) => Box::new(Both(first, watch)),
        });
    }

    fn tell(&mut self, end: BodyEnd<'_>) {
        if let Some(watch) = self.watch.take() {
            watch.end(end);
        }
    }
}

struct Both(Box<dyn Watch>, Box<dyn Watch>);

impl Watch for Both {
    fn end(self: Box<Self>, end: BodyEnd<'_>) {
        self.0.end(end);
        self.1.end(end);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // One that ended, and was taken to its end but for the last question, was not given up.
        let end = match self.ended() {
            true => BodyEnd::Complete(self.outcome()),
            false => BodyEnd::Abandoned,
        };
        self.tell(end);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}
