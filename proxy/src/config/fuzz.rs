//! Entry point of the fuzz target: it takes any bytes and panics if a promise does not hold.
#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "panics are how a fuzz target reports"
)]

use std::path::Path;

use super::Config;

/// What is read is written back and reads as the same; what is wrong is told one line each, at places that the file
/// has.
pub fn parse(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let errors = match read(text) {
        Ok(config) => {
            let json = written(&config);
            if !json.chars().all(is_plain) {
                // JSON has such characters as they are, and YAML only by their numbers.
                return;
            }
            let again = read(&json).unwrap_or_else(|errors| panic!("{errors}\n{json}"));
            assert_eq!(written(&again), json);
            return;
        }
        Err(errors) => errors,
    };
    assert!(!errors.errors.is_empty());
    let shown = errors.to_string();
    assert_eq!(shown.lines().count(), errors.errors.len(), "{shown:?}");
    // One more than the breaks, and the place behind the last one.
    let lines = 2 + text.chars().filter(|c| matches!(c, '\n' | '\r')).count();
    for place in errors.errors.iter().filter_map(|error| error.place) {
        assert!(
            (1..=lines).contains(&place.line) && place.column > 0,
            "{shown}"
        );
    }
}

fn read(text: &str) -> Result<Config, super::ConfigErrors> {
    super::parse(Path::new("mesh.yaml"), text, crate::PROTOCOLS)
}

/// True for what YAML takes without an escape.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn written(config: &Config) -> String {
    serde_json::to_string(config).unwrap_or_else(|error| panic!("{error}"))
}
