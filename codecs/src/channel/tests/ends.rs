//! How an upstream connection ends, and what must not keep it from ending.

use tokio::sync::mpsc::unbounded_channel;

use super::*;
use crate::channel::driver::{Driver, capacity};
use crate::channel::handle::Shared;
use crate::scripted::{Script, Scripted, Then};
use crate::{ConnError, Mode};

/// Waits until the driver has closed its side.
async fn closed(peer: &mut DuplexStream) {
    let mut rest = Vec::new();
    timeout(Duration::from_secs(2), peer.read_to_end(&mut rest))
        .await
        .expect("the connection ends")
        .unwrap();
}

#[tokio::test]
async fn a_connection_that_nobody_can_use_any_more_waits_quietly_for_its_last_answer() {
    let script = Arc::new(Script::default());
    script.read_on();
    let io = Scripted {
        first: Vec::new(),
        frame: Vec::new(),
        times: 0,
        then: Then::Silence,
        script: script.clone(),
    };
    let limits = ChannelLimits::default();
    let budget = ByteBudget::new(1 << 20);
    let channel =
        crate::channel::open::<Multiplexed>(&None, Box::new(io), limits, budget, Arc::new(()));
    let answer = try_call(&channel, "last", Duration::from_millis(100)).unwrap();
    drop(channel);
    assert_eq!(text(answer).await, Err((ErrorKind::Timeout, true)));
    let polls = script.polls();
    assert!(polls < 20, "it turned {polls} times while it waited");
}

#[tokio::test]
async fn a_drained_connection_waits_for_no_pong() {
    let patient = KeepAlive {
        interval: Duration::from_millis(10),
        timeout: Duration::from_secs(60),
        misses: 2,
    };
    let limits = ChannelLimits::default();
    let Rig {
        channel, mut peer, ..
    } = rig_with::<Multiplexed>(limits, Some(patient), 1 << 16);
    assert_eq!(read(&mut peer).await.0, toy::PING);
    channel.drain();
    closed(&mut peer).await;
}

#[tokio::test]
async fn a_drained_connection_ends_when_its_last_call_times_out() {
    let Rig {
        channel, mut peer, ..
    } = rig();
    let hung = try_call(&channel, "hung", Duration::from_millis(30)).unwrap();
    read(&mut peer).await;
    channel.drain();
    assert_eq!(text(hung).await, Err((ErrorKind::Timeout, true)));
    closed(&mut peer).await;
}

#[tokio::test]
async fn a_server_cannot_take_back_our_own_reasons_to_drain() {
    let Rig {
        channel, mut peer, ..
    } = rig();
    let last = call(&channel, "last");
    let (_, id, _) = read(&mut peer).await;
    channel.drain();
    settle().await;
    peer.write_all(&frame(toy::GO_AWAY, 0, 0, b""))
        .await
        .unwrap();
    peer.write_all(&frame(toy::RESUME, 0, 0, b""))
        .await
        .unwrap();
    settle().await;
    assert_eq!(channel.state(), ChannelState::Draining);
    answer(&mut peer, id, b"1").await;
    assert_eq!(text(last).await.unwrap(), "1");
    closed(&mut peer).await;
}

#[tokio::test]
async fn a_call_without_a_deadline_ends_some_time_after_its_caller() {
    let limits = ChannelLimits {
        idle: Duration::from_millis(30),
        ..ChannelLimits::default()
    };
    let Rig {
        channel, mut peer, ..
    } = rig_with::<Multiplexed>(limits, None, 1 << 16);
    drop(try_call(&channel, "for ever", Duration::from_secs(1 << 25)).unwrap());
    // The caller leaves when the call is under way already.
    let gone = try_call(&channel, "for ever", Duration::from_secs(1 << 25)).unwrap();
    read(&mut peer).await;
    drop(gone);
    closed(&mut peer).await;
    assert_eq!(channel.in_flight(), 0);
}

#[tokio::test]
async fn a_reply_that_nobody_asked_for_ends_a_connection_where_replies_have_no_ids() {
    let Rig {
        channel, mut peer, ..
    } = rig_with::<PingPong>(ChannelLimits::default(), None, 1 << 16);
    let first = call(&channel, "first");
    let (_, id, _) = read(&mut peer).await;
    let mut both = frame(toy::RESPONSE, id, 0, b"1");
    both.extend(frame(toy::RESPONSE, id, 0, b"poison"));
    peer.write_all(&both).await.unwrap();
    assert_eq!(text(first).await.unwrap(), "1");
    closed(&mut peer).await;
    assert_eq!(channel.state(), ChannelState::Closed);
}

/// Panics over a stray reply.
struct Touchy;

impl ChannelEvents for Touchy {
    fn stray_reply(&self) {
        panic!("a bug");
    }
}

#[tokio::test]
async fn a_panic_in_its_task_closes_the_connection_and_fails_its_calls() {
    let (near, mut peer) = duplex(1 << 16);
    let limits = ChannelLimits::default();
    let budget = ByteBudget::new(1 << 20);
    let channel = crate::channel::open::<Multiplexed>(
        &None,
        Box::new(near),
        limits,
        budget,
        Arc::new(Touchy),
    );
    let lost = call(&channel, "lost");
    read(&mut peer).await;
    answer(&mut peer, 0x7fff_0000, b"stray").await;
    assert_eq!(text(lost).await, Err((ErrorKind::Reset, true)));
    assert_eq!(channel.state(), ChannelState::Closed);
    assert_eq!(channel.in_flight(), 0);
    assert!(try_call(&channel, "next", Duration::from_secs(1)).is_none());
    closed(&mut peer).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_and_a_server_that_stops_reading_are_given_up() {
    let driver = |io: DuplexStream| {
        let (_, commands) = unbounded_channel();
        let budget = ByteBudget::new(1 << 20);
        let limits = ChannelLimits::default();
        let shared = Arc::new(Shared::default());
        Driver::<Multiplexed>::new(
            &None,
            Box::new(io),
            &limits,
            budget.clone(),
            Arc::new(()),
            commands,
            shared,
        )
    };
    let waker = std::task::Waker::noop();
    let cx = &mut std::task::Context::from_waker(waker);
    let now = Instant::now();
    let later = |seconds| now + Duration::from_secs(seconds);

    let (near, mut peer) = duplex(1 << 16);
    let mut broken = driver(near);
    broken.slots.insert(pending()).ok().unwrap();
    peer.write_all(&frame(toy::RESPONSE, 1, 0, &[7; 20 << 10])[..9 << 10])
        .await
        .unwrap();
    assert!(broken.turn(now, cx).is_ok());
    assert!(broken.turn(later(29), cx).is_ok());
    let error = broken.turn(later(40), cx).unwrap_err();
    assert!(matches!(error, ConnError::Timeout("frame")), "{error}");

    let (near, mut peer) = duplex(16);
    let mut stuck = driver(near);
    stuck.slots.insert(pending()).ok().unwrap();
    stuck.write.put_slice(&[0; 1 << 20]);
    assert!(stuck.turn(now, cx).is_ok());
    // It reads a little now and then, which is not enough.
    for second in 1..35 {
        peer.read_exact(&mut [0; 16]).await.unwrap();
        let turn = stuck.turn(later(second), cx);
        assert_eq!(turn.is_ok(), second <= 30, "{second}: {turn:?}");
    }
}

fn pending() -> crate::channel::driver::Pending {
    let (reply, answer) = oneshot::channel();
    std::mem::forget(answer);
    crate::channel::driver::Pending {
        deadline: Instant::now() + Duration::from_secs(3600),
        reply,
    }
}

#[test]
fn where_ids_are_few_so_are_calls() {
    assert_eq!(capacity(Mode::Multiplexed, i32::MAX as u64, 4096), 4096);
    assert_eq!(capacity(Mode::Multiplexed, u16::MAX.into(), 1 << 20), 4095);
    assert_eq!(capacity(Mode::Multiplexed, 255, 4096), 15);
    assert_eq!(capacity(Mode::Multiplexed, 0, 4096), 1);
    assert_eq!(capacity(Mode::PingPong, 0, 4096), 1);
}

#[tokio::test]
async fn a_call_that_finds_its_connection_closed_comes_back() {
    let Rig { channel, peer, .. } = rig_with::<PingPong>(ChannelLimits::default(), None, 1 << 16);
    settle().await;
    drop(peer);
    // Nobody has looked since.
    assert_eq!(channel.state(), ChannelState::Open);
    let failed = call(&channel, "to go elsewhere").await.unwrap_err();
    assert!(!failed.sent);
    let request = failed.request.expect("the request");
    assert_eq!(request.body.whole().unwrap(), b"to go elsewhere");
    assert_eq!(channel.in_flight(), 0);
}
