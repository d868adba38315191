//! Servers that flood, stall, lie, or do not read.

use super::*;
use crate::scripted::{Script, Scripted, Then};

#[tokio::test]
async fn a_pong_with_the_id_of_a_call_takes_nothing_from_its_caller() {
    let Rig {
        channel, mut peer, ..
    } = rig();
    let mine = call(&channel, "mine");
    let (_, id, _) = read(&mut peer).await;
    peer.write_all(&frame(toy::PONG, id, 0, b"")).await.unwrap();
    answer(&mut peer, id, b"right").await;
    assert_eq!(text(mine).await.unwrap(), "right");
    assert_eq!(channel.in_flight(), 0);
}

#[tokio::test]
async fn pings_that_are_never_answered_cost_nothing_while_other_answers_come() {
    let often = KeepAlive {
        interval: Duration::from_millis(2),
        timeout: Duration::from_secs(60),
        misses: 2,
    };
    let limits = ChannelLimits {
        in_flight: 1,
        ..ChannelLimits::default()
    };
    let Rig {
        channel, mut peer, ..
    } = rig_with::<Multiplexed>(limits, Some(often), 1 << 16);
    for round in 0..10 {
        // Two slots in all: with one lost per ping there would soon be none.
        let call = call(&channel, "x");
        let mut pings = 0;
        let id = loop {
            match read(&mut peer).await {
                (toy::REQUEST, id, _) => break id,
                _ => pings += 1,
            }
        };
        assert!(round == 0 || pings > 0, "quiet enough to be pinged");
        answer(&mut peer, id, b"y").await;
        assert_eq!(text(call).await.unwrap(), "y");
        assert_eq!(read(&mut peer).await.0, toy::PING);
        // Life, but no pong.
        peer.write_all(&frame(toy::RESUME, 0, 0, b""))
            .await
            .unwrap();
        settle().await;
    }
}

fn scripted(frame: Vec<u8>, times: usize) -> (Box<Scripted>, Arc<Script>) {
    let script = Arc::new(Script::default());
    let io = Scripted {
        first: Vec::new(),
        frame,
        times,
        then: Then::Silence,
        script: script.clone(),
    };
    (Box::new(io), script)
}

fn open(io: Box<Scripted>, limits: ChannelLimits) -> Arc<dyn Channel> {
    let budget = ByteBudget::new(1 << 20);
    crate::channel::open::<Multiplexed>(&None, io, limits, budget, Arc::new(()))
}

#[tokio::test]
async fn deadlines_are_met_while_the_server_floods() {
    let (io, script) = scripted(frame(toy::RESPONSE, 77, 0, &[7; 8 << 10]), usize::MAX);
    script.read_on();
    let channel = open(io, ChannelLimits::default());
    let hung = try_call(&channel, "hung", Duration::from_millis(50)).unwrap();
    let begun = Instant::now();
    assert_eq!(text(hung).await, Err((ErrorKind::Timeout, true)));
    assert!(begun.elapsed() < Duration::from_secs(2));
    channel.drain();
}

#[tokio::test]
async fn a_server_that_asks_and_does_not_read_costs_no_more_than_the_high_water() {
    for kind in [toy::PING, toy::REQUEST, toy::BAD] {
        let (io, script) = scripted(frame(kind, 1, 0, &[0; 100]), 100_000);
        let channel = open(io, ChannelLimits::default());
        while script.polls() < 160 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        script.read_on();
        settle().await;
        let taken = script.taken();
        assert!(taken < 300 << 10, "{taken} bytes for kind {kind}");
        drop(channel);
    }
}

#[tokio::test]
async fn calls_that_wait_for_a_server_to_read_are_bounded_and_go_elsewhere() {
    let (io, _script) = scripted(Vec::new(), 0);
    let limits = ChannelLimits {
        queue: 2,
        ..ChannelLimits::default()
    };
    let channel = open(io, limits);
    let body = "x".repeat(300 << 10);
    let first = try_call(&channel, &body, Duration::from_millis(100)).unwrap();
    let waiting = [call(&channel, "1"), call(&channel, "2")];
    assert_eq!(
        text(call(&channel, "3")).await,
        Err((ErrorKind::Overloaded, false))
    );
    assert_eq!(text(first).await, Err((ErrorKind::Timeout, true)));
    assert_eq!(channel.in_flight(), 2);
    drop((waiting, channel));
}

#[tokio::test]
async fn a_call_whose_time_was_up_before_it_left_says_so() {
    let Rig {
        channel, mut peer, ..
    } = rig();
    let late = try_call(&channel, "late", Duration::ZERO).unwrap();
    assert_eq!(text(late).await, Err((ErrorKind::Timeout, false)));
    let _next = call(&channel, "next");
    assert_eq!(read(&mut peer).await.2, b"next");
}

async fn reserve(budget: &ByteBudget, bytes: usize) -> crate::Reserved {
    let mut claim = budget.claim();
    std::future::poll_fn(|cx| claim.poll_reserve(bytes, cx)).await
}

fn rig_of(budget: &ByteBudget, keep_alive: Option<KeepAlive>) -> (Arc<dyn Channel>, DuplexStream) {
    let (near, peer) = duplex(1 << 20);
    let channel = crate::channel::open::<Multiplexed>(
        &keep_alive,
        Box::new(near),
        ChannelLimits::default(),
        budget.clone(),
        Arc::new(()),
    );
    (channel, peer)
}

#[tokio::test]
async fn a_server_is_not_silent_while_we_do_not_listen() {
    let budget = ByteBudget::new(800 << 10);
    let held = reserve(&budget, 700 << 10).await;
    let (channel, mut peer) = rig_of(&budget, Some(FAST));
    let large = call(&channel, "large");
    let (_, id, _) = read(&mut peer).await;
    let body = vec![b'x'; 100 << 10];
    answer(&mut peer, id, &body).await;
    // Many times what a silent server would be given.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(channel.state(), ChannelState::Open);
    drop(held);
    assert_eq!(text(large).await.unwrap().into_bytes(), body);
}

#[tokio::test]
async fn an_answer_without_memory_is_turned_away_and_those_behind_it_pass() {
    // A codec may tell of a refused frame at its end, or at once and throw the rest away.
    for status in [0, toy::HASTY] {
        let budget = ByteBudget::new(800 << 10);
        let held = reserve(&budget, 700 << 10).await;
        let (channel, mut peer) = rig_of(&budget, None);
        let (large, small) = (call(&channel, "large"), call(&channel, "small"));
        let (_, large_id, _) = read(&mut peer).await;
        let (_, small_id, _) = read(&mut peer).await;
        let body = vec![b'x'; 100 << 10];
        let without = |id| frame(toy::RESPONSE, id, status, &body);
        peer.write_all(&without(large_id)).await.unwrap();
        answer(&mut peer, small_id, b"passes").await;
        assert_eq!(text(large).await, Err((ErrorKind::Overloaded, true)));
        assert_eq!(text(small).await.unwrap(), "passes");

        // The next one finds the memory still taken, and nobody waits again.
        let begun = Instant::now();
        let large = call(&channel, "large");
        let (_, id, _) = read(&mut peer).await;
        peer.write_all(&without(id)).await.unwrap();
        assert_eq!(text(large).await, Err((ErrorKind::Overloaded, true)));
        assert!(begun.elapsed() < Duration::from_millis(450));

        drop(held);
        let large = call(&channel, "large");
        let (_, id, _) = read(&mut peer).await;
        answer(&mut peer, id, &body).await;
        assert_eq!(text(large).await.unwrap().into_bytes(), body);
    }
}
