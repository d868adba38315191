use std::path::Path;

use super::*;

const PROTOCOLS: [&str; 2] = ["bolt", "dubbo"];

/// The least configuration, nine lines.
const LEAST: &str = "\
listeners:
  - address: 127.0.0.1:2045
    routes: main
routes:
  main:
    - to: orders
clusters:
  orders:
    endpoints: [127.0.0.1:20880]
";

fn read(text: &str) -> Result<Config, String> {
    parse(Path::new("mesh.yaml"), text, &PROTOCOLS).map_err(|errors| errors.to_string())
}

/// The least configuration with one line changed into others.
fn with(line: &str, instead: &str) -> String {
    assert!(LEAST.contains(line), "{line}");
    LEAST.replacen(line, instead, 1)
}

#[track_caller]
fn assert_errors(text: &str, expected: &[&str]) {
    let errors = read(text).expect_err(text);
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{errors}");
    for (line, expected) in lines.iter().zip(expected) {
        let expected = format!("mesh.yaml:{expected}");
        assert!(line.starts_with(&expected), "\n{line}\nis not\n{expected}");
    }
}

#[test]
fn the_least_one_has_defaults() {
    let config = read(LEAST).unwrap();
    let listener = &config.listeners[0];
    assert_eq!(listener.name(), "127.0.0.1:2045");
    assert_eq!(listener.limits.frame, None);
    assert_eq!(listener.timeouts.idle.to_string(), "1h");
    assert_eq!(config.drain_timeout.to_string(), "30s");
    assert_eq!(config.limits.request_memory.to_string(), "32MiB");
    assert!(config.admin.is_none() && config.workers.is_none());

    // The defaults of the file are those of the drivers.
    let (limits, default) = (
        listener.serve_limits(config.drain_timeout),
        wireloom_codecs::ServeLimits::default(),
    );
    assert_eq!(format!("{limits:?}"), format!("{default:?}"));
}

#[test]
fn what_is_read_is_written_back() {
    let config = read(LEAST).unwrap();
    let json = serde_json::to_string(&config).unwrap();
    let again = read(&json).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), json);
}

#[test]
fn anchors_merge_keys_and_json_are_yaml() {
    let text = "
listeners: [{address: '127.0.0.1:1', routes: main}]
routes:
  main:
    - &a {to: orders, timeout: 2s}
    - {<<: *a, name: second}
clusters: {orders: {endpoints: ['127.0.0.1:20880']}}
";
    let config = read(text).unwrap();
    let route = &config.routes["main"][1];
    assert_eq!(
        (route.name.as_deref(), route.timeout.to_string()),
        (Some("second"), "2s".into())
    );
    let json = r#"{"listeners": [{"address": "127.0.0.1:1", "routes": "man"}], "routes": {"main": []}, "clusters": {}}"#;
    assert_errors(
        json,
        &["1:53: listeners[0].routes: there is no route table `man`; did you mean `main`?"],
    );
    read(&LEAST.replace('\n', "\r\n")).unwrap();
}

mod actions;
mod bad;
mod connections;
mod filters;
mod mutated;
mod rules;
