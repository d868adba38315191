//! Replies made by the proxy, byte for byte, and what servers' replies mean.

use wireloom_codecs::{
    Class, Codec, ErrorKind, FrameLimits, LocalError, Origin, Outbound, Outcome, Role, StreamId,
};

use super::{
    binary, codec, encode, framed, header, hex, non_strict, request_of, response_of, tt_block,
};
use crate::ThriftCodec;
use crate::outcome::{DECLARED_EXCEPTION, REPLY};
use crate::types::Transport;
use crate::types::exception::named as exception_named;

/// The reply to `call` with the text and type that the vectors have.
fn reply(codec: &mut ThriftCodec, call: &[u8], kind: ErrorKind, detail: &str) -> Vec<u8> {
    let (id, request) = request_of(codec, call);
    let error = LocalError::new(kind, detail.to_owned());
    let reply = codec.error_reply(&request.head.origin(), &error);
    encode(codec, Outbound::Response(id, &reply))
}

#[test]
fn the_reply_speaks_the_requests_dialect() {
    // `wireloom: no route: x`, 21 bytes.
    let text = "776972656c6f6f6d3a206e6f20726f7574653a2078";
    let call = "80010001 00000004 706c7573 00000001 00";
    let exception =
        format!("80010003 00000004 706c7573 00000001 0b0001 00000015 {text} 080002 00000001 00");
    let compact_call = "8221 01 04 706c7573 00";
    let compact_exception = format!("8261 01 04 706c7573 18 15 {text} 15 02 00");
    let old_call = "00000004 706c7573 01 00000001 00";
    let old_exception =
        format!("00000004 706c7573 03 00000001 0b0001 00000015 {text} 080002 00000001 00");
    let (call, exception) = (hex(call), hex(&exception));
    let (compact_call, compact_exception) = (hex(compact_call), hex(&compact_exception));
    let theader = |block: &[u8], message: &[u8]| header([0x0f, 0xff], 1, block, message);
    let ttheader = |block: &[u8], message: &[u8]| header([0x10, 0], 1, block, message);
    let pairs = hex("0000 01 01 0161 0162");
    let cases = [
        (framed(&call), framed(&exception)),
        (call.clone(), exception.clone()),
        (framed(&compact_call), framed(&compact_exception)),
        (compact_call.clone(), compact_exception.clone()),
        (theader(&pairs, &call), theader(&[0, 0], &exception)),
        (
            theader(&[2, 0], &compact_call),
            theader(&[2, 0], &compact_exception),
        ),
        (
            ttheader(&tt_block(0, &[("a", "b")], &[]), &call),
            ttheader(&[0, 0], &exception),
        ),
        (
            ttheader(&[0, 0], &framed(&call)),
            ttheader(&[0, 0], &framed(&exception)),
        ),
        (
            ttheader(&[2, 0], &framed(&compact_call)),
            ttheader(&[2, 0], &framed(&compact_exception)),
        ),
    ];
    for (call, expected) in cases {
        let found = reply(&mut codec(Role::Downstream), &call, ErrorKind::NoRoute, "x");
        assert_eq!(hex::encode(found), hex::encode(expected));
    }
    for (transport, call, expected) in [
        (
            Transport::Framed,
            framed(&hex(old_call)),
            framed(&hex(&old_exception)),
        ),
        (Transport::Buffered, hex(old_call), hex(&old_exception)),
    ] {
        let settings = non_strict(transport);
        let mut codec = ThriftCodec::new(&settings, Role::Downstream, FrameLimits::default());
        let found = reply(&mut codec, &call, ErrorKind::NoRoute, "x");
        assert_eq!(hex::encode(found), hex::encode(expected));
    }
}

#[test]
fn seqids_come_back_exactly_and_names_without_their_service() {
    for seqid in [0, 1, -1, 127, 128, i32::MAX, i32::MIN] {
        let call = framed(&binary(1, "Orders:plus", seqid, &[0]));
        let found = reply(&mut codec(Role::Downstream), &call, ErrorKind::Timeout, "");
        assert_eq!(&found[12..16], b"plus");
        assert_eq!(found[16..20], seqid.to_be_bytes());
    }
    let call = hex("8221 feffffff0f 08 613a706c75733a78 00");
    let found = reply(&mut codec(Role::Downstream), &call, ErrorKind::Timeout, "");
    // Only the first colon counts.
    assert_eq!(found[..14], hex("8261 feffffff0f 06 706c75733a78"));
}

#[test]
fn each_error_has_its_type() {
    for kind in ErrorKind::ALL {
        let expected = match kind {
            ErrorKind::NoRoute => 1,
            ErrorKind::Malformed | ErrorKind::TooLarge => 7,
            _ => 6,
        };
        let found = reply(
            &mut codec(Role::Downstream),
            &binary(1, "m", 1, &[0]),
            kind,
            "",
        );
        let (_, response) = response_of(&mut codec(Role::Upstream), &found);
        assert_eq!(response.head.outcome.native, expected, "{kind}");
    }
}

#[test]
fn a_request_of_another_protocol_is_answered_too() {
    let codec = codec(Role::Downstream);
    let reply = codec.error_reply(&Origin::default(), &ErrorKind::Internal.into());
    let mut codec = super::codec(Role::Downstream);
    let bytes = encode(&mut codec, Outbound::Response(StreamId(3), &reply));
    assert_eq!(bytes[4..8], [0x80, 1, 0, 3]);
}

#[test]
fn replies_say_how_the_call_went() {
    let app = Outcome::new(Class::AppError, DECLARED_EXCEPTION);
    let ok = Outcome::new(Class::Success, REPLY);
    let exception = |code| Outcome::new(Class::ServerError, code);
    for (body, expected) in [
        ("00", ok),
        ("080000 00000001 00", ok),
        ("0c0001 00 00", app),
        ("0c0100 00 00", app),
    ] {
        let bytes = framed(&binary(2, "m", 1, &hex(body)));
        let (_, response) = response_of(&mut codec(Role::Upstream), &bytes);
        assert_eq!(response.head.outcome, expected, "{body}");
    }
    for (body, expected) in [
        ("00", ok),
        ("0500 02 00", ok),
        ("1c 00 00", app),
        ("0c ac02 00 00", app),
    ] {
        let bytes = [hex("8241 01 01 6d"), hex(body)].concat();
        let (_, response) = response_of(&mut codec(Role::Upstream), &bytes);
        assert_eq!(response.head.outcome, expected, "{body}");
    }
    for (body, expected) in [
        ("0b0001 00000001 61 080002 00000006 00", exception(6)),
        ("080002 00000004 0b0001 00000001 61 00", exception(4)),
        ("080002 00000001 00", Outcome::new(Class::Refused, 1)),
        ("0b0001 00000001 61 00", exception(0)),
        ("00", exception(0)),
        ("0f0001 08 00000000 00", exception(0)),
        ("080002 ffffffff 00", exception(0)),
        ("080002 80000000 00", exception(0)),
    ] {
        let bytes = framed(&binary(3, "m", 1, &hex(body)));
        let (_, response) = response_of(&mut codec(Role::Upstream), &bytes);
        assert_eq!(response.head.outcome, expected, "{body}");
    }
    for (body, expected) in [
        ("1801 61 15 02 00", Outcome::new(Class::Refused, 1)),
        ("25 0e 00", exception(7)),
        ("05 04 0c 00", exception(6)),
        ("00", exception(0)),
    ] {
        let bytes = [hex("8261 01 01 6d"), hex(body)].concat();
        let (_, response) = response_of(&mut codec(Role::Upstream), &bytes);
        assert_eq!(response.head.outcome, expected, "{body}");
    }
    assert_eq!(ThriftCodec::classify(1), Class::Refused);
    assert_eq!(ThriftCodec::classify(6), Class::ServerError);
    assert_eq!(ThriftCodec::classify(REPLY), Class::Success);
    assert_eq!(ThriftCodec::classify(DECLARED_EXCEPTION), Class::AppError);
    assert_eq!(exception_named("UNKNOWN"), Some(0));
    assert_eq!(exception_named("INTERNAL_ERROR"), Some(6));
    assert_eq!(exception_named("UNSUPPORTED_CLIENT_TYPE"), Some(10));
    assert_eq!(exception_named("internal_error"), None);
}
