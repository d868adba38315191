//! Endpoints that are asked whether they are well.

use std::sync::Arc;
use std::time::Duration;

use crate::testing::{Plan, World, config, pass};
use crate::{Cluster, Condition};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";

fn checked(world: &Arc<World>, yaml: &str) -> Arc<Cluster> {
    let cluster = Cluster::new("shop", config(yaml));
    tokio::spawn(cluster.clone().check_health(world.upstream()));
    cluster
}

fn conditions(cluster: &Cluster) -> Vec<Condition> {
    cluster.members().iter().map(|m| m.condition()).collect()
}

const HEALTH: &str = "health: {interval: 10s, jitter: 0, timeout: 1s, healthy: 2, unhealthy: 3}";

#[tokio::test(start_paused = true)]
async fn rows_of_checks_take_an_endpoint_out_and_bring_it_back() {
    let world = World::new();
    let cluster = checked(&world, &format!("{{endpoints: ['{A}', '{B}'], {HEALTH}}}"));
    let (well, out) = (Condition::Healthy, Condition::Unhealthy);
    pass(SECOND).await;
    assert_eq!((world.dials(), conditions(&cluster)), (2, vec![well, well]));
    world.plan(A, Plan::Refuse);
    pass(20 * SECOND).await;
    assert_eq!(conditions(&cluster), [well, well]);
    pass(10 * SECOND).await;
    assert_eq!(conditions(&cluster), [out, well]);
    let stats = cluster.stats();
    assert_eq!((stats.checks_passed, stats.checks_failed), (5, 3));
    let error = stats.endpoints[0].check_error.clone().unwrap();
    assert!(error.contains("Connection refused"), "{error}");
    world.plan(A, Plan::Accept);
    pass(10 * SECOND).await;
    assert_eq!(conditions(&cluster), [out, well]);
    pass(10 * SECOND).await;
    assert_eq!(conditions(&cluster), [well, well]);
    assert_eq!(cluster.stats().endpoints[0].check_error, None);
}

#[tokio::test(start_paused = true)]
async fn the_first_check_decides_and_a_newcomer_has_to_pass_it() {
    let world = World::new();
    world.plan(A, Plan::Hang);
    let cluster = checked(&world, &format!("{{endpoints: ['{A}'], {HEALTH}}}"));
    pass(500 * MS).await;
    assert_eq!(conditions(&cluster), [Condition::Healthy]);
    pass(SECOND).await;
    assert_eq!(conditions(&cluster), [Condition::Unhealthy]);
    world.plan(B, Plan::Hang);
    let both = format!("{{endpoints: ['{A}', '{B}'], {HEALTH}}}");
    cluster.reconfigure(config(&both));
    pass(MS).await;
    assert_eq!(conditions(&cluster), [Condition::Unhealthy; 2]);
    world.plan(B, Plan::Accept);
    // The check under way hangs; the next two are good.
    pass(25 * SECOND).await;
    assert_eq!(conditions(&cluster)[1], Condition::Healthy);
    world.plan("10.0.0.3:1", Plan::Accept);
    let three = format!("{{endpoints: ['{A}', '{B}', '10.0.0.3:1'], {HEALTH}}}");
    cluster.reconfigure(config(&three));
    assert_eq!(conditions(&cluster)[1], Condition::Healthy);
    pass(50 * MS).await;
    assert_eq!(conditions(&cluster)[2], Condition::Healthy);
}

#[tokio::test(start_paused = true)]
async fn failing_endpoints_are_asked_more_often_and_gone_ones_not_at_all() {
    let world = World::new();
    world.plan(A, Plan::Refuse);
    let fast = HEALTH.replace("jitter", "interval_unhealthy: 1s, jitter");
    let cluster = checked(&world, &format!("{{endpoints: ['{A}', '{B}'], {fast}}}"));
    pass(10 * SECOND).await;
    assert_eq!(
        conditions(&cluster),
        [Condition::Unhealthy, Condition::Healthy]
    );
    let dials = world.dials();
    assert!((10..=12).contains(&dials), "{dials}");
    cluster.reconfigure(config(&format!("{{endpoints: ['{B}'], {fast}}}")));
    pass(100 * SECOND).await;
    let more = world.dials() - dials;
    assert!((9..=11).contains(&more), "{more}");
    // Without the key nobody is asked, and nobody is out.
    world.plan(B, Plan::Refuse);
    pass(20 * SECOND).await;
    assert_eq!(conditions(&cluster), [Condition::Unhealthy]);
    cluster.reconfigure(config(&format!("{{endpoints: ['{B}']}}")));
    pass(MS).await;
    let dials = world.dials();
    pass(100 * SECOND).await;
    assert_eq!(
        (conditions(&cluster), world.dials()),
        (vec![Condition::Healthy], dials)
    );
}

#[tokio::test(start_paused = true)]
async fn checks_of_many_endpoints_do_not_come_at_once() {
    let world = World::new();
    let endpoints: Vec<String> = (0..200).map(|n| format!("'10.0.1.{n}:1'")).collect();
    let yaml = format!(
        "{{endpoints: [{}], health: {{interval: 1s}}}}",
        endpoints.join(", ")
    );
    let _cluster = checked(&world, &yaml);
    let start = tokio::time::Instant::now();
    pass(11 * SECOND).await;
    let mut bins = vec![0; 120];
    for time in world.dial_times() {
        bins[(time - start).as_millis() as usize / 100] += 1;
    }
    // Of those of a second, no more than a quarter in a tenth of it.
    assert!(bins.iter().all(|bin| *bin <= 50), "{bins:?}");
    assert!(bins.iter().sum::<i32>() >= 1800, "{bins:?}");
}

#[tokio::test(start_paused = true)]
async fn a_good_check_ends_an_ejection() {
    let world = World::new();
    let yaml = format!(
        "{{endpoints: ['{A}', '{B}'], {HEALTH}, outlier: {{consecutive: {{failures: 1}}}}}}"
    );
    let cluster = checked(&world, &yaml);
    tokio::spawn(cluster.clone().detect_outliers());
    pass(SECOND).await;
    let endpoint = cluster.members().get(0).unwrap().endpoint.clone();
    cluster.observe(
        &endpoint,
        &cluster.config(),
        crate::outlier::Seen::Unanswered,
    );
    pass(20 * MS).await;
    assert_eq!(conditions(&cluster)[0], Condition::Ejected);
    pass(10 * SECOND).await;
    assert_eq!(conditions(&cluster)[0], Condition::Healthy);
}

#[test]
fn one_question_that_can_be_asked() {
    for (health, path) in [
        ("{tcp: {}, http: {path: /}}", "health.http"),
        ("{heartbeat: {}}", "health.heartbeat"),
        ("{http: {path: healthz}}", "health.http.path"),
        ("{http: {path: /, codes: []}}", "health.http.codes"),
        ("{interval_unhealthy: 0s}", "health.interval_unhealthy"),
    ] {
        let config = config(&format!("{{endpoints: ['{A}'], health: {health}}}"));
        let problems = config.problems();
        assert_eq!(problems.len(), 1, "{health}");
        assert_eq!(problems[0].path, path);
    }
    let text = format!(
        "{{endpoints: ['{A}'], health: {{http: {{path: /, codes: [204, 300-399]}}}}, outlier: {{}}}}"
    );
    let good = config(&text);
    assert_eq!(good.problems(), []);
    let json = serde_json::to_string(&good).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::ClusterConfig>(&json).unwrap(),
        good
    );
}
