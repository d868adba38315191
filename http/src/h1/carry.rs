//! One exchange on a server's connection, driven by the caller's own task until the answer's head is there.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Body, Call, CallError, ConnError, Early, ErrorKind, Headers, HttpRequest, HttpResponse,
    LocalError, Message, ProtocolId, Request, Response, ResponseHead, Stream, clock,
};

use crate::h1::body::{BodyDecoder, Length};
use crate::h1::encode::{self, Framing};
use crate::h1::inflow::{Start, start};
use crate::h1::outflow::{BrokeOff, Outflow, Took};
use crate::h1::pull::Pulled;
use crate::h1::response::{Answered, Asked, ResponseDecoder};
use crate::h1::scan::NAME;
use crate::h1::tunnel::tunnel;
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
    /// While it is whole, so that it can be sent again.
    request: Option<Box<Request>>,
    /// It is queued, or gone.
    begun: bool,
    protocol: ProtocolId,
    upload: Option<Upload>,
    /// What comes after a switch of protocols.
    switch: Option<Stream>,
    /// The client is of HTTP/2, where any 2xx means that the protocol was switched (RFC 8441 §5).
    extended: bool,
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
            begun: false,
            lease: Some(lease),
            upload: None,
            switch: None,
            extended: false,
            early: None,
            decoder: ResponseDecoder::new(frame.header, frame.headers, Asked::Plain),
            interim: 0,
            sent: false,
            answered: false,
        }
    }

    fn fail(&self, kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> CallError {
        CallError::new(LocalError::new(kind, detail), self.sent)
    }

    /// The connection was lost. If no byte of an answer has come, the request may be sent elsewhere.
    fn lost(&mut self, detail: impl Into<Cow<'static, str>>) -> CallError {
        let mut error = self.fail(ErrorKind::Reset, detail);
        error.request = self.request.take().filter(|_| !self.answered);
        error
    }

    /// Queues the head, and the body if it is there. What is streamed is taken out of the request, which then is no
    /// longer whole.
    fn write(&mut self) -> Result<(), CallError> {
        let Some(request) = &mut self.request else {
            return Ok(());
        };
        let Some(http) = &request.head.http else {
            return Err(self.fail(ErrorKind::Unsupported, "the request is not HTTP"));
        };
        if !is_line(http.target.as_bytes()) || !is_line(http.authority.as_bytes()) {
            let what = "a target or host that HTTP/1 cannot carry";
            return Err(self.fail(ErrorKind::Malformed, what));
        }
        let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
            return Err(self.fail(ErrorKind::Internal, "no connection"));
        };
        self.early = http.early.clone();
        let trailers = request.trailers.as_deref();
        let trailers = trailers.filter(|trailers| !trailers.is_empty());
        let connect = http.method == Method::CONNECT;
        let switches = http.upgrade.is_some() || connect;
        self.extended = http.upgrade.is_some() && connect;
        self.decoder.asked = Asked::of(&http.method, http.upgrade.is_some());
        self.decoder.upgrade = http.upgrade.clone();
        let framing = match switches {
            true => Framing::Bare,
            false => framing(http, &request.body, trailers.is_some()),
        };
        let out = &mut wire.out;
        let comes = matches!(request.body, Body::Stream(_));
        encode::request(out, http, framing, comes);
        match &request.body {
            Body::Whole(bytes) if framing == Framing::Chunked => encode::chunk(out, bytes),
            Body::Whole(bytes) => out.put(bytes),
            Body::Empty | Body::Stream(_) => {}
        }
        if framing == Framing::Chunked && !comes {
            encode::last_chunk(out, trailers);
        }
        if let Some(hold) = &request.hold {
            out.hold(hold.clone());
        }
        if comes {
            let waits = http.expect_continue.then(|| clock::now() + PATIENCE);
            let body = std::mem::take(&mut request.body);
            self.request = None;
            let Body::Stream(stream) = body else {
                return Ok(());
            };
            if switches {
                self.switch = Some(stream);
            } else {
                let body = Outflow::new(stream, framing, None);
                self.upload = Some(Upload { body, waits });
            }
        }
        Ok(())
    }

    /// Moves the request to the server. Breaks if the server takes no more of it, which its answer may explain.
    fn upload(&mut self, cx: &mut Context<'_>) -> Result<(), CallError> {
        let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
            return Ok(());
        };
        loop {
            if let Some(upload) = &mut self.upload
                && upload.ready()
            {
                match upload.body.take(&mut wire.out, cx) {
                    Ok(Took::Waits) => {}
                    Ok(Took::All) => self.upload = None,
                    Err(broken) => {
                        let error = client_broke_off(broken);
                        return Err(CallError::new(error, self.sent));
                    }
                }
            }
            let before = wire.out.len();
            let full = before > 0 && self.upload.is_some();
            let flushed = wire.poll_flush(cx);
            self.sent |= wire.out.len() < before;
            match flushed {
                // There is room for more, which nobody else tells of.
                Poll::Ready(Ok(())) if full => {}
                Poll::Ready(Ok(())) | Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => {
                    return Err(self.lost(format!("writing the request: {error}")));
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
            let what: Cow<_> = match wire.poll_fill(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(1..)) => {
                    self.answered = true;
                    continue;
                }
                Poll::Ready(Ok(0)) if self.answered => {
                    "the server closed in the middle of its answer's head".into()
                }
                Poll::Ready(Ok(0)) => "the server closed without an answer".into(),
                Poll::Ready(Err(error)) => format!("reading the answer: {error}").into(),
            };
            return Poll::Ready(Err(self.lost(what)));
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
        if !std::mem::replace(&mut self.begun, true) {
            self.write()?;
        }
        loop {
            let written = self.upload(cx);
            let waiting = self
                .upload
                .as_ref()
                .is_some_and(|upload| upload.waits.is_some());
            let head = self.poll_head(cx);
            match (written, head) {
                (_, Poll::Ready(Ok(answered))) => return Poll::Ready(self.answer(answered, cx)),
                (Err(mut error), _) => {
                    // An answer had begun.
                    error.request = error.request.filter(|_| !self.answered);
                    return Poll::Ready(Err(error));
                }
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
            if self.deadline <= clock::read() {
                let what = "no answer from the upstream";
                return Poll::Ready(Err(self.fail(ErrorKind::Timeout, what)));
            }
            if let Some(upload) = &mut self.upload {
                upload.waits = None;
            }
        }
    }

    /// The answer came before a 100. A server that refuses has no use for the body; one that agrees may wait for it.
    /// False if the connection cannot be used again.
    fn release(
        &mut self,
        lease: &mut Lease,
        success: bool,
        cx: &mut Context<'_>,
    ) -> Result<bool, CallError> {
        let (Some(upload), Some(wire)) = (&mut self.upload, lease.wire()) else {
            return Ok(true);
        };
        if upload.waits.take().is_none() {
            return Ok(true);
        }
        if !success {
            self.upload = None;
            return Ok(false);
        }
        // Now, so that the client is asked for it while it can still be given a 100.
        match upload.body.take(&mut wire.out, cx) {
            Ok(_) => Ok(true),
            Err(broken) => Err(CallError::new(client_broke_off(broken), self.sent)),
        }
    }

    /// The answer, with its body if it is all there.
    fn answer(&mut self, answered: Answered, cx: &mut Context<'_>) -> Result<Response, CallError> {
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
        if self.extended && status.is_some_and(|status| status.is_success()) {
            let what = "the server did not switch protocols";
            return Err(self.fail(ErrorKind::Unsupported, what));
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
                let success = status.is_some_and(|status| status.is_success());
                let free = self.release(&mut lease, success, cx)?;
                let upload = self.upload.take();
                let keep = answered.keep_alive && free;
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

impl Drop for Carry {
    fn drop(&mut self) {
        // A call that nobody has polled has done nothing to the connection.
        if !self.begun
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl Future for Carry {
    type Output = Result<Response, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = this.poll_step(cx);
        if let Poll::Ready(Err(error)) = &polled
            && let Some(lease) = this.lease.take()
        {
            let what = error.error.detail.clone();
            lease.close(Some(&ConnError::protocol(NAME, what)));
        }
        polled
    }
}

fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// What may stand in the first line or in Host.
fn is_line(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_graphic() && *byte != b'#')
}

/// How the body is told from what comes behind it.
fn framing(http: &HttpRequest, body: &Body, trailers: bool) -> Framing {
    match body {
        Body::Empty | Body::Whole(_) if trailers => Framing::Chunked,
        Body::Empty => match http.method {
            Method::POST | Method::PUT | Method::PATCH => Framing::Length(0),
            _ if http.headers.contains(&CONTENT_LENGTH) => Framing::Length(0),
            _ => Framing::Bare,
        },
        Body::Whole(bytes) => Framing::Length(bytes.len() as u64),
        Body::Stream(_) => announced(&http.headers).map_or(Framing::Chunked, Framing::Length),
    }
}

/// The length that a message's fields have.
pub(crate) fn announced(headers: &Headers) -> Option<u64> {
    let value = headers.get(&CONTENT_LENGTH)?;
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
