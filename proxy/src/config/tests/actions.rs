//! Routes whose actions cannot be meant, and what is said about them.

use super::*;

const ROUTE: &str = "    - to: orders\n";

/// The least configuration with more keys of its route.
fn route(more: &str) -> String {
    with(ROUTE, &format!("{ROUTE}      {more}\n"))
}

/// The same with a balancer that hashes.
fn hashing(more: &str) -> String {
    format!("{}    balance: maglev\n", route(more))
}

#[test]
fn a_hash_that_nobody_looks_at() {
    read(&hashing("hash: [{source: true}]")).unwrap();
    for (text, expected) in [
        (
            route("hash: [{source: true}]"),
            "7:13: routes.main[0].hash: nothing comes of it: no cluster of this route balances by hash",
        ),
        (
            hashing("hash: [{source: true, header: a}]"),
            "7:14: routes.main[0].hash[0]: an entry has one of",
        ),
        (
            hashing("hash: [{cookie: {name: a, path: /b}}]"),
            "7:39: routes.main[0].hash[0].cookie.path: is for a cookie that is made",
        ),
        (
            hashing("{match: {protocol: dubbo}, hash: [{query: a}]}")
                .replace("- to: orders\n      {", "- {to: orders, "),
            "6:61: routes.main[0].hash[0].query: is for HTTP",
        ),
        (
            hashing("{match: {protocol: dubbo}, hash: [{argument: {thrift: [1]}}]}")
                .replace("- to: orders\n      {", "- {to: orders, "),
            "6:73: routes.main[0].hash[0].argument.thrift: is of no protocol that `match.protocol` names",
        ),
        (
            with(
                "- to: orders",
                "- {respond: {status: 200}, hash: [{source: true}]}",
            ),
            "6:38: routes.main[0].hash: is for requests that go to a cluster",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn clusters_that_requests_cannot_name() {
    let to = |to: &str| with("to: orders", &format!("to: {to}"));
    read(&to("{header: x, clusters: [orders], otherwise: orders}")).unwrap();
    for (text, expected) in [
        (
            to("{header: ''}"),
            "6:20: routes.main[0].to.header: a header's name cannot be empty",
        ),
        (
            to("{header: x, clusters: []}"),
            "6:33: routes.main[0].to.clusters: the list is empty: name at least one cluster",
        ),
        (
            to("{header: x, clusters: [orders, orders]}"),
            "6:42: routes.main[0].to.clusters[1]: `orders` is in this list already",
        ),
        (
            to("{header: x, clusters: [order]}"),
            "6:34: routes.main[0].to.clusters[0]: there is no cluster `order`; did you mean `orders`?",
        ),
        (
            to("{header: x, otherwise: order}"),
            "6:34: routes.main[0].to.otherwise: there is no cluster `order`",
        ),
        (
            to("{header: x, cluster: orders}"),
            "6:11: routes.main[0].to: names a cluster with `cluster` and `subset`, or a header",
        ),
        (
            to("{otherwise: orders}"),
            "6:11: routes.main[0].to: the key `cluster` is missing",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn subsets_that_requests_cannot_choose() {
    let part = |part: &str| {
        let subset = "    subset: {keys: [[zone, version]], fallback: any}\n";
        with(
            "to: orders",
            &format!("to: {{cluster: orders, subset: {part}}}"),
        ) + subset
    };
    read(&part("{zone: {header: x-zone}, version: v1}")).unwrap();
    for (text, expected) in [
        (
            part("{zone: {header: x-zone}}"),
            "6:37: routes.main[0].to.subset: [zone] is none of the cluster's `subset.keys`",
        ),
        (
            part("{zone: {header: ''}, version: v1}"),
            "6:53: routes.main[0].to.subset.zone.header: a header's name cannot be empty",
        ),
        (
            part("{zone: {heder: x}, version: v1}"),
            "6:45: routes.main[0].to.subset.zone.heder: unknown key `heder`",
        ),
        (
            with(
                "to: orders",
                "to: {cluster: orders, subset: {zone: {header: x}}}",
            ),
            "6:37: routes.main[0].to.subset: the cluster has no subsets",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn mirrors_that_copy_nothing() {
    read(&route("mirror: [{cluster: orders}]")).unwrap();
    for (text, expected) in [
        (
            route("mirror: [{cluster: order}]"),
            "7:26: routes.main[0].mirror[0].cluster: there is no cluster `order`; did you mean `orders`?",
        ),
        (
            route("mirror: [{cluster: orders, subset: {v: '1'}}]"),
            "7:42: routes.main[0].mirror[0].subset: the cluster has no subsets",
        ),
        (
            route("mirror: [{cluster: orders, percentage: 101}]"),
            "7:46: routes.main[0].mirror[0].percentage: 101 is out of range: 0 to 100",
        ),
        (
            route("mirror: [{cluster: orders, buffer: 9MiB}]"),
            "7:42: routes.main[0].mirror[0].buffer: 9437184 bytes are out of range",
        ),
        (
            with(
                "- to: orders",
                "- {respond: {status: 200}, mirror: [{cluster: orders}]}",
            ),
            "6:40: routes.main[0].mirror: is for requests that go to a cluster",
        ),
        (
            route("mirror: [{cluster: orders}]") + "    limits: {mirrors: 0}\n",
            "7:26: routes.main[0].mirror[0].cluster: nothing comes of it: the cluster's `limits.mirrors` is 0",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn an_idle_timeout_of_nothing() {
    read(&route("idle_timeout: 1s")).unwrap();
    let text = route("idle_timeout: 0s");
    assert_errors(
        &text,
        &["7:21: routes.main[0].idle_timeout: 0s is too short"],
    );
}
