//! Endpoints that are where clients wanted to go: they come with the first request and go when there was none for a while.
//!
//! The first request for a destination pays for it with a new plan on every worker, some microseconds for each endpoint
//! that there is; those that follow find it by its address.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use arc_swap::Guard;
use tokio::time::{Instant, sleep};
use wireloom_codecs::{ErrorKind, LocalError};
use wireloom_net::Address;

use crate::config::{DiscoveryConfig, OriginalDestination};
use crate::limit::Limit;
use crate::local::{LocalCluster, View};
use crate::{Cluster, EndpointConfig, Selection};

/// The sweep looks this often in the time that an endpoint may be idle.
const LOOKS: u32 = 4;
/// And no more often than that.
const SHORTEST: Duration = Duration::from_millis(50);

impl LocalCluster {
    /// The view, or a newer one, with the endpoint that the request wants to go to.
    pub(crate) fn with_destination(
        &self,
        view: Guard<Arc<View>>,
        selection: &Selection<'_>,
    ) -> Result<Guard<Arc<View>>, LocalError> {
        let Some(address) = selection.destination else {
            return Err(self.aimless());
        };
        if view.place(address).is_some() {
            return Ok(view);
        }
        self.cluster.go_to(address)?;
        Ok(self.view.load())
    }

    #[cold]
    fn aimless(&self) -> LocalError {
        let cluster = self.cluster.name();
        let detail = format!(
            "cluster {cluster} sends requests where their clients wanted to go, and this one says no destination: \
             its connection was not redirected to the proxy, and no header names an address and a port"
        );
        LocalError::new(ErrorKind::NoEndpoint, detail)
    }
}

impl Cluster {
    fn destinations(&self) -> Option<OriginalDestination> {
        match &self.config().discovery {
            Some(DiscoveryConfig::OriginalDestination(own)) => Some(own.clone()),
            _ => None,
        }
    }

    /// Adds an endpoint, if there is room.
    #[cold]
    fn go_to(&self, address: &Address) -> Result<(), LocalError> {
        let limit = self.destinations().unwrap_or_default().limit;
        let mut full = false;
        self.edit_endpoints(|endpoints| {
            if endpoints.iter().any(|one| one.address == *address) {
                return false;
            }
            full = endpoints.len() >= limit as usize;
            if !full {
                endpoints.push(EndpointConfig::from(address.clone()));
            }
            !full
        });
        match full {
            true => Err(self.overflow(Limit::Endpoints, None, limit)),
            false => Ok(()),
        }
    }

    /// Lets go of endpoints that nobody has asked for. Ends when the configuration wants no such endpoints any longer.
    pub async fn sweep_destinations(self: Arc<Self>) {
        let mut seen: HashMap<Address, (u64, Instant)> = HashMap::new();
        while let Some(own) = self.destinations() {
            sleep((own.idle.0 / LOOKS).max(SHORTEST)).await;
            let now = Instant::now();
            let mut gone = HashSet::new();
            let members = self.members();
            for member in &*members {
                let endpoint = &member.endpoint;
                let requests = endpoint.requests.load(Relaxed);
                let known = seen
                    .entry(endpoint.address().clone())
                    .or_insert((requests, now));
                if known.0 != requests || endpoint.active() > 0 {
                    *known = (requests, now);
                } else if now.duration_since(known.1) >= own.idle.0 {
                    gone.insert(endpoint.address().clone());
                }
            }
            seen.retain(|address, _| !gone.contains(address));
            if !gone.is_empty() {
                self.edit_endpoints(|endpoints| {
                    endpoints.retain(|one| !gone.contains(&one.address));
                    true
                });
            }
        }
    }
}
