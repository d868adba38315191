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
