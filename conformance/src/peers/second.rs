//! Second tries. Real peers have timers of their own, and a machine that stalls makes some of them fail: what failed
//! is run once more, with nothing beside it, and the report says so.

use std::sync::Arc;

use super::matrix::Pair;
use super::report::{Row, WHOLE};
use crate::cli::Suite;

/// If more sets than this failed, that is no mishap, and trying again would take its time for nothing.
const MOST: usize = 4;

/// A set of scenarios of a pair, and what came of it.
pub(crate) struct Set {
    pub(crate) pair: Arc<Pair>,
    pub(crate) suite: Suite,
    pub(crate) rows: Vec<Row>,
    /// Whether both peers are installed. Without that there is nothing to try.
    pub(crate) possible: bool,
}

impl Set {
    /// One set for each suite that the rows are of.
    pub(crate) fn split(
        pair: &Arc<Pair>,
        suites: &[Suite],
        rows: Vec<Row>,
        possible: bool,
    ) -> Vec<Self> {
        let of = |suite: &Suite| {
            let rows = rows.iter().filter(|row| row.suite == suite.as_str());
            Self {
                pair: pair.clone(),
                suite: *suite,
                rows: rows.cloned().collect(),
                possible,
            }
        };
        suites.iter().map(of).collect()
    }

    fn failed(&self) -> bool {
        self.possible && self.rows.iter().any(|row| !row.ok)
    }
}

/// Runs each set that failed once more, one after the other.
pub(crate) async fn again(sets: &mut [Set], mut run: impl AsyncFnMut(&Pair, Suite) -> Vec<Row>) {
    let failed = sets.iter().filter(|set| set.failed()).count();
    if failed > MOST {
        eprintln!("{failed} sets of scenarios failed; that many are not tried again");
        return;
    }
    for set in sets.iter_mut().filter(|set| set.failed()) {
        eprintln!(
            "{:<32} {} failed: a second try, alone",
            set.pair.name(),
            set.suite.as_str()
        );
        let second = run(&set.pair, set.suite).await;
        set.rows = merge(std::mem::take(&mut set.rows), second);
    }
}

/// What two tries of a set come to: a scenario has passed if it did not fail at the second.
fn merge(mut first: Vec<Row>, second: Vec<Row>) -> Vec<Row> {
    let ran = !second.is_empty();
    let mut rows = Vec::new();
    for mut row in second {
        let place = first.iter().position(|old| old.scenario == row.scenario);
        let before = place.map(|place| first.remove(place));
        match before {
            Some(before) if before.ok && row.ok => rows.push(before),
            Some(before) => {
                row.first_failure = before.reason;
                rows.push(row);
            }
            None => {
                let news = row.scenario != WHOLE;
                row.first_failure = news.then(|| "it was not run".to_owned());
                rows.push(row);
            }
        }
    }
    for mut row in first {
        if row.scenario == WHOLE && ran {
            // The run as a whole held this time, as far as its other rows do not say otherwise.
            row.ok = true;
            row.first_failure = row.reason.take();
            rows.insert(0, row);
        } else {
            row.ok = false;
            row.first_failure = row.reason.take();
            row.reason = Some("it was not run at the second try".to_owned());
            rows.push(row);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::client::Outcome;
    use crate::peers::manifest::Peer;
    use crate::peers::protocol::{Link, Protocol};
    use crate::peers::report::{Names, Report};

    fn pair() -> Arc<Pair> {
        let peer = |name: &str| Peer {
            protocol: vec![Protocol::Bolt],
            ..Peer::named(name)
        };
        Arc::new(Pair {
            client: peer("c"),
            server: peer("s"),
            link: Link {
                client: Protocol::Bolt,
                server: Protocol::Bolt,
            },
            suites: vec![Suite::Calls],
        })
    }

    /// Scenarios with the reasons of those that failed.
    fn rows(scenarios: &[(&str, Option<&str>)]) -> Vec<Row> {
        let row = |(scenario, reason): &(&str, Option<&str>)| Row {
            scenario: (*scenario).to_owned(),
            ok: reason.is_none(),
            reason: reason.map(str::to_owned),
            proxied: (*scenario != WHOLE).then(|| Outcome {
                ok: reason.is_none(),
                detail: String::new(),
                millis: 1,
            }),
            ..Names {
                client: "c".to_owned(),
                server: "s".to_owned(),
                direct_counts: true,
            }
            .failed(Suite::Calls, String::new())
        };
        scenarios.iter().map(row).collect()
    }

    fn set(scenarios: &[(&str, Option<&str>)]) -> Set {
        Set {
            pair: pair(),
            suite: Suite::Calls,
            rows: rows(scenarios),
            possible: true,
        }
    }

    type Told<'a> = (&'a str, bool, Option<&'a str>, Option<&'a str>);

    fn told(rows: &[Row]) -> Vec<Told<'_>> {
        rows.iter()
            .map(|row| {
                let reason = row.reason.as_deref();
                let first = row.first_failure.as_deref();
                (row.scenario.as_str(), row.ok, reason, first)
            })
            .collect()
    }

    fn report(sets: Vec<Set>) -> Report {
        Report::new(None, 1, sets.into_iter().flat_map(|set| set.rows).collect())
    }

    #[tokio::test]
    async fn only_what_failed_is_run_again_and_once() {
        let mut sets = [
            set(&[("a", None)]),
            set(&[("a", None), ("b", Some("late"))]),
            set(&[("a", Some("not installed"))]),
        ];
        sets[2].possible = false;
        let mut runs = 0;
        again(&mut sets, async |pair, suite| {
            runs += 1;
            assert_eq!((pair.name().as_str(), suite), ("c → s", Suite::Calls));
            rows(&[("a", None), ("b", None)])
        })
        .await;
        assert_eq!(runs, 1);
        assert_eq!(told(&sets[0].rows), [("a", true, None, None)]);
        let second = told(&sets[1].rows);
        assert_eq!(
            second,
            [("a", true, None, None), ("b", true, None, Some("late"))]
        );
        assert!(!sets[2].rows[0].ok);
    }

    #[tokio::test]
    async fn a_second_success_is_good_and_told() {
        let mut sets = vec![set(&[("a", None), ("b", Some("late"))])];
        again(&mut sets, async |_, _| rows(&[("a", None), ("b", None)])).await;
        let report = report(sets);
        assert!(report.is_good());
        assert_eq!((report.passed, report.failed, report.second_try), (2, 0, 1));
    }

    #[tokio::test]
    async fn a_second_failure_is_a_failure_whatever_it_is_of() {
        for second in [
            rows(&[("a", None), ("b", Some("late again"))]),
            rows(&[("a", Some("something else")), ("b", None)]),
            rows(&[(WHOLE, Some("it crashed")), ("a", None), ("b", None)]),
            // A scenario that ran at first and then did not.
            rows(&[("a", None)]),
            Vec::new(),
        ] {
            let first = [(WHOLE, Some("no server")), ("a", None), ("b", Some("late"))];
            let mut sets = vec![set(&first)];
            let mut second = Some(second);
            again(&mut sets, async |_, _| second.take().unwrap()).await;
            assert!(!report(sets).is_good());
        }
    }

    #[test]
    fn a_second_try_without_results_is_a_failure() {
        let merged = merge(rows(&[(WHOLE, Some("no server"))]), Vec::new());
        let reason = Some("it was not run at the second try");
        assert_eq!(told(&merged), [(WHOLE, false, reason, Some("no server"))]);
    }

    #[test]
    fn both_failures_are_told() {
        let merged = merge(
            rows(&[("a", None), ("b", Some("late")), ("c", Some("gone"))]),
            rows(&[("a", Some("torn")), ("b", Some("later"))]),
        );
        assert_eq!(
            told(&merged),
            [
                ("a", false, Some("torn"), None),
                ("b", false, Some("later"), Some("late")),
                (
                    "c",
                    false,
                    Some("it was not run at the second try"),
                    Some("gone")
                ),
            ]
        );
    }

    #[test]
    fn a_crash_at_first_stays_in_the_report() {
        let merged = merge(
            rows(&[(WHOLE, Some("it crashed")), ("a", None)]),
            rows(&[("a", None), ("b", None)]),
        );
        assert_eq!(
            told(&merged),
            [
                (WHOLE, true, None, Some("it crashed")),
                ("a", true, None, None),
                ("b", true, None, Some("it was not run")),
            ]
        );
    }

    #[tokio::test]
    async fn many_failures_are_no_mishap() {
        let mut sets: Vec<_> = (0..=MOST).map(|_| set(&[("a", Some("broken"))])).collect();
        again(&mut sets, async |_, _| panic!("it was run again")).await;
        assert_eq!(report(sets).failed, MOST + 1);
    }
}
