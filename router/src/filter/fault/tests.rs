use std::time::Instant;

use wireloom_codecs::ErrorKind;

use super::super::testing::{Given, refused};
use super::*;

fn fault(config: &str) -> Result<Fault, Vec<Problem>> {
    Fault::new(serde_json::from_str(config).unwrap())
}

fn kind(filter: &Fault, mut given: Given) -> Option<ErrorKind> {
    refused(&given.ask(filter)).map(|(kind, reason)| {
        assert_eq!(reason, "abort");
        kind
    })
}

#[test]
fn only_requests_that_match_fail() {
    let filter = r#"{"match": {"method": {"prefix": "get"}, "headers": {"x-chaos": "on"}},
                     "abort": {"error": "overloaded"}}"#;
    let filter = fault(filter).unwrap();
    assert!(filter.needs().wants(b"x-chaos"));
    assert_eq!(kind(&filter, Given::default()), None);
    let given = Given::default().with("x-chaos", "on");
    assert_eq!(kind(&filter, given), Some(ErrorKind::Overloaded));
    let mut given = Given::default().with("x-chaos", "on");
    given.request.head.method = "put".into();
    assert_eq!(kind(&filter, given), None);
}

#[test]
fn a_percentage_of_them_fails() {
    let filter = fault(r#"{"abort": {"http": 503, "percentage": 25}}"#).unwrap();
    let failed = (0..4000).filter(|_| kind(&filter, Given::default()).is_some());
    // Ten standard deviations around the mean.
    let failed = failed.count();
    assert!((727..=1273).contains(&failed), "{failed}");
    let never = fault(r#"{"abort": {"http": 503, "percentage": 0}}"#).unwrap();
    assert!((0..1000).all(|_| kind(&never, Given::default()).is_none()));
}

#[test]
fn a_header_says_how_it_fails() {
    let filter = fault(r#"{"abort": {"header": "x-fail"}}"#).unwrap();
    let ask = |value| kind(&filter, Given::default().with("x-fail", value));
    assert_eq!(kind(&filter, Given::default()), None);
    assert_eq!(ask("timeout"), Some(ErrorKind::Timeout));
    assert_eq!(ask("404"), Some(ErrorKind::NoRoute));
    assert_eq!(ask("whatever"), None);
    // Who does not name a header does not listen to one.
    let deaf = fault(r#"{"abort": {"error": "internal", "percentage": 0}}"#).unwrap();
    assert_eq!(kind(&deaf, Given::default().with("x-fail", "404")), None);
}

/// How long it is late, in virtual time.
async fn late(filter: &Fault, mut given: Given) -> Option<Duration> {
    let Flow::Wait(decision) = given.ask(filter) else {
        return None;
    };
    let start = tokio::time::Instant::now();
    assert!(matches!(decision.await, Flow::Continue));
    Some(start.elapsed())
}

fn millis(millis: u64) -> Option<Duration> {
    Some(Duration::from_millis(millis))
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_as_long_as_it_says_and_a_header_asks_within_bounds() {
    let filter = r#"{"delay": {"duration": "70ms", "header": "x-delay", "max": "2s"}}"#;
    let filter = fault(filter).unwrap();
    let ask = async |value: &str| late(&filter, Given::default().with("x-delay", value)).await;
    assert_eq!(late(&filter, Given::default()).await, millis(70));
    assert_eq!(ask("300").await, millis(300));
    assert_eq!(ask("1s").await, millis(1000));
    assert_eq!(ask("1h").await, millis(2000));
    assert_eq!(ask("99999999999").await, millis(70));
    assert_eq!(ask("soon").await, millis(70));
    assert_eq!(ask("0").await, None);
}

#[tokio::test(start_paused = true)]
async fn so_many_wait_and_no_more() {
    let filter = fault(r#"{"delay": {"duration": "1m", "concurrent": 2}}"#).unwrap();
    let ask = || Given::default().ask(&filter);
    let (one, two) = (ask(), ask());
    assert!(matches!((&one, &two), (Flow::Wait(_), Flow::Wait(_))));
    assert!(matches!(ask(), Flow::Continue));
    // The client of one goes away, and the other's time comes.
    drop(one);
    assert!(matches!(ask(), Flow::Wait(_)));
    let Flow::Wait(two) = two else { panic!() };
    two.await;
    assert!(matches!((ask(), ask()), (Flow::Wait(_), Flow::Wait(_))));
}

#[tokio::test(start_paused = true)]
async fn what_both_take_is_late_and_then_fails() {
    let filter = fault(r#"{"delay": {"duration": "5s"}, "abort": {"error": "reset"}}"#).unwrap();
    let start = Instant::now();
    let Flow::Wait(decision) = Given::default().ask(&filter) else {
        panic!("it does not wait")
    };
    let end = decision.await;
    assert_eq!(refused(&end), Some((ErrorKind::Reset, "abort")));
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn contradictions_are_mistakes() {
    for (config, place, told) in [
        ("{}", "", "does nothing"),
        (r#"{"delay": {}}"#, "delay", "`duration`, `header` or both"),
        (
            r#"{"delay": {"duration": "0s"}}"#,
            "delay.duration",
            "no time",
        ),
        (
            r#"{"delay": {"duration": "2h"}}"#,
            "delay.duration",
            "at most 1h",
        ),
        (
            r#"{"delay": {"duration": "1s", "max": "2s"}}"#,
            "delay.max",
            "no `header`",
        ),
        (
            r#"{"delay": {"duration": "1s", "percentage": 100.5}}"#,
            "delay.percentage",
            "0 to 100",
        ),
        (
            r#"{"delay": {"duration": "1s", "concurrent": 0}}"#,
            "delay.concurrent",
            "at least 1",
        ),
        (r#"{"delay": {"header": ""}}"#, "delay.header", "empty"),
        (r#"{"abort": {}}"#, "abort", "nothing of how"),
        (r#"{"abort": {"http": 200}}"#, "abort.http", "400 to 599"),
        (
            r#"{"abort": {"error": "reset", "percentage": -1}}"#,
            "abort.percentage",
            "0 to 100",
        ),
        (
            r#"{"match": {"method": {"regex": "("}}, "abort": {"error": "reset"}}"#,
            "match.method.regex",
            "not a regular expression",
        ),
        (
            r#"{"match": {"arguments": [{"json": "/a", "exact": "b"}]}, "abort": {"error": "reset"}}"#,
            "match.arguments",
            "does not wait",
        ),
    ] {
        let problems = fault(config).unwrap_err();
        let [problem] = &problems[..] else {
            panic!("{config}: {problems:?}")
        };
        assert_eq!(problem.path, place, "{config}");
        assert!(problem.message.contains(told), "{config}: {problem}");
    }
}
