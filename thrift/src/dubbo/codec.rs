//! The codec itself.

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Class, Codec, ConnError, FrameLimits, Frames, Inbound, LocalError, Mode, Origin, Outbound,
    ProtocolId, Response, Role, Sniff, WriteBuf, sniff_pattern,
};

use super::{ID, MAGIC, NAME, SERVICE, decode, encode};
use crate::outcome;
use crate::types::exception;

/// `dubbo-thrift` on one connection.
#[derive(Debug)]
pub struct DubboThriftCodec {
    role: Role,
    frames: Frames,
}

impl Decoder for DubboThriftCodec {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        let (role, longest) = (self.role, self.frames.limits().header);
        if src.get(4..6).is_some_and(|magic| *magic != MAGIC) && !self.frames.mid_frame() {
            return Err(ConnError::protocol(NAME, "bytes that start no frame"));
        }
        let refuse = |start: &[u8]| decode::too_large(start, role, longest);
        let frame = self.frames.next(src, decode::length, refuse)?;
        Ok(frame.event(|frame| decode::event(&frame, role, longest)))
    }
}

impl Codec for DubboThriftCodec {
    const ID: ProtocolId = ProtocolId(NAME);
    const MODE: Mode = Mode::Multiplexed;
    /// Java counts in a signed integer of 64 bits.
    const MAX_ID: u64 = i64::MAX.cast_unsigned();
    type Settings = ();

    fn new((): &(), role: Role, limits: FrameLimits) -> Self {
        let shortest = SERVICE + 4 + ID;
        Self {
            role,
            frames: Frames::new(NAME, shortest, limits),
        }
    }

    /// A length below 16 MiB, and the magic.
    fn sniff(prefix: &[u8]) -> Sniff {
        let any: fn(u8) -> bool = |_| true;
        let [first, second]: [fn(u8) -> bool; 2] =
            [|byte| byte == MAGIC[0], |byte| byte == MAGIC[1]];
        sniff_pattern(&[|byte| byte == 0, any, any, any, first, second], prefix)
    }

    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError> {
        match out {
            Outbound::Request(id, request) => {
                encode::message(id, &request.head.wire, &request.body, dst)
            }
            Outbound::Response(id, response) => {
                encode::message(id, &response.head.wire, &response.body, dst)
            }
            // There are none of these.
            Outbound::Ping(_) | Outbound::Pong(..) | Outbound::GoAway => Ok(()),
        }
    }

    fn error_reply(&self, to: &Origin, error: &LocalError) -> Response {
        encode::error_reply(to, error)
    }

    fn frames(&self) -> Option<&Frames> {
        Some(&self.frames)
    }

    fn statuses() -> &'static [(&'static str, u32)] {
        &exception::NAMES
    }

    fn classify(native: u32) -> Class {
        outcome::class_of(native)
    }
}
