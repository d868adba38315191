use super::*;
use crate::Record;

fn labels() -> RequestLabels<'static> {
    RequestLabels {
        listener: "mesh",
        route: "order-reads",
        cluster: "orders",
        protocol: "dubbo",
    }
}

/// Everything counted once.
fn busy() -> Metrics {
    let metrics = Metrics::new("1.2.3").unwrap();
    Record::start(metrics.request(labels())).finish(Outcome::Success);
    let listener = metrics.listener("mesh");
    drop(listener.accepted());
    listener.recognised("dubbo");
    listener.connection_error("protocol");
    listener.sniff_failure("unknown");
    metrics
        .local_errors("mesh", "dubbo", &["no_route", "timeout"])
        .inc(1);
    let cluster = metrics.cluster("orders");
    cluster.retry(Retry::OverBudget);
    cluster.lost.inc();
    cluster.connections.set(2);
    metrics.config_loaded(3);
    metrics.config_reloaded(false);
    metrics
}

#[test]
fn the_text_form_has_what_was_counted() {
    let text = busy().encode();
    for line in [
        r#"wireloom_requests_total{cluster="orders",listener="mesh",outcome="success",protocol="dubbo",route="order-reads"} 1"#,
        r#"wireloom_requests_total{cluster="orders",listener="mesh",outcome="cancelled",protocol="dubbo",route="order-reads"} 0"#,
        r#"wireloom_request_duration_seconds_bucket{cluster="orders",listener="mesh",protocol="dubbo",le="0.0005"} 1"#,
        r#"wireloom_request_duration_seconds_count{cluster="orders",listener="mesh",protocol="dubbo"} 1"#,
        r#"wireloom_requests_in_flight{cluster="orders"} 0"#,
        r#"wireloom_downstream_connections_total{listener="mesh",protocol="dubbo"} 1"#,
        r#"wireloom_downstream_connections{listener="mesh"} 0"#,
        r#"wireloom_downstream_connection_errors_total{listener="mesh",reason="protocol"} 1"#,
        r#"wireloom_sniff_failures_total{listener="mesh",reason="unknown"} 1"#,
        r#"wireloom_local_errors_total{error="timeout",listener="mesh",protocol="dubbo"} 1"#,
        r#"wireloom_local_errors_total{error="no_route",listener="mesh",protocol="dubbo"} 0"#,
        r#"wireloom_retries_total{cluster="orders",result="over_budget"} 1"#,
        r#"wireloom_upstream_connections_lost_total{cluster="orders"} 1"#,
        r#"wireloom_upstream_connections{cluster="orders"} 2"#,
        r#"wireloom_stray_replies_total{cluster="orders"} 0"#,
        r#"wireloom_config_generation 3"#,
        r#"wireloom_config_reloads_total{result="failure"} 1"#,
        r#"wireloom_config_reloads_total{result="success"} 0"#,
        r#"wireloom_build_info{version="1.2.3"} 1"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\nnot in\n{text}");
    }
}

#[test]
fn families_keep_to_the_naming_rules() {
    let metrics = busy();
    for family in metrics.registry.gather() {
        let (name, kind) = (family.name(), family.get_field_type());
        assert!(name.starts_with("wireloom_"), "{name}");
        assert!(!family.help().is_empty(), "{name}");
        let counter = kind == prometheus::proto::MetricType::COUNTER;
        assert_eq!(counter, name.ends_with("_total"), "{name} is a {kind:?}");
        for unit in ["_ms", "_milliseconds", "_kb", "_mb"] {
            assert!(!name.contains(unit), "{name} is not in base units");
        }
    }
}

#[test]
fn the_same_names_are_the_same_counters() {
    let metrics = Metrics::new("0").unwrap();
    let (before, after) = (metrics.request(labels()), metrics.request(labels()));
    Record::start(before).finish(Outcome::Timeout);
    assert_eq!(after.count(Outcome::Timeout), 1);
}

#[test]
fn odd_names_are_escaped_in_the_text_form() {
    let metrics = Metrics::new("0").unwrap();
    drop(metrics.listener("a\"b\\c\nd").accepted());
    let text = metrics.encode();
    assert!(text.contains(r#"wireloom_downstream_connections{listener="a\"b\\c\nd"} 0"#));
}
