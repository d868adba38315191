use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderName, Method};
use wireloom_codecs::{ErrorKind, HttpRequest, Scheme};

use super::*;

fn compile(yaml: &str) -> Result<Action, Vec<String>> {
    let config: RouteConfig = serde_saphyr::from_str(yaml).unwrap();
    let mut problems = Vec::new();
    let action = Action::compile("r", &config, &mut problems);
    match action {
        Some(action) if problems.is_empty() => Ok(action),
        _ => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

fn rewrite(yaml: &str) -> Rewrite {
    match compile(yaml) {
        Ok(Action::Forward(Some(rewrite))) => *rewrite,
        other => panic!("{yaml}: {other:?}"),
    }
}

fn redirect(yaml: &str) -> Redirect {
    match compile(yaml) {
        Ok(Action::Redirect(redirect)) => *redirect,
        other => panic!("{yaml}: {other:?}"),
    }
}

fn respond(yaml: &str) -> DirectResponse {
    match compile(yaml) {
        Ok(Action::Respond(respond)) => *respond,
        other => panic!("{yaml}: {other:?}"),
    }
}

fn request(url: &str) -> HttpRequest {
    let (scheme, rest) = url.split_once("://").unwrap();
    let at = rest.find(['/', '*']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(at);
    HttpRequest {
        scheme: if scheme == "https" {
            Scheme::Https
        } else {
            Scheme::Http
        },
        ..HttpRequest::new(Method::GET, authority.into(), target.into())
    }
}

fn rewritten(rewrite: &Rewrite, url: &str) -> String {
    let mut request = request(url);
    rewrite.apply(&mut request).unwrap();
    format!("{}{}", request.authority, request.target)
}

fn location(redirect: &Redirect, url: &str) -> String {
    let response = redirect.response(&request(url));
    assert_eq!(response.status, redirect.status());
    assert_eq!(response.headers.len(), 1);
    String::from_utf8(response.headers.get(&LOCATION).unwrap().to_vec()).unwrap()
}

#[test]
fn a_prefix_is_replaced_without_doubling_or_losing_slashes() {
    for (old, new, path, expected) in [
        ("/api", "/v2", "/api", "/v2"),
        ("/api", "/v2", "/api/", "/v2/"),
        ("/api", "/v2", "/api/x?q=/api", "/v2/x?q=/api"),
        ("/api", "/v2/", "/api", "/v2/"),
        ("/api", "/v2/", "/api/x", "/v2/x"),
        ("/api/", "/v2", "/api/x", "/v2/x"),
        ("/api/", "/v2", "/api/", "/v2/"),
        ("/api/", "/v2/", "/api/x", "/v2/x"),
        ("/api", "/", "/api", "/"),
        ("/api", "/", "/api/", "/"),
        ("/api", "/", "/api/x", "/x"),
        ("/api", "/", "/api//evil.example/x", "/evil.example/x"),
        ("/api", "/v2", "/api//x", "/v2//x"),
        ("/", "/v2", "/", "/v2/"),
        ("/", "/v2", "/x", "/v2/x"),
        ("/", "/", "/x", "/x"),
    ] {
        let yaml = format!(
            "{{match: {{http: {{path: {{prefix: {old}}}}}}}, to: c, rewrite: {{prefix: {new}}}}}"
        );
        let made = rewritten(&rewrite(&yaml), &format!("http://a{path}"));
        assert_eq!(
            made,
            format!("a{expected}"),
            "{old} becomes {new} in {path}"
        );
    }
}

#[test]
fn a_whole_path_and_a_host() {
    let both = rewrite("{to: c, rewrite: {path: /p%20q, host: 'B.example:81'}}");
    assert_eq!(
        rewritten(&both, "http://a:1/x?y?z"),
        "B.example:81/p%20q?y?z"
    );
    assert_eq!(rewritten(&both, "http://a/?"), "B.example:81/p%20q?");
    // No path, so nothing to replace.
    assert_eq!(rewritten(&both, "http://a*"), "B.example:81*");
    assert_eq!(rewritten(&both, "http://a:443"), "B.example:81");
    let host = rewrite("{to: c, rewrite: {host: '[::1]'}}");
    assert_eq!(rewritten(&host, "http://a/x?y"), "[::1]/x?y");
}

#[test]
fn finds_of_a_regular_expression_are_replaced() {
    let made = |pattern: &str, substitution: &str, path: &str| {
        let rewrite = rewrite(&format!(
            "{{to: c, rewrite: {{regex: {{pattern: '{pattern}', substitution: '{substitution}'}}}}}}"
        ));
        rewritten(&rewrite, &format!("http://a{path}")).split_off(1)
    };
    assert_eq!(
        made("^/([^/]+)/(.*)$", r"/\2/of/\1", "/u/1/2?a=/b/c"),
        "/1/2/of/u?a=/b/c"
    );
    assert_eq!(made("o", "0", "/foo/o"), "/f00/0");
    assert_eq!(made("o", "", "/foo/o?o"), "/f/?o");
    assert_eq!(made("^/x", "/y", "/a/x"), "/a/x");
    assert_eq!(made("(a)|(b)", r"<\1\2\0>", "/ab"), "/<aa><bb>");
    // Whatever the groups hold, what comes out is a path.
    assert_eq!(made("^/api/(.*)$", r"\1", "/api/x"), "/x");
    assert_eq!(made("^/api(.*)$", r"/\1", "/api//evil"), "/evil");
    assert_eq!(made("^.*$", "", "/api"), "/");
    assert_eq!(made("", "-", "/ab"), "/-/-a-b-");
}

#[test]
fn a_path_that_would_grow_too_long_or_break_is_an_error() {
    let long = "x".repeat(200);
    let grow = rewrite(&format!(
        "{{to: c, rewrite: {{regex: {{pattern: a, substitution: {long}}}}}}}"
    ));
    let mut request = HttpRequest::new(
        Method::GET,
        "a".into(),
        format!("/{}", "a".repeat(1000)).as_str().into(),
    );
    let before = request.target.clone();
    let error = grow.apply(&mut request).unwrap_err();
    assert_eq!(
        (error.kind, &*error.detail),
        (ErrorKind::Malformed, "the rewritten path is too long")
    );
    assert_eq!(request.target, before);

    let split = rewrite(r"{to: c, rewrite: {regex: {pattern: '(?-u:\xC3)', substitution: x}}}");
    let mut request = HttpRequest::new(Method::GET, "a".into(), "/ü".into());
    let error = split.apply(&mut request).unwrap_err();
    assert_eq!(&*error.detail, "the rewritten path is not text");
    assert_eq!(request.target, "/ü");
}

#[test]
fn a_redirect_keeps_what_is_not_given() {
    for (config, url, expected) in [
        (
            "{scheme: https}",
            "http://a.example/p?q",
            "https://a.example/p?q",
        ),
        // The port belonged to the other scheme.
        ("{scheme: https}", "http://a:8080/", "https://a/"),
        ("{scheme: https}", "https://a:8443/", "https://a:8443/"),
        (
            "{scheme: https, port: 8443}",
            "http://a:8080/",
            "https://a:8443/",
        ),
        ("{scheme: https, port: 443}", "http://a/", "https://a/"),
        ("{port: 81}", "http://a:80/", "http://a:81/"),
        ("{host: b}", "http://a:8080/p?q", "http://b/p?q"),
        (
            "{host: b, port: 8080}",
            "https://[::1]:1/",
            "https://b:8080/",
        ),
        ("{host: '[::1]'}", "http://a/", "http://[::1]/"),
        ("{path: /new}", "http://a:81/old?q=1", "http://a:81/new?q=1"),
        (
            "{path: /new, strip_query: true}",
            "http://a/old?q=1",
            "http://a/new",
        ),
        ("{strip_query: true}", "http://a/old?q=1", "http://a/old"),
        ("{path: /new}", "http://a*", "http://a/new"),
        ("{scheme: https}", "http://a*", "https://a/"),
        ("{scheme: https}", "http://a//b//c", "https://a//b//c"),
        // Nobody's host: the client stays where it is.
        ("{path: /new}", "http:///old", "/new"),
        (
            "{strip_query: true}",
            "http:////evil.example/x?q",
            "/evil.example/x",
        ),
        (
            "{host: b}",
            "http:////evil.example/x",
            "http://b//evil.example/x",
        ),
        ("{scheme: https}", "http://a/ü", "https://a/%C3%BC"),
    ] {
        let redirect = redirect(&format!("{{redirect: {config}}}"));
        assert_eq!(location(&redirect, url), expected, "{config} of {url}");
    }
    let prefix =
        redirect("{match: {http: {path: {prefix: /old}}}, redirect: {prefix: /new, status: 308}}");
    assert_eq!(prefix.status(), 308);
    assert_eq!(location(&prefix, "http://a/old/x?q"), "http://a/new/x?q");
    let root = redirect("{match: {http: {path: {prefix: /old}}}, redirect: {prefix: /}}");
    assert_eq!(root.status(), 301);
    assert_eq!(
        location(&root, "http:///old//evil.example"),
        "/evil.example"
    );
}

#[test]
fn a_location_that_cannot_be_written_is_a_bad_request() {
    let redirect = redirect("{redirect: {scheme: https}}");
    let response = redirect.response(&request("http://a\u{1}b/"));
    assert_eq!(response.status, 400);
    assert!(response.headers.is_empty());
}

#[test]
fn a_direct_response_has_a_type_unless_it_is_empty() {
    let text = respond("{respond: {status: 404, body: gone, headers: {x-a: ['1', '2']}}}");
    let (head, body) = text.response();
    assert_eq!((head.status.as_u16(), &body[..]), (404, &b"gone"[..]));
    assert_eq!(
        head.headers.get(&CONTENT_TYPE),
        Some(&b"text/plain; charset=utf-8"[..])
    );
    let name = HeaderName::from_static("x-a");
    assert_eq!(head.headers.all(&name).collect::<Vec<_>>(), [b"1", b"2"]);
    let html = respond("{respond: {status: 200, body: x, headers: {Content-Type: text/html}}}");
    let (head, _) = html.response();
    assert_eq!(
        head.headers.all(&CONTENT_TYPE).collect::<Vec<_>>(),
        [b"text/html"]
    );
    let (head, body) = respond("{respond: {status: 204}}").response();
    assert!(head.headers.is_empty() && body.is_empty());
}

#[test]
fn a_direct_response_has_a_form_for_every_protocol() {
    for (status, grpc, kind) in [
        (200, 0, ErrorKind::Unsupported),
        (302, 2, ErrorKind::Unsupported),
        (400, 13, ErrorKind::Malformed),
        (401, 16, ErrorKind::Denied),
        (403, 7, ErrorKind::Denied),
        (404, 12, ErrorKind::NoRoute),
        (429, 14, ErrorKind::RateLimited),
        (500, 2, ErrorKind::Internal),
        (503, 14, ErrorKind::NoEndpoint),
        (504, 14, ErrorKind::Timeout),
    ] {
        let response = respond(&format!(
            "{{respond: {{status: {status}, body: ' closed '}}}}"
        ));
        assert_eq!(response.grpc_status(), grpc, "{status}");
        assert_eq!(response.error().kind, kind, "{status}");
        assert_eq!(response.error().detail, "closed");
    }
    let silent = respond("{respond: {status: 403}}").error();
    assert_eq!(silent.detail, "the route answers 403 Forbidden");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (yaml, expected) in [
        ("{}", &["r: does nothing with its requests: write `to`"][..]),
        (
            "{to: c, redirect: {path: /}}",
            &["r.redirect: only one of `to`, `redirect` and `respond`"],
        ),
        (
            "{to: c, respond: {status: 200}}",
            &["r.respond: only one of"],
        ),
        (
            "{redirect: {path: /}, respond: {status: 200}}",
            &["r.redirect: only one of"],
        ),
        (
            "{respond: {status: 200}, rewrite: {path: /}, retry: {}}",
            &[
                "r.rewrite: is for requests that go to a cluster",
                "r.retry: is for requests that go",
            ],
        ),
        ("{to: c, rewrite: {}}", &["r.rewrite: changes nothing"]),
        (
            "{to: c, rewrite: {path: x}}",
            &["r.rewrite.path: \"x\" does not start with a slash"],
        ),
        (
            "{to: c, rewrite: {path: '/?x'}}",
            &["r.rewrite.path: \"/?x\" is more than a path"],
        ),
        (
            "{to: c, rewrite: {prefix: /x}}",
            &["r.rewrite.prefix: stands in the place of the prefix"],
        ),
        (
            "{match: {http: {path: /x}}, to: c, rewrite: {prefix: /x}}",
            &[
                "r.rewrite.prefix: stands in the place of the prefix that `match.http.path` names, and it names none",
            ],
        ),
        (
            "{match: {http: {path: {prefix: /x}}}, to: c, rewrite: {prefix: ''}}",
            &["r.rewrite.prefix: \"\" does not start with a slash"],
        ),
        (
            "{to: c, rewrite: {path: /x, regex: {pattern: a, substitution: b}}}",
            &["r.rewrite.regex: only one of `path`, `prefix` and `regex`"],
        ),
        (
            "{to: c, rewrite: {regex: {pattern: '(', substitution: b}}}",
            &["r.rewrite.regex.pattern: is not a regular expression: unclosed group"],
        ),
        (
            r"{to: c, rewrite: {regex: {pattern: '(a)', substitution: '\2'}}}",
            &[r"r.rewrite.regex.substitution: names group \2, and the pattern has 1 groups"],
        ),
        (
            r"{to: c, rewrite: {regex: {pattern: a, substitution: 'a\'}}}",
            &["r.rewrite.regex.substitution: \"a\\\\\" has a backslash that no digit follows"],
        ),
        (
            "{to: c, rewrite: {regex: {pattern: a, substitution: 'a?b'}}}",
            &["r.rewrite.regex.substitution: \"a?b\" is more than a path"],
        ),
        (
            "{to: c, rewrite: {regex: {pattern: a, substitution: 'a b'}}}",
            &["r.rewrite.regex.substitution: ' ' cannot stand in a path"],
        ),
        (
            "{to: c, rewrite: {host: '*.a'}}",
            &["r.rewrite.host: \"*.a\" is not a host"],
        ),
        (
            "{to: c, rewrite: {host: 'a:x'}}",
            &["r.rewrite.host: \"a:x\" has no port"],
        ),
        (
            "{redirect: {}}",
            &["r.redirect: sends the client back to where it was"],
        ),
        (
            "{redirect: {path: /, status: 300}}",
            &["r.redirect.status: 300 is not a status of a redirect"],
        ),
        (
            "{redirect: {host: 'a:1'}}",
            &["r.redirect.host: \"a:1\" has a port, which has a key of its own: write \"a\""],
        ),
        (
            "{redirect: {host: 'a/b'}}",
            &["r.redirect.host: \"a/b\" is not a host"],
        ),
        ("{redirect: {port: 0}}", &["r.redirect.port: 0 is no port"]),
        (
            "{redirect: {path: /, prefix: /}}",
            &["r.redirect.prefix: only one of `path` and `prefix`"],
        ),
        (
            "{redirect: {prefix: /}}",
            &["r.redirect.prefix: stands in the place"],
        ),
        (
            "{respond: {status: 199}}",
            &["r.respond.status: 199 is out of range: 200 to 599"],
        ),
        (
            "{respond: {status: 600}}",
            &["r.respond.status: 600 is out of range"],
        ),
        (
            "{respond: {status: 204, body: x}}",
            &["r.respond.body: an answer with status 204 has no body"],
        ),
        (
            "{respond: {status: 200, headers: {content-length: '1'}}}",
            &["r.respond.headers.content-length: `content-length` is about a connection"],
        ),
    ] {
        let problems = compile(yaml).expect_err(yaml);
        assert_eq!(problems.len(), expected.len(), "{yaml}: {problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(
                problem.starts_with(expected),
                "{problem}\nis not\n{expected}"
            );
        }
    }
    let long = format!("{{respond: {{status: 200, body: {}}}}}", "x".repeat(65_537));
    assert_eq!(
        compile(&long).unwrap_err(),
        ["r.respond.body: 65537 bytes are more than 65536"]
    );
}
