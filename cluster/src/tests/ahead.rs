//! Connections that are made before a request needs them.

use std::time::Duration;

use wireloom_codecs::{Channel, ChannelState};

use crate::testing::{Plan, World, config, go, pass, success};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";

#[tokio::test(start_paused = true)]
async fn every_endpoint_has_a_connection_before_the_first_request() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{protocol: fake, endpoints: ['10.0.0.1:1', '10.0.0.2:1'], warm_up: true}");
    local.warmed_up().await;
    let stats = cluster.stats();
    let open: Vec<_> = stats
        .endpoints
        .iter()
        .map(|one| one.channels.open)
        .collect();
    assert_eq!(open, [1, 1]);
    let started = tokio::time::Instant::now();
    let call = go(&local);
    while stats.pending == 0 && cluster.stats().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        (cluster.stats().pending, started.elapsed()),
        (0, Duration::ZERO)
    );
    call.abort();
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_joins_is_connected_to_at_once() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{protocol: fake, endpoints: ['10.0.0.1:1'], warm_up: true}");
    local.warmed_up().await;
    pass(5 * SECOND).await;
    cluster.reconfigure(config(
        "{protocol: fake, endpoints: ['10.0.0.1:1', '10.0.0.2:1'], warm_up: true}",
    ));
    local.warmed_up().await;
    assert_eq!((world.channels(A).len(), world.channels(B).len()), (1, 1));
    // It is warm once, and closes like any other.
    world.channel(B).set(ChannelState::Closed);
    pass(10 * SECOND).await;
    assert_eq!(world.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_keeps_nobody_waiting_for_longer_than_said() {
    let world = World::new();
    world.plan(A, Plan::Hang);
    let (cluster, local) = world.cluster(
        "{protocol: fake, endpoints: ['10.0.0.1:1', '10.0.0.2:1'], warm_up: 500ms, connect_timeout: 20s}",
    );
    let started = tokio::time::Instant::now();
    local.warmed_up().await;
    assert_eq!(started.elapsed(), 500 * MS);
    assert_eq!(cluster.stats().endpoints[1].channels.open, 1);
    world.plan(A, Plan::Accept);
    pass(25 * SECOND).await;
    assert_eq!(cluster.stats().endpoints[0].channels.open, 1, "tried again");
}

#[tokio::test(start_paused = true)]
async fn as_many_connections_as_said_are_kept() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{protocol: fake, endpoints: ['10.0.0.1:1'], connections: {min_idle: 3}}");
    let open = || cluster.stats().endpoints[0].channels.open;
    pass(SECOND).await;
    assert_eq!((open(), world.dials()), (3, 3));
    world.channel(A).vanish();
    pass(SECOND).await;
    assert_eq!((open(), world.dials()), (3, 4));
    // And none once nobody wants them any more.
    cluster.reconfigure(config("{protocol: fake, endpoints: ['10.0.0.1:1']}"));
    world.channel(A).vanish();
    pass(5 * SECOND).await;
    assert_eq!((open(), world.dials()), (2, 4));
    drop(local);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_is_not_stormed() {
    let world = World::new();
    world.plan(A, Plan::HangUp);
    let (_, local) =
        world.cluster("{protocol: fake, endpoints: ['10.0.0.1:1'], connections: {min_idle: 1}}");
    pass(60 * SECOND).await;
    let dials = world.dials();
    assert!((10..=700).contains(&dials), "{dials}");
    drop(local);
}

#[tokio::test(start_paused = true)]
async fn connections_come_before_those_there_are_all_in_use() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], connections: {per_endpoint: 8, preconnect: 2}}");
    assert_eq!(world.dials(), 0, "nobody knows what to speak");
    let first = go(&local);
    pass(2 * SECOND).await;
    assert_eq!(cluster.stats().endpoints[0].channels.open, 2);
    let second = go(&local);
    pass(2 * SECOND).await;
    assert_eq!(cluster.stats().endpoints[0].channels.open, 4);
    for channel in world.channels(A) {
        if channel.in_flight() > 0 {
            channel.answer(success());
        }
    }
    for call in [first, second] {
        call.await.unwrap().0.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_ends_with_the_cluster() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{protocol: fake, endpoints: ['10.0.0.1:1'], connections: {min_idle: 1}}");
    pass(SECOND).await;
    drop((local, cluster));
    pass(5 * SECOND).await;
    assert_eq!(world.channel(A).state(), ChannelState::Draining);
    assert_eq!(world.dials(), 1);
}
