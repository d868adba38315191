//! The configuration as the admin server shows it: without the filters' secrets.

use std::collections::HashMap;

use wireloom_router::config::{FilterConfig, RouteConfig};
use wireloom_router::filter::{Registry, Secrets};

use super::Config;

impl Config {
    /// The same without what the filters' own types say is [secret](wireloom_codecs::units::Secret).
    #[must_use]
    pub fn shown(&self, registry: &Registry) -> Self {
        let mut shown = self.clone();
        let mut hider = Hider {
            registry,
            known: HashMap::new(),
        };
        for listener in &mut shown.listeners {
            hider.hide(&mut listener.filters);
        }
        for routes in shown.routes.values_mut() {
            hider.routes(routes);
        }
        shown
    }
}

struct Hider<'a> {
    registry: &'a Registry,
    /// Of the filters that were met.
    known: HashMap<String, Option<Secrets>>,
}

impl Hider<'_> {
    fn routes(&mut self, routes: &mut [RouteConfig]) {
        for route in routes {
            self.hide(&mut route.filters);
            self.routes(route.routes.as_deref_mut().unwrap_or_default());
        }
    }

    fn hide(&mut self, filters: &mut [FilterConfig]) {
        for filter in filters {
            let kind = filter.kind().to_owned();
            let secrets = self.known.entry(kind);
            let secrets = secrets.or_insert_with_key(|kind| self.registry.secrets(kind));
            if let (Some(secrets), Some(config)) = (secrets, &mut filter.config) {
                secrets.hide(config);
            }
        }
    }
}
