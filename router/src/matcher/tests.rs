use std::collections::BTreeMap;

use wireloom_codecs::{Kind, ProtocolId, Wire};

use super::*;

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

fn text(condition: StringMatch) -> Result<Text, Problem> {
    Text::compile("m", &condition)
}

fn regex(pattern: &str) -> Result<Text, Problem> {
    text(StringMatch::Regex(pattern.into()))
}

fn matcher(config: &MatchConfig) -> Matcher {
    Matcher::compile("match", config).unwrap()
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
        let message = format!("is not a regular expression: {why}");
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
    assert!(matcher(&MatchConfig::default()).matches(&head("bolt", "", "", &[])));
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
    assert!(matcher.matches(&head("dubbo", "a.B", "getX", &version)));
    assert!(!matcher.matches(&head("bolt", "a.B", "getX", &version)));
    assert!(!matcher.matches(&head("dubbo", "a.C", "getX", &version)));
    assert!(!matcher.matches(&head("dubbo", "a.B", "setX", &version)));
    assert!(!matcher.matches(&head("dubbo", "a.B", "getX", &[("version", "2")])));
    assert!(!matcher.matches(&head("dubbo", "a.B", "getX", &[])));
    assert!(!matcher.matches(&head(
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
            matcher.matches(&head(protocol, "s", "m", &[])),
            taken,
            "{protocol}"
        );
    }
}

#[test]
fn any_repeated_value_may_match() {
    let matcher = matcher(&with_header("x", StringMatch::Exact("b".into())));
    assert!(matcher.matches(&head("grpc", "", "", &[("x", "a"), ("x", "b")])));
    assert!(!matcher.matches(&head("grpc", "", "", &[("x", "a"), ("y", "b")])));
    assert!(!matcher.matches(&head("grpc", "", "", &[])));
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
        assert_eq!(present.matches(&head), there, "{fields:?}");
        assert_eq!(absent.matches(&head), !there, "{fields:?}");
    }
}

#[test]
fn a_name_in_capitals_also_means_its_lower_case() {
    let matcher = matcher(&with_header("userId", StringMatch::Exact("7".into())));
    assert!(matcher.matches(&head("dubbo", "", "", &[("userId", "7")])));
    assert!(matcher.matches(&head("triple", "", "", &[("userid", "7")])));
    assert!(!matcher.matches(&head("dubbo", "", "", &[("USERID", "7")])));
    assert_eq!(
        matcher.field_names().collect::<Vec<_>>(),
        ["userId", "userid"]
    );
}

#[test]
fn binary_metadata_matches_with_and_without_its_padding() {
    let matches = |condition: StringMatch, protocol, value| {
        let config = with_header("x-token-bin", condition);
        matcher(&config).matches(&head(protocol, "s", "m", &[("x-token-bin", value)]))
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
