use std::time::Duration;

use proptest::prelude::*;
use wireloom_codecs::{Kind, ProtocolId, Str, Wire};

use super::*;
use crate::Problem;
use crate::config::RouteConfig;

fn routes(yaml: &str) -> Vec<RouteConfig> {
    serde_saphyr::from_str(yaml).unwrap()
}

fn table(yaml: &str) -> RouteTable {
    RouteTable::compile("main", &routes(yaml)).unwrap()
}

fn problems(yaml: &str) -> Vec<String> {
    let problems = RouteTable::compile("main", &routes(yaml)).unwrap_err();
    problems.iter().map(Problem::to_string).collect()
}

fn head(service: &str, method: &str) -> RequestHead {
    RequestHead {
        protocol: ProtocolId("dubbo"),
        kind: Kind::Unary,
        service: service.into(),
        method: method.into(),
        fields: [(Str::from("x"), Str::from("1"))].into_iter().collect(),
        timeout: None,
        wire: Wire::default(),
        http: None,
    }
}

fn index_of(table: &RouteTable, head: &RequestHead) -> Option<usize> {
    table.route(head).map(|route| route.index)
}

#[test]
fn the_first_match_wins() {
    let table = table(
        "
- {match: {service: a.B, method: {prefix: get}}, to: reads}
- {name: b, match: {service: a.B}, to: writes, timeout: 2s, retry: {attempts: 2}}
- {to: rest, timeout: 0s}",
    );
    assert_eq!(index_of(&table, &head("a.B", "getX")), Some(0));
    assert_eq!(index_of(&table, &head("a.B", "setX")), Some(1));
    assert_eq!(index_of(&table, &head("a.C", "getX")), Some(2));
    let routes: Vec<_> = table.routes().collect();
    let names: Vec<_> = routes.iter().map(|route| &*route.name).collect();
    assert_eq!(names, ["routes.main[0]", "b", "routes.main[2]"]);
    let timeouts: Vec<_> = routes.iter().map(|route| route.timeout).collect();
    let seconds = |s| Some(Duration::from_secs(s));
    assert_eq!(timeouts, [seconds(15), seconds(2), None]);
    assert_eq!(
        routes[1].retry.as_ref().map(|retry| retry.attempts),
        Some(2)
    );
    assert_eq!(routes[0].retry, None);
}

#[test]
fn no_match_is_no_route() {
    let table = table("[{match: {service: a}, to: x}]");
    assert!(table.route(&head("b", "m")).is_none());
    assert!(RouteTable::default().route(&head("b", "m")).is_none());
}

#[test]
fn names_are_interned_with_their_first_place() {
    let table = table(
        "
- {match: {protocol: [dubbo, bolt]}, to: [{cluster: a}, {cluster: b, weight: 0}]}
- {match: {protocol: bolt}, to: b}
- {to: c}",
    );
    let clusters: Vec<_> = table.clusters().iter().map(|name| &**name).collect();
    assert_eq!(clusters, ["a", "b", "c"]);
    let places: Vec<_> = table
        .cluster_mentions()
        .iter()
        .map(|m| m.path.as_str())
        .collect();
    assert_eq!(
        places,
        [
            "routes.main[0].to[0].cluster",
            "routes.main[0].to[1].cluster",
            "routes.main[2].to"
        ]
    );
    let protocols: Vec<_> = table
        .protocols()
        .iter()
        .map(|m| (&*m.name, m.path.as_str()))
        .collect();
    let place = "routes.main[0].match.protocol";
    assert_eq!(protocols, [("dubbo", place), ("bolt", place)]);
    let picks: Vec<_> = table
        .routes()
        .map(|route| route.split.pick(u32::MAX))
        .collect();
    assert_eq!(picks, [0, 1, 2]);
}

#[test]
fn needs_what_matchers_read() {
    assert!(
        table("[{match: {service: a, method: b, protocol: bolt}, to: x}]")
            .needs()
            .is_empty()
    );
    let table = table(
        "
- {match: {version: '1', headers: {x-b: {present: false}}}, to: x}
- {match: {group: g, headers: {userId: '7', x-b: c}}, to: x}",
    );
    let names: Vec<_> = table.needs().names().collect();
    assert_eq!(names, ["group", "userId", "userid", "version", "x-b"]);
}

#[test]
fn everything_wrong_is_told_at_once_with_its_place() {
    let problems = problems(
        "
- {to: a}
- {name: '', to: ''}
- name: n
  match: {service: {regex: '('}, version: {prefix: ''}, headers: {x: {regex: '['}, '': a}}
  to: [{cluster: a}, {cluster: a}]
  retry: {on: []}
- {name: n, to: []}
- {to: [{cluster: a, weight: 0}, {cluster: b, weight: 0}]}
- {to: [{cluster: a, weight: 4294967295}, {cluster: b}]}",
    );
    let expected = [
        "routes.main[1].name: is empty: write a name, or leave the key out",
        "routes.main[1].to: the name of a cluster cannot be empty",
        "routes.main[2].match.service.regex: is not a regular expression: unclosed group",
        "routes.main[2].match.version.prefix: an empty text is part of every text",
        "routes.main[2].match.headers.: a header's name cannot be empty",
        "routes.main[2].match.headers.x.regex: is not a regular expression",
        "routes.main[2].to[1].cluster: `a` is in this list already: add the weights up",
        "routes.main[2].retry.on: an empty list retries nothing",
        "routes.main[3].name: `n` is the name of routes.main[2] already",
        "routes.main[3].to: the list is empty: name at least one cluster",
        "routes.main[4].to: every weight is 0, so no cluster would get a request",
        "routes.main[5].to: the weights add up to 4294967296, which is more than 4294967295",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(
            problem.starts_with(expected),
            "{problem}\nis not\n{expected}"
        );
    }
}

#[test]
fn ten_thousand_services_are_looked_up() {
    let mut yaml = String::new();
    for n in 0..10_000 {
        yaml.push_str(&format!("- {{match: {{service: s{n}}}, to: c{n}}}\n"));
    }
    yaml.push_str("- {to: rest}\n");
    let table = table(&yaml);
    assert_eq!(index_of(&table, &head("s9999", "m")), Some(9_999));
    assert_eq!(index_of(&table, &head("s", "m")), Some(10_000));
    let index = table.index.as_ref().unwrap();
    assert_eq!(
        index.candidates(b"s9999", None).collect::<Vec<_>>(),
        [9_999, 10_000]
    );
    assert_eq!(index.candidates(b"s", None).collect::<Vec<_>>(), [10_000]);
    assert_eq!(table.clusters().len(), 10_001);
}

#[test]
fn small_tables_have_no_index() {
    let small = "- {match: {service: a}, to: x}\n".repeat(SCAN);
    assert!(table(&small).index.is_none());
    assert!(table(&(small + "- {to: x}")).index.is_some());
}

#[test]
fn a_table_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<RouteTable>();
}

/// A condition on one of few texts, so that routes overlap often.
fn condition() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "c",
        "''",
        "{prefix: a}",
        "{suffix: b}",
        "{regex: 'a|bc'}",
        "{present: true}",
        "{present: false}",
    ])
}

prop_compose! {
    fn route()(
        service in prop::option::weighted(0.8, condition()),
        method in prop::option::weighted(0.5, condition()),
        header in prop::option::weighted(0.2, condition()),
        protocol in prop::option::weighted(0.1, prop::sample::select(vec!["dubbo", "bolt"])),
    ) -> String {
        let part = |key: &str, text: Option<&str>| text.map(|text| format!("{key}: {text}"));
        let header = header.map(|text| format!("headers: {{x: {text}}}"));
        let parts = [part("service", service), part("method", method), part("protocol", protocol), header];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        format!("- {{match: {{{}}}, to: x}}", parts.join(", "))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_index_finds_what_a_scan_finds(
        routes in prop::collection::vec(route(), SCAN + 1..60),
        requests in prop::collection::vec(("[abc]{0,2}", "[abc]{0,2}"), 1..20),
    ) {
        let table = table(&routes.join("\n"));
        prop_assert!(table.index.is_some());
        for (service, method) in requests {
            let head = head(&service, &method);
            let scanned = table.scan(&head).map(|entry| entry.route.index);
            prop_assert_eq!(index_of(&table, &head), scanned, "{}.{}", service, method);
        }
    }
}
