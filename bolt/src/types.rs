//! The fixed head of a frame, and the names of the numbers in it.

use bytes::{Buf, BufMut};

/// The name that errors and metrics use.
pub const NAME: &str = "bolt";

/// Codec byte of hessian, in whichever dialect the peer's library writes.
pub const CODEC_HESSIAN: u8 = 1;
/// The value of `ver2`; no other is known.
pub const VER2: u8 = 1;
/// The `ver1` whose frames end in a CRC if [`SWITCH_CRC`] is set.
pub const VER1_CRC: u8 = 2;
/// The bit of the switch byte that says "CRC".
pub const SWITCH_CRC: u8 = 1;
/// The longest fixed head: a v2 request.
pub const MAX_HEAD: usize = 24;
/// The longest class name and header block: Java reads their lengths as signed 16-bit numbers.
pub const MAX_SHORT: u16 = i16::MAX as u16;

/// The class name of a SOFARPC request.
pub const SOFA_REQUEST: &str = "com.alipay.sofa.rpc.core.request.SofaRequest";
/// The class name of a SOFARPC response.
pub const SOFA_RESPONSE: &str = "com.alipay.sofa.rpc.core.response.SofaResponse";

/// Command codes.
pub mod command {
    /// "Are you there?", and its answer.
    pub const HEARTBEAT: u16 = 0;
    /// A request.
    pub const REQUEST: u16 = 1;
    /// A response.
    pub const RESPONSE: u16 = 2;
    /// "Send no new requests here." Only MOSN knows it; Java closes the connection.
    pub const GO_AWAY: u16 = 100;
}

/// Response statuses (sofa-bolt `ResponseStatus`).
pub mod status {
    /// There is a value.
    pub const SUCCESS: u16 = 0;
    /// An error of no particular kind.
    pub const ERROR: u16 = 1;
    /// The processor threw.
    pub const SERVER_EXCEPTION: u16 = 2;
    /// Something unforeseen.
    pub const UNKNOWN: u16 = 3;
    /// The server's thread pool is full.
    pub const SERVER_THREADPOOL_BUSY: u16 = 4;
    /// A communication error.
    pub const ERROR_COMM: u16 = 5;
    /// Nothing there processes this class.
    pub const NO_PROCESSOR: u16 = 6;
    /// No answer in time.
    pub const TIMEOUT: u16 = 7;
    /// The request could not be sent.
    pub const CLIENT_SEND_ERROR: u16 = 8;
    /// The frame could not be decoded.
    pub const CODEC_EXCEPTION: u16 = 9;
    /// The connection is gone; clients fail over on it.
    pub const CONNECTION_CLOSED: u16 = 0x10;
    /// The server could not serialize its answer.
    pub const SERVER_SERIAL_EXCEPTION: u16 = 0x11;
    /// The server could not deserialize the request.
    pub const SERVER_DESERIAL_EXCEPTION: u16 = 0x12;

    /// The name in sofa-bolt's `ResponseStatus`; None for a status that Java clients refuse.
    pub const fn name(status: u16) -> Option<&'static str> {
        Some(match status {
            SUCCESS => "SUCCESS",
            ERROR => "ERROR",
            SERVER_EXCEPTION => "SERVER_EXCEPTION",
            UNKNOWN => "UNKNOWN",
            SERVER_THREADPOOL_BUSY => "SERVER_THREADPOOL_BUSY",
            ERROR_COMM => "ERROR_COMM",
            NO_PROCESSOR => "NO_PROCESSOR",
            TIMEOUT => "TIMEOUT",
            CLIENT_SEND_ERROR => "CLIENT_SEND_ERROR",
            CODEC_EXCEPTION => "CODEC_EXCEPTION",
            CONNECTION_CLOSED => "CONNECTION_CLOSED",
            SERVER_SERIAL_EXCEPTION => "SERVER_SERIAL_EXCEPTION",
            SERVER_DESERIAL_EXCEPTION => "SERVER_DESERIAL_EXCEPTION",
            _ => return None,
        })
    }
}

/// The layout of a frame's fixed head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// Protocol byte 1.
    #[default]
    V1,
    /// Protocol byte 2.
    V2,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// An answer.
    Response,
    /// A request that is answered exactly once.
    #[default]
    Request,
    /// A request that is never answered.
    OneWay,
}

/// Why the first bytes of a frame do not say where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStart {
    /// A protocol byte that is neither 1 nor 2.
    #[error("a frame starts with protocol byte {0:#04x}, which is neither 1 nor 2")]
    Version(u8),
    /// A type byte that is none of 0, 1, 2.
    #[error("a frame has type byte {0:#04x}, which is none of 0, 1, 2")]
    Type(u8),
}

/// The fixed head, as values. Writing back what was read gives the same bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The layout.
    pub version: Version,
    /// v2 only: 1, or 2 for frames that may have a CRC.
    pub ver1: u8,
    /// Request, response, one-way.
    pub kind: Type,
    /// See [`command`].
    pub command: u16,
    /// Always [`VER2`] in valid frames.
    pub ver2: u8,
    /// Java counts from 0 through the negatives; here they are the upper half.
    pub id: u32,
    /// How class name and content are serialized.
    pub codec: u8,
    /// v2 only: see [`SWITCH_CRC`].
    pub switch: u8,
    /// A request's timeout in milliseconds (i32), or a response's [`status`].
    pub timeout_or_status: u32,
    /// Bytes of class name.
    pub class_len: u16,
    /// Bytes of header block.
    pub header_len: u16,
    /// Bytes of content; negative only in broken frames.
    pub content_len: i32,
}

impl Head {
    /// The length of the fixed head that starts `frame`; None if too few bytes are there to tell.
    pub fn len_at(frame: &[u8]) -> Result<Option<usize>, BadStart> {
        let (version, kind) = match *frame {
            [] => return Ok(None),
            [1, kind, ..] => (Version::V1, kind),
            [2, _, kind, ..] => (Version::V2, kind),
            [1 | 2, ..] => return Ok(None),
            [other, ..] => return Err(BadStart::Version(other)),
        };
        let kind = Type::of(kind).ok_or(BadStart::Type(kind))?;
        Ok(Some(head_len(version, kind)))
    }

    /// The values of a fixed head, padded to the longest. None if the protocol or type byte is unknown.
    pub fn parse(fixed: &[u8; MAX_HEAD]) -> Option<Self> {
        // Every path takes at most 24 of the 24 bytes.
        let mut at = &fixed[..];
        let version = match at.get_u8() {
            1 => Version::V1,
            2 => Version::V2,
            _ => return None,
        };
        let v2 = version == Version::V2;
        let ver1 = if v2 { at.get_u8() } else { 0 };
        let kind = Type::of(at.get_u8())?;
        Some(Self {
            version,
            ver1,
            kind,
            command: at.get_u16(),
            ver2: at.get_u8(),
            id: at.get_u32(),
            codec: at.get_u8(),
            switch: if v2 { at.get_u8() } else { 0 },
            timeout_or_status: match kind {
                Type::Response => at.get_u16().into(),
                Type::Request | Type::OneWay => at.get_u32(),
            },
            class_len: at.get_u16(),
            header_len: at.get_u16(),
            content_len: at.get_i32(),
        })
    }

    /// The bytes of the head in front, padded with zeros; [`Head::len`] of them go on the wire.
    pub fn to_bytes(&self) -> [u8; MAX_HEAD] {
        let mut fixed = [0; MAX_HEAD];
        let mut at = &mut fixed[..];
        let v2 = self.version == Version::V2;
        at.put_u8(if v2 { 2 } else { 1 });
        if v2 {
            at.put_u8(self.ver1);
        }
        at.put_u8(match self.kind {
            Type::Response => 0,
            Type::Request => 1,
            Type::OneWay => 2,
        });
        at.put_u16(self.command);
        at.put_u8(self.ver2);
        at.put_u32(self.id);
        at.put_u8(self.codec);
        if v2 {
            at.put_u8(self.switch);
        }
        match self.kind {
            // The low half: a status is read from 16 bits.
            Type::Response => at.put_u16(self.status()),
            Type::Request | Type::OneWay => at.put_u32(self.timeout_or_status),
        }
        at.put_u16(self.class_len);
        at.put_u16(self.header_len);
        at.put_i32(self.content_len);
        fixed
    }

    /// Bytes of the fixed head: 20, 22 or 24.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        head_len(self.version, self.kind)
    }

    /// Bytes of the whole frame. Summed in 64 bits; a negative content length counts as 0.
    pub fn frame_len(&self) -> u64 {
        self.len() as u64
            + u64::from(self.class_len)
            + u64::from(self.header_len)
            + u64::try_from(self.content_len).unwrap_or(0)
            + if self.has_crc() { 4 } else { 0 }
    }

    /// True if the frame ends in a CRC, as Java decides it: both the version and the switch must say so.
    pub fn has_crc(&self) -> bool {
        self.version == Version::V2 && self.ver1 == VER1_CRC && self.switch & SWITCH_CRC != 0
    }

    /// A response's status.
    pub fn status(&self) -> u16 {
        (self.timeout_or_status & 0xffff) as u16
    }

    /// The head of an empty answer in the same version, codec and switch, under the same id.
    pub fn answer(&self, command: u16, status: u16) -> Self {
        let ver1 = match (self.version, self.ver1) {
            (Version::V1, _) => 0,
            (Version::V2, VER1_CRC) => VER1_CRC,
            (Version::V2, _) => 1,
        };
        // Java ignores the CRC bit unless ver1 is 2, sofa-bolt-node heeds it always: without it they agree.
        let crc = if ver1 == VER1_CRC { SWITCH_CRC } else { 0 };
        Self {
            version: self.version,
            ver1,
            kind: Type::Response,
            command,
            ver2: VER2,
            id: self.id,
            codec: self.codec,
            switch: self.switch & (0x7e | crc),
            timeout_or_status: status.into(),
            class_len: 0,
            header_len: 0,
            content_len: 0,
        }
    }

    /// The same head in the layout of version 1, which has no CRC.
    pub fn to_v1(self) -> Self {
        Self {
            version: Version::V1,
            ver1: 0,
            switch: 0,
            ..self
        }
    }
}

impl Type {
    const fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Response,
            1 => Self::Request,
            2 => Self::OneWay,
            _ => return None,
        })
    }
}

const fn head_len(version: Version, kind: Type) -> usize {
    match (version, kind) {
        (Version::V1, Type::Response) => 20,
        (Version::V1, _) | (Version::V2, Type::Response) => 22,
        (Version::V2, _) => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_head_survives() {
        for (version, kind) in [(1u8, 0u8), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)] {
            let mut fixed: [u8; MAX_HEAD] = std::array::from_fn(|i| 0xa0 + i as u8);
            fixed[0] = version;
            fixed[version as usize] = kind;
            let head = Head::parse(&fixed).unwrap();
            let len = head.len();
            assert_eq!(Head::len_at(&fixed), Ok(Some(len)));
            fixed[len..].fill(0);
            assert_eq!(head.to_bytes(), fixed);
        }
    }

    #[test]
    fn the_largest_lengths_do_not_overflow() {
        let head = Head {
            version: Version::V2,
            ver1: 2,
            switch: 1,
            class_len: u16::MAX,
            header_len: u16::MAX,
            content_len: i32::MAX,
            ..Head::default()
        };
        assert_eq!(head.frame_len(), 24 + 2 * 65535 + 2_147_483_647 + 4);
    }

    #[test]
    fn statuses_that_java_refuses_have_no_name() {
        let known = (0..=u16::MAX).filter(|status| status::name(*status).is_some());
        assert_eq!(known.count(), 13);
        assert_eq!(status::name(0x0a), None);
    }
}
