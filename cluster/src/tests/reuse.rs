//! Requests over connections that are there, and what becomes of those.

use std::time::Duration;

use wireloom_codecs::{ChannelState, Class, ErrorKind, Kind, Outcome, Response};

use crate::Tried;
use crate::attempt::Attempt;
use crate::testing::{FAKE, OTHER, World, go, pass, request, success, within};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";

#[tokio::test(start_paused = true)]
async fn a_request_comes_back_and_counts_fall() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let first = go(&local);
    pass(5 * MS).await;
    let stats = cluster.stats();
    assert_eq!((stats.in_flight, stats.pending), (1, 0));
    assert_eq!(
        (stats.endpoints[0].active, stats.endpoints[0].requests),
        (1, 1)
    );
    assert_eq!(stats.endpoints[0].channels.open, 1);

    world.channel(A).answer(success());
    let (result, tried) = first.await.unwrap();
    result.unwrap();
    assert_eq!(tried, [A]);
    let stats = cluster.stats();
    assert_eq!((stats.in_flight, stats.endpoints[0].active), (0, 0));
    assert_eq!(stats.endpoints[0].failures, 0);
    assert!(
        serde_json::to_string(&stats)
            .unwrap()
            .contains("\"least_request\"")
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_attempt_gives_its_counts_back() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let waiting_for_a_connection = go(&local);
    tokio::task::yield_now().await;
    assert_eq!((cluster.stats().in_flight, cluster.stats().pending), (1, 1));
    waiting_for_a_connection.abort();
    pass(5 * MS).await;
    let stats = cluster.stats();
    assert_eq!(
        (stats.in_flight, stats.pending, stats.endpoints[0].active),
        (0, 0, 0)
    );
    assert_eq!(
        stats.endpoints[0].channels.open, 1,
        "it was made all the same"
    );

    let waiting_for_an_answer = go(&local);
    pass(MS).await;
    assert_eq!(cluster.stats().in_flight, 1);
    waiting_for_an_answer.abort();
    pass(MS).await;
    let stats = cluster.stats();
    assert_eq!((stats.in_flight, stats.endpoints[0].active), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_vanishes_resets_its_calls() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let call = go(&local);
    pass(5 * MS).await;
    world.channel(A).vanish();
    let error = call.await.unwrap().0.unwrap_err();
    assert_eq!((error.error.kind, error.sent), (ErrorKind::Reset, true));
    assert!(error.error.to_string().contains(A), "{}", error.error);
    let stats = cluster.stats();
    assert_eq!(stats.connections_lost, 1);
    assert_eq!(
        (
            stats.endpoints[0].failures,
            stats.endpoints[0].channels.open
        ),
        (1, 0)
    );

    // The closed one is forgotten, and the next request makes another.
    let call = go(&local);
    pass(5 * MS).await;
    assert_eq!(world.channels(A).len(), 2);
    assert_eq!(
        std::sync::Arc::strong_count(&world.channels(A)[0]),
        2,
        "the world's and ours"
    );
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_draining_connection_is_replaced_and_finishes() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let old = go(&local);
    pass(5 * MS).await;
    let draining = world.channel(A);
    draining.go_away();
    let new = go(&local);
    pass(5 * MS).await;
    let stats = cluster.stats();
    assert_eq!(stats.connections_drained, 1);
    assert_eq!(
        (
            stats.endpoints[0].channels.open,
            stats.endpoints[0].channels.draining
        ),
        (1, 1)
    );
    assert_eq!(world.dials(), 2);
    draining.answer(success());
    old.await.unwrap().0.unwrap();
    world.channel(A).answer(success());
    new.await.unwrap().0.unwrap();

    draining.set(ChannelState::Closed);
    assert_eq!(cluster.stats().endpoints[0].channels.draining, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_taken_back_costs_no_connection() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let _first = go(&local);
    pass(5 * MS).await;
    world.channel(A).go_away();
    assert_eq!(cluster.stats().endpoints[0].channels.draining, 1);
    world.channel(A).set(ChannelState::Open);
    let _second = go(&local);
    pass(5 * MS).await;
    assert_eq!(
        (world.dials(), cluster.stats().endpoints[0].channels.open),
        (1, 1)
    );
    assert_eq!(wireloom_codecs::Channel::in_flight(&*world.channel(A)), 2);
}

#[tokio::test(start_paused = true)]
async fn more_connections_come_with_load_and_not_too_many() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], connections: {per_endpoint: 3}}");
    let mut calls = Vec::new();
    for expected in [1, 1, 2, 3, 3, 3, 3] {
        calls.push(go(&local));
        // Long enough for a connection that the previous request had made in the background.
        tokio::task::yield_now().await;
        assert_eq!(
            cluster.stats().endpoints[0].channels.open,
            expected.min(world.channels(A).len())
        );
        pass(5 * MS).await;
    }
    assert_eq!(world.dials(), 3);
    let mut loads: Vec<usize> = world
        .channels(A)
        .iter()
        .map(|channel| wireloom_codecs::Channel::in_flight(&**channel))
        .collect();
    loads.sort_unstable();
    assert_eq!(loads, [2, 2, 3], "the least busy takes the next");
    for call in calls {
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn one_way_requests_are_done_when_they_are_taken() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let mut tried = Tried::new();
    let deadline = within(Duration::from_secs(1));
    let response: Response = local
        .attempt(FAKE, request(Kind::OneWay), deadline, &mut tried)
        .await
        .unwrap();
    assert_eq!(response.head.outcome.class, Class::Success);
    assert_eq!(wireloom_codecs::Channel::in_flight(&*world.channel(A)), 1);
    assert_eq!((cluster.stats().in_flight, tried.len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn answers_that_say_the_endpoint_failed_are_counted() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    for (class, failures) in [
        (Class::AppError, 0),
        (Class::ClientError, 0),
        (Class::Unavailable, 1),
        (Class::ServerError, 2),
    ] {
        let call = go(&local);
        pass(5 * MS).await;
        let mut response = success().unwrap();
        response.head.outcome = Outcome::new(class, 1);
        world.channel(A).answer(Ok(response));
        assert_eq!(call.await.unwrap().0.unwrap().head.outcome.class, class);
        assert_eq!(cluster.stats().endpoints[0].failures, failures);
    }
}

#[tokio::test(start_paused = true)]
async fn protocols_have_connections_of_their_own() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let deadline = within(Duration::from_secs(1));
    for protocol in [FAKE, OTHER, FAKE] {
        let mut tried = Tried::new();
        let attempt = local.attempt(protocol, request(Kind::OneWay), deadline, &mut tried);
        attempt.await.unwrap();
    }
    assert_eq!(cluster.stats().endpoints[0].channels.open, 2);
}

#[tokio::test(start_paused = true)]
async fn protocols_are_not_translated() {
    let world = World::new();
    let (_, local) = world.cluster("{protocol: other, endpoints: ['10.0.0.1:1']}");
    let deadline = within(Duration::from_secs(1));
    let mut tried = Tried::new();
    let attempt = local.attempt(FAKE, request(Kind::Unary), deadline, &mut tried);
    let error = attempt.await.unwrap_err();
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::Unsupported, false)
    );
    assert!(
        error
            .error
            .detail
            .contains("shop speaks other and the request is fake")
    );

    let (_, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let unknown = wireloom_codecs::ProtocolId("unheard-of");
    let attempt = local.attempt(unknown, request(Kind::Unary), deadline, &mut tried);
    let error = attempt.await.unwrap_err().error;
    assert!(
        error
            .to_string()
            .contains("no upstream connections are made in unheard-of")
    );
    assert!(tried.is_empty());
}

#[test]
fn the_wait_for_an_answer_is_small() {
    assert!(
        size_of::<Attempt<'_>>() <= 120,
        "{}",
        size_of::<Attempt<'_>>()
    );
    assert!(size_of::<Tried>() <= 24, "{}", size_of::<Tried>());
}
