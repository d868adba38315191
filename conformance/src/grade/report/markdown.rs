//! The report as a page to read: who does what, where they differ, and why.

use std::collections::HashMap;
use std::fmt::Write;

use super::{Report, Row};
use crate::grade::case::{Protocol, Verdict};

const HEAD: &str = "\
A scripted client and a scripted server with a proxy between them, and bytes that decide. Each case has the target for
itself, started before it and ended behind it; all get the same settings where they have them (one worker, one server
behind, 1 s to connect; in cases about time 2 s for a request and 5 s for a head), and their own defaults beyond. What each case asks, and where
that is written, is in `wireloom-conformance --list`; how to run this is in [conformance/README.md](../conformance/README.md).

How to read it: a number says how many of a group's cases passed, of those that apply. `–`: none applies. `ᵗ`: the target
does not speak the protocol and relays it as TCP; what depends on messages does not apply to it then. What a target has no
setting for, in a protocol that it does speak, is a failure where the outcome is one (a caller that waits for ever), and
does not apply where there is nothing to ask (the longest message of a proxy that has no such limit).
";

impl Report {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut page = String::from("# Conformance\n\n");
        page.push_str(HEAD);
        let names: Vec<_> = self
            .targets
            .iter()
            .map(|target| target.name.as_str())
            .collect();
        let command = format!(
            "cargo run --release -p wireloom-conformance -- --target {} --report FILE.md",
            names.join(",")
        );
        let _ = write!(
            page,
            "\nMade on {} by one command, in {} s:\n\n    {command}\n\n| target | version | passed | failed | crashed | not started | not applicable |\n|---|---|---|---|---|---|---|\n",
            self.date, self.seconds
        );
        for target in &self.targets {
            let rows: Vec<_> = self.of(&target.name).collect();
            let count =
                |is: fn(&Verdict) -> bool| rows.iter().filter(|row| is(&row.verdict)).count();
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {} | {} | {} |",
                target.name,
                cell(&target.version),
                count(|verdict| *verdict == Verdict::Pass),
                count(|verdict| matches!(verdict, Verdict::Fail(_))),
                count(|verdict| matches!(verdict, Verdict::Crashed(_))),
                count(|verdict| matches!(verdict, Verdict::NotStarted(_))),
                count(|verdict| matches!(verdict, Verdict::NotApplicable(_))),
            );
        }
        self.groups(&mut page, &names);
        self.differences(&mut page, &names);
        self.reasons(&mut page);
        self.second_tries(&mut page);
        page
    }

    /// A row for each group.
    fn groups(&self, page: &mut String, names: &[&str]) {
        page.push_str("\n## By group\n\n| group | cases |");
        header(page, names, 2);
        let mut groups: Vec<(Protocol, &str)> = Vec::new();
        for row in &self.rows {
            if !groups.contains(&(row.protocol, row.group.as_str())) {
                groups.push((row.protocol, &row.group));
            }
        }
        for (_, group) in groups {
            let all = |name: &str| {
                let rows = self.rows.iter();
                let rows = rows.filter(|row| row.target == name && row.group == group);
                rows.collect::<Vec<_>>()
            };
            let count = names.first().map_or(0, |name| all(name).len());
            let _ = write!(page, "| {group} | {count} |");
            for name in names {
                let _ = write!(page, " {} |", summed(&all(name)));
            }
            page.push('\n');
        }
    }

    /// A row for each case that somebody fails.
    fn differences(&self, page: &mut String, names: &[&str]) {
        page.push_str("\n## Cases that somebody fails\n\n`✓` passed, `✗` failed, `crash`: the target ended or said that it broke, `–` does not apply.\n\n| case |");
        header(page, names, 1);
        let mut verdicts: HashMap<(&str, &str), &Verdict> = HashMap::new();
        let mut order: Vec<&str> = Vec::new();
        for row in &self.rows {
            verdicts.insert((&row.case, &row.target), &row.verdict);
            if !order.contains(&row.case.as_str()) {
                order.push(&row.case);
            }
        }
        for case in order {
            let of = |name: &&str| verdicts.get(&(case, *name)).copied();
            if !names.iter().filter_map(of).any(Verdict::is_failure) {
                continue;
            }
            let _ = write!(page, "| {case} |");
            for name in names {
                let sign = match of(name) {
                    Some(Verdict::Pass) => "✓",
                    Some(Verdict::Fail(_)) => "✗",
                    Some(Verdict::Crashed(_)) => "crash",
                    Some(Verdict::NotStarted(_)) => "not started",
                    Some(Verdict::NotApplicable(_)) | None => "–",
                };
                let _ = write!(page, " {sign} |");
            }
            page.push('\n');
        }
    }

    /// What was wrong, target by target.
    fn reasons(&self, page: &mut String) {
        page.push_str("\n## Why\n");
        for target in &self.targets {
            let failed: Vec<_> = self
                .of(&target.name)
                .filter(|row| row.verdict.is_failure())
                .collect();
            let _ = write!(page, "\n### {}\n\n", target.name);
            if failed.is_empty() {
                page.push_str("Nothing failed.\n");
            }
            for row in failed {
                let times = match row.runs {
                    0 | 1 => String::new(),
                    runs => format!(" (passed {} of {runs} times)", row.passes),
                };
                let _ = writeln!(
                    page,
                    "- `{}`{times}: {}",
                    row.case,
                    brief(row.verdict.reason())
                );
            }
        }
    }

    /// What passed only when it was tried again.
    fn second_tries(&self, page: &mut String) {
        let mut tried = self
            .rows
            .iter()
            .filter(|row| row.needed_second_try())
            .peekable();
        if tried.peek().is_none() {
            return;
        }
        page.push_str("\n## Second tries\n\nThese failed at first, on a machine that had other work, passed when they were tried again, and count as passed.\n\n");
        for row in tried {
            let why = row.first_failure.as_deref().unwrap_or_default();
            let _ = writeln!(page, "- {} `{}`: {}", row.target, row.case, brief(why));
        }
    }
}

fn header(page: &mut String, names: &[&str], before: usize) {
    for name in names {
        let _ = write!(page, " {name} |");
    }
    let _ = writeln!(page, "\n|{}", "---|".repeat(before + names.len()));
}

fn summed(rows: &[&Row]) -> String {
    let applied = rows
        .iter()
        .filter(|row| !matches!(row.verdict, Verdict::NotApplicable(_)))
        .count();
    if applied == 0 {
        return "–".to_owned();
    }
    let passed = rows
        .iter()
        .filter(|row| row.verdict == Verdict::Pass)
        .count();
    let relayed = if rows.iter().any(|row| row.relayed) {
        " ᵗ"
    } else {
        ""
    };
    match passed == applied {
        true => format!("{passed}{relayed}"),
        false => format!("**{passed} of {applied}**{relayed}"),
    }
}

/// The first line of a reason, cut where it gets long; nothing in it is Markdown.
fn brief(reason: &str) -> String {
    let line = reason.lines().next().unwrap_or_default();
    let mut text: String = line.chars().take(240).collect();
    if text.len() < line.len() {
        text.push('…');
    }
    cell(&text)
}

fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '|' | '<' | '*' | '_' | '[' => out.extend(['\\', c]),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
