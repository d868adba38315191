//! Many calls on one connection: answers in any order, by seqid.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wireloom_codecs::{
    ChannelState, Codec, FrameLimits, Inbound, Mode, Outbound, Request, Role, ServeLimits, StreamId,
};

use super::drivers::{expect, frame, rig_with, seqid};
use super::{binary, codec, decode_all, encode, framed, header, hex, request_of, vectors};
use crate::{ThriftCodec, ThriftSettings};

const THEADER: [u8; 2] = [0x0f, 0xff];

fn settings() -> Arc<ThriftSettings> {
    Arc::new(ThriftSettings {
        multiplexed: true,
        ..ThriftSettings::default()
    })
}

fn upstream() -> ThriftCodec {
    ThriftCodec::new(&settings(), Role::Upstream, FrameLimits::default())
}

fn call(bytes: &[u8]) -> Request {
    request_of(&mut codec(Role::Downstream), bytes).1
}

fn send(upstream: &mut ThriftCodec, id: u64, request: &Request) -> Vec<u8> {
    encode(upstream, Outbound::Request(StreamId(id), request))
}

/// The ids that the answers in `bytes` find, and whether the connection goes on.
fn found(upstream: &mut ThriftCodec, bytes: &[u8]) -> (Vec<(u64, bool)>, bool) {
    let (events, error) = decode_all(upstream, bytes);
    let ids = events.into_iter().map(|event| match event {
        Inbound::Response(id, _) => (id.0, true),
        Inbound::Fault(id, fault) if !fault.is_request => (id.0, false),
        other => panic!("{other:?}"),
    });
    (ids.collect(), error.is_none())
}

#[test]
fn the_mode_is_that_of_the_settings() {
    assert_eq!(ThriftCodec::mode(&settings()), Mode::Multiplexed);
    assert_eq!(ThriftCodec::mode(&Arc::default()), Mode::PingPong);
}

#[test]
fn answers_in_any_order_find_their_calls() {
    let mut upstream = upstream();
    for (id, name) in [(1, "one"), (2, "two"), (300, "three")] {
        let sent = send(&mut upstream, id, &call(&framed(&binary(1, name, 0, &[0]))));
        assert_eq!(sent, framed(&binary(1, name, id as i32, &[0])));
    }
    let answer = |name, id| framed(&binary(2, name, id, &[0]));
    let answers = [answer("three", 300), answer("one", 1), answer("two", 2)].concat();
    let expected = vec![(300, true), (1, true), (2, true)];
    assert_eq!(found(&mut upstream, &answers), (expected, true));
    // Answered once, and then nobody's: with the id that it has, which the driver does not know.
    assert_eq!(
        found(&mut upstream, &answer("one", 1)),
        (vec![(1, true)], true)
    );
    assert_eq!(
        found(&mut upstream, &answer("x", 77)),
        (vec![(77, true)], true)
    );
}

#[test]
fn compact_seqids_of_any_width_find_their_calls() {
    let mut upstream = upstream();
    let plus = call(&hex("00000009 8221 00 04 706c7573 00"));
    assert_eq!(
        send(&mut upstream, 5, &plus),
        hex("00000009 8221 05 04 706c7573 00")
    );
    assert_eq!(
        send(&mut upstream, 300, &plus),
        hex("0000000a 8221 ac02 04 706c7573 00")
    );
    let max = i32::MAX as u64;
    assert_eq!(
        send(&mut upstream, max, &plus),
        hex("0000000d 8221 ffffffff07 04 706c7573 00")
    );
    // The second one padded.
    let answers = hex(
        "0000000d 8241 ffffffff07 04 706c7573 00 0000000d 8241 ac82808000 04 706c7573 00 00000009 8241 05 04 706c7573 00",
    );
    let expected = vec![(max, true), (300, true), (5, true)];
    assert_eq!(found(&mut upstream, &answers), (expected, true));
}

#[test]
fn either_seqid_behind_a_header_finds_the_call() {
    // fbthrift's clients leave the message at 0; both are the call's on the way up.
    let request = call(&header(THEADER, 7, &[0, 0], &binary(1, "plus", 0, &[0])));
    for (outer, inner) in [(7, 7), (7, 0), (0, 7), (7, 9), (9, 7)] {
        let mut upstream = upstream();
        let sent = send(&mut upstream, 7, &request);
        assert_eq!(
            sent,
            header(THEADER, 7, &[0, 0], &binary(1, "plus", 7, &[0]))
        );
        send(&mut upstream, 8, &request);
        let answer = header(THEADER, outer, &[0, 0], &binary(2, "plus", inner, &[0]));
        assert_eq!(found(&mut upstream, &answer), (vec![(7, true)], true));
    }
}

#[test]
fn a_compressed_call_is_inflated_for_its_seqid_to_be_its_own() {
    let (messages, _) = vectors::all();
    let named = |name: &str| messages.iter().find(|vector| vector.name == name).unwrap();
    for (name, plain) in [
        (
            "header_binary_call_info_zlib",
            "8001 0001 00000004 706c7573 0000012c 080001 00000001 080002 00000002 00",
        ),
        (
            "header_compact_call_info_zlib",
            "8221 ac02 04 706c7573 1502 1504 00",
        ),
    ] {
        let request = call(&named(name).bytes);
        let mut upstream = upstream();
        let sent = send(&mut upstream, 300, &request);
        let protocol = if name.contains("compact") { 2 } else { 0 };
        let block = [
            &[protocol, 0][..],
            &hex("01 01 07782d7472616365 03616263 00000000"),
        ]
        .concat();
        assert_eq!(
            hex::encode(sent),
            hex::encode(header(THEADER, 300, &block, &hex(plain)))
        );
        // Apache's servers put the message's seqid into the header.
        let answer = header(
            THEADER,
            300,
            &[protocol, 0],
            &match protocol {
                2 => hex("8241 ac02 04 706c7573 00"),
                _ => binary(2, "plus", 300, &[0]),
            },
        );
        assert_eq!(found(&mut upstream, &answer), (vec![(300, true)], true));
    }
}

#[test]
fn a_wrong_answer_fails_its_own_call_and_then_the_connection() {
    for (answer, id) in [
        (framed(&binary(2, "minus", 2, &[0])), 2),
        (framed(&binary(2, "two", 2, &[0, 0])), 2),
        (framed(&binary(2, "two", 2, &[8])), 2),
        (framed(&binary(9, "two", 2, &[0])), 2),
        (framed(&binary(1, "two", 2, &[0])), 2),
        (framed(&binary(2, "two", 9, &[8])), 9),
    ] {
        let mut upstream = upstream();
        for (id, name) in [(1, "one"), (2, "two")] {
            send(&mut upstream, id, &call(&framed(&binary(1, name, 0, &[0]))));
        }
        assert_eq!(found(&mut upstream, &answer), (vec![(id, false)], false));
    }
}

#[test]
fn an_answer_over_the_limit_fails_its_own_call_alone() {
    let limits = FrameLimits {
        frame: 1000,
        ..FrameLimits::default()
    };
    let mut upstream = ThriftCodec::new(&settings(), Role::Upstream, limits);
    for (id, name) in [(1, "one"), (2, "two")] {
        send(&mut upstream, id, &call(&framed(&binary(1, name, 0, &[0]))));
    }
    let mut body = hex("0b0000 00001000");
    body.resize(body.len() + 4096, 0);
    body.push(0);
    let large = framed(&binary(2, "two", 2, &body));
    let small = framed(&binary(2, "one", 1, &[0]));
    let answers = [large, small].concat();
    assert_eq!(
        found(&mut upstream, &answers),
        (vec![(2, false), (1, true)], true)
    );
}

#[test]
fn one_way_calls_wait_for_nothing() {
    let mut upstream = upstream();
    send(
        &mut upstream,
        4,
        &call(&framed(&binary(4, "notify", 0, &[0]))),
    );
    send(
        &mut upstream,
        5,
        &call(&framed(&binary(1, "plus", 0, &[0]))),
    );
    // An answer under its id is nobody's, whatever it names; the driver has no call of this id either.
    let answer = framed(&binary(2, "other", 4, &[0]));
    assert_eq!(found(&mut upstream, &answer), (vec![(4, true)], true));
    let answer = framed(&binary(2, "plus", 5, &[0]));
    assert_eq!(found(&mut upstream, &answer), (vec![(5, true)], true));
}

#[test]
fn a_connection_keeps_the_dialect_of_its_first_call() {
    // A cluster keeps lanes apart; should it not, the call is translated and no answer misread.
    let mut upstream = upstream();
    send(
        &mut upstream,
        1,
        &call(&framed(&binary(1, "plus", 0, &[0]))),
    );
    let sent = send(&mut upstream, 2, &call(&hex("8221 00 04 706c7573 00")));
    assert_eq!(sent, framed(&binary(1, "plus", 2, &[0])));
}

/// Two clients, one upstream connection, and a server that answers the second call first.
#[tokio::test]
async fn calls_of_many_clients_share_a_connection() {
    let (mut first, mut server, channel) = rig_with(settings(), ServeLimits::default()).await;
    let mut second = super::drivers::client_of(channel.clone());
    first
        .write_all(&framed(&binary(1, "slow", 0, &[0])))
        .await
        .unwrap();
    let slow = frame(&mut server).await;
    second
        .write_all(&framed(&binary(1, "fast", 0, &[0])))
        .await
        .unwrap();
    let fast = frame(&mut server).await;
    let ids = [seqid(&slow, "slow"), seqid(&fast, "fast")];
    assert_ne!(ids[0], ids[1]);
    // Nobody's: counted, and nothing else happens.
    let stray = framed(&binary(2, "slow", 0x7fff_0000, &[0]));
    let fast = framed(&binary(2, "fast", ids[1], &[0]));
    server.write_all(&[stray, fast].concat()).await.unwrap();
    expect(&mut second, &framed(&binary(2, "fast", 0, &[0]))).await;
    server
        .write_all(&framed(&binary(2, "slow", ids[0], &[0])))
        .await
        .unwrap();
    expect(&mut first, &framed(&binary(2, "slow", 0, &[0]))).await;
    assert_eq!(channel.state(), ChannelState::Open);
    assert_eq!(channel.in_flight(), 0);
}

/// As plain Python clients number their calls: all the same.
#[tokio::test]
async fn equal_seqids_of_many_clients_do_not_meet() {
    let (first, mut server, channel) = rig_with(settings(), ServeLimits::default()).await;
    let others = (1..20).map(|_| super::drivers::client_of(channel.clone()));
    let mut clients: Vec<_> = std::iter::once(first).chain(others).collect();
    let extremes = [0, -1, i32::MAX, i32::MIN];
    let seqid_of = |client: usize| extremes[client % extremes.len()];
    let name_of = |client: usize| format!("m{client:02}");
    let mut calls = Vec::new();
    for (number, client) in clients.iter_mut().enumerate() {
        let call = binary(1, &name_of(number), seqid_of(number), &[0]);
        client.write_all(&framed(&call)).await.unwrap();
        calls.push(frame(&mut server).await);
    }
    for call in calls.iter().rev() {
        let name = std::str::from_utf8(&call[8..11]).unwrap();
        // With the name in it, so that an answer gone astray shows.
        let body = [&hex("0b0000 00000003")[..], name.as_bytes(), &[0]].concat();
        let answer = framed(&binary(2, name, seqid(call, name), &body));
        server.write_all(&answer).await.unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let name = name_of(number);
        let body = [&hex("0b0000 00000003")[..], name.as_bytes(), &[0]].concat();
        expect(client, &framed(&binary(2, &name, seqid_of(number), &body))).await;
    }
    assert_eq!(channel.in_flight(), 0);
}

#[tokio::test]
async fn a_wrong_name_becomes_an_exception_and_the_connection_goes() {
    let (mut client, mut server, channel) = rig_with(settings(), ServeLimits::default()).await;
    client
        .write_all(&framed(&binary(1, "plus", 9, &[0])))
        .await
        .unwrap();
    let id = seqid(&frame(&mut server).await, "plus");
    server
        .write_all(&framed(&binary(2, "minus", id, &[0])))
        .await
        .unwrap();
    let reply = frame(&mut client).await;
    assert_eq!(reply[..16], binary(3, "plus", 9, &[])[..16]);
    assert!(String::from_utf8_lossy(&reply).contains("another method"));
    tokio::time::timeout(std::time::Duration::from_secs(20), server.read_u8())
        .await
        .expect("closed in time")
        .expect_err("closed");
    assert_eq!(channel.state(), ChannelState::Closed);
}
