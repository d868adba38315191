//! Requests under way by how long answers take.

use wireloom_codecs::Class;

use crate::kits::{DUBBO, PATIENCE, RPC, SILENT, THRIFT, WEB, call};
use crate::mesh::Mesh;

#[tokio::test]
async fn what_is_beyond_the_limit_is_refused_in_the_protocols_own_form() {
    for kit in [DUBBO, THRIFT, WEB, RPC] {
        let keys = "limits: {adaptive: {min: 2, max: 50, min_rtt: {requests: 1}}}";
        let mesh = Mesh::start(kit, 1, keys).await;
        let limit =
            |mesh: &Mesh| mesh.counted("wireloom_upstream_concurrency_limit{cluster=\"c\"}");
        mesh.until("limited", |mesh| limit(mesh) >= 2.0).await;
        // Without an answer the limit stays where a measurement has it.
        mesh.servers[0].is(SILENT);
        let address = mesh.address;
        let held: Vec<_> = (0..2).map(|_| tokio::spawn(call(kit, address))).collect();
        mesh.until("under way", |mesh| mesh.servers[0].calls() == 2)
            .await;
        assert_ne!(mesh.call().await, Class::Success, "{}", kit.name);
        assert_eq!(mesh.servers[0].calls(), 2, "{}", kit.name);
        let refused = "wireloom_upstream_overflow_total{cluster=\"c\",limit=\"adaptive\"}";
        assert!(mesh.counted(refused) >= 1.0, "{}", kit.name);
        held.iter().for_each(tokio::task::JoinHandle::abort);

        // Where there are answers, more and more is let in.
        let mesh = Mesh::start(kit, 1, keys).await;
        let grown = tokio::time::timeout(PATIENCE, async {
            while limit(&mesh) <= 2.0 {
                mesh.call().await;
            }
        });
        if grown.await.is_err() {
            let clusters = serde_json::to_value(mesh.proxy.clusters()).unwrap();
            panic!("{}: the limit stays: {clusters:#}", kit.name);
        }
    }
}
