//! How long a message may be.

use std::path::Path;

use tokio::io::AsyncWriteExt;
use wireloom::{PROTOCOLS, config, run};

use crate::mesh::{Act, Client, server, start};
use crate::wire::Dialect::Binary;
use crate::wire::{CALL, Message, REPLY};

/// What Thrift's own libraries take, the length word aside.
const MOST: usize = 16_384_000;
const INTERNAL_ERROR: u8 = 6;
const PROTOCOL_ERROR: u8 = 7;

fn mesh(limits: &str) -> String {
    format!(
        "
limits: {{request_memory: 1MiB, response_memory: 1MiB}}
listeners: [{{address: 127.0.0.1:0, routes: main, {limits}}}]
routes: {{main: [{{to: a, timeout: 60s}}]}}
clusters: {{a: {{endpoints: [@A], thrift: {{transport: framed}}}}}}
"
    )
}

/// A message of `len` bytes, with a string in field `field`.
fn long(kind: u8, field: u8, len: usize) -> Message {
    let mut message = Binary.call("get", 3, "");
    message.kind = kind;
    message.body = Vec::new();
    // The length in front counts the rest.
    let text = len - (message.bytes().len() - 4) - 8;
    message.body = vec![11, 0, field];
    message.body.extend((text as u32).to_be_bytes());
    message.body.resize(7 + text, b'x');
    message.body.push(0);
    message
}

#[tokio::test]
async fn a_frame_as_long_as_libraries_take_passes_both_ways() {
    let (address, seen) = server(|_, call| {
        let mut answer = long(REPLY, 0, MOST);
        answer.seqid = call.seqid;
        Act::Answer(answer)
    })
    .await;
    let (_proxy, at) = start(&mesh(""), &[("@A", address)]);
    let mut client = Client::connect(at[0]).await;
    let call = long(CALL, 1, MOST);
    assert_eq!(call.bytes().len(), MOST + 4);
    // Not shown if they differ: they are long.
    assert!(client.call(&call).await == long(REPLY, 0, MOST));
    assert!(seen.last_of(1).1.body == call.body);
    // The same without a length in front, both ways.
    let mut unframed = Client::connect(at[0]).await;
    unframed.0.write_all(&call.bytes()[4..]).await.unwrap();
    let answer = unframed.read(MOST).await;
    assert!(answer == long(REPLY, 0, MOST).bytes()[4..]);
    drop(unframed);

    // One byte more, and the client is told.
    let answer = client.call(&long(CALL, 1, MOST + 1)).await;
    let (code, text) = answer.refusal();
    assert_eq!((code, answer.seqid), (PROTOCOL_ERROR, 3));
    assert!(text.contains("16384000"), "{text}");
    assert!(
        client.call(&call).await == long(REPLY, 0, MOST),
        "the connection goes on"
    );
    seen.last_of(3);
}

#[tokio::test]
async fn a_frame_that_finds_no_memory_is_turned_away_and_the_connection_goes_on() {
    let (address, _) = server(|_, call| Act::Answer(call.reply("fine"))).await;
    let (_proxy, at) = start(&mesh("timeouts: {header: 3s}"), &[("@A", address)]);
    let call = long(CALL, 1, 800 << 10);
    let bytes = call.bytes();
    // The second time without a length in front.
    for skip in [0, 4] {
        // It takes most of what there is, and does not get on for as long as this takes.
        let mut first = Client::connect(at[0]).await;
        let (sent, rest) = bytes[skip..].split_at(700 << 10);
        first.0.write_all(sent).await.unwrap();

        let mut second = Client::connect(at[0]).await;
        // Small ones find room; by then the first has its.
        let small = Binary.call("get", 1, "x");
        assert_eq!(second.call(&small).await, small.reply("fine"));
        let answer = second.call(&call).await;
        let (code, text) = answer.refusal();
        assert_eq!((code, answer.seqid), (INTERNAL_ERROR, 3));
        assert!(text.contains("no memory for a large message"), "{text}");
        assert_eq!(second.call(&small).await, small.reply("fine"));

        first.0.write_all(rest).await.unwrap();
        let expected = call.reply("fine").bytes().split_off(skip);
        assert_eq!(first.read(expected.len()).await, expected);
        assert_eq!(second.call(&call).await, call.reply("fine"));
    }
}

#[tokio::test]
async fn a_listeners_own_limit_goes_before_the_protocols() {
    let (address, _) = server(|_, call| Act::Answer(call.reply("fine"))).await;
    let limits = "limits: {frame: 1MiB}";
    let (_proxy, at) = start(&mesh(limits), &[("@A", address)]);
    let mut client = Client::connect(at[0]).await;
    let fits = long(CALL, 1, (1 << 20) - 4);
    assert_eq!(client.call(&fits).await, fits.reply("fine"));
    let answer = client.call(&long(CALL, 1, (1 << 20) - 3)).await;
    assert_eq!(answer.refusal().0, PROTOCOL_ERROR);
}

#[test]
fn every_protocol_has_its_own_default() {
    let text = "
listeners: [{address: '127.0.0.1:0', routes: main}]
routes: {main: [{to: a}]}
clusters: {a: {endpoints: ['127.0.0.1:1']}}
protocols: {thrift: {max_frame: MOST}}
";
    for (most, thrift) in [("16000KiB", MOST + 4), ("20MiB", (20 << 20) + 4)] {
        let text = text.replace("MOST", most);
        let config = config::parse(Path::new("test.yaml"), &text, PROTOCOLS).unwrap();
        for entry in run::builtin(&config).iter() {
            let own = if entry.id.as_str() == "thrift" {
                thrift
            } else {
                8 << 20
            };
            assert_eq!(entry.protocol.max_frame(), own, "{}", entry.id);
            assert_eq!(entry.connector.max_frame(), own, "{}", entry.id);
        }
    }
}
