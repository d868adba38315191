//! Conditions on a text.

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};
use wireloom_codecs::Str;

use crate::Problem;
use crate::config::{Range, StringMatch};

/// The largest compiled form of one regular expression, and of its lazily built automaton, in bytes.
const REGEX_LIMIT: usize = 1 << 20;

/// A compiled [`StringMatch`].
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
    Contains(Box<Finder<'static>>),
    Regex(Box<Regex>),
    Range(Range),
    Present(bool),
    Not(Box<Text>),
}

impl Text {
    /// Compiles the condition found at `path`.
    pub(crate) fn compile(path: &str, config: &StringMatch) -> Result<Self, Problem> {
        let part = |key: &str, text: &str| {
            if text.is_empty() {
                let message = "an empty text is part of every text: \
                               write {present: true} for any, or leave the condition out";
                return Err(Problem::new(format!("{path}.{key}"), message));
            }
            Ok(Box::from(text.as_bytes()))
        };
        Ok(match config {
            StringMatch::Exact(text) => Self::Exact(text.as_bytes().into()),
            StringMatch::Prefix(text) => Self::Prefix(part("prefix", text)?),
            StringMatch::Suffix(text) => Self::Suffix(part("suffix", text)?),
            StringMatch::Contains(text) => {
                let part = part("contains", text)?;
                Self::Contains(Box::new(Finder::new(&part).into_owned()))
            }
            StringMatch::Regex(pattern) => Self::Regex(Box::new(
                whole(pattern).map_err(|why| Problem::new(format!("{path}.regex"), why))?,
            )),
            StringMatch::Range(range) => {
                check(range).map_err(|why| Problem::new(format!("{path}.range"), why))?;
                Self::Range(*range)
            }
            StringMatch::Present(present) => Self::Present(*present),
            StringMatch::Not(condition) => {
                Self::Not(Box::new(Self::compile(&format!("{path}.not"), condition)?))
            }
        })
    }

    /// Judges a text that is there.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => **exact == *text,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::Contains(part) => part.find(text).is_some(),
            Self::Regex(regex) => regex.is_match(text),
            Self::Range(range) => number(text).is_some_and(|number| within(range, number)),
            Self::Present(present) => *present,
            Self::Not(condition) => !condition.matches(text),
        }
    }

    /// Judges a name that every head has a place for: an empty one is not there.
    pub(super) fn matches_name(&self, name: &Str) -> bool {
        match self {
            Self::Present(present) => *present != name.is_empty(),
            Self::Not(condition) => !condition.matches_name(name),
            _ => self.matches(name.as_bytes()),
        }
    }

    /// Judges the values of one name: one of them must match.
    pub(super) fn any<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> bool {
        self.judge(values, Self::matches)
    }

    /// The same for values in base64.
    pub(super) fn any_base64<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> bool {
        self.judge(values, Self::matches_base64)
    }

    /// Judges a name without a value: what [`Self::any`] says of none.
    pub(super) fn absent(&self) -> bool {
        match self {
            Self::Present(present) => !present,
            Self::Not(condition) => !condition.absent(),
            _ => false,
        }
    }

    fn judge<'a>(
        &self,
        mut values: impl Iterator<Item = &'a [u8]>,
        matches: fn(&Self, &[u8]) -> bool,
    ) -> bool {
        match self {
            Self::Present(present) => values.next().is_some() == *present,
            Self::Not(condition) => !condition.judge(values, matches),
            _ => values.any(|value| matches(self, value)),
        }
    }

    fn matches_base64(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => unpadded(exact) == unpadded(value),
            Self::Suffix(suffix) => unpadded(value).ends_with(unpadded(suffix)),
            text => text.matches(value),
        }
    }
}

/// Base64 without the padding, which gRPC's clients write or leave out as they like.
fn unpadded(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b'=');
    end.and_then(|end| text.get(..=end)).unwrap_or_default()
}

/// What is wrong with a range.
fn check(range: &Range) -> Result<(), String> {
    match (range.min, range.max) {
        (None, None) => Err("has no end: write `min`, `max` or both".to_owned()),
        (Some(min), Some(max)) if min > max => Err(format!("is empty: {min} is more than {max}")),
        _ => Ok(()),
    }
}

pub(super) fn within(range: &Range, number: i64) -> bool {
    range.min.is_none_or(|min| min <= number) && range.max.is_none_or(|max| number <= max)
}

/// Decimal digits, perhaps behind a sign. A number that 64 bits do not hold is none.
fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A regular expression that must match the whole text.
pub(super) fn whole(pattern: &str) -> Result<Regex, String> {
    // First as written, so that `a)|(b` cannot close the group and errors show the user's own text.
    part(pattern)?;
    part(&format!(r"\A(?:{pattern})\z"))
}

/// A regular expression that may match a part of a text.
pub(crate) fn part(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        // The texts are compared as bytes; classes are ASCII and the automata small.
        .unicode(false)
        .size_limit(REGEX_LIMIT)
        .dfa_size_limit(REGEX_LIMIT)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => {
                format!("compiles to more than {limit} bytes: repeat less, or match a prefix")
            }
            error => format!(
                "is not a regular expression: {}; a backslash makes the next character a literal one",
                sentence(&error.to_string())
            ),
        })
}

/// What an error of the regex crate says in the end: it draws the pattern over several lines first, which stands in the
/// configuration already.
fn sentence(error: &str) -> &str {
    let last = error.trim_end().lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last)
}
