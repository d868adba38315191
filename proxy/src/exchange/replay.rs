//! A request that may be sent more than once.
//!
//! A whole one is copied, which costs reference counts. A body that is still coming is lent out: it comes back if no
//! part of it was taken, and what was taken is kept up to a cap, so that a request which is complete by the time that
//! its try fails is at hand as a whole one. Any other streamed request can be sent once.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use wireloom_codecs::{
    Body, Headers, LocalError, Message, Outcome, Part, Pull, Request, RequestHead, Stream,
};

/// A request and what is kept of it for another try.
pub(super) struct Replay {
    next: Option<Box<Request>>,
    lent: Option<Box<Lending>>,
    cap: usize,
}

/// A request whose body is lent out.
struct Lending {
    head: RequestHead,
    kept: Arc<Mutex<Kept>>,
}

/// What has become of a lent body.
enum Kept {
    /// Somebody has it, or took parts that were not kept.
    Away,
    /// Nobody took any of it.
    Untouched(Stream),
    /// All of it was taken, and this is what it was.
    Complete(Bytes, Option<Headers>),
}

impl Replay {
    /// Keeps up to `cap` bytes of a body that is still coming.
    pub(super) fn new(request: Box<Request>, cap: usize) -> Self {
        Self {
            next: Some(request),
            lent: None,
            cap,
        }
    }

    /// The request for a try; `again` says whether another may follow.
    pub(super) fn take(&mut self, again: bool) -> Option<Box<Request>> {
        let mut request = self.next.take()?;
        if again {
            match std::mem::take(&mut request.body) {
                Body::Stream(body) => {
                    let (lending, body) = lend(&request.head, body, self.cap);
                    self.lent = Some(Box::new(lending));
                    request.body = Body::Stream(body);
                }
                body => {
                    request.body = body;
                    self.next = request.try_clone().map(Box::new);
                }
            }
        }
        Some(request)
    }

    /// Whether the request is whole and at hand, whatever its try does from now on.
    pub(super) fn is_kept(&self) -> bool {
        let complete = |lending: &Lending| matches!(*lending.kept.lock(), Kept::Complete(..));
        self.next.is_some() || self.lent.as_deref().is_some_and(complete)
    }

    /// The request, for a try beside the one that is under way, if it is whole by now.
    pub(super) fn copy(&self) -> Option<Box<Request>> {
        let lent = || {
            let lending = self.lent.as_deref()?;
            let Kept::Complete(bytes, trailers) = &*lending.kept.lock() else {
                return None;
            };
            Some(whole(lending.head.clone(), bytes.clone(), trailers.clone()))
        };
        match &self.next {
            Some(request) => request.try_clone().map(Box::new),
            None => lent(),
        }
    }

    /// Whether the request can be sent again, now that its try is over.
    pub(super) fn is_back(&mut self) -> bool {
        if let Some(lending) = self.lent.take() {
            self.next = lending.back();
        }
        self.next.is_some()
    }
}

impl Lending {
    fn back(self) -> Option<Box<Request>> {
        let kept = std::mem::replace(&mut *self.kept.lock(), Kept::Away);
        match kept {
            Kept::Away => None,
            Kept::Untouched(body) => Some(Box::new(Message::new(self.head, Body::Stream(body)))),
            Kept::Complete(bytes, trailers) => Some(whole(self.head, bytes, trailers)),
        }
    }
}

fn whole(head: RequestHead, bytes: Bytes, trailers: Option<Headers>) -> Box<Request> {
    let body = match bytes.is_empty() {
        true => Body::Empty,
        false => Body::Whole(bytes),
    };
    let mut request = Message::new(head, body);
    request.trailers = trailers.map(Box::new);
    Box::new(request)
}

fn lend(head: &RequestHead, body: Stream, cap: usize) -> (Lending, Stream) {
    let kept = Arc::new(Mutex::new(Kept::Away));
    let lending = Lending {
        head: head.clone(),
        kept: kept.clone(),
    };
    let lent = Lent {
        body: Some(body),
        kept,
        taken: Some(BytesMut::new()),
        trailers: None,
        touched: false,
        cap,
    };
    (lending, Stream::pull(lent))
}

/// A body on loan.
struct Lent {
    body: Option<Stream>,
    kept: Arc<Mutex<Kept>>,
    /// What was taken; None once that was more than the cap.
    taken: Option<BytesMut>,
    trailers: Option<Headers>,
    touched: bool,
    cap: usize,
}

impl Lent {
    fn keep(&mut self, part: &Part) {
        self.touched = true;
        match part {
            Part::Data(data) => {
                let length = self.taken.as_ref().map_or(0, BytesMut::len) + data.len();
                if length > self.cap {
                    self.taken = None;
                } else if let Some(taken) = &mut self.taken {
                    taken.extend_from_slice(data);
                }
            }
            Part::Trailers(trailers) => self.trailers = Some(trailers.clone()),
        }
    }

    fn complete(&mut self) {
        self.touched = true;
        if let Some(taken) = self.taken.take() {
            *self.kept.lock() = Kept::Complete(taken.freeze(), self.trailers.take());
        }
    }
}

impl Pull for Lent {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = body.poll_next(cx);
        let ended = body.ended();
        match &polled {
            Poll::Ready(Some(Ok(part))) => {
                self.keep(part);
                if ended {
                    self.complete();
                }
            }
            Poll::Ready(None) => self.complete(),
            Poll::Ready(Some(Err(_))) => self.touched = true,
            Poll::Pending => {}
        }
        polled
    }

    fn ended(&self) -> bool {
        self.body.as_ref().is_none_or(Stream::ended)
    }

    fn outcome(&self) -> Option<Outcome> {
        self.body.as_ref().and_then(Stream::outcome)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(body) = self.body.take()
            && !self.touched
        {
            *self.kept.lock() = Kept::Untouched(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wireloom_codecs::{HttpRequest, Kind, StreamSender, stream};
    use wireloom_http::semantics;

    fn streamed(cap: usize) -> (Replay, StreamSender) {
        let http = HttpRequest::new(http::Method::POST, "a".into(), "/".into());
        let protocol = wireloom_codecs::http::HTTP2;
        let head = semantics::request_head(Box::new(http), protocol, Kind::Streaming);
        let (sender, body) = stream(1 << 10);
        let request = Box::new(Message::new(head, Body::Stream(body)));
        (Replay::new(request, cap), sender)
    }

    fn body(request: Box<Request>) -> Stream {
        match request.body {
            Body::Stream(body) => body,
            _ => panic!("streamed"),
        }
    }

    #[tokio::test]
    async fn a_body_that_nobody_touched_comes_back() {
        let (mut replay, mut sender) = streamed(0);
        drop(replay.take(true).unwrap());
        assert!(!replay.is_kept() && replay.is_back());
        let mut again = body(replay.take(false).unwrap());
        sender.push(Part::Data("x".into())).unwrap();
        let part = again.next().await.unwrap().unwrap();
        assert_eq!(part, Part::Data("x".into()));
    }

    #[tokio::test]
    async fn a_body_that_is_complete_and_small_is_whole_at_the_next_try() {
        let (mut replay, mut sender) = streamed(4);
        let mut first = body(replay.take(true).unwrap());
        for part in ["ab", "cd"] {
            sender.push(Part::Data(part.into())).unwrap();
        }
        sender.finish();
        while first.next().await.is_some() {}
        let beside = replay.copy().unwrap();
        assert_eq!(beside.body.whole().unwrap(), b"abcd");
        assert!(replay.is_kept() && replay.is_back());
        let again = replay.take(true).unwrap();
        assert_eq!(again.body.whole().unwrap(), b"abcd");
        assert!(replay.is_back(), "and stays so");
    }

    #[tokio::test]
    async fn a_body_of_which_a_part_was_taken_is_gone() {
        let (mut replay, mut sender) = streamed(1 << 10);
        let mut first = body(replay.take(true).unwrap());
        sender.push(Part::Data("ab".into())).unwrap();
        first.next().await.unwrap().unwrap();
        drop(first);
        assert!(!replay.is_back());
    }

    #[tokio::test]
    async fn a_body_over_the_cap_is_gone() {
        let (mut replay, mut sender) = streamed(1);
        let mut first = body(replay.take(true).unwrap());
        sender.push(Part::Data("ab".into())).unwrap();
        sender.finish();
        while first.next().await.is_some() {}
        drop(first);
        assert!(!replay.is_back());
    }
}
