//! Conditions on a path.

use regex::bytes::Regex;

use super::whole;
use crate::Problem;
use crate::config::PathMatch;

/// A compiled [`PathMatch`].
#[derive(Clone, Debug)]
pub(super) enum Path {
    Exact(Box<[u8]>),
    /// With the slash at its end, if it has one.
    Prefix(Box<[u8]>),
    Regex(Box<Regex>),
}

impl Path {
    /// Compiles the condition found at `path` (`routes.main[2].match.http.path`).
    pub(super) fn compile(path: &str, config: &PathMatch) -> Result<Self, Problem> {
        let (text, key) = match config {
            // It may have been written without the key; what is wrong is found either way.
            PathMatch::Exact(text) => (text, ""),
            PathMatch::Prefix(text) => (text, ".prefix"),
            PathMatch::Regex(pattern) => {
                let regex = whole(pattern);
                return regex
                    .map(|regex| Self::Regex(Box::new(regex)))
                    .map_err(|why| Problem::new(format!("{path}.regex"), why));
            }
        };
        let is_asterisk = key.is_empty() && text == "*";
        if !is_asterisk {
            check(text).map_err(|why| Problem::new(format!("{path}{key}"), why))?;
        }
        let text = Box::from(text.as_bytes());
        Ok(match config {
            PathMatch::Prefix(_) => Self::Prefix(text),
            _ => Self::Exact(text),
        })
    }

    pub(super) fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => **exact == *path,
            Self::Prefix(prefix) => match path.strip_prefix(&**prefix) {
                Some(rest) => rest.is_empty() || rest.starts_with(b"/") || prefix.ends_with(b"/"),
                None => false,
            },
            Self::Regex(regex) => regex.is_match(path),
        }
    }

    pub(super) fn exact(&self) -> Option<&[u8]> {
        match self {
            Self::Exact(exact) => Some(exact),
            _ => None,
        }
    }
}

/// What is wrong with a path that the configuration names: it could never be a request's.
pub(crate) fn check(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("{path:?} does not start with a slash, as paths do"));
    }
    let bad = path
        .chars()
        .find(|c| !c.is_ascii_graphic() || matches!(c, '?' | '#'));
    match bad {
        None => Ok(()),
        Some('?' | '#') => Err(format!(
            "{path:?} is more than a path: `?` and `#` and what follows them are not part of it"
        )),
        Some(c) => {
            let mut bytes = [0; 4];
            let encoded = c.encode_utf8(&mut bytes).bytes();
            let encoded: String = encoded.map(|byte| format!("%{byte:02X}")).collect();
            Err(format!("{c:?} cannot stand in a path: write {encoded}"))
        }
    }
}
