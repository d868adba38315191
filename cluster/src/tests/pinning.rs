//! Connections that one downstream connection has to itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use wireloom_codecs::{CallError, Channel, ChannelState, ErrorKind, Kind, Response};

use crate::testing::{FAKE, Plan, World, config, pass, request, success, within};
use crate::{LocalCluster, Pins, Selection, Tried};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";
const OWN: &str = "{endpoints: ['10.0.0.1:1'], connections: {per_downstream: true}}";

/// A call of the downstream connection that has these.
fn go(local: &Arc<LocalCluster>, pins: &Arc<Pins>) -> JoinHandle<Result<Response, CallError>> {
    let (local, pins) = (local.clone(), pins.clone());
    tokio::spawn(async move {
        let mut tried = Tried::new();
        let selection = Selection {
            pins: Some(&pins),
            ..Selection::ANY
        };
        let deadline = within(Duration::from_secs(10));
        let unary = request(Kind::Unary);
        local
            .select(&selection, FAKE, unary, deadline, &mut tried)
            .await
    })
}

fn loads(world: &World) -> Vec<usize> {
    let channels = world.channels(A);
    channels.iter().map(|one| one.in_flight()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_downstream_connection_has_its_own() {
    let world = World::new();
    let (cluster, local) = world.cluster(OWN);
    let (one, other) = (Arc::<Pins>::default(), Arc::<Pins>::default());
    let mut calls = Vec::new();
    for pins in [&one, &other, &one, &one] {
        calls.push(go(&local, pins));
        pass(5 * MS).await;
    }
    assert_eq!(loads(&world), [3, 1]);
    let stats = &cluster.stats().endpoints[0];
    assert_eq!((stats.channels.open, stats.active), (2, 4));
    for channel in world.channels(A) {
        while channel.in_flight() > 0 {
            channel.answer(success());
        }
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    drop(one);
    let states = || -> Vec<_> { world.channels(A).iter().map(|one| one.state()).collect() };
    assert_eq!(states(), [ChannelState::Draining, ChannelState::Open]);
    drop(other);
    assert_eq!(states(), [ChannelState::Draining; 2]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_clusters_that_share_connections() {
    let world = World::new();
    let (_, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let (one, other) = (Arc::<Pins>::default(), Arc::<Pins>::default());
    let _calls = [go(&local, &one), go(&local, &other)];
    pass(5 * MS).await;
    assert_eq!(loads(&world), [2]);
    assert_eq!(format!("{one:?}"), "Pins(0)");
}

#[tokio::test(start_paused = true)]
async fn a_downstream_that_goes_while_it_is_connected_for_leaves_nothing() {
    let world = World::new();
    let (cluster, local) = world.cluster(OWN);
    let pins = Arc::<Pins>::default();
    let call = go(&local, &pins);
    tokio::task::yield_now().await;
    call.abort();
    drop(pins);
    pass(5 * MS).await;
    let stats = cluster.stats();
    assert_eq!((stats.in_flight, stats.pending), (0, 0));
    assert_eq!(stats.endpoints[0].channels.open, 0);
    assert!(
        world
            .channels(A)
            .iter()
            .all(|one| one.state() != ChannelState::Open)
    );
    // Only the world's connection itself has the reports that count it.
    world.forget();
    assert_eq!(cluster.members().get(0).unwrap().endpoint.connections(), 0);

    // The same where the connection is never made.
    world.plan(A, Plan::Hang);
    let pins = Arc::<Pins>::default();
    let call = go(&local, &pins);
    pass(5 * MS).await;
    call.abort();
    drop(pins);
    pass(Duration::from_secs(60)).await;
    assert_eq!(cluster.members().get(0).unwrap().endpoint.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn limits_count_them_all_and_are_exact() {
    let world = World::new();
    let keys = "{endpoints: ['10.0.0.1:1'], connections: {per_downstream: true}, limits: {connections: 2}}";
    let (_, local) = world.cluster(keys);
    let all: Vec<_> = (0..3).map(|_| Arc::<Pins>::default()).collect();
    let mut calls: Vec<_> = all.iter().map(|pins| go(&local, pins)).collect();
    pass(5 * MS).await;
    assert_eq!((world.dials(), loads(&world)), (2, vec![1, 1]));
    let refused = calls.pop().unwrap().await.unwrap().unwrap_err();
    assert_eq!(
        (refused.error.kind, refused.sent),
        (ErrorKind::Overloaded, false)
    );
    for call in calls {
        call.abort();
    }
    pass(MS).await;
    // One that ends makes room.
    drop(all);
    world.forget();
    let pins = Arc::<Pins>::default();
    let _call = go(&local, &pins);
    pass(5 * MS).await;
    assert_eq!(loads(&world), [1]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_leaves_takes_them_with_it() {
    let world = World::new();
    let (cluster, local) = world.cluster(OWN);
    let pins = Arc::<Pins>::default();
    let call = go(&local, &pins);
    pass(5 * MS).await;
    let old = world.channel(A);
    cluster.reconfigure(config(
        "{endpoints: ['10.0.0.2:1'], connections: {per_downstream: true}}",
    ));
    pass(5 * MS).await;
    assert_eq!(old.state(), ChannelState::Draining);
    old.answer(success());
    call.await.unwrap().unwrap();

    // So does a reload that has them shared.
    let _call = go(&local, &pins);
    pass(5 * MS).await;
    let own = world.channel("10.0.0.2:1");
    assert_eq!(own.state(), ChannelState::Open);
    cluster.reconfigure(config("{endpoints: ['10.0.0.2:1']}"));
    pass(5 * MS).await;
    assert_eq!(own.state(), ChannelState::Draining);
}
