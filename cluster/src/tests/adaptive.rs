//! Requests under way by how long answers take.

use std::time::Duration;

use wireloom_codecs::{Channel, ErrorKind};

use crate::testing::{World, config, go, pass, success};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";

#[tokio::test(start_paused = true)]
async fn what_is_beyond_the_limit_is_refused_and_the_limit_moves() {
    let world = World::new();
    let (cluster, local) = world.cluster(
        "{endpoints: ['10.0.0.1:1'], limits: {adaptive: {min: 2, min_rtt: {requests: 4}}}}",
    );
    let _task = tokio::spawn(cluster.clone().adapt());
    pass(MS).await;
    let limit = || cluster.stats().concurrency_limit.unwrap();
    assert_eq!(limit(), 2);
    let held = [go(&local), go(&local)];
    pass(5 * MS).await;
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::Overloaded, false)
    );
    let said = error.error.to_string();
    assert!(
        said.contains("cluster shop has 2 requests under way, more would"),
        "{said}"
    );
    assert_eq!(cluster.stats().overflow["adaptive"], 1);
    // Who waited for the connection may have got it in any order.
    for _ in &held {
        world.channel(A).answer(success());
    }
    for call in held {
        call.await.unwrap().0.unwrap();
    }
    // Answers come at once on this clock's terms, so that the limit grows.
    for _ in 0..30 {
        let call = go(&local);
        pass(50 * MS).await;
        world.channel(A).answer(success());
        call.await.unwrap().0.unwrap();
    }
    assert!(limit() > 2, "{}", limit());
    assert_eq!(world.channel(A).in_flight(), 0);

    // The rest is as before once nobody wants it.
    cluster.reconfigure(config("endpoints: ['10.0.0.1:1']"));
    assert_eq!(cluster.stats().concurrency_limit, None);
    let many: Vec<_> = (0..50).map(|_| go(&local)).collect();
    pass(5 * MS).await;
    assert_eq!(world.channel(A).in_flight(), 50);
    many.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn the_fixed_limit_holds_too() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1'], limits: {in_flight: 1, adaptive: {min: 5}}}");
    let _task = tokio::spawn(cluster.clone().adapt());
    pass(MS).await;
    let _held = go(&local);
    pass(5 * MS).await;
    go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(cluster.stats().overflow["in_flight"], 1);
    assert_eq!(cluster.stats().overflow.get("adaptive"), None);
}
