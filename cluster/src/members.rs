//! Who is in a cluster at one moment.

use std::collections::HashMap;
use std::sync::Arc;

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
    /// Whether it takes calls, by its marks and by the configuration.
    pub fn condition(&self) -> Condition {
        if self.draining {
            Condition::Draining
        } else {
            self.endpoint.condition()
        }
    }
}

/// A snapshot of a cluster's members, with the sums that balancers need.
#[derive(Debug, Default)]
pub struct Members {
    members: Box<[Member]>,
    /// At each index the sum of the weights up to it and with it.
    sums: Box<[u64]>,
    heaviest: u32,
    uniform: bool,
    impaired: bool,
}

impl Members {
    /// The endpoints of `configs`. Those that `old` has keep their [`Endpoint`] and with it counts and connections.
    pub fn next(old: &Self, configs: &[EndpointConfig]) -> Self {
        let known: HashMap<&Address, &Arc<Endpoint>> = old
            .iter()
            .map(|member| (member.endpoint.address(), &member.endpoint))
            .collect();
        let members: Box<[Member]> = configs
            .iter()
            .map(|config| Member {
                endpoint: known.get(&config.address).map_or_else(
                    || Arc::new(Endpoint::new(config.address.clone())),
                    |endpoint| (*endpoint).clone(),
                ),
                weight: config.weight,
                metadata: Arc::new(config.metadata.clone()),
                priority: config.priority,
                zone: config.zone.as_deref().map(Arc::from),
                draining: config.draining,
            })
            .collect();
        Self::of(members)
    }

    /// The same ones, with their marks as they are now.
    pub(crate) fn refreshed(&self) -> Self {
        Self::of(self.members.clone())
    }

    fn of(members: Box<[Member]>) -> Self {
        let mut sum = 0;
        let sums = members
            .iter()
            .map(|member| {
                sum += u64::from(member.weight);
                sum
            })
            .collect();
        let heaviest = members.iter().map(|member| member.weight).max();
        let lightest = members.iter().map(|member| member.weight).min();
        Self {
            sums,
            heaviest: heaviest.unwrap_or(0),
            uniform: heaviest == lightest && heaviest > Some(0),
            impaired: members
                .iter()
                .any(|member| member.condition() != Condition::Healthy),
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

    /// The sum of all weights.
    pub fn total_weight(&self) -> u64 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// The largest weight.
    pub fn heaviest(&self) -> u32 {
        self.heaviest
    }

    /// True if all weights are the same and not 0.
    pub fn is_uniform(&self) -> bool {
        self.uniform
    }

    /// True if any of them was something else than healthy when the snapshot was made.
    pub fn is_impaired(&self) -> bool {
        self.impaired
    }

    /// The member into whose share `point` falls, if all shares lie end to end. `point` is below the total weight.
    pub(crate) fn at(&self, point: u64) -> usize {
        self.sums.partition_point(|sum| *sum <= point)
    }

    /// The sum of the weights before `index`.
    pub(crate) fn before(&self, index: usize) -> u64 {
        match index.checked_sub(1) {
            Some(previous) => self.sums.get(previous).copied().unwrap_or(0),
            None => 0,
        }
    }
}

impl<'a> IntoIterator for &'a Members {
    type Item = &'a Member;
    type IntoIter = std::slice::Iter<'a, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
