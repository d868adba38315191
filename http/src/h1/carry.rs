//! One exchange on a server's connection, driven by the caller's own task until the answer's head is there.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Body, Call, CallError, Early, ErrorKind, HttpResponse, LocalError, Message, ProtocolId,
    Request, Response, ResponseHead, Stream, clock,
};

use crate::h1::body::{BodyDecoder, Length};
use crate::h1::encode::{self, Framing};
use crate::h1::inflow::{Start, start};
use crate::h1::outflow::{BrokeOff, Outflow, Took};
use crate::h1::pull::{Pulled, tunnel};
use crate::h1::response::{Answered, Asked, ResponseDecoder};
use crate::h1::upstream::Lease;
use crate::semantics;

/// Interim responses to one request.
const INTERIM: usize = 16;
/// How long a 100 is waited for before the body goes out without it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The request's body on its way to the server.
pub(crate) struct Upload {
    pub(crate) body: Outflow,
    /// It is sent once this has passed, or a 100 has come.
    waits: Option<Instant>,
}

/// Sends a request and reads the head of its answer.
pub(crate) struct Carry {
    lease: Option<Lease>,
    deadline: Instant,
    /// Until it is written.
    request: Option<Box<Request>>,
    protocol: ProtocolId,
    upload: Option<Upload>,
    /// What comes after a switch of protocols.
    switch: Option<Stream>,
    early: Option<Early>,
    decoder: ResponseDecoder,
    interim: usize,
    /// Some byte has left.
    sent: bool,
    /// Some byte of an answer has come.
    answered: bool,
}

impl Carry {
    pub(crate) fn new(lease: Lease, call: Call) -> Self {
        let frame = lease.shared.limits.frame;
        Self {
            deadline: call.deadline,
            protocol: call.request.head.protocol,
            request: Some(call.request),
            lease: Some(lease),
            upload: None,
            switch: None,
            early: None,
            decoder: ResponseDecoder::new(frame.header, frame.headers, Asked::Plain),
            interim: 0,
            sent: false,
            answered: false,
        }
    }

    fn fail(
        &self,
        kind: ErrorKind,
        detail: impl Into<std::borrow::Cow<'static, str>>,
    ) -> CallError {
        CallError::new(LocalError::new(kind, detail), self.sent)
    }

    /// Queues the head, and the body if it is there.
    fn write(&mut self, mut request: Box<Request>) -> Result<(), CallError> {
        let Some(http) = request.head.http.take() else {
            return Err(self.fail(ErrorKind::Unsupported, "the request is not HTTP"));
        };
        if !is_line(http.target.as_bytes()) || !is_line(http.authority.as_bytes()) {
            let what = "a target or host that HTTP/1 cannot carry";
            return Err(self.fail(ErrorKind::Malformed, what));
        }
        self.early = http.early.clone();
        let switches = http.upgrade.is_some();
        let connect = http.method == http::Method::CONNECT;
        self.decoder.asked = Asked::of(&http.method, switches);
        let body = std::mem::take(&mut request.body);
        let trailers = request
            .trailers
            .take()
            .filter(|trailers| !trailers.is_empty());
        let framing = match &body {
            _ if switches || connect => Framing::Bare,
            Body::Empty | Body::Whole(_) if trailers.is_some() => Framing::Chunked,
            Body::Empty if http.headers.contains(&http::header::CONTENT_LENGTH) => {
                Framing::Length(0)
            }
            Body::Empty => match http.method {
                http::Method::POST | http::Method::PUT | http::Method::PATCH => Framing::Length(0),
                _ => Framing::Bare,
            },
            Body::Whole(bytes) => Framing::Length(bytes.len() as u64),
            Body::Stream(_) => match announced(&http.headers) {
                Some(length) => Framing::Length(length),
                None => Framing::Chunked,
            },
        };
        let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
            return Err(self.fail(ErrorKind::Internal, "no connection"));
        };
        let out = &mut wire.out;
        encode::request(out, &http, framing, matches!(body, Body::Stream(_)));
        match body {
            Body::Stream(stream) if switches || connect => self.switch = Some(stream),
            Body::Stream(stream) => {
                self.upload = Some(Upload {
                    body: Outflow::new(stream, framing),
                    waits: http.expect_continue.then(|| clock::now() + PATIENCE),
                });
            }
            Body::Empty | Body::Whole(_) => {
                if let Body::Whole(bytes) = body {
                    match framing {
                        Framing::Chunked => encode::chunk(out, &bytes),
                        _ => out.put(&bytes),
                    }
                }
                if framing == Framing::Chunked {
                    encode::last_chunk(out, trailers.as_deref());
                }
            }
        }
        if let Some(hold) = request.hold.take() {
            out.hold(hold);
        }
        Ok(())
    }

    /// Moves the request to the server. Breaks if the server takes no more of it, which its answer may explain.
    fn upload(&mut self, cx: &mut Context<'_>) -> Result<(), CallError> {
        let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
            return Ok(());
        };
        loop {
            let mut took = false;
            if let Some(upload) = &mut self.upload
                && upload.ready()
            {
                let before = wire.out.len();
                match upload.body.take(&mut wire.out, cx) {
                    Ok(Took::Waits) => took = wire.out.len() > before,
                    Ok(Took::All) => self.upload = None,
                    Err(broken) => {
                        let error = client_broke_off(broken);
                        return Err(CallError::new(error, self.sent));
                    }
                }
            }
            let before = wire.out.len();
            let flushed = wire.poll_flush(cx);
            self.sent |= wire.out.len() < before;
            match flushed {
                Poll::Ready(Ok(())) if took => {}
                Poll::Ready(Ok(())) | Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => {
                    let detail = format!("writing the request: {error}");
                    return Err(self.fail(ErrorKind::Reset, detail));
                }
            }
        }
    }

    /// The answer's head, past the interim ones.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, CallError>> {
        loop {
            let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
                return Poll::Ready(Err(self.fail(ErrorKind::Internal, "no connection")));
            };
            let decoded = match wire.buffer.is_empty() {
                true => Ok(None),
                false => self.decoder.decode(&mut wire.buffer),
            };
            match decoded {
                Ok(Some(answered)) if is_interim(answered.http.status) => {
                    self.interim += 1;
                    if self.interim > INTERIM {
                        let what = "the server sent more interim responses than are taken";
                        return Poll::Ready(Err(self.fail(ErrorKind::Reset, what)));
                    }
                    self.pass_on(*answered.http);
                    continue;
                }
                Ok(Some(answered)) => return Poll::Ready(Ok(answered)),
                Ok(None) => {}
                Err(refusal) => {
                    let detail = format!("the server's answer is not valid: {}", refusal.what);
                    return Poll::Ready(Err(self.fail(ErrorKind::Reset, detail)));
                }
            }
            let what = match wire.poll_fill(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(1..)) => {
                    self.answered = true;
                    continue;
                }
                Poll::Ready(Ok(0)) if self.answered => {
                    "the server closed in the middle of its answer's head".into()
                }
                Poll::Ready(Ok(0)) => "the server closed without an answer".into(),
                Poll::Ready(Err(error)) => format!("reading the answer: {error}"),
            };
            return Poll::Ready(Err(self.fail(ErrorKind::Reset, what)));
        }
    }

    /// An interim response: 100 sets the body free, others go to whoever takes them.
    fn pass_on(&mut self, interim: HttpResponse) {
        if interim.status == StatusCode::CONTINUE {
            if let Some(upload) = &mut self.upload {
                upload.waits = None;
            }
        } else if let Some(early) = &self.early {
            early.push(interim);
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response, CallError>> {
        if let Some(request) = self.request.take() {
            self.write(request)?;
        }
        loop {
            let written = self.upload(cx);
            let waiting = self
                .upload
                .as_ref()
                .is_some_and(|upload| upload.waits.is_some());
            let head = self.poll_head(cx);
            match (written, head) {
                (_, Poll::Ready(Ok(answered))) => return Poll::Ready(self.answer(answered)),
                (Err(error), _) => return Poll::Ready(Err(error)),
                (Ok(()), Poll::Ready(Err(error))) => return Poll::Ready(Err(error)),
                (Ok(()), Poll::Pending) => {}
            }
            // A 100 has come meanwhile.
            if waiting && self.upload.as_ref().is_some_and(Upload::ready) {
                continue;
            }
            let waits = self.upload.as_ref().and_then(|upload| upload.waits);
            let due = waits.map_or(self.deadline, |at| at.min(self.deadline));
            let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
                return Poll::Pending;
            };
            if wire.poll_due(due, cx).is_pending() {
                return Poll::Pending;
            }
            if self.deadline <= Instant::now() {
                let what = "no answer from the upstream";
                return Poll::Ready(Err(self.fail(ErrorKind::Timeout, what)));
            }
            if let Some(upload) = &mut self.upload {
                upload.waits = None;
            }
        }
    }

    /// The answer, with its body if it is all there.
    fn answer(&mut self, answered: Answered) -> Result<Response, CallError> {
        let Some(mut lease) = self.lease.take() else {
            return Err(self.fail(ErrorKind::Internal, "no connection"));
        };
        let mut head = ResponseHead {
            outcome: semantics::outcome(self.protocol, &answered.http),
            ..ResponseHead::default()
        };
        head.http = Some(answered.http);
        let status = head.http.as_ref().map(|http| http.status);
        let switched = status == Some(StatusCode::SWITCHING_PROTOCOLS)
            || self.decoder.asked == Asked::Connect && status.is_some_and(|s| s.is_success());
        if switched {
            let body = tunnel(lease, self.switch.take());
            return Ok(Message::new(head, body));
        }
        let mut decoder = BodyDecoder::new(answered.length);
        let started = match lease.wire() {
            Some(wire) if answered.length != Length::UntilClose => {
                start(&mut decoder, &mut wire.buffer)
            }
            _ => Ok(Start::Begun(None)),
        };
        match started {
            Ok(Start::Whole(body, trailers)) => {
                let done = self.upload.is_none() && lease.wire().is_some_and(|w| w.out.is_empty());
                finish(lease, answered.keep_alive && done);
                let mut response = Message::new(head, body);
                response.trailers = trailers;
                Ok(response)
            }
            Ok(Start::Begun(begun)) => {
                let upload = self.upload.take();
                let keep = answered.keep_alive;
                let pulled = Pulled::new(lease, decoder, begun, upload, keep, self.protocol);
                Ok(Message::new(head, Body::Stream(Stream::pull(pulled))))
            }
            Err(refusal) => {
                let detail = format!("the server's answer is not valid: {}", refusal.what);
                Err(self.fail(ErrorKind::Reset, detail))
            }
        }
    }
}

/// An exchange is over: the connection is used again if that is safe.
pub(crate) fn finish(mut lease: Lease, keep: bool) {
    let surplus = lease.wire().is_none_or(|wire| !wire.buffer.is_empty());
    match keep && !surplus {
        true => lease.give_back(),
        false => lease.close(None),
    }
}

impl Upload {
    /// Nothing holds it back.
    fn ready(&self) -> bool {
        self.waits.is_none()
    }
}

impl Future for Carry {
    type Output = Result<Response, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = this.poll_step(cx);
        if let Poll::Ready(Err(_)) = &polled {
            this.lease = None;
        }
        polled
    }
}

fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// What may stand in the first line or in Host.
fn is_line(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

fn announced(headers: &wireloom_codecs::Headers) -> Option<u64> {
    let value = headers.get(&http::header::CONTENT_LENGTH)?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The fault is not the server's.
pub(crate) fn client_broke_off(broken: BrokeOff) -> LocalError {
    match broken {
        BrokeOff::Failed(error) => error,
        BrokeOff::Length => LocalError::new(
            ErrorKind::Malformed,
            "the request's body is not as long as it said",
        ),
    }
}
