//! Connections that are used for a limited time or number of calls.

use std::time::Duration;

use wireloom_codecs::{Channel, ChannelState, Kind};

use crate::testing::{FAKE, Plan, World, go, pass, request, success, within};
use crate::{LocalCluster, Tried};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const A: &str = "10.0.0.1:1";

/// A call that leaves nothing behind on its connection but itself.
async fn tell(local: &LocalCluster) {
    let mut tried = Tried::new();
    let sent = local.attempt(FAKE, request(Kind::OneWay), within(SECOND), &mut tried);
    sent.await.unwrap();
}

fn calls(world: &World) -> Vec<usize> {
    let channels = world.channels(A);
    channels.iter().map(|channel| channel.in_flight()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_connection_takes_its_number_of_calls_and_not_one_more() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], connections: {max_requests: 3, jitter: 0}}");
    for _ in 0..7 {
        tell(&local).await;
    }
    assert_eq!(calls(&world), [3, 3, 1]);
    let channels = world.channels(A);
    let states: Vec<_> = channels.iter().map(|channel| channel.state()).collect();
    use ChannelState::{Draining, Open};
    assert_eq!(states, [Draining, Draining, Open]);
    let stats = cluster.stats();
    assert_eq!(stats.connections_retired["max_requests"], 2);
    assert_eq!(stats.endpoints[0].channels.open, 1);
}

#[tokio::test(start_paused = true)]
async fn calls_on_a_connection_that_has_had_its_number_are_answered() {
    let world = World::new();
    let (_, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], connections: {max_requests: 1, jitter: 0}}");
    let all: Vec<_> = (0..5).map(|_| go(&local)).collect();
    pass(50 * MS).await;
    assert_eq!(calls(&world), [1; 5]);
    for channel in world.channels(A) {
        channel.answer(success());
    }
    for call in all {
        call.await.unwrap().0.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_successor_is_there_before_the_last_call() {
    let world = World::new();
    let (_, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], connections: {max_requests: 16, jitter: 0}}");
    for _ in 0..14 {
        tell(&local).await;
    }
    pass(10 * MS).await;
    assert_eq!(world.dials(), 2, "made with two calls to go");
    let started = tokio::time::Instant::now();
    for _ in 0..18 {
        tell(&local).await;
    }
    assert_eq!(started.elapsed(), Duration::ZERO, "nobody waited");
    let carried = calls(&world);
    assert!(carried.iter().all(|calls| *calls <= 16), "{carried:?}");
}

#[tokio::test(start_paused = true)]
async fn a_resting_connection_ends_with_its_age() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], connections: {max_age: 10s, jitter: 50}}");
    let call = go(&local);
    pass(5 * MS).await;
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
    pass(4 * SECOND).await;
    assert_eq!(cluster.stats().endpoints[0].channels.open, 1);
    // Never later than configured.
    pass(6 * SECOND).await;
    assert_eq!(cluster.stats().endpoints[0].channels.open, 0);
    assert_eq!(cluster.stats().connections_retired["max_age"], 1);
    assert_eq!(world.dials(), 1, "nobody needs another");
}

#[tokio::test(start_paused = true)]
async fn a_busy_connection_goes_on_until_another_can_take_its_place() {
    let world = World::new();
    let (cluster, local) = world.cluster(
        "{endpoints: ['10.0.0.1:1'], connections: {max_age: 10s}, limits: {connections: 2}}",
    );
    let first = go(&local);
    pass(5 * MS).await;
    world.plan(A, Plan::Refuse);
    pass(12 * SECOND).await;
    assert!(world.dials() > 1, "it was tried");
    let second = go(&local);
    pass(5 * MS).await;
    assert_eq!(calls(&world), [2], "better old than none");
    world.plan(A, Plan::Accept);
    pass(5 * SECOND).await;
    assert_eq!(cluster.stats().connections_retired["max_age"], 1);
    let third = go(&local);
    pass(5 * MS).await;
    assert_eq!(calls(&world), [2, 1]);
    let old = world.channels(A).remove(0);
    assert_eq!(old.state(), ChannelState::Draining);
    for _ in 0..2 {
        old.answer(success());
    }
    world.channel(A).answer(success());
    for call in [first, second, third] {
        call.await.unwrap().0.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn connections_end_at_different_times() {
    let world = World::new();
    let (cluster, local) = world.cluster(
        "{endpoints: ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1', '10.0.0.4:1', '10.0.0.5:1'],
          balance: round_robin, connections: {max_age: 100s, jitter: 90}}",
    );
    for _ in 0..5 {
        tell(&local).await;
    }
    let open = || {
        let stats = cluster.stats();
        stats
            .endpoints
            .iter()
            .map(|one| one.channels.open)
            .sum::<usize>()
    };
    // They hold a call that is never answered, so that each has a successor; what was there first goes.
    let mut ends = Vec::new();
    let mut before = 0;
    assert_eq!(open(), 5);
    for second in 0..100 {
        pass(SECOND).await;
        let retired = cluster.stats().connections_retired.get("max_age").copied();
        if retired.unwrap_or(0) > before {
            before = retired.unwrap_or(0);
            ends.push(second);
        }
    }
    assert!(ends.len() >= 2, "all at once: {ends:?}");
}
