//! What a cluster's connections are said to be, and cannot be.

use super::*;

const ENDPOINTS: &str = "    endpoints: [127.0.0.1:20880]\n";

#[test]
fn connections_that_cannot_be() {
    for (keys, expected) in [
        (
            "    connections: {per_endpoint: 2, min_idle: 3}\n",
            "clusters.orders.connections.min_idle: 3 connections are to be kept where `connections.per_endpoint` allows 2",
        ),
        (
            "    connections: {per_downstream: true, preconnect: 1.5}\n",
            "clusters.orders.connections.preconnect: no connection can be made ahead where each downstream connection has its own",
        ),
        (
            "    connections: {max_age: 0s}\n",
            "clusters.orders.connections.max_age: 0s is too short",
        ),
        (
            "    warm_up: true\n",
            "clusters.orders.warm_up: which protocol are the connections to speak?",
        ),
        (
            "    warm_up: true\n    protocol: thrift\n",
            "clusters.orders.warm_up: which dialect are the connections for?",
        ),
        (
            "    tcp: {keepalive: {idle: 10ms}}\n",
            "clusters.orders.tcp.keepalive.idle: the kernel counts in whole seconds",
        ),
        (
            "    limits: {adaptive: {min: 5, max: 4}}\n",
            "clusters.orders.limits.adaptive.min: 5 is more than `max`, which is 4",
        ),
        (
            "    protocol: dubbo\n    health: {http: {path: /live}}\n",
            "clusters.orders.health.http: the cluster speaks dubbo",
        ),
    ] {
        let said = parse(
            Path::new("bad.yaml"),
            &with(ENDPOINTS, &format!("{ENDPOINTS}{keys}")),
            crate::PROTOCOLS,
        );
        let said = said.unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
        // With a place in the file.
        assert!(said.contains("bad.yaml:1"), "{said}");
    }
}
