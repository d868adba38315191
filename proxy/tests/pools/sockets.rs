//! The sockets of connections to endpoints, as a server sees them.

use wireloom_codecs::Class;

use crate::kits::{DUBBO, RPC, THRIFT, WEB};
use crate::mesh::Mesh;

#[tokio::test]
async fn connections_come_from_the_address_that_is_configured() {
    for kit in [DUBBO, THRIFT, WEB, RPC] {
        let keys = "tcp: {source: 127.0.0.77, nodelay: false, keepalive: {idle: 7s}}";
        let mesh = Mesh::start(kit, 1, keys).await;
        mesh.calls(2).await;
        let peers = mesh.servers[0].peers();
        assert!(!peers.is_empty(), "{}", kit.name);
        assert!(
            peers.iter().all(|ip| ip.to_string() == "127.0.0.77"),
            "{peers:?}"
        );
    }
}

#[tokio::test]
async fn an_option_that_the_system_refuses_is_a_failure_to_connect() {
    for kit in [DUBBO, WEB, RPC] {
        // Nobody's address (RFC 5737).
        let mesh = Mesh::start(kit, 1, "tcp: {source: 192.0.2.1}").await;
        assert_ne!(mesh.call().await, Class::Success, "{}", kit.name);
        let clusters = serde_json::to_value(mesh.proxy.clusters()).unwrap();
        let why = clusters[0]["endpoints"][0]["backing_off"]["error"].to_string();
        assert!(
            why.contains("the source address 192.0.2.1 cannot be used"),
            "{why}"
        );
        assert_eq!(mesh.servers[0].accepted(), 0);
    }
}
