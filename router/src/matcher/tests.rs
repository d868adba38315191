use std::collections::BTreeMap;

use wireloom_codecs::{ClientTls, Downstream, Kind, ProtocolId, RequestHead, Str, Wire};

use super::*;
use crate::config::Range;

fn head(
    protocol: &'static str,
    service: &str,
    method: &str,
    fields: &[(&str, &str)],
) -> RequestHead {
    RequestHead {
        protocol: ProtocolId(protocol),
        kind: Kind::Unary,
        service: service.into(),
        method: method.into(),
        fields: fields
            .iter()
            .map(|(n, v)| (Str::from(*n), Str::from(*v)))
            .collect(),
        timeout: None,
        wire: Wire::default(),
        http: None,
    }
}

impl Matcher {
    /// Judges a request from nowhere.
    fn matches_head(&self, head: &RequestHead) -> bool {
        let downstream = Downstream::new(([0; 4], 0).into(), None);
        self.matches(&Lookup::new(head, &downstream))
    }
}

fn text(condition: StringMatch) -> Result<Text, Problem> {
    Text::compile("m", &condition)
}

fn regex(pattern: &str) -> Result<Text, Problem> {
    text(StringMatch::Regex(pattern.into()))
}

fn matcher(config: &MatchConfig) -> Matcher {
    Matcher::compile("match", config, 0).unwrap()
}

fn with_header(name: &str, condition: StringMatch) -> MatchConfig {
    MatchConfig {
        headers: BTreeMap::from([(name.to_owned(), condition)]),
        ..MatchConfig::default()
    }
}

#[test]
fn texts() {
    let exact = text(StringMatch::Exact("get".into())).unwrap();
    assert!(exact.matches(b"get") && !exact.matches(b"gets") && !exact.matches(b"Get"));
    let prefix = text(StringMatch::Prefix("get".into())).unwrap();
    assert!(prefix.matches(b"get") && prefix.matches(b"gets") && !prefix.matches(b"ge"));
    let suffix = text(StringMatch::Suffix("Service".into())).unwrap();
    assert!(suffix.matches(b"a.Service") && !suffix.matches(b"a.ServiceX"));
}

#[test]
fn parts_and_numbers() {
    let part = text(StringMatch::Contains("an".into())).unwrap();
    assert!(part.matches(b"an") && part.matches(b"banana") && !part.matches(b"a n"));
    let range = |min, max| text(StringMatch::Range(Range { min, max }));
    let some = range(Some(-3), Some(10)).unwrap();
    for (number, within) in [
        ("-3", true),
        ("10", true),
        ("+7", true),
        ("007", true),
        ("-4", false),
        ("11", false),
        ("", false),
        ("7.0", false),
        (" 7", false),
        ("0x7", false),
        ("99999999999999999999", false),
    ] {
        assert_eq!(some.matches(number.as_bytes()), within, "{number:?}");
    }
    let open = range(Some(0), None).unwrap();
    assert!(open.matches(b"9223372036854775807") && !open.matches(b"-1"));
    for (min, max, why) in [
        (None, None, "has no end"),
        (Some(2), Some(1), "is empty: 2 is more than 1"),
    ] {
        let problem = range(min, max).unwrap_err();
        assert_eq!(problem.path, "m.range");
        assert!(problem.message.starts_with(why), "{problem}");
    }
}

#[test]
fn an_inverted_condition_holds_where_no_value_matches() {
    let not = |condition| with_header("x", StringMatch::Not(Box::new(condition)));
    let other = matcher(&not(StringMatch::Exact("a".into())));
    let absent = matcher(&not(StringMatch::Present(true)));
    for (fields, is_other, is_absent) in [
        (&[][..], true, true),
        (&[("x", "b")], true, false),
        (&[("x", "b"), ("x", "c")], true, false),
        (&[("x", "b"), ("x", "a")], false, false),
        (&[("y", "a")], true, true),
    ] {
        let head = head("grpc", "", "", fields);
        assert_eq!(other.matches_head(&head), is_other, "{fields:?}");
        assert_eq!(absent.matches_head(&head), is_absent, "{fields:?}");
    }
    let named = text(StringMatch::Not(Box::new(StringMatch::Present(true)))).unwrap();
    assert!(named.matches_name(&"".into()) && !named.matches_name(&"a".into()));
    // What is wrong is told with the place of what it is about.
    let inverted = StringMatch::Not(Box::new(StringMatch::Regex("(".into())));
    assert_eq!(text(inverted).unwrap_err().path, "m.not.regex");
}

#[test]
fn a_regex_matches_the_whole_text() {
    let either = regex("ab|a").unwrap();
    assert!(either.matches(b"a") && either.matches(b"ab"));
    assert!(!either.matches(b"abc") && !either.matches(b"xa"));
    // A multi-line flag must not turn the anchors into line anchors, nor a newline slip behind the end.
    let lines = regex("(?m)^a$").unwrap();
    assert!(lines.matches(b"a") && !lines.matches(b"a\nb") && !lines.matches(b"a\n"));
    assert!(regex("(?i)ORDER").unwrap().matches(b"order"));
    assert!(regex("größe").unwrap().matches("größe".as_bytes()));
    assert!(regex(r"\d+").unwrap().matches(b"42"));
    assert!(regex(".*").unwrap().matches("ü".as_bytes()));
}

#[test]
fn bad_regexes_are_refused_with_a_reason() {
    for (pattern, why) in [
        ("(", "unclosed group"),
        ("a)|(b", "unopened group"),
        ("*", "repetition operator missing expression"),
        (
            "(?<=a)b",
            "look-around, including look-ahead and look-behind, is not supported",
        ),
        (r"(a)\1", "backreferences are not supported"),
        ("a\n(\nb", "unclosed group"),
        (r"\p{Greek}", "Unicode not allowed here"),
    ] {
        let problem = regex(pattern).unwrap_err();
        assert_eq!(problem.path, "m.regex");
        let message = format!(
            "is not a regular expression: {why}; a backslash makes the next character a literal one"
        );
        assert_eq!(problem.message, message, "{pattern}");
    }
    let problem = regex("(a{1000}){1000}").unwrap_err();
    assert!(problem.message.contains("1048576 bytes"), "{problem}");
}

#[test]
fn matching_time_is_linear() {
    // A backtracking matcher needs 2^4096 steps to say no here.
    assert!(
        !regex("(a*)*b")
            .unwrap()
            .matches("a".repeat(4096).as_bytes())
    );
}

#[test]
fn an_empty_part_is_a_mistake_and_an_empty_text_is_not() {
    let problem = text(StringMatch::Prefix(String::new())).unwrap_err();
    assert_eq!(problem.path, "m.prefix");
    assert!(problem.message.contains("present: true"), "{problem}");
    assert!(text(StringMatch::Suffix(String::new())).is_err());
    let nameless = text(StringMatch::Exact(String::new())).unwrap();
    assert!(nameless.matches_name(&Str::default()) && !nameless.matches_name(&"a".into()));
}

#[test]
fn a_name_is_present_unless_it_is_empty() {
    let present = text(StringMatch::Present(true)).unwrap();
    let absent = text(StringMatch::Present(false)).unwrap();
    assert!(present.matches_name(&"a".into()) && !present.matches_name(&"".into()));
    assert!(!absent.matches_name(&"a".into()) && absent.matches_name(&"".into()));
}

#[test]
fn nothing_asked_matches_everything() {
    assert!(matcher(&MatchConfig::default()).matches_head(&head("bolt", "", "", &[])));
}

#[test]
fn every_condition_must_hold() {
    let config = MatchConfig {
        protocol: Some("dubbo".into()),
        service: Some(StringMatch::Exact("a.B".into())),
        method: Some(StringMatch::Prefix("get".into())),
        version: Some(StringMatch::Exact("1".into())),
        group: Some(StringMatch::Present(false)),
        ..MatchConfig::default()
    };
    let matcher = matcher(&config);
    let version = [("version", "1")];
    assert!(matcher.matches_head(&head("dubbo", "a.B", "getX", &version)));
    assert!(!matcher.matches_head(&head("bolt", "a.B", "getX", &version)));
    assert!(!matcher.matches_head(&head("dubbo", "a.C", "getX", &version)));
    assert!(!matcher.matches_head(&head("dubbo", "a.B", "setX", &version)));
    assert!(!matcher.matches_head(&head("dubbo", "a.B", "getX", &[("version", "2")])));
    assert!(!matcher.matches_head(&head("dubbo", "a.B", "getX", &[])));
    assert!(!matcher.matches_head(&head(
        "dubbo",
        "a.B",
        "getX",
        &[("version", "1"), ("group", "g")]
    )));
    assert_eq!(
        matcher.field_names().collect::<Vec<_>>(),
        ["version", "group"]
    );
}

#[test]
fn one_of_several_protocols() {
    let config: MatchConfig = serde_json::from_str(r#"{"protocol": ["dubbo", "triple"]}"#).unwrap();
    let matcher = matcher(&config);
    for (protocol, taken) in [
        ("dubbo", true),
        ("triple", true),
        ("grpc", false),
        ("dub", false),
    ] {
        assert_eq!(
            matcher.matches_head(&head(protocol, "s", "m", &[])),
            taken,
            "{protocol}"
        );
    }
}

#[test]
fn any_repeated_value_may_match() {
    let matcher = matcher(&with_header("x", StringMatch::Exact("b".into())));
    assert!(matcher.matches_head(&head("grpc", "", "", &[("x", "a"), ("x", "b")])));
    assert!(!matcher.matches_head(&head("grpc", "", "", &[("x", "a"), ("y", "b")])));
    assert!(!matcher.matches_head(&head("grpc", "", "", &[])));
}

#[test]
fn presence_counts_empty_values_too() {
    let present = matcher(&with_header("x", StringMatch::Present(true)));
    let absent = matcher(&with_header("x", StringMatch::Present(false)));
    for (fields, there) in [
        (&[("x", "")][..], true),
        (&[("y", "1")], false),
        (&[], false),
    ] {
        let head = head("grpc", "", "", fields);
        assert_eq!(present.matches_head(&head), there, "{fields:?}");
        assert_eq!(absent.matches_head(&head), !there, "{fields:?}");
    }
}

#[test]
fn a_name_in_capitals_also_means_its_lower_case() {
    let matcher = matcher(&with_header("userId", StringMatch::Exact("7".into())));
    assert!(matcher.matches_head(&head("dubbo", "", "", &[("userId", "7")])));
    assert!(matcher.matches_head(&head("triple", "", "", &[("userid", "7")])));
    assert!(!matcher.matches_head(&head("dubbo", "", "", &[("USERID", "7")])));
    assert_eq!(
        matcher.field_names().collect::<Vec<_>>(),
        ["userId", "userid"]
    );
}

#[test]
fn binary_metadata_matches_with_and_without_its_padding() {
    let matches = |condition: StringMatch, protocol, value| {
        let config = with_header("x-token-bin", condition);
        matcher(&config).matches_head(&head(protocol, "s", "m", &[("x-token-bin", value)]))
    };
    for (own, value, expected) in [
        ("AQI=", "AQI", true),
        ("AQI", "AQI=", true),
        ("AQI", "AQI", true),
        ("AQI", "AQID", false),
        ("AQI", "BBBB, AQI=,CCCC", true),
    ] {
        let exact = StringMatch::Exact(own.into());
        assert_eq!(matches(exact, "grpc", value), expected, "{own} {value}");
    }
    assert!(matches(StringMatch::Suffix("I=".into()), "triple", "AQI"));
    // Elsewhere it is a text like any other.
    assert!(!matches(StringMatch::Exact("AQI".into()), "http1", "AQI="));
}

#[test]
fn who_asks_is_matched_by_address_and_handshake() {
    let head = head("dubbo", "s", "m", &[]);
    let config = |text: &str| serde_json::from_str::<MatchConfig>(text).unwrap();
    let from = |address: &str, tls| Downstream::new(address.parse().unwrap(), tls);
    let networks = matcher(&config(
        r#"{"source": ["10.0.0.0/8", "2001:db8::/32", "::ffff:9.9.9.9"]}"#,
    ));
    for (address, expected) in [
        ("10.255.0.1:1", true),
        ("11.0.0.1:1", false),
        ("[::ffff:10.0.0.1]:1", true),
        ("[2001:db8:1::1]:1", true),
        ("[2001:db9::1]:1", false),
        ("9.9.9.9:1", true),
        ("9.9.9.8:1", false),
    ] {
        let downstream = from(address, None);
        let found = networks.matches(&Lookup::new(&head, &downstream));
        assert_eq!(found, expected, "{address}");
    }
    let shown = |sni: Option<&str>, identities: &[&str]| {
        let identities = identities.iter().map(|name| Str::from(*name)).collect();
        let tls = ClientTls {
            sni: sni.map(Str::from),
            identities,
        };
        from("10.0.0.1:1", Some(tls))
    };
    let spiffe = "spiffe://acme.com/ns/shop/sa/web";
    for (condition, takes) in [
        ("{}", [false, true, true, true]),
        (
            r#"{"sni": {"suffix": ".acme.com"}}"#,
            [false, false, true, false],
        ),
        (r#"{"sni": {"present": false}}"#, [false, true, false, true]),
        (
            r#"{"identity": {"prefix": "spiffe://acme.com/"}}"#,
            [false, false, false, true],
        ),
        (
            r#"{"identity": {"not": "web.acme.com"}}"#,
            [false, true, true, false],
        ),
    ] {
        let matcher = matcher(&config(&format!(r#"{{"tls": {condition}}}"#)));
        let clients = [
            from("10.0.0.1:1", None),
            shown(None, &[]),
            shown(Some("a.acme.com"), &[]),
            shown(None, &[spiffe, "web.acme.com"]),
        ];
        let found = clients.map(|client| matcher.matches(&Lookup::new(&head, &client)));
        assert_eq!(found, takes, "{condition}");
    }
}

#[test]
fn what_no_connection_has_is_refused() {
    let problems = |text: &str| {
        let config = serde_json::from_str::<MatchConfig>(text).unwrap();
        let problems = Matcher::compile("match", &config, 0).unwrap_err();
        problems.iter().map(Problem::to_string).collect::<Vec<_>>()
    };
    for (text, expected) in [
        (
            r#"{"source": "10.0.0.1/8"}"#,
            "match.source: \"10.0.0.1/8\" has bits behind its prefix: write 10.0.0.0/8",
        ),
        (
            r#"{"source": ["10.0.0.0/8", "ten"]}"#,
            "match.source[1]: \"ten\" is no network",
        ),
        (
            r#"{"source": "::ffff:10.0.0.0/104"}"#,
            "match.source: \"::ffff:10.0.0.0/104\" is an IPv4 network mapped",
        ),
        (
            r#"{"tls": {"sni": {"regex": "("}}}"#,
            "match.tls.sni.regex: is not",
        ),
        (
            r#"{"percentage": 100.5}"#,
            "match.percentage: 100.5 is out of range: 0 to 100",
        ),
    ] {
        let problems = problems(text);
        assert!(
            problems.len() == 1 && problems[0].starts_with(expected),
            "{problems:?}"
        );
    }
}

#[test]
fn a_percentage_is_of_what_all_else_matches() {
    let config: MatchConfig =
        serde_json::from_str(r#"{"service": "s", "percentage": 30}"#).unwrap();
    let matcher = matcher(&config);
    assert!(matcher.draws());
    let (own, other) = (head("dubbo", "s", "m", &[]), head("dubbo", "t", "m", &[]));
    let downstream = Downstream::new(([0; 4], 0).into(), None);
    let taken = |head| {
        let of = |random| Lookup {
            random,
            ..Lookup::new(head, &downstream)
        };
        (0..10_000)
            .filter(|random| matcher.matches(&of(*random)))
            .count()
    };
    let share = taken(&own);
    assert!((2_700..=3_300).contains(&share), "{share}");
    assert_eq!(taken(&other), 0);
}
