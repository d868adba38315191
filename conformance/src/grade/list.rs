//! What there is, as text.

use std::fmt::Write;
use std::sync::Arc;

use super::case::{Case, Need};

/// Each case with its rationale and its needs.
pub fn list(cases: &[Arc<Case>]) -> String {
    let mut text = String::new();
    for case in cases {
        let _ = writeln!(text, "{}", case.name);
        let _ = writeln!(text, "    {}", case.why);
        if !case.needs.is_empty() {
            let needs: Vec<_> = case.needs.iter().map(|need| word(*need)).collect();
            let _ = writeln!(text, "    Needs: {}.", needs.join(", "));
        }
    }
    let _ = writeln!(text, "{} cases", cases.len());
    text
}

const fn word(need: Need) -> &'static str {
    match need {
        Need::Messages => "a proxy that reads messages",
        Need::Timeout => "a known timeout",
        Need::Limit => "a longest message that can be set",
        Need::Drain => "an orderly end",
        Need::ProxyHeader => "a PROXY header",
    }
}
