//! What a message's [`Wire::fixed`](wireloom_codecs::Wire) keeps: the dialect, and what encoding needs to put another seqid in.

use crate::types::{Dialect, MessageType, Protocol, Transport};

/// Marks a head as Thrift's.
const TAG: u8 = b'T';

/// The head of a message as values.
///
/// The image beside it is everything from the transport's fixed head to the struct: a header block where there is one, and the start of the
/// message with its seqid still in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub(crate) dialect: Dialect,
    pub(crate) kind: MessageType,
    /// The message is compressed: the image ends with the header block, and the body is what follows.
    pub(crate) sealed: bool,
    /// TTHeader only: a length stands between the header block and the message.
    pub(crate) framed_again: bool,
    /// Offset of the message's seqid in the image.
    pub(crate) seq_at: u32,
    /// Bytes of it.
    pub(crate) seq_width: u8,
    /// The message's seqid.
    pub(crate) inner: u32,
    /// THeader's and TTHeader's own seqid; elsewhere the same as `inner`.
    pub(crate) outer: u32,
    /// THeader's and TTHeader's flags.
    pub(crate) flags: u16,
    /// Length of the header block in words of four bytes.
    pub(crate) words: u16,
}

impl Fixed {
    pub(crate) fn to_bytes(self) -> [u8; 24] {
        let transport = match self.dialect.transport {
            Transport::Framed => 0,
            Transport::Buffered => 1,
            Transport::Header => 2,
            Transport::TtHeader => 3,
        };
        let protocol = match self.dialect.protocol {
            Protocol::Binary => 0,
            Protocol::Compact => 1,
            Protocol::BinaryNonStrict => 2,
        };
        let bits = u8::from(self.sealed) | u8::from(self.framed_again) << 1;
        let [a, b, c, d] = self.seq_at.to_be_bytes();
        let [e, f, g, h] = self.inner.to_be_bytes();
        let [i, j, k, l] = self.outer.to_be_bytes();
        let [m, n] = self.flags.to_be_bytes();
        let [o, p] = self.words.to_be_bytes();
        let width = self.seq_width;
        let kind = self.kind as u8;
        [
            TAG, transport, protocol, kind, bits, width, a, b, c, d, e, f, g, h, i, j, k, l, m, n,
            o, p, 0, 0,
        ]
    }

    /// None if this is no Thrift message's.
    pub(crate) fn parse(bytes: &[u8; 24]) -> Option<Self> {
        let &[
            TAG,
            transport,
            protocol,
            kind,
            bits,
            seq_width,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            m,
            n,
            o,
            p,
            0,
            0,
        ] = bytes
        else {
            return None;
        };
        Some(Self {
            dialect: Dialect {
                transport: match transport {
                    0 => Transport::Framed,
                    1 => Transport::Buffered,
                    2 => Transport::Header,
                    3 => Transport::TtHeader,
                    _ => return None,
                },
                protocol: match protocol {
                    0 => Protocol::Binary,
                    1 => Protocol::Compact,
                    2 => Protocol::BinaryNonStrict,
                    _ => return None,
                },
            },
            kind: MessageType::of(kind)?,
            sealed: bits & 1 != 0,
            framed_again: bits & 2 != 0,
            seq_width,
            seq_at: u32::from_be_bytes([a, b, c, d]),
            inner: u32::from_be_bytes([e, f, g, h]),
            outer: u32::from_be_bytes([i, j, k, l]),
            flags: u16::from_be_bytes([m, n]),
            words: u16::from_be_bytes([o, p]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let fixed = Fixed {
            dialect: Dialect {
                transport: Transport::TtHeader,
                protocol: Protocol::Compact,
            },
            kind: MessageType::Exception,
            sealed: true,
            framed_again: true,
            seq_at: 0x0102_0304,
            seq_width: 5,
            inner: u32::MAX,
            outer: 7,
            flags: 0x0809,
            words: 0x0a0b,
        };
        assert_eq!(Fixed::parse(&fixed.to_bytes()), Some(fixed));
        assert_eq!(Fixed::parse(&[0; 24]), None);
        assert_eq!(Fixed::parse(&[1; 24]), None);
    }
}
