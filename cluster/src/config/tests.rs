use super::*;

fn parse(yaml: &str) -> ClusterConfig {
    serde_saphyr::from_str(yaml).unwrap()
}

#[track_caller]
fn refuses(yaml: &str, because: &str) {
    let error = serde_saphyr::from_str::<ClusterConfig>(yaml)
        .unwrap_err()
        .to_string();
    assert!(error.contains(because), "{error}");
}

#[test]
fn the_least_one_is_a_list_of_addresses() {
    let config = parse("endpoints: [127.0.0.1:20880]");
    let address: wireloom_net::Address = "127.0.0.1:20880".parse().unwrap();
    assert_eq!(config, ClusterConfig::new([address.into()]));
    assert_eq!(config.balance, Balance::default());
    assert_eq!(config.connect_timeout.0, Duration::from_secs(1));
    assert_eq!(config.limits.pending, 1024);
}

#[test]
fn the_full_one_is_read() {
    let config = parse(
        "
protocol: dubbo
endpoints: [10.0.0.1:20880, {address: 'orders.example:20880', weight: 2, metadata: {zone: a}}]
balance: round_robin
connect_timeout: 250ms
idle_timeout: 1h
connections: {per_endpoint: 2}
limits: {in_flight: 0, pending: 7}
keep_alive: {interval: 15s, misses: 2}
retry_budget: {percent: 10}
",
    );
    assert_eq!(config.endpoints[1].weight, 2);
    assert_eq!(config.endpoints[1].metadata["zone"], "a");
    assert_eq!(config.balance.as_str(), "round_robin");
    assert_eq!((config.limits.in_flight, config.limits.pending), (0, 7));
    let keep_alive = config.keep_alive.as_ref().unwrap().keep_alive();
    assert_eq!(
        (keep_alive.timeout, keep_alive.misses),
        (Duration::from_secs(3), 2)
    );
    assert_eq!(
        (config.retry_budget.percent, config.retry_budget.min),
        (10, 3)
    );

    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<ClusterConfig>(&json).unwrap(),
        config
    );
}

#[test]
fn wrong_ones_say_what_would_be_right() {
    refuses("endpoints: [a:1]\nlimit: {}", "limit");
    refuses(
        "endpoints: [20880]",
        "an address like 10.0.0.1:20880, or a map with `address`",
    );
    refuses("endpoints: [10.0.0.1]", "the port is missing");
    refuses("endpoints: [10.0.0.1:0]", "port 0");
    refuses("endpoints: [{address: 'a:0'}]", "port 0");
    refuses("endpoints: [{weight: 1}]", "address");
    refuses("endpoints: [{address: 'a:1', wieght: 1}]", "wieght");
    refuses(
        "endpoints: [{address: 'a:1', weight: 10001}]",
        "10001 is out of range: 0 to 10000",
    );
    refuses("endpoints: [a:1, a:1]", "a:1 is listed twice");
    refuses("endpoints: a:1", "expected sequence");
    refuses("endpoints: []\nbalance: fastest", "least_request");
    refuses("endpoints: []\nconnect_timeout: 0s", "too short");
    refuses("endpoints: []\nidle_timeout: 5", "duration");
    refuses("endpoints: []\nconnections: {per_endpoint: 0}", "1 to 1024");
    refuses(
        "endpoints: []\nconnections: {max_requests: 0}",
        "0 is out of range: 1 to",
    );
    refuses("endpoints: []\nconnections: {max_age: 0s}", "too short");
    refuses("endpoints: []\nconnections: {jitter: 91}", "0 to 90");
    refuses("endpoints: []\nconnections: {min_idle: 1025}", "0 to 1024");
    refuses("endpoints: []\nconnections: {preconnect: 4}", "1 to 3");
    refuses("endpoints: []\nwarm_up: 0s", "write false");
    refuses("endpoints: []\nwarm_up: 5", "true, false or a duration");
    refuses("endpoints: []\ntcp: {mark: 0}", "0 is out of range: 1 to");
    refuses("endpoints: []\ntcp: {source: here}", "IP address");
    refuses("endpoints: []\ntcp: {keepalive: {probes: 0}}", "1 to 127");
    refuses(
        "endpoints: []\nlimits: {adaptive: {min: 0}}",
        "0 is out of range: 1 to",
    );
    refuses(
        "endpoints: []\nlimits: {adaptive: {percentile: 100}}",
        "1 to 99",
    );
    refuses("endpoints: []\nretry_budget: {percent: 101}", "0 to 100");
    refuses("endpoints: []\nlimits: {pending: -1}", "-1");
}

#[test]
fn the_schema_takes_both_forms_of_an_endpoint() {
    let schema = serde_json::to_value(schemars::schema_for!(ClusterConfig)).unwrap();
    let forms = schema["$defs"]["Endpoint"]["anyOf"].as_array().unwrap();
    assert_eq!(forms[0]["$ref"], "#/$defs/Address");
    assert_eq!(forms[1]["properties"]["weight"]["maximum"], 10_000);
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn more_connections_than_there_may_be_are_not_kept() {
    for (keys, key) in [
        (
            "connections: {per_endpoint: 2, min_idle: 3}",
            "connections.per_endpoint",
        ),
        (
            "connections: {min_idle: 3}, limits: {connections: 2}",
            "limits.connections",
        ),
        (
            "connections: {min_idle: 3}, limits: {per_endpoint: {connections: 2}}",
            "limits.per_endpoint.connections",
        ),
    ] {
        let problems = parse(&format!("{{endpoints: ['a:1'], {keys}}}")).problems();
        assert_eq!(problems[0].path, "connections.min_idle", "{keys}");
        assert!(problems[0].message.contains(key), "{problems:?}");
    }
    for (keys, path) in [
        (
            "connections: {per_downstream: true, min_idle: 1}",
            "connections.min_idle",
        ),
        (
            "connections: {per_downstream: true, preconnect: 2}",
            "connections.preconnect",
        ),
        (
            "connections: {per_downstream: true}, protocol: dubbo, warm_up: true",
            "warm_up",
        ),
    ] {
        let problems = parse(&format!("{{endpoints: ['a:1'], {keys}}}")).problems();
        let paths: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
        assert_eq!(paths, [path]);
    }
    let fits = parse("{endpoints: ['a:1'], connections: {per_endpoint: 3, min_idle: 3}}");
    assert_eq!(fits.problems(), []);
}

#[test]
fn what_to_speak_is_known_before_a_connection_is_warm() {
    let config = parse("{endpoints: ['a:1'], warm_up: true}");
    assert_eq!(config.warm_up.patience(), Some(Duration::from_secs(5)));
    assert_eq!(config.problems()[0].path, "warm_up");
    let config = parse("{endpoints: ['a:1'], protocol: bolt, warm_up: 300ms}");
    assert_eq!(config.problems(), []);
    assert_eq!(config.warm_up.patience(), Some(Duration::from_millis(300)));
    assert!(
        parse("{endpoints: ['a:1'], warm_up: false}")
            .warm_up
            .is_off()
    );
}

#[test]
fn sockets_that_the_kernel_does_not_have_are_refused() {
    for (keys, key) in [
        ("keepalive: {idle: 1500ms}", "tcp.keepalive.idle"),
        ("keepalive: {idle: 10h}", "tcp.keepalive.idle"),
        ("keepalive: {interval: 0s}", "tcp.keepalive.interval"),
        ("source: 0.0.0.0", "tcp.source"),
    ] {
        let problems = parse(&format!("{{endpoints: ['a:1'], tcp: {{{keys}}}}}")).problems();
        assert_eq!(problems[0].path, key, "{problems:?}");
    }
    let silent = parse("{endpoints: ['a:1'], tcp: {keepalive: {idle: 0s}}}");
    assert_eq!(silent.problems(), []);
    assert_eq!(silent.tcp.options().keepalive, None);
    assert_eq!(
        parse("endpoints: ['a:1']").tcp.options(),
        wireloom_net::SocketOptions::default()
    );
}

#[test]
fn limits_that_cannot_be_found_are_refused() {
    for (keys, key) in [
        ("min: 9, max: 8", "min"),
        ("interval: 5ms", "interval"),
        ("interval: 2s, min_rtt: {interval: 2s}", "min_rtt.interval"),
    ] {
        let yaml = format!("{{endpoints: ['a:1'], limits: {{adaptive: {{{keys}}}}}}}");
        let problems = parse(&yaml).problems();
        assert_eq!(
            problems[0].path,
            format!("limits.adaptive.{key}"),
            "{problems:?}"
        );
    }
    let fits = parse("{endpoints: ['a:1'], limits: {adaptive: {}}}");
    assert_eq!(fits.problems(), []);
}

#[test]
fn endpoints_are_asked_what_they_understand() {
    let problem = |protocol: &str, keys: &str| {
        let yaml = format!("{{protocol: {protocol}, endpoints: ['a:1'], health: {{{keys}}}}}");
        let problems = parse(&yaml).problems();
        problems.first().map(|problem| problem.path.clone())
    };
    let echo = "echo: {service: a.B}";
    for (protocol, keys, key) in [
        ("dubbo", "http: {path: /}", "http"),
        ("http1", "grpc: {}", "grpc"),
        ("thrift", "heartbeat: {}", "heartbeat"),
        ("grpc", "heartbeat: {}, port: 1", "heartbeat"),
        ("bolt", echo, "echo"),
        ("http2", "thrift: {method: ping}", "thrift"),
    ] {
        let path = format!("health.{key}");
        assert_eq!(problem(protocol, keys), Some(path), "{protocol}: {keys}");
    }
    for (protocol, keys) in [
        ("dubbo", echo),
        ("dubbo", "heartbeat: {}"),
        ("dubbo", "http: {path: /live}, port: 22222"),
        ("triple", "grpc: {}"),
        ("grpc", "http: {path: /}"),
        ("thrift", "tcp: {}"),
        ("of-somebody-else", "http: {path: /}"),
    ] {
        assert_eq!(problem(protocol, keys), None, "{protocol}: {keys}");
    }
}

#[test]
fn another_port_is_asked_of_the_same_host() {
    let health = parse("{endpoints: ['a:1'], health: {port: 9}}")
        .health
        .unwrap();
    for (endpoint, asked) in [
        ("10.0.0.1:1", "10.0.0.1:9"),
        ("[::1]:1", "[::1]:9"),
        ("a.b:1", "a.b:9"),
    ] {
        assert_eq!(
            health.address(&endpoint.parse().unwrap()).to_string(),
            asked
        );
    }
    refuses("endpoints: []\nhealth: {port: 65536}", "1 to 65535");
    refuses("endpoints: []\noutlier: {jitter: 101}", "0 to 100");
}

#[test]
fn discovery_is_written_as_a_name_or_with_settings() {
    let dns = parse(
        "{discovery: {dns: {name: orders.example, port: 20880, servers: ['10.0.0.53', '[fd00::53]:5353']}}}",
    );
    let Some(DiscoveryConfig::Dns(settings)) = &dns.discovery else {
        panic!("{dns:?}");
    };
    let servers: Vec<_> = settings.servers.iter().map(|s| s.0.to_string()).collect();
    assert_eq!(servers, ["10.0.0.53:53", "[fd00::53]:5353"]);
    assert_eq!(settings.family, Family::PreferV4);
    assert_eq!(dns.problems(), []);
    let destination = parse("{discovery: original_destination}");
    assert_eq!(
        destination.discovery,
        Some(DiscoveryConfig::OriginalDestination(
            OriginalDestination::default()
        ))
    );
    let own = parse("{discovery: {nacos: {server: 'a:1'}}}");
    for config in [&dns, &destination, &own] {
        let json = serde_json::to_string(config).unwrap();
        assert_eq!(
            serde_json::from_str::<ClusterConfig>(&json).unwrap(),
            *config
        );
    }
}

#[test]
fn discovery_that_cannot_be_meant() {
    for (yaml, path, expected) in [
        (
            "{endpoints: ['a:1'], discovery: nacos}",
            "discovery",
            "leave one of the two out",
        ),
        (
            "{discovery: {dns: {name: a.example}}}",
            "discovery.dns.port",
            "have no port",
        ),
        (
            "{discovery: {dns: {name: a.example, port: 0}}}",
            "discovery.dns.port",
            "1 to 65535",
        ),
        (
            "{discovery: {dns: {name: a.example, type: srv, port: 1}}}",
            "discovery.dns.port",
            "their own ports",
        ),
        (
            "{discovery: {dns: {name: 10.0.0.1, port: 1}}}",
            "discovery.dns.name",
            "an address already",
        ),
        (
            "{discovery: {dns: {name: 'a b', port: 1}}}",
            "discovery.dns.name",
            "no name that DNS can have",
        ),
        (
            "{discovery: {dns: {name: a, port: 1, min_ttl: 10m}}}",
            "discovery.dns.min_ttl",
            "more than `max_ttl`",
        ),
        (
            "{discovery: {dns: {name: a, port: 1, refresh: 0s}}}",
            "discovery.dns.refresh",
            "too short",
        ),
        (
            "{discovery: original_destination, balance: maglev}",
            "balance",
            "its own destination",
        ),
        (
            "{discovery: {original_destination: {header: ''}}}",
            "discovery.original_destination.header",
            "is empty",
        ),
    ] {
        let problems = parse(yaml).problems();
        let [only] = &*problems else {
            panic!("{yaml}: {problems:?}");
        };
        assert_eq!(only.path, path, "{yaml}");
        assert!(only.message.contains(expected), "{yaml}: {}", only.message);
    }
    for yaml in [
        "{discovery: dns}",
        "{discovery: {}}",
        "{discovery: {dns: {name: a, port: 1}, nacos: {}}}",
        "{discovery: {dns: {name: a, port: 1, servers: [a.example]}}}",
        "{discovery: {original_destination: {limit: 0}}}",
        "{discovery: 5}",
    ] {
        assert!(
            serde_saphyr::from_str::<ClusterConfig>(yaml).is_err(),
            "{yaml}"
        );
    }
}
