//! Endpoints that fail, through a running proxy: outlier detection, health checks and limits, in one protocol of each kind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod kits;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kits::{
    BOLT, DUBBO, FAILS, HANGS_UP, Kit, PATIENCE, RPC, SILENT, Server, THRIFT, WEB, WELL, call,
};
use wireloom::{PROTOCOLS, Proxy, config, run};
use wireloom_codecs::Class;
use wireloom_telemetry::Metrics;

/// A proxy before two servers of one protocol.
struct Mesh {
    kit: Kit,
    proxy: Proxy,
    address: SocketAddr,
    a: Server,
    b: Server,
}

impl Mesh {
    /// With these keys of the cluster.
    async fn start(kit: Kit, keys: &str) -> Self {
        let (a, b) = (Server::start(&kit).await, Server::start(&kit).await);
        let yaml = format!(
            "workers: 1
listeners: [{{address: '127.0.0.1:0', routes: main}}]
routes: {{main: [{{to: c, timeout: 60s}}]}}
clusters:
  c: {{protocol: {}, endpoints: ['{}', '{}'], balance: round_robin, {keys}}}
",
            kit.name, a.address, b.address
        );
        let config = config::parse("mesh.yaml".as_ref(), &yaml, PROTOCOLS);
        let config = config.unwrap_or_else(|errors| panic!("{errors}"));
        let metrics = Arc::new(Metrics::new("0").unwrap());
        let protocols = run::builtin(&config);
        let proxy = Proxy::start(config, protocols, metrics).unwrap();
        let address = proxy.addresses()[0];
        Self {
            kit,
            proxy,
            address,
            a,
            b,
        }
    }

    /// The class of the answer to a call.
    async fn call(&self) -> Class {
        let (kit, address) = (self.kit, self.address);
        tokio::time::timeout(PATIENCE, call(kit, address))
            .await
            .expect("an answer")
    }

    /// Calls that all succeed and go to B.
    async fn all_to_b(&self) {
        let before = self.b.calls();
        for _ in 0..6 {
            assert_eq!(self.call().await, Class::Success, "{}", self.kit.name);
        }
        assert_eq!(self.b.calls() - before, 6, "{}", self.kit.name);
    }

    /// What `/clusters` says of A's health.
    fn health(&self) -> String {
        let clusters = serde_json::to_value(self.proxy.clusters()).unwrap();
        clusters[0]["endpoints"][0]["health"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn a_is(&self, health: &str) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.health() != health {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        if waited.await.is_err() {
            let clusters = serde_json::to_value(self.proxy.clusters()).unwrap();
            panic!("{} is not {health}: {clusters:#}", self.kit.name);
        }
    }

    #[track_caller]
    fn counted(&self, series: &str) {
        let text = self.proxy.encode_metrics();
        let found = text.lines().find(|line| line.starts_with(series));
        let value = found.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        assert!(
            value.is_some_and(|value| value >= 1.0),
            "{series} in {text}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_answers_with_errors_is_taken_out() {
    for kit in [DUBBO, BOLT, THRIFT, WEB, RPC] {
        let mesh = Mesh::start(
            kit,
            "outlier: {consecutive: {failures: 3}, base_ejection: 10m}",
        )
        .await;
        mesh.a.is(FAILS);
        let mut failed = 0;
        while mesh.health() != "ejected" && failed < 20 {
            failed += usize::from(mesh.call().await != Class::Success);
        }
        // The detector may need a moment longer than the third failure.
        mesh.a_is("ejected").await;
        assert!(failed >= 3, "{}: {failed}", kit.name);
        mesh.all_to_b().await;
        mesh.counted(
            "wireloom_outlier_ejections_total{cluster=\"c\",reason=\"consecutive_failures\"}",
        );
        mesh.counted("wireloom_cluster_endpoints{cluster=\"c\",state=\"ejected\"}");
    }
}

#[tokio::test]
async fn health_checks_take_an_endpoint_out_and_bring_it_back() {
    for (kit, question, broken) in [
        (DUBBO, "heartbeat: {}", HANGS_UP),
        (DUBBO, "echo: {service: com.acme.Orders}", FAILS),
        (BOLT, "heartbeat: {}", HANGS_UP),
        (THRIFT, "thrift: {method: ping}", FAILS),
        (WEB, "http: {path: /healthz}", FAILS),
        (WEB, "http: {path: /healthz}", SILENT),
        (RPC, "grpc: {}", FAILS),
        (RPC, "http: {path: /healthz}", HANGS_UP),
    ] {
        let keys = format!(
            "health: {{{question}, interval: 20ms, timeout: 2s, healthy: 1, unhealthy: 2}}, panic: {{threshold: 0}}"
        );
        let mesh = Mesh::start(kit, &keys).await;
        mesh.a_is("healthy").await;
        mesh.all_to_both().await;
        mesh.a.is(broken);
        mesh.a_is("unhealthy").await;
        mesh.all_to_b().await;
        mesh.counted("wireloom_health_checks_total{cluster=\"c\",result=\"failure\"}");
        mesh.counted("wireloom_cluster_endpoints{cluster=\"c\",state=\"unhealthy\"}");
        mesh.a.is(WELL);
        mesh.a_is("healthy").await;
        mesh.all_to_both().await;
    }
}

impl Mesh {
    /// Calls that succeed, until both servers had some.
    async fn all_to_both(&self) {
        let before = (self.a.calls(), self.b.calls());
        for _ in 0..4 {
            assert_eq!(self.call().await, Class::Success, "{}", self.kit.name);
        }
        assert!(self.a.calls() > before.0 && self.b.calls() > before.1);
    }
}

#[tokio::test]
async fn the_request_beyond_a_limit_is_refused_at_once() {
    for (kit, limits, limit) in [
        (BOLT, "in_flight: 2", "in_flight"),
        (DUBBO, "per_endpoint: {in_flight: 1}", "endpoint_in_flight"),
        (THRIFT, "per_endpoint: {in_flight: 1}", "endpoint_in_flight"),
        (WEB, "in_flight: 2", "in_flight"),
        (RPC, "per_endpoint: {in_flight: 1}", "endpoint_in_flight"),
    ] {
        let mesh = Mesh::start(kit, &format!("limits: {{{limits}}}")).await;
        mesh.a.is(SILENT);
        mesh.b.is(SILENT);
        let address = mesh.address;
        let held: Vec<_> = (0..2).map(|_| tokio::spawn(call(kit, address))).collect();
        let waited = tokio::time::timeout(PATIENCE, async {
            while mesh.a.calls() + mesh.b.calls() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.expect("both are under way");
        assert_ne!(mesh.call().await, Class::Success, "{}", kit.name);
        assert_eq!(mesh.a.calls() + mesh.b.calls(), 2, "{}", kit.name);
        mesh.counted(&format!(
            "wireloom_upstream_overflow_total{{cluster=\"c\",limit=\"{limit}\"}}"
        ));
        for call in held {
            call.abort();
        }
    }
}
