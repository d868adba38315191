//! Endpoints that a source tells, and endpoints that are where clients wanted to go.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use wireloom_codecs::{Channel, ChannelState, ErrorKind, Kind};
use wireloom_net::Address;

use crate::testing::{FAKE, World, config, go, pass, request, success, within};
use crate::{
    BoxSource, Cluster, EndpointConfig, LocalCluster, Selection, SourceError, Tried, Update,
};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";
const B: &str = "10.0.0.2:1";
const C: &str = "10.0.0.3:1";
const FOLLOWED: &str = "{discovery: scripted, connect_timeout: 3s, balance: round_robin}";

type Script = UnboundedSender<Result<Update, SourceError>>;

fn script() -> (Script, BoxSource) {
    let (sender, receiver) = unbounded_channel();
    let next = |mut receiver: tokio::sync::mpsc::UnboundedReceiver<_>| async {
        let news = receiver.recv().await?;
        Some((news, receiver))
    };
    let source = futures_util::stream::unfold(receiver, next);
    (sender, Box::pin(source))
}

fn one(address: &str) -> EndpointConfig {
    EndpointConfig::from(address.parse::<Address>().unwrap())
}

fn full(addresses: &[&str]) -> Result<Update, SourceError> {
    Ok(Update::Full(addresses.iter().map(|a| one(a)).collect()))
}

fn here(cluster: &Cluster) -> Vec<String> {
    let members = cluster.members();
    members
        .iter()
        .map(|member| member.endpoint.address().to_string())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_stays_keeps_everything_and_the_last_set_outlives_failures() {
    let world = World::new();
    let (cluster, local) = world.cluster(FOLLOWED);
    let (script, source) = script();
    let following = tokio::spawn(cluster.clone().discover(source));
    script.send(full(&[B, A, A])).unwrap();
    pass(MS).await;
    assert_eq!(here(&cluster), [A, B], "each address once, and in order");
    let calls = [go(&local), go(&local)];
    pass(5 * MS).await;
    let kept = cluster.members().get(0).unwrap().endpoint.clone();

    let mut heavy = one(A);
    heavy.weight = 1_000_000;
    let delta = Update::Delta {
        changed: vec![heavy, one(C)],
        removed: vec![B.parse().unwrap()],
    };
    script.send(Ok(delta)).unwrap();
    pass(100 * MS).await;
    assert_eq!(here(&cluster), [A, C]);
    let members = cluster.members();
    let first = members.get(0).unwrap();
    assert!(Arc::ptr_eq(&first.endpoint, &kept));
    assert_eq!((first.weight, kept.active()), (10_000, 1));
    assert_eq!(world.channel(A).state(), ChannelState::Open);
    assert_eq!(world.channel(B).state(), ChannelState::Draining);
    for address in [A, B] {
        world.channel(address).answer(success());
    }
    for call in calls {
        call.await.unwrap().0.unwrap();
    }

    for _ in 0..3 {
        script.send(Err(SourceError::new("nobody knows"))).unwrap();
    }
    drop(script);
    following.await.unwrap();
    assert_eq!(here(&cluster), [A, C], "also after the end");
    let stats = cluster.stats();
    assert_eq!((stats.discovery_updates, stats.discovery_failures), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_burst_becomes_one_set_and_the_same_set_none() {
    let cluster = Cluster::new("shop", config(FOLLOWED));
    let (script, source) = script();
    tokio::spawn(cluster.clone().discover(source));
    for last in 1..=200 {
        script.send(full(&[&format!("10.0.0.{last}:1")])).unwrap();
    }
    pass(500 * MS).await;
    assert_eq!(here(&cluster), ["10.0.0.200:1"]);
    // The first, and then all that came at once.
    assert_eq!(cluster.stats().discovery_updates, 2);
    let before = cluster.members();
    script.send(full(&["10.0.0.200:1"])).unwrap();
    pass(500 * MS).await;
    assert!(Arc::ptr_eq(&before, &cluster.members()));
    assert_eq!(cluster.stats().discovery_updates, 2);
    script.send(full(&[])).unwrap();
    pass(500 * MS).await;
    assert!(cluster.members().is_empty(), "a source may mean nobody");
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_everything_but_who_was_found() {
    let cluster = Cluster::new("shop", config(FOLLOWED));
    let (script, source) = script();
    tokio::spawn(cluster.clone().discover(source));
    script.send(full(&[A, B])).unwrap();
    pass(MS).await;
    assert!(cluster.is_configured(&config(FOLLOWED)));
    let next = config("{discovery: scripted, connect_timeout: 7s}");
    assert!(!cluster.is_configured(&next));
    let before = cluster.members();
    cluster.reconfigure(next.clone());
    assert_eq!(here(&cluster), [A, B]);
    assert!(Arc::ptr_eq(
        &before.get(0).unwrap().endpoint,
        &cluster.members().get(0).unwrap().endpoint
    ));
    assert!(cluster.is_configured(&next));
    cluster.reconfigure(config("endpoints: ['10.0.0.3:1']"));
    assert_eq!(here(&cluster), [C]);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_first_endpoints_and_no_longer_than_for_a_connection() {
    let world = World::new();
    let (cluster, local) =
        world.cluster("{discovery: scripted, connect_timeout: 3s, limits: {pending: 2}}");
    let (script, source) = script();
    tokio::spawn(cluster.clone().discover(source));
    let waiting = [go(&local), go(&local)];
    pass(MS).await;
    assert_eq!(cluster.stats().pending, 2);
    let refused = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(refused.error.kind, ErrorKind::Overloaded);
    script.send(full(&[A])).unwrap();
    pass(10 * MS).await;
    for _ in 0..2 {
        world.channel(A).answer(success());
    }
    for call in waiting {
        call.await.unwrap().0.unwrap();
    }
    assert_eq!(world.channels(A).len(), 1);

    let (_cluster, local) = world.cluster(FOLLOWED);
    let begun = tokio::time::Instant::now();
    let error = go(&local).await.unwrap().0.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::NoEndpoint, false)
    );
    assert!(
        error.error.to_string().contains("within 3s"),
        "{}",
        error.error
    );
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_be_found_nobody_waits() {
    let world = World::new();
    let (cluster, local) = world.cluster(FOLLOWED);
    let (script, source) = script();
    tokio::spawn(cluster.clone().discover(source));
    let waiting = go(&local);
    pass(MS).await;
    script.send(Err(SourceError::new("no such name"))).unwrap();
    let begun = tokio::time::Instant::now();
    for call in [waiting, go(&local)] {
        let error = call.await.unwrap().0.unwrap_err();
        assert_eq!(error.error.kind, ErrorKind::NoEndpoint);
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(cluster.stats().no_endpoint, 2);
}

/// Sends a request there; who was asked.
async fn send_to(local: &Arc<LocalCluster>, to: Option<&str>) -> Result<Vec<String>, ErrorKind> {
    let address = to.map(|to| to.parse::<Address>().unwrap());
    let selection = Selection {
        destination: address.as_ref(),
        ..Selection::ANY
    };
    let mut tried = Tried::new();
    let request = request(Kind::OneWay);
    let deadline = within(Duration::from_secs(10));
    let attempt = local.select(&selection, FAKE, request, deadline, &mut tried);
    attempt.await.map_err(|failed| failed.error.kind)?;
    let tried = tried.iter().map(|one| one.address().to_string());
    Ok(tried.collect())
}

#[tokio::test(start_paused = true)]
async fn destinations_come_with_requests_and_go_when_idle() {
    let world = World::new();
    let (cluster, local) = world
        .cluster("{discovery: {original_destination: {limit: 2, idle: 60s}}, idle_timeout: 1s}");
    let other = LocalCluster::new(cluster.clone(), world.upstream());
    let sweep = tokio::spawn(cluster.clone().sweep_destinations());
    assert!(!cluster.is_warming());
    assert_eq!(send_to(&local, Some(B)).await.unwrap(), [B]);
    assert_eq!(send_to(&other, Some(A)).await.unwrap(), [A]);
    assert_eq!(send_to(&local, Some(A)).await.unwrap(), [A]);
    assert_eq!(send_to(&local, None).await, Err(ErrorKind::NoEndpoint));
    assert_eq!(send_to(&local, Some(C)).await, Err(ErrorKind::Overloaded));
    assert_eq!(cluster.stats().overflow, [("endpoints", 1)].into());
    for _ in 0..10 {
        pass(Duration::from_secs(10)).await;
        send_to(&local, Some(A)).await.unwrap();
    }
    assert_eq!(here(&cluster), [A]);
    assert_eq!(send_to(&local, Some(C)).await.unwrap(), [C]);
    assert_eq!(here(&cluster), [A, C]);
    cluster.reconfigure(config("endpoints: ['10.0.0.1:1']"));
    pass(Duration::from_secs(60)).await;
    assert!(sweep.is_finished());
}
