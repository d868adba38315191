//! A proxy in this process, with a folder for its files.

use std::net::SocketAddr;
use std::sync::Arc;

use tempfile::TempDir;
use wireloom::{PROTOCOLS, Protocols, Proxy, config, run};
use wireloom_telemetry::Metrics;

use crate::authority::Authority;
use crate::clients::within;

/// The configuration. `listener` are more keys of the listener, `tls` those of its TLS behind certificate and key.
pub(crate) fn yaml(upstream: SocketAddr, listener: &str, tls: &str) -> String {
    format!(
        "\
workers: 1
listeners:
  - address: 127.0.0.1:0
    tls: {{certificate: cert.pem, key: key.pem{tls}}}
{listener}    routes: main
routes:
  main: [{{to: c}}]
clusters:
  c: {{endpoints: [\"{upstream}\"]}}
"
    )
}

pub(crate) struct Running {
    pub(crate) proxy: Proxy,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Running {
    /// With a certificate by `authority`, whose clients are the only ones if `tls` says so.
    pub(crate) fn start(authority: &Authority, yaml: &str) -> Self {
        Self::speaking(authority, yaml, PROTOCOLS, |protocols| protocols)
    }

    /// The same with other protocols, which have these names.
    pub(crate) fn speaking(
        authority: &Authority,
        yaml: &str,
        names: &[&str],
        protocols: impl Fn(Protocols) -> Protocols,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        authority.write(folder.path());
        let file = folder.path().join("mesh.yaml");
        std::fs::write(&file, yaml).unwrap();
        let config = config::load(&file, names).unwrap_or_else(|errors| panic!("{errors}"));
        let metrics = Arc::new(Metrics::new("0").unwrap());
        let protocols = protocols(run::builtin(&config));
        let proxy = Proxy::start(config, protocols, metrics).unwrap();
        Self {
            address: proxy.addresses()[0],
            proxy,
            _folder: folder,
        }
    }

    /// Waits until a metric of the listener has this value: connections are counted when their task ends.
    pub(crate) async fn counts(&self, metric: &str, reason: &str, expected: u64) {
        let reached = async {
            loop {
                let text = self.proxy.encode_metrics();
                let line = text.lines().find(|line| {
                    line.starts_with(metric) && line.contains(&format!("reason=\"{reason}\""))
                });
                let value = line.and_then(|line| line.rsplit_once(' ')?.1.parse().ok());
                if value == Some(expected) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        within(reached).await;
    }
}

pub(crate) const ERRORS: &str = "wireloom_downstream_connection_errors_total";
pub(crate) const UNRECOGNISED: &str = "wireloom_sniff_failures_total";
