//! Tables of many routes: how many of them a lookup judges, and how long it takes.

use super::*;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

/// A table whose routes have these conditions, and a default.
fn many(routes: usize, condition: impl Fn(usize) -> String) -> RouteTable {
    let mut yaml = String::new();
    for n in 0..routes {
        writeln!(yaml, "- {{match: {{{}}}, to: c}}", condition(n)).unwrap();
    }
    yaml.push_str("- {to: rest}\n");
    table(&yaml)
}

fn with_field(head: RequestHead, name: &str, value: &str) -> RequestHead {
    let field = (Str::from(name), Str::from(value));
    RequestHead {
        fields: [(Str::from("x"), Str::from("1")), field]
            .into_iter()
            .collect(),
        ..head
    }
}

/// Tables of so many routes by what these name, each with a request of the route at 777.
fn tables(routes: usize) -> Vec<(&'static str, RouteTable, RequestHead)> {
    vec![
        (
            "service",
            many(routes, |n| format!("service: s{n}")),
            head("s777", "m"),
        ),
        (
            "method of one service",
            many(routes, |n| format!("service: s, method: m{n}")),
            head("s", "m777"),
        ),
        (
            "service and method",
            many(routes, |n| {
                format!("service: s{}, method: m{}", n / 100, n % 100)
            }),
            head("s7", "m77"),
        ),
        (
            "path",
            many(routes, |n| format!("http: {{path: /p{n}}}")),
            http_head("", "a.example", "/p777?q"),
        ),
        (
            "host",
            many(routes, |n| format!("http: {{host: h{n}.example}}")),
            http_head("", "h777.example:80", "/"),
        ),
        (
            "host and path",
            many(routes, |n| {
                format!("http: {{host: h{}.example, path: /p{}}}", n / 100, n % 100)
            }),
            http_head("", "h7.example", "/p77"),
        ),
        (
            "header",
            many(routes, |n| format!("headers: {{X-Tenant: t{n}}}")),
            with_field(head("s", "m"), "x-tenant", "t777"),
        ),
        (
            "header of one service",
            many(routes, |n| {
                format!("service: s, headers: {{x-tenant: t{n}}}")
            }),
            with_field(head("s", "m"), "x-tenant", "t777"),
        ),
    ]
}

#[test]
fn one_route_and_the_default_are_judged_where_names_are_exact() {
    for (what, table, head) in tables(1_000) {
        assert_eq!(candidates(&table, &head), [777, 1_000], "{what}");
        assert_eq!(index_of(&table, &head), Some(777), "{what}");
        assert_eq!(
            index_of(&table, &super::head("?", "?")),
            Some(1_000),
            "{what}"
        );
    }
}

#[test]
fn a_repeated_value_leads_to_each_of_its_routes() {
    let table = many(100, |n| format!("headers: {{x-tenant: t{n}}}"));
    let mut head = with_field(head("s", "m"), "x-tenant", "t9");
    for value in ["t5", "t9", "none"] {
        head.fields.push("x-tenant".into(), value.into());
    }
    assert_eq!(candidates(&table, &head), [5, 9, 9, 100]);
    assert_eq!(index_of(&table, &head), Some(5));
}

/// Prints what a lookup takes. Run it optimised:
/// `cargo test --release -p wireloom-router -- --ignored --nocapture what_a_lookup_takes`.
#[test]
#[ignore = "a measurement"]
fn what_a_lookup_takes() {
    let downstream = from([10, 0, 0, 1]);
    let rounds = 200_000_u32;
    let print = |what: &str, table: &RouteTable, head: &RequestHead| {
        let lookup = Lookup::new(head, &downstream);
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(table.route(black_box(&lookup)));
        }
        let each = start.elapsed() / rounds;
        println!("{what}: {} ns", each.as_nanos());
    };
    for (what, table, head) in tables(10_000) {
        print(what, &table, &head);
    }
    let mut yaml = String::new();
    for n in 0..10_000 {
        writeln!(yaml, "- {{hosts: '*.h{n}.example', routes: [{{to: c}}]}}").unwrap();
    }
    let groups = table(&yaml);
    print(
        "group by suffix",
        &groups,
        &http_head("", "a.h7777.example", "/"),
    );
}
