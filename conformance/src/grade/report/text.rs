//! The summary that a terminal shows.

use std::fmt::Write;

use super::Report;
use crate::grade::case::Verdict;

impl Report {
    /// What failed and why, and how many did what.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for target in &self.targets {
            let mut untold = 0;
            for row in self.of(&target.name).filter(|row| row.verdict.is_failure()) {
                // What is wrong with a target that does not start is wrong with all its cases.
                let same = matches!(row.verdict, Verdict::NotStarted(_)) && untold > 0;
                untold += usize::from(matches!(row.verdict, Verdict::NotStarted(_)));
                if same {
                    continue;
                }
                let _ = writeln!(text, "{} {} {}", row.verdict.word(), row.target, row.case);
                if row.runs > 1 {
                    let _ = writeln!(text, "    passed {} of {} times", row.passes, row.runs);
                }
                for line in row.verdict.reason().lines() {
                    let _ = writeln!(text, "    {line}");
                }
            }
        }
        for row in self.rows.iter().filter(|row| row.needed_second_try()) {
            let why = row.first_failure.as_deref().unwrap_or_default();
            let why = why.lines().next().unwrap_or_default();
            let _ = writeln!(text, "2nd try {} {}: at first {why}", row.target, row.case);
        }
        for target in &self.targets {
            let rows: Vec<_> = self.of(&target.name).collect();
            let count =
                |is: fn(&Verdict) -> bool| rows.iter().filter(|row| is(&row.verdict)).count();
            let _ = writeln!(
                text,
                "{} ({}): {} passed, {} failed, {} crashed, {} not started, {} not applicable",
                target.name,
                target.version,
                count(|verdict| *verdict == Verdict::Pass),
                count(|verdict| matches!(verdict, Verdict::Fail(_))),
                count(|verdict| matches!(verdict, Verdict::Crashed(_))),
                count(|verdict| matches!(verdict, Verdict::NotStarted(_))),
                count(|verdict| matches!(verdict, Verdict::NotApplicable(_))),
            );
        }
        text
    }
}
