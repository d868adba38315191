//! Filters by name.

use std::fmt;
use std::sync::Arc;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use serde_path_to_error::Path;

use super::access::Access;
use super::concurrency::Concurrency;
use super::fault::Fault;
use super::rate_limit::RateLimit;
use super::request_size::RequestSize;
use super::{Configured, Filter};
use crate::Problem;
use crate::config::Node;

/// The filters that configurations may name.
#[derive(Clone, Default)]
pub struct Registry(Vec<Entry>);

#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    make: fn(&Value) -> Result<Arc<dyn Filter>, Unread>,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

/// Why a filter cannot be made of what its configuration says.
#[derive(Debug)]
pub enum Unread {
    /// It does not read: where within it, and what the deserializer says.
    Type {
        /// The place.
        path: Path,
        /// In serde's words.
        message: String,
    },
    /// It reads, and is wrong; paths begin within it.
    Wrong(Vec<Problem>),
}

impl Registry {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those that Wireloom comes with.
    pub fn builtin() -> Self {
        Self::new()
            .with::<Access>()
            .with::<Concurrency>()
            .with::<Fault>()
            .with::<RateLimit>()
            .with::<RequestSize>()
    }

    /// Adds a filter. One of the same name is replaced.
    #[must_use]
    pub fn with<F: Configured>(mut self) -> Self {
        self.0.retain(|known| known.name != F::NAME);
        self.0.push(Entry {
            name: F::NAME,
            make: make::<F>,
            schema: |generator| generator.subschema_for::<F::Config>(),
        });
        self
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.0.iter().map(|entry| entry.name)
    }

    /// Makes the filter `name`; None if there is none of that name.
    ///
    /// # Errors
    /// The configuration is none of that filter.
    pub fn make(&self, name: &str, config: &Value) -> Option<Result<Arc<dyn Filter>, Unread>> {
        let entry = self.0.iter().find(|entry| entry.name == name)?;
        Some((entry.make)(config))
    }

    /// The schema of what stands behind `name`.
    pub fn schema_of(&self, name: &str, generator: &mut SchemaGenerator) -> Option<Schema> {
        let entry = self.0.iter().find(|entry| entry.name == name)?;
        Some((entry.schema)(generator))
    }

    /// The schema of one entry of a list of filters.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let mut names = Map::new();
        let mut labelled = Map::new();
        for entry in &self.0 {
            let own = (entry.schema)(generator);
            let off = json!({"description": "Leaves it out here.", "enum": ["off", false]});
            let about = description(&own, generator);
            let either = json!({"description": about, "anyOf": [own, off]});
            names.insert(entry.name.to_owned(), either.clone());
            labelled.insert(format!("^{}/", entry.name), either);
        }
        json_schema!({
            "description": "A filter: its name, and its configuration or `off`. The same filter may stand in a list twice under \
                            names of its own: `name/label`.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": names,
            "patternProperties": labelled,
            "additionalProperties": false
        })
    }
}

/// What a schema says of itself, or what it refers to.
fn description(schema: &Schema, generator: &SchemaGenerator) -> Value {
    let own = schema.get("description").cloned();
    let place = schema.get("$ref").and_then(Value::as_str);
    let name = place.and_then(|place| place.rsplit('/').next());
    let referred = || {
        generator
            .definitions()
            .get(name?)?
            .get("description")
            .cloned()
    };
    own.or_else(referred).unwrap_or_default()
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

fn make<F: Configured>(config: &Value) -> Result<Arc<dyn Filter>, Unread> {
    let config = serde_path_to_error::deserialize(Node(config)).map_err(|error| Unread::Type {
        path: error.path().clone(),
        message: error.inner().to_string(),
    })?;
    let filter = F::new(config).map_err(Unread::Wrong)?;
    Ok(Arc::new(filter))
}
