use std::time::Duration;

use super::super::testing::{Given, refused, route};
use super::*;

fn filter(config: &str) -> Result<RateLimit, Vec<Problem>> {
    RateLimit::new(serde_json::from_str(config).unwrap())
}

/// What becomes of a request so many milliseconds after the beginning.
fn ask(filter: &RateLimit, mut given: Given, millis: u64) -> Flow {
    let (downstream, route) = (given.downstream(), route());
    let exchange = Exchanged::new(&mut given.request, &downstream, &route);
    filter.at(&exchange, filter.since + Duration::from_millis(millis))
}

fn passes(filter: &RateLimit, given: Given) -> bool {
    matches!(ask(filter, given, 0), Flow::Continue)
}

#[test]
fn what_is_over_the_rate_is_told_when_to_come_back() {
    let filter = filter(r#"{"rate": "10/s", "burst": 2}"#).unwrap();
    let ask = |millis| ask(&filter, Given::default(), millis);
    assert!(matches!(ask(0), Flow::Continue));
    assert!(matches!(ask(0), Flow::Continue));
    let Flow::Reject { error, reason } = ask(30) else {
        panic!("it passes")
    };
    assert_eq!((error.kind, reason), (ErrorKind::RateLimited, "rate"));
    assert_eq!(error.retry_after.unwrap().get(), 70);
    assert!(matches!(ask(100), Flow::Continue));
}

#[test]
fn a_burst_is_what_the_rate_says_unless_it_is_given() {
    let filter = filter(r#"{"rate": "3/h"}"#).unwrap();
    let passed = (0..9).filter(|_| passes(&filter, Given::default()));
    assert_eq!(passed.count(), 3);
}

#[test]
fn each_source_has_its_own_and_a_host_of_ipv6_one() {
    let filter = filter(r#"{"rate": "1/h", "key": "source"}"#).unwrap();
    let from = |from| passes(&filter, Given::from(from));
    assert!(from("192.0.2.1") && from("192.0.2.2") && from("2001:db8::1") && from("::1"));
    assert!(from("2001:db8:0:1::1"));
    assert!(!from("192.0.2.1") && !from("2001:db8::ffff") && !from("::1"));
}

#[test]
fn parts_of_a_key_do_not_run_together() {
    let filter =
        filter(r#"{"rate": "1/h", "key": ["method", {"header": "user"}, {"header": "zone"}]}"#);
    let filter = filter.unwrap();
    let names: Vec<_> = filter.needs().names().map(str::to_owned).collect();
    assert_eq!(names, ["user", "zone"]);
    let with = |fields: &[(&str, &str)]| {
        let given = fields
            .iter()
            .fold(Given::default(), |given, (n, v)| given.with(n, v));
        passes(&filter, given)
    };
    assert!(with(&[("user", "ab"), ("zone", "c")]));
    assert!(with(&[("user", "a"), ("zone", "bc")]));
    assert!(with(&[("user", "")]));
    assert!(with(&[("zone", "")]));
    assert!(with(&[]));
    // The same again, and the same key with what does not belong to it.
    assert!(!with(&[("user", "a"), ("zone", "bc")]));
    assert!(!with(&[("other", "x")]));
}

#[test]
fn keys_beyond_the_table_share_what_is_left() {
    let filter = filter(r#"{"rate": "1/h", "key": "source", "keys": 2}"#).unwrap();
    let from = |from| refused(&ask(&filter, Given::from(from), 0)).map(|(_, reason)| reason);
    assert_eq!(
        [from("10.0.0.1"), from("10.0.0.2"), from("10.0.0.3")],
        [None; 3]
    );
    assert_eq!(from("10.0.0.4"), Some("keys"));
    assert_eq!(from("10.0.0.1"), Some("rate"));
}

#[test]
fn an_address_may_come_from_a_proxy() {
    let config = r#"{"rate": "1/h", "key": "source", "forwarded": {"proxies": "10.0.0.1"}}"#;
    let filter = filter(config).unwrap();
    let by = |list| {
        passes(
            &filter,
            Given::from("10.0.0.1").with("x-forwarded-for", list),
        )
    };
    assert!(by("192.0.2.1") && by("192.0.2.2") && by("unknown"));
    assert!(!by("192.0.2.9, 192.0.2.1") && !by("nobody"));
}

#[test]
fn contradictions_are_mistakes() {
    for (config, place, told) in [
        (r#"{"rate": "0/s"}"#, "rate", "refuses every request"),
        (r#"{"rate": "1/s", "burst": 0}"#, "burst", "at least 1"),
        (r#"{"rate": "4000000000/s"}"#, "rate", "at most 16000000/s"),
        (
            r#"{"rate": "1/d", "burst": 1000}"#,
            "burst",
            "more than a year",
        ),
        (r#"{"rate": "1/s", "keys": 5}"#, "keys", "no `key`"),
        (
            r#"{"rate": "1/s", "key": "source", "keys": 0}"#,
            "keys",
            "1 to 10000000",
        ),
        (r#"{"rate": "1/s", "key": []}"#, "key", "empty"),
        (r#"{"rate": "1/s", "key": {"header": ""}}"#, "key", "empty"),
        (
            r#"{"rate": "1/s", "key": ["method", "method"]}"#,
            "key[1]",
            "already",
        ),
        (
            r#"{"rate": "1/s", "key": "method", "forwarded": {"proxies": "::1"}}"#,
            "forwarded",
            "no `source`",
        ),
    ] {
        let problems = filter(config).unwrap_err();
        let [problem] = &problems[..] else {
            panic!("{config}: {problems:?}")
        };
        assert_eq!(problem.path, place, "{config}");
        assert!(problem.message.contains(told), "{config}: {problem}");
    }
}

#[test]
fn a_config_is_written_as_it_is_read() {
    for json in [
        r#"{"rate":"100/s","burst":20,"key":["source",{"header":"x-user"}],"keys":500}"#,
        r#"{"rate":"1/m","key":{"header":"x-user"}}"#,
        r#"{"rate":"1/m","key":"identity"}"#,
    ] {
        let config: RateLimitConfig = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&config).unwrap(), json);
    }
    for (json, told) in [
        (r#"{"rate":"1/m","key":"host"}"#, "host"),
        (r#"{"rate":"1/m","key":7}"#, "a list of these"),
        (r#"{"rate":100}"#, "string"),
    ] {
        let error = serde_json::from_str::<RateLimitConfig>(json).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}
