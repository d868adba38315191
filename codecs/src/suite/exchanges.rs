//! What a codec promises beyond single frames: requests that nobody answers, goodbyes, and answers that come too late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::{Sample, codec};
use crate::{
    Answer, ByteBudget, Call, Channel, ChannelLimits, Codec, Control, ErrorKind, FrameLimits,
    Inbound, Kind, LocalError, Mode, Outbound, Request, Role, StreamId, WriteBuf,
};

/// A one-way request is one under any id, and stays one if it is refused: nobody waits for an answer to it.
pub fn one_way<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    for sample in samples {
        let mut one = codec::<C>(settings, Role::Downstream);
        let mut buffer = BytesMut::from(&sample.bytes[..]);
        let Some(Inbound::Request(_, request)) = requested(&mut one, sample, &mut buffer) else {
            continue;
        };
        if request.head.kind != Kind::OneWay {
            continue;
        }
        let mut out = WriteBuf::new();
        let written = codec::<C>(settings, Role::Upstream)
            .encode(Outbound::Request(StreamId(C::MAX_ID), &request), &mut out);
        assert!(written.is_ok(), "{}: {written:?}", sample.name);
        let mut other = codec::<C>(settings, Role::Downstream);
        match other.decode(&mut BytesMut::from(&out.to_vec()[..])) {
            Ok(Some(Inbound::Request(_, again))) => {
                assert_eq!(again.head.kind, Kind::OneWay, "{}", sample.name);
            }
            other => panic!("{}: became {other:?}", sample.name),
        }
        let limits = FrameLimits {
            frame: sample.bytes.len() - 1,
            ..FrameLimits::default()
        };
        let mut small = C::new(settings, Role::Downstream, limits);
        let event = small.decode(&mut BytesMut::from(&sample.bytes[..]));
        if let Ok(Some(Inbound::Fault(_, fault))) = event {
            assert_eq!(fault.origin.kind, Kind::OneWay, "{}", sample.name);
        }
    }
}

fn requested<C: Codec>(codec: &mut C, sample: &Sample, buffer: &mut BytesMut) -> Option<Inbound> {
    match sample.role {
        Role::Downstream => codec.decode(buffer).ok().flatten(),
        Role::Upstream => None,
    }
}

/// A goodbye is understood by the other end, and a protocol without one writes nothing.
pub fn go_away<C: Codec>(settings: &C::Settings, _: &[Sample]) {
    let mut server = codec::<C>(settings, Role::Downstream);
    let mut out = WriteBuf::new();
    let written = server.encode(Outbound::GoAway, &mut out);
    assert!(written.is_ok(), "{written:?}");
    let bytes = out.to_vec();
    if !server.sends_go_away() {
        assert!(bytes.is_empty(), "a goodbye that nobody understands");
        return;
    }
    let mut client = codec::<C>(settings, Role::Upstream);
    match client.decode(&mut BytesMut::from(&bytes[..])) {
        Ok(Some(Inbound::Control(Control::GoAway))) => {}
        other => panic!("the goodbye reads as {other:?}"),
    }
}

/// An answer that comes after its request has timed out goes to nobody, above all not to the next request.
pub fn late_replies<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    if C::mode(settings) == Mode::PingPong {
        // The connection ends with the timeout.
        return;
    }
    let Some(sample) = samples
        .iter()
        .find(|sample| unary::<C>(settings, sample).is_some())
    else {
        panic!("no sample is a request that is answered");
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (near, peer) = duplex(1 << 20);
        let limits = ChannelLimits {
            frame: FrameLimits::default(),
            ..ChannelLimits::default()
        };
        let budget = ByteBudget::new(64 << 20);
        let channel =
            crate::channel::open::<C>(settings, Box::new(near), limits, budget, Arc::new(()));
        let mut server = Server::<C> {
            codec: codec::<C>(settings, Role::Downstream),
            peer,
            buffer: BytesMut::new(),
        };
        let request = || unary::<C>(settings, sample).expect("it was one");

        let first = send(&*channel, request(), Duration::from_millis(50));
        let (late, _) = server.request().await;
        let failed = first.await.expect_err("nobody has answered");
        assert_eq!(failed.error.kind, ErrorKind::Timeout);

        let mut second = send(&*channel, request(), Duration::from_secs(60));
        let (id, asked) = server.request().await;
        assert_ne!(id, late, "an id is used again while its answer may come");
        server.answer(late, &asked).await;
        let early = timeout(Duration::from_millis(50), &mut second).await;
        assert!(early.is_err(), "another request's answer: {early:?}");
        server.answer(id, &asked).await;
        let answer = timeout(Duration::from_secs(30), second).await;
        assert!(matches!(answer, Ok(Ok(_))), "{answer:?}");
    });
}

fn unary<C: Codec>(settings: &C::Settings, sample: &Sample) -> Option<Request> {
    let mut one = codec::<C>(settings, Role::Downstream);
    match requested(&mut one, sample, &mut BytesMut::from(&sample.bytes[..]))? {
        Inbound::Request(_, request) => (request.head.kind == Kind::Unary).then_some(request),
        _ => None,
    }
}

fn send(channel: &dyn Channel, request: Request, within: Duration) -> Answer {
    let call = Call {
        request: Box::new(request),
        deadline: Instant::now() + within,
    };
    match channel.send(call) {
        Ok(answer) => answer,
        Err(_) => panic!("the connection takes no call"),
    }
}

/// The other end, played with the codec itself.
struct Server<C> {
    codec: C,
    peer: DuplexStream,
    buffer: BytesMut,
}

impl<C: Codec> Server<C> {
    async fn request(&mut self) -> (StreamId, Request) {
        loop {
            match self.codec.decode(&mut self.buffer).expect("a request") {
                Some(Inbound::Request(id, request)) => return (id, request),
                Some(other) => panic!("no request: {other:?}"),
                None => {
                    let read = self.peer.read_buf(&mut self.buffer);
                    let read = timeout(Duration::from_secs(30), read).await;
                    assert!(matches!(read, Ok(Ok(1..))), "{read:?}");
                }
            }
        }
    }

    async fn answer(&mut self, id: StreamId, to: &Request) {
        let error = LocalError::new(ErrorKind::Internal, "as the suite wants it");
        let reply = self.codec.error_reply(&to.head.origin(), &error);
        let mut out = WriteBuf::new();
        self.codec
            .encode(Outbound::Response(id, &reply), &mut out)
            .expect("encodes");
        self.peer.write_all(&out.to_vec()).await.expect("writes");
    }
}
