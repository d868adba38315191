//! Answers on their way to a client, and what is left of its connection then.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::StatusCode;
use wireloom_codecs::clock;
use wireloom_codecs::{
    Body, ConnError, ErrorKind, HttpResponse, LocalError, Part, Response, Service,
};

use crate::h1::carry::announced;
use crate::h1::encode::{self, Framing, Persist};
use crate::h1::inflow::Inflow;
use crate::h1::outflow::{BrokeOff, Outflow, Took};
use crate::h1::server::{Plan, Server, Stop};
use crate::semantics;

/// What is read of a request body that nobody wants, so that the connection can go on or the client gets to the answer.
const UNWANTED: usize = 256 << 10;
/// How long that may take.
const LINGER: Duration = Duration::from_secs(1);

impl<S: Service> Server<S> {
    /// Writes the answer. True if another request may follow.
    pub(super) async fn respond(
        &mut self,
        mut response: Response,
        plan: Plan,
    ) -> Result<bool, Stop> {
        if let Some(http) = response.head.http.take_if(|http| switches(http, &plan)) {
            return Box::pin(self.tunnel(&http, response.body, plan)).await;
        }
        let begun = settle(&mut response, &plan).await;
        if let Some(inflow) = &mut self.inflow {
            inflow.answered(&mut self.wire.out);
        }
        let http = response.head.http.take();
        let http = http.unwrap_or_else(|| Box::new(HttpResponse::new(StatusCode::BAD_GATEWAY)));
        let framing = framing(&http, &response, &plan);
        let keep = plan.keep_alive && framing != Framing::Close && self.end.is_none();
        // What came before the end of a half-closed connection is still answered.
        let keep = keep && (!self.eof || !self.wire.buffer.is_empty());
        let keep = keep && !poll_fn(|cx| Poll::Ready(self.unread_is_too_much(cx))).await;
        let persist = match (keep, plan.old) {
            (false, _) => Persist::Close,
            (true, true) => Persist::KeepAlive,
            (true, false) => Persist::Usual,
        };
        encode::response(&mut self.wire.out, &http, framing, persist, None);
        match std::mem::take(&mut response.body) {
            _ if matches!(framing, Framing::Bare | Framing::Told) => {}
            Body::Empty => {
                if framing == Framing::Chunked {
                    encode::last_chunk(&mut self.wire.out, response.trailers.as_deref());
                }
            }
            Body::Whole(bytes) => {
                if framing == Framing::Chunked {
                    encode::chunk(&mut self.wire.out, &bytes);
                    encode::last_chunk(&mut self.wire.out, response.trailers.as_deref());
                } else {
                    self.wire.out.put(&bytes);
                }
            }
            Body::Stream(stream) => {
                let mut outflow = Outflow::new(stream, framing, begun);
                let mut moved = clock::now();
                let sent = poll_fn(|cx| self.poll_body(&mut outflow, &mut moved, cx)).await;
                if let Err(Stop::Failed(ConnError::Io(_))) = &sent
                    && framing != Framing::Close
                {
                    // What has come goes out: an answer that breaks off says more than none.
                    Box::pin(self.flush()).await;
                }
                sent?;
            }
        }
        if let Some(hold) = response.hold.take() {
            self.wire.out.hold(hold);
        }
        match self.inflow.take() {
            None => Ok(keep),
            Some(inflow) if inflow.complete() || inflow.gated() => Ok(keep),
            Some(inflow) => {
                let all = Box::pin(self.discard(inflow, keep)).await;
                self.unread = !all;
                Ok(all && keep)
            }
        }
    }

    /// The rest of the request is more than is read for the sake of the connection, or may never come.
    fn unread_is_too_much(&mut self, cx: &mut Context<'_>) -> bool {
        self.inflow.as_mut().is_some_and(|inflow| {
            let much = inflow.left() > UNWANTED as u64;
            inflow.unasked() || much && inflow.unwanted(cx)
        })
    }

    /// Moves a streamed answer to the client, and the rest of the request's body meanwhile. `last` is when something of
    /// either moved.
    fn poll_body(
        &mut self,
        outflow: &mut Outflow,
        last: &mut Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Stop>> {
        self.poll_drain(cx);
        loop {
            let before = self.wire.out.len();
            let took = match outflow.take(&mut self.wire.out, cx) {
                Ok(took) => took,
                Err(broken) => return Poll::Ready(Err(broke_off(broken))),
            };
            if self.wire.out.len() > before {
                *last = clock::now();
            }
            if let Took::All = took {
                return Poll::Ready(Ok(()));
            }
            let full = !self.wire.out.is_empty();
            let flushed = match self.wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Stop::Gone)),
                Poll::Pending => false,
            };
            let moved = self.pump(cx)?;
            if moved {
                *last = clock::now();
            }
            if !(moved || full && flushed) {
                break;
            }
        }
        let mut due = self.body_due();
        if self.wire.out.is_empty() {
            // The server's turn: it too must get on.
            due = due.min(*last + self.limits.body_idle);
        }
        if self.wire.poll_due(due, cx).is_ready() {
            if due <= clock::now() {
                return Poll::Ready(Err(Stop::Failed(ConnError::Timeout("body"))));
            }
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Throws the rest of a request's body away. True if all of it came.
    async fn discard(&mut self, mut inflow: Inflow, keep: bool) -> bool {
        if !keep && inflow.unasked() {
            return false;
        }
        let until = clock::now() + LINGER;
        let mut left = UNWANTED;
        poll_fn(|cx| {
            // The client may wait for the answer before it sends on.
            if let Poll::Ready(Err(_)) = self.wire.poll_flush(cx) {
                return Poll::Ready(false);
            }
            if let Poll::Ready(all) = inflow.poll_discard(&mut self.wire, &mut left, cx) {
                return Poll::Ready(all);
            }
            self.wire.poll_due(until, cx).map(|()| false)
        })
        .await
    }

    /// Writes what waits, if the client takes it. False if it does not.
    async fn flush(&mut self) -> bool {
        let until = clock::now() + self.limits.body_idle;
        poll_fn(|cx| {
            if let Poll::Ready(done) = self.wire.poll_flush(cx) {
                return Poll::Ready(done.is_ok());
            }
            self.wire.poll_due(until, cx).map(|()| false)
        })
        .await
    }

    /// Writes what waits and closes. With `linger`, what the client is still sending is read for a while: a socket that
    /// is closed with something unread in it takes back what was written.
    pub(super) async fn close(&mut self, linger: bool) {
        if !self.flush().await {
            return;
        }
        let until = clock::now() + LINGER;
        let mut left = UNWANTED;
        poll_fn(|cx| {
            // Dropping the socket would do; shutting down first lets TLS say goodbye.
            if self.wire.poll_shutdown(cx).is_pending() {
                return self.wire.poll_due(until, cx);
            }
            while linger && !self.eof {
                self.wire.buffer.clear();
                match self.wire.poll_fill(cx) {
                    Poll::Ready(Ok(read @ 1..)) if read < left => left -= read,
                    Poll::Ready(_) => break,
                    Poll::Pending => return self.wire.poll_due(until, cx),
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// The client sees that the answer is cut: the connection closes before its end.
pub(super) fn broke_off(broken: BrokeOff) -> Stop {
    let what = match broken {
        BrokeOff::Failed(error) => format!("the answer broke off: {error}"),
        BrokeOff::Length => "the answer is not as long as it said".to_owned(),
    };
    Stop::Failed(ConnError::Io(io::Error::other(what)))
}

/// The answer agrees to go on in another protocol.
fn switches(http: &HttpResponse, plan: &Plan) -> bool {
    match http.status {
        StatusCode::SWITCHING_PROTOCOLS => plan.upgrade.is_some() && !plan.connect,
        status => plan.connect && status.is_success(),
    }
}

/// Puts a reply of our own in the place of an answer that cannot be passed on, while nothing of it has left. A body that
/// turns out to be all there becomes whole; else its first part comes back, if it is there.
async fn settle(response: &mut Response, plan: &Plan) -> Option<Part> {
    let http = response.head.http.as_ref();
    let first = if http.is_none_or(|http| http.status.is_informational()) {
        let what = "the answer is none that HTTP/1 can carry";
        Some(Err(LocalError::new(ErrorKind::Reset, what)))
    } else if let Body::Stream(stream) = &mut response.body {
        match poll_fn(|cx| Poll::Ready(stream.poll_next(cx))).await {
            Poll::Pending => return None,
            Poll::Ready(first) => first,
        }
    } else {
        return None;
    };
    match first {
        None => response.body = Body::Empty,
        Some(Err(error)) => *response = semantics::local_reply(plan.asker, &error),
        Some(Ok(Part::Trailers(fields))) => {
            response.body = Body::Empty;
            response.trailers = Some(Box::new(fields));
        }
        Some(Ok(Part::Data(data))) => match &response.body {
            Body::Stream(stream) if stream.ended() => response.body = Body::Whole(data),
            _ => return Some(Part::Data(data)),
        },
    }
    None
}

/// How the answer's body is told from what comes behind it.
fn framing(http: &HttpResponse, response: &Response, plan: &Plan) -> Framing {
    let trailers = response.trailers.as_ref();
    let trailers = trailers.is_some_and(|trailers| !trailers.is_empty()) && !plan.old;
    match &response.body {
        _ if http.status == StatusCode::NO_CONTENT => Framing::Bare,
        _ if plan.asker.head || http.status == StatusCode::NOT_MODIFIED => Framing::Told,
        Body::Empty | Body::Whole(_) if trailers => Framing::Chunked,
        Body::Empty => Framing::Length(0),
        Body::Whole(bytes) => Framing::Length(bytes.len() as u64),
        Body::Stream(_) => match announced(&http.headers) {
            Some(length) => Framing::Length(length),
            None if plan.old => Framing::Close,
            None => Framing::Chunked,
        },
    }
}
