//! Requests that wait for a connection, and endpoints that cannot be connected to.

use std::time::Duration;

use tokio::time::Instant;
use wireloom_codecs::{ErrorKind, Kind};

use crate::Tried;
use crate::testing::{FAKE, Plan, World, go, pass, request, success, within};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";
const ONE: &str = "endpoints: ['10.0.0.1:1']";
const TWO: &str = "endpoints: ['10.0.0.1:1', '10.0.0.2:1']";

#[tokio::test(start_paused = true)]
async fn everybody_waits_for_the_same_connection() {
    let world = World::new();
    let (cluster, local) = world.cluster(ONE);
    let calls: Vec<_> = (0..100).map(|_| go(&local)).collect();
    // Time stands still while tasks run, so nothing is connected before all of them wait.
    while cluster.stats().pending < 100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(cluster.stats().endpoints[0].channels.connecting, 1);
    pass(5 * MS).await;
    assert_eq!((world.dials(), cluster.stats().pending), (1, 0));
    for _ in 0..100 {
        world.channel(A).answer(success());
    }
    for call in calls {
        call.await.unwrap().0.unwrap();
    }
    assert_eq!(cluster.stats().endpoints[0].connects, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_reaches_all_and_is_not_tried_again_at_once() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let (cluster, local) = world.cluster(ONE);
    for call in [go(&local), go(&local)] {
        let (result, tried) = call.await.unwrap();
        let error = result.unwrap_err();
        assert_eq!(
            (error.error.kind, error.sent),
            (ErrorKind::ConnectFailure, false)
        );
        assert_eq!(
            error.error.detail,
            "cannot connect to 10.0.0.1:1: Connection refused (os error 111)"
        );
        assert_eq!(tried, [A]);
    }
    let started = Instant::now();
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(error.error.kind, ErrorKind::ConnectFailure);
    assert_eq!((started.elapsed(), world.dials()), (Duration::ZERO, 1));
    let endpoint = &cluster.stats().endpoints[0];
    assert_eq!(endpoint.connect_failures, 1);
    let pause = endpoint.backing_off.as_ref().unwrap();
    assert!(pause.retry_in.0 <= 200 * MS && pause.workers == 1);
    assert!(pause.error.contains("refused"));

    world.plan(A, Plan::Accept);
    pass(200 * MS).await;
    assert!(cluster.stats().endpoints[0].backing_off.is_none());
    let call = go(&local);
    pass(5 * MS).await;
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_while_an_endpoint_is_down() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let (cluster, local) = world.cluster(ONE);
    let end = Instant::now() + Duration::from_secs(120);
    while Instant::now() < end {
        go(&local).await.unwrap().0.unwrap_err();
        pass(20 * MS).await;
    }
    let times = world.dial_times();
    let pauses: Vec<Duration> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(
        pauses
            .iter()
            .all(|pause| *pause >= 100 * MS && *pause <= 1050 * MS)
    );
    assert!(pauses[0] <= 230 * MS, "{pauses:?}");
    // Some 550 ms each once they have grown; without growth there would be 600 and more.
    assert!((150..300).contains(&pauses.len()), "{}", pauses.len());
    assert_eq!(
        cluster.stats().endpoints[0].connect_failures,
        times.len() as u64
    );
}

#[tokio::test(start_paused = true)]
async fn the_only_endpoint_is_back_within_a_second_of_coming_back() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let (cluster, local) = world.cluster(ONE);
    for _ in 0..1000 {
        go(&local).await.unwrap().0.unwrap_err();
        pass(20 * MS).await;
    }
    world.plan(A, Plan::Accept);
    pass(1000 * MS).await;
    assert!(cluster.stats().endpoints[0].backing_off.is_none());
    let call = go(&local);
    pass(5 * MS).await;
    world.channel(A).answer(success());
    call.await.unwrap().0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_attracts_nothing() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let (cluster, local) = world.cluster(TWO);
    let mut failed = 0;
    for _ in 0..1000 {
        let call = go(&local);
        pass(2 * MS).await;
        if !call.is_finished() {
            world.channel(B).answer(success());
        }
        failed += usize::from(call.await.unwrap().0.is_err());
    }
    // The first to find out fails; the following attempts to connect cost no request.
    assert_eq!(failed, 1);
    assert!(cluster.stats().endpoints[0].connect_failures > 1);
    assert_eq!(cluster.stats().endpoints[1].requests, 999);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_comes_back_is_used_again() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let (cluster, local) =
        world.cluster("{endpoints: ['10.0.0.1:1', '10.0.0.2:1'], balance: random}");
    let mut calls = Vec::new();
    for _ in 0..50 {
        calls.push(go(&local));
        pass(2 * MS).await;
    }
    assert_eq!(cluster.stats().endpoints[0].requests, 0);
    world.plan(A, Plan::Accept);
    for _ in 0..100 {
        pass(200 * MS).await;
        calls.push(go(&local));
    }
    pass(5 * MS).await;
    assert!(cluster.stats().endpoints[0].requests > 20);
    for call in calls {
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_is_avoided_while_there_is_something_else() {
    let world = World::new();
    let (_, local) = world.cluster(TWO);
    for _ in 0..20 {
        let mut tried = Tried::new();
        let deadline = within(Duration::from_secs(1));
        for _ in 0..3 {
            let attempt = local.attempt(FAKE, request(Kind::OneWay), deadline, &mut tried);
            attempt.await.unwrap();
        }
        let went: Vec<_> = tried
            .iter()
            .map(|endpoint| endpoint.address().clone())
            .collect();
        assert_eq!(went.len(), 3, "the third goes back to one of the two");
        assert_ne!(went[0], went[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_goes_back_if_the_other_is_down() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let (cluster, local) = world.cluster(TWO);
    // Learn that A is down.
    while cluster.stats().endpoints[0].connect_failures == 0 {
        let call = go(&local);
        pass(2 * MS).await;
        call.abort();
    }
    let mut tried = Tried::new();
    tried.push(cluster.members().get(1).unwrap().endpoint.clone());
    let deadline = within(Duration::from_secs(1));
    let attempt = local.attempt(FAKE, request(Kind::OneWay), deadline, &mut tried);
    attempt.await.unwrap();
    assert_eq!(tried.last().unwrap().address().to_string(), B);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_and_the_connect_timeout_bound_the_wait() {
    let world = World::new();
    world.plan(A, Plan::Hang);
    let (cluster, local) = world.cluster("{endpoints: ['10.0.0.1:1'], connect_timeout: 2s}");
    let started = Instant::now();
    let mut tried = Tried::new();
    let attempt = local.attempt(FAKE, request(Kind::Unary), within(500 * MS), &mut tried);
    let error = attempt.await.unwrap_err();
    assert_eq!((error.error.kind, error.sent), (ErrorKind::Timeout, false));
    assert_eq!(started.elapsed(), 500 * MS);

    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(error.error.kind, ErrorKind::ConnectFailure);
    assert_eq!(
        started.elapsed(),
        2000 * MS,
        "it had joined the attempt under way"
    );
    assert_eq!(world.dials(), 1);
    assert_eq!(cluster.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_at_once_is_left_alone() {
    let world = World::new();
    world.plan(A, Plan::HangUp);
    let (cluster, local) = world.cluster(ONE);
    let calls: Vec<_> = (0..10).map(|_| go(&local)).collect();
    for call in calls {
        let error = call.await.unwrap().0.unwrap_err();
        assert_eq!(
            (error.error.kind, error.sent),
            (ErrorKind::ConnectFailure, false)
        );
        assert!(error.error.detail.contains("closed as soon as it was made"));
    }
    go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(
        (world.dials(), cluster.stats().endpoints[0].connect_failures),
        (1, 1)
    );
}
