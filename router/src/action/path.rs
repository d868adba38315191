//! How a path becomes another one.

use regex::bytes::Regex;

use crate::Problem;
use crate::config::RegexRewrite;
use crate::matcher;

/// No path gets longer than this.
const LONGEST: usize = 64 << 10;

/// A compiled change of paths.
#[derive(Clone, Debug)]
pub(super) enum PathChange {
    Whole(Box<str>),
    Prefix {
        /// What goes, without a slash at its end: what follows it begins with one, if anything does.
        old: Box<[u8]>,
        /// What comes.
        new: Box<str>,
    },
    Regex {
        pattern: Box<Regex>,
        substitution: Box<[Piece]>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Box<[u8]>),
    Group(usize),
}

/// Why a path could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    TooLong,
    /// Not text: a group has taken a character apart.
    NotText,
}

impl PathChange {
    /// Replaces the whole path by the one that `path` holds.
    pub(super) fn whole(path: &str, new: &str) -> Result<Self, Problem> {
        check(path, new)?;
        Ok(Self::Whole(new.into()))
    }

    /// Replaces the prefix that the route matches.
    pub(super) fn prefix(path: &str, old: Option<&str>, new: &str) -> Result<Self, Problem> {
        let Some(old) = old else {
            let message = "stands in the place of the prefix that `match.http.path` names, and it names none: \
                           write {prefix: …} there, or `path` here";
            return Err(Problem::new(path, message));
        };
        check(path, new)?;
        let old = old.strip_suffix('/').unwrap_or(old);
        Ok(Self::Prefix {
            old: old.as_bytes().into(),
            new: new.into(),
        })
    }

    /// Replaces what a regular expression finds.
    pub(super) fn regex(path: &str, config: &RegexRewrite) -> Result<Self, Problem> {
        let pattern = matcher::part(&config.pattern)
            .map_err(|why| Problem::new(format!("{path}.pattern"), why))?;
        let substitution = pieces(&config.substitution, pattern.captures_len())
            .map_err(|why| Problem::new(format!("{path}.substitution"), why))?;
        Ok(Self::Regex {
            pattern: Box::new(pattern),
            substitution: substitution.into(),
        })
    }

    pub(super) fn has_regex(&self) -> bool {
        matches!(self, Self::Regex { .. })
    }

    /// Writes what becomes of `path` behind what is in `out`; it starts with one slash.
    pub(super) fn apply(&self, path: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        let start = out.len();
        match self {
            Self::Whole(new) => out.extend_from_slice(new.as_bytes()),
            Self::Prefix { old, new } => match path.strip_prefix(&**old) {
                Some([]) => out.extend_from_slice(new.as_bytes()),
                Some(rest) => {
                    let new = new.strip_suffix('/').unwrap_or(new);
                    out.extend_from_slice(new.as_bytes());
                    let slashes = match new {
                        // Two slashes at the start would make a host of what follows.
                        "" => rest.iter().take_while(|byte| **byte == b'/').count(),
                        _ => 1,
                    };
                    out.push(b'/');
                    out.extend_from_slice(rest.get(slashes..).unwrap_or_default());
                }
                None => out.extend_from_slice(path),
            },
            Self::Regex {
                pattern,
                substitution,
            } => replace(pattern, substitution, path, out)?,
        }
        if out.len() - start > LONGEST {
            return Err(Unfit::TooLong);
        }
        Ok(())
    }
}

/// Writes `path` with every find replaced.
fn replace(
    pattern: &Regex,
    substitution: &[Piece],
    path: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    let start = out.len();
    let mut end = 0;
    for groups in pattern.captures_iter(path) {
        let Some(all) = groups.get(0) else { break };
        out.extend_from_slice(path.get(end..all.start()).unwrap_or_default());
        end = all.end();
        for piece in substitution {
            out.extend_from_slice(match piece {
                Piece::Text(text) => text,
                Piece::Group(number) => groups
                    .get(*number)
                    .map_or(&[][..], |group| group.as_bytes()),
            });
        }
        if out.len() - start > LONGEST {
            return Err(Unfit::TooLong);
        }
    }
    out.extend_from_slice(path.get(end..).unwrap_or_default());
    // A target starts with one slash, whatever the groups were.
    let made = out.get(start..).unwrap_or_default();
    let slashes = made.iter().take_while(|byte| **byte == b'/').count();
    match slashes {
        0 => out.insert(start, b'/'),
        1 => {}
        _ => drop(out.drain(start..start + slashes - 1)),
    }
    let made = out.get(start..).unwrap_or_default();
    std::str::from_utf8(made).map_err(|_| Unfit::NotText)?;
    Ok(())
}

/// Takes a substitution apart.
fn pieces(substitution: &str, groups: usize) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut rest = substitution.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => {
                let digit = rest.next().and_then(|digit| digit.to_digit(10));
                let Some(group) = digit.and_then(|digit| usize::try_from(digit).ok()) else {
                    return Err(format!(
                        r"{substitution:?} has a backslash that no digit follows: \1 is the first group, \0 all that was found"
                    ));
                };
                if group >= groups {
                    return Err(format!(
                        r"names group \{group}, and the pattern has {} groups",
                        groups.saturating_sub(1)
                    ));
                }
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text).into()));
                }
                pieces.push(Piece::Group(group));
            }
            '?' | '#' => {
                return Err(format!(
                    "{substitution:?} is more than a path: it has a {next:?}"
                ));
            }
            _ if next.is_ascii_graphic() => text.push(next as u8),
            _ => {
                return Err(format!(
                    "{next:?} cannot stand in a path: percent-encode it"
                ));
            }
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.into()));
    }
    Ok(pieces)
}

fn check(path: &str, new: &str) -> Result<(), Problem> {
    matcher::check_path(new).map_err(|why| Problem::new(path, why))
}
