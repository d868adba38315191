//! What becomes of a request that matched.

use std::sync::Arc;
use std::time::Duration;

use crate::{RetryPolicy, Split};

/// A compiled route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The given name, or its place: `routes.main[2]`. Unique in its table.
    pub name: Arc<str>,
    /// Its place in the table, from 0.
    pub index: usize,
    /// The clusters that share its requests.
    pub split: Split,
    /// What the whole exchange may take, with all retries; None means no limit.
    pub timeout: Option<Duration>,
    /// When a failed try is made again; None means never.
    pub retry: Option<RetryPolicy>,
}
