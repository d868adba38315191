//! Compiled changes of header fields.

use std::collections::BTreeMap;

use http::header::{HeaderName, HeaderValue};
use wireloom_codecs::Headers;

use crate::Problem;
use crate::config::{HeaderChanges, HeaderEdits, OneOrMany};

/// The most changes of one message.
const MOST: usize = 256;

/// Compiled [`HeaderEdits`].
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Of requests.
    pub request: HeaderEditSet,
    /// Of responses.
    pub response: HeaderEditSet,
}

impl Edits {
    /// Compiles what stands at `path` (`routes.main[2].headers`).
    ///
    /// # Errors
    /// Names and values that no field can have, and names that are not the user's to change.
    pub fn compile(path: &str, config: &HeaderEdits) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut set = |key: &str, changes: &HeaderChanges| {
            HeaderEditSet::compile(&format!("{path}.{key}"), changes, &mut problems)
        };
        let request = set("request", &config.request);
        let response = set("response", &config.response);
        match problems.is_empty() {
            true => Ok(Self { request, response }),
            false => Err(problems),
        }
    }

    /// True if nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }
}

/// Compiled [`HeaderChanges`].
#[derive(Clone, Debug, Default)]
pub struct HeaderEditSet {
    remove: Box<[HeaderName]>,
    set: Box<[(HeaderName, HeaderValue)]>,
    add: Box<[(HeaderName, HeaderValue)]>,
}

impl HeaderEditSet {
    fn compile(path: &str, config: &HeaderChanges, problems: &mut Vec<Problem>) -> Self {
        let changes = config.remove.len() + config.set.len() + config.add.len();
        if changes > MOST {
            problems.push(Problem::new(
                path,
                format!("there are more than {MOST} changes"),
            ));
            return Self::default();
        }
        let mut remove = Vec::new();
        for (at, text) in config.remove.iter().enumerate() {
            match name(text) {
                Ok(name) => remove.push(name),
                Err(why) => problems.push(Problem::new(format!("{path}.remove[{at}]"), why)),
            }
        }
        let mut set: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for (text, new) in &config.set {
            let path = format!("{path}.set.{text}");
            match name(text).and_then(|name| Ok((name, value(new)?))) {
                Ok((name, _)) if set.iter().any(|(other, _)| *other == name) => {
                    let message = "is in this list already: the case of a name does not count";
                    problems.push(Problem::new(path, message));
                }
                Ok(field) => set.push(field),
                Err(why) => problems.push(Problem::new(path, why)),
            }
        }
        let add = fields(&format!("{path}.add"), &config.add, problems);
        Self {
            remove: remove.into(),
            set: set.into(),
            add: add.into(),
        }
    }

    /// True if nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// Makes the changes: first what is removed, then what is set, then what is added.
    pub fn apply(&self, headers: &mut Headers) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.set(name, value);
        }
        for (name, value) in &self.add {
            headers.append(name, value);
        }
    }
}

/// Compiles the fields that stand at `path`, and adds what is wrong with them.
pub(crate) fn fields(
    path: &str,
    config: &BTreeMap<String, OneOrMany>,
    problems: &mut Vec<Problem>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut fields = Vec::new();
    for (text, values) in config {
        let path = format!("{path}.{text}");
        let name = match name(text) {
            Ok(name) => name,
            Err(why) => {
                problems.push(Problem::new(path, why));
                continue;
            }
        };
        for new in values.iter() {
            match value(new) {
                Ok(value) => fields.push((name.clone(), value)),
                Err(why) => problems.push(Problem::new(path.clone(), why)),
            }
        }
    }
    fields
}

/// A name that the user may change.
fn name(text: &str) -> Result<HeaderName, String> {
    if text.starts_with(':') {
        return Err(format!(
            "{text:?} is no header: methods are matched, and hosts and paths rewritten, by keys of their own"
        ));
    }
    let name = HeaderName::from_bytes(text.as_bytes());
    let name = name.map_err(|_| {
        format!("{text:?} is not a header's name: it has letters, digits, hyphens and the like")
    })?;
    match name.as_str() {
        "host" => Err("the host is changed by `rewrite: {host: …}`".to_owned()),
        // What frames a message, and what belongs to one connection (RFC 9110 §7.6.1).
        "connection" | "proxy-connection" | "keep-alive" | "transfer-encoding"
        | "content-length" | "te" | "trailer" | "upgrade" | "expect" => Err(format!(
            "`{name}` is about a connection or the framing of a message, which the proxy writes itself"
        )),
        _ => Ok(name),
    }
}

fn value(text: &str) -> Result<HeaderValue, String> {
    if text.trim() != text {
        return Err(format!(
            "{text:?} starts or ends with a space, which no header can"
        ));
    }
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| format!("{text:?} has a control character, which no header can"))
}

#[cfg(test)]
mod tests;
