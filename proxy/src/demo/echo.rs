//! What echo services of Java's protocols answer.

use wireloom_codecs::{ErrorKind, LocalError};
use wireloom_hessian::Value;

/// A request as values.
pub(super) struct Asked {
    pub(super) service: String,
    pub(super) method: String,
    pub(super) arguments: Vec<Value>,
    /// Attachments, properties.
    pub(super) metadata: Vec<(String, Value)>,
    /// Whether references within the first argument hold in an answer that is this argument.
    pub(super) references: bool,
}

impl Asked {
    /// What the service called `served_by` returns: its name for `servedBy`, all that was asked for `describe` and for
    /// methods without arguments, and else the first argument.
    pub(super) fn answer(mut self, served_by: &str) -> Result<Value, LocalError> {
        let described = self.method == "describe" || self.arguments.is_empty();
        let (value, references) = match self.method.as_str() {
            "servedBy" => (Value::from(served_by), true),
            _ if described => (self.description(served_by), false),
            _ => (self.arguments.swap_remove(0), self.references),
        };
        if !references && has_reference(&value) {
            let what = "this echo cannot repeat arguments that refer to one another";
            return Err(LocalError::new(ErrorKind::Unsupported, what));
        }
        Ok(value)
    }

    fn description(self, served_by: &str) -> Value {
        Value::map([
            ("service", Value::from(self.service)),
            ("method", Value::from(self.method)),
            ("arguments", Value::list(self.arguments)),
            ("attachments", Value::map(self.metadata)),
            ("servedBy", Value::from(served_by)),
        ])
    }
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::Ref(_) => true,
        Value::List { items, .. } => items.iter().any(has_reference),
        Value::Map { entries, .. } => {
            let mut parts = entries.iter().flat_map(|(key, value)| [key, value]);
            parts.any(has_reference)
        }
        Value::Object { fields, .. } => fields.iter().any(|(_, value)| has_reference(value)),
        _ => false,
    }
}
