//! The proxy's own answers.

use wireloom_codecs::{Class, ErrorKind, LocalError};
use wireloom_hessian::{Decoder, Dialect, Value};

use super::*;
use crate::{Head, call};

#[test]
fn every_failure_is_a_response_that_clients_read() {
    let (id, request) = request(&mut codec(), &vector("request_negative_id"));
    for (kind, status) in [
        (ErrorKind::NoRoute, 60),
        (ErrorKind::NoEndpoint, 80),
        (ErrorKind::ConnectFailure, 80),
        (ErrorKind::Reset, 80),
        (ErrorKind::Timeout, 31),
        (ErrorKind::Overloaded, 100),
        (ErrorKind::RateLimited, 100),
        (ErrorKind::Malformed, 40),
        (ErrorKind::TooLarge, 40),
        (ErrorKind::Draining, 80),
        (ErrorKind::Denied, 80),
        (ErrorKind::Unsupported, 80),
        (ErrorKind::Internal, 70),
    ] {
        let error = LocalError::new(kind, "why");
        let reply = codec().error_reply(&request.head.origin(), &error);
        assert_eq!(reply.head.outcome.class, kind.class());
        assert_eq!(reply.head.outcome.native, u32::from(status));
        let bytes = encode(Outbound::Response(id, &reply));
        let head = Head::parse(&bytes).unwrap();
        assert_eq!((head.flag, head.status, head.id), (0x02, status, id.0));

        let (again, read) = response(&mut codec(), &bytes);
        assert_eq!(again, id);
        let failure = call::read_response(&read).unwrap_err();
        let message = error.to_string();
        assert_eq!(failure, call::CallFailure::Status { status, message });
    }
    assert_eq!(ErrorKind::ALL.len(), 13);
}

#[test]
fn the_bytes_are_the_documented_ones() {
    let error = LocalError::from(ErrorKind::Timeout);
    let reply = codec().error_reply(&Default::default(), &error);
    let bytes = encode(Outbound::Response(StreamId(0x2a), &reply));
    let expected = "dabb021f000000000000002a0000001413776972656c6f6f6d3a2074696d6564206f7574";
    assert_eq!(hex::encode(bytes), expected);
}

#[test]
fn a_request_in_another_serialization_is_answered_in_hessian() {
    let (id, request) = request(&mut codec(), &vector("fastjson2_req_hashmap"));
    let error = LocalError::from(ErrorKind::NoRoute);
    let reply = codec().error_reply(&request.head.origin(), &error);
    assert_eq!(
        encode(Outbound::Response(id, &reply))[..4],
        *b"\xda\xbb\x02\x3c"
    );
}

#[test]
fn messages_are_cut_between_characters_and_written_as_java_reads_them() {
    for (detail, ends_with) in [("é".repeat(2000), 'é'), ("😀".repeat(2000), '😀')] {
        let error = LocalError::new(ErrorKind::Internal, detail);
        let reply = codec().error_reply(&Default::default(), &error);
        let body = reply.body.whole().unwrap();
        let value = Decoder::new(body, Dialect::Final).next_value().unwrap();
        let Some(Value::String(message)) = value else {
            panic!("{value:?}");
        };
        assert!(message.len() <= 1024 && message.len() > 1020);
        assert!(message.ends_with(ends_with));
        // Java refuses four-byte sequences.
        assert!(body.iter().all(|byte| *byte < 0xf0));
    }
}

#[test]
fn a_fault_is_answered_under_its_id() {
    for id in [0, 1, u64::MAX, i64::MAX as u64, i64::MIN as u64] {
        let bytes = frame(0xc2, id, b"\x90");
        let Inbound::Fault(stream, fault) = decode(&mut codec(), &bytes) else {
            panic!("no fault");
        };
        let reply = codec().error_reply(&fault.origin, &fault.error);
        let (again, read) = response(&mut codec(), &encode(Outbound::Response(stream, &reply)));
        assert_eq!(again.0, id);
        assert_eq!(read.head.outcome.class, Class::ClientError);
        assert_eq!(read.head.outcome.native, 40);
    }
}
