//! Limits of endpoints and of connections, and that all limits are exact.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use wireloom_codecs::{Channel, ErrorKind};

use crate::Cluster;
use crate::testing::{Plan, World, config, go, pass, success};
use crate::under_way::InFlight;

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";

#[tokio::test(start_paused = true)]
async fn a_full_endpoint_is_passed_over_and_when_all_are_full_it_is_refused() {
    let world = World::new();
    let (cluster, local) = world.cluster(
        "{endpoints: ['10.0.0.1:1', '10.0.0.2:1'], limits: {per_endpoint: {in_flight: 2}}}",
    );
    let calls: Vec<_> = (0..4).map(|_| go(&local)).collect();
    pass(5 * MS).await;
    for address in [A, B] {
        assert_eq!(world.channel(address).in_flight(), 2);
    }
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::Overloaded, false)
    );
    let said = error.error.to_string();
    assert!(
        said.contains("of cluster shop has 2 requests under way, its limit"),
        "{said}"
    );
    let stats = cluster.stats();
    assert_eq!(stats.overloaded, 1);
    assert!(stats.overflow["endpoint_in_flight"] >= 2);
    world.channel(A).answer(success());
    pass(MS).await;
    let fifth = go(&local);
    pass(MS).await;
    assert_eq!(world.channel(A).in_flight(), 2);
    for address in [A, A, B, B] {
        world.channel(address).answer(success());
    }
    fifth.await.unwrap().0.unwrap();
    for call in calls {
        call.await.unwrap().0.unwrap();
    }
    assert!(
        cluster
            .members()
            .iter()
            .all(|member| member.endpoint.active() == 0)
    );
}

#[tokio::test(start_paused = true)]
async fn those_that_wait_for_an_endpoint_are_bounded() {
    let world = World::new();
    world.plan(A, Plan::Hang);
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], limits: {per_endpoint: {pending: 1}}}");
    let _waits = go(&local);
    pass(MS).await;
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(error.error.kind, ErrorKind::Overloaded);
    assert_eq!(cluster.stats().overflow, [("endpoint_pending", 1)].into());
    assert_eq!(cluster.stats().pending, 1);
}

#[tokio::test(start_paused = true)]
async fn connections_are_bounded_over_all_workers() {
    for (limits, name) in [
        ("{connections: 1}", "connections"),
        ("{per_endpoint: {connections: 1}}", "endpoint_connections"),
    ] {
        let world = World::new();
        let (cluster, local) = world.cluster(&format!("{{endpoints: ['{A}'], limits: {limits}}}"));
        let other = crate::LocalCluster::new(cluster.clone(), world.upstream());
        let first = go(&local);
        pass(5 * MS).await;
        let error = go(&other).await.unwrap().0.unwrap_err();
        assert_eq!(
            (error.error.kind, error.sent),
            (ErrorKind::Overloaded, false)
        );
        assert_eq!(cluster.stats().overflow, [(name, 1)].into());
        assert_eq!(world.dials(), 1);
        world.channel(A).answer(success());
        first.await.unwrap().0.unwrap();
    }
}

#[test]
fn what_is_let_in_is_exact() {
    let cluster = Cluster::new("shop", config("endpoints: ['10.0.0.1:1']"));
    let (most, refused) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    match InFlight::take(&cluster, 3) {
                        Some(held) => {
                            most.fetch_max(cluster.in_flight.load(Relaxed), Relaxed);
                            drop(held);
                        }
                        None => {
                            refused.fetch_add(1, Relaxed);
                        }
                    }
                }
            });
        }
    });
    assert!(most.into_inner() <= 3);
    assert_eq!(cluster.in_flight.load(Relaxed), 0);
    // However many are refused, none of them counts.
    let held: Vec<_> = (0..3).map(|_| InFlight::take(&cluster, 3)).collect();
    assert!(held.iter().all(Option::is_some));
    assert!((0..100).all(|_| InFlight::take(&cluster, 3).is_none()));
    drop(held);
    assert!(InFlight::take(&cluster, 3).is_some());
}
