//! Connections that are there before the first request.

use crate::kits::{BOLT, DUBBO, Kit, RPC, Server, THRIFT, WEB};
use crate::mesh::{Mesh, parse};

/// Whose connections may be made before a request tells what to speak.
const KITS: [(Kit, &str); 5] = [
    (DUBBO, ""),
    (BOLT, ""),
    (THRIFT, "thrift: {transport: framed, protocol: binary},"),
    (WEB, ""),
    (RPC, ""),
];

#[tokio::test]
async fn the_first_request_finds_a_connection() {
    for (kit, keys) in KITS {
        let keys = format!("{keys} warm_up: 20s");
        let mesh = Mesh::start(kit, 2, &keys).await;
        mesh.until("ready", |mesh| mesh.proxy.ready()).await;
        let accepted = |mesh: &Mesh| -> usize { mesh.servers.iter().map(Server::accepted).sum() };
        // The server may be slower to take them than the proxy to make them.
        mesh.until("connected", |mesh| accepted(mesh) == 2).await;
        assert!(
            mesh.servers.iter().all(|server| server.accepted() == 1),
            "{}",
            kit.name
        );
        mesh.calls(4).await;
        assert_eq!(accepted(&mesh), 2, "{}: no other was made", kit.name);
    }
}

#[tokio::test]
async fn a_proxy_is_not_ready_before_its_connections_are_there() {
    let mesh = Mesh::start(DUBBO, 1, "warm_up: 20s").await;
    // Nothing has run since.
    assert!(!mesh.proxy.ready());
    mesh.until("ready", |mesh| mesh.proxy.ready()).await;
    let plain = Mesh::start(DUBBO, 1, "").await;
    assert!(plain.proxy.ready());
}

#[tokio::test]
async fn a_reload_connects_to_what_it_brings_before_requests_go_there() {
    for (kit, keys) in KITS {
        let keys = format!("{keys} warm_up: 20s, balance: round_robin");
        let mut mesh = Mesh::start(kit, 1, &keys).await;
        mesh.until("ready", |mesh| mesh.proxy.ready()).await;
        mesh.calls(1).await;
        mesh.servers.push(Server::start(&kit).await);
        let config = parse(kit, &mesh.servers, &keys);
        let reload = mesh.proxy.apply_warm(config);
        reload.await.unwrap();
        let clusters = serde_json::to_value(mesh.proxy.clusters()).unwrap();
        let joined = &clusters[0]["endpoints"][1];
        assert_eq!(joined["connects"], 1, "{}: {joined:#}", kit.name);
        assert_eq!(
            (&joined["weight"], &joined["requests"]),
            (&1.into(), &0.into())
        );
        mesh.calls(4).await;
        assert_eq!(mesh.servers[1].calls(), 2, "{}", kit.name);
        assert_eq!(mesh.servers[1].accepted(), 1, "{}", kit.name);
    }
}

#[tokio::test]
async fn as_many_connections_rest_as_said() {
    for (kit, keys) in KITS {
        let keys = format!("{keys} connections: {{min_idle: 3, max_age: 300ms}}");
        let mesh = Mesh::start(kit, 1, &keys).await;
        if kit.name == "thrift" {
            // Made for its dialect alone, which is named.
            assert!(keys.contains("framed"));
        }
        mesh.until("three", |mesh| mesh.servers[0].open() == 3)
            .await;
        mesh.until("renewed", |mesh| mesh.servers[0].accepted() >= 9)
            .await;
        mesh.calls(3).await;
    }
}
