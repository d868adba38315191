//! Which part of a cluster a route's requests go to.

use std::borrow::Cow;

use wireloom_codecs::RequestHead;

use crate::Problem;
use crate::config::{SubsetMatch, SubsetValue};
use crate::matcher::FieldName;

/// The longest value that a request may choose by, in bytes. A longer one is that of no endpoint.
const LONGEST: usize = 256;
/// What stands for one that is longer.
const TOO_LONG: &str = "\0too long";

/// The metadata of the endpoints that are meant, by its keys: constants, and values that requests bring.
#[derive(Clone, Debug)]
pub struct SubsetRule(Box<[(Box<str>, Value)]>);

#[derive(Clone, Debug)]
enum Value {
    Constant(Box<str>),
    Header(FieldName),
}

impl SubsetRule {
    /// Compiles what stands at `path` (`routes.main[2].to.subset`), and adds what is wrong with it.
    pub(crate) fn compile(path: &str, config: &SubsetMatch, problems: &mut Vec<Problem>) -> Self {
        let pairs = config.iter().map(|(key, value)| {
            let value = match value {
                SubsetValue::Constant(value) => Value::Constant(value.as_str().into()),
                SubsetValue::Header(name) => {
                    if name.is_empty() {
                        let path = format!("{path}.{key}.header");
                        problems.push(Problem::new(path, "a header's name cannot be empty"));
                    }
                    Value::Header(FieldName::new(name))
                }
            };
            (key.as_str().into(), value)
        });
        Self(pairs.collect())
    }

    /// True if requests bring none of the values.
    pub fn is_constant(&self) -> bool {
        let mut values = self.0.iter();
        values.all(|(_, value)| matches!(value, Value::Constant(_)))
    }

    /// The constants with their keys.
    pub fn constants(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(key, value)| match value {
            Value::Constant(value) => Some((&**key, &**value)),
            Value::Header(_) => None,
        })
    }

    /// What a request chooses: a key whose header it lacks is left out.
    pub fn of<'a>(
        &'a self,
        head: &'a RequestHead,
    ) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        self.0.iter().filter_map(move |(key, value)| {
            let value = match value {
                Value::Constant(value) => Cow::Borrowed(&**value),
                Value::Header(name) => match name.values(head).next()? {
                    long if long.len() > LONGEST => Cow::Borrowed(TOO_LONG),
                    value => String::from_utf8_lossy(value),
                },
            };
            Some((&**key, value))
        })
    }

    /// The fields that it reads.
    pub(crate) fn field_names(&self) -> impl Iterator<Item = &str> {
        let names = self.0.iter().filter_map(|(_, value)| match value {
            Value::Header(name) => Some(name),
            Value::Constant(_) => None,
        });
        names.flat_map(FieldName::forms)
    }
}
