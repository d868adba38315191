//! The codec under both drivers: a client, this proxy's two connections, and a scripted server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Mutex;
use wireloom_codecs::{
    Accepted, ByteBudget, Call, Channel, ChannelLimits, ChannelState, Connector, ErrorKind,
    FrameLimits, Framed, LocalError, Needs, Protocol as _, Request, Response, ServeLimits, Service,
    drain,
};

use super::{binary, framed, hex, settings};
use crate::types::{Protocol, Transport};
use crate::{ThriftCodec, ThriftSettings, ThriftUpstream};

/// Forwards to one upstream connection, one call after the other. A call whose method is `hurry` has three seconds.
#[derive(Clone)]
struct Forward(Arc<dyn Channel>, Arc<Mutex<()>>);

impl Service for Forward {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let patience = match &*request.head.method {
            "hurry" => Duration::from_secs(3),
            _ => Duration::from_secs(30),
        };
        let call = Call {
            request,
            deadline: Instant::now() + patience,
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
    rig_with(settings(), ServeLimits::default()).await
}

/// The same, with what a cluster's connections are told.
pub(super) async fn rig_with(
    cluster: Arc<ThriftSettings>,
    limits: ServeLimits,
) -> (DuplexStream, DuplexStream, Arc<dyn Channel>) {
    let (near_server, server) = duplex(1 << 16);
    let connector = Framed::<ThriftCodec>::new(cluster);
    let budget = ByteBudget::new(64 << 20);
    let channel_limits = ChannelLimits {
        frame: limits.frame,
        ..ChannelLimits::default()
    };
    let opened = connector.open(Box::new(near_server), channel_limits, budget, Arc::new(()));
    let channel = opened.await.unwrap();
    (client_with(channel.clone(), limits), server, channel)
}

/// A client of the proxy that forwards to `channel`.
pub(super) fn client_of(channel: Arc<dyn Channel>) -> DuplexStream {
    client_with(channel, ServeLimits::default())
}

fn client_with(channel: Arc<dyn Channel>, limits: ServeLimits) -> DuplexStream {
    let (client, near_client) = duplex(1 << 16);
    let (drain, watch) = drain();
    let connection = Accepted {
        tls: false,
        io: Box::new(near_client),
        prefix: bytes::Bytes::new(),
        limits,
        budget: ByteBudget::new(64 << 20),
        drain: watch,
    };
    let service = Forward(channel, Arc::default());
    tokio::spawn(async move {
        let _drain = drain;
        let protocol = Framed::<ThriftCodec>::new(settings());
        let _ = protocol.serve(connection, service).await;
    });
    client
}

pub(super) async fn expect(io: &mut DuplexStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    let read = tokio::time::timeout(Duration::from_secs(20), io.read_exact(&mut got)).await;
    read.expect("in time").expect("all of it");
    assert_eq!(hex::encode(got), hex::encode(bytes));
}

/// A whole frame, whatever its seqid.
pub(super) async fn frame(io: &mut DuplexStream) -> Vec<u8> {
    let len = tokio::time::timeout(Duration::from_secs(20), io.read_u32()).await;
    let len = len.expect("in time").expect("a length");
    let mut message = vec![0; len as usize];
    io.read_exact(&mut message).await.unwrap();
    message
}

pub(super) fn seqid(message: &[u8], name: &str) -> i32 {
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
        ("a call's type", framed(&binary(1, "plus", 0, &[0]))),
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
        tokio::time::timeout(Duration::from_secs(20), server.read_u8())
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
    tokio::time::timeout(Duration::from_secs(20), client.read_u8())
        .await
        .expect("closed in time")
        .expect_err("closed");
}

/// A cluster that speaks `transport` and `protocol`.
fn speaking(transport: Transport, protocol: Protocol) -> Arc<ThriftSettings> {
    Arc::new(ThriftSettings {
        upstream: ThriftUpstream {
            transport: Some(transport),
            protocol: Some(protocol),
        },
        ..ThriftSettings::default()
    })
}

#[tokio::test]
async fn a_call_goes_up_in_the_clusters_dialect_and_its_answer_down_in_the_clients() {
    let cluster = speaking(Transport::Framed, Protocol::Compact);
    let (mut client, mut server, channel) = rig_with(cluster, ServeLimits::default()).await;
    for seqid in [3, 4] {
        let call = binary(1, "plus", seqid, &hex("080001 00000001 080002 00000002 00"));
        client.write_all(&call).await.unwrap();
        let call = frame(&mut server).await;
        assert_eq!(call[..2], [0x82, 0x21]);
        // Its seqid is whatever the driver chose.
        let id_len = call
            .iter()
            .skip(2)
            .position(|byte| byte & 0x80 == 0)
            .unwrap()
            + 1;
        assert_eq!(call[2 + id_len..], hex("04 706c7573 1502 1504 00"));
        let id = &call[2..2 + id_len];
        let answer = [&[0x82, 0x41], id, &hex("04 706c7573 0500 06 00")].concat();
        server.write_all(&framed(&answer)).await.unwrap();
        expect(
            &mut client,
            &binary(2, "plus", seqid, &hex("080000 00000003 00")),
        )
        .await;
    }
    assert_eq!(channel.state(), ChannelState::Open);
}

#[tokio::test]
async fn a_call_that_cannot_be_translated_is_answered_and_nothing_of_it_is_sent() {
    let limits = ServeLimits {
        frame: FrameLimits {
            frame: 1000,
            ..FrameLimits::default()
        },
        ..ServeLimits::default()
    };
    // Many at a time, so that no call finds the one connection of this test busy.
    let cluster = Arc::new(ThriftSettings {
        multiplexed: true,
        ..(*speaking(Transport::Framed, Protocol::Binary)).clone()
    });
    let (mut client, mut server, channel) = rig_with(cluster, limits).await;
    // 500 numbers of one byte, which take eight each in binary.
    let mut call = hex("8221 05 04 706c7573 19f6f403");
    call.extend([0; 501]);
    client.write_all(&framed(&call)).await.unwrap();
    let reply = frame(&mut client).await;
    assert_eq!(reply[..8], hex("8261 05 04 706c7573"));
    let text = String::from_utf8_lossy(&reply).into_owned();
    assert!(text.contains("exceeds the limit"), "{text}");
    assert!(reply.ends_with(&hex("15 0e 00")), "PROTOCOL_ERROR");
    // Both connections take the next call.
    assert_eq!(channel.state(), ChannelState::Open);
    client
        .write_all(&framed(&hex("8221 06 04 706c7573 00")))
        .await
        .unwrap();
    let call = frame(&mut server).await;
    let id = seqid(&call, "plus");
    assert_eq!(call, binary(1, "plus", id, &[0]));
    let answer = framed(&binary(2, "plus", id, &[0]));
    server.write_all(&answer).await.unwrap();
    expect(&mut client, &framed(&hex("8241 06 04 706c7573 00"))).await;
    // One-way: dropped, and nobody told.
    let mut call = hex("8281 05 04 706c7573 19f6f403");
    call.extend([0; 501]);
    client.write_all(&framed(&call)).await.unwrap();
    client
        .write_all(&framed(&hex("8221 07 04 706c7573 00")))
        .await
        .unwrap();
    let call = frame(&mut server).await;
    assert_eq!(call, binary(1, "plus", seqid(&call, "plus"), &[0]));
}

#[tokio::test]
async fn a_server_that_fails_leaves_an_exception_and_a_connection_that_goes_on() {
    // How much of the answer comes, and whether the server closes then.
    for (part, closes, text) in [
        (0, true, "closed"),
        (2, true, "in the middle of a frame"),
        (20, true, "in the middle of a frame"),
        (0, false, "timed out"),
        (20, false, "timed out"),
    ] {
        let (mut client, mut server, channel) = rig().await;
        let name = if closes { "plus." } else { "hurry" };
        let answer = |id| framed(&binary(2, name, id, &hex("080000 00000001 00")));
        let call = framed(&binary(1, name, 9, &[0]));
        client.write_all(&call).await.unwrap();
        let id = seqid(&frame(&mut server).await, name);
        server.write_all(&answer(id)[..part]).await.unwrap();
        let mut server = (!closes).then_some(server);
        let reply = frame(&mut client).await;
        assert_eq!(reply[..17], binary(3, name, 9, &[])[..17]);
        assert!(
            reply.ends_with(&hex("080002 00000006 00")),
            "INTERNAL_ERROR"
        );
        let said = String::from_utf8_lossy(&reply).into_owned();
        assert!(said.contains(text), "{part}: {said}");
        if let Some(server) = &mut server {
            // What comes late finds nobody.
            let _ = server.write_all(&answer(id)[part..]).await;
            let closed = tokio::time::timeout(Duration::from_secs(20), server.read_u8());
            closed.await.expect("closed in time").expect_err("closed");
        }
        assert_eq!(channel.state(), ChannelState::Closed);
        let call = framed(&binary(1, name, 10, &[0]));
        client.write_all(&call).await.unwrap();
        let reply = frame(&mut client).await;
        assert_eq!(reply[..17], binary(3, name, 10, &[])[..17]);
    }
}

#[tokio::test]
async fn an_answer_after_the_answer_reaches_nobody() {
    let (mut client, mut server, channel) = rig().await;
    let call = framed(&binary(1, "plus", 9, &[0]));
    client.write_all(&call).await.unwrap();
    let id = seqid(&frame(&mut server).await, "plus");
    let answer = framed(&binary(2, "plus", id, &[0]));
    server.write_all(&answer.repeat(2)).await.unwrap();
    expect(&mut client, &framed(&binary(2, "plus", 9, &[0]))).await;
    // Nothing tells it from the next call's, so there is no next call here.
    let closed = tokio::time::timeout(Duration::from_secs(20), server.read_u8());
    closed.await.expect("closed in time").expect_err("closed");
    assert_eq!(channel.state(), ChannelState::Closed);
    client.write_all(&call).await.unwrap();
    let reply = frame(&mut client).await;
    assert_eq!(reply[..16], binary(3, "plus", 9, &[])[..16]);
}
