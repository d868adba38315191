//! JUnit's XML: a suite for each target, a test for each case.

use std::fmt::Write;

use super::{Report, Row};
use crate::grade::case::Verdict;

impl Report {
    /// The report as JUnit's XML.
    pub fn junit(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(
            xml,
            "<testsuites tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{}\">",
            self.rows.len(),
            self.failed,
            self.not_applicable,
            self.seconds
        );
        for target in &self.targets {
            let rows: Vec<_> = self.of(&target.name).collect();
            let count =
                |is: fn(&Verdict) -> bool| rows.iter().filter(|row| is(&row.verdict)).count();
            let _ = writeln!(
                xml,
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
                escaped(&format!("{} ({})", target.name, target.version)),
                rows.len(),
                count(|verdict| matches!(verdict, Verdict::Fail(_))),
                count(|verdict| matches!(verdict, Verdict::Crashed(_) | Verdict::NotStarted(_))),
                count(|verdict| matches!(verdict, Verdict::NotApplicable(_))),
            );
            for row in rows {
                put(&mut xml, row);
            }
            xml.push_str("  </testsuite>\n");
        }
        xml.push_str("</testsuites>\n");
        xml
    }
}

fn put(xml: &mut String, row: &Row) {
    let seconds = row.millis as f64 / 1000.0;
    let _ = write!(
        xml,
        "    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{seconds:.3}\"",
        escaped(&row.target),
        escaped(&row.group.replace('/', ".")),
        escaped(&row.case),
    );
    let word = row.verdict.word();
    let reason = escaped(row.verdict.reason());
    let first = escaped(row.verdict.reason().lines().next().unwrap_or_default());
    let _ = match &row.verdict {
        Verdict::Pass => writeln!(xml, "/>"),
        Verdict::NotApplicable(_) => writeln!(xml, "><skipped message=\"{first}\"/></testcase>"),
        Verdict::Fail(_) => writeln!(
            xml,
            "><failure message=\"{first}\" type=\"{word}\">{reason}</failure></testcase>"
        ),
        Verdict::Crashed(_) | Verdict::NotStarted(_) => writeln!(
            xml,
            "><error message=\"{first}\" type=\"{word}\">{reason}</error></testcase>"
        ),
    };
}

/// Text for an attribute or an element. XML 1.0 has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
