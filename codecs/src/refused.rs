//! Frames that are refused by their head.

use bytes::{Buf, BytesMut};

use crate::Inbound;

/// A frame that was refused by its head: what is left of it is thrown away as it comes, and then the refusal is told.
///
/// Told sooner, it would reach a client that is still writing. Java clients take a connection whose socket does not
/// drain for a broken one, and fail the calls that come next.
#[derive(Debug)]
pub struct Refused {
    left: u64,
    event: Box<Inbound>,
}

impl Refused {
    /// `left` bytes of the frame are still to come, or in the buffer.
    pub fn new(left: u64, event: Inbound) -> Self {
        Self {
            left,
            event: Box::new(event),
        }
    }

    /// Throws away what is there; gives the event once that was all.
    pub fn discard(mut self, buffer: &mut BytesMut) -> Result<Inbound, Self> {
        let here = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        buffer.advance(here);
        self.left -= here as u64;
        if self.left == 0 {
            Ok(*self.event)
        } else {
            Err(self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Control;

    #[test]
    fn tells_when_the_last_byte_has_come_and_touches_nothing_behind_it() {
        let refused = Refused::new(5, Inbound::Control(Control::Ignore));
        let refused = refused.discard(&mut BytesMut::from("abc")).unwrap_err();
        let mut rest = BytesMut::from("denext");
        assert!(matches!(
            refused.discard(&mut rest),
            Ok(Inbound::Control(Control::Ignore))
        ));
        assert_eq!(rest, "next");
    }
}
