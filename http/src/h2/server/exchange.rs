//! One request of a downstream connection, from its head to the end of its answer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{HeaderMap, StatusCode};
use wireloom_codecs::clock;
use wireloom_codecs::http::{GRPC, TRIPLE};
use wireloom_codecs::{Body, Early, ErrorKind, Headers, LocalError, Response};

use super::super::idle::{Idle, Moved};
use super::super::outgoing::{Broken, Outgoing};
use super::super::websocket;
use crate::semantics::{self, Asker};

/// What an exchange keeps of its request.
pub(super) struct Origin {
    pub(super) asker: Asker,
    /// When it came.
    pub(super) began: Instant,
    /// The request asked to switch protocols.
    pub(super) upgrade: bool,
    /// Interim responses from upstream, and the 100 that the body's first poll asks for.
    pub(super) early: Option<Early>,
    /// How long the client may leave the answer unread.
    pub(super) body_idle: Duration,
    /// Shared with the request's body, where that is streamed.
    pub(super) moved: Option<Moved>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With an answer, or whatever of it the client took.
    Answered,
    /// The client reset it before there was one; since when it was there.
    Unanswered(Instant),
}

/// Waits for the answer and sends it. Ends without one if the client resets the stream: the call is dropped then.
pub(super) async fn run<F>(call: F, mut respond: SendResponse<Bytes>, origin: Origin) -> End
where
    F: Future<Output = Result<Response, LocalError>>,
{
    let answer = {
        let mut call = pin!(call);
        poll_fn(|cx| {
            let polled = call.as_mut().poll(cx);
            if let Some(early) = &origin.early {
                while let Poll::Ready(interim) = early.poll_next(cx) {
                    inform(&mut respond, interim.status, interim.headers);
                }
            }
            match polled {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                // Closed by the client, or with the connection.
                Poll::Pending if respond.poll_reset(cx).is_ready() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    };
    match answer {
        None => return End::Unanswered(origin.began),
        Some(Ok(response)) => send(respond, response, &origin).await,
        Some(Err(error)) => {
            let reply = semantics::local_reply(origin.asker, &error);
            send(respond, reply, &origin).await;
        }
    }
    End::Answered
}

fn inform(respond: &mut SendResponse<Bytes>, status: StatusCode, headers: Headers) {
    let Ok(headers) = headers.into_map() else {
        return;
    };
    let mut interim = http::Response::new(());
    *interim.status_mut() = status;
    *interim.headers_mut() = headers;
    // The client may be gone, and 101 does not exist in HTTP/2.
    let _ = respond.send_informational(interim);
}

/// Sends the head of a response, and its body as far as that is possible at once. What remains is to be driven.
fn begin(
    respond: &mut SendResponse<Bytes>,
    response: Response,
    origin: &Origin,
) -> Option<Outgoing> {
    let Some(head) = response.head.http else {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return None;
    };
    let trailers = response.trailers.map(|fields| *fields);
    let Some((head, trailers)) = head_and_trailers(*head, trailers, origin.upgrade) else {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return None;
    };
    let body = match response.body {
        // The answer to HEAD ends with its head, whatever came with it.
        _ if origin.asker.head => Body::Empty,
        Body::Stream(stream) if stream.ended() => Body::Empty,
        Body::Whole(bytes) if bytes.is_empty() => Body::Empty,
        body => body,
    };
    let ends = matches!(body, Body::Empty) && trailers.is_none();
    let Ok(mut send) = respond.send_response(head, ends) else {
        // h2 refuses what a head may not hold, and a stream that is closed.
        respond.send_reset(Reason::INTERNAL_ERROR);
        return None;
    };
    match body {
        Body::Empty => {
            if let Some(trailers) = trailers {
                let _ = send.send_trailers(trailers);
            }
            None
        }
        Body::Whole(bytes) => send_whole(send, bytes, trailers),
        Body::Stream(stream) => Some(Outgoing::new(send, stream)),
    }
}

fn head_and_trailers(
    head: wireloom_codecs::HttpResponse,
    trailers: Option<Headers>,
    upgrade: bool,
) -> Option<(http::Response<()>, Option<HeaderMap>)> {
    let mut out = http::Response::new(());
    *out.status_mut() = match head.status {
        // Extended CONNECT says yes with a 200 (RFC 8441 §5).
        StatusCode::SWITCHING_PROTOCOLS if upgrade => StatusCode::OK,
        StatusCode::SWITCHING_PROTOCOLS => return None,
        status => status,
    };
    *out.headers_mut() = head.headers.into_map().ok()?;
    if upgrade {
        websocket::remove_accept(out.headers_mut());
    }
    let trailers = match trailers {
        Some(fields) => Some(fields.into_map().ok()?),
        None => None,
    };
    Some((out, trailers))
}

/// A body that fits the client's window is queued and done with; for a larger one the exchange stays.
fn send_whole(
    mut send: SendStream<Bytes>,
    bytes: Bytes,
    trailers: Option<HeaderMap>,
) -> Option<Outgoing> {
    send.reserve_capacity(bytes.len());
    if send.capacity() >= bytes.len() {
        let sent = send.send_data(bytes, trailers.is_none());
        if let (Ok(()), Some(trailers)) = (sent, trailers) {
            let _ = send.send_trailers(trailers);
        }
        return None;
    }
    Some(Outgoing::whole(send, bytes, trailers))
}

/// Sends a response to its end.
async fn send(mut respond: SendResponse<Bytes>, response: Response, origin: &Origin) {
    let own = match &response.body {
        Body::Stream(body) => body.idle(),
        _ => None,
    };
    let Some(mut outgoing) = begin(&mut respond, response, origin) else {
        return;
    };
    let mut idle = Idle::new(own.unwrap_or(origin.body_idle));
    let result = poll_fn(|cx| poll_body(&mut outgoing, &mut idle, origin.moved.as_ref(), cx)).await;
    match result {
        Ok(()) | Err(Broken::Peer) => {}
        Err(Broken::Unwritable) => outgoing.send.send_reset(Reason::INTERNAL_ERROR),
        Err(Broken::Body(error)) => break_off(&mut outgoing.send, origin.asker, &error),
    }
}

fn poll_body(
    outgoing: &mut Outgoing,
    idle: &mut Idle,
    moved: Option<&Moved>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Broken>> {
    let before = outgoing.moved;
    let polled = outgoing.poll(cx);
    let total = match moved {
        Some(moved) => moved.add(outgoing.moved - before),
        None => outgoing.moved,
    };
    if polled.is_pending() && idle.poll(total, cx).is_ready() {
        let what = match outgoing.blocked {
            true => "the client does not read the answer",
            false => "the answer does not get on",
        };
        let error = LocalError::new(ErrorKind::Timeout, what);
        return Poll::Ready(Err(Broken::Body(error)));
    }
    polled
}

/// A body that broke off must not look complete: gRPC's clients get a status while that can be sent, others a reset.
fn break_off(send: &mut SendStream<Bytes>, asker: Asker, error: &LocalError) {
    if (asker.protocol == GRPC || asker.protocol == TRIPLE)
        && let Ok(trailers) = semantics::grpc_trailers(error).into_map()
        && send.send_trailers(trailers).is_ok()
    {
        return;
    }
    send.send_reset(Reason::INTERNAL_ERROR);
}

/// Answers a request that goes no further than its head.
pub(super) fn refuse(mut respond: SendResponse<Bytes>, response: Response, asker: Asker) {
    let origin = Origin {
        asker,
        began: clock::read(),
        upgrade: false,
        early: None,
        body_idle: Duration::ZERO,
        moved: None,
    };
    // What does not fit the client's window at once is cut off: it is a short text.
    if let Some(mut rest) = begin(&mut respond, response, &origin) {
        rest.send.send_reset(Reason::NO_ERROR);
    }
}
