//! A source of somebody else's.

use std::sync::Arc;

use futures_util::StreamExt;
use wireloom::{BoxSource, Discovery, Program, Proxy, Sources, Update, config};
use wireloom_telemetry::Metrics;

use crate::http1;

/// Its settings are its endpoints, and never others.
struct Fixed;

impl Discovery for Fixed {
    fn source(&self, _: &str, settings: &serde_json::Value) -> Result<BoxSource, String> {
        let endpoints = serde_json::from_value(settings.clone());
        let endpoints = endpoints.map_err(|_| "write a list of endpoints".to_owned())?;
        let once = async { Ok(Update::Full(endpoints)) };
        let never = futures_util::stream::pending();
        Ok(Box::pin(futures_util::stream::once(once).chain(never)))
    }
}

fn yaml(discovery: &str) -> String {
    format!(
        "
workers: 1
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{to: c}}]}}
clusters:
  c:
    discovery: {discovery}
"
    )
}

#[tokio::test]
async fn a_program_may_bring_its_own() {
    let server = http1::server("one").await;
    let program = Program::new().with_source("fixed", Fixed);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let load = |discovery: &str, sources: &Sources| {
        std::fs::write(&path, yaml(discovery)).unwrap();
        config::load_with(&path, &program.names(), program.filters(), sources)
            .map_err(|errors| errors.to_string())
    };
    let fixed = format!("{{fixed: ['{server}']}}");
    let config = load(&fixed, program.sources()).unwrap();
    let protocols = program.protocols(&config);
    let proxy = Proxy::start(config, protocols, Arc::new(Metrics::new("0").unwrap())).unwrap();
    let mut client = http1::Client::connect(proxy.addresses()[0]).await;
    assert_eq!(client.get("/", &[]).await, "one");

    let error = load("{fixed: 5}", program.sources()).unwrap_err();
    assert!(
        error.contains("7:24: clusters.c.discovery.fixed: write a list of endpoints"),
        "{error}"
    );
    let error = load("fixde", program.sources()).unwrap_err();
    assert!(
        error.contains("clusters.c.discovery: there is no source `fixde`; did you mean `fixed`?"),
        "{error}"
    );
    let error = load(&fixed, &Sources::new()).unwrap_err();
    assert!(error.contains("there is no source `fixed`"), "{error}");
}
