//! Changes while requests are under way.

use std::sync::Arc;
use std::time::Duration;

use wireloom_codecs::{Channel, ChannelState};

use crate::config::Balance;
use crate::testing::{World, config, go, pass, success};
use crate::{Condition, LocalCluster, Mark};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";

#[tokio::test(start_paused = true)]
async fn what_stays_keeps_its_connections_and_what_leaves_drains() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1', '10.0.0.2:1'], balance: round_robin}");
    let calls = [go(&local), go(&local)];
    pass(5 * MS).await;
    let kept = cluster.members().get(0).unwrap().endpoint.clone();

    cluster.reconfigure(config(
        "endpoints: [{address: '10.0.0.1:1', weight: 7}, '10.0.0.3:1']",
    ));
    assert_eq!(world.channel(A).state(), ChannelState::Open);
    assert_eq!(world.channel(B).state(), ChannelState::Draining);
    let members = cluster.members();
    assert!(Arc::ptr_eq(&kept, &members.get(0).unwrap().endpoint));
    assert_eq!((members.get(0).unwrap().weight, kept.active()), (7, 1));
    assert_eq!(cluster.config().balance, Balance::default());

    world.channel(A).answer(success());
    world.channel(B).answer(success());
    for call in calls {
        call.await.unwrap().0.unwrap();
    }
    let more: Vec<_> = (0..20).map(|_| go(&local)).collect();
    pass(5 * MS).await;
    assert_eq!((world.channels(A).len(), world.channels(B).len()), (1, 1));
    assert_eq!(world.channels("10.0.0.3:1").len(), 1);
    more.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn new_limits_hold_at_once_on_every_worker() {
    let world = World::new();
    let (cluster, first) = world.cluster("endpoints: ['10.0.0.1:1']");
    let second = LocalCluster::new(cluster.clone(), world.upstream());
    let _calls = [go(&first), go(&second)];
    pass(5 * MS).await;
    assert_eq!(cluster.stats().in_flight, 2);
    assert_eq!(
        cluster.stats().endpoints[0].channels.open,
        2,
        "one for each worker"
    );

    cluster.reconfigure(config(
        "{endpoints: ['10.0.0.1:1'], limits: {in_flight: 2}}",
    ));
    for local in [&first, &second] {
        go(local).await.unwrap().0.unwrap_err();
    }
    assert_eq!(cluster.stats().endpoints[0].channels.open, 2);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_leaves_drains_its_connections() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let call = go(&local);
    pass(5 * MS).await;
    drop(local);
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
    assert_eq!(world.channel(A).state(), ChannelState::Draining);
    assert_eq!(
        cluster.stats().endpoints[0].channels,
        crate::ChannelStats::default()
    );
    cluster.reconfigure(config("endpoints: []"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_at_an_endpoint_that_leaves_is_served() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let call = go(&local);
    tokio::task::yield_now().await;
    cluster.reconfigure(config("endpoints: ['10.0.0.2:1']"));
    pass(5 * MS).await;
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
    pass(MS).await;
    assert_eq!(world.channel(A).state(), ChannelState::Draining);
}

#[tokio::test(start_paused = true)]
async fn marks_outlive_a_change_of_members_and_end_with_the_address() {
    let world = World::new();
    let (cluster, _local) = world.cluster("endpoints: ['10.0.0.1:1', '10.0.0.2:1']");
    let endpoint = |at| cluster.members().get(at).unwrap().endpoint.clone();
    assert!(!cluster.members().is_impaired());
    assert!(cluster.mark(&endpoint(0), Mark::Ejected, true));
    assert!(!cluster.mark(&endpoint(0), Mark::Ejected, true));
    assert!(cluster.members().is_impaired());
    cluster.reconfigure(config("endpoints: ['10.0.0.3:1', '10.0.0.1:1']"));
    assert_eq!(endpoint(1).condition(), Condition::Ejected);
    assert_eq!(cluster.stats().endpoints[1].health, Condition::Ejected);
    cluster.reconfigure(config("endpoints: ['10.0.0.3:1']"));
    cluster.reconfigure(config("endpoints: ['10.0.0.1:1']"));
    assert_eq!(endpoint(0).condition(), Condition::Healthy);
    assert!(!cluster.members().is_impaired());
}

#[tokio::test(start_paused = true)]
async fn what_has_nothing_to_do_with_picking_leaves_the_plan() {
    let world = World::new();
    let (cluster, local) = world.cluster("{endpoints: ['10.0.0.1:1'], balance: maglev}");
    let plan = local.view.load().plan.clone();
    cluster.reconfigure(config(
        "{endpoints: ['10.0.0.1:1'], balance: maglev, limits: {in_flight: 7}}",
    ));
    assert!(Arc::ptr_eq(&plan, &local.view.load().plan));
    assert_eq!(local.view.load().config.limits.in_flight, 7);
    cluster.reconfigure(config("{endpoints: ['10.0.0.1:1'], balance: ring_hash}"));
    assert!(!Arc::ptr_eq(&plan, &local.view.load().plan));
}
