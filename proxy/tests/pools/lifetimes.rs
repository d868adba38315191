//! Connections that are used for a limited time or number of requests.

use wireloom_codecs::Class;

use crate::kits::{BOLT, DUBBO, PATIENCE, RPC, THRIFT, WEB, call};
use crate::mesh::Mesh;

#[tokio::test]
async fn a_connection_takes_so_many_requests_and_closes() {
    for kit in [DUBBO, BOLT, THRIFT, WEB, RPC] {
        let mesh = Mesh::start(kit, 1, "connections: {max_requests: 3, jitter: 0}").await;
        mesh.calls(12).await;
        let (accepted, name) = (mesh.servers[0].accepted(), kit.name);
        // One that was made early to take over may have had none yet.
        assert!(
            (4..=6).contains(&accepted),
            "{name}: {accepted} connections"
        );
        mesh.until("closed", |mesh| mesh.servers[0].open() <= 2)
            .await;
        let retired =
            "wireloom_upstream_connections_retired_total{cluster=\"c\",reason=\"max_requests\"}";
        assert!(mesh.counted(retired) >= 3.0, "{name}");
    }
}

#[tokio::test]
async fn no_request_fails_while_connections_take_turns() {
    for kit in [DUBBO, THRIFT, WEB, RPC] {
        let keys = "connections: {max_requests: 5, max_age: 30ms, jitter: 50}";
        let mesh = Mesh::start(kit, 1, keys).await;
        let address = mesh.address;
        let callers: Vec<_> = (0..8)
            .map(|_| {
                tokio::spawn(async move {
                    for _ in 0..25 {
                        let called = tokio::time::timeout(PATIENCE, call(kit, address));
                        assert_eq!(
                            called.await.expect("an answer"),
                            Class::Success,
                            "{}",
                            kit.name
                        );
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        assert!(mesh.servers[0].accepted() > 10, "{}", kit.name);
    }
}

#[tokio::test]
async fn a_resting_connection_closes_when_it_is_old() {
    for kit in [DUBBO, BOLT, THRIFT, WEB, RPC] {
        let mesh = Mesh::start(kit, 1, "connections: {max_age: 100ms}").await;
        mesh.calls(1).await;
        mesh.until("closed", |mesh| mesh.servers[0].open() == 0)
            .await;
        let retired =
            "wireloom_upstream_connections_retired_total{cluster=\"c\",reason=\"max_age\"}";
        assert!(mesh.counted(retired) >= 1.0, "{}", kit.name);
        mesh.calls(1).await;
    }
}
