//! What a request wants of its endpoint, and what its answer tells of it.

use std::sync::Arc;
use std::time::Duration;

use wireloom_codecs::{ErrorKind, Kind};

use crate::testing::{FAKE, Plan, World, config, go, pass, request, success, within};
use crate::{LocalCluster, Mark, Selection, Subset, Tried};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";

/// Sends one that is given up at once; where it went.
async fn sent(local: &Arc<LocalCluster>, selection: Selection<'_>) -> Result<String, ErrorKind> {
    let mut tried = Tried::new();
    let deadline = within(Duration::from_secs(1));
    let failed = local
        .select(
            &selection,
            FAKE,
            request(Kind::OneWay),
            deadline,
            &mut tried,
        )
        .await
        .err();
    match failed {
        Some(failed) => Err(failed.error.kind),
        None => Ok(tried.last().unwrap().address().to_string()),
    }
}

#[tokio::test(start_paused = true)]
async fn requests_of_the_same_hash_go_to_the_same_endpoint_on_every_worker() {
    let world = World::new();
    let (cluster, first) =
        world.cluster("{endpoints: ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1'], balance: maglev}");
    let second = LocalCluster::new(cluster, world.upstream());
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..32_u64 {
        let selection = Selection {
            hash: Some(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            subset: None,
            ..Selection::ANY
        };
        let there = sent(&first, selection).await.unwrap();
        assert_eq!(sent(&second, selection).await.unwrap(), there);
        seen.insert(there);
    }
    assert_eq!(seen.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_subset_stays_there() {
    let world = World::new();
    let (_, local) = world.cluster(
        "
endpoints:
  - {address: '10.0.0.1:1', metadata: {v: one}}
  - {address: '10.0.0.2:1', metadata: {v: two}}
subset: {keys: [[v]]}
",
    );
    let (one, three) = (Subset::new([("v", "one")]), Subset::new([("v", "three")]));
    let choose = |subset| Selection {
        hash: None,
        subset: Some(subset),
        ..Selection::ANY
    };
    for _ in 0..10 {
        assert_eq!(sent(&local, choose(&one)).await.unwrap(), A);
    }
    // Also when it cannot be connected to: nobody else will do.
    assert_eq!(
        sent(&local, choose(&three)).await,
        Err(ErrorKind::NoEndpoint)
    );
    let mut tried = Tried::new();
    let deadline = within(Duration::from_secs(1));
    let wanted = choose(&three);
    let failed = local.select(&wanted, FAKE, request(Kind::Unary), deadline, &mut tried);
    let said = failed.await.unwrap_err().error.to_string();
    assert!(said.contains("in subset {v: three}"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_subset_whose_endpoint_is_down_is_not_left() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let (_, local) = world.cluster(
        "
endpoints: [{address: '10.0.0.1:1', metadata: {v: one}}, '10.0.0.2:1']
subset: {keys: [[v]], fallback: any}
",
    );
    let one = Subset::new([("v", "one")]);
    for _ in 0..5 {
        let selection = Selection {
            hash: None,
            subset: Some(&one),
            ..Selection::ANY
        };
        assert_eq!(
            sent(&local, selection).await,
            Err(ErrorKind::ConnectFailure)
        );
    }
    assert!(world.channels(B).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_mark_holds_for_the_next_request_of_every_worker() {
    let world = World::new();
    let (cluster, first) =
        world.cluster("{endpoints: ['10.0.0.1:1', '10.0.0.2:1'], balance: round_robin}");
    let second = LocalCluster::new(cluster.clone(), world.upstream());
    let endpoint = cluster.members().get(0).unwrap().endpoint.clone();
    cluster.mark(&endpoint, Mark::Draining, true);
    for local in [&first, &second] {
        for _ in 0..4 {
            assert_eq!(sent(local, Selection::ANY).await.unwrap(), B);
        }
    }
    cluster.mark(&endpoint, Mark::Draining, false);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2 {
        seen.insert(sent(&first, Selection::ANY).await.unwrap());
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_latencies_outlives_a_change() {
    let world = World::new();
    let yaml = |more: &str| {
        format!("{{endpoints: ['10.0.0.1:1'{more}], balance: {{peak_ewma: {{decay: 1h}}}}}}")
    };
    let (cluster, local) = world.cluster(&yaml(""));
    let balance = cluster.config().balance;
    let call = go(&local);
    pass(5 * MS).await;
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
    let endpoint = cluster.members().get(0).unwrap().endpoint.clone();
    let hour = Duration::from_secs(3600);
    let known = endpoint.latency.at(std::time::Instant::now(), hour);
    assert!(known > 0.0, "the answer was not timed");
    endpoint.took(balance, Duration::from_secs(5), false);
    cluster.reconfigure(config(&yaml(", '10.0.0.2:1'")));
    // One that nothing is known of is tried before one that is slow.
    for _ in 0..10 {
        assert_eq!(sent(&local, Selection::ANY).await.unwrap(), B);
    }
    let other = cluster.members().get(1).unwrap().endpoint.clone();
    let known = other.latency.at(std::time::Instant::now(), hour);
    assert_eq!(known, 0.0, "one-way requests tell nothing");
}

#[tokio::test(start_paused = true)]
async fn connections_are_counted_while_they_are_there() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let endpoint = cluster.members().get(0).unwrap().endpoint.clone();
    assert_eq!(endpoint.connections(), 0);
    let call = go(&local);
    pass(5 * MS).await;
    assert_eq!(endpoint.connections(), 1);
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
    world.plan(A, Plan::Refuse);
    world.channel(A).vanish();
    world.forget();
    let call = go(&local);
    pass(50 * MS).await;
    assert_eq!(endpoint.connections(), 0);
    call.abort();
}
