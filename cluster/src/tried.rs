//! The endpoints that an exchange has been to.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::Endpoint;

/// The endpoints that an exchange was sent to, oldest first, so that a retry goes elsewhere. Up to two of them cost
/// no allocation.
#[derive(Clone, Debug, Default)]
pub struct Tried(SmallVec<[Arc<Endpoint>; 2]>);

impl Tried {
    /// None of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// True if the exchange has been there.
    pub fn contains(&self, endpoint: &Endpoint) -> bool {
        self.0.iter().any(|tried| std::ptr::eq(&**tried, endpoint))
    }

    /// Adds one, also if it is there already: the last is where the exchange is now.
    pub fn push(&mut self, endpoint: Arc<Endpoint>) {
        self.0.push(endpoint);
    }

    /// Where it went last: the upstream of access logs.
    pub fn last(&self) -> Option<&Arc<Endpoint>> {
        self.0.last()
    }

    /// How many there were.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True before the first.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.0.iter()
    }
}
