use std::io::Write;
use std::sync::Arc;

use tokio_util::codec::Decoder;
use wireloom_codecs::{Codec, FrameLimits, Inbound, Outbound, Role, StreamId, WriteBuf};

use super::*;
use crate::{ThriftCodec, ThriftSettings};

fn codec(role: Role) -> ThriftCodec {
    let settings = Arc::new(ThriftSettings::default());
    ThriftCodec::new(&settings, role, FrameLimits::default())
}

/// An answer in THeader to the call under this seqid.
fn response_of(seqid: u64, hex: &str) -> Response {
    let mut codec = codec(Role::Upstream);
    let call = ThriftCall {
        dialect: Dialect {
            transport: Transport::Header,
            protocol: Protocol::Binary,
        },
        method: "plus".to_owned(),
        ..ThriftCall::default()
    };
    let request = call.request().unwrap();
    let out = Outbound::Request(StreamId(seqid), &request);
    codec.encode(out, &mut WriteBuf::new()).unwrap();
    let mut bytes = BytesMut::from(&hex::decode(hex).unwrap()[..]);
    match codec.decode(&mut bytes).unwrap() {
        Some(Inbound::Response(_, response)) => response,
        other => panic!("{other:?}"),
    }
}

/// The bytes are those of Python's `thrift` 0.25.0.
#[test]
fn requests_are_what_a_library_writes() {
    let text = |text: &str| text.to_owned();
    let pairs = vec![
        (text("x-trace"), text("abc")),
        (text("caller"), text("web")),
    ];
    for (protocol, expected) in [
        (
            Protocol::Binary,
            "000000450fff00000000000c00070000010207782d7472616365036162630663616c6c657203776562008001000100000004706c75730000000c080001000000010800020000000200",
        ),
        (
            Protocol::Compact,
            "000000330fff00000000000c00070200010207782d7472616365036162630663616c6c6572037765620082210c04706c75731502150400",
        ),
    ] {
        let call = ThriftCall {
            dialect: Dialect {
                transport: Transport::Header,
                protocol,
            },
            method: text("plus"),
            arguments: vec![(1, Value::I32(1)), (2, Value::I32(2))],
            headers: pairs.clone(),
            ..ThriftCall::default()
        };
        let request = call.request().unwrap();
        let mut dst = WriteBuf::new();
        let out = Outbound::Request(StreamId(12), &request);
        codec(Role::Upstream).encode(out, &mut dst).unwrap();
        assert_eq!(hex::encode(dst.to_vec()), expected);
        assert_eq!(read_headers(&request.head.wire).1, pairs);
        assert_eq!(read_arguments(&request).unwrap(), call.arguments);
    }
}

#[test]
fn answers_are_read_compressed_ones_too() {
    let error = "000000350fff00000000000c0001000000008001000300000004706c75730000000c0b00010000000870726f78793a20780800020000000600";
    assert_eq!(
        read_response(&response_of(12, error)).unwrap(),
        Answer::Exception {
            code: 6,
            message: "proxy: x".to_owned()
        }
    );
    let reply =
        "000000260fff00000000000c0001000000008001000200000004706c75730000000c0800000000000300";
    let sum = Answer::Reply(vec![(0, Value::I32(3))]);
    assert_eq!(read_response(&response_of(12, reply)).unwrap(), sum);

    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
    let message = hex::decode(&reply[36..]).unwrap();
    encoder.write_all(&message).unwrap();
    let sealed = hex::encode(encoder.finish().unwrap());
    // The header says zlib instead of nothing, and is padded.
    let rest = format!("0fff00000000000c000100010100{sealed}");
    let frame = format!("{:08x}{rest}", rest.len() / 2);
    assert_eq!(read_response(&response_of(12, &frame)).unwrap(), sum);
}

#[test]
fn pairs_that_fit_no_block_are_refused() {
    let call = ThriftCall {
        dialect: Dialect {
            transport: Transport::TtHeader,
            protocol: Protocol::Binary,
        },
        headers: vec![("a".to_owned(), "b".repeat(70_000))],
        ..ThriftCall::default()
    };
    let error = call.request().unwrap_err().to_string();
    assert_eq!(error, "the header pairs are longer than a header block");
}
