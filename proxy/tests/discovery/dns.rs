//! Clusters whose endpoints DNS knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::mesh::Mesh;
use crate::names::Names;
use crate::users::{PROTOCOLS, Servers, Users, routes};

/// Each protocol's cluster asks for its SRV name `PROTOCOL.test`, many times a second.
fn mesh(names: &Names, more: &str) -> Mesh {
    let clusters = PROTOCOLS.map(|protocol| {
        format!(
            "  c-{protocol}: {{balance: round_robin, discovery: {{dns: {{name: {protocol}.test, type: srv, \
             servers: ['{}'], min_ttl: 10ms, max_ttl: 100ms}}}}{more}}}",
            names.address
        )
    });
    Mesh::start(&routes(), &clusters.join("\n"))
}

/// Each protocol's name stands for its servers among these, with the priority of each.
fn set(names: &Names, servers: &[(&Servers, u16)]) {
    for (at, protocol) in PROTOCOLS.iter().enumerate() {
        let each = servers.iter();
        let each = each.map(|(server, priority)| (*priority, 1, server.addresses[at].port()));
        names.servers(&format!("{protocol}.test"), &each.collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_follow_the_name_without_a_failed_request() {
    let names = Names::start().await;
    let (one, two) = (Servers::named("one").await, Servers::named("two").await);
    set(&names, &[(&one, 0)]);
    let mesh = mesh(&names, "");
    let mut users = Users::of(&mesh).await;
    // The first requests wait for the first answer.
    assert_eq!(users.ask().await, ["one"; 3]);
    let over = Arc::new(AtomicBool::new(false));
    let mut others = Vec::new();
    for _ in 0..3 {
        let (mut users, over) = (Users::of(&mesh).await, over.clone());
        others.push(tokio::spawn(async move {
            while !over.load(Relaxed) {
                users.ask().await;
            }
        }));
    }
    // Every request that is made meanwhile succeeds, or `ask` panics.
    for _ in 0..5 {
        set(&names, &[(&two, 0)]);
        users.until("two").await;
        set(&names, &[(&one, 0), (&two, 1)]);
        users.until("one").await;
        set(&names, &[(&one, 1), (&two, 0)]);
        users.until("two").await;
        set(&names, &[(&one, 0)]);
        users.until("one").await;
    }
    over.store(true, Relaxed);
    for other in others {
        other.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_addresses_outlive_their_name() {
    let names = Names::start().await;
    let one = Servers::named("one").await;
    set(&names, &[(&one, 0)]);
    let mesh = mesh(&names, "");
    let mut users = Users::of(&mesh).await;
    assert_eq!(users.ask().await, ["one"; 3]);
    for protocol in PROTOCOLS {
        names.forget(&format!("{protocol}.test"));
    }
    mesh.fails("c-dubbo").await;
    set(&names, &[]);
    mesh.fails("c-dubbo").await;
    assert_eq!(users.ask().await, ["one"; 3]);
    let labels = &["cluster=\"c-dubbo\"", "result=\"updated\""];
    mesh.counts("wireloom_discovery_total", labels, 1.0).await;
    let labels = &["cluster=\"c-dubbo\"", "state=\"listed\""];
    mesh.counts("wireloom_cluster_endpoints", labels, 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_never_was_is_no_endpoint_in_every_protocol() {
    let names = Names::start().await;
    let mesh = mesh(&names, "");
    let mut users = Users::of(&mesh).await;
    let (grpc, http, dubbo) = users.refused().await;
    assert_eq!((grpc, http), (14, 503));
    assert!(
        dubbo.contains("c-dubbo has no endpoint: none was discovered"),
        "{dubbo}"
    );
    let one = Servers::named("one").await;
    set(&names, &[(&one, 0)]);
    // After a second at most.
    mesh.counts("wireloom_discovery_total", &["result=\"updated\""], 3.0)
        .await;
    assert_eq!(users.ask().await, ["one"; 3]);
}
