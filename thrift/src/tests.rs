//! The codec as a whole: golden vectors, cuts, faults, replies.

mod dialects;
mod drivers;
mod exchanges;
mod faults;
mod matrix;
mod multiplexed;
mod mutations;
mod replies;
mod sniffing;
mod suite;
mod translation;
pub(crate) mod vectors;

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Codec, ConnError, FrameLimits, Inbound, Needs, Outbound, Request, Response, Role, StreamId,
    WriteBuf,
};

use crate::types::{Protocol, Transport};
use crate::{ThriftCodec, ThriftConfig, ThriftSettings};

fn settings() -> Arc<ThriftSettings> {
    Arc::default()
}

/// The settings that let non-strict binary in.
fn non_strict(transport: Transport) -> Arc<ThriftSettings> {
    Arc::new(ThriftSettings::from(ThriftConfig {
        transport: Some(transport),
        protocol: Some(Protocol::BinaryNonStrict),
        ..ThriftConfig::default()
    }))
}

pub(crate) fn codec(role: Role) -> ThriftCodec {
    let limits = FrameLimits {
        frame: 17 << 20,
        ..FrameLimits::default()
    };
    let mut codec = ThriftCodec::new(&settings(), role, limits);
    codec.set_needs(&Needs::fields([
        "x-trace",
        "caller",
        "to_service",
        "from_service",
    ]));
    codec
}

/// All events of `bytes`, and the error if one ends them.
pub(crate) fn decode_all(
    codec: &mut ThriftCodec,
    bytes: &[u8],
) -> (Vec<Inbound>, Option<ConnError>) {
    let mut buffer = BytesMut::from(bytes);
    let mut events = Vec::new();
    loop {
        // As the drivers do it.
        if buffer.is_empty() {
            return (events, None);
        }
        match codec.decode(&mut buffer) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

fn request_of(codec: &mut ThriftCodec, bytes: &[u8]) -> (StreamId, Request) {
    let (mut events, error) = decode_all(codec, bytes);
    assert!(error.is_none() && events.len() == 1, "{events:?} {error:?}");
    match events.remove(0) {
        Inbound::Request(id, request) => (id, request),
        other => panic!("{other:?}"),
    }
}

fn response_of(codec: &mut ThriftCodec, bytes: &[u8]) -> (StreamId, Response) {
    let (mut events, error) = decode_all(codec, bytes);
    assert!(error.is_none() && events.len() == 1, "{events:?} {error:?}");
    match events.remove(0) {
        Inbound::Response(id, response) => (id, response),
        other => panic!("{other:?}"),
    }
}

fn encode(codec: &mut ThriftCodec, out: Outbound<'_>) -> Vec<u8> {
    let mut dst = WriteBuf::new();
    codec.encode(out, &mut dst).unwrap();
    dst.to_vec()
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

/// `message` behind its length.
fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame
}

/// A strict binary message, put together here.
fn binary(kind: u8, name: &str, seqid: i32, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0x80, 1, 0, kind];
    message.put_u32(name.len() as u32);
    message.put_slice(name.as_bytes());
    message.put_i32(seqid);
    message.put_slice(body);
    message
}

/// `message` behind THeader (`0f ff`) or TTHeader (`10 00`) and a padded header block.
fn header(magic: [u8; 2], seqid: u32, block: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = block.to_vec();
    block.resize(block.len().next_multiple_of(4), 0);
    let mut frame = Vec::new();
    frame.put_slice(&magic);
    frame.put_u16(0);
    frame.put_u32(seqid);
    frame.put_u16((block.len() / 4) as u16);
    frame.put_slice(&block);
    frame.put_slice(message);
    framed(&frame)
}

/// A TTHeader block: string pairs, then u16 pairs.
fn tt_block(protocol: u8, pairs: &[(&str, &str)], ints: &[(u16, &str)]) -> Vec<u8> {
    let mut block = vec![protocol, 0, 1];
    block.put_u16(pairs.len() as u16);
    for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
        block.put_u16(text.len() as u16);
        block.put_slice(text.as_bytes());
    }
    block.put_u8(0x10);
    block.put_u16(ints.len() as u16);
    for (key, value) in ints {
        block.put_u16(*key);
        block.put_u16(value.len() as u16);
        block.put_slice(value.as_bytes());
    }
    block
}
