//! What a rule names without knowing whether it exists.

use std::sync::Arc;

use crate::config::MatchConfig;
use crate::when;

/// A name that nobody here knows to exist: whoever knows all of them has to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: Arc<str>,
    /// Where it is written: `routes.main[2].to`.
    pub path: String,
}

impl MatchConfig {
    /// The protocols that the rule at `path` names: under `protocol`, and in what `when` compares with it.
    pub fn protocols(&self, path: &str) -> Vec<Mention> {
        let listed = self.protocol.iter().flat_map(|names| names.iter());
        // Written as one string, the path of the first entry leads to the string.
        let listed = listed.enumerate().map(|(at, name)| Mention {
            name: name.into(),
            path: format!("{path}.protocol[{at}]"),
        });
        let compared = self.when.iter().flat_map(|text| when::protocols(text));
        let compared = compared.map(|name| Mention {
            name: name.into(),
            path: format!("{path}.when"),
        });
        listed.chain(compared).collect()
    }
}
