//! Routing by gRPC metadata, HTTP headers and Dubbo attachments.

use crate::servers::Site;

#[tokio::test]
async fn every_form_of_a_condition_holds_for_every_protocol() {
    let mut site = Site::matching(&[
        ("headers: {x-canary: 'true'}", "exact"),
        ("headers: {x-user: {prefix: adm}}", "prefix"),
        ("headers: {x-user: {suffix: '@acme'}}", "suffix"),
        ("headers: {x-user: {contains: '+test'}}", "contains"),
        ("headers: {x-user: {regex: '[0-9]{3}'}}", "regex"),
        ("headers: {x-shard: {range: {min: 10, max: 19}}}", "range"),
        (
            "headers: {x-trial: {present: true}, x-user: {not: bob}}",
            "not",
        ),
        ("headers: {x-trial: {present: true}}", "present"),
        ("", "rest"),
    ])
    .await;
    for (fields, name) in [
        (&[("x-canary", "true")][..], "exact"),
        (&[("x-canary", "false")], "rest"),
        (&[("x-user", "admin")], "prefix"),
        (&[("x-user", "bob@acme")], "suffix"),
        (&[("x-user", "bob+test@x")], "contains"),
        (&[("x-user", "123")], "regex"),
        (&[("x-user", "1234")], "rest"),
        (&[("x-shard", "10")], "range"),
        (&[("x-shard", "20")], "rest"),
        (&[("x-shard", "ten")], "rest"),
        (&[("x-trial", "1")], "not"),
        (&[("x-trial", "1"), ("x-user", "ann")], "not"),
        (&[("x-trial", "1"), ("x-user", "bob")], "present"),
        (&[], "rest"),
    ] {
        assert_eq!(site.by_all(fields).await, name, "{fields:?}");
    }
}

/// Dubbo's attachments are a map, so that none is repeated there.
#[tokio::test]
async fn one_value_of_a_repeated_header_is_enough() {
    let mut site = Site::matching(&[
        ("headers: {x-tag: blue}", "blue"),
        ("headers: {x-tag: {not: red}}", "colourless"),
        ("", "rest"),
    ])
    .await;
    for (values, name) in [
        (&["red", "blue"][..], "blue"),
        (&["red", "green"], "rest"),
        (&["green", "white"], "colourless"),
        (&[], "colourless"),
    ] {
        let fields: Vec<_> = values.iter().map(|value| ("x-tag", *value)).collect();
        let grpc = site.by_grpc("/acme.Orders/get", &fields).await;
        assert_eq!(grpc, name, "{values:?}");
        let lines: Vec<_> = values
            .iter()
            .map(|value| format!("X-Tag: {value}"))
            .collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        assert_eq!(site.http.get("/", &lines).await, name, "{values:?}");
    }
}

#[tokio::test]
async fn cookies_are_matched_where_http_has_them() {
    let mut site = Site::start(
        "- {match: {protocol: http1, http: {cookie: {plan: {prefix: gold}}}}, to: gold-http1}
- {match: {protocol: grpc, http: {cookie: {plan: gold}}}, to: gold-grpc}
- {match: {protocol: http1}, to: rest-http1}
- {match: {protocol: grpc}, to: rest-grpc}
- {match: {protocol: dubbo, headers: {cookie: {present: false}}}, to: rest-dubbo}",
        &["gold", "rest"],
    )
    .await;
    let http = &mut site.http;
    assert_eq!(http.get("/", &["Cookie: a=b; plan=gold2"]).await, "gold");
    assert_eq!(http.get("/", &["Cookie: a=gold"]).await, "rest");
    let split = [("cookie", "a=b"), ("cookie", "plan=\"gold\"")];
    assert_eq!(site.by_grpc("/a.B/c", &split).await, "gold");
    assert_eq!(site.by_grpc("/a.B/c", &[]).await, "rest");
    assert_eq!(site.dubbo.get(&[]).await.unwrap(), "rest");
}

#[tokio::test]
async fn an_expression_holds_for_every_protocol() {
    let mut site = Site::matching(&[
        (
            "when: 'headers[\"x-user\"].startsWith(\"a\") && source.inCidr(\"127.0.0.0/8\")'",
            "first",
        ),
        (
            "when: '\"x-user\" in headers && int(headers[\"x-age\"]) >= 18'",
            "second",
        ),
        ("", "rest"),
    ])
    .await;
    for (fields, name) in [
        (&[("x-user", "ann")][..], "first"),
        (&[("x-user", "bob"), ("x-age", "18")], "second"),
        (&[("x-user", "bob"), ("x-age", "17")], "rest"),
        (&[("x-user", "bob")], "rest"),
        (&[("x-age", "18")], "rest"),
        (&[], "rest"),
    ] {
        assert_eq!(site.by_all(fields).await, name, "{fields:?}");
    }
}
