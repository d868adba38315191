//! The hooks of the framework.

use std::time::Duration;

use wireloom_codecs::prelude::*;

use crate::packet::{self, NAME, Packet};

/// The function that every server answers by itself.
pub(crate) const PING: &str = "tars_ping";

/// Tars on one connection.
pub struct TarsCodec {
    role: Role,
    frames: Frames,
    needs: Needs,
    /// The servant of the last request that left here: the one that a ping asks for.
    servant: Str,
    /// The ping whose answer has not come.
    ping: Option<StreamId>,
}

fn kind(packet: &Packet<'_>) -> Kind {
    if packet.int(2) == 1 { Kind::OneWay } else { Kind::Unary }
}

fn fault(packet: &Packet<'_>, role: Role, error: ErrorKind) -> Inbound {
    let mut origin = Origin { kind: kind(packet), ..Origin::default() };
    origin.fixed[1] = packet.int(1) as u8;
    Inbound::Fault(packet.id(), Fault { origin, error: error.into(), is_request: role == Role::Downstream })
}

impl TarsCodec {
    fn event(&mut self, frame: &Bytes) -> Inbound {
        let packet = Packet::read(frame, self.role == Role::Downstream);
        if !packet.is_whole {
            return fault(&packet, self.role, ErrorKind::Malformed);
        }
        let (id, (wire, body)) = (packet.id(), packet.split(frame));
        let text = |bytes| Str::from_utf8_lossy(frame.slice_ref(bytes));
        let most = if self.needs.is_empty() { 0 } else { self.frames.limits().headers };
        let wanted = packet.value(9).1.pairs().take(most).filter(|(key, _)| self.needs.wants(key));
        let fields = wanted.map(|(key, value)| (text(key), text(value))).collect();
        if self.role == Role::Upstream {
            if self.ping.take_if(|ping| *ping == id).is_some() {
                return Inbound::Control(Control::Pong(id));
            }
            let ret = packet.ret();
            let outcome = Outcome::new(packet::class(ret), ret as u32);
            return Inbound::Response(id, Message::new(ResponseHead { outcome, fields, wire, http: None }, body));
        }
        let mut head = RequestHead::new(Self::ID, text(packet.bytes(5)), text(packet.bytes(6)));
        head.kind = kind(&packet);
        if head.method == PING {
            let asks = head.kind != Kind::OneWay;
            return Inbound::Control(if asks { Control::Ping(id, wire) } else { Control::Ignore });
        }
        let timeout = u64::try_from(packet.int(8)).unwrap_or(0);
        head.timeout = (timeout > 0).then(|| Duration::from_millis(timeout));
        Inbound::Request(id, Message::new(RequestHead { fields, wire, ..head }, body))
    }
}

impl Decoder for TarsCodec {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        let role = self.role;
        let length = |bytes: &[u8]| bytes.first_chunk().map(|length| u32::from_be_bytes(*length) as usize);
        let refuse = |start: &[u8]| fault(&Packet::read(start, role == Role::Downstream), role, ErrorKind::TooLarge);
        let frame = self.frames.next(src, length, refuse)?;
        Ok(frame.event(|frame| self.event(&frame)))
    }
}

impl Codec for TarsCodec {
    const ID: ProtocolId = ProtocolId(NAME);
    const MODE: Mode = Mode::Multiplexed;
    /// SDKs count in a signed integer of 32 bits.
    const MAX_ID: u64 = i32::MAX as u64;
    type Settings = ();

    fn new((): &(), role: Role, limits: FrameLimits) -> Self {
        let frames = Frames::new(NAME, 5, limits);
        Self { role, frames, needs: Needs::NOTHING, servant: Str::default(), ping: None }
    }

    /// TarsGo's default.
    fn max_frame((): &()) -> usize {
        10 << 20
    }

    /// A length below 16 MiB, a version of one byte that is 1, 2 or 3, and the head of the packet type.
    fn sniff(prefix: &[u8]) -> Sniff {
        let any: fn(u8) -> bool = |_| true;
        let version: fn(u8) -> bool = |byte| (1..=3).contains(&byte);
        let kind: fn(u8) -> bool = |byte| matches!(byte, 0x20 | 0x2c);
        sniff_pattern(&[|byte| byte == 0, any, any, any, |byte| byte == 0x10, version, kind], prefix)
    }

    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError> {
        match out {
            Outbound::Request(id, request) => {
                if self.servant != request.head.service {
                    self.servant = request.head.service.detached();
                }
                packet::write(dst, id, &request.head.wire, &request.body);
            }
            Outbound::Response(id, response) => packet::write(dst, id, &response.head.wire, &response.body),
            Outbound::Ping(id) => {
                self.ping = Some(id);
                let (wire, body) = packet::request([&self.servant, PING], &[], 0, 0, serde_json::json!({}));
                packet::write(dst, id, &wire, &body);
            }
            Outbound::Pong(id, wire) => {
                let pong = packet::response(&wire.fixed, 0, &[], "");
                packet::write(dst, id, &pong.head.wire, &pong.body);
            }
            Outbound::GoAway => {}
        }
        Ok(())
    }

    fn error_reply(&self, to: &Origin, error: &LocalError) -> Response {
        packet::response(&to.fixed, packet::code(error.kind), &[], &error.to_string())
    }

    fn set_needs(&mut self, needs: &Needs) {
        self.needs = needs.clone();
    }

    fn frames(&self) -> Option<&Frames> {
        Some(&self.frames)
    }

    fn keep_alive((): &()) -> Option<KeepAlive> {
        Some(KeepAlive { interval: Duration::from_secs(30), timeout: Duration::from_secs(5), misses: 3 })
    }

    fn statuses() -> &'static [(&'static str, u32)] {
        &packet::CODES
    }

    fn classify(native: u32) -> Class {
        packet::class(native as i32)
    }
}
