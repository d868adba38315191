//! What contradicts itself in a cluster's configuration.

use std::collections::BTreeSet;

use super::{
    AdaptiveLimit, Balance, ClusterConfig, DiscoveryConfig, EndpointConfig, Fallback, Metadata,
    OutlierConfig, SubsetConfig,
};
use crate::balance::Subset;

/// Something wrong in a configuration that has the right form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key below the cluster's, like `subset.default`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl ClusterConfig {
    /// Everything about how endpoints are picked that cannot be meant.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut note = |path: &str, message: String| {
            problems.push(Problem {
                path: path.to_owned(),
                message,
            });
        };
        if !self.endpoints.is_empty() && self.endpoints.iter().all(|one| one.weight == 0) {
            let message = "every endpoint has weight 0, so that none is ever picked";
            note("endpoints", message.to_owned());
        }
        if let Balance::RingHash(ring) = self.balance
            && ring.min > ring.max
        {
            let message = format!("`min` is {} and `max` only {}", ring.min, ring.max);
            note("balance.ring_hash", message);
        }
        if !self.localities.is_empty() {
            let zones: BTreeSet<_> = self.endpoints.iter().map(EndpointConfig::zone).collect();
            let weights = zones.iter().map(|zone| self.locality_weight(*zone));
            if !zones.is_empty() && weights.sum::<u32>() == 0 {
                let message = "every zone that an endpoint is in has weight 0";
                note("localities", message.to_owned());
            }
            if self.zone_aware.is_some() {
                let message = "zones have either weights (`localities`) or are tried in the order \
                               that `zone_aware` says: leave one of the two out";
                note("zone_aware", message.to_owned());
            }
        }
        if let Some(zone_aware) = &self.zone_aware {
            if self.balance.is_hash() {
                let message = format!(
                    "{} finds an endpoint by the request's hash, wherever it is: leave `zone_aware` out, \
                     or balance in another way",
                    self.balance.as_str()
                );
                note("zone_aware", message);
            }
            let callers = &zone_aware.callers;
            let calls = |own: &String| callers.get(own).is_some_and(|number| *number > 0);
            if let Some(own) = &zone_aware.own
                && !callers.is_empty()
                && !calls(own)
            {
                let message = format!("{own} is the proxy's own zone and has no caller");
                note("zone_aware.callers", message);
            }
        }
        if self.slow_start.is_some() && self.balance.is_hash() {
            let message = format!(
                "{} cannot give an endpoint its share by and by: its table would move all the time",
                self.balance.as_str()
            );
            note("slow_start", message);
        }
        self.discovery_problems(&mut note);
        self.subset_problems(&mut note);
        self.connection_problems(&mut note);
        let health = self.health.as_ref();
        let problem = health.and_then(|health| health.problem(self.protocol.as_deref()));
        if let Some((key, message)) = problem {
            note(&format!("health.{key}"), message);
        }
        if let Some(message) = self.outlier.as_ref().and_then(OutlierConfig::problem) {
            note("outlier", message.to_owned());
        }
        problems
    }

    fn connection_problems(&self, note: &mut impl FnMut(&str, String)) {
        let connections = &self.connections;
        let bounds = [
            ("connections.per_endpoint", connections.per_endpoint),
            ("limits.connections", self.limits.connections),
            (
                "limits.per_endpoint.connections",
                self.limits.per_endpoint.connections,
            ),
        ];
        for (key, most) in bounds {
            if let Some(most) = most.filter(|most| *most < connections.min_idle) {
                let kept = connections.min_idle;
                let message = format!(
                    "{kept} connections are to be kept where `{key}` allows {most}: make one smaller or the other larger"
                );
                note("connections.min_idle", message);
            }
        }
        let ahead = [
            ("connections.min_idle", connections.min_idle > 0),
            ("connections.preconnect", connections.preconnect.is_some()),
            ("warm_up", !self.warm_up.is_off()),
        ];
        for (key, _) in ahead
            .into_iter()
            .filter(|(_, set)| *set && connections.per_downstream)
        {
            let message = "no connection can be made ahead where each downstream connection has its own \
                           (`connections.per_downstream`): leave one of the two out";
            note(key, message.to_owned());
        }
        let adaptive = self.limits.adaptive.as_ref();
        if let Some((key, message)) = adaptive.and_then(AdaptiveLimit::problem) {
            note(&format!("limits.adaptive.{key}"), message);
        }
        if let Some((key, message)) = self.tcp.problem() {
            note(&format!("tcp.{key}"), message);
        }
        if !self.warm_up.is_off() && self.protocol.is_none() {
            let message =
                "which protocol are the connections to speak? Write the cluster's `protocol`";
            note("warm_up", message.to_owned());
        }
    }

    fn discovery_problems(&self, note: &mut impl FnMut(&str, String)) {
        let Some(discovery) = &self.discovery else {
            return;
        };
        if !self.endpoints.is_empty() {
            let message =
                "endpoints are either listed (`endpoints`) or found: leave one of the two out";
            note("discovery", message.to_owned());
        }
        match discovery {
            DiscoveryConfig::Dns(dns) => {
                if let Some((key, message)) = dns.problem() {
                    note(&format!("discovery.dns.{key}"), message);
                }
            }
            DiscoveryConfig::OriginalDestination(own) => {
                if own.header.as_ref().is_some_and(String::is_empty) {
                    let message = "is empty: write a field's name, or leave the key out";
                    note("discovery.original_destination.header", message.to_owned());
                }
                let fixed = [
                    ("subset", self.subset.is_some()),
                    ("localities", !self.localities.is_empty()),
                    ("zone_aware", self.zone_aware.is_some()),
                    ("slow_start", self.slow_start.is_some()),
                    ("balance", self.balance != Balance::default()),
                ];
                for (key, _) in fixed.into_iter().filter(|(_, written)| *written) {
                    let message = "nothing is left to choose where each request has its own destination: leave this key out";
                    note(key, message.to_owned());
                }
            }
            DiscoveryConfig::Other(..) => {}
        }
    }

    fn subset_problems(&self, note: &mut impl FnMut(&str, String)) {
        let Some(subset) = &self.subset else { return };
        if subset.keys.is_empty() {
            let message = "there is no combination of keys to choose by, like [zone, version]";
            note("subset.keys", message.to_owned());
        }
        for (at, keys) in subset.keys.iter().enumerate() {
            let distinct: BTreeSet<_> = keys.iter().collect();
            if keys.is_empty() || distinct.len() < keys.len() {
                let message = "a combination needs at least one key, and each key once";
                note(&format!("subset.keys[{at}]"), message.to_owned());
            }
        }
        match subset.fallback {
            Fallback::Default if subset.default.is_empty() => {
                let message = "`fallback: default` needs `default` with the metadata of the endpoints that are meant";
                note("subset.fallback", message.to_owned());
            }
            Fallback::Default
                if !self.endpoints.is_empty()
                    && !self
                        .endpoints
                        .iter()
                        .any(|one| one.has_all(&subset.default)) =>
            {
                let message = "no endpoint has this metadata";
                note("subset.default", message.to_owned());
            }
            Fallback::Any | Fallback::None if !subset.default.is_empty() => {
                let message = "is used with `fallback: default` only";
                note("subset.default", message.to_owned());
            }
            _ => {}
        }
    }

    /// Why no request can be served that chooses this subset, or none; None if it can be, as far as can be told.
    pub fn unserved(&self, choice: Option<&Metadata>) -> Option<String> {
        let Some(subset) = &self.subset else {
            return choice.map(|_| {
                "the cluster has no subsets: give it `subset` with `keys`, or choose none here"
                    .to_owned()
            });
        };
        if subset.fallback != Fallback::None {
            return None;
        }
        let Some(choice) = choice else {
            return Some(
                "no subset is chosen, and the cluster's `subset.fallback` is none: every request would fail. \
                 Choose one with `subset`, or let it fall back to `any`"
                    .to_owned(),
            );
        };
        let chosen = Subset::new(choice.iter().map(|(key, value)| (&**key, &**value)));
        if !subset.keys.iter().any(|keys| chosen.has_keys(keys)) {
            let keys: Vec<_> = choice.keys().map(String::as_str).collect();
            return Some(subset.no_keys(&keys));
        }
        if !self.endpoints.is_empty() && !self.endpoints.iter().any(|one| one.has_all(choice)) {
            return Some(format!(
                "no endpoint of the cluster is in subset {chosen}: give one that metadata, or choose another subset"
            ));
        }
        None
    }

    /// Why no request can choose a subset by these constants and by values that it brings for the keys of `brought`, all or
    /// some of them; None if it can.
    pub fn unchosen(&self, constants: &Metadata, brought: &[&str]) -> Option<String> {
        let Some(subset) = &self.subset else {
            return self.unserved(Some(constants));
        };
        let named = |key: &str| constants.contains_key(key) || brought.contains(&key);
        let chosen = |keys: &Vec<String>| {
            let has = |key: &str| keys.iter().any(|own| own == key);
            keys.iter().all(|key| named(key)) && constants.keys().all(|key| has(key))
        };
        // With none of the values it may still be a subset, but one of constants.
        let brings = |keys: &Vec<String>| keys.iter().any(|key| brought.contains(&key.as_str()));
        if subset.keys.iter().any(|keys| chosen(keys) && brings(keys)) {
            return None;
        }
        let keys = constants
            .keys()
            .map(String::as_str)
            .chain(brought.iter().copied());
        let keys: BTreeSet<_> = keys.collect();
        let keys: Vec<_> = keys.into_iter().collect();
        Some(subset.no_keys(&keys))
    }

    /// The weight of a zone.
    pub(crate) fn locality_weight(&self, zone: Option<&str>) -> u32 {
        let named = zone.and_then(|zone| self.localities.get(zone));
        named.copied().unwrap_or(1)
    }
}

impl SubsetConfig {
    /// What is said of a choice by keys that no subset is made by.
    fn no_keys(&self, keys: &[&str]) -> String {
        let lists = self
            .keys
            .iter()
            .map(|keys| format!("[{}]", keys.join(", ")));
        let lists: Vec<_> = lists.collect();
        format!(
            "[{}] is none of the cluster's `subset.keys`, which are {}",
            keys.join(", "),
            lists.join(", ")
        )
    }
}

impl EndpointConfig {
    /// Its locality: `zone`, or what its metadata says of `zone`.
    pub fn zone(&self) -> Option<&str> {
        let said = || self.metadata.get("zone").map(String::as_str);
        self.zone.as_deref().or_else(said)
    }

    fn has_all(&self, wanted: &Metadata) -> bool {
        let has = |key: &str| match self.metadata.get(key) {
            Some(value) => Some(value.as_str()),
            None if key == "zone" => self.zone(),
            None => None,
        };
        wanted
            .iter()
            .all(|(key, value)| has(key) == Some(value.as_str()))
    }
}
