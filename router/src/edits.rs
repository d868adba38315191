//! Compiled changes of header fields.

use std::collections::BTreeMap;

use http::header::{HeaderName, HeaderValue};
use wireloom_codecs::Headers;
use wireloom_codecs::edits::FieldEdits;

use crate::Problem;
use crate::config::{HeaderChanges, HeaderEdits, OneOrMany};

mod value;

pub use value::{Facts, Values};

use value::{Template, Value};

/// The most changes of one message.
const MOST: usize = 256;

/// Compiled [`HeaderEdits`].
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Of requests.
    pub request: HeaderEditSet,
    /// Of responses.
    pub response: HeaderEditSet,
    /// What makes the values of both that are not fixed.
    templates: Box<[Template]>,
}

impl Edits {
    /// Compiles what stands at `path` (`routes.main[2].headers`).
    ///
    /// # Errors
    /// Names and values that no field can have, and names that are not the user's to change.
    pub fn compile(path: &str, config: &HeaderEdits) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut templates = Vec::new();
        let mut set = |key: &str, changes: &HeaderChanges| {
            let path = format!("{path}.{key}");
            HeaderEditSet::compile(&path, changes, &mut templates, &mut problems)
        };
        let request = set("request", &config.request);
        let response = set("response", &config.response);
        match problems.is_empty() {
            true => Ok(Self {
                request,
                response,
                templates: templates.into(),
            }),
            false => Err(problems),
        }
    }

    /// The fields of requests that its values are made of.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().flat_map(Template::field_names)
    }

    /// True if any value is made of what a request says.
    pub fn is_made(&self) -> bool {
        !self.templates.is_empty()
    }

    /// Makes the values for a request and its response, before either is changed.
    pub fn values(&self, facts: &Facts<'_>) -> Values {
        value::made(&self.templates, facts)
    }

    /// True if nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }
}

/// Compiled [`HeaderChanges`].
#[derive(Clone, Debug, Default)]
pub struct HeaderEditSet {
    remove: Box<[Name]>,
    set: Box<[(Name, Value)]>,
    add: Box<[(Name, Value)]>,
}

/// A field's name.
#[derive(Clone, Debug)]
struct Name {
    http: HeaderName,
    /// As it is written, for protocols where case counts.
    text: Box<str>,
}

impl Name {
    fn compile(text: &str) -> Result<Self, String> {
        let http = name(text)?;
        let text = text.into();
        Ok(Self { http, text })
    }
}

impl HeaderEditSet {
    fn compile(
        path: &str,
        config: &HeaderChanges,
        templates: &mut Vec<Template>,
        problems: &mut Vec<Problem>,
    ) -> Self {
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
            match Name::compile(text) {
                Ok(name) => remove.push(name),
                Err(why) => problems.push(Problem::new(format!("{path}.remove[{at}]"), why)),
            }
        }
        let mut set: Vec<(Name, Value)> = Vec::new();
        for (text, new) in &config.set {
            let path = format!("{path}.set.{text}");
            let compiled = Name::compile(text);
            match compiled.and_then(|name| Ok((name, Value::compile(new, templates)?))) {
                Ok((name, _)) if set.iter().any(|(other, _)| other.http == name.http) => {
                    let message = "is in this list already: the case of a name does not count";
                    problems.push(Problem::new(path, message));
                }
                Ok(field) => set.push(field),
                Err(why) => problems.push(Problem::new(path, why)),
            }
        }
        let mut value = |text: &str| Value::compile(text, templates);
        let add = each(&format!("{path}.add"), &config.add, &mut value, problems);
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

    /// Makes the changes: first what is removed, then what is set, then what is added. What would be set to a value that
    /// could not be made is removed: nobody takes what the client wrote there for the proxy's word.
    pub fn apply(&self, headers: &mut Headers, made: &Values) {
        for name in &self.remove {
            headers.remove(&name.http);
        }
        for (name, value) in &self.set {
            match value.get(made) {
                Some(value) => headers.set(&name.http, value),
                None => {
                    headers.remove(&name.http);
                }
            }
        }
        for (name, value) in &self.add {
            if let Some(value) = value.get(made) {
                headers.append(&name.http, value);
            }
        }
    }

    /// Adds the same changes to those of a message that is not HTTP's. Its values are text.
    pub fn collect<'a>(&'a self, made: &'a Values, edits: &mut FieldEdits<'a>) {
        let text = |value: &'a Value| std::str::from_utf8(value.get(made)?.as_bytes()).ok();
        for name in &self.remove {
            edits.remove(&name.text);
        }
        for (name, value) in &self.set {
            match text(value) {
                Some(value) => edits.set(&name.text, value),
                None => edits.remove(&name.text),
            }
        }
        for (name, value) in &self.add {
            if let Some(value) = text(value) {
                edits.add(&name.text, value);
            }
        }
    }
}

/// Compiles the fields of an answer that stand at `path`, and adds what is wrong with them.
pub(crate) fn fields(
    path: &str,
    config: &BTreeMap<String, OneOrMany>,
    problems: &mut Vec<Problem>,
) -> Vec<(HeaderName, HeaderValue)> {
    let fields = each(path, config, &mut value, problems).into_iter();
    fields.map(|(name, value)| (name.http, value)).collect()
}

fn each<V>(
    path: &str,
    config: &BTreeMap<String, OneOrMany>,
    value: &mut dyn FnMut(&str) -> Result<V, String>,
    problems: &mut Vec<Problem>,
) -> Vec<(Name, V)> {
    let mut fields = Vec::new();
    for (text, values) in config {
        let path = format!("{path}.{text}");
        let name = match Name::compile(text) {
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
