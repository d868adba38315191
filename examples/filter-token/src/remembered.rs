//! Lookups that need not be made again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Who tokens belonged to, up to a number of them. All workers share it.
pub(crate) struct Remembered {
    most: usize,
    known: Mutex<HashMap<String, Arc<str>>>,
}

impl Remembered {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, known: Mutex::default() }
    }

    pub(crate) fn get(&self, token: &str) -> Option<Arc<str>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(token).cloned()
    }

    /// Only tokens that somebody has come here, so that strangers cannot push others out.
    pub(crate) fn put(&self, token: String, who: Arc<str>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < self.most {
            known.insert(token, who);
        }
    }
}
