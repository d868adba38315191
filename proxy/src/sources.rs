//! The sources of endpoints that a program has beyond those of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use wireloom_cluster::config::DiscoveryConfig;
use wireloom_cluster::{BoxSource, Discovery};

/// Sources by the name that a cluster's `discovery` calls them.
#[derive(Clone, Default)]
pub struct Sources(BTreeMap<&'static str, Arc<dyn Discovery>>);

impl Sources {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. One of the same name is replaced; `dns` and `original_destination` are always Wireloom's own.
    #[must_use]
    pub fn with(mut self, name: &'static str, discovery: Arc<dyn Discovery>) -> Self {
        self.0.insert(name, discovery);
        self
    }

    /// The names that a configuration may use.
    pub fn names(&self) -> Vec<&'static str> {
        let own = self.0.keys().copied();
        DiscoveryConfig::BUILTIN.into_iter().chain(own).collect()
    }

    /// A source for a cluster; None if nobody is called that.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn source(
        &self,
        name: &str,
        cluster: &str,
        settings: &Value,
    ) -> Option<Result<BoxSource, String>> {
        Some(self.0.get(name)?.source(cluster, settings))
    }
}
