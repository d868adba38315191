//! The protocols and versions that scripts speak.

use std::time::Duration;

use anyhow::Result;

use super::{bolt, dubbo};

/// A protocol in one of its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// Dubbo 2 with Hessian 2.
    Dubbo,
    /// Bolt, version 1.
    BoltV1,
    /// Bolt, version 2 without checksums.
    BoltV2,
    /// Bolt, version 2 with checksums.
    BoltCrc,
}

/// A call as scripts make it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The interface.
    pub service: String,
    /// The method.
    pub method: String,
    /// Dubbo's group, Bolt's uniqueId.
    pub group: Option<String>,
    /// What the caller tells of its own timeout.
    pub timeout: Option<Duration>,
    /// Whether nothing is to come back.
    pub one_way: bool,
    /// The argument.
    pub payload: Vec<u8>,
}

impl Call {
    /// A call of `echo`, to which an echoing server answers `payload`.
    pub fn echo(payload: impl Into<Vec<u8>>) -> Self {
        Self {
            service: "org.wireloom.scripted.Echo".to_owned(),
            method: "echo".to_owned(),
            group: None,
            timeout: None,
            one_way: false,
            payload: payload.into(),
        }
    }

    /// The same in a group, by which tests choose a route.
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// The same with a timeout of the caller's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same, one-way.
    pub fn one_way(mut self) -> Self {
        self.one_way = true;
        self
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that wants an answer.
    Request,
    /// A request that wants none.
    OneWay,
    /// An answer.
    Response,
    /// A heartbeat that wants an answer.
    Ping,
    /// The answer to a heartbeat.
    Pong,
    /// Dubbo's one-way events: R for READONLY, W for WRITEABLE.
    Event,
}

/// A frame that came.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// The request that it is or answers.
    pub id: u64,
    /// Of a response.
    pub status: u16,
    /// The argument of a call, the value of an answer, the text of a Dubbo failure.
    pub payload: Vec<u8>,
    /// All of it, as it came.
    pub bytes: Vec<u8>,
}

/// A failure that the proxy makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No route matches.
    NoRoute,
    /// The cluster has no endpoint.
    NoEndpoint,
    /// The endpoint refuses connections.
    Connect,
    /// The upstream connection was lost.
    Reset,
    /// The answer did not come in time.
    Timeout,
    /// A limit is reached.
    Overloaded,
    /// The request cannot be read.
    Malformed,
    /// The request is over the limit.
    TooLarge,
}

impl Failure {
    /// What a message says of it, where the protocol has messages.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoRoute => "no route",
            Self::NoEndpoint => "no endpoint",
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Timeout => "timed out",
            Self::Overloaded => "overloaded",
            Self::Malformed => "malformed",
            Self::TooLarge => "exceeds",
        }
    }
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Dubbo, Self::BoltV1, Self::BoltV2, Self::BoltCrc];
    /// One of each protocol.
    pub const PROTOCOLS: [Self; 2] = [Self::Dubbo, Self::BoltV1];

    /// The protocol's name in configurations and metrics.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Dubbo => "dubbo",
            Self::BoltV1 | Self::BoltV2 | Self::BoltCrc => "bolt",
        }
    }

    /// A request.
    pub fn request(self, id: u64, call: &Call) -> Vec<u8> {
        match self {
            Self::Dubbo => dubbo::request(id, call),
            _ => bolt::request(self, id, call),
        }
    }

    /// A successful answer.
    pub fn response(self, id: u64, payload: &[u8]) -> Vec<u8> {
        match self {
            Self::Dubbo => dubbo::response(id, payload),
            _ => bolt::response(self, id, payload),
        }
    }

    /// A heartbeat.
    pub fn ping(self, id: u64) -> Vec<u8> {
        match self {
            Self::Dubbo => dubbo::ping(id),
            _ => bolt::ping(self, id),
        }
    }

    /// The answer to a heartbeat.
    pub fn pong(self, id: u64) -> Vec<u8> {
        match self {
            Self::Dubbo => dubbo::pong(id),
            _ => bolt::pong(self, id),
        }
    }

    /// The head of a request whose body is said to have `length` bytes.
    pub fn announcement(self, id: u64, length: u32) -> Vec<u8> {
        match self {
            Self::Dubbo => dubbo::head(0xc2, 0, id, length).into(),
            _ => bolt::announcement(self, id, length),
        }
    }

    /// The head of an answer whose body is said to have `length` bytes.
    pub fn answer_announcement(self, id: u64, length: u32) -> Vec<u8> {
        match self {
            Self::Dubbo => dubbo::head(0x02, 20, id, length).into(),
            _ => bolt::answer_announcement(self, id, length),
        }
    }

    /// The status of a successful answer.
    pub const fn success(self) -> u16 {
        match self {
            Self::Dubbo => 20,
            _ => 0,
        }
    }

    /// The status that a client must see for a failure.
    pub const fn status(self, failure: Failure) -> u16 {
        match self {
            Self::Dubbo => match failure {
                Failure::NoRoute => 60,
                Failure::NoEndpoint | Failure::Connect | Failure::Reset => 80,
                Failure::Timeout => 31,
                Failure::Overloaded => 100,
                Failure::Malformed | Failure::TooLarge => 40,
            },
            _ => match failure {
                Failure::NoRoute | Failure::NoEndpoint => 6,
                Failure::Connect | Failure::Reset => 0x10,
                Failure::Timeout => 7,
                Failure::Overloaded => 4,
                Failure::Malformed | Failure::TooLarge => 9,
            },
        }
    }

    /// Ids at the edges of the protocol's range.
    pub fn extreme_ids(self) -> Vec<u64> {
        let bits = match self {
            Self::Dubbo => 64,
            _ => 32,
        };
        let max = u64::MAX >> (64 - bits);
        vec![0, 1, max / 2, max / 2 + 1, max - 1, max]
    }

    /// The id of a frame whose head is whole.
    pub fn id(self, frame: &[u8]) -> Option<u64> {
        let (at, length) = self.id_at(frame);
        let bytes = frame.get(at..at + length)?;
        Some(bytes.iter().fold(0, |id, byte| id << 8 | u64::from(*byte)))
    }

    /// A frame with another id; its checksum, if it has one, is made to fit.
    pub fn with_id(self, frame: &[u8], id: u64) -> Vec<u8> {
        let (at, length) = self.id_at(frame);
        let mut frame = frame.to_vec();
        if let Some(place) = frame.get_mut(at..at + length) {
            let bytes = id.to_be_bytes();
            place.copy_from_slice(bytes.get(8 - length..).unwrap_or_default());
        }
        match self {
            Self::Dubbo => {}
            _ => bolt::seal(&mut frame),
        }
        frame
    }

    fn id_at(self, frame: &[u8]) -> (usize, usize) {
        match (self, frame.first()) {
            (Self::Dubbo, _) => (4, 8),
            (_, Some(2)) => (6, 4),
            _ => (5, 4),
        }
    }

    /// The length of the frame that begins with `bytes`; None if they are too few to tell.
    ///
    /// # Errors
    /// If no frame begins so.
    pub fn length(self, bytes: &[u8]) -> Result<Option<usize>> {
        match self {
            Self::Dubbo => dubbo::length(bytes),
            _ => bolt::length(bytes),
        }
    }

    /// Reads a whole frame.
    ///
    /// # Errors
    /// If it is not valid in every detail; a checksum that is wrong, for one.
    pub fn parse(self, bytes: Vec<u8>) -> Result<Frame> {
        match self {
            Self::Dubbo => dubbo::parse(bytes),
            _ => bolt::parse(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(wire: Wire, bytes: Vec<u8>) -> Frame {
        for cut in 0..bytes.len() {
            let length = wire.length(&bytes[..cut]).unwrap();
            assert!(
                length.is_none_or(|length| length == bytes.len()),
                "{wire:?} cut at {cut}"
            );
        }
        assert_eq!(wire.length(&bytes).unwrap(), Some(bytes.len()));
        wire.parse(bytes).unwrap()
    }

    #[test]
    fn what_is_made_can_be_read() {
        for wire in Wire::ALL {
            for payload in [&b""[..], b"short", &[7; 1000], &[1; 100_000]] {
                for id in wire.extreme_ids() {
                    let call = Call::echo(payload)
                        .group("blue")
                        .timeout(Duration::from_secs(3));
                    let frame = parsed(wire, wire.request(id, &call));
                    assert_eq!((frame.kind, frame.id), (Kind::Request, id));
                    assert_eq!(frame.payload, payload);
                    let frame = parsed(wire, wire.response(id, payload));
                    assert_eq!(
                        (frame.kind, frame.id, frame.status),
                        (Kind::Response, id, wire.success())
                    );
                    assert_eq!(frame.payload, payload);
                }
            }
            let one_way = wire.request(3, &Call::echo("x").one_way());
            assert_eq!(parsed(wire, one_way).kind, Kind::OneWay);
            assert_eq!(parsed(wire, wire.ping(9)).kind, Kind::Ping);
            assert_eq!(parsed(wire, wire.pong(9)).kind, Kind::Pong);
            let head = wire.announcement(1, 1 << 26);
            assert!(wire.length(&head).unwrap().unwrap() >= head.len() + (1 << 26));
        }
    }

    #[test]
    fn a_flipped_bit_fails_the_checksum() {
        let mut bytes = Wire::BoltCrc.request(1, &Call::echo("payload"));
        let at = bytes.len() - 6;
        bytes[at] ^= 1;
        let error = Wire::BoltCrc.parse(bytes).unwrap_err().to_string();
        assert!(error.contains("CRC"), "{error}");
    }
}
