//! What came of a run, as text, Markdown, JSON and JUnit's XML.

mod date;
mod junit;
mod markdown;
mod text;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::case::{Protocol, Verdict};

/// One case of one target.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The target.
    pub target: String,
    /// The case.
    pub case: String,
    /// The case's name without its last part.
    pub group: String,
    /// What it is about.
    pub protocol: Protocol,
    /// The case's rationale.
    pub why: String,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The target carried it as TCP.
    pub relayed: bool,
    /// How often it ran.
    pub runs: usize,
    /// How often it passed.
    pub passes: usize,
    /// How long all its runs took.
    pub millis: u64,
    /// Why it failed at first, if it was tried again, which is what all else tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<String>,
}

impl Row {
    /// Whether it passed at the second try only.
    pub fn needed_second_try(&self) -> bool {
        self.verdict == Verdict::Pass && self.first_failure.is_some()
    }
}

/// All rows.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The day on which it was made, `2026-11-23`.
    pub date: String,
    /// Targets and their versions, in order.
    pub targets: Vec<Target>,
    /// How long it took.
    pub seconds: u64,
    /// Cases that passed, over all targets.
    pub passed: usize,
    /// Failures of whatever kind.
    pub failed: usize,
    /// Cases that did not apply.
    pub not_applicable: usize,
    /// In the order of targets, and of cases.
    pub rows: Vec<Row>,
}

/// A target that took part.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it says of its version.
    pub version: String,
}

impl Report {
    /// A report of today.
    pub fn new(targets: Vec<(String, String)>, took: Duration, rows: Vec<Row>) -> Self {
        let count = |is: fn(&Verdict) -> bool| rows.iter().filter(|row| is(&row.verdict)).count();
        Self {
            date: date::today(),
            targets: targets
                .into_iter()
                .map(|(name, version)| Target { name, version })
                .collect(),
            seconds: took.as_secs(),
            passed: count(|verdict| *verdict == Verdict::Pass),
            failed: count(Verdict::is_failure),
            not_applicable: count(|verdict| matches!(verdict, Verdict::NotApplicable(_))),
            rows,
        }
    }

    /// Nothing failed, and something passed.
    pub fn is_good(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// The rows of one target.
    pub fn of<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.target == target)
    }

    /// Writes it to a file, as the name's end says.
    ///
    /// # Errors
    /// If that is unknown, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = match kind(path)? {
            Kind::Markdown => self.markdown(),
            Kind::Json => serde_json::to_string_pretty(self)? + "\n",
            Kind::Junit => self.junit(),
        };
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Markdown,
    Json,
    Junit,
}

fn kind(path: &Path) -> Result<Kind> {
    match path.extension().and_then(|end| end.to_str()) {
        Some("md") => Ok(Kind::Markdown),
        Some("json") => Ok(Kind::Json),
        Some("xml" | "junit") => Ok(Kind::Junit),
        _ => bail!(
            "{}: a report ends in .md, .json, .xml or .junit",
            path.display()
        ),
    }
}

/// That all these can be written, as far as their names tell.
///
/// # Errors
/// If one cannot.
pub fn check(paths: &[PathBuf]) -> Result<()> {
    paths.iter().try_for_each(|path| kind(path).map(drop))
}

#[cfg(test)]
pub(super) mod tests;
