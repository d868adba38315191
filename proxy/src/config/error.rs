//! What is wrong with a configuration, as the user sees it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::locate::Place;

/// One thing wrong, displayed as `mesh.yaml:7:5: routes.main[0].timeout: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where; None if it is about the file as a whole.
    pub place: Option<Place>,
    /// The key's path from the top of the file; empty if it is about no key.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Everything wrong with a file, in the order of its lines; one line each when displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file.
    pub file: PathBuf,
    /// At least one.
    pub errors: Vec<ConfigError>,
}

impl ConfigErrors {
    /// The file cannot be read, or is no configuration at all.
    pub(super) fn whole(file: &Path, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            errors: vec![ConfigError {
                place: None,
                path: String::new(),
                message: message.into(),
            }],
        }
    }

    /// Several things, put in order.
    pub(super) fn new(file: &Path, mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by_key(|error| error.place);
        errors.dedup();
        Self {
            file: file.to_owned(),
            errors,
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", self.file.display())?;
            if let Some(place) = error.place {
                write!(f, "{place}:")?;
            }
            if !error.path.is_empty() {
                f.write_str(" ")?;
                on_one_line(f, &error.path)?;
                f.write_str(":")?;
            }
            for line in error.message.lines() {
                f.write_str(" ")?;
                on_one_line(f, line.trim())?;
            }
        }
        Ok(())
    }
}

/// Writes what quotes the file, whose keys and names may hold line ends and what terminals obey.
fn on_one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        match c.is_control() {
            true => write!(f, "{}", c.escape_default())?,
            false => fmt::Write::write_char(f, c)?,
        }
    }
    Ok(())
}

impl std::error::Error for ConfigErrors {}
