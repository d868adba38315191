//! Virtual hosts.

use super::*;

const GROUPS: &str = "
- {match: {headers: {x: all}}, to: all}
- hosts: [api.example, 'API.two']
  routes:
    - {match: {http: {path: /a}}, to: a}
    - {match: {http: {path: {prefix: /b}}}, to: b}
- {hosts: '*.example', routes: [{to: c}]}
- {hosts: ['*.deep.example', '[::1]'], routes: [{to: d}]}
- {hosts: 'api.*', routes: [{to: e}]}
- {services: [com.acme.Orders, com.acme.*], routes: [{match: {method: get}, to: f}]}
- {match: {service: plain}, to: plain}
- {services: '*.Orders', routes: [{to: g}]}
- {to: rest}";

/// The cluster that a request goes to.
fn cluster(table: &RouteTable, head: &RequestHead) -> Option<String> {
    let downstream = from([10, 0, 0, 1]);
    let route = table.route(&Lookup::new(head, &downstream))?;
    Some(table.clusters()[route.split.pick(0)].to_string())
}

#[test]
fn the_most_exact_name_wins() {
    let table = table(GROUPS);
    let to = |host: &str, target: &str| cluster(&table, &http_head("", host, target));
    for (host, target, expected) in [
        ("api.example", "/a", Some("a")),
        ("API.Example.:8080", "/b/x", Some("b")),
        ("api.two", "/a", Some("a")),
        // Nothing in its group takes it, and no other group is asked.
        ("api.example", "/c", None),
        ("x.example", "/a", Some("c")),
        ("x.deep.example", "/", Some("d")),
        ("deep.example", "/", Some("c")),
        // A suffix is more exact than a prefix.
        ("api.x.example", "/", Some("c")),
        ("api.x", "/", Some("e")),
        ("api.", "/", Some("rest")),
        ("example", "/", Some("rest")),
        (".example", "/", Some("rest")),
        ("[::1]:80", "/", Some("d")),
        ("[0:0::1]", "/", Some("d")),
        ("[::2]", "/", Some("rest")),
        ("", "/", Some("rest")),
    ] {
        assert_eq!(to(host, target).as_deref(), expected, "{host}{target}");
    }
    let long = format!("{}.example", "x".repeat(300));
    assert_eq!(to(&long, "/").as_deref(), Some("rest"));
    for (service, method, expected) in [
        ("com.acme.Orders", "get", Some("f")),
        ("com.acme.Orders", "put", None),
        ("com.acme.Users", "get", Some("f")),
        ("com.other.Orders", "put", Some("g")),
        ("Orders", "put", Some("rest")),
        ("com.acme.", "get", Some("rest")),
        ("plain", "get", Some("plain")),
        ("", "get", Some("rest")),
    ] {
        let found = cluster(&table, &head(service, method));
        assert_eq!(found.as_deref(), expected, "{service}/{method}");
    }
}

#[test]
fn routes_in_front_of_the_groups_are_tried_on_every_request() {
    let table = table(GROUPS);
    let marked = |head: RequestHead| RequestHead {
        fields: [(Str::from("x"), Str::from("all"))].into_iter().collect(),
        ..head
    };
    for head in [
        http_head("", "api.example", "/c"),
        http_head("", "elsewhere", "/"),
        head("com.acme.Orders", "get"),
    ] {
        assert_ne!(cluster(&table, &head).as_deref(), Some("all"));
        assert_eq!(cluster(&table, &marked(head)).as_deref(), Some("all"));
    }
    let problems = problems(
        "
- {match: {method: a}, to: x}
- {to: x}
- {to: x}
- {hosts: a, routes: [{to: x}]}
- {hosts: b, routes: [{to: x}]}
- {to: x}",
    );
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].starts_with("routes.main[1]: takes every request"),
        "{problems:#?}"
    );
}

#[test]
fn a_service_and_a_host_are_weighed_against_each_other() {
    let table = table(
        "
- {hosts: a.example, routes: [{to: host}]}
- {hosts: '*.example', routes: [{to: hosts}]}
- {services: s.Exact, routes: [{to: service}]}
- {services: s.*, routes: [{to: services}]}
- {services: '*', routes: [{to: any}]}",
    );
    for (service, host, expected) in [
        ("s.Exact", "a.example", "service"),
        ("s.Other", "a.example", "host"),
        ("s.Other", "b.example", "hosts"),
        ("s.Other", "b.test", "services"),
        ("t", "b.example", "hosts"),
        ("t", "b.test", "any"),
    ] {
        let found = cluster(&table, &http_head(service, host, "/"));
        assert_eq!(found.as_deref(), Some(expected), "{service} {host}");
    }
    // Without a default there is no route.
    assert_eq!(cluster(&table, &head("", "m")), None);
}

#[test]
fn routes_of_groups_are_numbered_behind_the_others() {
    let table = table(GROUPS);
    let names: Vec<_> = table.routes().map(|route| &*route.name).collect();
    assert_eq!(
        names,
        [
            "routes.main[0]",
            "routes.main[6]",
            "routes.main[8]",
            "routes.main[1].routes[0]",
            "routes.main[1].routes[1]",
            "routes.main[2].routes[0]",
            "routes.main[3].routes[0]",
            "routes.main[4].routes[0]",
            "routes.main[5].routes[0]",
            "routes.main[7].routes[0]"
        ]
    );
    let numbers: Vec<_> = table.routes().map(|route| route.index).collect();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    let places: Vec<_> = table.cluster_mentions().iter().map(|m| &*m.path).collect();
    assert_eq!(places[1], "routes.main[1].routes[0].to");
}

#[test]
fn what_groups_cannot_be() {
    let problems = problems(
        "
- {hosts: [a.b, A.B., '*.b'], routes: [{to: x}]}
- {hosts: ['a.b', 'a.b:80', '*b'], routes: [{to: x}]}
- {services: [s, s, '', 'a*', '*.a*'], routes: [{to: x}]}
- {hosts: h, services: t, routes: [{to: x}], timeout: 2s, to: x}
- {routes: [{hosts: i, routes: [{to: x}]}, {to: []}]}
- {hosts: j, routes: []}
- {hosts: k, to: x}",
    );
    let expected = [
        "routes.main[0].hosts[1]: `A.B.` is in this list already",
        "routes.main[1].hosts[0]: `a.b` is taken by routes.main[0] already",
        "routes.main[1].hosts[1]: \"a.b:80\" has a port",
        "routes.main[1].hosts[2]: \"*b\" is not a host",
        "routes.main[2].services[1]: `s` is in this list already",
        "routes.main[2].services[2]: \"\" is no pattern of services",
        "routes.main[2].services[3]: \"a*\" is no pattern",
        "routes.main[2].services[4]: \"*.a*\" is no pattern",
        "routes.main[3].to: is for a route",
        "routes.main[3].timeout: is for a route",
        "routes.main[3].services: stands beside `hosts`",
        "routes.main[4]: names nothing",
        "routes.main[4].routes[0].routes: is a group within a group",
        "routes.main[4].routes[1].to: the list is empty",
        "routes.main[5].routes: the list is empty",
        "routes.main[6].hosts: is for a group of routes",
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
fn a_large_group_has_an_index_of_its_own() {
    let mut yaml = "- hosts: '*.example'\n  routes:\n".to_owned();
    for n in 0..100 {
        yaml.push_str(&format!(
            "    - {{match: {{http: {{path: /{n}}}}}, to: c{n}}}\n"
        ));
    }
    yaml.push_str("- {to: rest}\n");
    let table = table(&yaml);
    let indexed: Vec<_> = table
        .sections
        .iter()
        .map(|section| section.index.is_some())
        .collect();
    assert_eq!(indexed, [false, false, true]);
    let to = |host: &str, target: &str| cluster(&table, &http_head("", host, target));
    assert_eq!(to("a.example", "/77").as_deref(), Some("c77"));
    assert_eq!(to("a.example", "/100"), None);
    assert_eq!(to("a.test", "/77").as_deref(), Some("rest"));
}
