use http::Method;
use http::header::{COOKIE, HeaderValue};
use proptest::prelude::*;
use wireloom_codecs::{
    ClientTls, Downstream, HttpRequest, Kind, ProtocolId, RequestHead, Str, Wire,
};

use super::*;

fn head() -> RequestHead {
    let target = "/api/orders?v=2&name=a%20b";
    let mut http = HttpRequest::new(Method::POST, "Shop.Example:80".into(), target.into());
    http.headers
        .append(&COOKIE, &HeaderValue::from_static("plan=gold"));
    let fields = [
        ("x-user", "ann"),
        ("x-user", "bob"),
        ("x-age", "30"),
        ("version", "1.0"),
    ];
    RequestHead {
        protocol: ProtocolId("http1"),
        kind: Kind::Unary,
        service: "acme.Orders".into(),
        method: "get".into(),
        fields: fields
            .into_iter()
            .map(|(name, value)| (Str::from(name), Str::from(value)))
            .collect(),
        timeout: None,
        wire: Wire::default(),
        http: Some(Box::new(http)),
    }
}

fn client() -> Downstream {
    let tls = ClientTls {
        sni: Some("shop.example".into()),
        identities: Box::new(["spiffe://acme/web".into()]),
    };
    Downstream::new("10.1.2.3:7000".parse().unwrap(), Some(tls))
}

fn undecided(text: &str) -> Option<bool> {
    let when = When::compile("when", text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
    when.condition.eval(&Lookup::new(&head(), &client()))
}

#[test]
fn what_is_true_is() {
    for text in [
        "true",
        "protocol == 'http1' && service == \"acme.Orders\" && method != 'put'",
        "version == '1.0' && group == ''",
        "headers['x-user'] == 'ann' && 'x-user' in headers && has(headers.version)",
        "headers[\"X-User\"] == 'ann'",
        "http.host == 'shop.example' && http.path.startsWith('/api/') && http.method == 'POST'",
        "http.query['v'] == '2' && http.query.name == 'a b' && !('w' in http.query)",
        "http.cookie.plan in ['silver', 'gold']",
        "source.address == '10.1.2.3' && source.port >= 7000 && source.inCidr('10.0.0.0/8')",
        "!source.inCidr('192.168.0.0/16')",
        "tls.sni == http.host && tls.identity.endsWith('/web') && has(tls.identity)",
        "int(headers['x-age']) > 18 && int(headers['x-age']) <= 30 && -1 < 0",
        "size('gr\u{f6}\u{df}e') == 5 && 'abc'.size() == 3",
        "service.matches('^acme\\\\.[A-Z]') && service.contains('Ord')",
        "method == 'get' ? source.port == 7000 : false",
        "(method == 'put' ? 1 : 2) == 2 && (true ? 'a' : 'b') < 'b'",
        "true == (1 == 1) && (method == 'x') != true",
    ] {
        assert_eq!(undecided(text), Some(true), "{text}");
    }
}

#[test]
fn what_is_not_there_is_undecided_unless_nothing_depends_on_it() {
    for (text, expected) in [
        ("headers['none'] == 'x'", None),
        ("!(headers.none == 'x')", None),
        ("headers.none == 'x' && method == 'put'", Some(false)),
        ("method == 'put' && headers.none == 'x'", Some(false)),
        ("headers.none == 'x' || method == 'get'", Some(true)),
        ("headers.none == 'x' || method == 'put'", None),
        ("has(headers.none)", Some(false)),
        ("has(headers.none) && headers.none == 'x'", Some(false)),
        ("int(headers['x-user']) == 0", None),
        ("method in [headers.none, 'get']", Some(true)),
        ("method in [headers.none, 'put']", None),
    ] {
        assert_eq!(undecided(text), expected, "{text}");
    }
    let when = When::compile("when", "headers['none'] != 'x'").unwrap();
    let (mut head, client) = (head(), client());
    assert!(!when.matches(&Lookup::new(&head, &client)));
    // Other protocols have nothing of HTTP.
    let path = When::compile("when", "http.path == '/x' || !has(http.path)").unwrap();
    assert!(!path.matches(&Lookup::new(&head, &client)));
    head.http = None;
    assert!(!has_path(&head, &client));
}

fn has_path(head: &RequestHead, client: &Downstream) -> bool {
    let when = When::compile("when", "has(http.path)").unwrap();
    when.matches(&Lookup::new(head, client))
}

#[test]
fn fields_that_are_read_are_told() {
    let when = When::compile(
        "when",
        "headers.b == '1' || 'X-A' in headers || has(headers.c)",
    );
    let when = when.unwrap();
    let names: Vec<_> = when.field_names().collect();
    assert_eq!(names, ["b", "X-A", "x-a", "c"]);
    let own = When::compile("when", "version == '' && group == ''").unwrap();
    assert_eq!(own.field_names().collect::<Vec<_>>(), ["version", "group"]);
}

#[test]
fn protocols_that_are_named_are_told() {
    let text = "protocol == 'bolt' || !('dubbo' != protocol) || protocol in ['a', service] || service == 'b' && protocol.startsWith('c')";
    assert_eq!(protocols(text), ["bolt", "dubbo", "a"]);
    assert!(protocols("protocol == ").is_empty());
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    for (text, expected) in [
        ("", "at character 1: the end is not expected"),
        ("method ==", "at character"),
        ("method = 'x'", "at character"),
        (
            "method",
            "at character 1: this is a text where true or false is wanted",
        ),
        (
            "true && 1",
            "at character 9: this is a number where true or false",
        ),
        (
            "method == 1",
            "at character 11: this is a number where a text",
        ),
        ("1 < 'a'", "at character 5: this is a text where a number"),
        (
            "true < false",
            "at character 1: true or false cannot be compared",
        ),
        (
            "true && servce == 'x'",
            "at character 9: there is no `servce`; there are protocol",
        ),
        (
            "http == 'x'",
            "at character 1: `http` is used with one of its parts",
        ),
        (
            "http.pth == 'x'",
            "there is no `http.pth`; there is http.host",
        ),
        ("method.x == 'x'", "a text has no parts like `x`"),
        ("headers[1] == 'x'", "a text must be written here"),
        ("headers[method] == 'x'", "a text must be written here"),
        ("method['x'] == 'x'", "this is a text where a map"),
        (
            "method.matches('(')",
            "is not a regular expression: unclosed group",
        ),
        ("method.matches(service)", "a text must be written here"),
        ("source.inCidr('10.0.0.1/8')", "has bits behind its prefix"),
        ("method + 'x' == 'y'", "nothing is calculated here"),
        ("method.reverse() == 'y'", "there is no `reverse`"),
        ("[1].exists(x, x == 1)", "loops like"),
        ("method in service", "this is a text where a list or a map"),
        ("1.5 < 2.0", "is not a whole number"),
        ("{'a': 1}.a == 1", "`{` is not expected here"),
        ("true ? 1 : 'a'", "this is a text where a number"),
    ] {
        let problem = When::compile("when", text).unwrap_err();
        assert_eq!(problem.path, "when", "{text}");
        assert!(
            problem.message.contains(expected),
            "{text}: {}",
            problem.message
        );
    }
    let long = format!("method == '{}'", "x".repeat(LONGEST));
    assert!(When::compile("when", &long).is_err());
    let deep = format!("{}true{}", "(".repeat(2_000), ")".repeat(2_000));
    assert!(When::compile("when", &deep).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is written comes to an expression or to what is wrong with it.
    #[test]
    fn nothing_that_is_written_panics(
        parts in prop::collection::vec(prop::sample::select(vec![
            "method", "headers", "http", ".path", ".x", "['x']", "source.port", "tls.sni", "'a'", "\"b\\", "r'\\d'",
            "1", "0x", "99999999999999999999", "true", "&&", "||", "==", "<", "in", "?", ":", "!", "-", "+", "(", ")", "[",
            "]", ",", ".", "has(", "size(", ".matches('", ".startsWith(", "source.inCidr('10.0.0.0/8')", "\u{fc}", " ",
        ]), 0..12),
    ) {
        let text = parts.concat();
        match When::compile("when", &text) {
            Ok(when) => {
                when.matches(&Lookup::new(&head(), &client()));
            }
            Err(problem) => {
                let at = problem.message.strip_prefix("at character ").unwrap();
                let at: usize = at.split(':').next().unwrap().parse().unwrap();
                prop_assert!((1..=text.chars().count() + 1).contains(&at), "{text}: {problem}");
            }
        }
    }
}
