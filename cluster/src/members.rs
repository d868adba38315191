//! Who is in a cluster at one moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use wireloom_net::Address;

use crate::condition::Condition;
use crate::{Endpoint, EndpointConfig, Metadata};

/// An endpoint with what the configuration says of it now.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its identity and counts, which outlive this snapshot.
    pub endpoint: Arc<Endpoint>,
    /// Its share of the requests; 0 is never picked.
    pub weight: u32,
    /// What else is known of it.
    pub metadata: Arc<Metadata>,
    /// 0 is asked first.
    pub priority: u32,
    /// Its locality.
    pub zone: Option<Arc<str>>,
    /// The configuration wants it to take no new calls.
    pub draining: bool,
}

impl Member {
    /// What its metadata says of `key`. Its zone counts as metadata.
    pub fn says(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(value) => Some(value),
            None if key == "zone" => self.zone.as_deref(),
            None => None,
        }
    }

    /// Whether it takes calls, by its marks and by the configuration.
    pub fn condition(&self) -> Condition {
        if self.draining {
            Condition::Draining
        } else {
            self.endpoint.condition()
        }
    }
}

/// A snapshot of a cluster's members.
#[derive(Debug, Default)]
pub struct Members {
    members: Box<[Member]>,
    impaired: bool,
}

impl Members {
    /// The endpoints of `configs`. Those that `old` has keep their [`Endpoint`] and with it counts, marks and connections;
    /// others are newcomers, unless there were none before.
    pub fn next(old: &Self, configs: &[EndpointConfig]) -> Self {
        let known: HashMap<&Address, &Arc<Endpoint>> = old
            .iter()
            .map(|member| (member.endpoint.address(), &member.endpoint))
            .collect();
        let join = |config: &EndpointConfig| {
            let endpoint = Endpoint::new(config.address.clone());
            if !old.is_empty() {
                endpoint.marks.joins(Instant::now());
            }
            Arc::new(endpoint)
        };
        let members = configs.iter().map(|config| Member {
            endpoint: known
                .get(&config.address)
                .map_or_else(|| join(config), |endpoint| (*endpoint).clone()),
            weight: config.weight,
            metadata: Arc::new(config.metadata.clone()),
            priority: config.priority,
            zone: config.zone().map(Arc::from),
            draining: config.draining,
        });
        Self::of(members.collect())
    }

    /// The same ones, with their marks as they are now.
    pub(crate) fn refreshed(&self) -> Self {
        Self::of(self.members.clone())
    }

    fn of(members: Box<[Member]>) -> Self {
        let impaired = |member: &Member| member.condition() != Condition::Healthy;
        Self {
            impaired: members.iter().any(impaired),
            members,
        }
    }

    /// The member at `index`.
    pub fn get(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }

    /// All of them, in the configuration's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.members.iter()
    }

    /// How many there are, those of weight 0 included.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// True if any of them was something else than healthy when the snapshot was made.
    pub fn is_impaired(&self) -> bool {
        self.impaired
    }
}

impl<'a> IntoIterator for &'a Members {
    type Item = &'a Member;
    type IntoIter = std::slice::Iter<'a, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
