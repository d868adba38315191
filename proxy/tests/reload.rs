//! What another configuration rebuilds, and what it leaves alone.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::sync::Arc;

use wireloom::config::{self, Config};
use wireloom::{Applied, PROTOCOLS, Proxy, run};
use wireloom_telemetry::Metrics;

/// Two listeners with a table each, and a cluster behind each table.
const MESH: &str = "
workers: 2
listeners:
  - {address: 127.0.0.1:0, routes: shops}
  - {address: '127.0.0.2:0', routes: banks}
routes:
  shops:
    - {match: {service: {regex: 'com[.]acme[.].*'}}, to: shop}
    - {name: rest, to: [{cluster: shop, weight: 1}, {cluster: both, weight: 1}]}
  banks:
    - to: [{cluster: bank, weight: 1}, {cluster: both, weight: 1}]
clusters:
  shop: {endpoints: ['127.0.0.1:1']}
  bank: {endpoints: ['127.0.0.1:2']}
  both: {endpoints: ['127.0.0.1:3']}
";

fn parse(text: &str) -> Config {
    config::parse(Path::new("test.yaml"), text, PROTOCOLS).unwrap()
}

fn start() -> Proxy {
    let config = parse(MESH);
    let protocols = run::builtin(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    Proxy::start(config, protocols, metrics).unwrap()
}

/// What [`MESH`] takes when `from` in it has become `to`; and that the same once more takes nothing.
fn change(proxy: &Proxy, from: &str, to: &str) -> Applied {
    assert!(MESH.contains(from), "{from}");
    proxy.apply(parse(MESH)).unwrap();
    let text = MESH.replace(from, to);
    let applied = proxy.apply(parse(&text)).unwrap();
    let again = proxy.apply(parse(&text)).unwrap();
    assert_eq!(again, Applied::default(), "the same again");
    applied
}

#[tokio::test]
async fn only_what_changed_is_rebuilt() {
    let proxy = start();
    let nothing = Applied::default();
    assert_eq!(proxy.apply(parse(MESH)).unwrap(), nothing);
    assert_eq!(
        change(&proxy, "name: rest", "name: rest, timeout: 3s"),
        Applied {
            tables: 1,
            rerouted: 1,
            ..nothing
        },
        "one route of one table"
    );
    assert_eq!(
        change(
            &proxy,
            "bank: {endpoints: ['127.0.0.1:2']}",
            "bank: {endpoints: ['127.0.0.1:4']}"
        ),
        Applied {
            clusters_changed: 1,
            ..nothing
        },
        "a cluster's endpoints"
    );
    assert_eq!(
        change(
            &proxy,
            "bank: {endpoints",
            "bank: {retry_budget: {percent: 50, min: 3}, endpoints"
        ),
        Applied {
            clusters_changed: 1,
            rerouted: 1,
            ..nothing
        },
        "what one table's routes have of a cluster"
    );
    assert_eq!(
        change(
            &proxy,
            "both: {endpoints",
            "both: {headers: {request: {set: {x-mesh: a}}}, endpoints"
        ),
        Applied {
            clusters_changed: 1,
            rerouted: 2,
            ..nothing
        },
        "the same for a cluster of both"
    );
    assert_eq!(
        change(
            &proxy,
            "routes: banks}",
            "routes: banks, limits: {connections: 7}}"
        ),
        Applied {
            listeners: 1,
            ..nothing
        },
        "a listener's limits"
    );
    assert_eq!(
        change(
            &proxy,
            "clusters:\n",
            "clusters:\n  more: {endpoints: ['127.0.0.1:5']}\n"
        ),
        Applied {
            clusters_made: 1,
            ..nothing
        },
        "a cluster that no route uses"
    );
    let applied = proxy.apply(parse(MESH)).unwrap();
    assert_eq!(applied.clusters_removed, 1);
}

#[tokio::test]
async fn a_bad_table_leaves_the_counts_of_what_runs() {
    let proxy = start();
    let mut bad = parse(MESH);
    let routes = bad.routes.get_mut("banks").unwrap();
    // What `check` would have refused.
    routes[0].to = None;
    bad.clusters.remove("shop");
    proxy.apply(bad).unwrap_err();
    assert_eq!(proxy.clusters().len(), 3);
    assert_eq!(proxy.apply(parse(MESH)).unwrap(), Applied::default());
}
