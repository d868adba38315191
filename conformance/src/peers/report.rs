//! What the runs came to, row by row: a scenario of a client against a server, directly and through the proxy.

use serde::Serialize;

use super::client::{Outcome, Ran};
use crate::cli::Suite;

/// The scenario column of a row about a whole run.
pub(crate) const WHOLE: &str = "(run)";

/// One row of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) client: String,
    pub(crate) server: String,
    pub(crate) suite: &'static str,
    pub(crate) scenario: String,
    pub(crate) ok: bool,
    /// None if it does not run directly.
    pub(crate) direct: Option<Outcome>,
    pub(crate) proxied: Option<Outcome>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Why it failed at first, if there was a second try, which is what all else tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_failure: Option<String>,
}

impl Row {
    /// Whether it passed at the second try only.
    pub(crate) fn needed_second_try(&self) -> bool {
        self.ok && self.first_failure.is_some()
    }

    /// Why it failed, at both tries if there were two.
    pub(crate) fn reasons(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or("no reason was given");
        match &self.first_failure {
            Some(first) => format!("{reason}\nat the first try: {first}"),
            None => reason.to_owned(),
        }
    }
}

/// What a pair's rows have in common.
pub(crate) struct Names {
    pub(crate) client: String,
    pub(crate) server: String,
    /// Whether what fails directly makes a row fail.
    pub(crate) direct_counts: bool,
}

impl Names {
    fn row(
        &self,
        suite: Suite,
        scenario: &str,
        direct: Option<Outcome>,
        proxied: Option<Outcome>,
    ) -> Row {
        Row {
            client: self.client.clone(),
            server: self.server.clone(),
            suite: suite.as_str(),
            scenario: scenario.to_owned(),
            ok: true,
            direct,
            proxied,
            reason: None,
            first_failure: None,
        }
    }

    fn counts(&self, mode: &str) -> bool {
        self.direct_counts || mode != "direct"
    }

    /// A suite that could not be run at all.
    pub(crate) fn failed(&self, suite: Suite, reason: String) -> Row {
        Row {
            ok: false,
            reason: Some(reason),
            ..self.row(suite, WHOLE, None, None)
        }
    }

    /// The rows of a suite. A mode that was not asked for is None.
    pub(crate) fn rows(
        &self,
        suite: Suite,
        direct: Option<&Ran>,
        proxied: Option<&Ran>,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        for (mode, ran) in [("direct", direct), ("proxied", proxied)] {
            let fault = ran.and_then(|ran| ran.fault.as_ref());
            if let Some(fault) = fault.filter(|_| self.counts(mode)) {
                rows.push(self.failed(suite, format!("{mode}: {fault}")));
            }
        }
        let of =
            |ran: Option<&Ran>, name: &str| ran.and_then(|ran| ran.scenarios.get(name).cloned());
        let mut order: Vec<&String> = direct
            .map(|ran| ran.order.iter().collect())
            .unwrap_or_default();
        for name in proxied.into_iter().flat_map(|ran| &ran.order) {
            if !order.contains(&name) {
                order.push(name);
            }
        }
        for name in order {
            let mut row = self.row(suite, name, of(direct, name), of(proxied, name));
            let reasons =
                [("direct", &row.direct), ("proxied", &row.proxied)].map(|(mode, outcome)| {
                    match outcome {
                        Some(outcome) if !outcome.ok && self.counts(mode) => {
                            Some(format!("{mode}: {}", outcome.detail))
                        }
                        // Scenarios about the proxy exist only with it.
                        None if mode == "proxied" && proxied.is_some() => {
                            Some("proxied: it was not run, though it was directly".to_owned())
                        }
                        _ => None,
                    }
                });
            let reasons: Vec<_> = reasons.into_iter().flatten().collect();
            if !reasons.is_empty() {
                row.ok = false;
                row.reason = Some(reasons.join("\n"));
            }
            rows.push(row);
        }
        rows
    }
}

/// Everything that was run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// What `wireloom --version` prints, or nothing if no proxy took part.
    pub(crate) wireloom: Option<String>,
    pub(crate) seconds: u64,
    pub(crate) passed: usize,
    /// How many of these only at the second try.
    pub(crate) second_try: usize,
    pub(crate) failed: usize,
    pub(crate) rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(wireloom: Option<String>, seconds: u64, rows: Vec<Row>) -> Self {
        let passed = rows.iter().filter(|row| row.ok).count();
        let second_try = rows.iter().filter(|row| row.needed_second_try());
        Self {
            wireloom,
            seconds,
            passed,
            second_try: second_try.count(),
            failed: rows.len() - passed,
            rows,
        }
    }

    /// Nothing failed, and something ran.
    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names {
        client: String::new(),
        server: String::new(),
        direct_counts: true,
    };

    fn ran(scenarios: &[(&str, bool)]) -> Ran {
        let mut ran = Ran::default();
        for (name, ok) in scenarios {
            let outcome = Outcome {
                ok: *ok,
                detail: format!("{name} is {ok}"),
                millis: 1,
            };
            ran.order.push((*name).to_owned());
            ran.scenarios.insert((*name).to_owned(), outcome);
        }
        ran
    }

    fn verdicts(direct: Option<&Ran>, proxied: Option<&Ran>) -> Vec<(String, bool)> {
        let rows = NAMES.rows(Suite::Calls, direct, proxied);
        rows.into_iter().map(|row| (row.scenario, row.ok)).collect()
    }

    #[test]
    fn a_scenario_passes_if_it_passes_both_ways() {
        let direct = ran(&[
            ("b", true),
            ("a", true),
            ("missing", true),
            ("wrong", false),
        ]);
        let proxied = ran(&[("a", true), ("b", false), ("own", true), ("wrong", true)]);
        let seen = verdicts(Some(&direct), Some(&proxied));
        let expected = [
            ("b", false),
            ("a", true),
            ("missing", false),
            ("wrong", false),
            ("own", true),
        ];
        assert_eq!(seen, expected.map(|(name, ok)| (name.to_owned(), ok)));
    }

    #[test]
    fn a_mode_that_was_not_asked_for_is_not_missed() {
        let one = ran(&[("a", true)]);
        assert_eq!(verdicts(Some(&one), None), [("a".to_owned(), true)]);
        assert_eq!(verdicts(None, Some(&one)), [("a".to_owned(), true)]);
    }

    #[test]
    fn what_fails_directly_may_be_no_failure() {
        let mut direct = ran(&[("a", false), ("b", false), ("gone", false)]);
        direct.fault = Some("it crashed".to_owned());
        let proxied = ran(&[("a", true), ("b", false)]);
        let names = Names {
            direct_counts: false,
            ..NAMES
        };
        let rows = names.rows(Suite::Calls, Some(&direct), Some(&proxied));
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.scenario.as_str(), row.ok))
            .collect();
        assert_eq!(seen, [("a", true), ("b", false), ("gone", false)]);
        let direct_only = names.rows(Suite::Calls, Some(&direct), None);
        assert!(direct_only.iter().all(|row| row.ok));
    }

    #[test]
    fn a_fault_is_a_row_of_its_own() {
        let mut proxied = ran(&[("a", true)]);
        proxied.fault = Some("it crashed".to_owned());
        let rows = NAMES.rows(Suite::Calls, None, Some(&proxied));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].reason.as_deref(), Some("proxied: it crashed"));
        let report = Report::new(None, 1, rows);
        assert_eq!(
            (report.passed, report.failed, report.is_good()),
            (1, 1, false)
        );
        assert!(!Report::new(None, 0, Vec::new()).is_good());
    }
}
