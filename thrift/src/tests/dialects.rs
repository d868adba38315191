//! What routing reads in each dialect.

use std::sync::Arc;
use std::time::Duration;

use wireloom_codecs::{Codec, FrameLimits, Inbound, Kind, Needs, Request, Role};

use super::{binary, codec, decode_all, framed, header, hex, request_of, tt_block};
use crate::types::{Protocol, Transport};
use crate::{ThriftCodec, ThriftConfig};

const THEADER: [u8; 2] = [0x0f, 0xff];
const TTHEADER: [u8; 2] = [0x10, 0];

fn with(settings: ThriftConfig) -> ThriftCodec {
    let mut codec = ThriftCodec::new(
        &Arc::new(settings.into()),
        Role::Downstream,
        FrameLimits::default(),
    );
    codec.set_needs(&Needs::fields(["a", "to_service", "rpc_timeout"]));
    codec
}

fn read(bytes: &[u8]) -> Request {
    request_of(&mut with(ThriftConfig::default()), bytes).1
}

fn theader_block(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0, 0, 1, pairs.len() as u8];
    for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
        block.push(text.len() as u8);
        block.extend(text.as_bytes());
    }
    block
}

#[test]
fn services_come_from_the_first_that_names_one() {
    let call = |name: &str| binary(1, name, 1, &[0]);
    let pairs = theader_block(&[("service", "from-pair"), ("a", "1"), ("a", "2")]);
    let request = read(&header(THEADER, 1, &pairs, &call("plus")));
    assert_eq!(
        (&*request.head.service, &*request.head.method),
        ("from-pair", "plus")
    );
    assert_eq!(*request.head.fields.get(b"a").unwrap(), "2");
    assert_eq!(request.head.fields.len(), 1);
    let request = read(&header(THEADER, 1, &pairs, &call("Orders:plus")));
    assert_eq!(
        (&*request.head.service, &*request.head.method),
        ("Orders", "plus")
    );

    let block = tt_block(0, &[("isn", "idl")], &[(6, "target"), (12, "1500")]);
    let request = read(&header(TTHEADER, 1, &block, &call("plus")));
    assert_eq!(request.head.service, "idl");
    assert_eq!(request.head.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(*request.head.fields.get(b"to_service").unwrap(), "target");
    assert_eq!(*request.head.fields.get(b"rpc_timeout").unwrap(), "1500");
    let block = tt_block(0, &[], &[(6, "target")]);
    let request = read(&header(TTHEADER, 1, &block, &call("plus")));
    assert_eq!(request.head.service, "target");
    let block = tt_block(0, &[("service", "own"), ("isn", "idl")], &[(6, "target")]);
    let request = read(&header(TTHEADER, 1, &block, &call("plus")));
    assert_eq!(request.head.service, "own");

    let mut codec = with(ThriftConfig {
        service: Some("default".to_owned()),
        service_header: "svc".to_owned(),
        ..ThriftConfig::default()
    });
    let (_, request) = request_of(&mut codec, &header(THEADER, 1, &pairs, &call("plus")));
    assert_eq!(request.head.service, "default");
    let pairs = theader_block(&[("svc", "x"), ("client_timeout", "0")]);
    let (_, request) = request_of(&mut codec, &header(THEADER, 1, &pairs, &call("plus")));
    assert_eq!((&*request.head.service, request.head.timeout), ("x", None));
}

#[test]
fn blocks_that_routing_does_not_know_are_passed_over() {
    let call = binary(1, "m", 1, &[0]);
    // fbthrift's persistent pairs, then a block of unknown length, at which reading stops.
    let block = hex("0000 02 01 0161 0131 09 ff");
    let request = read(&header(THEADER, 1, &block, &call));
    assert_eq!(*request.head.fields.get(b"a").unwrap(), "1");
    // TTHeader: zeros between the blocks, a token, and a key without a name.
    let block = hex("0000 0000 11 0002 7878 01 0001 0001 61 0001 31 10 0001 0fff 0001 39");
    let request = read(&header(TTHEADER, 1, &block, &call));
    assert_eq!(*request.head.fields.get(b"a").unwrap(), "1");
    assert_eq!(request.head.fields.len(), 1);
}

#[test]
fn one_way_calls_are_those_that_say_so_and_those_that_are_listed() {
    let settings = || ThriftConfig {
        one_way: vec!["Log.write".to_owned()],
        ..ThriftConfig::default()
    };
    let kind = |kind, name: &str| {
        let bytes = framed(&binary(kind, name, 1, &[0]));
        request_of(&mut with(settings()), &bytes).1.head.kind
    };
    assert_eq!(kind(4, "x"), Kind::OneWay);
    assert_eq!(kind(1, "x"), Kind::Unary);
    assert_eq!(kind(1, "Log:write"), Kind::OneWay);
    assert_eq!(kind(1, "Other:write"), Kind::Unary);
}

#[test]
fn a_configured_dialect_is_the_only_one() {
    let calls = [
        (
            Transport::Framed,
            Protocol::Binary,
            framed(&binary(1, "m", 1, &[0])),
        ),
        (
            Transport::Buffered,
            Protocol::Binary,
            binary(1, "m", 1, &[0]),
        ),
        (
            Transport::Framed,
            Protocol::Compact,
            framed(&hex("8221 01 01 6d 00")),
        ),
        (
            Transport::Buffered,
            Protocol::Compact,
            hex("8221 01 01 6d 00"),
        ),
        (
            Transport::Header,
            Protocol::Binary,
            header(THEADER, 1, &[0, 0], &binary(1, "m", 1, &[0])),
        ),
        (
            Transport::TtHeader,
            Protocol::Binary,
            header(TTHEADER, 1, &[0, 0], &binary(1, "m", 1, &[0])),
        ),
    ];
    for (transport, protocol, _) in &calls {
        for (other_transport, other_protocol, bytes) in &calls {
            let mut codec = with(ThriftConfig {
                transport: Some(*transport),
                protocol: Some(*protocol),
                ..ThriftConfig::default()
            });
            let (events, error) = decode_all(&mut codec, bytes);
            let same = transport == other_transport && protocol == other_protocol;
            assert_eq!(error.is_none(), same, "{transport:?} {bytes:?}");
            assert_eq!(matches!(events[..], [Inbound::Request(..)]), same);
        }
    }
}

#[test]
fn a_dialect_is_for_life() {
    let calls = [
        framed(&binary(1, "m", 1, &[0])),
        binary(1, "m", 1, &[0]),
        framed(&hex("8221 01 01 6d 00")),
        hex("8221 01 01 6d 00"),
        header(THEADER, 1, &[0, 0], &binary(1, "m", 1, &[0])),
        header(THEADER, 1, &[2, 0], &hex("8221 01 01 6d 00")),
        header(TTHEADER, 1, &[0, 0], &binary(1, "m", 1, &[0])),
        header(TTHEADER, 1, &[2, 0], &hex("8221 01 01 6d 00")),
    ];
    for (i, first) in calls.iter().enumerate() {
        for (j, second) in calls.iter().enumerate() {
            let (events, error) =
                decode_all(&mut codec(Role::Downstream), &[&first[..], second].concat());
            assert_eq!(events.len(), if i == j { 2 } else { 1 });
            assert_eq!(error.is_none(), i == j, "{i} then {j}");
        }
    }
}
