//! What becomes of a request that matched.

use std::sync::Arc;
use std::time::Duration;

use crate::{Action, Edits, HashPolicy, Mirror, NamedCluster, RetryPolicy, Split};

/// A compiled route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The given name, or its place: `routes.main[2]`. Unique in its table.
    pub name: Arc<str>,
    /// Its number in the table, from 0: its place where there are no groups, whose routes are counted behind all others.
    pub index: usize,
    /// What it does with its requests.
    pub action: Action,
    /// The clusters that share its requests: none where it answers by itself.
    pub split: Split,
    /// Where requests say themselves where they go: those that do not go where the split says, if it says anything.
    pub named: Option<Box<NamedCluster>>,
    /// What header fields become; None if they stay.
    pub edits: Option<Box<Edits>>,
    /// What the whole exchange may take, with all retries; None means no limit.
    pub timeout: Option<Duration>,
    /// How long a streamed exchange may stand still; None means as long as the listener allows.
    pub idle_timeout: Option<Duration>,
    /// When a failed try is made again; None means never.
    pub retry: Option<RetryPolicy>,
    /// What requests are hashed by; None if they have no hash.
    pub hash: Option<Box<HashPolicy>>,
    /// Who gets copies of its requests.
    pub mirrors: Box<[Mirror]>,
}

impl Route {
    /// The fields that it reads of its requests.
    pub(crate) fn field_names(&self) -> impl Iterator<Item = &str> {
        let hashed = self.hash.iter().flat_map(|hash| hash.field_names());
        let named = self.named.iter().flat_map(|named| named.header.forms());
        let edits = self.edits.iter().flat_map(|edits| edits.field_names());
        hashed.chain(named).chain(edits)
    }

    /// How many bytes of an HTTP request's body it looks at.
    pub(crate) fn body(&self) -> usize {
        self.hash.as_ref().map_or(0, |hash| hash.body())
    }

    /// True if it has regular expressions, whose scratch memory workers had better not share.
    pub(crate) fn has_regex(&self) -> bool {
        match &self.action {
            Action::Forward(Some(rewrite)) => rewrite.has_regex(),
            _ => false,
        }
    }
}
