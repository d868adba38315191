//! The codec under both drivers: a client, this proxy's two connections, and a scripted server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Mutex;
use wireloom_codecs::{
    Accepted, ByteBudget, Call, Channel, ChannelLimits, ChannelState, Connector, ErrorKind, Framed,
    LocalError, Needs, Protocol, Request, Response, ServeLimits, Service, drain,
};

use super::{binary, framed, hex, settings};
use crate::ThriftCodec;

/// Forwards to one upstream connection, one call after the other.
#[derive(Clone)]
struct Forward(Arc<dyn Channel>, Arc<Mutex<()>>);

impl Service for Forward {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let call = Call {
            request,
            deadline: Instant::now() + Duration::from_secs(5),
        };
        let Self(channel, turn) = self.clone();
        async move {
            let _turn = turn.lock().await;
            match channel.send(call) {
                Ok(answer) => answer.await.map_err(|failed| failed.error),
                Err(_) => Err(ErrorKind::Overloaded.into()),
            }
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

/// A client's end, a server's end, and the proxy between them.
async fn rig() -> (DuplexStream, DuplexStream, Arc<dyn Channel>) {
    let (client, near_client) = duplex(1 << 16);
    let (near_server, server) = duplex(1 << 16);
    let protocol = Framed::<ThriftCodec>::new(settings());
    let limits = ChannelLimits::default();
    let budget = ByteBudget::new(1 << 20);
    let opened = protocol.open(Box::new(near_server), limits, budget, Arc::new(()));
    let channel = opened.await.unwrap();
    let (drain, watch) = drain();
    let connection = Accepted {
        tls: false,
        io: Box::new(near_client),
        prefix: bytes::Bytes::new(),
        limits: ServeLimits::default(),
        budget: ByteBudget::new(1 << 20),
        drain: watch,
    };
    let service = Forward(channel.clone(), Arc::default());
    tokio::spawn(async move {
        let _drain = drain;
        let _ = protocol.serve(connection, service).await;
    });
    (client, server, channel)
}

async fn expect(io: &mut DuplexStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    let read = tokio::time::timeout(Duration::from_secs(5), io.read_exact(&mut got)).await;
    read.expect("in time").expect("all of it");
    assert_eq!(hex::encode(got), hex::encode(bytes));
}

/// A whole frame, whatever its seqid.
async fn frame(io: &mut DuplexStream) -> Vec<u8> {
    let len = tokio::time::timeout(Duration::from_secs(5), io.read_u32()).await;
    let len = len.expect("in time").expect("a length");
    let mut message = vec![0; len as usize];
    io.read_exact(&mut message).await.unwrap();
    message
}

fn seqid(message: &[u8], name: &str) -> i32 {
    let at = 8 + name.len();
    i32::from_be_bytes(message[at..at + 4].try_into().unwrap())
}

#[tokio::test]
async fn pipelined_calls_with_equal_seqids_are_answered_in_order() {
    let (mut client, mut server, _) = rig().await;
    // As the plain Python client numbers them.
    let calls = ["one", "two", "three"].map(|name| framed(&binary(1, name, 0, &[0])));
    client.write_all(&calls.concat()).await.unwrap();
    for name in ["one", "two", "three"] {
        let call = frame(&mut server).await;
        let id = seqid(&call, name);
        assert_eq!(call, binary(1, name, id, &[0]));
        server
            .write_all(&framed(&binary(2, name, id, &[0])))
            .await
            .unwrap();
        expect(&mut client, &framed(&binary(2, name, 0, &[0]))).await;
    }
}

#[tokio::test]
async fn a_one_way_call_is_not_answered_and_the_next_one_is() {
    let (mut client, mut server, _) = rig().await;
    let notify = framed(&binary(4, "notify", 3, &[0]));
    client.write_all(&notify).await.unwrap();
    let notify = frame(&mut server).await;
    assert_eq!(notify[..14], binary(4, "notify", 0, &[0])[..14]);
    // Only now: the one upstream connection of this test is busy until the call is written.
    let plus = framed(&binary(1, "plus", 4, &[0]));
    client.write_all(&plus).await.unwrap();
    let id = seqid(&frame(&mut server).await, "plus");
    server
        .write_all(&framed(&binary(2, "plus", id, &[0])))
        .await
        .unwrap();
    expect(&mut client, &framed(&binary(2, "plus", 4, &[0]))).await;
}

#[tokio::test]
async fn an_answer_that_does_not_fit_becomes_an_exception_and_its_connection_goes() {
    for (what, answer) in [
        ("seqid", framed(&binary(2, "plus", 12345, &[0]))),
        ("another method", framed(&binary(2, "minus", 0, &[0]))),
        ("runs past", framed(&binary(2, "plus", 0, &[8]))),
        ("no message", framed(&[1, 2, 3, 4, 5, 6])),
    ] {
        let (mut client, mut server, channel) = rig().await;
        client
            .write_all(&framed(&binary(1, "plus", 9, &[0])))
            .await
            .unwrap();
        let id = seqid(&frame(&mut server).await, "plus");
        let mut answer = answer;
        if what != "seqid" && what != "no message" {
            let at = 12 + if what == "another method" { 5 } else { 4 };
            answer[at..at + 4].copy_from_slice(&id.to_be_bytes());
        }
        server.write_all(&answer).await.unwrap();
        let reply = frame(&mut client).await;
        assert_eq!(reply[..16], binary(3, "plus", 9, &[])[..16]);
        let text = String::from_utf8_lossy(&reply).into_owned();
        assert!(text.contains(what), "{text}");
        // The client's connection takes the next call; the server's is gone.
        tokio::time::timeout(Duration::from_secs(5), server.read_u8())
            .await
            .expect("closed in time")
            .expect_err("closed");
        assert_eq!(channel.state(), ChannelState::Closed);
        client
            .write_all(&framed(&binary(1, "plus", 10, &[0])))
            .await
            .unwrap();
        let reply = frame(&mut client).await;
        assert_eq!(reply[..16], binary(3, "plus", 10, &[])[..16]);
    }
}

#[tokio::test]
async fn bad_calls_are_answered_and_the_connection_takes_good_ones() {
    let (mut client, mut server, _) = rig().await;
    let bad = framed(&binary(1, "plus", 1, &hex("0f0001 0c ffffffff")));
    let good = framed(&binary(1, "plus", 2, &[0]));
    client.write_all(&[bad, good].concat()).await.unwrap();
    let reply = frame(&mut client).await;
    assert_eq!(reply[..16], binary(3, "plus", 1, &[])[..16]);
    assert!(reply.ends_with(&hex("080002 00000007 00")));
    let id = seqid(&frame(&mut server).await, "plus");
    server
        .write_all(&framed(&binary(2, "plus", id, &[0])))
        .await
        .unwrap();
    expect(&mut client, &framed(&binary(2, "plus", 2, &[0]))).await;
    // Bytes behind a message: a reply, then the end.
    let bad = framed(&binary(1, "plus", 3, &[0, 0]));
    client.write_all(&bad).await.unwrap();
    let reply = frame(&mut client).await;
    assert_eq!(reply[..16], binary(3, "plus", 3, &[])[..16]);
    client.read_u8().await.expect_err("closed");
    // An answer from a client: no reply.
    let (mut client, _server, _) = rig().await;
    client
        .write_all(&framed(&binary(2, "plus", 1, &[0])))
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(5), client.read_u8())
        .await
        .expect("closed in time")
        .expect_err("closed");
}
