//! All cases, by name.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::case::{Case, Protocol};
use super::cases;
use super::glob::matches;

/// Every case there is, in the order of reports.
pub fn all() -> Vec<Arc<Case>> {
    let mut list = Vec::new();
    cases::register(&mut list);
    // Groups of one protocol stand together, each in its own order.
    list.sort_by_key(|case| case.protocol);
    list.into_iter().map(Arc::new).collect()
}

/// The cases that are about one of these protocols and match one of these patterns; an empty list means all.
///
/// # Errors
/// If a pattern matches nothing, which is a mistake as a rule.
pub fn select(protocols: &[Protocol], patterns: &[String]) -> Result<Vec<Arc<Case>>> {
    let mut cases = all();
    for pattern in patterns {
        ensure!(
            cases.iter().any(|case| matches(pattern, &case.name)),
            "no case matches {pattern:?}; --list shows all"
        );
    }
    cases.retain(|case| {
        let spoken = protocols.is_empty() || protocols.contains(&case.protocol);
        let named = patterns.is_empty() || patterns.iter().any(|it| matches(it, &case.name));
        spoken && named
    });
    ensure!(
        !cases.is_empty(),
        "no case of these names is about these protocols"
    );
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_say_what_they_are_about() {
        let cases = all();
        let names: HashSet<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        for case in &cases {
            let parts: Vec<_> = case.name.split('/').collect();
            assert_eq!(parts.len(), 3, "{}", case.name);
            assert!(
                parts[0].starts_with(case.protocol.as_str()),
                "{}",
                case.name
            );
            let plain =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '/';
            assert!(case.name.chars().all(plain), "{}", case.name);
            assert!(parts.iter().all(|part| !part.is_empty()), "{}", case.name);
        }
    }

    #[test]
    fn every_case_says_why() {
        for case in all() {
            assert!(case.why.len() > 80, "{}: {}", case.name, case.why);
            assert!(
                case.why.contains(" Source: "),
                "{}: {}",
                case.name,
                case.why
            );
            assert!(case.why.lines().count() == 1, "{}: a paragraph", case.name);
        }
    }

    #[test]
    fn patterns_and_protocols_select() {
        let of = |protocols: &[Protocol], patterns: &[&str]| {
            let patterns: Vec<_> = patterns.iter().map(|it| (*it).to_owned()).collect();
            select(protocols, &patterns).map(|cases| cases.len())
        };
        assert_eq!(of(&[], &[]).unwrap(), all().len());
        assert_eq!(of(&[], &["dubbo/wire/success"]).unwrap(), 1);
        assert!(of(&[Protocol::Dubbo], &["*/wire/*"]).unwrap() > 3);
        assert!(of(&[], &["dubbo/wires/*"]).is_err());
        assert!(of(&[Protocol::Bolt], &["dubbo/*"]).is_err());
    }
}
