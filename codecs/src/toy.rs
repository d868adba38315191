//! The smallest protocol that has everything: what the drivers are tested with.
//!
//! `len u32 | kind u8 | id u32 | status u8 | body`, `len` counting what follows it.

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

use crate::{
    Body, Class, Codec, ConnError, Control, ErrorKind, Fault, FrameLimits, Inbound, KeepAlive,
    Kind, LocalError, Message, Mode, Origin, Outbound, Outcome, ProtocolId, Refused, Request,
    RequestHead, Response, ResponseHead, Role, Sniff, Str, StreamId, Wire, WriteBuf, sniff_pattern,
};

pub(crate) const REQUEST: u8 = 1;
pub(crate) const ONE_WAY: u8 = 2;
pub(crate) const RESPONSE: u8 = 3;
pub(crate) const PING: u8 = 4;
pub(crate) const PONG: u8 = 5;
pub(crate) const GO_AWAY: u8 = 6;
pub(crate) const RESUME: u8 = 7;
pub(crate) const BAD: u8 = 8;

/// A frame over the limit that has this status is refused before its end.
pub(crate) const HASTY: u8 = 99;

/// The body of a request that no connection can carry.
pub(crate) const UNFIT: &[u8] = b"unfit";
/// The body of a request of another dialect, and what it becomes.
pub(crate) const FOREIGN: &[u8] = b"foreign";
pub(crate) const ADAPTED: &[u8] = b"adapted";

/// The longest frame that is read to its end, whatever the limit.
const DISCARD_MAX: usize = 64 << 20;

/// `PING_PONG` makes it a protocol of one exchange at a time.
pub(crate) struct Toy<const PING_PONG: bool> {
    limits: FrameLimits,
    keep_alive: Option<KeepAlive>,
    /// The frame that is being thrown away.
    refused: Option<Refused>,
}

pub(crate) type Multiplexed = Toy<false>;
pub(crate) type PingPong = Toy<true>;

pub(crate) fn frame(kind: u8, id: u32, status: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u32 + 6).to_be_bytes().to_vec();
    frame.push(kind);
    frame.extend(id.to_be_bytes());
    frame.push(status);
    frame.extend(body);
    frame
}

impl<const P: bool> Decoder for Toy<P> {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        if let Some(refused) = self.refused.take() {
            return Ok(self.discard(refused, src));
        }
        let Some(length) = self.pending_frame(src) else {
            return Ok(None);
        };
        if !(10..=DISCARD_MAX).contains(&length) {
            return Err(ConnError::protocol("toy", "bad length"));
        }
        if length > self.limits.frame {
            return Ok(self.refuse(src, length));
        }
        if src.len() < length {
            return Ok(None);
        }
        let mut frame = src.split_to(length).freeze();
        frame.advance(4);
        let kind = frame.get_u8();
        let id = StreamId(frame.get_u32().into());
        let status = frame.get_u8();
        let mut wire = Wire::default();
        wire.fixed[0] = kind;
        let body = if frame.is_empty() {
            Body::Empty
        } else {
            Body::Whole(frame)
        };
        Ok(Some(match kind {
            REQUEST | ONE_WAY => Inbound::Request(
                id,
                Message::new(
                    RequestHead {
                        protocol: Self::ID,
                        kind: if kind == REQUEST {
                            Kind::Unary
                        } else {
                            Kind::OneWay
                        },
                        service: Str::from_static("toy"),
                        method: Str::default(),
                        fields: Default::default(),
                        timeout: None,
                        wire,
                        http: None,
                    },
                    body,
                ),
            ),
            RESPONSE => {
                let class = Class::ALL
                    .get(usize::from(status))
                    .copied()
                    .unwrap_or_default();
                let head = ResponseHead {
                    outcome: Outcome::new(class, status.into()),
                    ..ResponseHead::default()
                };
                Inbound::Response(id, Message::new(head, body))
            }
            PING => Inbound::Control(Control::Ping(id, wire)),
            PONG => Inbound::Control(Control::Pong(id)),
            GO_AWAY => Inbound::Control(Control::GoAway),
            RESUME => Inbound::Control(Control::Resume),
            BAD => Inbound::Fault(
                id,
                Fault {
                    origin: Origin::default(),
                    error: LocalError::new(ErrorKind::Malformed, "bad by name"),
                    is_request: status == 0,
                },
            ),
            _ => return Err(ConnError::protocol("toy", "unknown kind")),
        }))
    }
}

impl<const P: bool> Toy<P> {
    /// Answers a frame over the limit by its head alone.
    fn refuse(&mut self, src: &mut BytesMut, length: usize) -> Option<Inbound> {
        let mut head = src.get(..10)?;
        head.advance(4);
        let kind = head.get_u8();
        let id = StreamId(head.get_u32().into());
        let status = head.get_u8();
        let fault = Fault {
            origin: Origin {
                kind: if kind == ONE_WAY {
                    Kind::OneWay
                } else {
                    Kind::Unary
                },
                ..Origin::default()
            },
            error: LocalError::new(ErrorKind::TooLarge, "over the limit"),
            is_request: kind != RESPONSE,
        };
        if status == HASTY {
            src.advance(10);
            self.refused = Some(Refused::new(
                length as u64 - 10,
                Inbound::Control(Control::Ignore),
            ));
            return Some(Inbound::Fault(id, fault));
        }
        self.discard(Refused::new(length as u64, Inbound::Fault(id, fault)), src)
    }

    fn discard(&mut self, refused: Refused, src: &mut BytesMut) -> Option<Inbound> {
        match refused.discard(src) {
            Ok(event) => Some(event),
            Err(more) => {
                self.refused = Some(more);
                None
            }
        }
    }
}

impl<const P: bool> Codec for Toy<P> {
    const ID: ProtocolId = ProtocolId("toy");
    const MODE: Mode = if P { Mode::PingPong } else { Mode::Multiplexed };
    const MAX_ID: u64 = u32::MAX as u64;
    type Settings = Option<KeepAlive>;

    fn pipelined(_: &Self::Settings) -> usize {
        8
    }

    fn new(settings: &Self::Settings, _: Role, limits: FrameLimits) -> Self {
        Self {
            limits,
            keep_alive: *settings,
            refused: None,
        }
    }

    fn sniff(prefix: &[u8]) -> Sniff {
        sniff_pattern(
            &[
                |b| b == 0,
                |_| true,
                |_| true,
                |_| true,
                |b| b == 1 || b == 2 || b == 4,
            ],
            prefix,
        )
    }

    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError> {
        let (kind, id, status, body) = match out {
            Outbound::Request(id, request) => {
                (request.head.wire.fixed[0], id, 0, request.body.whole())
            }
            Outbound::Response(id, response) => (
                RESPONSE,
                id,
                response.head.outcome.native as u8,
                response.body.whole(),
            ),
            Outbound::Ping(id) => (PING, id, 0, None),
            Outbound::Pong(id, _) => (PONG, id, 0, None),
            Outbound::GoAway => (GO_AWAY, StreamId(0), 0, None),
        };
        dst.put_slice(&frame(kind, id.0 as u32, status, body.unwrap_or_default()));
        Ok(())
    }

    fn adapt(&mut self, request: &mut Request) -> Result<(), LocalError> {
        match request.body.whole() {
            Some(UNFIT) => Err(LocalError::new(ErrorKind::TooLarge, "unfit by name")),
            Some(FOREIGN) => {
                request.body = Body::Whole(Bytes::from_static(ADAPTED));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn error_reply(&self, _: &Origin, error: &LocalError) -> Response {
        let class = error.kind.class();
        let head = ResponseHead {
            outcome: Outcome::new(class, class as u32),
            ..ResponseHead::default()
        };
        Message::new(head, Body::Whole(error.to_string().into()))
    }

    fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    fn mid_frame(&self) -> bool {
        self.refused.is_some()
    }

    fn pending_frame(&self, buffered: &BytesMut) -> Option<usize> {
        let length = buffered.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*length) as usize + 4)
    }

    fn keep_alive(settings: &Self::Settings) -> Option<KeepAlive> {
        *settings
    }

    fn sends_go_away(&self) -> bool {
        self.keep_alive.is_some()
    }
}

mod suite {
    use std::time::Duration;

    use super::*;
    use crate::suite::Sample;

    fn samples() -> Vec<Sample> {
        vec![
            Sample::new("request", Role::Downstream, frame(REQUEST, 7, 0, b"hello")),
            Sample::new("one-way", Role::Downstream, frame(ONE_WAY, 8, 0, b"")),
            Sample::new("response", Role::Upstream, frame(RESPONSE, 7, 0, b"hello")),
        ]
    }

    /// With them it has everything.
    const KEEP_ALIVE: KeepAlive = KeepAlive {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        misses: 1,
    };

    crate::codec_suite!(Multiplexed, Some(KEEP_ALIVE), samples());
}
