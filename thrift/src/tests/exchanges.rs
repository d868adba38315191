//! Calls and answers on their way through: ids, methods, and answers that do not fit.

use wireloom_codecs::{Control, Inbound, Outbound, Request, Role, StreamId};

use super::{
    binary, codec, decode_all, encode, framed, header, hex, request_of, response_of, vectors,
};
use crate::ThriftCodec;

/// An upstream codec that has sent this request as call `id`, and the bytes it sent.
fn sent(id: u64, request: &Request) -> (ThriftCodec, Vec<u8>) {
    let mut codec = codec(Role::Upstream);
    let bytes = encode(&mut codec, Outbound::Request(StreamId(id), request));
    (codec, bytes)
}

fn call(name: &str) -> Request {
    request_of(
        &mut codec(Role::Downstream),
        &framed(&binary(1, name, 5, &[0])),
    )
    .1
}

/// The text of the fault that ends the connection.
fn refused(codec: &mut ThriftCodec, id: u64, answer: &[u8]) -> String {
    let (events, error) = decode_all(codec, answer);
    assert!(error.is_some(), "the connection goes on");
    match &events[..] {
        [Inbound::Fault(found, fault)] => {
            assert_eq!(*found, StreamId(id), "the call is told");
            assert!(!fault.is_request);
            fault.error.detail.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_answer_finds_its_call() {
    for name in ["plus", "Orders:plus"] {
        let (mut codec, bytes) = sent(300, &call(name));
        assert_eq!(bytes, framed(&binary(1, name, 300, &[0])));
        let (id, _) = response_of(&mut codec, &framed(&binary(2, "plus", 300, &[0])));
        assert_eq!(id, StreamId(300));
        // Another one is nobody's: the driver sees its own seqid.
        let (id, _) = response_of(&mut codec, &framed(&binary(2, "plus", 77, &[0])));
        assert_eq!(id, StreamId(77));
    }
}

#[test]
fn an_answer_that_does_not_fit_fails_the_call_and_the_connection() {
    for (answer, what) in [
        (binary(2, "plus", 301, &[0]), "seqid 301"),
        (binary(2, "plus", 0, &[0]), "seqid 0"),
        (binary(2, "minus", 300, &[0]), "another method"),
        (binary(3, "", 300, &[0]), "another method"),
        (binary(9, "plus", 300, &[0]), "type"),
        (binary(1, "plus", 300, &[0]), "a call's type"),
        (binary(4, "plus", 300, &[0]), "a call's type"),
        (binary(2, "plus", 300, &[0, 0]), "behind"),
        (binary(2, "plus", 300, &[8, 0, 0]), "runs past"),
        (binary(2, "plus", 300, &[0x7f, 0, 0, 0]), "field type"),
    ] {
        let (mut codec, _) = sent(300, &call("plus"));
        let text = refused(&mut codec, 300, &framed(&answer));
        assert!(text.contains(what), "{text}");
    }
    // Answers in another dialect than the call's.
    for answer in [
        binary(2, "plus", 300, &[0]),
        framed(&hex("8241 01 04 706c7573 00")),
    ] {
        let (mut codec, _) = sent(300, &call("plus"));
        let (events, error) = decode_all(&mut codec, &answer);
        assert!(events.is_empty() && error.is_some());
    }
}

#[test]
fn a_one_way_call_expects_nothing() {
    let notify = framed(&binary(4, "notify", 5, &[0]));
    let (_, request) = request_of(&mut codec(Role::Downstream), &notify);
    let (mut codec, _) = sent(9, &request);
    // Whatever comes keeps its own seqid, and the driver refuses it.
    let (id, _) = response_of(&mut codec, &framed(&binary(2, "other", 4, &[0])));
    assert_eq!(id, StreamId(4));
}

#[test]
fn compact_seqids_change_their_width_and_the_frame_its_length() {
    let (mut client, bytes) = (
        codec(Role::Downstream),
        hex("0000000d 8221 01 04 706c7573 1502 1504 00"),
    );
    let (id, request) = request_of(&mut client, &bytes);
    assert_eq!(id, StreamId(1));
    let (mut server, sent) = sent(300, &request);
    assert_eq!(sent, hex("0000000e 8221 ac02 04 706c7573 1502 1504 00"));
    let (id, response) = response_of(
        &mut server,
        &hex("0000000d 8241 ac02 04 706c7573 0500 06 00"),
    );
    assert_eq!(id, StreamId(300));
    let back = encode(&mut client, Outbound::Response(StreamId(1), &response));
    assert_eq!(back, hex("0000000c 8241 01 04 706c7573 0500 06 00"));
}

#[test]
fn a_padded_seqid_leaves_as_it_came() {
    let bytes = hex("00000011 8221 8180808000 04 706c7573 1502 1504 00");
    let (mut client, bytes) = (codec(Role::Downstream), bytes);
    let (id, request) = request_of(&mut client, &bytes);
    assert_eq!(id, StreamId(1));
    assert_eq!(encode(&mut client, Outbound::Request(id, &request)), bytes);
}

#[test]
fn both_seqids_of_a_header_are_rewritten_and_come_back() {
    let message = |kind, seqid| binary(kind, "plus", seqid, &[0]);
    let mut client = codec(Role::Downstream);
    // fbthrift counts in the header and leaves the message at 0. The calls are pipelined.
    let calls = [(7, 7), (7, 0)].map(|(outer, inner)| {
        let bytes = header([0x0f, 0xff], outer, &[0, 0], &message(1, inner));
        let (id, request) = request_of(&mut client, &bytes);
        assert_eq!(id, StreamId(outer.into()));
        (outer, inner, request)
    });
    for (outer, inner, request) in calls {
        let (mut server, bytes) = sent(300, &request);
        assert_eq!(bytes, header([0x0f, 0xff], 300, &[0, 0], &message(1, 300)));
        let answer = header([0x0f, 0xff], 300, &[0, 0], &message(2, 300));
        let (id, response) = response_of(&mut server, &answer);
        assert_eq!(id, StreamId(300));
        let back = encode(
            &mut client,
            Outbound::Response(StreamId(outer.into()), &response),
        );
        assert_eq!(
            back,
            header([0x0f, 0xff], outer, &[0, 0], &message(2, inner))
        );
    }
}

#[test]
fn a_compressed_call_is_answered_under_either_seqid() {
    let (messages, _) = vectors::all();
    let zlib = messages
        .iter()
        .find(|vector| vector.name == "header_binary_call_info_zlib");
    let mut client = codec(Role::Downstream);
    let (id, request) = request_of(&mut client, &zlib.unwrap().bytes);
    assert_eq!((id, &*request.head.method), (StreamId(13), "plus"));
    // A server repeats the seqid of the message, which is the client's, or that of the header.
    for outer in [13, 300] {
        let (mut server, bytes) = sent(300, &request);
        // Nor is it taken for the answer to a one-way call of that number.
        let one_way = framed(&binary(4, "notify", 5, &[0]));
        let (_, one_way) = request_of(&mut codec(Role::Downstream), &one_way);
        encode(&mut server, Outbound::Request(StreamId(13), &one_way));
        encode(&mut server, Outbound::Request(StreamId(300), &request));
        assert_eq!(bytes[8..12], 300u32.to_be_bytes());
        let answer = header([0x0f, 0xff], outer, &[0, 0], &binary(2, "plus", 13, &[0]));
        let (id, response) = response_of(&mut server, &answer);
        assert_eq!(id, StreamId(300));
        let back = encode(&mut client, Outbound::Response(StreamId(13), &response));
        assert_eq!(
            back,
            header([0x0f, 0xff], 13, &[0, 0], &binary(2, "plus", 13, &[0]))
        );
    }
}

#[test]
fn a_server_may_be_asked_in_one_dialect_after_the_other() {
    let mut server = codec(Role::Upstream);
    let framed_call = call("plus");
    let (_, compact_call) =
        request_of(&mut codec(Role::Downstream), &hex("8221 05 04 706c7573 00"));
    encode(&mut server, Outbound::Request(StreamId(1), &framed_call));
    response_of(&mut server, &framed(&binary(2, "plus", 1, &[0])));
    encode(&mut server, Outbound::Request(StreamId(2), &compact_call));
    response_of(&mut server, &hex("8241 02 04 706c7573 00"));
}

#[test]
fn an_answer_to_a_one_way_call_is_nobodys() {
    let one_way = request_of(
        &mut codec(Role::Downstream),
        &framed(&binary(4, "notify", 5, &[0])),
    );
    let mut server = codec(Role::Upstream);
    encode(&mut server, Outbound::Request(StreamId(3), &one_way.1));
    encode(&mut server, Outbound::Request(StreamId(5), &call("plus")));
    let mut answers = framed(&binary(2, "notify", 3, &[0]));
    answers.extend(framed(&binary(2, "plus", 5, &[0])));
    let (events, error) = decode_all(&mut server, &answers);
    assert!(error.is_none(), "{error:?}");
    match &events[..] {
        [
            Inbound::Control(Control::Ignore),
            Inbound::Response(StreamId(5), _),
        ] => {}
        other => panic!("{other:?}"),
    }
}
