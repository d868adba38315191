//! Configurations with one thing wrong, and what is said about them.

use super::*;

const ADDRESS: &str = "    routes: main\n";
const ROUTE: &str = "    - to: orders\n";
const ENDPOINTS: &str = "    endpoints: [127.0.0.1:20880]\n";

/// The line, with more behind it.
fn then(line: &str, more: &str) -> String {
    with(line, &format!("{line}{more}"))
}

/// The least configuration with a line before it.
fn first(line: &str) -> String {
    format!("{line}\n{LEAST}")
}

#[test]
fn unknown_keys() {
    for (text, expected) in [
        (
            then(ROUTE, "      timeuot: 5s\n"),
            "7:7: routes.main[0].timeuot: unknown key `timeuot`; did you mean `timeout`?",
        ),
        (
            then(ROUTE, "      x: 5s\n"),
            "7:7: routes.main[0].x: unknown key `x`; the keys here are name, match, to, redirect, respond, rewrite, headers, filters, timeout, idle_timeout, retry, hash and 4 more",
        ),
        (
            with("clusters:", "clutsers:"),
            "7:1: clutsers: unknown key `clutsers`; did you mean `clusters`?",
        ),
        (
            then(ROUTE, "      match: {service: {prefx: a}}\n"),
            "7:25: routes.main[0].match.service.prefx: unknown key `prefx`; did you mean `prefix`?",
        ),
        (
            then(ROUTE, "      match: {http: {hots: a}}\n"),
            "7:22: routes.main[0].match.http.hots: unknown key `hots`; did you mean `host`?",
        ),
        (
            then(ROUTE, "      rewrite: {uri: /a}\n"),
            "7:17: routes.main[0].rewrite.uri: unknown key `uri`; the keys here are host, path, prefix, regex",
        ),
        (
            then(ROUTE, "      headers: {set: {a: b}}\n"),
            "7:17: routes.main[0].headers.set: unknown key `set`; the keys here are request, response",
        ),
        (
            then(ENDPOINTS, "    connect-timeout: 1s\n"),
            "10:5: clusters.orders.connect-timeout: unknown key `connect-timeout`; did you mean `connect_timeout`?",
        ),
        (
            then(ENDPOINTS, "    multiplex: true\n"),
            "10:5: clusters.orders.multiplex: unknown key `multiplex`; did you mean `multiplexed`?",
        ),
        (
            then(ENDPOINTS, "    x: true\n"),
            "10:5: clusters.orders.x: unknown key `x`; the keys here are protocol, endpoints, discovery, balance, subset, overprovisioning, panic, localities, zone_aware, slow_start, connect_timeout, idle_timeout and 11 more",
        ),
        (
            then(ENDPOINTS, "    thrift: {transprot: framed}\n"),
            "10:14: clusters.orders.thrift.transprot: unknown key `transprot`; did you mean `transport`?",
        ),
        (
            then(ADDRESS, "    proxy_protocol: {form: 10.0.0.0/8}\n"),
            "4:22: listeners[0].proxy_protocol.form: unknown key `form`; did you mean `from`?",
        ),
        (
            then(ADDRESS, "    thrift: {servcie: a}\n"),
            "4:14: listeners[0].thrift.servcie: unknown key `servcie`; did you mean `service`?",
        ),
        (
            with("[127.0.0.1:20880]", "[{address: 'a:1', wieght: 2}]"),
            "9:34: clusters.orders.endpoints[0].wieght: unknown key `wieght`; did you mean `weight`?",
        ),
        (
            first("protocols: {bolt: {goaway: true}}"),
            "1:20: protocols.bolt.goaway: unknown key `goaway`; did you mean `go_away`?",
        ),
        (
            then(ADDRESS, "    tls: {certificat: a, key: b}\n"),
            "4:11: listeners[0].tls.certificat: unknown key `certificat`; did you mean `certificate`?",
        ),
        (
            first("protocols: {mqtt: {}}"),
            "1:13: protocols.mqtt: unknown key `mqtt`; the keys here are bolt, dubbo, thrift, http",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn wrong_values() {
    for (text, expected) in [
        (
            then(ROUTE, "      timeout: 5 days\n"),
            "7:16: routes.main[0].timeout: \"5 days\" is not a duration like 250ms, 5s, 1m or 1h",
        ),
        (
            then(ROUTE, "      timeout: 5\n"),
            "7:16: routes.main[0].timeout: 5 where a duration like 250ms is expected",
        ),
        (
            then(ADDRESS, "    limits: {frame: 16MB}\n"),
            "4:21: listeners[0].limits.frame: \"16MB\" is not a size like 512B, 64KiB or 16MiB",
        ),
        (
            then(ADDRESS, "    limits: {frame: -1}\n"),
            "4:21: listeners[0].limits.frame: -1 where a size like 512B, 64KiB or 16MiB, or a whole number of bytes, is expected",
        ),
        (
            with("127.0.0.1:2045", "2045"),
            "2:14: listeners[0].address: 2045 where an address like 10.0.0.1:2045 is expected",
        ),
        (
            with("127.0.0.1:2045", "':2045'"),
            "2:14: listeners[0].address: \":2045\" is not an address",
        ),
        (
            with("[127.0.0.1:20880]", "[127.0.0.1]"),
            "9:17: clusters.orders.endpoints[0]: \"127.0.0.1\" is not an address",
        ),
        (
            then(ADDRESS, "    protocols: dubbo\n"),
            "4:16: listeners[0].protocols: \"dubbo\" where a list is expected",
        ),
        (
            then(ROUTE, "      match: {headers: {x-canary: true}}\n"),
            "7:35: routes.main[0].match.headers.x-canary: boolean `true` where a text is compared: put it in quotes",
        ),
        (
            then(ENDPOINTS, "    thrift:\n"),
            "10:11: clusters.orders.thrift: nothing where a mapping (transport, protocol) is expected",
        ),
        (
            then(ENDPOINTS, "    thrift: {transport: frame}\n"),
            "10:25: clusters.orders.thrift.transport: `frame` is not known here; did you mean `framed`?",
        ),
        (
            then(ADDRESS, "    proxy_protocol: {}\n"),
            "4:21: listeners[0].proxy_protocol: the key `from` is missing: The networks, or addresses, of the balancers",
        ),
        (
            then(
                ADDRESS,
                "    proxy_protocol: {from: [10.0.0.1, 10.0.0.1/8]}\n",
            ),
            "4:39: listeners[0].proxy_protocol.from[1]: \"10.0.0.1/8\" has bits behind its prefix: write 10.0.0.0/8",
        ),
        (
            then(ADDRESS, "    proxy_protocol: true\n"),
            "4:21: listeners[0].proxy_protocol: true where a mapping",
        ),
        (
            then(ADDRESS, "    thrift: {service: null}\n"),
            "4:23: listeners[0].thrift.service: nothing where a string is expected",
        ),
        (
            then(ENDPOINTS, "    multiplexed: 1\n"),
            "10:18: clusters.orders.multiplexed: 1 where true or false is expected",
        ),
        (
            then(ROUTE, "      retry: {statuses: [true]}\n"),
            "7:26: routes.main[0].retry.statuses[0]: true where the number or the name of a status is expected",
        ),
        (
            with("to: orders", "to: [{cluster: orders, weight: -1}]"),
            "6:38: routes.main[0].to[0].weight: -1 where a whole number of 0 or more is expected",
        ),
        (
            then(ROUTE, "      retry: {on: [connect_failure]}\n"),
            "7:20: routes.main[0].retry.on[0]: `connect_failure` is not known here; did you mean `connect-failure`?",
        ),
        (
            then(ENDPOINTS, "    balance: fastest\n"),
            "10:14: clusters.orders.balance: `fastest` is not known here; the choices are least_request, round_robin, random, least_connections, peak_ewma, ring_hash, maglev",
        ),
        (
            then(ENDPOINTS, "    balance: 5\n"),
            "10:14: clusters.orders.balance: 5 where a name like round_robin, or a map like {ring_hash: {min: 1024}} is expected",
        ),
        (
            then(ROUTE, "      match: {http: {query: {v: 2}}}\n"),
            "7:33: routes.main[0].match.http.query.v: integer `2` where a text is compared: put it in quotes",
        ),
        (
            then(ROUTE, "      match: {http: {path: [/a]}}\n"),
            "7:28: routes.main[0].match.http.path: a list where a path (for an exact match) or one of {exact: …}, {prefix: …}, {regex: …} is expected",
        ),
        (
            with("to: orders", "redirect: {path: /, status: moved}"),
            "6:35: routes.main[0].redirect.status: \"moved\" where a whole number from 301 to 308 is expected",
        ),
        (
            with("to: orders", "redirect: {scheme: htps}"),
            "6:26: routes.main[0].redirect.scheme: `htps` is not known here; did you mean `https`?",
        ),
        (
            with("to: orders", "respond: 200"),
            "6:16: routes.main[0].respond: 200 where a mapping (status, body, headers) is expected",
        ),
        (
            then(ROUTE, "      headers: {request: {set: {x-a: true}}}\n"),
            "7:38: routes.main[0].headers.request.set.x-a: true where a string is expected",
        ),
        (
            first("workers: two"),
            "1:10: workers: \"two\" where a whole number from 1 to 1024 is expected",
        ),
        (
            first("workers:"),
            "1:8: workers: nothing where a whole number from 1 to 1024 is expected",
        ),
        (
            first("log: [debug, json]"),
            "1:6: log: a list where a mapping (level, format) is expected",
        ),
        (
            first("admin: 127.0.0.1:9901"),
            "1:8: admin: \"127.0.0.1:9901\" where a mapping (address) is expected",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn missing_keys() {
    for (text, expected) in [
        (
            with("    routes: main\n", ""),
            "2:5: listeners[0]: the key `routes` is missing: The route table that its requests go through",
        ),
        (
            with(ENDPOINTS, "    balance: random\n"),
            "9:5: clusters.orders: the key `endpoints` is missing",
        ),
        (
            "listeners: []\nclusters: {}\n".to_owned(),
            "1:1: the key `routes` is missing: Route tables by name",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn endpoints_that_nobody_can_pick() {
    const SUBSET: &str = "    subset: {keys: [[v]], fallback: any}\n";
    let parts = |to: &str, subset: &str| {
        let endpoints = "    endpoints: [{address: 'a:1', metadata: {v: '1'}}]\n";
        with(ENDPOINTS, &format!("{endpoints}{subset}")).replace("to: orders", to)
    };
    let strict = SUBSET.replace("any", "none");
    for (text, expected) in [
        (
            then(ENDPOINTS, "    balance: {ring_hash: {min: 5, max: 2}}\n"),
            "10:26: clusters.orders.balance.ring_hash: `min` is 5 and `max` only 2",
        ),
        (
            then(ENDPOINTS, "    balance: {ring_hash: {bound: 1}}\n"),
            "10:34: clusters.orders.balance.ring_hash.bound: 1 is out of range: 1.01 to 100",
        ),
        (
            then(
                ENDPOINTS,
                "    balance: maglev\n    slow_start: {window: 30s}\n",
            ),
            "11:17: clusters.orders.slow_start: maglev cannot give",
        ),
        (
            then(
                ENDPOINTS,
                "    localities: {a: 1}\n    zone_aware: {own: a}\n",
            ),
            "11:17: clusters.orders.zone_aware: zones have either weights",
        ),
        (
            then(ENDPOINTS, "    zone_aware: {percent: 50}\n"),
            "10:17: clusters.orders.zone_aware: the proxy's own zone is not known",
        ),
        (
            then(ENDPOINTS, "    discovery: original_destination\n"),
            "10:16: clusters.orders.discovery: endpoints are either listed (`endpoints`) or found",
        ),
        (
            with(ENDPOINTS, "    discovery: {dns: {name: a.example}}\n"),
            "9:22: clusters.orders.discovery.dns.port: addresses in DNS have no port",
        ),
        (
            with(
                ENDPOINTS,
                "    discovery: {dns: {name: a.example, prot: 1}}\n",
            ),
            "9:40: clusters.orders.discovery.dns.prot: unknown key `prot`; did you mean `port`?",
        ),
        (
            with(
                ENDPOINTS,
                "    discovery: {dns: {name: a.example, port: 1, min_ttl: 1h}}\n",
            ),
            "9:58: clusters.orders.discovery.dns.min_ttl: 1h is more than `max_ttl`, 5m",
        ),
        (
            with(ENDPOINTS, "    discovery: nacos\n"),
            "9:16: clusters.orders.discovery: there is no source `nacos`; the sources are dns, original_destination",
        ),
        (
            with(ENDPOINTS, "    discovery: dns\n"),
            "9:16: clusters.orders.discovery: dns needs settings",
        ),
        (
            with("127.0.0.1:2045", "unix:/run/a.sock"),
            "2:14: listeners[0].address: only endpoints may be Unix sockets",
        ),
        (
            with("[127.0.0.1:20880]", "['unix:run/a.sock']"),
            "9:17: clusters.orders.endpoints[0]: \"unix:run/a.sock\" is not an address",
        ),
        (
            with("[127.0.0.1:20880]", "[{address: 'a:1', weight: 0}]"),
            "9:16: clusters.orders.endpoints: every endpoint has weight 0",
        ),
        (
            then(
                ENDPOINTS,
                "    subset: {keys: [[v]], fallback: default, default: {v: '2'}}\n",
            ),
            "10:55: clusters.orders.subset.default: no endpoint has this metadata",
        ),
        (
            parts("to: {cluster: orders, subset: {v: '2'}}", &strict),
            "6:37: routes.main[0].to.subset: no endpoint of the cluster is in subset {v: 2}",
        ),
        (
            parts("to: [{cluster: orders, subset: {zone: a}}]", &strict),
            "6:38: routes.main[0].to[0].subset: [zone] is none of the cluster's `subset.keys`",
        ),
        (
            parts("to: orders", &strict),
            "6:11: routes.main[0].to: no subset is chosen, and the cluster's `subset.fallback` is none",
        ),
        (
            parts("to: {cluster: orders, subset: {v: '1'}}", ""),
            "6:37: routes.main[0].to.subset: the cluster has no subsets",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn names_that_nothing_has() {
    for (text, expected) in [
        (
            with("to: orders", "to: order"),
            "6:11: routes.main[0].to: there is no cluster `order`; did you mean `orders`?",
        ),
        (
            with("to: orders", "to: [{cluster: web}]"),
            "6:22: routes.main[0].to[0].cluster: there is no cluster `web`; the clusters are orders",
        ),
        (
            with("routes: main", "routes: mian"),
            "3:13: listeners[0].routes: there is no route table `mian`; did you mean `main`?",
        ),
        (
            then(ADDRESS, "    protocols: [bolt, dubo]\n"),
            "4:23: listeners[0].protocols[1]: there is no protocol `dubo`; did you mean `dubbo`?",
        ),
        (
            then(ROUTE, "      match: {protocol: [dubbo, http9]}\n"),
            "7:33: routes.main[0].match.protocol[1]: there is no protocol `http9`; the protocols are bolt, dubbo",
        ),
        (
            then(ROUTE, "      match: {protocol: http9}\n"),
            "7:25: routes.main[0].match.protocol",
        ),
        (
            then(ENDPOINTS, "    protocol: blot\n"),
            "10:15: clusters.orders.protocol: there is no protocol `blot`; did you mean `bolt`?",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn what_does_not_fit_together() {
    for (text, expected) in [
        (
            then(ROUTE, "      match: {service: {regex: 'a('}}\n"),
            "7:32: routes.main[0].match.service.regex: is not a regular expression",
        ),
        (
            with("- to: orders", "- name: x"),
            "6:7: routes.main[0]: does nothing with its requests: write `to`",
        ),
        (
            then(ROUTE, "      respond: {status: 200}\n"),
            "7:16: routes.main[0].respond: only one of `to`, `redirect` and `respond` may be given",
        ),
        (
            then(ROUTE, "      match: {http: {host: [a, '*b']}}\n"),
            "7:32: routes.main[0].match.http.host[1]: \"*b\" is not a host",
        ),
        (
            then(ROUTE, "      match: {http: {path: {prefix: api}}}\n"),
            "7:37: routes.main[0].match.http.path.prefix: \"api\" does not start with a slash",
        ),
        (
            then(ROUTE, "      match: {http: {method: post}}\n"),
            "7:30: routes.main[0].match.http.method: methods are told apart by case: write POST",
        ),
        (
            then(ROUTE, "      rewrite: {prefix: /v2}\n"),
            "7:25: routes.main[0].rewrite.prefix: stands in the place of the prefix that `match.http.path` names",
        ),
        (
            then(ROUTE, "      headers: {request: {set: {x-a: '%START%'}}}\n"),
            "7:38: routes.main[0].headers.request.set.x-a: %START% is not known: there are %REQ(name)%, %DOWNSTREAM_REMOTE_ADDRESS%, %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%, %DOWNSTREAM_PEER_URI_SAN%, %REQUESTED_SERVER_NAME%, %PROTOCOL%, %ROUTE_NAME%, %UPSTREAM_CLUSTER%, %SERVICE%, %METHOD%; and write %% for a percent sign that is meant",
        ),
        (
            then(ROUTE, "      headers: {request: {remove: [x-a, Host]}}\n"),
            "7:41: routes.main[0].headers.request.remove[1]: the host is changed by `rewrite: {host: …}`",
        ),
        (
            with("to: orders", "respond: {status: 99}"),
            "6:25: routes.main[0].respond.status: 99 is out of range: 200 to 599",
        ),
        (
            with(
                "to: orders",
                "{match: {protocol: dubbo}, redirect: {path: /}}",
            ),
            "6:44: routes.main[0].redirect: is for HTTP",
        ),
        (
            with("to: orders", "to: [{cluster: orders, weight: 0}]"),
            "6:11: routes.main[0].to: every weight is 0",
        ),
        (
            with(
                "routes:\n  main",
                "  - {address: '0.0.0.0:2045', routes: main}\nroutes:\n  main",
            ),
            "4:15: listeners[1].address: 0.0.0.0:2045 collides with 127.0.0.1:2045 of listeners[0]",
        ),
        (
            with(
                "routes:\n  main",
                "  - {name: '127.0.0.1:2045', address: '127.0.0.1:1', routes: main}\nroutes:\n  main",
            ),
            "4:12: listeners[1].name: `127.0.0.1:2045` is the name of listeners[0] already",
        ),
        (
            first("admin: {address: 127.0.0.1:2045}"),
            "1:18: admin.address: collides with 127.0.0.1:2045 of listeners[0]",
        ),
        (
            with(
                "listeners:\n  - address: 127.0.0.1:2045\n    routes: main\n",
                "listeners: []\n",
            ),
            "1:12: listeners: there is none",
        ),
        (
            then(ENDPOINTS, "    protocol: dubbo\n    thrift: {}\n"),
            "11:13: clusters.orders.thrift: is for Thrift, and the cluster's `protocol` is dubbo: leave this key out, or write `protocol: thrift`",
        ),
        (
            then(ENDPOINTS, "    protocol: bolt\n    multiplexed: true\n"),
            "11:18: clusters.orders.multiplexed: is for Thrift; connections in bolt carry many requests at once anyway: leave this key out",
        ),
        (
            then(ADDRESS, "    protocols: [bolt]\n    thrift: {service: a}\n"),
            "5:13: listeners[0].thrift: is for Thrift, which `protocols` does not name: add thrift there, or leave this key out",
        ),
        (
            then(ROUTE, "      retry: {statuses: [6, INTERNAL_EROR]}\n"),
            "7:29: routes.main[0].retry.statuses[1]: there is no status `INTERNAL_EROR`; did you mean `INTERNAL_ERROR`?",
        ),
        (
            then(ADDRESS, "    thrift: {max_frame: 1B}\n"),
            "4:25: listeners[0].thrift.max_frame: 1 is too small: it must be 1024 or more",
        ),
        (
            first("protocols: {thrift: {max_frame: 1B}}"),
            "1:33: protocols.thrift.max_frame: 1 is too small: it must be 1024 or more",
        ),
        (
            then(ADDRESS, "    limits: {frame: 100B}\n"),
            "4:21: listeners[0].limits.frame: 100 is too small: it must be 1024 or more",
        ),
        (
            then(ADDRESS, "    protocols: []\n"),
            "4:16: listeners[0].protocols: an empty list takes nothing",
        ),
        (
            then(ADDRESS, "    timeouts: {idle: 0s}\n"),
            "4:22: listeners[0].timeouts.idle: 0s is too short",
        ),
        (
            then(ADDRESS, "    limits: {connections: 0}\n"),
            "4:27: listeners[0].limits.connections: 0 is too small",
        ),
        (
            first("workers: 0"),
            "1:10: workers: 0 is out of range: 1 to 1024",
        ),
        (
            first("log: {level: debgu}"),
            "1:14: log.level: \"debgu\" is not a log filter",
        ),
        (
            first("limits: {request_memory: 1B}"),
            "1:26: limits.request_memory: 1 is too small",
        ),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn everything_at_once() {
    let text = with(ADDRESS, "    rotes: main\n    nmae: x\n")
        .replace(ROUTE, "    - to: orders\n      timeout: 5\n");
    assert_errors(
        &text.replace("[127.0.0.1:20880]", "[x]\n    balance: f"),
        &[
            "3:5: listeners[0].rotes: unknown key",
            "4:5: listeners[0].nmae: unknown key",
            "8:16: routes.main[0].timeout: 5 where",
            "11:17: clusters.orders.endpoints[0]: \"x\"",
            "12:14: clusters.orders.balance: `f`",
        ],
    );
    let text = with("to: orders", "to: a").replace("routes: main", "routes: mian");
    assert_errors(
        &text,
        &["3:13: listeners[0].routes", "6:11: routes.main[0].to"],
    );
}

#[test]
fn what_is_not_yaml() {
    for (text, expected) in [
        (
            with("    routes: main", "\troutes: main"),
            "2:14: is not valid YAML: ",
        ),
        (
            with("[127.0.0.1:20880]", "[127.0.0.1:20880"),
            "9:16: is not valid YAML: unclosed bracket",
        ),
        (
            with("to: orders", "to: *nope"),
            "6:11: this alias (`*name`) has no anchor",
        ),
        (
            then(ADDRESS, "    routes: main\n"),
            "4:5: listeners[0].routes: this key is there twice; keep one",
        ),
        (
            with("clusters:", "---\nclusters:"),
            "7:1: there is more than one YAML document",
        ),
        (
            "a: &a [*a]\n".to_owned(),
            "1:8: this alias (`*name`) stands within its own anchor",
        ),
        (
            "a: \0b".to_owned(),
            "1:4: is not valid YAML: unexpected character",
        ),
        ("hello".to_owned(), "1:1: \"hello\" where a mapping ("),
        ("- a\n".to_owned(), "1:1: a list where a mapping ("),
        (String::new(), " is empty; "),
        ("# nothing\n".to_owned(), " is empty; "),
    ] {
        assert_errors(&text, &[expected]);
    }
}

#[test]
fn what_would_cost_too_much() {
    let nested = |levels| format!("a: {}{}", "[".repeat(levels), "]".repeat(levels));
    assert_errors(&nested(100), &["1:67: nests deeper than 64 levels"]);
    assert_errors(&nested(100_000), &["1:259: is not valid YAML: "]);
    assert_errors(&"- ".repeat(100_000), &["1:"]);
    assert_errors(&"{a: ".repeat(50_000), &["1:"]);

    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let names = format!("*a{}, ", level - 1).repeat(10);
        laughs.push_str(&format!("a{level}: &a{level} [{names}]\n"));
    }
    let errors = read(&laughs).unwrap_err();
    assert!(errors.contains("too many anchors and aliases"), "{errors}");

    // Thousands of dangling names among thousands of clusters are told within bounds.
    let mut many = LEAST.to_owned();
    let routes: String = (0..2000)
        .map(|n| format!("    - to: nobody{n}\n"))
        .collect();
    many = many.replace(ROUTE, &routes);
    (0..2000).for_each(|n| many.push_str(&format!("  cluster{n}: {{endpoints: ['a:1']}}\n")));
    assert_eq!(read(&many).unwrap_err().lines().count(), 100);
}

#[test]
fn files_that_cannot_be_read() {
    let folder = std::env::temp_dir().join(format!("wireloom-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let told = |path: &Path| load(path, &PROTOCOLS).unwrap_err().to_string();
    let write = |bytes: &[u8]| {
        let path = folder.join("mesh.yaml");
        std::fs::write(&path, bytes).unwrap();
        told(&path)
    };
    let error = told(&folder.join("nope.yaml"));
    assert!(
        error.ends_with("nope.yaml: there is no such file"),
        "{error}"
    );
    let error = told(&folder);
    assert!(
        error.ends_with("is a directory; name a file in it"),
        "{error}"
    );
    let error = write(b"a: b\nc: \xff\xfe\n");
    assert!(
        error.ends_with("is not text in UTF-8 (line 2 has bytes that are none)"),
        "{error}"
    );
    let error = write(&b"# padding\n".repeat(MAX_FILE / 10 + 1));
    assert!(
        error.ends_with("is longer than 8 MiB, the most that a configuration may have"),
        "{error}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
