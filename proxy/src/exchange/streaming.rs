//! Exchanges whose bodies come in parts: what bounds them, and when their end is known.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Method;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep, sleep_until, timeout_at};
use wireloom_codecs::{
    Body, BodyEnd, CallError, ErrorKind, LocalError, Outcome as Answered, Part, Pull, Request,
    RequestHead, Response, Stream, Watch, clock,
};
use wireloom_router::Route;
use wireloom_telemetry::{Outcome, Record};

use super::{FAR, once, outcome, with_retries};
use crate::routing::Target;

/// When the caller itself stops waiting, if it said so: the one bound on an exchange as a whole that holds for streams.
pub(super) fn deadline(head: &RequestHead, started: Instant) -> Option<Instant> {
    head.timeout.map(|timeout| started + timeout.min(FAR))
}

/// Sends a request whose body is still coming. The route's timeout runs from the end of that body to the head of the
/// answer; until then the client's own pace, and its connection's idle limit, decide.
pub(super) async fn send(
    target: &Target<'_>,
    route: &Route,
    mut request: Box<Request>,
    own: Option<Instant>,
) -> Result<Response, LocalError> {
    let (sender, complete) = oneshot::channel();
    if let Body::Stream(body) = &mut request.body {
        body.watch(Box::new(Ended(sender)));
    }
    let mut deadline = own.unwrap_or_else(|| Instant::now() + FAR);
    if switches(&request.head)
        && let Some(timeout) = route.timeout
    {
        // What follows the switch is no part of the request: its end is not waited for.
        deadline = deadline.min(Instant::now() + timeout);
    }
    let tries = async {
        match &route.retry {
            None => once(target, request, deadline).await,
            Some(policy) => with_retries(target, policy, request, deadline).await,
        }
    };
    let Some(limit) = route.timeout else {
        return tries.await;
    };
    let late = async {
        // Dropped without a word if the body was given up; then the answer is there or on its way.
        let _ = complete.await;
        sleep(limit).await;
    };
    tokio::select! {
        biased;
        result = tries => result,
        () = late => Err(LocalError::new(
            ErrorKind::Timeout,
            "no answer after the whole request was sent",
        )),
    }
}

/// Whether the body is what comes after a switch of protocols.
fn switches(head: &RequestHead) -> bool {
    let http = head.http.as_ref();
    http.is_some_and(|http| http.upgrade.is_some() || http.method == Method::CONNECT)
}

/// Tells that a request body was taken to its end.
struct Ended(oneshot::Sender<()>);

impl Watch for Ended {
    fn end(self: Box<Self>, _: BodyEnd<'_>) {
        let _ = self.0.send(());
    }
}

/// How long the head of an answer is held back for the status that may come right behind it. A stream that begins slowly
/// is nothing to wait for: its client may want the head.
const SETTLING: Duration = Duration::from_secs(1);

/// Looks at the first part of an answer, which may be its end already and then says how it ended.
pub(super) async fn settled(
    result: Result<Response, CallError>,
    limit: Instant,
) -> Result<Response, CallError> {
    let mut response = result?;
    let Body::Stream(mut body) = std::mem::take(&mut response.body) else {
        return Ok(response);
    };
    let broken = |error| CallError::new(error, true);
    let patience = Instant::now() + SETTLING;
    let first = match timeout_at(limit.min(patience).into(), body.next()).await {
        Ok(first) => first,
        Err(_) if patience < limit => {
            response.body = Body::Stream(body);
            return Ok(response);
        }
        Err(_) => {
            let detail = "the answer began and did not go on";
            return Err(broken(LocalError::new(ErrorKind::Timeout, detail)));
        }
    };
    match first {
        Some(Ok(Part::Trailers(trailers))) => {
            response.trailers = Some(Box::new(trailers));
            // Nothing but the end follows trailers.
            let _ = body.next().await;
        }
        None => {}
        Some(Err(error)) => return Err(broken(error)),
        Some(Ok(data)) => {
            let first = Some(data);
            response.body = Body::Stream(Stream::pull(Resumed { first, rest: body }));
            return Ok(response);
        }
    }
    if let Some(answered) = body.outcome() {
        response.head.outcome = answered;
    }
    Ok(response)
}

/// A body of which the first part was taken, with that part put back.
struct Resumed {
    first: Option<Part>,
    rest: Stream,
}

impl Pull for Resumed {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        match self.first.take() {
            Some(part) => Poll::Ready(Some(Ok(part))),
            None => self.rest.poll_next(cx),
        }
    }

    fn ended(&self) -> bool {
        self.first.is_none() && self.rest.ended()
    }

    fn outcome(&self) -> Option<Answered> {
        self.rest.outcome()
    }
}

/// The answer's body, with its end recorded and the caller's deadline kept.
pub(super) fn recorded(
    mut body: Stream,
    record: Record,
    head: Outcome,
    own: Option<Instant>,
) -> Stream {
    if let Some(deadline) = own {
        let idle = body.idle();
        body = Stream::pull(Bounded {
            body,
            deadline,
            timer: Box::pin(sleep_until(deadline.into())),
        });
        if let Some(idle) = idle {
            body.set_idle(idle);
        }
    }
    body.watch(Box::new(Recorded { record, head }));
    body
}

/// A body that ends in a timeout when its caller waits no more.
struct Bounded {
    body: Stream,
    deadline: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Pull for Bounded {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let polled = self.body.poll_next(cx);
        let late = match &polled {
            // What does not end is late even if there is always more of it.
            Poll::Ready(Some(Ok(Part::Data(_)))) => clock::now() >= self.deadline,
            Poll::Ready(_) => false,
            Poll::Pending => self.timer.as_mut().poll(cx).is_ready(),
        };
        if !late {
            return polled;
        }
        let what = "the answer was not complete in time";
        Poll::Ready(Some(Err(LocalError::new(ErrorKind::Timeout, what))))
    }

    fn ended(&self) -> bool {
        self.body.ended()
    }

    fn outcome(&self) -> Option<Answered> {
        self.body.outcome()
    }
}

/// Closes the record at the end of the body.
struct Recorded {
    record: Record,
    /// What the head said.
    head: Outcome,
}

impl Watch for Recorded {
    fn end(mut self: Box<Self>, end: BodyEnd<'_>) {
        match end {
            BodyEnd::Complete(Some(answered)) => self.record.set(outcome(answered.class)),
            BodyEnd::Complete(None) => self.record.set(self.head),
            BodyEnd::Failed(error) => self.record.set(outcome(error.kind.class())),
            // The client went away: cancelled, which is what a record says of itself.
            BodyEnd::Abandoned => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of which there is always more.
    struct Endless;

    impl Pull for Endless {
        fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
            Poll::Ready(Some(Ok(Part::Data("x".into()))))
        }
    }

    #[tokio::test]
    async fn a_body_that_always_goes_on_ends_at_the_deadline() {
        let deadline = Instant::now() + Duration::from_millis(50);
        let mut bounded = Bounded {
            body: Stream::pull(Endless),
            deadline,
            timer: Box::pin(sleep_until(deadline.into())),
        };
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if let Poll::Ready(Some(Err(error))) = bounded.poll_next(cx) {
                assert_eq!(error.kind, ErrorKind::Timeout);
                assert!(Instant::now() >= deadline);
                return;
            }
        }
        panic!("it goes on");
    }
}
