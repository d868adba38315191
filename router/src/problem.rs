//! What is wrong with a configuration that parses.

/// One thing wrong in the configuration: where, what, and what would be right.
///
/// Displayed as `routes.main[2].match.service.regex: …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Problem {
    /// The key's path from the top of the file: `routes.main[2].match.service.regex`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    /// A problem at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}
