//! The codec as a whole: golden vectors, cuts, faults, replies.

mod faults;
mod frames;
mod mutations;
mod names;
mod replies;
mod sniffing;
mod suite;
pub(crate) mod vectors;

use bytes::{BufMut, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Codec, ConnError, FrameLimits, Inbound, Outbound, Request, Response, Role, StreamId, WriteBuf,
};

use crate::types::{Head, Type, VER2, Version, command};
use crate::{BoltCodec, BoltConfig};

pub(crate) fn codec(role: Role) -> BoltCodec {
    BoltCodec::new(&BoltConfig::default(), role, FrameLimits::default())
}

/// All events of `bytes`, and the error if one ends them.
pub(crate) fn decode_all(codec: &mut BoltCodec, bytes: &[u8]) -> (Vec<Inbound>, Option<ConnError>) {
    let mut buffer = BytesMut::from(bytes);
    let mut events = Vec::new();
    loop {
        match codec.decode(&mut buffer) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

/// The only event of `bytes`, for a client's codec as for a server's.
fn decode_one(bytes: &[u8]) -> Inbound {
    let (mut events, error) = decode_all(&mut codec(Role::Downstream), bytes);
    assert!(error.is_none() && events.len() == 1, "{events:?} {error:?}");
    events.remove(0)
}

pub(crate) fn request(bytes: &[u8]) -> Request {
    match decode_one(bytes) {
        Inbound::Request(_, request) => request,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn response(bytes: &[u8]) -> Response {
    match decode_one(bytes) {
        Inbound::Response(_, response) => response,
        other => panic!("{other:?}"),
    }
}

fn encode(codec: &mut BoltCodec, out: Outbound<'_>) -> Vec<u8> {
    let mut dst = WriteBuf::new();
    codec.encode(out, &mut dst).unwrap();
    dst.to_vec()
}

/// A message again, under `id`.
fn encode_event(event: &Inbound, id: StreamId) -> Option<Vec<u8>> {
    let out = match event {
        Inbound::Request(_, request) => Outbound::Request(id, request),
        Inbound::Response(_, response) => Outbound::Response(id, response),
        _ => return None,
    };
    Some(encode(&mut codec(Role::Upstream), out))
}

/// A frame put together here, independently of the encoder.
#[derive(Clone, Default)]
struct Frame {
    head: Head,
    class: Vec<u8>,
    header: Vec<u8>,
    content: Vec<u8>,
}

impl Frame {
    fn request(version: Version) -> Self {
        let head = Head {
            version,
            ver1: 1,
            kind: Type::Request,
            command: command::REQUEST,
            ver2: VER2,
            id: 7,
            codec: 1,
            ..Head::default()
        };
        Self {
            head,
            class: b"a.B".to_vec(),
            ..Self::default()
        }
    }

    fn response(version: Version, status: u16) -> Self {
        let mut frame = Self::request(version);
        frame.head.kind = Type::Response;
        frame.head.command = command::RESPONSE;
        frame.head.timeout_or_status = status.into();
        frame
    }

    fn with_crc(mut self) -> Self {
        self.head.ver1 = 2;
        self.head.switch = 1;
        self
    }

    fn pair(mut self, key: &str, value: &str) -> Self {
        for text in [key, value] {
            self.header.put_i32(text.len() as i32);
            self.header.put_slice(text.as_bytes());
        }
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let head = Head {
            class_len: self.class.len() as u16,
            header_len: self.header.len() as u16,
            content_len: self.content.len() as i32,
            ..self.head
        };
        let mut bytes = head.to_bytes()[..head.len()].to_vec();
        for part in [&self.class, &self.header, &self.content] {
            bytes.extend_from_slice(part);
        }
        if head.has_crc() {
            bytes.put_u32(crc32fast::hash(&bytes));
        }
        bytes
    }
}
