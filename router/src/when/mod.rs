//! Conditions as expressions: a part of CEL, the Common Expression Language, that can be checked and bounded as a whole.
//!
//! An expression is parsed, checked and compiled once. Every name in it has one type, and what does not fit is refused
//! with its place, so that nothing is left to fail but what a request lacks. There are no loops and no macros but `has`:
//! an evaluation looks at each part of the expression once at most, and regular expressions take linear time.
//!
//! # Names
//!
//! | name | type | what |
//! |---|---|---|
//! | `protocol` `service` `method` `version` `group` | text | as in `match`; empty where there is none |
//! | `headers["x"]` `headers.x` | text | the first value of the header |
//! | `http.host` `http.path` `http.method` | text | the host in lower case and without its port |
//! | `http.query["x"]` `http.cookie["x"]` | text | the first value, decoded |
//! | `source.address` | text | of the client |
//! | `source.port` | int | of the client |
//! | `tls.sni` `tls.identity` | text | the first name in the client's certificate |
//!
//! # Operators
//!
//! `&& || ! ?: == != < <= > >=`, `-` in front of a number; `in` a list of texts, and in `headers`, `http.query` and
//! `http.cookie`; `has(x.y)`; `size(t)`, `int(t)`, `t.startsWith(t)`, `t.endsWith(t)`, `t.contains(t)`,
//! `t.matches("regex")`, which may match a part; `source.inCidr("10.0.0.0/8")`.
//!
//! What is not there makes what is asked of it undecided: `false && x` is false and `true || x` is true all the same, as
//! CEL has it. An expression that is undecided in the end does not match.

mod compile;
mod eval;
mod parse;
mod place;

use crate::{Lookup, Problem};

use eval::Bool;

/// The longest expression, in bytes.
const LONGEST: usize = 4096;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct When {
    condition: Bool,
    /// The names of the fields that it reads.
    fields: Box<[String]>,
}

impl When {
    /// Compiles the expression found at `path`.
    pub(crate) fn compile(path: &str, text: &str) -> Result<Self, Problem> {
        if text.len() > LONGEST {
            let message = format!("is longer than {LONGEST} bytes");
            return Err(Problem::new(path, message));
        }
        let compiled = compile::compile(text)
            .map_err(|(at, what)| Problem::new(path, format!("at character {at}: {what}")))?;
        Ok(Self {
            condition: compiled.condition,
            fields: compiled.fields.into(),
        })
    }

    /// True if the expression is; false also if it is undecided.
    pub(crate) fn matches(&self, lookup: &Lookup<'_>) -> bool {
        self.condition.eval(lookup) == Some(true)
    }

    /// The fields that it reads.
    pub(crate) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str)
    }
}

/// The names that the expression compares `protocol` with; none if it does not compile.
pub(crate) fn protocols(text: &str) -> Vec<String> {
    let compiled = (text.len() <= LONGEST).then(|| compile::compile(text));
    let names = compiled.and_then(Result::ok).map(|it| it.protocols);
    let names = names.into_iter().flatten();
    names
        .map(|name| String::from_utf8_lossy(&name).into_owned())
        .collect()
}

#[cfg(test)]
mod tests;
