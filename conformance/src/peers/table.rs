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
            let reason = row.reason.as_deref().unwrap_or("no reason was given");
            let _ = write!(
                text,
                "\nFAILED {} {} {}\n  ",
                pair(row),
                row.suite,
                row.scenario
            );
            text.push_str(&reason.replace('\n', "\n  "));
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "\n{} passed, {} failed, {} pairs, {} s",
            self.passed,
            self.failed,
            self.pairs().len(),
            self.seconds
        );
        text
    }

    fn pairs(&self) -> Vec<String> {
        let mut pairs: Vec<_> = self.rows.iter().map(pair).collect();
        pairs.dedup();
        pairs
    }

    fn markdown(&self) -> String {
        let wireloom = self.wireloom.as_deref().unwrap_or("none");
        let mut text = format!(
            "# Conformance\n\nProxy: {wireloom}. {} passed, {} failed, in {} s.\n",
            self.passed, self.failed, self.seconds
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
        let failed: Vec<_> = self.rows.iter().filter(|row| !row.ok).collect();
        if !failed.is_empty() {
            text.push_str("\n## Failures\n");
        }
        for row in failed {
            let reason = row.reason.as_deref().unwrap_or_default();
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

/// The last column, in which a row that has failed for another reason than its outcomes says so.
fn last_cell(row: &Row) -> String {
    let told = [&row.direct, &row.proxied]
        .into_iter()
        .flatten()
        .any(|outcome| !outcome.ok);
    if row.ok || told {
        return cell(row.proxied.as_ref());
    }
    "FAILED".to_owned()
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
