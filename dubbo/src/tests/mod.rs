//! The codec as a whole, against frames of real peers and against what a hostile one may send.

mod calls;
mod framing;
mod hostile;
mod replies;
mod requests;
mod routing;
mod suite;

use bytes::BytesMut;
use serde_json::Value as Json;
use tokio_util::codec::Decoder;
use wireloom_codecs::{
    Codec, ConnError, FrameLimits, Inbound, Needs, Outbound, Request, Response, Role, StreamId,
    WriteBuf,
};

use crate::{DubboCodec, DubboConfig};

/// A frame of a real peer.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) frame: Vec<u8>,
    expect: Json,
}

/// All of them.
pub(crate) fn vectors() -> Vec<Vector> {
    let files = [
        include_str!("../../vectors/dubbo.json"),
        include_str!("../../vectors/dubbo-3.3.json"),
    ];
    let vectors: Vec<_> = files
        .iter()
        .flat_map(|file| {
            let file: Json = serde_json::from_str(file).unwrap();
            file["vectors"].as_array().unwrap().clone()
        })
        .map(|vector| Vector {
            name: vector["name"].as_str().unwrap().to_owned(),
            frame: hex::decode(vector["hex"].as_str().unwrap()).unwrap(),
            expect: vector["expect"].clone(),
        })
        .collect();
    assert_eq!(vectors.len(), 49 + 19);
    vectors
}

pub(crate) fn vector(name: &str) -> Vec<u8> {
    let found = vectors().into_iter().find(|vector| vector.name == name);
    found.unwrap_or_else(|| panic!("no vector {name}")).frame
}

fn codec() -> DubboCodec {
    with_needs([])
}

pub(crate) fn with_needs<const N: usize>(names: [&str; N]) -> DubboCodec {
    let mut codec = with(DubboConfig::default(), FrameLimits::default());
    codec.set_needs(&Needs::fields(names));
    codec
}

fn with(config: DubboConfig, limits: FrameLimits) -> DubboCodec {
    DubboCodec::new(&config, Role::Downstream, limits)
}

/// Everything that comes out of `bytes`, and the error that ends it.
pub(crate) fn decode_all(
    codec: &mut DubboCodec,
    bytes: &[u8],
) -> (Vec<Inbound>, Option<ConnError>) {
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

/// The only event that comes out of `bytes`.
fn decode(codec: &mut DubboCodec, bytes: &[u8]) -> Inbound {
    let (mut events, error) = decode_all(codec, bytes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn request(codec: &mut DubboCodec, bytes: &[u8]) -> (StreamId, Request) {
    match decode(codec, bytes) {
        Inbound::Request(id, request) => (id, request),
        other => panic!("{other:?}"),
    }
}

fn response(codec: &mut DubboCodec, bytes: &[u8]) -> (StreamId, Response) {
    match decode(codec, bytes) {
        Inbound::Response(id, response) => (id, response),
        other => panic!("{other:?}"),
    }
}

fn encode(out: Outbound<'_>) -> Vec<u8> {
    let mut dst = WriteBuf::new();
    codec().encode(out, &mut dst).unwrap();
    dst.to_vec()
}

/// A frame of `flag` with `body`.
fn frame(flag: u8, id: u64, body: &[u8]) -> Vec<u8> {
    let head = crate::Head {
        flag,
        status: 0,
        id,
        length: u32::try_from(body.len()).unwrap(),
    };
    [&head.to_bytes(), body].concat()
}
