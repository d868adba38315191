//! Which endpoint takes a call, for every way to balance, over Dubbo, gRPC and HTTP/1.1; and the examples that are
//! about endpoints, as they run.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, sleep};
use wireloom_conformance::load::{Client, Endpoint, Mode, Talk};
use wireloom_conformance::proxy::Proxy;

use crate::setup::{END, start};

/// Calls by which a share is told.
const CALLS: usize = 240;

async fn endpoints(talk: Talk, count: usize) -> Result<Vec<Endpoint>> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(Endpoint::start(talk).await?);
    }
    Ok(all)
}

/// A proxy with one route and one cluster; `@0` and so on stand for the endpoints' addresses.
async fn mesh(talk: Talk, to: &str, cluster: &str, endpoints: &[Endpoint]) -> Result<Proxy> {
    let yaml = format!(
        "workers: 1\nadmin: {{address: $ADMIN}}\nlisteners: [{{address: $LISTEN, routes: main}}]\n\
         routes: {{main: [{{{to}}}]}}\nclusters: {{c: {{protocol: {}, {cluster}}}}}\n",
        talk.name()
    );
    start(&filled(yaml, endpoints)).await
}

fn filled(mut yaml: String, endpoints: &[Endpoint]) -> String {
    for (at, endpoint) in endpoints.iter().enumerate() {
        yaml = yaml.replace(&format!("@{at}"), &endpoint.address().to_string());
    }
    yaml
}

/// How many of so many calls each endpoint took. All of them succeed.
async fn shares(client: &Client, endpoints: &[Endpoint], calls: usize) -> Result<Vec<usize>> {
    let before: Vec<usize> = endpoints.iter().map(Endpoint::requests).collect();
    for call in 0..calls {
        client
            .call()
            .await
            .with_context(|| format!("call {call}"))?;
    }
    let now = endpoints.iter().zip(before);
    Ok(now.map(|(e, before)| e.requests() - before).collect())
}

/// Waits until ten calls in a row succeed and all go to the endpoint at that place.
async fn only(client: &Client, endpoints: &[Endpoint], at: usize) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let shares = shares(client, endpoints, 10).await;
        if let Ok(shares) = &shares
            && shares.get(at) == Some(&10)
        {
            return Ok(());
        }
        ensure!(
            Instant::now() < end,
            "not all calls go to endpoint {at}: {shares:?}"
        );
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_balancer_gives_every_endpoint_its_share() -> Result<()> {
    for talk in Talk::ALL {
        for (balance, least) in [
            ("round_robin", 75),
            ("random", 40),
            ("least_request", 40),
            ("least_connections", 1),
            // Calls without a hash go anywhere.
            ("ring_hash", 40),
            ("maglev", 40),
            // A stall of the machine looks like a slow endpoint.
            ("peak_ewma", 1),
        ] {
            let endpoints = endpoints(talk, 3).await?;
            let keys = format!("endpoints: [\"@0\", \"@1\", \"@2\"], balance: {balance}");
            let proxy = mesh(talk, "to: c", &keys, &endpoints).await?;
            let client = Client::connect(talk, proxy.address()).await?;
            let shares = shares(&client, &endpoints, CALLS).await?;
            let what = format!("{talk:?}, {balance}: {shares:?}");
            ensure!(shares.iter().sum::<usize>() == CALLS, "{what}");
            ensure!(shares.iter().all(|share| *share >= least), "{what}");
            drop(client);
            proxy.stop(END).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_are_kept_to() -> Result<()> {
    for talk in Talk::ALL {
        let endpoints = endpoints(talk, 2).await?;
        let keys = "endpoints: [{address: \"@0\", weight: 1}, {address: \"@1\", weight: 3}], balance: round_robin";
        let proxy = mesh(talk, "to: c", keys, &endpoints).await?;
        let client = Client::connect(talk, proxy.address()).await?;
        let shares = shares(&client, &endpoints, CALLS).await?;
        ensure!(shares == [CALLS / 4, CALLS / 4 * 3], "{talk:?}: {shares:?}");
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subset_takes_its_calls_alone() -> Result<()> {
    for talk in Talk::ALL {
        let endpoints = endpoints(talk, 3).await?;
        let keys = "endpoints: [{address: \"@0\", metadata: {v: a}}, {address: \"@1\", metadata: {v: b}}, \
                    {address: \"@2\", metadata: {v: b}}], subset: {keys: [[v]]}, balance: round_robin";
        let to = "to: {cluster: c, subset: {v: b}}";
        let proxy = mesh(talk, to, keys, &endpoints).await?;
        let client = Client::connect(talk, proxy.address()).await?;
        let shares = shares(&client, &endpoints, 40).await?;
        ensure!(shares == [0, 20, 20], "{talk:?}: {shares:?}");
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_priority_takes_over_while_the_first_is_down() -> Result<()> {
    for talk in [Talk::Dubbo, Talk::Http1, Talk::Grpc] {
        let endpoints = endpoints(talk, 2).await?;
        let keys = "endpoints: [{address: \"@0\"}, {address: \"@1\", priority: 1}], health: {tcp: {}, interval: 200ms, \
                    healthy: 1, unhealthy: 1}";
        let proxy = mesh(talk, "to: c", keys, &endpoints).await?;
        let client = Client::connect(talk, proxy.address()).await?;
        let first = only(&client, &endpoints, 0).await;
        first.with_context(|| format!("{talk:?}, at first"))?;
        endpoints[0].set(Mode::Down);
        let down = only(&client, &endpoints, 1).await;
        down.with_context(|| format!("{talk:?}, while it is down"))?;
        endpoints[0].set(Mode::Well);
        let back = only(&client, &endpoints, 0).await;
        back.with_context(|| format!("{talk:?}, when it is back"))?;
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

/// A file of `examples/`, with these texts replaced, and all of them there.
fn example(name: &str, replaced: &[(&str, String)]) -> Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut yaml = std::fs::read_to_string(folder.join(name))?;
    let listen = [("127.0.0.1:2045", "$LISTEN".to_owned())];
    for (text, instead) in listen.iter().chain(replaced) {
        ensure!(yaml.contains(text), "{name} has no {text}");
        yaml = yaml.replace(text, instead);
    }
    Ok(format!("admin: {{address: $ADMIN}}\n{yaml}"))
}

fn at(endpoint: &Endpoint) -> String {
    endpoint.address().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_balancing_example_runs() -> Result<()> {
    let servers = endpoints(Talk::Dubbo, 4).await?;
    let yaml = example(
        "balancing.yaml",
        &[
            ("127.0.0.1:20881", at(&servers[0])),
            ("127.0.0.1:20882", at(&servers[1])),
            ("127.0.0.1:20883", at(&servers[2])),
            ("127.0.0.1:20884", at(&servers[3])),
        ],
    )?;
    let proxy = start(&yaml).await?;
    let client = Client::connect(Talk::Dubbo, proxy.address()).await?;
    let shares = shares(&client, &servers, 60).await?;
    ensure!(
        shares[0] > 0 && shares[2] == 0 && shares[3] == 0,
        "the near one takes calls, the draining one and the second priority do not: {shares:?}"
    );
    drop(client);
    proxy.stop(END).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_retries_example_runs() -> Result<()> {
    for (talk, ports) in [
        (Talk::Http1, ["127.0.0.1:8080", "127.0.0.1:8081"]),
        (Talk::Grpc, ["127.0.0.1:8080", "127.0.0.1:8081"]),
        (Talk::Dubbo, ["127.0.0.1:20880", "127.0.0.1:20881"]),
    ] {
        let servers = endpoints(talk, 2).await?;
        servers[0].set(Mode::Down);
        let replaced = [
            (ports[0], at(&servers[0])),
            (ports[1], at(&servers[1])),
            // The load's calls are of `echo`.
            ("prefix: get", "prefix: echo".to_owned()),
        ];
        let proxy = start(&example("retries.yaml", &replaced)?).await?;
        let client = Client::connect(talk, proxy.address()).await?;
        // Who is sent to the one that is down is tried again.
        let shares = shares(&client, &servers, 20).await?;
        ensure!(shares == [0, 20], "{talk:?}: {shares:?}");
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_resilience_example_runs() -> Result<()> {
    let servers = endpoints(Talk::Http1, 2).await?;
    let replaced = [
        ("127.0.0.1:8081", at(&servers[0])),
        ("127.0.0.1:8082", at(&servers[1])),
    ];
    let proxy = start(&example("resilience.yaml", &replaced)?).await?;
    let client = Client::connect(Talk::Http1, proxy.address()).await?;
    shares(&client, &servers, 10).await?;
    servers[0].set(Mode::Silent);
    // Its health checks find it out: nothing in the route would.
    let name = "wireloom_cluster_endpoints";
    let labels = ["cluster=\"web\"", "unhealthy"];
    let end = Instant::now() + Duration::from_secs(60);
    while proxy.metric(name, &labels).await? < 1.0 {
        ensure!(
            Instant::now() < end,
            "the silent endpoint passes its checks"
        );
        sleep(Duration::from_millis(100)).await;
    }
    let shares = shares(&client, &servers, 20).await?;
    ensure!(shares[1] == 20, "{shares:?}");
    drop(client);
    proxy.stop(END).await
}
