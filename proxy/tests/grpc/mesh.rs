//! A proxy with a configuration of the test's own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use wireloom::{PROTOCOLS, Proxy, config, run};
use wireloom_telemetry::Metrics;

/// Nothing here takes this long, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

/// A configuration of these routes and clusters.
pub(crate) fn yaml(routes: &str, clusters: &str) -> String {
    format!(
        "workers: 1
listeners: [{{name: mesh, address: '127.0.0.1:0', routes: main}}]
routes:
  main:
{routes}
clusters:
{clusters}
"
    )
}

pub(crate) struct Mesh {
    pub(crate) proxy: Proxy,
    pub(crate) address: SocketAddr,
}

impl Mesh {
    /// With these routes and clusters.
    pub(crate) fn start(routes: &str, clusters: &str) -> Self {
        Self::of(&yaml(routes, clusters))
    }

    /// With this configuration.
    pub(crate) fn of(yaml: &str) -> Self {
        let config = config::parse("mesh.yaml".as_ref(), yaml, PROTOCOLS);
        let config = config.unwrap_or_else(|errors| panic!("{errors}"));
        let metrics = Arc::new(Metrics::new("0").unwrap());
        let protocols = run::builtin(&config);
        let proxy = Proxy::start(config, protocols, metrics).unwrap();
        let address = proxy.addresses()[0];
        Self { proxy, address }
    }

    /// Loads another configuration.
    #[allow(dead_code, reason = "tests elsewhere use it")]
    pub(crate) fn apply(&self, yaml: &str) {
        let config = config::parse("mesh.yaml".as_ref(), yaml, PROTOCOLS);
        let config = config.unwrap_or_else(|errors| panic!("{errors}"));
        self.proxy.apply(config).unwrap();
    }

    /// With one route to one server; `route` are more keys of it, each behind a comma.
    pub(crate) fn to(server: SocketAddr, route: &str) -> Self {
        Self::start(
            &format!("    - {{name: all, to: c{route}}}"),
            &format!("  c: {{endpoints: ['{server}']}}"),
        )
    }

    /// The sum of a metric's series that have all of these labels.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.proxy.encode_metrics();
        let series = text.lines().filter(|line| {
            line.split(['{', ' ']).next() == Some(name)
                && labels.iter().all(|label| line.contains(label))
        });
        series
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// Waits until a metric has this value: what is recorded at the end of a body is recorded a little after its client
    /// has it.
    pub(crate) async fn counts(&self, name: &str, labels: &[&str], expected: f64) {
        let reached = async {
            while self.metric(name, labels) != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            let is = self.metric(name, labels);
            panic!("{name} {labels:?} is {is}\n{}", self.proxy.encode_metrics());
        }
    }

    /// Waits until discovery has failed once more for a cluster.
    #[allow(dead_code, reason = "not every test file discovers")]
    pub(crate) async fn fails(&self, cluster: &str) {
        let cluster = format!("cluster=\"{cluster}\"");
        let labels = &[cluster.as_str(), "result=\"failed\""];
        let failed = || self.metric("wireloom_discovery_total", labels);
        let before = failed();
        soon(async {
            while failed() <= before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Failures of the only endpoint of the only cluster, as `/clusters` shows them.
    pub(crate) async fn endpoint_failures(&self, expected: u64) {
        let shown = || {
            let clusters = serde_json::to_value(self.proxy.clusters()).unwrap();
            clusters[0]["endpoints"][0]["failures"].as_u64()
        };
        let reached = async {
            while shown() != Some(expected) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            let clusters = serde_json::to_value(self.proxy.clusters()).unwrap();
            panic!("{clusters:#}");
        }
    }
}
