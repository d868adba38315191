//! What filters make of their parts of the configuration.

use std::cell::Cell;
use std::collections::HashSet;

use schemars::SchemaGenerator;
use wireloom_router::Mention;
use wireloom_router::config::FilterConfig;
use wireloom_router::filter::{Registry, Unread};

use super::error::ConfigError;
use super::expect::Schema;
use super::locate::Index;
use super::{Config, suggest, typed};

/// More than this help nobody.
const MAX_ERRORS: usize = 50;

/// All that is wrong with filters, or the first things, where these filters and protocols may be named.
pub(super) fn problems(
    config: &Config,
    (registry, protocols): (&Registry, &[&str]),
    index: &Index,
) -> Vec<ConfigError> {
    let mut check = Check {
        registry,
        protocols,
        index,
        errors: Vec::new(),
    };
    for (at, listener) in config.listeners.iter().enumerate() {
        check.list(&format!("listeners[{at}]"), &listener.filters);
    }
    for (name, routes) in &config.routes {
        let on = config.listeners.iter().filter(|l| l.routes == *name);
        let outer: HashSet<&str> = on.flat_map(|l| names(&l.filters)).collect();
        for (at, entry) in routes.iter().enumerate() {
            let path = format!("routes.{name}[{at}]");
            check.list(&path, &entry.filters);
            check.turned_off(&path, &entry.filters, &outer, &[]);
            for (at, route) in entry.routes.iter().flatten().enumerate() {
                let path = format!("{path}.routes[{at}]");
                check.list(&path, &route.filters);
                check.turned_off(&path, &route.filters, &outer, &entry.filters);
            }
        }
    }
    check.errors
}

fn names(filters: &[FilterConfig]) -> impl Iterator<Item = &str> {
    filters.iter().map(|filter| &*filter.name)
}

struct Check<'a> {
    registry: &'a Registry,
    protocols: &'a [&'a str],
    index: &'a Index,
    errors: Vec<ConfigError>,
}

impl Check<'_> {
    /// The list of `filters` of what stands at `path`.
    fn list(&mut self, path: &str, filters: &[FilterConfig]) {
        let mut seen = HashSet::new();
        for (at, filter) in filters.iter().enumerate() {
            if self.errors.len() >= MAX_ERRORS {
                return;
            }
            let path = format!("{path}.filters[{at}].{}", filter.name);
            if !seen.insert(&*filter.name) {
                let (name, kind) = (&filter.name, filter.kind());
                let message = format!(
                    "`{name}` is in this list already: give one of them a name of its own, like `{kind}/second`"
                );
                self.note(path, message);
            } else if !self.named(&path, filter) {
                // Nobody knows what its configuration should be.
            } else if filter.config.is_some() {
                self.config(&path, filter);
            }
        }
    }

    /// True if there is such a filter.
    fn named(&mut self, path: &str, filter: &FilterConfig) -> bool {
        let known = self.registry.names();
        let kind = filter.kind();
        if !known.clone().any(|name| name == kind) {
            let instead = suggest::or_list(kind, known, "filters");
            let shown = suggest::shown(kind);
            let message = format!("there is no filter `{shown}`; {instead}");
            self.note(path.to_owned(), message);
            return false;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let label = filter.name.split_once('/').map(|(_, label)| label);
        if label.is_some_and(|label| label.is_empty() || !label.chars().all(plain)) {
            let message = format!(
                "a name of its own has letters, digits, `-` and `_`, like `{kind}/per-client`"
            );
            self.note(path.to_owned(), message);
        }
        true
    }

    fn config(&mut self, path: &str, filter: &FilterConfig) {
        let (Some(config), kind) = (filter.config.clone(), filter.kind()) else {
            return;
        };
        let schema = || {
            let mut generator = SchemaGenerator::default();
            let own = self.registry.schema_of(kind, &mut generator);
            let mut own = own.unwrap_or_default().to_value();
            let definitions = generator.take_definitions(true);
            if let Some(own) = own.as_object_mut() {
                own.insert("$defs".to_owned(), definitions.into());
            }
            Schema::of(own)
        };
        // What cannot be read is left out to find what else cannot be; what is missing then is not the user's mistake.
        let torn = Cell::new(false);
        let make = |config: &_| match self.registry.make(kind, config) {
            None => Ok(Vec::new()),
            Some(Ok(filter)) => Ok(filter.protocols()),
            Some(Err(Unread::Wrong(_))) if torn.get() => Ok(Vec::new()),
            Some(Err(error)) => {
                torn.set(matches!(error, Unread::Type { .. }));
                Err(error)
            }
        };
        match typed::read_at(path, config, self.index, make, schema) {
            Ok(named) => self.protocols(path, &named),
            Err(errors) => self.errors.extend(errors),
        }
    }

    /// The protocols that a filter's configuration names.
    fn protocols(&mut self, path: &str, named: &[Mention]) {
        for mention in named {
            let (name, known) = (&*mention.name, self.protocols);
            if !known.contains(&name) {
                let path = format!("{path}.{}", mention.path);
                let instead = suggest::or_list(name, known.iter().copied(), "protocols");
                let shown = suggest::shown(name);
                self.errors.push(ConfigError {
                    place: Some(self.index.find(&path).value),
                    path,
                    message: format!("there is no protocol `{shown}`; {instead}"),
                });
            }
        }
    }

    /// What is turned off must be on.
    fn turned_off(
        &mut self,
        path: &str,
        filters: &[FilterConfig],
        listeners: &HashSet<&str>,
        group: &[FilterConfig],
    ) {
        for (at, filter) in filters.iter().enumerate() {
            let name = &*filter.name;
            let outer = listeners.contains(name) || names(group).any(|outer| outer == name);
            if filter.config.is_none() && !outer && self.errors.len() < MAX_ERRORS {
                let message = "is off although nothing around it turns it on: leave this entry out";
                self.note(format!("{path}.filters[{at}].{name}"), message);
            }
        }
    }

    fn note(&mut self, path: String, message: impl Into<String>) {
        self.errors.push(ConfigError {
            place: Some(self.index.find(&path).key),
            path,
            message: message.into(),
        });
    }
}
