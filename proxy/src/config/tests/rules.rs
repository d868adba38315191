//! What is said about the filters that Wireloom comes with.

use super::*;

fn read(filter: &str) -> Result<Config, String> {
    let text = LEAST.replacen(
        "    routes: main\n",
        &format!("    routes: main\n    filters: [{filter}]\n"),
        1,
    );
    parse(Path::new("mesh.yaml"), &text, &PROTOCOLS).map_err(|errors| errors.to_string())
}

#[test]
fn contradictions_are_told_with_their_places() {
    for (filter, expected) in [
        (
            "rate_limit: {rate: 0/s}",
            "4:34: listeners[0].filters[0].rate_limit.rate: is 0, which refuses every request",
        ),
        (
            "rate_limit: {rate: 100}",
            "4:34: listeners[0].filters[0].rate_limit.rate: ",
        ),
        (
            "rate_limit: {rate: 1/s, burst: 0}",
            "4:46: listeners[0].filters[0].rate_limit.burst: is 0",
        ),
        (
            "rate_limit: {rate: 1/s, key: sauce}",
            "4:44: listeners[0].filters[0].rate_limit.key: ",
        ),
        (
            "concurrency: {max: 0}",
            "4:34: listeners[0].filters[0].concurrency.max: is 0",
        ),
        (
            "request_size: {max: 1MB}",
            "4:35: listeners[0].filters[0].request_size.max: ",
        ),
        (
            "fault: {}",
            "4:22: listeners[0].filters[0].fault: does nothing",
        ),
        (
            "fault: {delay: {duration: 1s, percentage: 101}}",
            "4:57: listeners[0].filters[0].fault.delay.percentage: 101 is out of range: 0 to 100",
        ),
        (
            "fault: {abort: {error: ovreloaded}}",
            "4:38: listeners[0].filters[0].fault.abort.error: ",
        ),
        (
            "fault: {match: {method: {regex: '('}}, abort: {http: 500}}",
            "4:47: listeners[0].filters[0].fault.match.method.regex: is not a regular expression",
        ),
        (
            "access: {}",
            "4:23: listeners[0].filters[0].access: refuses nobody",
        ),
        (
            "access: {allow: [10.0.0.0/8, 10.0.0.0/40]}",
            "4:44: listeners[0].filters[0].access.allow[1]: \"10.0.0.0/40\" is no network",
        ),
        (
            "access: {allow: }",
            "4:29: listeners[0].filters[0].access.allow: nothing where a string or a list of strings is expected",
        ),
        (
            "ratelimit: {rate: 1/s}",
            "4:15: listeners[0].filters[0].ratelimit: there is no filter `ratelimit`; did you mean `rate_limit`?",
        ),
    ] {
        let error = read(filter).unwrap_err();
        let expected = format!("mesh.yaml:{expected}");
        assert!(
            error.starts_with(&expected),
            "\n{error}\nis not\n{expected}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
