//! What is lost, kept and refused on the way into another dialect.

use std::io::Write;
use std::sync::Arc;

use wireloom_codecs::units::Size;
use wireloom_codecs::{
    Codec, ErrorKind, FrameLimits, Inbound, LocalError, Outbound, Request, Role, StreamId,
};

use super::vectors::{self, Vector};
use super::{
    binary, codec, decode_all, encode, framed, header, hex, request_of, response_of, tt_block,
};
use crate::types::{Protocol, Transport};
use crate::{ThriftCodec, ThriftConfig, ThriftSettings, ThriftUpstream};

const THEADER: [u8; 2] = [0x0f, 0xff];
const TTHEADER: [u8; 2] = [0x10, 0];
const LIMITS: FrameLimits = FrameLimits {
    frame: 17 << 20,
    header: 64 << 10,
    headers: 100,
};

fn upstream(transport: Option<Transport>, protocol: Option<Protocol>) -> ThriftCodec {
    let settings = ThriftSettings {
        upstream: ThriftUpstream {
            transport,
            protocol,
        },
        ..ThriftSettings::default()
    };
    ThriftCodec::new(&Arc::new(settings), Role::Upstream, LIMITS)
}

/// What becomes of `call` on a connection with these settings, under its own seqid.
fn sent(
    call: &[u8],
    transport: Option<Transport>,
    protocol: Option<Protocol>,
) -> Result<Vec<u8>, LocalError> {
    let (id, mut request) = request_of(&mut codec(Role::Downstream), call);
    let mut upstream = upstream(transport, protocol);
    upstream.adapt(&mut request)?;
    Ok(encode(&mut upstream, Outbound::Request(id, &request)))
}

fn zlib(message: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
    packed.write_all(message).unwrap();
    packed.finish().unwrap()
}

/// The vectors of this transport, protocol and message.
fn named(all: &[Vector], transport: &str, protocol: &str, rest: &str) -> Vec<u8> {
    let name = format!("{transport}_{protocol}_{rest}");
    let vector = all.iter().find(|vector| vector.name == name);
    vector.unwrap_or_else(|| panic!("{name}")).bytes.clone()
}

#[test]
fn what_a_library_wrote_in_one_dialect_becomes_what_it_wrote_in_the_other() {
    let (messages, _) = vectors::all();
    let mut compared = 0;
    for vector in &messages {
        let Some((transport, rest)) = vector.name.split_once("_binary_") else {
            continue;
        };
        let exists = |name: String| messages.iter().any(|vector| vector.name == name);
        if rest.contains("zlib") || !exists(format!("{transport}_compact_{rest}")) {
            continue;
        }
        let pair = ["binary", "compact"].map(|protocol| {
            let to = match protocol {
                "binary" => Protocol::Binary,
                _ => Protocol::Compact,
            };
            // The types of an empty map, which compact has no place for.
            let bytes = hex::encode(named(&messages, transport, protocol, rest));
            (
                hex(&bytes.replace("0d00050b0800000000", "0d00050b0b00000000")),
                to,
            )
        });
        for [(from, own), (expected, to)] in [pair.clone(), {
            let [a, b] = pair.clone();
            [b, a]
        }] {
            compared += 1;
            if !vector.is_reply() {
                let sent = sent(&from, None, Some(to)).unwrap();
                assert_eq!(hex::encode(sent), hex::encode(expected), "{}", vector.name);
                continue;
            }
            // The client's connection got its dialect by a call; the answer is under the same seqid.
            let (id, response) = response_of(&mut codec(Role::Upstream), &from);
            let call = match to {
                Protocol::Compact => "compact",
                _ => "binary",
            };
            let first = if transport == "header" {
                "call_no_info"
            } else {
                "call"
            };
            let mut client = codec(Role::Downstream);
            request_of(&mut client, &named(&messages, transport, call, first));
            let back = encode(&mut client, Outbound::Response(id, &response));
            assert_eq!(
                hex::encode(back),
                hex::encode(expected),
                "{} from {own:?}",
                vector.name
            );
        }
    }
    assert!(compared >= 40, "{compared}");
}

#[test]
fn header_pairs_are_carried_where_there_is_a_place_for_them() {
    let message = binary(1, "plus", 7, &[0]);
    let compact = hex("8221 07 04 706c7573 00");
    let pairs = [("x-trace", "abc"), ("k", "")];
    let ints = [(6, "orders"), (12, "1500"), (4095, "nameless")];
    let tt = |protocol| tt_block(protocol, &pairs, &ints);
    let call = header(TTHEADER, 7, &tt(0), &message);

    // The same transport: every byte of the pairs.
    let mut expected = tt(2);
    expected.resize(tt(0).len().next_multiple_of(4), 0);
    let found = sent(&call, None, Some(Protocol::Compact)).unwrap();
    assert_eq!(
        hex::encode(found),
        hex::encode(header(TTHEADER, 7, &expected, &compact))
    );

    // THeader: the u16 keys by their names.
    let mut block = vec![0, 0, 1, 4];
    let named = [
        ("x-trace", "abc"),
        ("k", ""),
        ("to_service", "orders"),
        ("rpc_timeout", "1500"),
    ];
    for text in named.iter().flat_map(|(key, value)| [key, value]) {
        block.push(text.len() as u8);
        block.extend(text.as_bytes());
    }
    let theader = header(THEADER, 7, &block, &message);
    let found = sent(&call, Some(Transport::Header), None).unwrap();
    assert_eq!(hex::encode(found), hex::encode(&theader));

    // And back: the names are keys again.
    let found = sent(&theader, Some(Transport::TtHeader), None).unwrap();
    let back = tt_block(0, &pairs, &ints[..2]);
    assert_eq!(
        hex::encode(found),
        hex::encode(header(TTHEADER, 7, &back, &message))
    );

    // No place: no pairs, and the name stays as it is, for the header's service is no part of it.
    let found = sent(&call, Some(Transport::Framed), None).unwrap();
    assert_eq!(found, framed(&message));
    let found = sent(&theader, Some(Transport::Buffered), Some(Protocol::Compact)).unwrap();
    assert_eq!(found, compact);

    // A token, zeros and fbthrift's persistent pairs.
    let odd = header(
        TTHEADER,
        7,
        &hex("0000 00 11 0001 78 01 0001 0001 6b 0001 76"),
        &message,
    );
    let found = sent(&odd, Some(Transport::Header), None).unwrap();
    assert_eq!(
        found,
        header(THEADER, 7, &hex("0000 01 01 016b 0176"), &message)
    );
    let odd = header(THEADER, 7, &hex("0000 02 01 016b 0176 09 ff"), &message);
    let found = sent(&odd, Some(Transport::TtHeader), None).unwrap();
    assert_eq!(
        found,
        header(TTHEADER, 7, &hex("0000 01 0001 0001 6b 0001 76"), &message)
    );
}

#[test]
fn an_answers_pairs_reach_a_client_that_has_headers() {
    let mut client = codec(Role::Downstream);
    let call = header(TTHEADER, 7, &[0, 0], &framed(&binary(1, "plus", 7, &[0])));
    let (id, request) = request_of(&mut client, &call);
    let mut server = upstream(Some(Transport::Header), Some(Protocol::Compact));
    let sent = encode(&mut server, Outbound::Request(StreamId(9), &request));
    assert_eq!(
        sent,
        header(THEADER, 9, &[2, 0], &hex("8221 09 04 706c7573 00"))
    );
    let block = hex("0200 01 01 016b 0176");
    let answer = header(THEADER, 9, &block, &hex("8241 09 04 706c7573 0500 06 00"));
    let (_, response) = response_of(&mut server, &answer);
    let back = encode(&mut client, Outbound::Response(id, &response));
    // As the client asked: with another length inside.
    let message = framed(&binary(2, "plus", 7, &hex("080000 00000003 00")));
    let block = hex("0000 01 0001 0001 6b 0001 76");
    assert_eq!(
        hex::encode(back),
        hex::encode(header(TTHEADER, 7, &block, &message))
    );
}

#[test]
fn both_seqids_become_one_and_come_back_as_they_were() {
    // fbthrift counts in the header and leaves the message at 0.
    let mut client = codec(Role::Downstream);
    let call = header(THEADER, 7, &[0, 0], &binary(1, "plus", 0, &[0]));
    let (id, request) = request_of(&mut client, &call);
    let mut server = upstream(Some(Transport::Framed), None);
    let sent = encode(&mut server, Outbound::Request(StreamId(300), &request));
    assert_eq!(sent, framed(&binary(1, "plus", 300, &[0])));
    let (_, response) = response_of(&mut server, &framed(&binary(2, "plus", 300, &[0])));
    let back = encode(&mut client, Outbound::Response(id, &response));
    assert_eq!(
        back,
        header(THEADER, 7, &[0, 0], &binary(2, "plus", 0, &[0]))
    );
}

#[test]
fn a_compressed_call_is_inflated_on_its_way_into_another_dialect() {
    let message = binary(1, "plus", 13, &hex("080001 00000001 00"));
    let call = header(
        THEADER,
        13,
        &hex("0001 01 01 01 016b 0176"),
        &zlib(&message),
    );
    // Without translation it stays packed.
    assert_eq!(sent(&call, None, None).unwrap(), call);
    assert_eq!(
        sent(&call, Some(Transport::Framed), None).unwrap(),
        framed(&message)
    );
    let found = sent(&call, None, Some(Protocol::Compact)).unwrap();
    let expected = header(
        THEADER,
        13,
        &hex("0200 01 01 016b 0176 00000000"),
        &hex("8221 0d 04 706c7573 1502 00"),
    );
    assert_eq!(hex::encode(found), hex::encode(expected));
}

#[test]
fn what_cannot_be_inflated_or_is_no_message_is_refused_alone() {
    let start = binary(1, "m", 7, &[]);
    let call = |message: &[u8]| header(THEADER, 7, &[0, 1, 1], &zlib(message));
    let body = |text: &str| call(&[start.clone(), hex(text)].concat());
    let mut bomb = [start.clone(), hex("0b0001 04000000")].concat();
    bomb.resize(bomb.len() + (64 << 20), 0);
    bomb.push(0);
    let whole = zlib(&[start.clone(), vec![0]].concat());
    let cut = header(THEADER, 7, &[0, 1, 1], &whole[..whole.len() - 1]);
    let more = header(THEADER, 7, &[0, 1, 1], &[whole, vec![0]].concat());
    for (call, kind, what) in [
        (call(&bomb), ErrorKind::TooLarge, "inflated"),
        (body("080001"), ErrorKind::Malformed, "runs past"),
        (body("7f0001 00"), ErrorKind::Malformed, "field type"),
        (body("00 00"), ErrorKind::Malformed, "behind"),
        (cut, ErrorKind::Malformed, "inflated"),
        (more, ErrorKind::Malformed, "inflated"),
    ] {
        for protocol in [Protocol::Binary, Protocol::Compact] {
            let error = sent(&call, Some(Transport::Framed), Some(protocol)).unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.detail.contains(what), "{error}");
        }
    }
    // The connection takes the next call as if nothing had been.
    let mut upstream = upstream(Some(Transport::Framed), None);
    let (_, mut bad) = request_of(&mut codec(Role::Downstream), &body("00 00"));
    upstream.adapt(&mut bad).unwrap_err();
    let good = binary(1, "plus", 5, &[0]);
    let (id, mut request) = request_of(&mut codec(Role::Downstream), &good);
    upstream.adapt(&mut request).unwrap();
    let sent = encode(&mut upstream, Outbound::Request(id, &request));
    assert_eq!(sent, framed(&good));
}

/// A compact call with a list of `count` i64s, which take one byte here and eight in binary.
fn growing(kind: u8, count: u32) -> Vec<u8> {
    let mut message = vec![0x82, kind << 5 | 1, 7, 1, b'm', 0x19, 0xf6];
    let mut rest = count;
    while rest > 127 {
        message.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    message.push(rest as u8);
    message.resize(message.len() + count as usize, 0);
    message.push(0);
    message
}

fn small(max_frame: usize, to: ThriftUpstream) -> Arc<ThriftSettings> {
    let config = ThriftConfig {
        max_frame: Size(max_frame),
        ..ThriftConfig::default()
    };
    Arc::new(ThriftSettings {
        config,
        upstream: to,
        ..ThriftSettings::default()
    })
}

#[test]
fn a_message_that_grows_over_the_limit_is_refused_alone() {
    let to = |transport| ThriftUpstream {
        transport: Some(transport),
        protocol: Some(Protocol::Binary),
    };
    // Start, field and list take 21 bytes, and the stop one.
    let len = |count: u32| 8 * count as usize + 22;
    let adapted = |settings: &Arc<ThriftSettings>, count| {
        let mut upstream = ThriftCodec::new(settings, Role::Upstream, LIMITS);
        let (id, mut request) = request_of(&mut codec(Role::Downstream), &growing(1, count));
        upstream.adapt(&mut request)?;
        Ok::<_, LocalError>(encode(&mut upstream, Outbound::Request(id, &request)))
    };
    let settings = small(len(1000) + 4, to(Transport::Framed));
    assert_eq!(adapted(&settings, 1000).unwrap().len(), len(1000) + 4);
    let error = adapted(&settings, 1001).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge, "{error}");
    // A transport's own bytes count too.
    let settings = small(len(1000) + 4, to(Transport::Header));
    assert_eq!(
        adapted(&settings, 1000).unwrap_err().kind,
        ErrorKind::TooLarge
    );
    assert!(adapted(&settings, 990).is_ok());
    // Unframed: the frame limit of the connection.
    let settings = small(1, to(Transport::Buffered));
    assert!(adapted(&settings, 1000).is_ok());
}

#[test]
fn an_answer_that_cannot_be_translated_becomes_an_exception() {
    let settings = small(1000, ThriftUpstream::default());
    let mut client = ThriftCodec::new(&settings, Role::Downstream, LIMITS);
    let call = framed(&binary(1, "m", 7, &[0]));
    let (id, request) = request_of(&mut client, &call);
    let mut upstream = upstream(Some(Transport::Buffered), Some(Protocol::Compact));
    encode(&mut upstream, Outbound::Request(StreamId(7), &request));
    let (_, response) = response_of(&mut upstream, &growing(2, 500));
    let back = encode(&mut client, Outbound::Response(id, &response));
    // Type 3, the method, the client's seqid, and INTERNAL_ERROR.
    assert_eq!(back[4..17], binary(3, "m", 7, &[])[..13]);
    assert!(back.ends_with(&hex("080002 00000006 00")));
    let text = String::from_utf8_lossy(&back).into_owned();
    assert!(text.contains("over 1000 bytes"), "{text}");
    // A bomb among answers.
    let mut bomb = [binary(2, "m", 7, &[]), hex("0b0000 01000000")].concat();
    bomb.resize(bomb.len() + (16 << 20), 0);
    bomb.push(0);
    let bomb = header(THEADER, 7, &[0, 1, 1], &zlib(&bomb));
    let (_, response) = response_of(&mut codec(Role::Upstream), &bomb);
    let back = encode(&mut client, Outbound::Response(id, &response));
    assert_eq!(back[4..17], binary(3, "m", 7, &[])[..13]);
    let text = String::from_utf8_lossy(&back).into_owned();
    assert!(text.contains("inflated"), "{text}");
}

#[test]
fn a_strict_answer_to_a_non_strict_call_is_read() {
    for transport in [Transport::Framed, Transport::Buffered] {
        let around = |message: Vec<u8>| match transport {
            Transport::Framed => framed(&message),
            _ => message,
        };
        let mut client = codec(Role::Downstream);
        let (id, request) = request_of(&mut client, &framed(&binary(1, "plus", 7, &[0])));
        let mut server = upstream(Some(transport), Some(Protocol::BinaryNonStrict));
        let sent = encode(&mut server, Outbound::Request(StreamId(3), &request));
        assert_eq!(sent, around(hex("00000004 706c7573 01 00000003 00")));
        for answer in [
            binary(2, "plus", 3, &[0]),
            hex("00000004 706c7573 02 00000003 00"),
        ] {
            encode(&mut server, Outbound::Request(StreamId(3), &request));
            let (_, response) = response_of(&mut server, &around(answer));
            let back = encode(&mut client, Outbound::Response(id, &response));
            assert_eq!(back, framed(&binary(2, "plus", 7, &[0])));
        }
    }
}

#[test]
fn only_the_transport_changes_where_only_that_has_to() {
    // The struct is shared, however long it is.
    let mut body = hex("0b0001 00100000");
    body.resize(body.len() + (1 << 20), b'x');
    body.push(0);
    let (_, mut request) = request_of(
        &mut codec(Role::Downstream),
        &framed(&binary(1, "m", 7, &body)),
    );
    let place = |request: &Request| match &request.body {
        wireloom_codecs::Body::Whole(body) => body.as_ptr(),
        other => panic!("{other:?}"),
    };
    let before = place(&request);
    let mut upstream = upstream(Some(Transport::TtHeader), Some(Protocol::BinaryNonStrict));
    upstream.adapt(&mut request).unwrap();
    assert_eq!(place(&request), before);
    let (events, error) = decode_all(
        &mut codec(Role::Downstream),
        &encode(&mut upstream, Outbound::Request(StreamId(7), &request)),
    );
    assert!(error.is_none() && matches!(events[..], [Inbound::Request(..)]));
}
