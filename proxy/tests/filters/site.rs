//! A proxy with the filter in it, in front of a server of each protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use wireloom::{PROTOCOLS, Program, Proxy, config, run};
use wireloom_telemetry::Metrics;

use crate::client::Client;
use crate::dubbo::{Consumer, provider};
use crate::mesh::soon;
use crate::probe::Probe;
use crate::server::Server;
use crate::{http1, thrift};

pub(crate) struct Site {
    pub(crate) proxy: Proxy,
    pub(crate) address: SocketAddr,
    pub(crate) server: Server,
    ports: [(&'static str, SocketAddr); 4],
}

/// YAML with one route for each protocol; `listener` and `route` are more keys of each.
fn yaml(ports: &[(&str, SocketAddr)], listen: &str, listener: &str, route: &str) -> String {
    let (mut routes, mut clusters) = (String::new(), String::new());
    for (protocol, at) in ports {
        routes += &format!(
            "    - {{name: {protocol}, match: {{protocol: {protocol}}}, to: {protocol}{route}}}\n"
        );
        clusters += &format!("  {protocol}: {{endpoints: ['{at}']}}\n");
    }
    format!(
        "workers: 1
listeners: [{{name: mesh, address: '{listen}', routes: main{listener}}}]
routes:
  main:
{routes}
clusters:
{clusters}"
    )
}

fn read(yaml: &str) -> config::Config {
    let program = Program::new().filter::<Probe>();
    let config = config::parse_with(
        "mesh.yaml".as_ref(),
        yaml,
        PROTOCOLS,
        program.filters(),
        program.sources(),
    );
    config.unwrap_or_else(|errors| panic!("{errors}"))
}

impl Site {
    pub(crate) async fn start(listener: &str, route: &str) -> Self {
        Self::before(Server::named("a").await, listener, route).await
    }

    /// With this gRPC server.
    pub(crate) async fn before(server: Server, listener: &str, route: &str) -> Self {
        let ports = [
            ("grpc", server.address),
            ("http1", http1::server("a").await),
            ("dubbo", provider("a").await),
            ("thrift", thrift::server("a").await),
        ];
        let config = read(&yaml(&ports, "127.0.0.1:0", listener, route));
        let protocols = run::builtin(&config);
        let metrics = Arc::new(Metrics::new("0").unwrap());
        let filters = Program::new().filter::<Probe>().filters().clone();
        let proxy = Proxy::start_with(config, protocols, filters, metrics).unwrap();
        let address = proxy.addresses()[0];
        Self {
            proxy,
            address,
            server,
            ports,
        }
    }

    /// Another configuration takes the place of the first.
    pub(crate) fn reload(&self, listener: &str, route: &str) {
        let yaml = yaml(&self.ports, "127.0.0.1:0", listener, route);
        self.proxy.apply(read(&yaml)).unwrap();
    }

    pub(crate) async fn grpc(&self) -> Client {
        Client::connect(self.address).await
    }

    pub(crate) async fn http(&self) -> http1::Client {
        http1::Client::connect(self.address).await
    }

    pub(crate) async fn dubbo(&self) -> Consumer {
        Consumer::connect(self.address).await
    }

    pub(crate) async fn thrift(&self) -> thrift::Client {
        thrift::Client::connect(self.address).await
    }

    /// The value of the only series of a metric that has all of these labels; 0 if there is none.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let text = self.proxy.encode_metrics();
        let mut lines = text.lines().filter(|line| {
            line.starts_with(name) && labels.iter().all(|label| line.contains(label))
        });
        let value = lines
            .next()
            .and_then(|line| line.rsplit(' ').next()?.parse().ok());
        value.unwrap_or_default()
    }
}

/// Waits until it is so.
pub(crate) async fn until(so: impl Fn() -> bool) {
    soon(async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
