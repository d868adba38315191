//! The body of a server's answer, read as it is asked for.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use wireloom_codecs::{ErrorKind, LocalError, Outcome, Part, ProtocolId, Pull, clock};

use crate::h1::body::BodyDecoder;
use crate::h1::carry::{Upload, client_broke_off, finish};
use crate::h1::chunked::Piece;
use crate::h1::outflow::Took;
use crate::h1::upstream::Lease;
use crate::semantics;

/// Without a byte of the body.
const IDLE: Duration = Duration::from_secs(30);

/// A body that is read from a server's connection.
pub(crate) struct Pulled {
    /// None once it has ended.
    lease: Option<Lease>,
    decoder: BodyDecoder,
    begun: Option<Bytes>,
    /// The rest of the request, where the answer came first.
    upload: Option<Upload>,
    keep_alive: bool,
    protocol: ProtocolId,
    outcome: Option<Outcome>,
    /// Since when the server owes us bytes.
    waits: Option<Instant>,
}

impl Pulled {
    pub(crate) fn new(
        lease: Lease,
        decoder: BodyDecoder,
        begun: Option<Bytes>,
        upload: Option<Upload>,
        keep_alive: bool,
        protocol: ProtocolId,
    ) -> Self {
        Self {
            lease: Some(lease),
            decoder,
            begun,
            upload,
            keep_alive,
            protocol,
            outcome: None,
            waits: None,
        }
    }

    /// Goes on with the request.
    fn push(&mut self, cx: &mut Context<'_>) -> Result<(), LocalError> {
        let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
            return Ok(());
        };
        loop {
            if let Some(upload) = &mut self.upload {
                match upload.body.take(&mut wire.out, cx) {
                    Ok(Took::Waits) => {}
                    Ok(Took::All) => self.upload = None,
                    Err(broken) => return Err(client_broke_off(broken)),
                }
            }
            let full = !wire.out.is_empty() && self.upload.is_some();
            match wire.poll_flush(cx) {
                // There is room for more, which nobody else tells of.
                Poll::Ready(Ok(())) if full => {}
                Poll::Ready(Ok(())) | Poll::Pending => return Ok(()),
                // It takes no more of the request; its answer goes on.
                Poll::Ready(Err(_)) => {
                    self.upload = None;
                    self.keep_alive = false;
                    return Ok(());
                }
            }
        }
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        if let Some(begun) = self.begun.take() {
            return Poll::Ready(Some(Ok(Part::Data(begun))));
        }
        if self.lease.is_none() {
            return Poll::Ready(None);
        }
        if let Err(error) = self.push(cx) {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
                return Poll::Ready(None);
            };
            match self.decoder.decode(&mut wire.buffer) {
                Ok(Some(Piece::Data(data))) => {
                    self.waits = None;
                    if self.decoder.ended() {
                        self.end();
                    }
                    return Poll::Ready(Some(Ok(Part::Data(data))));
                }
                Ok(Some(Piece::Trailers(fields))) => {
                    self.outcome = semantics::trailers_outcome(self.protocol, &fields);
                    self.end();
                    return Poll::Ready(Some(Ok(Part::Trailers(fields))));
                }
                Ok(Some(Piece::End)) => {
                    self.end();
                    return Poll::Ready(None);
                }
                Ok(None) => {}
                Err(refusal) => {
                    let what = format!("the server's answer is not valid: {}", refusal.what);
                    return Poll::Ready(Some(Err(reset(what))));
                }
            }
            let error = match wire.poll_fill(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(1..)) => {
                    self.waits = None;
                    continue;
                }
                Poll::Ready(Ok(0)) if self.decoder.ends_with_connection() => {
                    self.end();
                    return Poll::Ready(None);
                }
                Poll::Ready(Ok(0)) => "the server closed in the middle of its answer".into(),
                Poll::Ready(Err(error)) => format!("reading the answer: {error}"),
            };
            return Poll::Ready(Some(Err(reset(error))));
        }
        let since = *self.waits.get_or_insert_with(clock::now);
        let Some(wire) = self.lease.as_mut().and_then(Lease::wire) else {
            return Poll::Ready(None);
        };
        wire.poll_due(since + IDLE, cx).map(|()| {
            let what = "the server's answer stands still";
            Some(Err(LocalError::new(ErrorKind::Timeout, what)))
        })
    }

    /// The body is complete.
    fn end(&mut self) {
        if let Some(mut lease) = self.lease.take() {
            let written = lease.wire().is_some_and(|wire| wire.out.is_empty());
            let done = self.upload.take().is_none() && written;
            finish(lease, self.keep_alive && done);
        }
    }
}

pub(super) fn reset(what: String) -> LocalError {
    LocalError::new(ErrorKind::Reset, what)
}

impl Pull for Pulled {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let polled = self.poll_part(cx);
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.lease = None;
        }
        polled
    }

    fn ended(&self) -> bool {
        self.lease.is_none() && self.begun.is_none()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }
}
