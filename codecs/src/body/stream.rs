//! The taking end of a streamed body, whatever feeds it.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

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
        }
    }

    /// A body that `source` produces.
    pub fn pull(source: impl Pull + 'static) -> Self {
        Self {
            source: Source::Pull(Box::new(source)),
            watch: None,
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
