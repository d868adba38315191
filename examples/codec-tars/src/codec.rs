//! The hooks of the framework.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Body, Class, Codec, ConnError, Control, ErrorKind, Fault, Fields, FrameLimits, Inbound, KeepAlive, Kind,
    LocalError, Message, Mode, Needs, Origin, Outbound, Outcome, ProtocolId, Refused, RequestHead, Response,
    ResponseHead, Role, Sniff, Str, StreamId, Wire, WriteBuf,
};

use crate::packet::Packet;
use crate::status;
use crate::wire::{put_bytes, put_int, put_map, put_string};

const NAME: &str = "tars";
/// The function that every server answers by itself.
const PING: &str = "tars_ping";
/// The longest packet that is read to its end to be refused, in bytes; beyond it the connection ends.
const DISCARD: usize = 64 << 20;
/// So many bytes hold all that a refusal needs: version, packet type, id, and the type of tag 5.
const START: usize = 32;

/// Tars on one connection.
pub struct TarsCodec {
    role: Role,
    limits: FrameLimits,
    needs: Needs,
    refused: Option<Refused>,
    /// The servant of the last request that left here: the one that a ping asks for.
    servant: Str,
    /// The ping whose answer has not come.
    ping: Option<StreamId>,
}

impl TarsCodec {
    /// The length of the packet that begins here, once it is there.
    fn length(&self, buffer: &[u8]) -> Result<Option<usize>, ConnError> {
        let Some(length) = buffer.first_chunk::<4>() else {
            return Ok(None);
        };
        match u32::from_be_bytes(*length) as usize {
            length @ 5..=DISCARD => Ok(Some(length)),
            _ => Err(ConnError::protocol(NAME, "a length that no packet has")),
        }
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

    fn fault(&self, packet: &Packet, kind: ErrorKind, what: &'static str) -> Inbound {
        let is_one_way = packet.is_one_way();
        let fault = Fault {
            origin: Origin {
                kind: if is_one_way { Kind::OneWay } else { Kind::Unary },
                fixed: fixed(packet),
                method: Str::default(),
            },
            error: LocalError::new(kind, what),
            is_request: self.role == Role::Downstream,
        };
        Inbound::Fault(StreamId(packet.id()), fault)
    }

    fn event(&mut self, packet: &Packet, frame: Bytes) -> Inbound {
        if !packet.is_whole {
            return self.fault(packet, ErrorKind::Malformed, "the packet is not a Tars struct");
        }
        let id = StreamId(packet.id());
        let wire = Wire { fixed: fixed(packet), image: frame.slice(4..packet.id_field.start) };
        let body = Body::Whole(frame.slice(packet.id_field.end..));
        let text = |tag| Str::from_utf8_lossy(frame.slice(packet.value(tag)));
        let is_tup_answer = self.role == Role::Upstream && packet.version() > 1;
        if packet.is_request && !is_tup_answer {
            let method = text(6);
            if method == PING {
                return Inbound::Control(match packet.is_one_way() {
                    true => Control::Ignore,
                    false => Control::Ping(id, wire),
                });
            }
            let timeout = packet.timeout();
            let head = RequestHead {
                protocol: Self::ID,
                kind: if packet.is_one_way() { Kind::OneWay } else { Kind::Unary },
                service: text(5),
                method,
                fields: self.fields(packet, &frame),
                timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
                wire,
                http: None,
            };
            return Inbound::Request(id, Message::new(head, body));
        }
        if self.ping == Some(id) {
            self.ping = None;
            return Inbound::Control(Control::Pong(id));
        }
        let ret = match is_tup_answer && packet.is_request {
            true => result_code(packet, &frame),
            false => packet.ret(),
        };
        let head = ResponseHead {
            outcome: Outcome::new(status::class(ret), ret as u32),
            fields: self.fields(packet, &frame),
            wire,
            http: None,
        };
        Inbound::Response(id, Message::new(head, body))
    }

    /// The pairs of both maps that somebody asked for.
    fn fields(&self, packet: &Packet, frame: &Bytes) -> Fields {
        if self.needs.is_empty() {
            return Fields::new();
        }
        let pairs = packet.pairs(frame).into_iter().take(self.limits.headers);
        let wanted = pairs.filter(|(key, _)| self.needs.wants(key));
        let text = |bytes| Str::from_utf8_lossy(frame.slice_ref(bytes));
        wanted.map(|(key, value)| (text(key), text(value))).collect()
    }
}

/// What TUP has instead of `iRet`; none means success.
fn result_code(packet: &Packet, frame: &[u8]) -> i32 {
    let pairs = packet.pairs(frame);
    let code = pairs.into_iter().find(|(key, _)| *key == b"STATUS_RESULT_CODE");
    let text = code.and_then(|(_, value)| std::str::from_utf8(value).ok());
    text.map_or(0, |text| text.parse().unwrap_or(-99))
}

/// What a reply must know: the version, and under which tag the id is written.
fn fixed(packet: &Packet) -> [u8; 24] {
    let mut fixed = [0; 24];
    fixed[0] = packet.version();
    fixed[1] = if packet.is_request { 4 } else { 3 };
    fixed
}

/// Length, what comes before the id, the id in as many bytes as it needs, and what comes behind it.
pub(crate) fn put(dst: &mut WriteBuf, id: StreamId, wire: &Wire, body: &Body) -> Result<(), ConnError> {
    let bits = u32::try_from(id.0).map_err(|_| ConnError::protocol(NAME, "an id beyond 32 bits"))?;
    let mut field = Vec::with_capacity(5);
    put_int(&mut field, wire.fixed[1], i64::from(bits as i32));
    let body = match body {
        Body::Whole(body) => body.clone(),
        _ => Bytes::new(),
    };
    let length = u32::try_from(4 + wire.image.len() + field.len() + body.len());
    let length = length.map_err(|_| ConnError::protocol(NAME, "a packet beyond 4 GiB"))?;
    dst.put_slice(&length.to_be_bytes());
    dst.put(&wire.image);
    dst.put_slice(&field);
    dst.put(&body);
    Ok(())
}

/// A request that asks a server for a sign of life.
fn ping(servant: &Str) -> (Wire, Body) {
    let (mut image, mut body) = (Vec::new(), Vec::new());
    put_int(&mut image, 1, 1);
    put_int(&mut image, 2, 0);
    put_int(&mut image, 3, 0);
    put_string(&mut body, 5, servant.as_bytes());
    put_string(&mut body, 6, PING.as_bytes());
    put_bytes(&mut body, 7, &[]);
    put_int(&mut body, 8, 0);
    put_map(&mut body, 9, &[]);
    put_map(&mut body, 10, &[]);
    let mut wire = Wire { image: image.into(), ..Wire::default() };
    wire.fixed[1] = 4;
    (wire, Body::Whole(body.into()))
}

impl Decoder for TarsCodec {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        if let Some(refused) = self.refused.take() {
            return Ok(self.discard(refused, src));
        }
        let Some(length) = self.length(src)? else {
            return Ok(None);
        };
        let from_client = self.role == Role::Downstream;
        if length > self.limits.frame {
            if src.len() < length.min(START) {
                return Ok(None);
            }
            let packet = Packet::read(src.get(..src.len().min(START)).unwrap_or_default(), from_client);
            let fault = self.fault(&packet, ErrorKind::TooLarge, "the packet exceeds the limit");
            return Ok(self.discard(Refused::new(length as u64, fault), src));
        }
        if src.len() < length {
            return Ok(None);
        }
        let frame = src.split_to(length).freeze();
        Ok(Some(self.event(&Packet::read(&frame, from_client), frame)))
    }
}

impl Codec for TarsCodec {
    const ID: ProtocolId = ProtocolId(NAME);
    const MODE: Mode = Mode::Multiplexed;
    /// SDKs count in a signed integer of 32 bits. Servers push under the id 0, which no request of ours has.
    const MAX_ID: u64 = i32::MAX as u64;
    type Settings = ();

    fn new((): &(), role: Role, limits: FrameLimits) -> Self {
        Self { role, limits, needs: Needs::NOTHING, refused: None, servant: Str::default(), ping: None }
    }

    /// TarsGo's default.
    fn max_frame((): &()) -> usize {
        10 << 20
    }

    /// A length below 16 MiB, a version of one byte that is 1, 2 or 3, and the head of the packet type.
    fn sniff(prefix: &[u8]) -> Sniff {
        let any: fn(u8) -> bool = |_| true;
        let pattern: [fn(u8) -> bool; 7] = [
            |byte| byte == 0,
            any,
            any,
            any,
            |byte| byte == 0x10,
            |byte| (1..=3).contains(&byte),
            |byte| matches!(byte, 0x20 | 0x2c),
        ];
        wireloom_codecs::sniff_pattern(&pattern, prefix)
    }

    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError> {
        match out {
            Outbound::Request(id, request) => {
                if self.servant != request.head.service {
                    self.servant = request.head.service.detached();
                }
                put(dst, id, &request.head.wire, &request.body)
            }
            Outbound::Response(id, response) => put(dst, id, &response.head.wire, &response.body),
            Outbound::Ping(id) => {
                let (wire, body) = ping(&self.servant);
                self.ping = Some(id);
                put(dst, id, &wire, &body)
            }
            Outbound::Pong(id, wire) => {
                let pong = status::response(wire.fixed[0], PING, 0, &[], "");
                put(dst, id, &pong.head.wire, &pong.body)
            }
            Outbound::GoAway => Ok(()),
        }
    }

    fn error_reply(&self, to: &Origin, error: &LocalError) -> Response {
        status::response(to.fixed[0], &to.method, status::code(error.kind), &[], &error.to_string())
    }

    fn set_needs(&mut self, needs: &Needs) {
        self.needs = needs.clone();
    }

    fn pending_frame(&self, buffered: &BytesMut) -> Option<usize> {
        let length = self.length(buffered).ok().flatten()?;
        (self.refused.is_none() && length <= self.limits.frame).then_some(length)
    }

    fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    fn mid_frame(&self) -> bool {
        self.refused.is_some()
    }

    fn keep_alive((): &()) -> Option<KeepAlive> {
        Some(KeepAlive { interval: Duration::from_secs(30), timeout: Duration::from_secs(5), misses: 3 })
    }

    fn statuses() -> &'static [(&'static str, u32)] {
        &status::NAMES
    }

    fn classify(native: u32) -> Class {
        status::class(native as i32)
    }
}
