//! Health checks of another port than the one that serves.

use crate::kits::{DUBBO, RPC, Server, THRIFT, WEB};
use crate::mesh::Mesh;

#[tokio::test]
async fn another_port_tells_of_an_endpoints_health() {
    for (kit, other, question) in [
        (DUBBO, WEB, "http: {path: /healthz}"),
        (THRIFT, RPC, "grpc: {}"),
        (RPC, WEB, "tcp: {}"),
    ] {
        let side = Server::start(&other).await;
        let keys = format!(
            "health: {{{question}, port: {}, interval: 20ms, timeout: 2s, healthy: 1, unhealthy: 1}}, panic: {{threshold: 0}}",
            side.address.port()
        );
        let mesh = Mesh::start(kit, 1, &keys).await;
        let passed = "wireloom_health_checks_total{cluster=\"c\",result=\"success\"}";
        mesh.until("checked", |mesh| mesh.counted(passed) >= 1.0)
            .await;
        assert!(side.accepted() >= 1, "{}", kit.name);
        assert_eq!(
            mesh.servers[0].accepted(),
            0,
            "{}: nobody asks there",
            kit.name
        );
        mesh.calls(2).await;
        assert_eq!(mesh.servers[0].calls(), 2);
    }
}
