//! The body of a client's request on its way into the proxy.

use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wireloom_codecs::{
    Abandoned, Body, ErrorKind, Headers, LocalError, Part, StreamSender, WriteBuf, clock, stream,
};

use crate::h1::body::BodyDecoder;
use crate::h1::chunked::Piece;
use crate::h1::refusal::Refusal;
use crate::h1::wire::Wire;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Bytes of a request body that wait untaken.
const WINDOW: usize = 64 << 10;

/// How a body begins: with what of it was read together with the head.
pub(crate) enum Start {
    /// It is all there.
    Whole(Body, Option<Box<Headers>>),
    /// So much is there, and more comes.
    Begun(Option<Bytes>),
}

/// Takes what is there of a body.
pub(crate) fn start(decoder: &mut BodyDecoder, buffer: &mut BytesMut) -> Result<Start, Refusal> {
    if buffer.is_empty() && !decoder.ended() {
        return Ok(Start::Begun(None));
    }
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    let mut trailers = None;
    loop {
        match decoder.decode(buffer)? {
            Some(Piece::Data(data)) => match &first {
                None => first = Some(data),
                Some(begin) => {
                    if more.is_empty() {
                        more.extend_from_slice(begin);
                    }
                    more.extend_from_slice(&data);
                }
            },
            Some(Piece::Trailers(fields)) => trailers = Some(Box::new(fields)),
            end @ (Some(Piece::End) | None) => {
                let data = match more.is_empty() {
                    true => first,
                    false => Some(more.freeze()),
                };
                if end.is_none() {
                    return Ok(Start::Begun(data));
                }
                let body = data.map_or(Body::Empty, Body::Whole);
                return Ok(Start::Whole(body, trailers));
            }
        }
    }
}

/// A body that is not all there yet.
pub(crate) struct Inflow {
    decoder: BodyDecoder,
    sender: Option<StreamSender>,
    /// The client waits for a 100, or for a switch of protocols.
    gate: Gate,
    /// Since when the client owes us bytes; None while it is our turn.
    waits: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    /// Opened by the first wish for a part.
    Continue,
    /// Opened by the answer.
    Switch,
}

/// What pumping came to.
pub(crate) enum Pumped {
    /// Something was handed on.
    Moved,
    /// Nothing can be done now; the client's bytes are waited for.
    Hungry,
    /// Nothing can be done now; the taker is waited for.
    Full,
    /// It is over, or nobody wants it.
    Over,
}

/// Why the body breaks off.
pub(crate) enum Broken {
    /// The client is gone.
    Gone,
    /// What it sent is not valid.
    Refused(Refusal),
}

impl Inflow {
    /// With the body that it feeds.
    pub(crate) fn new(decoder: BodyDecoder, begun: Option<Bytes>, gate: Gate) -> (Self, Body) {
        let (mut sender, body) = stream(WINDOW);
        if let Some(data) = begun {
            // The other end is right here.
            let _ = sender.push(Part::Data(data));
        }
        let inflow = Self {
            decoder,
            sender: Some(sender),
            gate,
            waits: None,
        };
        (inflow, Body::Stream(body))
    }

    /// The client did not send its body and was not asked to.
    pub(crate) fn unasked(&self) -> bool {
        self.gate == Gate::Continue
    }

    /// The answer is about to begin. A body that is wanted by now is asked for before it; from here on a 100 would stand
    /// in the middle of the answer.
    pub(crate) fn answered(&mut self, out: &mut WriteBuf) {
        if self.gate != Gate::Continue {
            return;
        }
        // Whoever waits for more of it asks again.
        let cx = &mut Context::from_waker(Waker::noop());
        let sender = self.sender.as_mut();
        if sender.is_some_and(|sender| matches!(sender.poll_wanted(cx), Poll::Ready(Ok(())))) {
            out.put_slice(CONTINUE);
            self.gate = Gate::Open;
        } else {
            self.fail("the request was answered before its body was asked for");
        }
    }

    /// Nobody takes more of it.
    pub(crate) fn unwanted(&mut self, cx: &mut Context<'_>) -> bool {
        let sender = self.sender.as_mut();
        sender.is_none_or(|sender| sender.poll_abandoned(cx).is_ready())
    }

    /// The body is what comes after a switch of protocols.
    pub(crate) fn gated(&self) -> bool {
        self.gate == Gate::Switch
    }

    /// The switch was agreed to.
    pub(crate) fn open(&mut self) {
        self.gate = Gate::Open;
    }

    /// Since when the client owes us bytes.
    pub(crate) fn waits(&self) -> Option<Instant> {
        self.waits
    }

    pub(crate) fn left(&self) -> u64 {
        self.decoder.left()
    }

    /// Moves what can be moved, a read at a time.
    pub(crate) fn pump(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> Result<Pumped, Broken> {
        let waited = self.waits.take();
        let Some(sender) = &mut self.sender else {
            return Ok(Pumped::Over);
        };
        let (mut moved, mut read) = (false, false);
        loop {
            match sender.poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(Abandoned)) => {
                    self.sender = None;
                    return Ok(Pumped::Over);
                }
                Poll::Pending => {
                    return Ok(if moved { Pumped::Moved } else { Pumped::Full });
                }
            }
            match self.gate {
                Gate::Open => {}
                Gate::Switch => return Ok(Pumped::Full),
                Gate::Continue if !wire.buffer.is_empty() => self.gate = Gate::Open,
                Gate::Continue => {
                    if sender.poll_wanted(cx).is_pending() {
                        return Ok(Pumped::Full);
                    }
                    wire.out.put_slice(CONTINUE);
                    self.gate = Gate::Open;
                }
            }
            match self.decoder.decode(&mut wire.buffer) {
                Ok(Some(Piece::Data(data))) => {
                    let _ = sender.push(Part::Data(data));
                    moved = true;
                    if !self.decoder.ended() {
                        continue;
                    }
                    self.finish();
                    return Ok(Pumped::Moved);
                }
                Ok(Some(Piece::Trailers(fields))) => {
                    let _ = sender.push(Part::Trailers(fields));
                    self.finish();
                    return Ok(Pumped::Moved);
                }
                Ok(Some(Piece::End)) => {
                    self.finish();
                    return Ok(Pumped::Moved);
                }
                Ok(None) => {}
                Err(refusal) => {
                    self.fail("the request's body is not valid");
                    return Err(Broken::Refused(refusal));
                }
            }
            match wire.poll_fill(cx) {
                Poll::Ready(Ok(0)) if self.decoder.ends_with_connection() => {
                    self.finish();
                    return Ok(Pumped::Moved);
                }
                Poll::Ready(Ok(0) | Err(_)) => {
                    self.fail("the client went away in the middle of the request's body");
                    return Err(Broken::Gone);
                }
                Poll::Ready(Ok(_)) => read = true,
                // What came meanwhile goes on together.
                Poll::Pending if moved => return Ok(Pumped::Moved),
                Poll::Pending => {
                    let waited = waited.filter(|_| !read);
                    self.waits = waited.or_else(|| Some(clock::now()));
                    return Ok(Pumped::Hungry);
                }
            }
        }
    }

    fn finish(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.finish();
        }
    }

    /// Breaks the body off.
    pub(crate) fn fail(&mut self, why: &'static str) {
        if let Some(sender) = self.sender.take() {
            sender.fail(LocalError::new(ErrorKind::Reset, why));
        }
    }

    /// True once all of it was read, and handed on as far as it was wanted.
    pub(crate) fn complete(&self) -> bool {
        self.decoder.ended() && self.sender.is_none()
    }

    /// Reads the rest and throws it away: ready with true if that was all, and no more than `left`.
    pub(crate) fn poll_discard(
        &mut self,
        wire: &mut Wire,
        left: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        self.sender = None;
        loop {
            match self.decoder.decode(&mut wire.buffer) {
                Ok(Some(Piece::Data(data))) => match left.checked_sub(data.len()) {
                    Some(less) => *left = less,
                    None => return Poll::Ready(false),
                },
                Ok(Some(Piece::Trailers(_))) => {}
                Ok(Some(Piece::End)) => return Poll::Ready(true),
                Ok(None) => match wire.poll_fill(cx) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(false),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => return Poll::Pending,
                },
                Err(_) => return Poll::Ready(false),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use wireloom_codecs::scratch;

    use super::*;
    use crate::h1::body::Length;

    #[test]
    fn what_is_there_of_a_body_goes_on_with_its_head() {
        let mut decoder = BodyDecoder::new(Length::Known(10));
        let mut buffer = BytesMut::from(&b"abc"[..]);
        let Ok(Start::Begun(Some(begun))) = start(&mut decoder, &mut buffer) else {
            panic!("not begun");
        };
        assert_eq!(begun, "abc");
        assert_eq!(decoder.left(), 7);
    }

    #[tokio::test]
    async fn what_has_come_of_a_body_goes_on_together() {
        let (near, mut far) = tokio::io::duplex(256 << 10);
        let armed = clock::read() + Duration::from_secs(60);
        let mut wire = Wire::new(Box::new(near), &Bytes::new(), armed);
        // More than one read takes.
        let sent = scratch::BLOCK * 3 / 2;
        far.write_all(&vec![b'x'; sent]).await.unwrap();
        let decoder = BodyDecoder::new(Length::Known(1 << 20));
        let (mut inflow, body) = Inflow::new(decoder, None, Gate::Open);
        let Body::Stream(mut stream) = body else {
            panic!("not streamed");
        };
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        assert!(matches!(inflow.pump(&mut wire, cx), Ok(Pumped::Moved)));
        assert_eq!(inflow.left(), (1 << 20) - sent as u64);
        let mut came = 0;
        while let Poll::Ready(Some(Ok(Part::Data(data)))) = stream.poll_next(cx) {
            came += data.len();
        }
        assert_eq!(came, sent);
    }
}
