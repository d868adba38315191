//! What became of the requests that clients named with a token.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

static RECORDS: LazyLock<Mutex<HashMap<String, Arc<Record>>>> = LazyLock::new(Mutex::default);

pub(crate) struct Record {
    state: Mutex<(&'static str, u64)>,
    released: watch::Sender<bool>,
}

pub(crate) fn record(token: &str) -> Arc<Record> {
    let mut records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || {
        Arc::new(Record {
            state: Mutex::new(("none", 0)),
            released: watch::Sender::new(false),
        })
    };
    records.entry(token.to_owned()).or_insert_with(new).clone()
}

impl Record {
    fn update(&self, change: impl FnOnce(&mut (&'static str, u64))) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.update(|state| state.1 += bytes as u64);
    }

    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    pub(crate) async fn released(&self) {
        // The sender lives as long as the record.
        let _ = self.released.subscribe().wait_for(|is| *is).await;
    }

    pub(crate) fn tell(&self) -> Value {
        let (state, sent) = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        json!({"state": state, "sent": sent, "code": null})
    }
}

/// A request that is being answered. Dropped before it is done, it was closed by the client.
pub(crate) struct Open(pub(crate) Arc<Record>);

impl Open {
    pub(crate) fn new(token: &str) -> Self {
        let record = record(token);
        record.update(|state| state.0 = "open");
        Self(record)
    }

    pub(crate) fn done(self) {
        self.0.update(|state| state.0 = "done");
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.update(|state| {
            if state.0 == "open" {
                state.0 = "closed";
            }
        });
    }
}
