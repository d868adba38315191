//! What a cluster refuses.

use std::time::Duration;

use wireloom_codecs::ErrorKind;

use crate::testing::{Plan, World, go, pass, success};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";

#[tokio::test(start_paused = true)]
async fn a_limit_of_zero_refuses_everything() {
    let world = World::new();
    let (cluster, local) = world.cluster("{endpoints: ['10.0.0.1:1'], limits: {in_flight: 0}}");
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::Overloaded, false)
    );
    assert!(
        error
            .error
            .to_string()
            .contains("cluster shop has 0 requests under way, its limit")
    );
    assert_eq!(
        (cluster.stats().in_flight, cluster.stats().overloaded),
        (0, 1)
    );
    assert_eq!(world.dials(), 0);
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_are_bounded() {
    let world = World::new();
    let (cluster, local) = world.cluster("{endpoints: ['10.0.0.1:1'], limits: {in_flight: 2}}");
    let first = go(&local);
    pass(5 * MS).await;
    let _second = go(&local);
    pass(5 * MS).await;
    let third = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(third.error.kind, ErrorKind::Overloaded);
    world.channel(A).answer(success());
    first.await.unwrap().0.unwrap();
    let _fourth = go(&local);
    pass(5 * MS).await;
    assert_eq!(cluster.stats().in_flight, 2);
    assert_eq!(cluster.stats().overloaded, 1);
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_a_connection_are_bounded() {
    let world = World::new();
    world.plan(A, Plan::Hang);
    let (cluster, local) = world.cluster("{endpoints: ['10.0.0.1:1'], limits: {pending: 3}}");
    let waiting: Vec<_> = (0..3).map(|_| go(&local)).collect();
    pass(MS).await;
    assert_eq!(cluster.stats().pending, 3);
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::Overloaded, false)
    );
    assert!(
        error
            .error
            .to_string()
            .contains("3 requests that wait for a connection")
    );
    for call in waiting {
        let error = call.await.unwrap().0.unwrap_err();
        assert_eq!(error.error.kind, ErrorKind::ConnectFailure);
    }
    assert_eq!((cluster.stats().pending, cluster.stats().in_flight), (0, 0));
    assert_eq!(world.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_waiting_the_connection_is_made_for_the_next() {
    let world = World::new();
    let (_, local) = world.cluster("{endpoints: ['10.0.0.1:1'], limits: {pending: 0}}");
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(error.error.kind, ErrorKind::Overloaded);
    pass(5 * MS).await;
    let call = go(&local);
    pass(MS).await;
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_connection_passes_its_calls_on() {
    let world = World::new();
    world.capacity(2);
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1', '10.0.0.2:1']");
    let calls: Vec<_> = (0..5).map(|_| go(&local)).collect();
    pass(5 * MS).await;
    for address in [A, B] {
        assert_eq!(
            wireloom_codecs::Channel::in_flight(&*world.channel(address)),
            2
        );
    }
    let mut refused = Vec::new();
    for call in calls {
        if call.is_finished() {
            refused.push(call.await.unwrap().0.unwrap_err());
        }
    }
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (refused[0].error.kind, refused[0].sent),
        (ErrorKind::Overloaded, false)
    );
    assert!(
        refused[0].error.to_string().contains("are full"),
        "{}",
        refused[0].error
    );
    assert_eq!(
        (cluster.stats().overloaded, cluster.stats().pending),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn connections_that_take_one_call_each_grow_to_the_bound() {
    let world = World::new();
    world.capacity(1);
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], connections: {per_endpoint: 4}}");
    let calls: Vec<_> = (0..6).map(|_| go(&local)).collect();
    pass(50 * MS).await;
    assert_eq!(cluster.stats().endpoints[0].channels.open, 4);
    let refused = calls.iter().filter(|call| call.is_finished()).count();
    assert_eq!((refused, cluster.stats().in_flight), (2, 4));
}

#[tokio::test(start_paused = true)]
async fn nobody_to_ask_is_said_so() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: []");
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::NoEndpoint, false)
    );
    assert_eq!(error.error.detail, "cluster shop has no endpoint");
    assert_eq!(
        (cluster.stats().no_endpoint, cluster.stats().in_flight),
        (1, 0)
    );

    let (_, local) = world.cluster("endpoints: [{address: '10.0.0.1:1', weight: 0}]");
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(
        error.error.detail,
        "cluster shop has no endpoint of a weight over 0"
    );
}
