//! Clusters whose servers speak a dialect of their own, or answer in any order.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::mesh::{Client, echo, frame, start};
use crate::wire::Dialect::{Binary, Compact, HeaderBinary, HeaderCompact};
use crate::wire::Message;

fn mesh(keys: &str) -> String {
    format!(
        "
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{to: a}}]}}
clusters: {{a: {{endpoints: [@A], {keys}}}}}
"
    )
}

#[tokio::test]
async fn a_cluster_is_spoken_to_in_its_own_dialect() {
    let (address, seen) = echo("fine").await;
    let keys = "thrift: {transport: header, protocol: compact}";
    let (_proxy, at) = start(&mesh(keys), &[("@A", address)]);
    for (before, dialect) in [Binary, Compact, HeaderBinary, HeaderCompact]
        .into_iter()
        .enumerate()
    {
        let mut client = Client::connect(at[0]).await;
        let call = dialect.call("get", 4, "hello");
        assert_eq!(client.call(&call).await, call.reply("fine"), "{dialect:?}");
        let (connection, came) = seen.last_of(before + 1);
        assert_eq!(came.dialect, HeaderCompact, "{dialect:?}");
        assert_eq!(came.body, HeaderCompact.text(1, "hello"), "{dialect:?}");
        assert_eq!(connection, 0, "they all can share one");
    }
}

#[tokio::test]
async fn without_a_dialect_of_its_own_every_one_has_its_connection() {
    let (address, seen) = echo("fine").await;
    let (_proxy, at) = start(&mesh("protocol: thrift"), &[("@A", address)]);
    for dialect in [Binary, Compact, Binary, Compact] {
        let mut client = Client::connect(at[0]).await;
        let call = dialect.call("get", 4, "hello");
        assert_eq!(client.call(&call).await, call.reply("fine"));
    }
    let came: Vec<_> = seen
        .all()
        .into_iter()
        .map(|(at, call)| (at, call.dialect))
        .collect();
    assert_eq!(came, [(0, Binary), (1, Compact), (0, Binary), (1, Compact)]);
}

#[tokio::test]
async fn a_multiplexed_connection_carries_many_calls_in_any_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Answers the second call first; there is one connection.
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        let mut calls = Vec::new();
        while let Some(frame) = frame(&mut stream).await {
            calls.push(Message::parse(&frame));
            if calls.len() == 2 {
                for call in calls.drain(..).rev() {
                    let answer = call.reply(&call.name);
                    stream.write_all(&answer.bytes()).await.unwrap();
                }
            }
        }
    });
    let (_proxy, at) = start(&mesh("multiplexed: true"), &[("@A", address)]);
    let mut clients = (Client::connect(at[0]).await, Client::connect(at[0]).await);
    for round in 0..2 {
        // The same seqid, as clients have it.
        let calls = (
            Binary.call("one", round, "1"),
            Binary.call("two", round, "1"),
        );
        let answers = tokio::join!(clients.0.call(&calls.0), clients.1.call(&calls.1));
        assert_eq!(answers.0, calls.0.reply("one"));
        assert_eq!(answers.1, calls.1.reply("two"));
    }
}
