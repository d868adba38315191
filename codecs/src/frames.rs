//! Frames that tell their length at their start: what every protocol of such frames does alike.

use std::cell::Cell;

use bytes::{Bytes, BytesMut};

use crate::{ConnError, FrameLimits, Inbound, Refused};

/// Cuts the bytes of a connection into frames, and turns away those over the limit without keeping them.
///
/// A codec calls [`Frames::next`] in `decode`, and says in [`Codec::frames`](crate::Codec::frames) that it has them.
#[derive(Debug)]
pub struct Frames {
    protocol: &'static str,
    shortest: usize,
    limits: Cell<FrameLimits>,
    refused: Option<Refused>,
    /// The length of the frame under way, once it has told.
    pending: Option<usize>,
}

/// What [`Frames::next`] found.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is made"
)]
pub enum Frame {
    /// Too little for anything yet.
    More,
    /// A frame, from its first byte to its last.
    Whole(Bytes),
    /// A frame that is over the limit, now that its last byte has come.
    Refused(Inbound),
}

impl Frame {
    /// The event that it comes to: `read` is what a whole frame says.
    pub fn event(self, read: impl FnOnce(Bytes) -> Inbound) -> Option<Inbound> {
        match self {
            Self::More => None,
            Self::Whole(frame) => Some(read(frame)),
            Self::Refused(event) => Some(event),
        }
    }
}

impl Frames {
    /// The longest frame that is read to its end to be refused: 64 MiB. Beyond it the connection ends.
    pub const DISCARD: usize = 64 << 20;
    /// So many bytes of a frame over the limit, or all if it is shorter, are there when it is to be refused.
    pub const START: usize = 64;

    /// Those of one connection. A frame has `shortest` bytes at least; less tells that this is not the protocol.
    pub fn new(protocol: &'static str, shortest: usize, limits: FrameLimits) -> Self {
        Self {
            protocol,
            shortest: shortest.max(1),
            limits: Cell::new(limits),
            refused: None,
            pending: None,
        }
    }

    /// The limits that hold now.
    pub fn limits(&self) -> FrameLimits {
        self.limits.get()
    }

    /// See [`Codec::set_limits`](crate::Codec::set_limits).
    pub fn set_limits(&self, limits: FrameLimits) {
        self.limits.set(limits);
    }

    /// See [`Codec::mid_frame`](crate::Codec::mid_frame).
    pub fn mid_frame(&self) -> bool {
        self.refused.is_some()
    }

    /// See [`Codec::pending_frame`](crate::Codec::pending_frame).
    pub fn pending(&self) -> Option<usize> {
        self.pending
            .filter(|length| *length <= self.limits.get().frame)
    }

    /// Takes the next frame out of the buffer. `length` tells from the first bytes how long the frame is in all, its length
    /// field included, or None if these are too few; `refuse` tells from the first [`Frames::START`] bytes what becomes of a
    /// frame that is over the limit.
    ///
    /// # Errors
    /// A length that no frame has: nobody knows where the next one begins.
    pub fn next(
        &mut self,
        src: &mut BytesMut,
        length: impl FnOnce(&[u8]) -> Option<usize>,
        refuse: impl FnOnce(&[u8]) -> Inbound,
    ) -> Result<Frame, ConnError> {
        self.pending = None;
        if let Some(refused) = self.refused.take() {
            return Ok(self.discard(refused, src));
        }
        let Some(length) = length(src) else {
            return Ok(Frame::More);
        };
        if !(self.shortest..=Self::DISCARD).contains(&length) {
            return Err(ConnError::protocol(
                self.protocol,
                "a length that no frame has",
            ));
        }
        if length <= self.limits.get().frame {
            if src.len() >= length {
                return Ok(Frame::Whole(src.split_to(length).freeze()));
            }
            self.pending = Some(length);
            return Ok(Frame::More);
        }
        match src.get(..length.min(Self::START)) {
            None => Ok(Frame::More),
            Some(start) => {
                let refused = Refused::new(length as u64, refuse(start));
                Ok(self.discard(refused, src))
            }
        }
    }

    fn discard(&mut self, refused: Refused, src: &mut BytesMut) -> Frame {
        match refused.discard(src) {
            Ok(event) => Frame::Refused(event),
            Err(more) => {
                self.refused = Some(more);
                Frame::More
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Control;

    fn length(bytes: &[u8]) -> Option<usize> {
        bytes.first().map(|length| usize::from(*length))
    }

    fn next(frames: &mut Frames, src: &mut BytesMut) -> Result<Frame, ConnError> {
        frames.next(src, length, |start| {
            assert_eq!(start.len(), usize::from(start[0]).min(Frames::START));
            Inbound::Control(Control::Ignore)
        })
    }

    fn frames(frame: usize) -> Frames {
        let limits = FrameLimits {
            frame,
            ..FrameLimits::default()
        };
        Frames::new("test", 2, limits)
    }

    #[test]
    fn whole_frames_leave_one_by_one() {
        let (mut frames, mut src) = (frames(9), BytesMut::from(&b"\x03ab\x02"[..]));
        assert!(
            matches!(next(&mut frames, &mut src), Ok(Frame::Whole(frame)) if *frame == *b"\x03ab")
        );
        assert!(matches!(next(&mut frames, &mut src), Ok(Frame::More)));
        assert_eq!(frames.pending(), Some(2));
        frames.set_limits(FrameLimits {
            frame: 1,
            ..frames.limits()
        });
        assert_eq!(frames.pending(), None);
        assert_eq!(src.len(), 1);
    }

    #[test]
    fn a_frame_over_the_limit_is_told_with_its_last_byte() {
        let (mut frames, mut src) = (frames(9), BytesMut::from(&[100; 63][..]));
        assert!(matches!(next(&mut frames, &mut src), Ok(Frame::More)));
        assert!(!frames.mid_frame() && frames.pending().is_none());
        src.extend_from_slice(&[100; 36]);
        assert!(matches!(next(&mut frames, &mut src), Ok(Frame::More)));
        assert!(frames.mid_frame() && src.is_empty());
        src.extend_from_slice(&[100, 2, b'x']);
        assert!(matches!(next(&mut frames, &mut src), Ok(Frame::Refused(_))));
        assert!(
            matches!(next(&mut frames, &mut src), Ok(Frame::Whole(frame)) if *frame == *b"\x02x")
        );
    }

    #[test]
    fn lengths_that_no_frame_has_end_the_connection() {
        assert!(next(&mut frames(9), &mut BytesMut::from(&b"\x01"[..])).is_err());
        let beyond = |_: &[u8]| Some(Frames::DISCARD + 1);
        let refused = |_: &[u8]| Inbound::Control(Control::Ignore);
        let mut src = BytesMut::from(&[0; 80][..]);
        assert!(frames(9).next(&mut src, beyond, refused).is_err());
    }
}
