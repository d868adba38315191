//! Connections to endpoints that leave their cluster.

use crate::kits::{BOLT, DUBBO, RPC, THRIFT, WEB};
use crate::mesh::{Mesh, parse};

#[tokio::test]
async fn connections_to_an_endpoint_that_leaves_close() {
    for kit in [DUBBO, BOLT, THRIFT, WEB, RPC] {
        let keys = "balance: round_robin";
        let mut mesh = Mesh::start(kit, 2, keys).await;
        mesh.calls(4).await;
        assert!(
            mesh.servers.iter().all(|server| server.open() >= 1),
            "{}",
            kit.name
        );
        let gone = mesh.servers.remove(0);
        let config = parse(kit, &mesh.servers, keys);
        mesh.proxy.apply(config).unwrap();
        mesh.until("closed", |_| gone.open() == 0).await;
        let before = mesh.servers[0].accepted();
        mesh.calls(4).await;
        assert_eq!(gone.calls(), 2, "{}", kit.name);
        assert_eq!(
            mesh.servers[0].accepted(),
            before,
            "{}: those that stay are used on",
            kit.name
        );
    }
}
