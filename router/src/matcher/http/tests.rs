use http::Method;
use wireloom_codecs::{Scheme, Str};

use super::*;
use crate::matcher::HostKey;

fn compile(yaml: &str) -> Result<HttpMatcher, Vec<String>> {
    let config: HttpMatch = serde_saphyr::from_str(yaml).unwrap();
    let mut problems = Vec::new();
    let matcher = HttpMatcher::compile("m", &config, &mut problems);
    match problems.is_empty() {
        true => Ok(matcher),
        false => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

fn request(authority: &str, target: &str) -> HttpRequest {
    HttpRequest::new(Method::GET, Str::from(authority), Str::from(target))
}

/// Each condition with what it takes and what it does not.
fn check(cases: &[(&str, &[&str], &[&str])], request: impl Fn(&str) -> HttpRequest) {
    for (yaml, taken, others) in cases {
        let matcher = compile(yaml).unwrap_or_else(|problems| panic!("{yaml}: {problems:?}"));
        for text in *taken {
            assert!(matcher.matches(&request(text)), "{yaml} takes {text}");
        }
        for text in *others {
            assert!(
                !matcher.matches(&request(text)),
                "{yaml} does not take {text}"
            );
        }
    }
}

#[test]
fn hosts() {
    check(
        &[
            (
                "host: a.Example",
                &[
                    "a.example",
                    "A.EXAMPLE",
                    "a.example:80",
                    "a.example:8443",
                    "a.example.",
                ],
                &[
                    "b.a.example",
                    "a.example.b",
                    "a.exampl",
                    "",
                    "a.example..",
                    "[::1]",
                ],
            ),
            (
                "host: '*.example'",
                &["a.example", "a.b.Example", "a.example:1", "a.example."],
                &["example", ".example", "aexample", "a.example.b", ""],
            ),
            (
                "host: a.*",
                &["a.example", "A.b.c", "a.b:1"],
                &["a", "a.", "a..", "b.a.example", "ab.c", ""],
            ),
            ("host: '*'", &["a", "[::1]", "a:1"], &["", ":80"]),
            (
                "host: ['[::1]', 10.0.0.1]",
                &["[::1]", "[::1]:80", "[0:0:0::0001]", "10.0.0.1"],
                &["[::2]", "::1", "[::1", "10.0.0.10"],
            ),
            (
                "host: '[FE80::A]:8080'",
                &["[fe80::a]:8080"],
                &["[fe80::a]", "[fe80::a]:80"],
            ),
        ],
        |authority| request(authority, "/"),
    );
}

#[test]
fn a_port_in_the_pattern_counts() {
    check(
        &[
            (
                "host: 'a:8080'",
                &["a:8080", "A:08080"],
                &["a", "a:80", "a:808", "a:x", "a:99999999999"],
            ),
            ("host: 'a:80'", &["a", "a:80", "a:"], &["a:443", "a:+80"]),
            ("host: '*:80'", &["a", "b:80"], &["a:81", ""]),
            ("host: '*.b:80'", &["a.b", "a.b:80"], &["a.b:81"]),
        ],
        |authority| request(authority, "/"),
    );
    let secure = HttpRequest {
        scheme: Scheme::Https,
        ..request("a", "/")
    };
    assert!(compile("host: 'a:443'").unwrap().matches(&secure));
    assert!(!compile("host: 'a:80'").unwrap().matches(&secure));
}

#[test]
fn paths() {
    check(
        &[
            (
                "path: /api",
                &["/api", "/api?q"],
                &["/api/", "/ap", "/apix", "/API", "/%61pi", "*", ""],
            ),
            ("path: {exact: /a%2Fb}", &["/a%2Fb"], &["/a/b", "/a%2fb"]),
            (
                "path: {prefix: /api}",
                &["/api", "/api/", "/api/x", "/api//", "/api?/x"],
                &["/apix", "/ap", "/", "/x/api", "/api%2Fx", ""],
            ),
            (
                "path: {prefix: /api/}",
                &["/api/", "/api/x"],
                &["/api", "/apix", "/api?/"],
            ),
            ("path: {prefix: /}", &["/", "/x", "//"], &["*", ""]),
            (
                "path: {regex: '/v[0-9]+/.*'}",
                &["/v1/", "/v22/x?y"],
                &["/v/", "/v1", "x/v1/", "/v1?/"],
            ),
            ("path: '*'", &["*"], &["/", "/*"]),
        ],
        |target| request("a", target),
    );
}

#[test]
fn methods() {
    let matcher = compile("method: [GET, PURGE, x-own]").unwrap();
    for (method, taken) in [
        ("GET", true),
        ("PURGE", true),
        ("x-own", true),
        ("X-OWN", false),
        ("HEAD", false),
        ("get", false),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = HttpRequest::new(method.clone(), "a".into(), "/".into());
        assert_eq!(matcher.matches(&request), taken, "{method}");
    }
}

#[test]
fn parameters() {
    check(
        &[
            (
                "query: {v: '2'}",
                &[
                    "/?v=2",
                    "/?a=1&v=2",
                    "/?v=1&v=2",
                    "/?v=%32",
                    "/?%76=2",
                    "/?v=2&v",
                ],
                &[
                    "/", "/?", "/?v", "/?v=", "/?v=22", "/?V=2", "/?vv=2", "/v=2", "/?a=v=2",
                    "/?v=2;a",
                ],
            ),
            (
                "query: {'a b': 'c d&='}",
                &["/?a+b=c+d%26%3D", "/?a%20b=c%20d%26="],
                &["/?a%2Bb=c+d%26%3d", "/?a b=c d"],
            ),
            (
                "query: {v: '%'}",
                &["/?v=%", "/?v=%25"],
                &["/?v=%2", "/?v=%zz"],
            ),
            ("query: {v: '%zz'}", &["/?v=%zz"], &["/?v=%2"]),
            (
                "query: {v: ''}",
                &["/?v", "/?v=", "/?v&w"],
                &["/?v=1", "/?"],
            ),
            (
                "query: {v: {present: true}}",
                &["/?v", "/?w&v=1"],
                &["/?w", "/"],
            ),
            (
                "query: {v: {present: false}}",
                &["/?w", "/", "/?"],
                &["/?v", "/?w&%76=1"],
            ),
            ("query: {v: {prefix: a b}}", &["/?v=a+bc"], &["/?v=ab"]),
            ("query: {v: {suffix: ü}}", &["/?v=x%C3%BC"], &["/?v=x%FC"]),
            (
                "query: {v: {regex: 'a.c'}}",
                &["/?v=a%2Fc", "/?v=a+c", "/?v=a%c"],
                &["/?v=a%2Fcd"],
            ),
            (
                "query: {a: '1', b: '2'}",
                &["/?b=2&a=1"],
                &["/?a=1", "/?b=2"],
            ),
        ],
        |target| request("a", target),
    );
}

#[test]
fn a_long_encoded_value_is_judged_too() {
    let matcher = compile("query: {v: {regex: 'a*b'}}").unwrap();
    for length in [0, 510, 511, 512, 513, 60_000] {
        let value = "a".repeat(length);
        assert!(
            matcher.matches(&request("a", &format!("/?v={value}%62"))),
            "{length}"
        );
        assert!(
            !matcher.matches(&request("a", &format!("/?v={value}%63"))),
            "{length}"
        );
    }
}

#[test]
fn every_condition_must_hold() {
    let matcher = compile("{host: a, path: /p, method: GET, query: {v: '2'}}").unwrap();
    assert!(matcher.matches(&request("a", "/p?v=2")));
    for (authority, target) in [("b", "/p?v=2"), ("a", "/q?v=2"), ("a", "/p?v=3")] {
        assert!(
            !matcher.matches(&request(authority, target)),
            "{authority}{target}"
        );
    }
    let post = HttpRequest::new(Method::POST, "a".into(), "/p?v=2".into());
    assert!(!matcher.matches(&post));
    assert!(compile("{}").unwrap().matches(&request("", "*")));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (yaml, expected) in [
        ("host: ''", "m.host: \"\" is not a host: write one like"),
        ("host: [a, 'a*']", "m.host[1]: \"a*\" is not a host"),
        ("host: '*.*'", "m.host: \"*.*\" is not a host"),
        ("host: '*a'", "m.host: \"*a\" is not a host"),
        ("host: a..b", "m.host: \"a..b\" is not a host"),
        (
            "host: http://a/",
            "m.host: \"http://a/\" has no port from 1 to 65535",
        ),
        ("host: a/b", "m.host: \"a/b\" is not a host"),
        (
            "host: größe.example",
            "m.host: \"größe.example\" is not a host",
        ),
        ("host: 'a:0'", "m.host: \"a:0\" has no port from 1 to 65535"),
        ("host: 'a:+1'", "m.host: \"a:+1\" has no port"),
        ("host: 'a:'", "m.host: \"a:\" has no port"),
        (
            "host: '::1'",
            "m.host: an IPv6 address stands in brackets: write [::1]",
        ),
        ("host: '[::g]'", "m.host: \"[::g]\" is not a host"),
        ("path: api", "m.path: \"api\" does not start with a slash"),
        ("path: ''", "m.path: \"\" does not start with a slash"),
        (
            "path: {prefix: api}",
            "m.path.prefix: \"api\" does not start with a slash",
        ),
        (
            "path: {prefix: '*'}",
            "m.path.prefix: \"*\" does not start with a slash",
        ),
        ("path: '/a?b'", "m.path: \"/a?b\" is more than a path"),
        (
            "path: /a b",
            "m.path: ' ' cannot stand in a path: write %20",
        ),
        (
            "path: /größe",
            "m.path: 'ö' cannot stand in a path: write %C3%B6",
        ),
        (
            "path: {regex: '('}",
            "m.path.regex: is not a regular expression: unclosed group",
        ),
        (
            "method: get",
            "m.method: methods are told apart by case: write GET",
        ),
        (
            "method: [GET, 'a b']",
            "m.method[1]: \"a b\" is not an HTTP method like GET",
        ),
        ("method: ''", "m.method: \"\" is not an HTTP method"),
        (
            "query: {'': a}",
            "m.query.: a parameter's name cannot be empty",
        ),
        (
            "query: {v: {regex: '('}}",
            "m.query.v.regex: is not a regular expression",
        ),
        (
            "query: {v: {prefix: ''}}",
            "m.query.v.prefix: an empty text",
        ),
    ] {
        let problems = compile(yaml).expect_err(yaml);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(expected),
            "{}\nis not\n{expected}",
            problems[0]
        );
    }
    let all = compile("{host: [a b, c d], path: x, method: get, query: {v: {regex: '('}}}");
    assert_eq!(all.unwrap_err().len(), 5);
}

#[test]
fn a_host_is_looked_up_as_patterns_have_it() {
    let key =
        |authority: &str| HostKey::new(&request(authority, "/")).map(|key| key.as_bytes().to_vec());
    assert_eq!(key("A.Example.:80").unwrap(), b"a.example");
    assert_eq!(key("").unwrap(), b"");
    assert_eq!(key(&"a".repeat(253)).unwrap().len(), 253);
    assert!(key(&"a".repeat(254)).is_none());
    assert!(compile(&format!("host: {}", "a".repeat(254))).is_err());
}
