//! The fixed head, and the numbers in it.

/// The first two bytes of every frame.
pub const MAGIC: [u8; 2] = [0xda, 0xbb];
/// Length of the fixed head, in bytes.
pub const HEAD: usize = 16;

const REQUEST: u8 = 0x80;
const TWO_WAY: u8 = 0x40;
const EVENT: u8 = 0x20;
const SERIALIZATION: u8 = 0x1f;

/// Serialization ids: the low five bits of the flag. Names from apache/dubbo `serialize/Constants.java`.
pub mod serialization {
    /// Hessian 2 in hessian-lite's dialect: the default of 2.x and 3.3.
    pub const HESSIAN2: u8 = 2;
    /// JSONB of fastjson2: what 3.1 and 3.2 prefer when both sides have it.
    pub const FASTJSON2: u8 = 23;
}

/// Response statuses. Names from apache/dubbo `exchange/Response.java`.
pub mod status {
    /// The body is a result: a value, null or an exception of the service.
    pub const OK: u8 = 20;
    /// The provider could not read the request's or write the result's serialization (3.x).
    pub const SERIALIZATION_ERROR: u8 = 25;
    /// The consumer gave up; a provider does not send it.
    pub const CLIENT_TIMEOUT: u8 = 30;
    /// The provider gave up.
    pub const SERVER_TIMEOUT: u8 = 31;
    /// The connection was lost.
    pub const CHANNEL_INACTIVE: u8 = 35;
    /// The request could not be read.
    pub const BAD_REQUEST: u8 = 40;
    /// The result could not be written.
    pub const BAD_RESPONSE: u8 = 50;
    /// No such service here.
    pub const SERVICE_NOT_FOUND: u8 = 60;
    /// The service failed outside its own code.
    pub const SERVICE_ERROR: u8 = 70;
    /// The provider failed.
    pub const SERVER_ERROR: u8 = 80;
    /// The consumer failed; a provider does not send it.
    pub const CLIENT_ERROR: u8 = 90;
    /// The provider has no thread for the request.
    pub const THREADPOOL_EXHAUSTED: u8 = 100;
}

/// The fixed head of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Kind of message and serialization id.
    pub flag: u8,
    /// Of a response; requests carry 0.
    pub status: u8,
    /// Chosen by the requester. Java counts from a random start through the negative numbers; any value is legal.
    pub id: u64,
    /// Bytes of body. Signed in Java, so 2^31 and more are refused.
    pub length: u32,
}

impl Head {
    /// Reads a head. None if `bytes` are fewer than [`HEAD`] or do not start with [`MAGIC`].
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEAD] = bytes.first_chunk()?;
        let [
            m0,
            m1,
            flag,
            status,
            i0,
            i1,
            i2,
            i3,
            i4,
            i5,
            i6,
            i7,
            l0,
            l1,
            l2,
            l3,
        ] = *head;
        ([m0, m1] == MAGIC).then_some(Self {
            flag,
            status,
            id: u64::from_be_bytes([i0, i1, i2, i3, i4, i5, i6, i7]),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }

    /// The head as the wire has it.
    pub fn to_bytes(self) -> [u8; HEAD] {
        let [m0, m1] = MAGIC;
        let [i0, i1, i2, i3, i4, i5, i6, i7] = self.id.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [
            m0,
            m1,
            self.flag,
            self.status,
            i0,
            i1,
            i2,
            i3,
            i4,
            i5,
            i6,
            i7,
            l0,
            l1,
            l2,
            l3,
        ]
    }

    /// The head as [`Wire::fixed`](wireloom_codecs::Wire::fixed) keeps it: the wire's bytes, then zeros.
    pub fn to_fixed(self) -> [u8; 24] {
        let mut fixed = [0; 24];
        for (to, from) in fixed.iter_mut().zip(self.to_bytes()) {
            *to = from;
        }
        fixed
    }

    /// A request's head. `length` is written when the frame is.
    pub const fn request(serialization: u8, two_way: bool) -> Self {
        Self {
            flag: REQUEST | if two_way { TWO_WAY } else { 0 } | (serialization & SERIALIZATION),
            status: 0,
            id: 0,
            length: 0,
        }
    }

    /// A response's head. The id and `length` are written when the frame is.
    pub const fn response(serialization: u8, status: u8) -> Self {
        Self {
            flag: serialization & SERIALIZATION,
            status,
            id: 0,
            length: 0,
        }
    }

    /// The same head with the event bit.
    pub const fn event(self) -> Self {
        Self {
            flag: self.flag | EVENT,
            ..self
        }
    }

    /// True for a request, false for a response.
    pub const fn is_request(self) -> bool {
        self.flag & REQUEST != 0
    }

    /// True if a request wants an answer. Means nothing on a response.
    pub const fn is_two_way(self) -> bool {
        self.flag & TWO_WAY != 0
    }

    /// True for what concerns the connection: heartbeats and announcements.
    pub const fn is_event(self) -> bool {
        self.flag & EVENT != 0
    }

    /// How the body is written; see [`serialization`].
    pub const fn serialization(self) -> u8 {
        self.flag & SERIALIZATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_the_ones_seen_on_the_wire() {
        use serialization::HESSIAN2;
        assert_eq!(Head::request(HESSIAN2, true).flag, 0xc2);
        assert_eq!(Head::request(HESSIAN2, false).flag, 0x82);
        assert_eq!(Head::request(HESSIAN2, true).event().flag, 0xe2);
        assert_eq!(Head::request(HESSIAN2, false).event().flag, 0xa2);
        assert_eq!(Head::response(HESSIAN2, status::OK).flag, 0x02);
        assert_eq!(Head::response(HESSIAN2, status::OK).event().flag, 0x22);
    }

    #[test]
    fn a_head_reads_back() {
        let head = Head {
            flag: 0xc2,
            status: 0,
            id: u64::MAX - 1,
            length: 0x0102_0304,
        };
        assert_eq!(Head::parse(&head.to_bytes()), Some(head));
        assert_eq!(Head::parse(&head.to_fixed()), Some(head));
        assert_eq!(Head::parse(&head.to_bytes()[..15]), None);
        assert_eq!(Head::parse(&[0; 16]), None);
    }
}
