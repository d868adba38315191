//! One call: driven by its caller's own task until the head of the answer is there.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderValue, Method, StatusCode};
use tokio::time::{Sleep, sleep};
use wireloom_codecs::{
    Body, Call, CallError, Early, ErrorKind, Headers, HttpResponse, LocalError, Message,
    ProtocolId, Response, ResponseHead, Stream,
};

use super::super::incoming::{Incoming, Taken};
use super::super::outgoing::{Broken, Outgoing};
use super::super::websocket;
use super::body::{Pump, ResponseBody};
use super::deadlines::Place;
use super::link::Slot;
use super::{error, request};
use crate::{grpc, semantics};

/// How long a 100 is waited for before the body goes out without it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A call whose head is on its way.
pub(super) struct Exchange {
    response: ResponseFuture,
    /// The request's body, while it flows.
    upload: Option<Outgoing>,
    /// The body is not touched until a 100 has come or this is over: the client is asked for it by the first touch.
    held: Option<Pin<Box<Sleep>>>,
    early: Option<Early>,
    protocol: ProtocolId,
    /// The answer that switches protocols is a 101 where the request came from.
    switches: bool,
    /// The key of a WebSocket client of HTTP/1.1.
    key: Option<HeaderValue>,
    /// It was a CONNECT or an upgrade: what follows the head is a tunnel.
    tunnel: bool,
    deadline: Instant,
    place: Place,
    /// None once the body of the answer has it.
    slot: Option<Slot>,
}

/// Hands the request to h2, its body too if it is all there. On failure nothing has left.
pub(super) fn begin(
    sender: &mut SendRequest<Bytes>,
    call: Call,
    slot: Slot,
) -> Result<Exchange, LocalError> {
    let Message {
        head,
        body,
        trailers,
        ..
    } = *call.request;
    let Some(mut http) = head.http else {
        let what = format!("{} cannot be carried by HTTP/2", head.protocol);
        return Err(LocalError::new(ErrorKind::Unsupported, what));
    };
    let connect = http.method == Method::CONNECT;
    let upgrades = http.upgrade.is_some();
    if upgrades && !sender.is_extended_connect_protocol_enabled() {
        let what = "the upstream takes no other protocols over HTTP/2";
        return Err(LocalError::new(ErrorKind::Unsupported, what));
    }
    let early = http.early.take();
    let waits = http.expect_continue
        && matches!(&body, Body::Stream(stream) if !stream.ended())
        && !(connect || upgrades);
    let mut out = request::write(*http, head.protocol, call.deadline, waits)?;
    let key = match upgrades {
        true => websocket::take_key(out.headers_mut()).filter(|_| !connect),
        false => None,
    };
    let trailers = match trailers {
        Some(fields) => Some(fields.into_map().map_err(|_| {
            LocalError::new(ErrorKind::Malformed, "a trailer that HTTP/2 cannot carry")
        })?),
        None => None,
    };
    let body = match body {
        Body::Whole(bytes) if bytes.is_empty() => Body::Empty,
        Body::Stream(stream) if stream.ended() => Body::Empty,
        body => body,
    };
    let ends = matches!(body, Body::Empty) && trailers.is_none() && !upgrades && !connect;
    let refused = |error: h2::Error| LocalError::new(ErrorKind::Reset, error.to_string());
    let (response, mut send) = sender.send_request(out, ends).map_err(refused)?;
    let upload = match body {
        Body::Empty => {
            if let Some(trailers) = trailers {
                let _ = send.send_trailers(trailers);
            } else if !ends {
                let _ = send.send_data(Bytes::new(), true);
            }
            None
        }
        Body::Whole(bytes) => {
            whole(&mut send, bytes, trailers);
            None
        }
        Body::Stream(stream) => Some(Outgoing::new(send, stream)),
    };
    Ok(Exchange {
        response,
        upload,
        held: waits.then(|| Box::pin(sleep(PATIENCE))),
        early,
        protocol: head.protocol,
        switches: upgrades && !connect,
        key,
        tunnel: upgrades || connect,
        deadline: call.deadline,
        place: Place::default(),
        slot: Some(slot),
    })
}

/// What is all there is queued with h2 whatever the server's window: it takes no more memory there than here. An error
/// is the stream's, and the answer tells it.
fn whole(send: &mut SendStream<Bytes>, bytes: Bytes, trailers: Option<http::HeaderMap>) {
    let sent = send.send_data(bytes, trailers.is_none());
    if let (Ok(()), Some(trailers)) = (sent, trailers) {
        let _ = send.send_trailers(trailers);
    }
}

impl Exchange {
    /// Waits for the head of the answer, and takes what has come of its body.
    pub(super) async fn run(mut self) -> Result<Response, CallError> {
        let response = poll_fn(|cx| self.poll(cx)).await?;
        let (parts, recv) = response.into_parts();
        self.finish(parts, recv)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<http::Response<RecvStream>, CallError>> {
        self.poll_interim(cx);
        if let Poll::Ready(response) = Pin::new(&mut self.response).poll(cx) {
            return Poll::Ready(response.map_err(|error| error::call(&error, self.deadline)));
        }
        if !self.tunnel && !self.holds_back(cx) {
            self.poll_upload(cx)?;
        }
        let Some(Slot(shared)) = &self.slot else {
            return Poll::Pending;
        };
        let (due, rearm) = shared.deadlines.poll(&mut self.place, self.deadline, cx);
        if rearm {
            shared.task.wake();
        }
        if due.is_ready() {
            let what = "no answer from the upstream";
            let error = LocalError::new(ErrorKind::Timeout, what);
            return Poll::Ready(Err(CallError::new(error, true)));
        }
        Poll::Pending
    }

    /// 100 sets the body free, others go to whoever takes them.
    fn poll_interim(&mut self, cx: &mut Context<'_>) {
        if self.early.is_none() && self.held.is_none() {
            return;
        }
        while let Poll::Ready(Some(Ok(interim))) = self.response.poll_informational(cx) {
            let (parts, ()) = interim.into_parts();
            if parts.status == StatusCode::CONTINUE {
                // Our own client gets its 100 from us, as soon as its body is wanted.
                self.held = None;
            } else if let Some(early) = &self.early {
                early.push(HttpResponse {
                    headers: Headers::Map(parts.headers),
                    ..HttpResponse::new(parts.status)
                });
            }
        }
    }

    fn holds_back(&mut self, cx: &mut Context<'_>) -> bool {
        let holds = self.held.as_mut().map(|held| held.as_mut().poll(cx));
        if let Some(Poll::Ready(())) = holds {
            self.held = None;
        }
        self.held.is_some()
    }

    /// The answer came before a 100. A server that refuses has no use for the body; one that agrees may wait for it.
    fn release(&mut self, status: StatusCode, cx: &mut Context<'_>) -> Result<(), CallError> {
        if self.held.take().is_none() {
            return Ok(());
        }
        if status.is_success() {
            // Now, so that the client is asked for it while it can still be given a 100.
            return self.poll_upload(cx);
        }
        self.upload = None;
        Ok(())
    }

    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), CallError> {
        let Some(upload) = &mut self.upload else {
            return Ok(());
        };
        let Poll::Ready(result) = upload.poll(cx) else {
            return Ok(());
        };
        let failed = match result {
            // The answer tells what the server made of it.
            Ok(()) | Err(Broken::Peer) => None,
            Err(Broken::Body(error)) => Some(error),
            Err(Broken::Unwritable) => {
                let what = "a trailer that HTTP/2 cannot carry";
                Some(LocalError::new(ErrorKind::Malformed, what))
            }
        };
        if let Some(error) = failed {
            upload.send.send_reset(Reason::CANCEL);
            self.upload = None;
            return Err(CallError::new(error, true));
        }
        self.upload = None;
        Ok(())
    }

    /// No deadline from here on.
    fn leave(&mut self) -> Option<Slot> {
        let slot = self.slot.take()?;
        slot.0.deadlines.leave(&mut self.place);
        Some(slot)
    }

    fn finish(
        mut self,
        mut parts: http::response::Parts,
        recv: RecvStream,
    ) -> Result<Response, CallError> {
        let most = self.slot.as_ref().map_or(0, |slot| slot.0.fields);
        if parts.headers.len() > most {
            let what = format!("the server's answer has more than {most} fields");
            let error = LocalError::new(ErrorKind::Reset, what);
            return Err(CallError::new(error, true));
        }
        let status = match parts.status {
            status if self.switches && status.is_success() => StatusCode::SWITCHING_PROTOCOLS,
            status => status,
        };
        if let Some(key) = self.key.as_ref().filter(|_| parts.status.is_success()) {
            websocket::add_accept(&mut parts.headers, key);
        }
        let http = Box::new(HttpResponse {
            headers: Headers::Map(parts.headers),
            ..HttpResponse::new(status)
        });
        let agreed = self.tunnel && parts.status.is_success();
        // Whoever polls the rest of the body registers a waker of its own.
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        let incoming = Incoming::new(recv);
        let taken = match agreed {
            true => Taken::Part(incoming),
            false => incoming
                .take(cx)
                .map_err(|error| error::call(&error, self.deadline))?,
        };
        let mut outcome = semantics::outcome(self.protocol, &http);
        // What it comes to if the end brings no trailers: without any status gRPC's clients take it for a failure.
        let unsaid = match status == StatusCode::OK && grpc::status_of(&http.headers).is_none() {
            true => semantics::trailers_outcome(self.protocol, &Headers::new()),
            false => None,
        };
        let mut response = Message::new(ResponseHead::default(), Body::Empty);
        match taken {
            Taken::Whole(body, trailers) => {
                outcome = match &trailers {
                    Some(fields) => semantics::trailers_outcome(self.protocol, fields),
                    None => unsaid,
                }
                .unwrap_or(outcome);
                response.body = body;
                response.trailers = trailers;
            }
            Taken::Part(incoming) => {
                self.release(parts.status, cx)?;
                let pump = match self.upload.take() {
                    Some(upload) if agreed || !self.tunnel => Some(Pump::start(upload)),
                    _ => None,
                };
                let slot = self.leave();
                let body =
                    ResponseBody::new(incoming, self.protocol, self.deadline, unsaid, pump, slot);
                response.body = Body::Stream(Stream::pull(body));
            }
        }
        response.head.outcome = outcome;
        response.head.http = Some(http);
        Ok(response)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.leave();
    }
}
