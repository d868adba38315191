use super::*;

fn yaml(text: &str) -> Result<RouteConfig, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

fn good(text: &str) -> RouteConfig {
    yaml(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The error must hold all of `parts`.
fn bad(text: &str, parts: &[&str]) {
    let error = yaml(text).expect_err(text);
    for part in parts {
        assert!(error.contains(part), "{text}\nlacks {part:?} in\n{error}");
    }
}

#[test]
fn the_least_route() {
    let route = good("to: orders");
    assert_eq!(route.to, Some(To::Cluster("orders".into())));
    assert_eq!((route.name, route.r#match, route.retry), (None, None, None));
    assert_eq!(route.timeout, DEFAULT_TIMEOUT);
}

#[test]
fn every_key() {
    let route = good(
        r#"
name: order-reads
match:
  protocol: [dubbo, triple]
  service: com.acme.OrderService
  method: {prefix: get}
  version: {exact: "1.0"}
  group: {suffix: -b}
  headers: {x-canary: "true", x-user: {regex: "[0-9]+"}, x-none: {present: false}}
to:
  - {cluster: orders-canary, weight: 5}
  - {cluster: orders}
timeout: 2s
retry: {attempts: 2, per_try_timeout: 500ms, on: [connect-failure, unavailable], backoff: {base: 25ms, max: 100ms}}
"#,
    );
    let conditions = route.r#match.as_ref().unwrap();
    let protocols: Vec<_> = conditions.protocol.as_ref().unwrap().iter().collect();
    assert_eq!(protocols, ["dubbo", "triple"]);
    let exact = |text: &str| Some(StringMatch::Exact(text.into()));
    assert_eq!(conditions.service, exact("com.acme.OrderService"));
    assert_eq!(conditions.method, Some(StringMatch::Prefix("get".into())));
    assert_eq!(conditions.version, exact("1.0"));
    assert_eq!(conditions.group, Some(StringMatch::Suffix("-b".into())));
    assert_eq!(
        conditions.headers["x-user"],
        StringMatch::Regex("[0-9]+".into())
    );
    assert_eq!(conditions.headers["x-none"], StringMatch::Present(false));
    let Some(To::Split(split)) = &route.to else {
        panic!("not a split: {:?}", route.to)
    };
    assert_eq!(
        split.iter().map(|part| part.weight).collect::<Vec<_>>(),
        [5, 1]
    );
    let retry = route.retry.as_ref().unwrap();
    assert_eq!(retry.attempts, 2);
    assert_eq!(
        retry.on,
        [Condition::ConnectFailure, Condition::Unavailable]
    );
    assert_eq!(retry.backoff.max().to_string(), "100ms");

    // What is shown to operators reads back as what it is.
    let shown = serde_json::to_string(&route).unwrap();
    assert_eq!(serde_json::from_str::<RouteConfig>(&shown).unwrap(), route);
}

#[test]
fn retry_defaults_are_what_is_always_safe() {
    let retry = good("{to: a, retry: {}}").retry.unwrap();
    assert_eq!(retry, RetryConfig::default());
    assert_eq!(
        retry.on,
        [
            Condition::ConnectFailure,
            Condition::ResetBeforeRequest,
            Condition::Refused
        ]
    );
    assert_eq!(retry.backoff.max().to_string(), "250ms");
    let longer = good("{to: a, retry: {backoff: {base: 1s}}}").retry.unwrap();
    assert_eq!(longer.backoff.max().to_string(), "10s");
}

#[test]
fn unknown_keys_are_named_with_those_that_exist() {
    bad(
        "{to: a, timout: 2s}",
        &["unknown field", "timout", "timeout"],
    );
    bad(
        "{to: a, match: {servce: b}}",
        &["unknown field", "servce", "service"],
    );
    bad(
        "to: a\nmatch:\n  service: {prefx: b}",
        &[
            "unknown field",
            "prefx",
            "exact",
            "prefix",
            "suffix",
            "regex",
            "present",
            "line 3",
        ],
    );
    bad(
        "{to: [{cluster: a, wait: 3}]}",
        &["unknown field", "wait", "weight"],
    );
    bad(
        "{to: a, retry: {attempt: 3}}",
        &["unknown field", "attempt", "per_try_timeout"],
    );
    bad(
        "{to: a, retry: {on: [conect-failure]}}",
        &[
            "unknown variant",
            "conect-failure",
            "connect-failure",
            "server-error",
        ],
    );
    bad(
        "{to: a, retry: {backoff: {mx: 1s}}}",
        &["unknown field", "mx", "max"],
    );
}

#[test]
fn wrong_types_say_what_would_be_right() {
    bad("to: {cluster: a}", &["name of a cluster or a list"]);
    bad("to: [a]", &["{cluster: …, weight: …}"]);
    bad("{to: a, timeout: 5}", &["250ms"]);
    bad(
        "{to: a, match: {protocol: []}}",
        &["empty list", "leave the key out"],
    );
    bad(
        "{to: a, match: {protocol: {a: b}}}",
        &["a string or a list of strings"],
    );
    bad(
        "{to: a, match: {service: []}}",
        &["exact match", "{prefix: …}"],
    );
    bad("{to: a, match: {service: {}}}", &["one of {exact: …}"]);
    bad(
        "{to: a, match: {service: {prefix: a, suffix: b}}}",
        &["only one of", "regex"],
    );
    bad("{to: a, match: {service: {prefix: [a]}}}", &["string"]);
    bad("{to: a, match: {service: {present: 3}}}", &["bool"]);
    bad("{to: [{cluster: a, weight: -1}]}", &["weight"]);
}

#[test]
fn values_that_yaml_does_not_read_as_text_must_be_quoted() {
    for value in ["true", "7", "-7", "1.0"] {
        bad(
            &format!("{{to: a, match: {{version: {value}}}}}"),
            &[value, "quotes"],
        );
        good(&format!("{{to: a, match: {{version: '{value}'}}}}"));
    }
    good("{to: a, match: {version: 1.0.0}}");
}

#[test]
fn a_key_without_a_value_does_not_widen_the_match() {
    for text in [
        "to: a\nmatch:\n",
        "to: a\nmatch:\n  service:\n",
        "to: a\nmatch:\n  protocol:\n",
        "to: a\nmatch:\n  headers:\n",
        "to: a\nmatch:\n  headers:\n    x-a:\n",
        "to: a\nname:\n",
        "to: a\ntimeout:\n",
        "to: a\nretry:\n",
        "to: a\nretry:\n  per_try_timeout:\n",
        "to: a\nretry:\n  on:\n",
        "to:\n",
    ] {
        let read = yaml(text);
        assert!(read.is_err(), "{text} became {read:?}");
    }
}

#[test]
fn json_is_read_as_yaml_is() {
    let text = r#"{"to": "a", "match": {"service": {"regex": "a+"}, "protocol": "bolt"}, "timeout": "0s"}"#;
    assert_eq!(
        serde_json::from_str::<RouteConfig>(text).unwrap(),
        good(text)
    );
    for null in [
        r#"{"to": "a", "match": null}"#,
        r#"{"to": "a", "match": {"service": null}}"#,
    ] {
        assert!(serde_json::from_str::<RouteConfig>(null).is_err(), "{null}");
    }
}

#[test]
fn the_schema_knows_both_forms_and_every_key() {
    let schema = serde_json::to_value(schemars::schema_for!(RouteConfig)).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let one_of = serde_json::json!([{"required": ["to"]}, {"required": ["redirect"]}, {"required": ["respond"]}]);
    assert_eq!(schema["oneOf"], one_of);
    assert_eq!(schema["properties"]["timeout"]["default"], "15s");
    assert!(schema["properties"]["match"].get("default").is_none());
    let text = schema["$defs"]["StringMatch"]["anyOf"].as_array().unwrap();
    assert_eq!(text[0]["type"], "string");
    for (form, key) in text[1..]
        .iter()
        .zip(["exact", "prefix", "suffix", "regex", "present"])
    {
        assert!(form["properties"].get(key).is_some(), "{form}");
        assert_eq!(form["additionalProperties"], false);
    }
    assert_eq!(
        schema["$defs"]["To"]["anyOf"][1]["items"]["$ref"],
        "#/$defs/WeightedCluster"
    );
    assert_eq!(
        schema["$defs"]["MatchConfig"]["additionalProperties"],
        false
    );
    let conditions = schema["$defs"]["Condition"].to_string();
    assert!(conditions.contains("reset-before-request"), "{conditions}");
}

#[test]
fn a_budget_is_a_percentage() {
    let read = |text| serde_saphyr::from_str::<BudgetConfig>(text).unwrap();
    assert_eq!(
        read("{}"),
        BudgetConfig {
            percent: 20,
            min: 3
        }
    );
    assert!(read("{percent: 100, min: 0}").problems("p").is_empty());
    let problems = read("{percent: 101}").problems("clusters.a.budget");
    assert_eq!(
        problems[0].to_string(),
        "clusters.a.budget.percent: 101 is more than 100 percent"
    );
    assert!(serde_saphyr::from_str::<BudgetConfig>("{percnt: 1}").is_err());
}
