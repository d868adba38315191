//! Endpoints that are taken out because of what becomes of requests.

use std::sync::Arc;
use std::time::Duration;

use wireloom_codecs::{Body, Class, Kind, Outcome, Response, ResponseHead};

use crate::testing::{FAKE, Plan, World, go, pass, request, success, within};
use crate::{Cluster, Condition, Endpoint, LocalCluster, Tried};

/// Longer than the detector takes.
const SOON: Duration = Duration::from_millis(20);
const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";

fn failure(class: Class) -> Response {
    let head = ResponseHead {
        outcome: Outcome::new(class, 0),
        ..ResponseHead::default()
    };
    Response::new(head, Body::Empty)
}

fn watched(world: &Arc<World>, yaml: &str) -> (Arc<Cluster>, Arc<LocalCluster>) {
    let (cluster, local) = world.cluster(yaml);
    tokio::spawn(cluster.clone().detect_outliers());
    (cluster, local)
}

fn condition(cluster: &Cluster, address: &str) -> Condition {
    let members = cluster.members();
    let member = members
        .iter()
        .find(|m| m.endpoint.address().to_string() == address);
    member.unwrap().condition()
}

/// Sends requests until this many were to A, which answers each in that way; B succeeds. Says how many went to B.
async fn ask(world: &Arc<World>, local: &Arc<LocalCluster>, class: Class, times: usize) -> usize {
    let (mut asked, mut others) = (0, 0);
    while asked < times {
        let call = go(local);
        pass(5 * MS).await;
        for address in [A, B] {
            let Some(channel) = world.channels(address).pop() else {
                continue;
            };
            while !channel.methods().is_empty() {
                let answer = if address == A {
                    asked += 1;
                    Ok(failure(class))
                } else {
                    others += 1;
                    success()
                };
                channel.answer(answer);
            }
        }
        call.await.unwrap().0.unwrap();
        assert!(others < 200, "nothing goes to A");
    }
    others
}

const TWO: &str = "endpoints: ['10.0.0.1:1', '10.0.0.2:1'], balance: round_robin";

#[tokio::test(start_paused = true)]
async fn a_row_of_failures_takes_an_endpoint_out_for_a_while() {
    let world = World::new();
    let yaml = format!("{{{TWO}, outlier: {{consecutive: {{failures: 3}}}}}}");
    let (cluster, local) = watched(&world, &yaml);
    ask(&world, &local, Class::ServerError, 2).await;
    ask(&world, &local, Class::AppError, 1).await;
    ask(&world, &local, Class::ServerError, 2).await;
    pass(SOON).await;
    assert_eq!(condition(&cluster, A), Condition::Healthy);
    ask(&world, &local, Class::Unavailable, 1).await;
    pass(SOON).await;
    assert_eq!(condition(&cluster, A), Condition::Ejected);
    let stats = cluster.stats();
    assert_eq!(stats.ejections, [("consecutive_failures", 1)].into());
    assert_eq!(stats.endpoints[0].ejections, 1);
    assert!(stats.endpoints[0].ejected_for.is_some());
    // Everything goes to the other.
    for _ in 0..6 {
        let call = go(&local);
        pass(5 * MS).await;
        world.channel(B).answer(success());
        assert_eq!(call.await.unwrap().1, [B]);
    }
    pass(29 * SECOND).await;
    assert_eq!(condition(&cluster, A), Condition::Ejected);
    pass(2 * SECOND).await;
    assert_eq!(condition(&cluster, A), Condition::Healthy);
    // The second time is twice as long, less what good intervals took back.
    ask(&world, &local, Class::ServerError, 3).await;
    pass(31 * SECOND).await;
    assert_eq!(condition(&cluster, A), Condition::Ejected);
    pass(30 * SECOND).await;
    assert_eq!(condition(&cluster, A), Condition::Healthy);
}

#[tokio::test(start_paused = true)]
async fn the_last_one_stays() {
    let world = World::new();
    let yaml =
        "{endpoints: ['10.0.0.1:1'], outlier: {consecutive: {failures: 2}, max_percent: 100}}";
    let (cluster, local) = watched(&world, yaml);
    ask(&world, &local, Class::ServerError, 2).await;
    pass(SOON).await;
    assert_eq!(condition(&cluster, A), Condition::Healthy);
    assert_eq!(cluster.stats().ejections_refused, 1);
    assert_eq!(cluster.stats().ejections, [].into());
}

#[tokio::test(start_paused = true)]
async fn so_many_percent_may_be_out_and_one_always() {
    let world = World::new();
    let endpoints: Vec<String> = (1..=8).map(|n| format!("'10.0.0.{n}:1'")).collect();
    for (percent, most) in [(0, 0), (10, 1), (25, 2), (49, 3), (100, 7)] {
        let (cluster, _) = watched(
            &world,
            &format!(
                "{{endpoints: [{}], outlier: {{consecutive: {{failures: 1}}, max_percent: {percent}}}}}",
                endpoints.join(", ")
            ),
        );
        pass(MS).await;
        let config = cluster.config();
        for member in cluster.members().iter() {
            let endpoint: &Endpoint = &member.endpoint;
            cluster.observe(endpoint, &config, crate::outlier::Seen::Unanswered);
        }
        pass(SOON).await;
        let out = cluster.members();
        let out = out.iter().filter(|m| m.condition() == Condition::Ejected);
        assert_eq!(out.count(), most, "{percent} %");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_key_nobody_is_out() {
    let world = World::new();
    let yaml = format!("{{{TWO}, outlier: {{consecutive: {{failures: 2}}}}}}");
    let (cluster, local) = watched(&world, &yaml);
    ask(&world, &local, Class::ServerError, 2).await;
    pass(SOON).await;
    assert_eq!(condition(&cluster, A), Condition::Ejected);
    cluster.reconfigure(crate::testing::config(&format!("{{{TWO}}}")));
    pass(SOON).await;
    assert_eq!(condition(&cluster, A), Condition::Healthy);
    ask(&world, &local, Class::ServerError, 20).await;
    pass(SOON).await;
    assert_eq!(condition(&cluster, A), Condition::Healthy);
}

#[tokio::test(start_paused = true)]
async fn connections_that_fail_and_answers_that_never_come_count() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let yaml = format!("{{{TWO}, outlier: {{consecutive: {{local_origin: 1}}}}}}");
    let (cluster, local) = watched(&world, &yaml);
    for _ in 0..2 {
        let call = go(&local);
        pass(5 * MS).await;
        if let Some(channel) = world.channels(B).pop()
            && !channel.methods().is_empty()
        {
            channel.answer(success());
        }
        let _ = call.await.unwrap();
    }
    pass(SOON).await;
    assert_eq!(condition(&cluster, A), Condition::Ejected);
    assert_eq!(
        cluster.stats().ejections,
        [("consecutive_local_origin", 1)].into()
    );
}

#[tokio::test(start_paused = true)]
async fn endpoints_are_compared_every_interval() {
    let world = World::new();
    let yaml = "{endpoints: ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1'], outlier: {consecutive: {failures: 0}, \
                failure_percentage: {threshold: 50, min_endpoints: 3, volume: 10}, latency: {volume: 10}, max_percent: 70}}";
    let (cluster, _) = watched(&world, yaml);
    pass(MS).await;
    let config = cluster.config();
    for member in cluster.members().iter() {
        let address = member.endpoint.address().to_string();
        for _ in 0..10 {
            let seen = match address == A {
                true => crate::outlier::Seen::Failed { gateway: false },
                false => crate::outlier::Seen::Good,
            };
            cluster.observe(&member.endpoint, &config, seen);
            let time = if address == B { SECOND } else { MS };
            member.endpoint.tally.took(time);
        }
    }
    pass(9 * SECOND).await;
    assert_eq!(cluster.stats().ejections, [].into());
    pass(2 * SECOND).await;
    assert_eq!(
        cluster.stats().ejections,
        [("failure_percentage", 1), ("latency", 1)].into()
    );
    assert_eq!(condition(&cluster, A), Condition::Ejected);
    assert_eq!(condition(&cluster, B), Condition::Ejected);
}

#[tokio::test(start_paused = true)]
async fn a_request_given_up_says_nothing() {
    let world = World::new();
    let yaml = format!("{{{TWO}, outlier: {{consecutive: {{failures: 1}}}}}}");
    let (cluster, local) = watched(&world, &yaml);
    for _ in 0..4 {
        let mut tried = Tried::new();
        let deadline = within(10 * SECOND);
        let attempt = local.attempt(FAKE, request(Kind::Unary), deadline, &mut tried);
        let _ = tokio::time::timeout(5 * MS, attempt).await;
    }
    pass(SOON).await;
    assert_eq!(cluster.stats().ejections, [].into());
}
