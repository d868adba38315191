//! A proxy before one server, or before several.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use wireloom::{PROTOCOLS, Proxy, config, run};
use wireloom_codecs::Class;
use wireloom_telemetry::Metrics;

use crate::kits::{Kit, PATIENCE, Server, call};

pub(crate) struct Mesh {
    pub(crate) kit: Kit,
    pub(crate) proxy: Proxy,
    pub(crate) address: SocketAddr,
    pub(crate) servers: Vec<Server>,
}

/// Before these servers, with these keys of the cluster.
pub(crate) fn parse(kit: Kit, servers: &[Server], keys: &str) -> config::Config {
    let addresses: Vec<_> = servers
        .iter()
        .map(|one| format!("'{}'", one.address))
        .collect();
    let yaml = format!(
        "workers: 1
listeners: [{{address: '127.0.0.1:0', routes: main}}]
routes: {{main: [{{to: c, timeout: 60s}}]}}
clusters:
  c: {{protocol: {}, endpoints: [{}], {keys}}}
",
        kit.name,
        addresses.join(", ")
    );
    let config = config::parse("mesh.yaml".as_ref(), &yaml, PROTOCOLS);
    config.unwrap_or_else(|errors| panic!("{errors}"))
}

impl Mesh {
    /// Before that many servers, with these keys of the cluster.
    pub(crate) async fn start(kit: Kit, servers: usize, keys: &str) -> Self {
        let mut started = Vec::new();
        for _ in 0..servers {
            started.push(Server::start(&kit).await);
        }
        let config = parse(kit, &started, keys);
        let metrics = Arc::new(Metrics::new("0").unwrap());
        let protocols = run::builtin(&config);
        let proxy = Proxy::start(config, protocols, metrics).unwrap();
        Self {
            kit,
            address: proxy.addresses()[0],
            proxy,
            servers: started,
        }
    }

    /// The class of the answer to a call over a connection of its own.
    pub(crate) async fn call(&self) -> Class {
        let called = tokio::time::timeout(PATIENCE, call(self.kit, self.address));
        called.await.expect("an answer")
    }

    /// Calls that all succeed.
    pub(crate) async fn calls(&self, number: usize) {
        for _ in 0..number {
            assert_eq!(self.call().await, Class::Success, "{}", self.kit.name);
        }
    }

    /// Waits until it is so.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !so(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        if waited.await.is_err() {
            let clusters = serde_json::to_value(self.proxy.clusters()).unwrap();
            panic!("{}: not {what}: {clusters:#}", self.kit.name);
        }
    }

    /// The sum of a metric's series that begin so.
    pub(crate) fn counted(&self, series: &str) -> f64 {
        let text = self.proxy.encode_metrics();
        let found = text.lines().filter(|line| line.starts_with(series));
        let values = found.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        values.sum()
    }
}
