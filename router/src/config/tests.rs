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
  headers: {x-canary: "true", x-user: {regex: "[0-9]+"}, x-none: {present: false}, x-part: {contains: b}, x-shard: {range: {min: 1, max: 9}}, x-not: {not: {suffix: c}}}
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
    assert_eq!(
        conditions.headers["x-part"],
        StringMatch::Contains("b".into())
    );
    let range = Range {
        min: Some(1),
        max: Some(9),
    };
    assert_eq!(conditions.headers["x-shard"], StringMatch::Range(range));
    let suffix = StringMatch::Suffix("c".into());
    assert_eq!(
        conditions.headers["x-not"],
        StringMatch::Not(Box::new(suffix))
    );
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
fn every_key_of_http() {
    let route = good(
        r#"
match:
  http:
    host: ["*.acme.com", "acme.com:8080"]
    path: {prefix: /api}
    method: GET
    query: {v: "2", w: {present: true}}
to: web
rewrite: {host: inner, prefix: /v2}
headers:
  request: {add: {a: "1", b: ["2", "3"]}, set: {c: d}, remove: [e]}
  response: {add: {a: x}, set: {b: y}, remove: [c, d]}
retry: {on: [resource-exhausted, deadline-exceeded], statuses: [503, 14], buffer: 1MiB}
"#,
    );
    let http = route.r#match.as_ref().unwrap().http.as_ref().unwrap();
    let hosts: Vec<_> = http.host.as_ref().unwrap().iter().collect();
    assert_eq!(hosts, ["*.acme.com", "acme.com:8080"]);
    assert_eq!(http.path, Some(PathMatch::Prefix("/api".into())));
    assert_eq!(http.method, Some("GET".into()));
    assert_eq!(http.query["v"], StringMatch::Exact("2".into()));
    let rewrite = route.rewrite.as_ref().unwrap();
    assert_eq!(rewrite.host.as_deref(), Some("inner"));
    assert_eq!(rewrite.prefix.as_deref(), Some("/v2"));
    let request = &route.headers.request;
    assert_eq!(request.add["b"].iter().collect::<Vec<_>>(), ["2", "3"]);
    assert_eq!((&*request.set["c"], &*request.remove[0]), ("d", "e"));
    assert_eq!(route.headers.response.remove, ["c", "d"]);
    let retry = route.retry.as_ref().unwrap();
    assert_eq!(
        retry.on,
        [Condition::ResourceExhausted, Condition::DeadlineExceeded]
    );
    assert_eq!(
        (&retry.statuses[..], retry.buffer.to_string()),
        (&[503.into(), 14.into()][..], "1MiB".into())
    );

    let redirect = "{match: {http: {path: {regex: '/.*'}}}, redirect: {scheme: https, host: a, port: 1, prefix: /x, status: 308, strip_query: true}}";
    let respond =
        "{match: {http: {path: /x}}, respond: {status: 200, body: x, headers: {a: [b, c]}}}";
    let regex = r"{to: a, rewrite: {path: /p, regex: {pattern: a, substitution: '\1'}}}";
    let others = [redirect, respond, regex].map(good);
    let moved = others[0].redirect.as_ref().unwrap();
    assert_eq!(
        (moved.scheme, moved.port, moved.status),
        (Some(RedirectScheme::Https), Some(1), 308)
    );
    assert_eq!(good("redirect: {path: /}").redirect.unwrap().status, 301);
    // What is shown to operators reads back as what it is.
    for route in others.into_iter().chain([route]) {
        let shown = serde_json::to_string(&route).unwrap();
        assert_eq!(serde_json::from_str::<RouteConfig>(&shown).unwrap(), route);
    }
}

#[test]
fn bad_http_keys_are_told() {
    for (text, parts) in [
        (
            "{to: a, match: {http: {hots: b}}}",
            &["unknown field", "hots", "host"][..],
        ),
        (
            "{to: a, match: {http: {host: []}}}",
            &["empty list", "leave the key out"],
        ),
        (
            "{to: a, match: {http: {path: {suffix: a}}}}",
            &["unknown field", "suffix", "exact", "prefix", "regex"],
        ),
        (
            "{to: a, match: {http: {path: {}}}}",
            &["a path (for an exact match) or one of {exact: …}"],
        ),
        (
            "{to: a, match: {http: {path: [/]}}}",
            &["a path (for an exact match)"],
        ),
        (
            "{to: a, match: {http: {path: {prefix: /a, regex: b}}}}",
            &["only one of `exact`, `prefix`, `regex`"],
        ),
        ("{to: a, match: {http: {query: {v: 2}}}}", &["2", "quotes"]),
        (
            "{redirect: {scheme: ftp}}",
            &["unknown variant", "ftp", "http", "https"],
        ),
        ("{redirect: {port: 65536}}", &["65536"]),
        (
            "{redirect: {url: a}}",
            &["unknown field", "url", "strip_query"],
        ),
        ("{respond: {body: a}}", &["missing field", "status"]),
        ("{respond: {status: 200, body: {a: b}}}", &["string"]),
        ("{to: a, rewrite: {regex: /a}}", &["mapping"]),
        (
            "{to: a, rewrite: {regex: {pattern: a}}}",
            &["missing field", "substitution"],
        ),
        (
            "{to: a, headers: {add: {a: b}}}",
            &["unknown field", "add", "request", "response"],
        ),
        (
            "{to: a, headers: {request: {append: {a: b}}}}",
            &["unknown field", "append", "add", "set", "remove"],
        ),
        ("{to: a, headers: {request: {set: {a: [b]}}}}", &["string"]),
        (
            "{to: a, headers: {request: {add: {a: []}}}}",
            &["empty list"],
        ),
        ("{to: a, retry: {statuses: [-1]}}", &["number or the name"]),
        (
            "{to: a, retry: {statuses: [5000000000]}}",
            &["number or the name"],
        ),
        ("{to: a, retry: {buffer: 1MB}}", &["1MB", "16MiB"]),
    ] {
        bad(text, parts);
    }
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
fn a_part_of_a_cluster_has_a_map() {
    let text = "{to: {cluster: orders, subset: {zone: a}}}";
    let route: RouteConfig = serde_saphyr::from_str(text).unwrap();
    let Some(To::Subset(part)) = &route.to else {
        panic!("not a part: {:?}", route.to)
    };
    assert_eq!(
        (
            part.cluster.as_str(),
            part.subset["zone"].constant().unwrap()
        ),
        ("orders", "a")
    );
    let json = serde_json::to_string(&route).unwrap();
    assert_eq!(serde_json::from_str::<RouteConfig>(&json).unwrap(), route);
}

#[test]
fn wrong_types_say_what_would_be_right() {
    bad("to: 5", &["name of a cluster", "or a list"]);
    bad("to: {subset: {zone: a}}", &["cluster"]);
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
        "to: a\nmatch:\n  http:\n",
        "to: a\nmatch:\n  http:\n    host:\n",
        "to: a\nmatch:\n  http:\n    path:\n",
        "to: a\nmatch:\n  http:\n    path:\n      prefix:\n",
        "to: a\nmatch:\n  http:\n    method:\n",
        "to: a\nmatch:\n  http:\n    query:\n",
        "to: a\nredirect:\n",
        "to: a\nrespond:\n",
        "to: a\nrewrite:\n",
        "to: a\nrewrite:\n  host:\n",
        "to: a\nheaders:\n",
        "to: a\nheaders:\n  request:\n",
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
    let one_of = serde_json::json!([{"required": ["to"]}, {"required": ["redirect"]}, {"required": ["respond"]}, {"required": ["routes"]}]);
    assert_eq!(schema["oneOf"], one_of);
    assert_eq!(schema["properties"]["timeout"]["default"], "15s");
    assert!(schema["properties"]["match"].get("default").is_none());
    let text = schema["$defs"]["StringMatch"]["anyOf"].as_array().unwrap();
    assert_eq!(text[0]["type"], "string");
    let keys = [
        "exact", "prefix", "suffix", "contains", "regex", "range", "present", "not",
    ];
    assert_eq!(text.len(), 1 + keys.len());
    for (form, key) in text[1..].iter().zip(keys) {
        assert!(form["properties"].get(key).is_some(), "{form}");
        assert_eq!(form["additionalProperties"], false);
    }
    assert_eq!(
        schema["$defs"]["To"]["anyOf"][2]["items"]["$ref"],
        "#/$defs/WeightedCluster"
    );
    assert_eq!(
        schema["$defs"]["MatchConfig"]["additionalProperties"],
        false
    );
    let conditions = schema["$defs"]["Condition"].to_string();
    assert!(conditions.contains("reset-before-request"), "{conditions}");
}
