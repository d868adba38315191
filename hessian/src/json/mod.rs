//! Values as JSON, for people: what `wireloom call` prints and what it takes.
//!
//! | value | JSON |
//! |---|---|
//! | null, boolean, string | the same |
//! | int | number |
//! | long | number; [`Style::Exact`] writes one that fits an int as `{"$long": 7}` |
//! | double | number with a point or exponent; `{"$double": "NaN"}`, `"Infinity"`, `"-Infinity"` |
//! | date | `{"$date": "1998-05-09T10:24:11.123Z"}` (RFC 3339, UTC); outside the years 0 to 9999 `{"$date": millis}` |
//! | binary | `{"$binary": "base64"}`, standard alphabet, padded |
//! | list | array; with a type `{"$type": "java.util.HashSet", "$items": […]}` |
//! | map | object; with a type the member `"$type"` comes first |
//! | map with other keys than strings, with a key that begins with `$` or twice the same | `{"$entries": [[key, value], …]}`, with `"$type"` if typed |
//! | object | object whose first member is `"$class"` |
//! | object with a field that begins with `$` or twice the same | `{"$class": …, "$fields": [[name, value], …]}` |
//! | reference | `{"$ref": n}`, the n-th list, map or object of the body, from 0 |
//!
//! [`Style::Readable`] leaves out the `$type` of arrays and of `java.util` collections. [`from_json`] takes
//! everything that either style writes, and `{"$int": 7}`, `{"$double": 7}` and a number for a `$date`
//! besides. An integer becomes an int if it fits one, else a long; a number with a point or an exponent a
//! double. From [`Style::Exact`] the very same value comes back.
//!
//! [`coerce()`] is for arguments whose Java type is known.

mod coerce;
mod date;
mod from;
#[cfg(test)]
mod tests;
mod to;

pub use coerce::{coerce, coerce_args, guess_descriptor};
pub use from::from_json;
pub use to::{Style, to_json};

/// JSON that does not make a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct BadJson {
    /// Where, as in `$.items[2].price`.
    pub path: String,
    /// What is wrong there, and what would be right.
    pub problem: String,
}

impl BadJson {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            path: "$".to_owned(),
            problem: problem.into(),
        }
    }

    fn in_member(mut self, name: &str) -> Self {
        self.path.replace_range(..1, &format!("$.{name}"));
        self
    }

    fn in_item(mut self, index: usize) -> Self {
        self.path.replace_range(..1, &format!("$[{index}]"));
        self
    }
}
