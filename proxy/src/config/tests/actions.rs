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
            "6:40: routes.main[0].hash: is for requests that go to a cluster",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}
