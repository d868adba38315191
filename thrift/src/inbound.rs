//! What comes in: frames and unframed messages to events, and what becomes of those that are wrong.

use bytes::{Buf, BytesMut};
use wireloom_codecs::{ConnError, Control, ErrorKind, Inbound, LocalError, Role, StreamId};

use crate::ThriftCodec;
use crate::calls::Fit;
use crate::codec::State;
use crate::decode::{self, Checked, Context, Opened, lost, malformed};
use crate::head::word;
use crate::infos::Seen;
use crate::types::{Dialect, FRAME_CEILING, Protocol, Transport};
use crate::walk::{Broken, Walker};

/// Why a connection ends behind a message that was answered.
const UNKNOWN_END: &str = "nobody knows where the next message starts";
const POISONED: &str = "an answer of the server was unusable";

impl ThriftCodec {
    /// The next event of a message with a length in front.
    pub(crate) fn framed(
        &mut self,
        dialect: Dialect,
        src: &mut BytesMut,
    ) -> Result<Option<Inbound>, ConnError> {
        let Some(announced) = word(src, 0) else {
            return Ok(None);
        };
        if announced == 0 || announced >= FRAME_CEILING {
            return Err(lost("a frame length that is 0, negative or over 2^30"));
        }
        let len = announced as usize + 4;
        if len > self.longest() {
            return self.too_large(dialect, len, src);
        }
        let Some(frame) = src.get(..len) else {
            return Ok(None);
        };
        let mut opened = decode::open(dialect, frame, len, &self.limits)?
            .ok_or_else(|| lost("a message start that runs past its frame"))?;
        if let Some(error) = opened.fault.take() {
            return Ok(Some(self.refuse(&opened, len, error, None, src)));
        }
        match decode::check(&opened, frame) {
            Checked::Good => {}
            Checked::Bad(error) => {
                return Ok(Some(self.refuse(&opened, len, error, None, src)));
            }
            Checked::Trailing(error) => {
                let why = "bytes behind a message in its frame";
                return Ok(Some(self.refuse(&opened, len, error, Some(why), src)));
            }
        }
        match decode::pairs(&opened, frame, &self.context()) {
            Ok(seen) => Ok(Some(self.deliver(opened, &seen, len, src))),
            Err(error) => Ok(Some(self.refuse(&opened, len, error, None, src))),
        }
    }

    /// The dialect of the message that `src` starts with. A server that was asked in non-strict binary may answer in strict:
    /// readers take both, and which of them a writer writes is its own choice.
    pub(crate) fn spoken(&self, dialect: Dialect, src: &[u8]) -> Dialect {
        if dialect.protocol != Protocol::BinaryNonStrict || self.role == Role::Downstream {
            return dialect;
        }
        let at = match dialect.transport {
            Transport::Framed => 4,
            _ => 0,
        };
        let protocol = match src.get(at) {
            Some(0x80..) => Protocol::Binary,
            _ => Protocol::BinaryNonStrict,
        };
        Dialect {
            protocol,
            ..dialect
        }
    }

    /// The longest frame with its length word. The two limits count differently, as those who set them do.
    pub(crate) fn longest(&self) -> usize {
        let own = self.settings.config.max_frame.0.saturating_add(4);
        own.min(self.limits.frame)
    }

    /// A frame over the limits is answered as soon as it is known what to answer.
    fn too_large(
        &mut self,
        dialect: Dialect,
        len: usize,
        src: &mut BytesMut,
    ) -> Result<Option<Inbound>, ConnError> {
        let frame = src.get(..len).unwrap_or(src);
        let opened = match decode::open(dialect, frame, len, &self.limits)? {
            Some(opened) => opened,
            None if src.len() >= len => {
                return Err(lost("a message start that runs past its frame"));
            }
            None => return Ok(None),
        };
        let what = format!("frame over {} bytes", self.longest().saturating_sub(4));
        let error = LocalError::new(ErrorKind::TooLarge, what);
        let lost = (len > self.settings.config.discard.0)
            .then_some("a frame is longer than anything that would be read to its end");
        Ok(Some(self.refuse(&opened, len, error, lost, src)))
    }

    /// The next event of a message that ends where its struct does.
    pub(crate) fn unframed(
        &mut self,
        dialect: Dialect,
        src: &mut BytesMut,
    ) -> Result<Option<Inbound>, ConnError> {
        let limit = self.limits.frame;
        let (mut opened, mut walker) = match self.under_way.take() {
            Some(under_way) => *under_way,
            None => match decode::open(dialect, src, limit, &self.limits)? {
                Some(opened) => {
                    let walker = Walker::new(dialect.protocol, opened.image.end);
                    (opened, walker)
                }
                None if src.len() >= limit => {
                    return Err(lost("a message start over the frame limit"));
                }
                None => return Ok(None),
            },
        };
        let error = match opened.fault.take() {
            Some(error) => error,
            None => match walker.walk(src, limit) {
                Ok(Some(len)) => {
                    return Ok(Some(self.deliver(opened, &Seen::default(), len, src)));
                }
                Ok(None) => {
                    // Boxed once per message that did not come in one piece.
                    self.under_way = Some(Box::new((opened, walker)));
                    return Ok(None);
                }
                Err(Broken::TooLong) => {
                    LocalError::new(ErrorKind::TooLarge, format!("message over {limit} bytes"))
                }
                Err(Broken::Malformed(what)) => malformed(what),
            },
        };
        let len = src.len();
        Ok(Some(self.refuse(
            &opened,
            len,
            error,
            Some(UNKNOWN_END),
            src,
        )))
    }

    fn context(&self) -> Context<'_> {
        Context {
            settings: &self.settings.config,
            default_service: &self.default_service,
            limits: &self.limits,
            needs: &self.needs,
        }
    }

    /// A message of `len` bytes that is as it should be.
    fn deliver(&mut self, opened: Opened, seen: &Seen, len: usize, src: &mut BytesMut) -> Inbound {
        let fixed = opened.fixed;
        let is_request = fixed.kind.is_request();
        let mut call = None;
        // Where there are many, one under no call's seqid is the server's own, which the driver turns down.
        let is_answer = || self.calls.blamed(fixed.outer, fixed.inner).is_some();
        if self.role == Role::Upstream && is_request && (!self.calls.are_many() || is_answer()) {
            let error = malformed("a message of a call's type from a server");
            return self.refuse(&opened, len, error, Some(POISONED), src);
        }
        if self.role == Role::Upstream && !is_request {
            // A method may hold a colon itself, which an answer repeats without a service before it.
            let names = [decode::method(&opened, src), decode::name(&opened, src)];
            match self.calls.fit(fixed.outer, fixed.inner, names) {
                Fit::Good(id) => call = Some(id),
                Fit::Bad(error) => return self.refuse(&opened, len, error, Some(POISONED), src),
                Fit::Unwanted(id) => {
                    self.calls.done(id);
                    src.advance(len);
                    return Inbound::Control(Control::Ignore);
                }
                // The driver knows what to do with it.
                Fit::Stray => {}
            }
        }
        let frame = src.split_to(len).freeze();
        let mut event = decode::event(opened, seen, frame, &self.context());
        match (&mut event, call) {
            (Inbound::Response(id, _), Some(call)) => {
                *id = StreamId(call.into());
                self.calls.done(call);
            }
            (Inbound::Request(_, request), _) => self.calls.asked(request.head.kind, &fixed),
            _ => {}
        }
        event
    }

    /// A message that is wrong. `len` is its frame's; what of it has not come yet is dropped when it comes.
    fn refuse(
        &mut self,
        opened: &Opened,
        len: usize,
        error: LocalError,
        lost: Option<&'static str>,
        src: &mut BytesMut,
    ) -> Inbound {
        let is_request = match self.role {
            // Also of a type that nobody knows.
            Role::Downstream => opened.fixed.kind.is_request(),
            Role::Upstream => false,
        };
        // A frame that is too long says nothing about those behind it, which other calls may wait for.
        let poisoned = !(self.calls.are_many() && error.kind == ErrorKind::TooLarge);
        let mut event = decode::fault(opened, src, error, &self.context(), is_request);
        let mut lost = lost;
        if let Inbound::Fault(_, fault) = &event
            && fault.is_request
        {
            self.calls.asked(fault.origin.kind, &opened.fixed);
        }
        if self.role == Role::Upstream {
            let blamed = self.calls.blamed(opened.fixed.outer, opened.fixed.inner);
            if let (Inbound::Fault(id, _), Some(call)) = (&mut event, blamed) {
                *id = StreamId(call.into());
                self.calls.done(call);
            }
            if poisoned {
                // Nobody should send another call to a server that answers like this.
                lost = lost.or(Some(POISONED));
            }
        }
        let here = len.min(src.len());
        self.state = match lost {
            Some(why) => State::Lost(why),
            None if here < len => State::Discard((len - here) as u64),
            None => State::Message,
        };
        // An event takes bytes. Where the connection ends one stays, so that the next call is not left out for want of any.
        src.advance(here - usize::from(lost.is_some()).min(here));
        event
    }
}
