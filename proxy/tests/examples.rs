//! The examples are configurations that load, and the full one has every key.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wireloom::config::{self, Config};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn load(name: &str) -> Config {
    config::load(&folder().join(name), wireloom::PROTOCOLS)
        .unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_example_loads() {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            load(&name);
            names.push(name);
        }
    }
    for name in [
        "minimal.yaml",
        "full.yaml",
        "dubbo-canary.yaml",
        "bolt.yaml",
        "thrift.yaml",
        "retries.yaml",
        "filters.yaml",
    ] {
        assert!(
            names.iter().any(|there| there == name),
            "{name} of {names:?}"
        );
    }
}

#[test]
fn the_minimal_one_has_ten_lines() {
    let text = fs::read_to_string(folder().join("minimal.yaml")).unwrap();
    assert!(text.lines().filter(|line| !line.starts_with('#')).count() <= 10);
}

#[test]
fn the_full_one_shows_the_defaults() {
    let (full, least) = (load("full.yaml"), load("minimal.yaml"));
    let (mesh, plain) = (&full.listeners[0], &least.listeners[0]);
    assert_eq!(mesh.timeouts, plain.timeouts);
    // The default depends on the protocol.
    assert_eq!(plain.limits.frame, None);
    let mut limits = mesh.limits.clone();
    assert_eq!(
        limits.frame.take().map(|size| size.to_string()),
        Some("8MiB".into())
    );
    assert_eq!(limits, plain.limits);
    assert_eq!(full.limits, least.limits);
    assert_eq!(full.log, least.log);
    assert_eq!(full.drain_timeout, least.drain_timeout);
    assert_eq!(full.protocols.bolt, least.protocols.bolt);
    assert_eq!(full.protocols.dubbo, least.protocols.dubbo);
    assert_eq!(full.protocols.http, least.protocols.http);
    let (orders, default) = (
        &full.clusters["orders"].cluster,
        &least.clusters["orders"].cluster,
    );
    assert_eq!(orders.connect_timeout, default.connect_timeout);
    assert_eq!(orders.idle_timeout, default.idle_timeout);
    // The default depends on the protocol, so the example has a number of its own.
    assert_eq!(default.connections.per_endpoint, None);
    let mut limits = orders.limits.clone();
    limits.connections = None;
    // Not looked at by default; what is shown are the defaults if it is.
    assert_eq!(limits.adaptive.take(), Some(Default::default()));
    limits.per_endpoint = Default::default();
    assert_eq!(limits, default.limits);
    let mut outlier = orders.outlier.clone().unwrap();
    (outlier.failure_percentage, outlier.latency) = (None, None);
    assert_eq!(outlier, Default::default());
    assert_eq!(orders.retry_budget, default.retry_budget);
    assert_eq!(orders.balance, default.balance);
}

/// Whoever adds a key finds out here that `full.yaml` lacks it.
#[test]
fn the_full_one_has_every_key() {
    let text = fs::read_to_string(folder().join("full.yaml")).unwrap();
    let value: Value = serde_saphyr::from_str(&text).unwrap();
    let schema = config::schema();
    let mut missing = Vec::new();
    compare(&schema, &schema, &[&value], "", &mut missing);
    // The forms of a text match are one of several, and all are in the comment beside `method`.
    let forms = [
        "exact", "prefix", "suffix", "contains", "regex", "range", "present", "not",
    ];
    missing.retain(|path| {
        let key = path.rsplit('.').next();
        let form = path.contains(".match.") && key.is_some_and(|key| forms.contains(&key));
        // A route's `headers` shows all that a listener's has.
        let shown = path.starts_with(".listeners[].headers.");
        // A group's routes are routes.
        let grouped = path.contains(".routes[].");
        // Of the places of an argument a protocol has some.
        let argument = [".arguments[]", ".argument"].iter().any(|at| {
            path.ends_with(&format!("{at}.thrift")) || path.ends_with(&format!("{at}.json"))
        });
        // What a part of one cluster is chosen by is chosen by in a list too.
        let part = path.ends_with(".subset.*.header");
        // The first listener shows all filters, and a route's `match` that of a fault.
        let filter = path.contains(".filters[].")
            && (path.starts_with(".routes") || path.contains(".fault.match."));
        !part && !form && !shown && !grouped && !argument && !filter
    });
    assert!(missing.is_empty(), "full.yaml lacks {missing:?}");
}

/// Adds the keys of `schema` that none of `values` has.
fn compare(root: &Value, schema: &Value, values: &[&Value], path: &str, missing: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        compare(root, target, values, path, missing);
    }
    for form in schema["anyOf"].as_array().into_iter().flatten() {
        compare(root, form, values, path, missing);
    }
    let objects = || values.iter().filter_map(|value| value.as_object());
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        let found: Vec<&Value> = objects().filter_map(|object| object.get(key)).collect();
        if found.is_empty() {
            missing.push(path);
        } else {
            compare(root, below, &found, &path, missing);
        }
    }
    if schema["additionalProperties"].is_object() {
        let all: Vec<&Value> = objects().flat_map(|object| object.values()).collect();
        compare(
            root,
            &schema["additionalProperties"],
            &all,
            &format!("{path}.*"),
            missing,
        );
    }
    if schema["items"].is_object() {
        let lists = values.iter().filter_map(|value| value.as_array());
        let all: Vec<&Value> = lists.flatten().collect();
        compare(root, &schema["items"], &all, &format!("{path}[]"), missing);
    }
}
