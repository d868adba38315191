//! Conditions on values inside of requests.

use std::io::Write;

use wireloom_codecs::http::{GRPC, HTTP1, HTTP2, TRIPLE};
use wireloom_codecs::units::Size;
use wireloom_codecs::{Argument as Value, ArgumentPath};

use super::Text;
use super::text::within;
use crate::config::{ArgumentAt, ArgumentMatch};
use crate::{Arguments, Problem};

/// The largest budget, in bytes.
const MOST: usize = 8 << 20;
/// The most names that may lead to a value.
const DEEPEST: usize = 32;

/// Where a value lies, and how far it is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    path: ArgumentPath,
    budget: usize,
}

/// A compiled [`ArgumentMatch`].
#[derive(Clone, Debug)]
pub(super) struct Argument {
    place: Place,
    text: Text,
}

impl Argument {
    /// Compiles the condition found at `path` (`routes.main[2].match.arguments[0]`), for requests of these protocols.
    pub(super) fn compile<'p>(
        path: &str,
        config: &ArgumentMatch,
        protocols: impl Iterator<Item = &'p str>,
    ) -> Result<Self, Problem> {
        let text = Text::compile(path, &config.condition)?;
        let place = Place::compile(path, &config.at, config.budget, protocols)?;
        Ok(Self { place, text })
    }

    pub(super) fn matches(&self, arguments: &dyn Arguments) -> bool {
        self.text.matches_value(self.place.find(arguments).as_ref())
    }

    /// How many bytes of an HTTP request's body it looks at.
    pub(super) fn body(&self) -> usize {
        self.place.body()
    }
}

impl Place {
    /// Compiles the place of a value, written at `path`, for requests of these protocols.
    pub(crate) fn compile<'p>(
        path: &str,
        at: &ArgumentAt,
        budget: Size,
        mut protocols: impl Iterator<Item = &'p str>,
    ) -> Result<Self, Problem> {
        let (at, key) = place(at).map_err(|(key, why)| {
            let path = format!("{path}.{key}");
            Problem::new(path, why)
        })?;
        let budget = budget.0;
        if !(1..=MOST).contains(&budget) {
            let message = format!("{budget} bytes are out of range: 1 to {MOST}");
            return Err(Problem::new(format!("{path}.budget"), message));
        }
        // Others than these are somebody's own, and know best what they have.
        let first = protocols.next();
        let known = |protocol: &str| {
            let http = [HTTP1, HTTP2, GRPC, TRIPLE].map(|id| id.as_str());
            ["bolt", "dubbo", "thrift"].contains(&protocol) || http.contains(&protocol)
        };
        let has = |protocol: &str| match &at {
            ArgumentPath::Argument(..) => ["dubbo", "bolt"].contains(&protocol),
            ArgumentPath::Ids(_) => protocol == "thrift",
            ArgumentPath::Property(_) => protocol == "bolt",
            ArgumentPath::Json(_) => protocol == HTTP1.as_str() || protocol == HTTP2.as_str(),
        };
        if let Some(first) = first
            && std::iter::once(first)
                .chain(protocols)
                .all(|protocol| known(protocol) && !has(protocol))
        {
            let message = "is of no protocol that `match.protocol` names";
            return Err(Problem::new(format!("{path}.{key}"), message));
        }
        Ok(Self { path: at, budget })
    }

    /// The value that a request has there.
    pub(crate) fn find<'a>(&self, arguments: &'a dyn Arguments) -> Option<Value<'a>> {
        arguments.find(&self.path, self.budget)
    }

    /// How many bytes of an HTTP request's body it looks at.
    pub(crate) fn body(&self) -> usize {
        match self.path {
            ArgumentPath::Json(_) => self.budget,
            _ => 0,
        }
    }
}

/// Where a value lies, and the key that says so; or what is wrong with it.
fn place(config: &ArgumentAt) -> Result<(ArgumentPath, &'static str), (&'static str, String)> {
    let (path, key, length) = match config {
        ArgumentAt::Index(index, field) => {
            let names: Box<[Box<str>]> = match field.as_deref() {
                None => Box::default(),
                Some(field) => field.split('.').map(Box::from).collect(),
            };
            if names.iter().any(|name| name.is_empty()) {
                let message = "has an empty name: names stand between dots, as in user.name";
                return Err(("field", message.to_owned()));
            }
            let length = names.len();
            (ArgumentPath::Argument(*index, names), "index", length)
        }
        ArgumentAt::Thrift(ids) => {
            if ids.is_empty() {
                let message = "the list is empty: write at least the id of an argument";
                return Err(("thrift", message.to_owned()));
            }
            (
                ArgumentPath::Ids(ids.as_slice().into()),
                "thrift",
                ids.len(),
            )
        }
        ArgumentAt::Json(pointer) => {
            let tokens = tokens(pointer).map_err(|why| ("json", why))?;
            let length = tokens.len();
            (ArgumentPath::Json(tokens), "json", length)
        }
        ArgumentAt::Property(name) => {
            if name.is_empty() {
                return Err(("property", "a property's name cannot be empty".to_owned()));
            }
            (ArgumentPath::Property(name.as_str().into()), "property", 1)
        }
    };
    match length > DEEPEST {
        true => Err((key, format!("leads through more than {DEEPEST} values"))),
        false => Ok((path, key)),
    }
}

/// The tokens of a JSON pointer (RFC 6901).
fn tokens(pointer: &str) -> Result<Box<[Box<str>]>, String> {
    if pointer.is_empty() {
        return Ok(Box::default());
    }
    let bad = || format!("{pointer:?} is no JSON pointer: write one like /user/id");
    let rest = pointer.strip_prefix('/').ok_or_else(bad)?;
    let token = |token: &str| {
        let mut parts = token.split('~');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (escaped, rest) = match part.split_at_checked(1) {
                Some(("0", rest)) => ('~', rest),
                Some(("1", rest)) => ('/', rest),
                _ => {
                    return Err(format!(
                        "{pointer:?} has a `~` that neither 0 nor 1 follows: `~` is written ~0, and `/` ~1"
                    ));
                }
            };
            text.push(escaped);
            text.push_str(rest);
        }
        Ok(text.into())
    };
    rest.split('/').map(token).collect()
}

impl Text {
    /// Judges a value, or that there is none.
    fn matches_value(&self, value: Option<&Value<'_>>) -> bool {
        match (self, value) {
            (Self::Present(present), value) => value.is_some() == *present,
            (Self::Not(condition), value) => !condition.matches_value(value),
            (_, None) => false,
            (text, Some(Value::Text(value))) => text.matches(value.as_bytes()),
            (Self::Exact(exact), Some(value)) => is(exact, value),
            (Self::Range(range), Some(Value::Int(number))) => within(range, *number),
            (Self::Range(range), Some(Value::Double(number))) => {
                range.min.is_none_or(|min| min as f64 <= *number)
                    && range.max.is_none_or(|max| *number <= max as f64)
            }
            (text, Some(Value::Int(number))) => {
                // The longest is -9223372036854775808.
                let mut stack = [0; 20];
                let mut rest = &mut stack[..];
                let written = write!(rest, "{number}");
                let left = rest.len();
                let length = stack.len() - left;
                written.is_ok() && text.matches(stack.get(..length).unwrap_or_default())
            }
            (text, Some(Value::Double(number))) => text.matches(number.to_string().as_bytes()),
            (text, Some(Value::Bool(true))) => text.matches(b"true"),
            (text, Some(Value::Bool(false))) => text.matches(b"false"),
        }
    }
}

/// Whether a number or boolean is the one that a text writes.
fn is(text: &[u8], value: &Value<'_>) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    match value {
        Value::Text(value) => *value == text,
        Value::Int(number) => text.parse() == Ok(*number),
        Value::Double(number) => text.parse() == Ok(*number),
        Value::Bool(is) => text.parse() == Ok(*is),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(text: &str) -> ArgumentMatch {
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn compile(text: &str) -> Result<Argument, Problem> {
        Argument::compile("a", &condition(text), std::iter::empty())
    }

    #[test]
    fn places() {
        let path = |text: &str| {
            compile(&format!("{{{text}, present: true}}"))
                .unwrap()
                .place
                .path
        };
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| Box::from(*name))
                .collect::<Box<[_]>>()
        };
        assert_eq!(path("index: 2"), ArgumentPath::Argument(2, names(&[])));
        let within = path("index: 0, field: user.name");
        assert_eq!(within, ArgumentPath::Argument(0, names(&["user", "name"])));
        assert_eq!(path("thrift: [1, -2]"), ArgumentPath::Ids([1, -2].into()));
        assert_eq!(path("property: p"), ArgumentPath::Property("p".into()));
        assert_eq!(path("json: ''"), ArgumentPath::Json(names(&[])));
        let pointer = path("json: /a~1b/~0//m~01");
        assert_eq!(pointer, ArgumentPath::Json(names(&["a/b", "~", "", "m~1"])));
        for (text, problem) in [
            ("{thrift: [], exact: x}", "a.thrift: the list is empty"),
            ("{json: a, exact: x}", "a.json: \"a\" is no JSON pointer"),
            ("{json: /~2, exact: x}", "a.json: \"/~2\" has a `~`"),
            ("{property: '', exact: x}", "a.property: a property's name"),
            (
                "{index: 0, field: a..b, exact: x}",
                "a.field: has an empty name",
            ),
            ("{index: 0, regex: '('}", "a.regex: is not"),
            (
                "{index: 0, exact: x, budget: 1GiB}",
                "a.budget: 1073741824 bytes",
            ),
        ] {
            let found = compile(text).unwrap_err().to_string();
            assert!(found.starts_with(problem), "{found}");
        }
    }

    #[test]
    fn values_are_compared_by_what_they_are() {
        let text = |text: &'static str| Some(Value::Text(text.into()));
        let int = |number| Some(Value::Int(number));
        for (form, value, expected) in [
            ("exact: gold", text("gold"), true),
            ("exact: 7", text("7"), true),
            ("exact: 7", int(7), true),
            ("exact: '7'", int(7), true),
            ("exact: 7", int(8), false),
            ("exact: 7", Some(Value::Double(7.0)), true),
            ("exact: 1.5", Some(Value::Double(1.5)), true),
            ("exact: true", Some(Value::Bool(true)), true),
            ("exact: true", Some(Value::Bool(false)), false),
            ("exact: true", text("true"), true),
            ("exact: gold", None, false),
            ("prefix: '-12'", int(-123), true),
            ("suffix: se", Some(Value::Bool(false)), true),
            ("contains: '.'", Some(Value::Double(2.5)), true),
            ("regex: '-?[0-9]+'", int(i64::MIN), true),
            ("range: {min: 1, max: 9}", int(9), true),
            ("range: {min: 1, max: 9}", int(10), false),
            ("range: {min: 1, max: 9}", text("9"), true),
            ("range: {min: 1, max: 9}", Some(Value::Double(9.5)), false),
            ("range: {min: 1}", Some(Value::Bool(true)), false),
            ("present: true", int(0), true),
            ("present: true", None, false),
            ("present: false", None, true),
            ("not: gold", None, true),
            ("not: gold", text("gold"), false),
            ("not: {range: {min: 1}}", int(0), true),
        ] {
            let argument = compile(&format!("{{index: 0, {form}}}")).unwrap();
            let found = argument.text.matches_value(value.as_ref());
            assert_eq!(found, expected, "{form} {value:?}");
        }
    }

    #[test]
    fn what_a_protocol_does_not_have_is_refused() {
        for (place, protocols, refused) in [
            ("index: 0", &["http1", "thrift"][..], true),
            ("index: 0", &["http1", "bolt"], false),
            ("index: 0", &["own"], false),
            ("thrift: [1]", &["dubbo"], true),
            ("json: /a", &["grpc"], true),
            ("json: /a", &["http2"], false),
            ("property: a", &["dubbo"], true),
            ("property: a", &[], false),
        ] {
            let config = condition(&format!("{{{place}, present: true}}"));
            let compiled = Argument::compile("a", &config, protocols.iter().copied());
            assert_eq!(compiled.is_err(), refused, "{place} {protocols:?}");
        }
    }
}
