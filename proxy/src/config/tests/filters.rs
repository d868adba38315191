//! Filters in a configuration: what is read, and what is said about those that are wrong.

use schemars::JsonSchema;
use serde::Deserialize;
use wireloom_codecs::units::{Secret, Span};
use wireloom_router::Problem;
use wireloom_router::filter::{Configured, Filter, Registry};

use super::*;

struct Slow;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SlowConfig {
    /// How long.
    pause: Span,
}

impl Filter for Slow {}

impl Configured for Slow {
    const NAME: &'static str = "slow";
    type Config = SlowConfig;

    fn new(config: SlowConfig) -> Result<Self, Vec<Problem>> {
        match config.pause.0.is_zero() {
            true => Err(vec![Problem::new("pause", "is no time at all")]),
            false => Ok(Self),
        }
    }
}

fn read_with(filters: &str, on_route: &str) -> Result<Config, String> {
    let text = LEAST.replacen(
        "    routes: main\n",
        &format!("    routes: main\n{filters}"),
        1,
    );
    let text = text.replacen(
        "    - to: orders\n",
        &format!("    - to: orders\n{on_route}"),
        1,
    );
    let registry = Registry::new().with::<Slow>();
    parse_with(
        Path::new("mesh.yaml"),
        &text,
        &PROTOCOLS,
        &registry,
        &crate::Sources::new(),
    )
    .map_err(|errors| errors.to_string())
}

#[test]
fn filters_are_checked_by_those_who_know_them() {
    for (filters, expected) in [
        (
            "[slwo: {pause: 5s}]",
            "4:15: listeners[0].filters[0].slwo: there is no filter `slwo`; did you mean `slow`?",
        ),
        (
            "[slow: {puase: 5s}]",
            "4:22: listeners[0].filters[0].slow.puase: unknown key `puase`; did you mean `pause`?",
        ),
        (
            "[slow: {pause: soon}]",
            "4:29: listeners[0].filters[0].slow.pause: ",
        ),
        (
            "[slow: {}]",
            "4:21: listeners[0].filters[0].slow: the key `pause` is missing: How long",
        ),
        (
            "[slow: {pause: 0s}]",
            "4:29: listeners[0].filters[0].slow.pause: is no time at all",
        ),
        (
            "[slow: [5s]]",
            "4:21: listeners[0].filters[0].slow: a list where a mapping (pause) is expected",
        ),
        (
            "[slow: {pause: 5s}, slow: {pause: 6s}]",
            "4:34: listeners[0].filters[1].slow: `slow` is in this list already",
        ),
        (
            "[slow/a b: {pause: 5s}]",
            "4:15: listeners[0].filters[0].slow/a b: a name of its own has letters",
        ),
        ("[slow]", "4:15: listeners[0].filters[0]: "),
    ] {
        let text = format!("    filters: {filters}\n");
        let error = read_with(&text, "").unwrap_err();
        assert!(
            error.starts_with(&format!("mesh.yaml:{expected}")),
            "\n{error}\nis not\n{expected}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// Of the fault filter, for all that have rules.
#[test]
fn protocols_that_filters_name_are_known() {
    let read = |rule: &str| {
        let text = with(
            "    - to: orders\n",
            &format!(
                "    - to: orders\n      filters: [fault: {{abort: {{http: 503}}, match: {rule}}}]\n"
            ),
        );
        read(&text)
    };
    for (rule, expected) in [
        (
            "{protocol: blot}",
            "7:63: routes.main[0].filters[0].fault.match.protocol[0]: there is no protocol `blot`; did you mean `bolt`?",
        ),
        (
            "{protocol: [bolt, duboo]}",
            "7:70: routes.main[0].filters[0].fault.match.protocol[1]: there is no protocol `duboo`; did you mean `dubbo`?",
        ),
        (
            "{when: \"protocol == 'mqtt'\"}",
            "7:59: routes.main[0].filters[0].fault.match.when: there is no protocol `mqtt`; the protocols are bolt, dubbo",
        ),
    ] {
        let error = read(rule).unwrap_err();
        assert_eq!(error, format!("mesh.yaml:{expected}"), "{rule}");
    }
    assert!(read("{protocol: [bolt, dubbo], when: \"protocol != 'bolt'\"}").is_ok());
}

#[test]
fn what_is_off_must_be_on() {
    let on = "    filters: [slow/a: {pause: 5s}]\n";
    assert!(read_with(on, "      filters: [slow/a: off, slow: {pause: 1s}]\n").is_ok());
    let error = read_with(on, "      filters: [slow/b: off]\n").unwrap_err();
    let expected = "mesh.yaml:8:17: routes.main[0].filters[0].slow/b: is off although nothing around it turns it on";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn the_schema_has_each_filter() {
    let schema = schema_with(&Registry::new().with::<Slow>());
    let entry = &schema["$defs"]["FilterConfig"]["properties"]["slow"]["anyOf"][0];
    assert_eq!(entry["$ref"], "#/$defs/SlowConfig", "{entry}");
    assert!(schema["$defs"]["SlowConfig"]["properties"]["pause"].is_object());
}

struct Keeper;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its form matters")]
struct KeeperConfig {
    /// Who.
    user: String,
    /// How they prove it.
    password: Secret,
}

impl Filter for Keeper {}

impl Configured for Keeper {
    const NAME: &'static str = "keeper";
    type Config = KeeperConfig;

    fn new(_: KeeperConfig) -> Result<Self, Vec<Problem>> {
        Ok(Self)
    }
}

#[test]
fn secrets_are_not_shown() {
    let entry = "{keeper: {user: ann, password: s3cret}}";
    let text = format!(
        "listeners: [{{address: 127.0.0.1:2045, routes: main, filters: [{entry}]}}]
routes:
  main:
    - {{hosts: a, routes: [{{to: orders, filters: [{entry}]}}], filters: [{entry}]}}
    - {{to: orders, filters: [{entry}, {{keeper/other: {{user: ann, password: s3cret}}}}]}}
    - {{to: orders, filters: [keeper: off]}}
clusters: {{orders: {{endpoints: [127.0.0.1:20880]}}}}"
    );
    let registry = Registry::new().with::<Keeper>();
    let sources = crate::Sources::new();
    let path = Path::new("mesh.yaml");
    let config = parse_with(path, &text, &PROTOCOLS, &registry, &sources).unwrap();
    let shown = serde_json::to_string(&config.shown(&registry)).unwrap();
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(shown.matches(r#""password":"***""#).count(), 5, "{shown}");
    assert_eq!(shown.matches(r#""user":"ann""#).count(), 5, "{shown}");
    // What is at work keeps them.
    assert!(serde_json::to_string(&config).unwrap().contains("s3cret"));
}
