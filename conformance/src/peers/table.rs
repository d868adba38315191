//! The report as text, as Markdown and as JSON.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::client::Outcome;
use super::report::{Report, Row};

impl Report {
    /// A table for terminals: every row, then what failed and why, then the sums.
    pub(crate) fn text(&self) -> String {
        let cells: Vec<[String; 5]> = self
            .rows
            .iter()
            .map(|row| {
                [
                    pair(row),
                    row.suite.to_owned(),
                    row.scenario.clone(),
                    cell(row.direct.as_ref()),
                    last_cell(row),
                ]
            })
            .collect();
        let head = ["client → server", "suite", "scenario", "direct", "proxied"].map(str::to_owned);
        let mut widths = [0; 5];
        for line in std::iter::once(&head).chain(&cells) {
            for (width, text) in widths.iter_mut().zip(line) {
                *width = text.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for line in std::iter::once(&head).chain(&cells) {
            let padded = line.iter().zip(widths).map(|(text, width)| {
                let missing = width - text.chars().count();
                format!("{text}{}", " ".repeat(missing))
            });
            let padded: Vec<_> = padded.collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
        }
        for row in self.rows.iter().filter(|row| !row.ok) {
            text.push_str(&told("FAILED", row, &row.reasons()));
        }
        for row in self.rows.iter().filter(|row| row.needed_second_try()) {
            let first = row.first_failure.as_deref().unwrap_or_default();
            text.push_str(&told("OK AT THE 2ND TRY, at first", row, first));
        }
        let _ = writeln!(
            text,
            "\n{}, {} pairs, {} s",
            self.sums(),
            self.pairs().len(),
            self.seconds
        );
        text
    }

    fn sums(&self) -> String {
        let again = match self.second_try {
            0 => String::new(),
            count => format!(" ({count} of them at the 2nd try)"),
        };
        format!("{} passed{again}, {} failed", self.passed, self.failed)
    }

    fn pairs(&self) -> Vec<String> {
        let mut pairs: Vec<_> = self.rows.iter().map(pair).collect();
        pairs.dedup();
        pairs
    }

    fn markdown(&self) -> String {
        let wireloom = self.wireloom.as_deref().unwrap_or("none");
        let mut text = format!(
            "# Conformance\n\nProxy: {wireloom}. {}, in {} s.\n",
            self.sums(),
            self.seconds
        );
        for name in self.pairs() {
            let _ = write!(
                text,
                "\n## {name}\n\n| suite | scenario | direct | proxied |\n|---|---|---|---|\n"
            );
            for row in self.rows.iter().filter(|row| pair(row) == name) {
                let (direct, proxied) = (cell(row.direct.as_ref()), last_cell(row));
                let _ = writeln!(
                    text,
                    "| {} | {} | {direct} | {proxied} |",
                    row.suite, row.scenario
                );
            }
        }
        let failed = self.rows.iter().filter(|row| !row.ok);
        let failed = failed.map(|row| (row, row.reasons()));
        text.push_str(&section("Failures", failed));
        let again = self.rows.iter().filter(|row| row.needed_second_try());
        let again = again.map(|row| (row, row.first_failure.clone().unwrap_or_default()));
        text.push_str(&section("Ok at the 2nd try: what the first said", again));
        text
    }

    /// Writes it in the format that the file's ending names.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") => serde_json::to_string_pretty(self)? + "\n",
            Some("md") => self.markdown(),
            _ => bail!("{}: reports end in .json or .md", path.display()),
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A paragraph of the text about a row.
fn told(what: &str, row: &Row, reason: &str) -> String {
    format!(
        "\n{what} {} {} {}\n  {}\n",
        pair(row),
        row.suite,
        row.scenario,
        reason.replace('\n', "\n  ")
    )
}

/// A part of the Markdown about these rows, or nothing.
fn section<'a>(title: &str, rows: impl Iterator<Item = (&'a Row, String)>) -> String {
    let mut text = String::new();
    for (row, reason) in rows {
        if text.is_empty() {
            let _ = write!(text, "\n## {title}\n");
        }
        let _ = write!(
            text,
            "\n{}, {}, {}:\n\n```\n{reason}\n```\n",
            pair(row),
            row.suite,
            row.scenario
        );
    }
    text
}

fn pair(row: &Row) -> String {
    format!("{} → {}", row.client, row.server)
}

fn cell(outcome: Option<&Outcome>) -> String {
    match outcome {
        Some(Outcome {
            ok: true, millis, ..
        }) => format!("ok {millis} ms"),
        Some(Outcome { ok: false, .. }) => "FAILED".to_owned(),
        None => "-".to_owned(),
    }
}

/// The last column. A row that failed for another reason than its outcomes says so here, and so does one that needed a
/// second try.
fn last_cell(row: &Row) -> String {
    let told = [&row.direct, &row.proxied]
        .into_iter()
        .flatten()
        .any(|outcome| !outcome.ok);
    if !row.ok && !told {
        return "FAILED".to_owned();
    }
    match (&row.proxied, row.needed_second_try()) {
        (proxied, false) => cell(proxied.as_ref()),
        (None, true) => "ok (2nd try)".to_owned(),
        (proxied, true) => format!("{} (2nd try)", cell(proxied.as_ref())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(
        scenario: &str,
        direct: Option<bool>,
        proxied: Option<bool>,
        reason: Option<&str>,
    ) -> Row {
        let outcome = |ok: bool| Outcome {
            ok,
            detail: String::new(),
            millis: 7,
        };
        Row {
            client: "c".to_owned(),
            server: "s".to_owned(),
            suite: "calls",
            scenario: scenario.to_owned(),
            ok: reason.is_none(),
            direct: direct.map(outcome),
            proxied: proxied.map(outcome),
            reason: reason.map(str::to_owned),
            first_failure: None,
        }
    }

    fn report() -> Report {
        let rows = vec![
            row("good", Some(true), Some(true), None),
            row("bad", Some(true), Some(false), Some("proxied: it\nbroke")),
            row("gone", Some(true), None, Some("proxied: it was not run")),
            row("only", None, Some(true), None),
        ];
        Report::new(Some("wireloom 0.1.0".to_owned()), 3, rows)
    }

    #[test]
    fn text_has_a_line_per_row_and_the_reasons() {
        let expected = "\
client → server  suite  scenario  direct   proxied
c → s            calls  good      ok 7 ms  ok 7 ms
c → s            calls  bad       ok 7 ms  FAILED
c → s            calls  gone      ok 7 ms  FAILED
c → s            calls  only      -        ok 7 ms

FAILED c → s calls bad
  proxied: it
  broke

FAILED c → s calls gone
  proxied: it was not run

2 passed, 2 failed, 1 pairs, 3 s
";
        assert_eq!(report().text(), expected);
    }

    #[test]
    fn second_tries_are_told_openly() {
        let mut rows = vec![
            row("good", Some(true), Some(true), None),
            row("twice", Some(true), Some(true), None),
            row("(run)", None, None, None),
            row("bad", Some(true), Some(false), Some("proxied: torn")),
        ];
        for (row, said) in rows.iter_mut().skip(1).zip(["late", "it\ncrashed", "gone"]) {
            row.first_failure = Some(format!("proxied: {said}"));
        }
        let report = Report::new(None, 3, rows);
        let expected = "\
client → server  suite  scenario  direct   proxied
c → s            calls  good      ok 7 ms  ok 7 ms
c → s            calls  twice     ok 7 ms  ok 7 ms (2nd try)
c → s            calls  (run)     -        ok (2nd try)
c → s            calls  bad       ok 7 ms  FAILED

FAILED c → s calls bad
  proxied: torn
  at the first try: proxied: gone

OK AT THE 2ND TRY, at first c → s calls twice
  proxied: late

OK AT THE 2ND TRY, at first c → s calls (run)
  proxied: it
  crashed

3 passed (2 of them at the 2nd try), 1 failed, 1 pairs, 3 s
";
        assert_eq!(report.text(), expected);
        let markdown = report.markdown();
        for part in [
            "3 passed (2 of them at the 2nd try), 1 failed, in 3 s",
            "| calls | twice | ok 7 ms | ok 7 ms (2nd try) |",
            "proxied: torn\nat the first try: proxied: gone",
            "## Ok at the 2nd try: what the first said\n\nc → s, calls, twice:\n\n```\nproxied: late\n",
        ] {
            assert!(markdown.contains(part), "{part:?} is not in {markdown}");
        }
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["second_try"], 2);
        assert_eq!(json["rows"][1]["first_failure"], "proxied: late");
        assert!(json["rows"][0].get("first_failure").is_none());
    }

    #[test]
    fn files_are_written_by_their_ending() {
        let dir = tempfile::tempdir().unwrap();
        let json = dir.path().join("sub/report.json");
        report().write(&json).unwrap();
        let value: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
        assert_eq!(value["failed"], 2);
        assert_eq!(value["rows"][3]["direct"], serde_json::Value::Null);
        let markdown = dir.path().join("report.md");
        report().write(&markdown).unwrap();
        let text = std::fs::read_to_string(markdown).unwrap();
        assert!(
            text.contains("| calls | bad | ok 7 ms | FAILED |") && text.contains("it\nbroke"),
            "{text}"
        );
        assert!(report().write(&dir.path().join("report.txt")).is_err());
    }
}
