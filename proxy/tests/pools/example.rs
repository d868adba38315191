//! `examples/pools.yaml`, run.

use std::path::Path;
use std::sync::Arc;

use wireloom::{PROTOCOLS, Proxy, config, run};
use wireloom_codecs::Class;
use wireloom_telemetry::Metrics;

use crate::kits::{BOLT, DUBBO, PATIENCE, RPC, Server, WEB, call};

#[tokio::test]
async fn the_example_does_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/pools.yaml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text = text.replace("127.0.0.1:2045", "127.0.0.1:0");
    let mut servers = Vec::new();
    for (kit, port) in [
        (DUBBO, 20880),
        (DUBBO, 20881),
        (RPC, 50051),
        (WEB, 8080),
        (BOLT, 12200),
    ] {
        let server = Server::start(&kit).await;
        let at = format!("127.0.0.1:{port}");
        assert!(text.contains(&at), "{at}");
        text = text.replace(&at, &server.address.to_string());
        servers.push(server);
    }
    let config = config::parse(&path, &format!("workers: 1\n{text}"), PROTOCOLS);
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let protocols = run::builtin(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = Proxy::start(config, protocols, metrics).unwrap();
    let address = proxy.addresses()[0];
    let connects = |cluster: usize, endpoint: usize| {
        let clusters = serde_json::to_value(proxy.clusters()).unwrap();
        clusters[cluster]["endpoints"][endpoint]["connects"].as_u64()
    };
    let ready = tokio::time::timeout(PATIENCE, async {
        // By name: orders, search, sessions, web. No request has come.
        while !proxy.ready() || connects(0, 0) != Some(2) || connects(0, 1) != Some(2) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    ready.await.expect("two connections to each");
    for cluster in 1..4 {
        assert_eq!(connects(cluster, 0), Some(0));
    }
    for kit in [DUBBO, RPC, WEB, BOLT] {
        for _ in 0..20 {
            let called = tokio::time::timeout(PATIENCE, call(kit, address));
            assert_eq!(
                called.await.expect("an answer"),
                Class::Success,
                "{}",
                kit.name
            );
        }
    }
    assert_eq!((connects(0, 0), connects(0, 1)), (Some(2), Some(2)));
    // For each of the twenty callers one.
    assert_eq!(connects(2, 0), Some(20));
    // Of at most eight requests each.
    assert!(connects(1, 0) >= Some(3), "{:?}", connects(1, 0));
    let metrics = proxy.encode_metrics();
    let limit = metrics
        .lines()
        .find(|line| line.starts_with("wireloom_upstream_concurrency_limit{cluster=\"search\"}"));
    let limit: f64 = limit.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!((10.0..=200.0).contains(&limit), "{limit}");
}
