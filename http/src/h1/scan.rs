//! Finds the empty line that ends a head, and looks at line ends on the way.
//!
//! httparse takes a bare LF for a line end, and starts from the beginning whenever it is asked again. This goes on where it
//! stopped, so a head that comes byte by byte costs no more than one that comes at once, and is parsed once.

use http::StatusCode;
use memchr::memchr;

use crate::h1::refusal::Refusal;

/// How errors of connections name the protocol.
pub(crate) const NAME: &str = "http1";
/// The longest method, and what else stands in a request line around the target.
const METHOD: usize = 64;

/// Sizes that a head may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    /// All of it, in bytes.
    pub(crate) head: usize,
    /// Fields.
    pub(crate) fields: usize,
    /// The first line's target, in bytes.
    pub(crate) target: usize,
    /// LF alone ends a line.
    pub(crate) bare_lf: bool,
}

/// A head that is all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its length with the empty line.
    pub(crate) length: usize,
    /// Lines of fields, behind the first.
    pub(crate) fields: usize,
}

/// How far a head was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    /// Where the line under way starts.
    line: usize,
    /// Where the search goes on.
    at: usize,
    /// Lines that ended.
    lines: usize,
}

impl Scan {
    /// For lines of fields without a first line: trailers.
    pub(crate) const fn trailers() -> Self {
        Self {
            line: 0,
            at: 0,
            lines: 1,
        }
    }

    /// Goes on in `bytes`, which start with the head. None if its end is not there yet.
    pub(crate) fn scan(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<Head>, Refusal> {
        // What is refused must not depend on how it was cut, so what is known too long is refused before its end.
        let first = (limits.target + METHOD).min(limits.head.saturating_sub(1));
        while let Some(found) = memchr(b'\n', bytes.get(self.at..).unwrap_or_default()) {
            let end = self.at + found;
            if self.lines == 0 && end > first {
                return Err(TOO_LONG);
            }
            if end >= limits.head {
                return Err(TOO_LARGE);
            }
            let line = bytes.get(self.line..end).unwrap_or_default();
            let text = match line.split_last() {
                Some((b'\r', text)) => text,
                _ if limits.bare_lf => line,
                _ => return Err(Refusal::bad("a line that ends in LF alone")),
            };
            self.at = end + 1;
            self.line = end + 1;
            if text.is_empty() && self.lines > 0 {
                let head = Head {
                    length: self.line,
                    fields: self.lines - 1,
                };
                return Ok(Some(head));
            }
            if self.lines > 0 && matches!(text, [b' ' | b'\t', ..]) {
                return Err(Refusal::bad("a folded field"));
            }
            self.lines += 1;
            if self.lines - 1 > limits.fields {
                return Err(TOO_MANY);
            }
        }
        self.at = bytes.len();
        if self.lines == 0 && bytes.len() > first {
            return Err(TOO_LONG);
        }
        if bytes.len() >= limits.head {
            return Err(TOO_LARGE);
        }
        Ok(None)
    }
}

const TOO_LONG: Refusal = Refusal::new(StatusCode::URI_TOO_LONG, "a target over the limit");
const TOO_LARGE: Refusal = Refusal::new(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "header fields over the limit",
);
const TOO_MANY: Refusal = Refusal::new(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "more header fields than the limit",
);
