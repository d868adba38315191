//! What the admin server shows of a running proxy.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;
use wireloom_telemetry::LogControl;

use crate::admin::AdminState;
use crate::control::Proxy;

/// A running proxy, with the ways to stop it and to change what it logs.
pub(crate) struct Admin {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) log: Arc<LogControl>,
    /// Told when a drain is asked for.
    pub(crate) drain: Arc<Notify>,
}

impl AdminState for Admin {
    fn ready(&self) -> bool {
        self.proxy.ready()
    }

    fn config(&self) -> Value {
        let (config, generation) = self.proxy.config();
        let config = config.shown(self.proxy.filters());
        json!({ "generation": generation, "config": config })
    }

    fn listeners(&self) -> Value {
        self.proxy.listeners()
    }

    fn routes(&self) -> Value {
        let config = self.proxy.config().0.shown(self.proxy.filters());
        json!(config.routes)
    }

    fn clusters(&self) -> Value {
        json!(self.proxy.clusters())
    }

    fn metrics(&self) -> String {
        self.proxy.encode_metrics()
    }

    fn set_log(&self, filter: &str) -> Result<(), String> {
        self.log.set(filter).map_err(|error| error.to_string())
    }

    fn drain(&self) {
        self.drain.notify_one();
    }
}
