//! The upstream driver against a scripted server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::toy::{self, Multiplexed, PingPong, frame};
use crate::{
    Answer, Body, ByteBudget, Call, Channel, ChannelEvents, ChannelLimits, ChannelState, Codec,
    ErrorKind, KeepAlive, Kind, Message, ProtocolId, Request, RequestHead, Str, Wire,
};

mod ends;
mod faults;

#[derive(Default)]
struct Events {
    stray: AtomicUsize,
    missed: AtomicUsize,
    pushes: AtomicUsize,
    draining: AtomicUsize,
    closed: AtomicUsize,
}

impl ChannelEvents for Events {
    fn stray_reply(&self) {
        self.stray.fetch_add(1, Ordering::Relaxed);
    }
    fn missed_ping(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }
    fn refused_push(&self) {
        self.pushes.fetch_add(1, Ordering::Relaxed);
    }
    fn draining(&self) {
        self.draining.fetch_add(1, Ordering::Relaxed);
    }
    fn closed(&self, _: Option<&crate::ConnError>) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Events {
    fn stray(&self) -> usize {
        self.stray.load(Ordering::Relaxed)
    }
}

struct Rig {
    channel: Arc<dyn Channel>,
    peer: DuplexStream,
    events: Arc<Events>,
}

fn rig_with<C: Codec<Settings = Option<KeepAlive>>>(
    limits: ChannelLimits,
    keep_alive: Option<KeepAlive>,
    pipe: usize,
) -> Rig {
    let (near, peer) = duplex(pipe);
    let events = Arc::new(Events::default());
    let budget = ByteBudget::new(1 << 20);
    let channel = super::open::<C>(&keep_alive, Box::new(near), limits, budget, events.clone());
    Rig {
        channel,
        peer,
        events,
    }
}

fn rig() -> Rig {
    rig_with::<Multiplexed>(ChannelLimits::default(), None, 1 << 16)
}

fn request(kind: Kind, body: &str) -> Request {
    let mut wire = Wire::default();
    wire.fixed[0] = if kind == Kind::OneWay {
        toy::ONE_WAY
    } else {
        toy::REQUEST
    };
    Message::new(
        RequestHead {
            protocol: ProtocolId("toy"),
            kind,
            service: Str::default(),
            method: Str::default(),
            fields: Default::default(),
            timeout: None,
            wire,
            http: None,
        },
        Body::Whole(Bytes::copy_from_slice(body.as_bytes())),
    )
}

fn try_call(channel: &Arc<dyn Channel>, body: &str, within: Duration) -> Option<Answer> {
    let call = Call {
        request: Box::new(request(Kind::Unary, body)),
        deadline: Instant::now() + within,
    };
    channel.send(call).ok()
}

fn call(channel: &Arc<dyn Channel>, body: &str) -> Answer {
    try_call(channel, body, Duration::from_secs(5)).expect("the call is taken")
}

async fn text(answer: Answer) -> Result<String, (ErrorKind, bool)> {
    let answer = timeout(Duration::from_secs(5), answer)
        .await
        .expect("an answer in time");
    match answer {
        Ok(response) => Ok(String::from_utf8(response.body.whole().unwrap().to_vec()).unwrap()),
        Err(failed) => Err((failed.error.kind, failed.sent)),
    }
}

/// The next frame that the driver wrote: kind, id, body.
async fn read(peer: &mut DuplexStream) -> (u8, u32, Vec<u8>) {
    let work = async {
        let length = peer.read_u32().await.unwrap();
        let kind = peer.read_u8().await.unwrap();
        let id = peer.read_u32().await.unwrap();
        let _status = peer.read_u8().await.unwrap();
        let mut body = vec![0; length as usize - 6];
        peer.read_exact(&mut body).await.unwrap();
        (kind, id, body)
    };
    timeout(Duration::from_secs(5), work)
        .await
        .expect("a frame in time")
}

async fn answer(peer: &mut DuplexStream, id: u32, body: &[u8]) {
    peer.write_all(&frame(toy::RESPONSE, id, 0, body))
        .await
        .unwrap();
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(30)).await;
}

#[tokio::test]
async fn a_thousand_calls_answered_backwards_each_get_their_own() {
    let Rig {
        channel, mut peer, ..
    } = rig();
    let calls: Vec<_> = (0..1000).map(|n| call(&channel, &n.to_string())).collect();
    let mut requests = Vec::new();
    for _ in 0..1000 {
        requests.push(read(&mut peer).await);
    }
    let server = tokio::spawn(async move {
        for (_, id, body) in requests.into_iter().rev() {
            answer(&mut peer, id, &body).await;
        }
        peer
    });
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(text(call).await.unwrap(), n.to_string());
    }
    assert_eq!(channel.in_flight(), 0);
    server.await.unwrap();
}

#[tokio::test]
async fn a_late_or_repeated_or_unknown_reply_reaches_nobody() {
    let Rig {
        channel,
        mut peer,
        events,
    } = rig();
    let slow = try_call(&channel, "slow", Duration::from_millis(20)).unwrap();
    let (_, slow_id, _) = read(&mut peer).await;
    assert_eq!(text(slow).await, Err((ErrorKind::Timeout, true)));

    let next = call(&channel, "next");
    let (_, next_id, _) = read(&mut peer).await;
    assert_ne!(
        slow_id, next_id,
        "the slot of a late reply is not used again"
    );
    answer(&mut peer, slow_id, b"late").await;
    answer(&mut peer, 0x7fff_0000, b"unknown").await;
    answer(&mut peer, next_id, b"right").await;
    answer(&mut peer, next_id, b"again").await;
    assert_eq!(text(next).await.unwrap(), "right");
    settle().await;
    assert_eq!(events.stray(), 3);
    assert_eq!(channel.state(), ChannelState::Open);
}

#[tokio::test]
async fn replaying_every_reply_late_while_ids_are_reused_confuses_nobody() {
    let limits = ChannelLimits {
        in_flight: 4,
        ..ChannelLimits::default()
    };
    let Rig {
        channel,
        mut peer,
        events,
    } = rig_with::<Multiplexed>(limits, None, 1 << 16);
    let mut old: Vec<(u32, Vec<u8>)> = Vec::new();
    for round in 0..200 {
        let calls: Vec<_> = (0..4)
            .map(|n| call(&channel, &format!("{round}-{n}")))
            .collect();
        let mut now = Vec::new();
        for _ in 0..4 {
            let (_, id, body) = read(&mut peer).await;
            now.push((id, body));
        }
        for (id, body) in &old {
            answer(&mut peer, *id, body).await;
        }
        for (id, body) in now.iter().rev() {
            answer(&mut peer, *id, body).await;
        }
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(text(call).await.unwrap(), format!("{round}-{n}"));
        }
        old = now;
    }
    settle().await;
    assert_eq!(events.stray(), 199 * 4);
}

#[tokio::test]
async fn a_connection_that_breaks_fails_every_call_on_it() {
    let Rig {
        channel,
        mut peer,
        events,
    } = rig();
    let calls = [call(&channel, "a"), call(&channel, "b")];
    let (_, id, _) = read(&mut peer).await;
    // Half a head of an answer, then the end.
    peer.write_all(&frame(toy::RESPONSE, id, 0, b"x")[..6])
        .await
        .unwrap();
    drop(peer);
    for call in calls {
        assert_eq!(text(call).await, Err((ErrorKind::Reset, true)));
    }
    settle().await;
    assert_eq!(channel.state(), ChannelState::Closed);
    assert_eq!(events.closed.load(Ordering::Relaxed), 1);
    assert!(try_call(&channel, "c", Duration::from_secs(1)).is_none());
}

#[tokio::test]
async fn garbage_and_bad_frames_from_the_upstream() {
    let Rig {
        channel, mut peer, ..
    } = rig();
    let (bad, good) = (call(&channel, "bad"), call(&channel, "good"));
    let (_, bad_id, _) = read(&mut peer).await;
    let (_, good_id, _) = read(&mut peer).await;
    peer.write_all(&frame(toy::BAD, bad_id, 1, b""))
        .await
        .unwrap();
    answer(&mut peer, good_id, b"fine").await;
    assert_eq!(text(bad).await, Err((ErrorKind::Reset, true)));
    assert_eq!(text(good).await.unwrap(), "fine", "the connection goes on");
    let doomed = call(&channel, "doomed");
    read(&mut peer).await;
    peer.write_all(b"\xff\xff\xff\xff garbage").await.unwrap();
    assert_eq!(text(doomed).await, Err((ErrorKind::Reset, true)));
}

#[tokio::test]
async fn calls_over_the_limit_come_back_whole() {
    let limits = ChannelLimits {
        in_flight: 2,
        ..ChannelLimits::default()
    };
    let Rig {
        channel, mut peer, ..
    } = rig_with::<Multiplexed>(limits, None, 1 << 16);
    let first = call(&channel, "1");
    let _second = call(&channel, "2");
    let refused = channel.send(Call {
        request: Box::new(request(Kind::Unary, "3")),
        deadline: Instant::now(),
    });
    assert_eq!(refused.err().unwrap().request.body.whole().unwrap(), b"3");
    let (_, id, _) = read(&mut peer).await;
    answer(&mut peer, id, b"").await;
    text(first).await.unwrap();
    let _fourth = call(&channel, "4");
}

#[tokio::test]
async fn goaway_stops_new_calls_and_resume_allows_them() {
    let Rig {
        channel,
        mut peer,
        events,
    } = rig();
    let under_way = call(&channel, "old");
    let (_, id, _) = read(&mut peer).await;
    peer.write_all(&frame(toy::GO_AWAY, 0, 0, b""))
        .await
        .unwrap();
    settle().await;
    assert_eq!(channel.state(), ChannelState::Draining);
    assert!(try_call(&channel, "new", Duration::from_secs(1)).is_none());
    peer.write_all(&frame(toy::RESUME, 0, 0, b""))
        .await
        .unwrap();
    settle().await;
    let second = call(&channel, "new");
    let (_, second_id, _) = read(&mut peer).await;
    peer.write_all(&frame(toy::GO_AWAY, 0, 0, b""))
        .await
        .unwrap();
    answer(&mut peer, id, b"1").await;
    answer(&mut peer, second_id, b"2").await;
    assert_eq!(text(under_way).await.unwrap(), "1");
    assert_eq!(text(second).await.unwrap(), "2");
    // With the last answer the drained connection ends.
    assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(events.draining.load(Ordering::Relaxed), 2);
    assert_eq!(channel.state(), ChannelState::Closed);
}

const FAST: KeepAlive = KeepAlive {
    interval: Duration::from_millis(20),
    timeout: Duration::from_millis(20),
    misses: 2,
};

#[tokio::test]
async fn a_quiet_connection_is_pinged_and_a_dead_one_given_up() {
    let limits = ChannelLimits::default;
    let Rig {
        channel,
        mut peer,
        events,
    } = rig_with::<Multiplexed>(limits(), Some(FAST), 1 << 16);
    for _ in 0..3 {
        let (kind, id, _) = read(&mut peer).await;
        assert_eq!(kind, toy::PING);
        peer.write_all(&frame(toy::PONG, id, 0, b"")).await.unwrap();
    }
    assert_eq!(channel.state(), ChannelState::Open);
    assert_eq!((events.stray(), channel.in_flight()), (0, 0));
    let hung = call(&channel, "hung");
    assert_eq!(text(hung).await, Err((ErrorKind::Reset, true)));
    assert_eq!(events.missed.load(Ordering::Relaxed), 2);
    assert_eq!(channel.state(), ChannelState::Closed);
}

#[tokio::test]
async fn pings_and_calls_of_the_server_are_answered_here() {
    let Rig {
        peer,
        events,
        channel: _channel,
    } = rig();
    let mut peer = peer;
    peer.write_all(&frame(toy::PING, 77, 0, b"")).await.unwrap();
    assert_eq!(read(&mut peer).await, (toy::PONG, 77, vec![]));
    peer.write_all(&frame(toy::REQUEST, 5, 0, b"call me"))
        .await
        .unwrap();
    let (kind, id, body) = read(&mut peer).await;
    assert_eq!((kind, id), (toy::RESPONSE, 5));
    assert!(String::from_utf8(body).unwrap().contains("unsupported"));
    assert_eq!(events.pushes.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_call_that_cannot_be_adapted_fails_alone_and_unsent() {
    let Rig {
        channel, mut peer, ..
    } = rig();
    let unfit = std::str::from_utf8(toy::UNFIT).unwrap();
    let refused = call(&channel, unfit);
    let one_way = Call {
        request: Box::new(request(Kind::OneWay, unfit)),
        deadline: Instant::now() + Duration::from_secs(5),
    };
    assert!(channel.send(one_way).is_ok());
    let good = call(&channel, std::str::from_utf8(toy::FOREIGN).unwrap());
    assert_eq!(text(refused).await, Err((ErrorKind::TooLarge, false)));
    // Nothing of the others came before it.
    let (kind, id, body) = read(&mut peer).await;
    assert_eq!((kind, &*body), (toy::REQUEST, toy::ADAPTED));
    answer(&mut peer, id, b"done").await;
    assert_eq!(text(good).await.as_deref(), Ok("done"));
    assert_eq!(channel.in_flight(), 0);
}

#[tokio::test]
async fn one_way_calls_take_no_slot() {
    let Rig {
        channel, mut peer, ..
    } = rig();
    for n in 0..10 {
        let call = Call {
            request: Box::new(request(Kind::OneWay, &n.to_string())),
            deadline: Instant::now() + Duration::from_secs(1),
        };
        assert!(channel.send(call).is_ok());
    }
    for n in 0..10 {
        let (kind, _, body) = read(&mut peer).await;
        assert_eq!((kind, body), (toy::ONE_WAY, n.to_string().into_bytes()));
    }
    assert_eq!(channel.in_flight(), 0);
}

#[tokio::test]
async fn a_peer_that_does_not_read_costs_no_more_than_the_high_water_and_calls_time_out() {
    let Rig { channel, peer, .. } = rig_with::<Multiplexed>(ChannelLimits::default(), None, 1024);
    let body = "x".repeat(100 << 10);
    let calls: Vec<_> = (0..8)
        .map(|_| try_call(&channel, &body, Duration::from_millis(50)).unwrap())
        .collect();
    let mut sent = 0;
    for call in calls {
        let (kind, was_sent) = text(call).await.unwrap_err();
        assert_eq!(kind, ErrorKind::Timeout);
        sent += usize::from(was_sent);
    }
    assert_eq!(sent, 3, "three of 100 KiB reach the high water of 256 KiB");
    drop(peer);
}

#[tokio::test]
async fn one_at_a_time_where_replies_have_no_ids() {
    let Rig {
        channel, mut peer, ..
    } = rig_with::<PingPong>(ChannelLimits::default(), None, 1 << 16);
    let first = call(&channel, "first");
    assert!(try_call(&channel, "second", Duration::from_secs(1)).is_none());
    let (_, id, _) = read(&mut peer).await;
    answer(&mut peer, id, b"1").await;
    assert_eq!(text(first).await.unwrap(), "1");
    let late = try_call(&channel, "late", Duration::from_millis(20)).unwrap();
    assert_eq!(text(late).await, Err((ErrorKind::Timeout, true)));
    // Whatever comes now would answer the wrong call.
    settle().await;
    assert_eq!(channel.state(), ChannelState::Closed);
}

#[tokio::test]
async fn the_start_of_an_answer_that_nobody_asked_for_ends_a_connection_without_ids() {
    let Rig {
        channel, mut peer, ..
    } = rig_with::<PingPong>(ChannelLimits::default(), None, 1 << 16);
    let first = call(&channel, "first");
    let (_, id, _) = read(&mut peer).await;
    answer(&mut peer, id, b"1").await;
    assert_eq!(text(first).await.unwrap(), "1");
    assert_eq!(channel.state(), ChannelState::Open);
    peer.write_all(&frame(toy::RESPONSE, id, 0, b"poison")[..5])
        .await
        .unwrap();
    settle().await;
    assert_eq!(channel.state(), ChannelState::Closed);
}

#[tokio::test]
async fn an_idle_connection_closes() {
    let limits = ChannelLimits {
        idle: Duration::from_millis(30),
        ..ChannelLimits::default()
    };
    let Rig {
        channel, mut peer, ..
    } = rig_with::<Multiplexed>(limits, None, 1 << 16);
    assert_eq!(
        timeout(Duration::from_secs(2), peer.read(&mut [0; 1]))
            .await
            .unwrap()
            .unwrap(),
        0
    );
    assert_eq!(channel.state(), ChannelState::Closed);
}

#[tokio::test]
async fn too_many_unanswered_calls_retire_the_connection() {
    let limits = ChannelLimits {
        in_flight: 4,
        ..ChannelLimits::default()
    };
    let Rig {
        channel,
        peer: _peer,
        events,
    } = rig_with::<Multiplexed>(limits, None, 1 << 16);
    let calls: Vec<_> = (0..4)
        .map(|_| try_call(&channel, "hung", Duration::from_millis(10)).unwrap())
        .collect();
    for call in calls {
        assert_eq!(text(call).await, Err((ErrorKind::Timeout, true)));
    }
    settle().await;
    assert_ne!(channel.state(), ChannelState::Open);
    assert_eq!(events.draining.load(Ordering::Relaxed), 1);
}
