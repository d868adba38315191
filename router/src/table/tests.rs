use std::time::Duration;

use http::Method;
use proptest::prelude::*;
use wireloom_codecs::{Downstream, HttpRequest, Kind, ProtocolId, RequestHead, Str, Wire};

use super::*;
use crate::config::RouteConfig;
use crate::{Action, Problem};

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

/// A request with a host and a target.
fn http_head(service: &str, authority: &str, target: &str) -> RequestHead {
    let http = HttpRequest::new(Method::GET, authority.into(), target.into());
    RequestHead {
        protocol: ProtocolId("http1"),
        http: Some(Box::new(http)),
        ..head(service, "")
    }
}

fn index_of(table: &RouteTable, head: &RequestHead) -> Option<usize> {
    let downstream = from([10, 1, 2, 3]);
    let route = table.route(&Lookup::new(head, &downstream));
    route.map(|route| route.index)
}

fn from(address: [u8; 4]) -> Downstream {
    Downstream::new((address, 7).into(), None)
}

/// The places that a table of one section judges for a request.
fn candidates(table: &RouteTable, head: &RequestHead) -> Vec<usize> {
    let index = table.sections[0].index.as_ref().unwrap();
    let downstream = from([10, 1, 2, 3]);
    index.candidates(&Lookup::new(head, &downstream)).collect()
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
    assert_eq!(index_of(&table, &head("b", "m")), None);
    assert_eq!(index_of(&RouteTable::default(), &head("b", "m")), None);
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
    assert_eq!(candidates(&table, &head("s9999", "m")), [9_999, 10_000]);
    assert_eq!(candidates(&table, &head("s", "m")), [10_000]);
    assert_eq!(table.clusters().len(), 10_001);
}

#[test]
fn ten_thousand_paths_and_hosts_are_looked_up() {
    let mut yaml = String::new();
    for n in 0..5_000 {
        yaml.push_str(&format!("- {{match: {{http: {{path: /p{n}}}}}, to: c}}\n"));
        let hosts = format!("[h{n}.Example, 'h{n}.example:8080', 'i{n}:81']");
        yaml.push_str(&format!(
            "- {{match: {{http: {{host: {hosts}}}}}, to: c}}\n"
        ));
    }
    yaml.push_str("- {match: {http: {host: '*.example'}}, to: c}\n- {to: rest}\n");
    let table = table(&yaml);
    let candidates =
        |authority: &str, target: &str| candidates(&table, &http_head("", authority, target));
    assert_eq!(
        candidates("H4999.EXAMPLE.:80", "/p4999?q"),
        [9_998, 9_999, 10_000, 10_001]
    );
    assert_eq!(candidates("x", "/"), [10_000, 10_001]);
    let found = |authority, target| index_of(&table, &http_head("", authority, target));
    assert_eq!(found("h7.example", "/p4999"), Some(15));
    assert_eq!(found("h4999.example", "/p7?q"), Some(14));
    assert_eq!(found("i7:81", "/"), Some(15));
    assert_eq!(found("i7", "/"), Some(10_001));
    assert_eq!(found("a.example", "/"), Some(10_000));
    assert_eq!(index_of(&table, &head("/p7", "m")), Some(10_001));
}

#[test]
fn a_request_without_an_http_head_matches_nothing_of_http() {
    let table = table(
        "
- {match: {http: {query: {v: {present: false}}}}, to: x}
- {match: {http: {}}, to: x}
- {to: x}",
    );
    assert_eq!(index_of(&table, &head("a", "m")), Some(2));
    assert_eq!(index_of(&table, &http_head("a", "h", "/")), Some(0));
    assert_eq!(index_of(&table, &http_head("a", "h", "/?v")), Some(1));
}

#[test]
fn a_route_that_answers_by_itself_has_no_cluster() {
    let table = table(
        "
- {match: {http: {path: /old}}, redirect: {path: /new}}
- {match: {http: {path: /no}}, respond: {status: 403}, headers: {response: {set: {x: y}}}}
- {to: c}",
    );
    let routes: Vec<_> = table.routes().collect();
    assert!(matches!(routes[0].action, Action::Redirect(_)));
    assert!(matches!(routes[1].action, Action::Respond(_)));
    assert!(matches!(routes[2].action, Action::Forward(None)));
    assert!(routes[0].split.clusters().next().is_none() && routes[0].edits.is_none());
    let edits = routes[1].edits.as_ref().unwrap();
    assert!(edits.request.is_empty() && !edits.response.is_empty());
    let clusters: Vec<_> = table.clusters().iter().map(|name| &**name).collect();
    assert_eq!(clusters, ["c"]);
}

#[test]
fn a_clone_shares_its_routes_but_for_regular_expressions() {
    let table = table(
        "
- {to: c, rewrite: {regex: {pattern: a, substitution: b}}}
- {to: c, rewrite: {path: /}}",
    );
    let other = table.clone();
    let shared = table
        .routes()
        .zip(other.routes())
        .map(|(a, b)| Arc::ptr_eq(a, b));
    assert_eq!(shared.collect::<Vec<_>>(), [false, true]);
}

#[test]
fn what_only_http_has_is_refused_on_routes_of_other_protocols() {
    let yaml = "
- {match: {protocol: [dubbo, bolt], http: {path: /}}, to: c, rewrite: {path: /}, headers: {request: {remove: [x]}}}
- {match: {protocol: dubbo}, redirect: {path: /}}
- {match: {protocol: dubbo}, respond: {status: 403}}
- {match: {protocol: [dubbo, triple], http: {path: /}}, redirect: {path: /}}";
    let places: Vec<_> = problems(yaml)
        .iter()
        .map(|problem| {
            problem
                .split_once(": is for HTTP, and")
                .unwrap()
                .0
                .to_owned()
        })
        .collect();
    assert_eq!(
        places,
        [
            "routes.main[0].match.http",
            "routes.main[0].rewrite",
            "routes.main[1].redirect"
        ]
    );
    let names = "[{match: {http: {host: '*b'}}, to: c, headers: {response: {set: {te: x}}}}, {}]";
    let problems = problems(names);
    let starts = [
        "routes.main[0].match.http.host: \"*b\" is not a host",
        "routes.main[0].headers.response.set.te: `te` is about",
        "routes.main[1]: does nothing",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn small_tables_have_no_index() {
    let small = "- {match: {service: a}, to: x}\n".repeat(SCAN);
    assert!(table(&small).sections[0].index.is_none());
    assert!(table(&(small + "- {to: x}")).sections[0].index.is_some());
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
        protocol in prop::option::weighted(0.1, prop::sample::select(vec!["dubbo", "http1"])),
        host in prop::option::weighted(0.3, prop::sample::select(vec!["a", "A.b", "[a, c]", "'*.b'", "[b, '*']", "'a:81'"])),
        path in prop::option::weighted(0.3, prop::sample::select(vec!["/a", "/b", "{prefix: /a}", "{regex: '/[ab]'}"])),
    ) -> String {
        let part = |key: &str, text: Option<&str>| text.map(|text| format!("{key}: {text}"));
        let header = header.map(|text| format!("headers: {{x: {text}}}"));
        let http = [part("host", host), part("path", path)];
        let http: Vec<_> = http.into_iter().flatten().collect();
        // What needs HTTP and takes another protocol alone is refused.
        let http = match protocol {
            Some("dubbo") => None,
            _ => (!http.is_empty()).then(|| format!("http: {{{}}}", http.join(", "))),
        };
        let parts = [http, part("service", service), part("method", method), part("protocol", protocol), header];
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
        https in prop::collection::vec(("[ab]{0,2}", "[abAB](\\.b)?(:81)?", "/[abc](/c|\\?a)?"), 1..20),
    ) {
        let table = table(&routes.join("\n"));
        let section = &table.sections[0];
        prop_assert!(section.index.is_some());
        let downstream = from([10, 1, 2, 3]);
        let plain = requests.iter().map(|(service, method)| head(service, method));
        let https = https.iter().map(|(service, host, target)| http_head(service, host, target));
        for head in plain.chain(https) {
            let scanned = table.scan(section, &Lookup::new(&head, &downstream)).map(|entry| entry.route.index);
            prop_assert_eq!(index_of(&table, &head), scanned, "{:?}", head);
        }
    }
}

#[test]
fn parts_of_one_cluster_are_several_targets() {
    let table = table(
        "
- to: [{cluster: a, subset: {v: '1'}, weight: 9}, {cluster: a, subset: {v: '2'}}]
- to: {cluster: a, subset: {v: '1'}}
- to: {cluster: a}
",
    );
    let targets: Vec<_> = (0..table.clusters().len())
        .map(|at| {
            let subset = table
                .subset(at)
                .map(|subset| subset.constants().next().unwrap().1);
            (&*table.clusters()[at], subset)
        })
        .collect();
    assert_eq!(targets, [("a", Some("1")), ("a", Some("2")), ("a", None)]);
    let problems =
        problems("[{to: [{cluster: a, subset: {v: '1'}}, {cluster: a, subset: {v: '1'}}]}]");
    assert!(problems[0].contains("in this list already"), "{problems:?}");
}

mod groups;
mod size;
