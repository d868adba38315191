//! What only the whole configuration can tell: names that nothing has, addresses that collide, tables that do not
//! compile, certificates that are none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use wireloom_cluster::Metadata;
use wireloom_cluster::config::DiscoveryConfig;
use wireloom_net::Address;
use wireloom_net::tls::TlsAcceptor;
use wireloom_router::config::{RouteConfig, SubsetMatch, To, each_route};
use wireloom_router::{Edits, Problem, RouteTable};

use super::{ClusterEntry, Config, ListenerConfig, suggest};
use crate::PROTOCOLS;
use crate::sources::Sources;

mod actions;

/// Where keys of its own are.
const THRIFT: &str = wireloom_thrift::types::NAME;
/// More threads than this are a mistake.
const MAX_WORKERS: usize = 1024;
/// A frame or header limit below this lets nothing through.
const MIN_BYTES: usize = 1024;

/// A file with more listeners than this, or more problems, is not one that a person reads the errors of.
const MAX_LISTENERS: usize = 1024;
const MAX_PROBLEMS: usize = 100;

/// All that is wrong, or the first hundred things, each with the path of its key.
pub(super) fn problems(config: &Config, protocols: &[&str], sources: &Sources) -> Vec<Problem> {
    let mut check = Check {
        config,
        protocols,
        problems: Vec::new(),
    };
    check.process();
    for (at, listener) in config.listeners.iter().enumerate() {
        check.listener(&format!("listeners[{at}]"), listener);
    }
    check.listeners_together();
    for (name, routes) in &config.routes {
        check.table(name, routes);
    }
    for (name, entry) in &config.clusters {
        let path = format!("clusters.{name}");
        if name.is_empty() {
            check.note("clusters", "a cluster's name is empty");
        }
        check.protocol_keys(&path, entry);
        check.source(&path, name, entry, sources);
        let cluster = &entry.cluster;
        if let Err(problems) = Edits::compile(&format!("{path}.headers"), &cluster.headers) {
            check.problems.extend(problems);
        }
        if let Some(protocol) = &cluster.protocol {
            check.protocol(format!("{path}.protocol"), protocol);
        }
        if let Some(zone_aware) = &cluster.zone_aware
            && zone_aware.own.is_none()
            && config.zone.is_none()
        {
            let message = "the proxy's own zone is not known: write `zone` at the top of the configuration, \
                           or `own` here";
            check.note(format!("{path}.zone_aware"), message);
        }
        for problem in cluster.problems() {
            check.note(format!("{path}.{}", problem.path), problem.message);
        }
    }
    check.problems
}

struct Check<'a> {
    config: &'a Config,
    protocols: &'a [&'a str],
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn note(&mut self, path: impl Into<String>, message: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem::new(path, message));
        }
    }

    /// A name that nothing has. The nearest one is looked for only if it will be shown: it costs a walk over all.
    fn no_such<'n>(
        &mut self,
        path: String,
        (one, many): (&str, &str),
        name: &str,
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) {
        if self.problems.len() < MAX_PROBLEMS {
            let instead = suggest::or_list(name, known, many);
            self.note(path, format!("there is no {one} `{name}`; {instead}"));
        }
    }

    /// Where somebody listens.
    fn listens(&mut self, path: String, address: &Address) {
        if address.unix_path().is_some() {
            let message =
                "only endpoints may be Unix sockets: write a host and a port, like 127.0.0.1:2045";
            self.note(path, message);
        }
    }

    fn process(&mut self) {
        if let Some(admin) = &self.config.admin {
            self.listens("admin.address".to_owned(), &admin.address);
        }
        if let Some(workers) = self.config.workers
            && !(1..=MAX_WORKERS).contains(&workers)
        {
            let message = format!("{workers} is out of range: 1 to {MAX_WORKERS}");
            self.note("workers", message);
        }
        if self.config.zone.as_ref().is_some_and(String::is_empty) {
            self.note("zone", "is empty: write a name, or leave the key out");
        }
        let limits = &self.config.limits;
        for (key, size) in [
            ("request_memory", limits.request_memory),
            ("response_memory", limits.response_memory),
        ] {
            self.at_least(format!("limits.{key}"), size.0, MIN_BYTES);
        }
        let thrift = &self.config.protocols.thrift;
        let path = "protocols.thrift.max_frame";
        self.at_least(path.to_owned(), thrift.max_frame.0, MIN_BYTES);
        if let Err(error) = wireloom_telemetry::check_filter(&self.config.log.level) {
            self.note("log.level", error.to_string());
        }
    }

    fn at_least(&mut self, path: String, value: usize, least: usize) {
        if value < least {
            let message = format!("{value} is too small: it must be {least} or more");
            self.note(path, message);
        }
    }

    fn protocol(&mut self, path: String, name: &str) {
        if !self.protocols.contains(&name) {
            let known = self.protocols.iter().copied();
            self.no_such(path, ("protocol", "protocols"), name, known);
        }
    }

    /// A source of endpoints that nobody knows, or that does not take its settings.
    fn source(&mut self, path: &str, cluster: &str, entry: &ClusterEntry, sources: &Sources) {
        let Some(DiscoveryConfig::Other(name, settings)) = &entry.cluster.discovery else {
            return;
        };
        match sources.source(name, cluster, settings) {
            Some(Ok(_)) => {}
            Some(Err(message)) => self.note(format!("{path}.discovery.{name}"), message),
            None => {
                let path = format!("{path}.discovery");
                self.no_such(path, ("source", "sources"), name, sources.names());
            }
        }
    }

    /// Keys of one protocol on a cluster of another.
    fn protocol_keys(&mut self, path: &str, entry: &ClusterEntry) {
        let Some(protocol) = entry.cluster.protocol.as_deref() else {
            return;
        };
        if entry.own.thrift.is_some() && protocol != THRIFT {
            let message = format!(
                "is for Thrift, and the cluster's `protocol` is {protocol}: leave this key out, or write `protocol: thrift`"
            );
            self.note(format!("{path}.thrift"), message);
        }
        let dialect = entry.own.thrift.as_ref();
        let one = dialect.is_some_and(|own| own.transport.is_some() && own.protocol.is_some());
        if protocol == THRIFT && !entry.cluster.warm_up.is_off() && !one {
            let message = "which dialect are the connections for? Write `transport` and `protocol` under the cluster's `thrift`";
            self.note(format!("{path}.warm_up"), message);
        }
        // A protocol that somebody has registered may make use of it.
        if entry.own.multiplexed && protocol != THRIFT && PROTOCOLS.contains(&protocol) {
            let carried = match protocol {
                "http1" => "one request at a time, always: leave this key out",
                _ => "many requests at once anyway: leave this key out",
            };
            let message = format!("is for Thrift; connections in {protocol} carry {carried}");
            self.note(format!("{path}.multiplexed"), message);
        }
    }

    fn listener(&mut self, path: &str, listener: &ListenerConfig) {
        self.listens(format!("{path}.address"), &listener.address);
        if listener.name.as_ref().is_some_and(String::is_empty) {
            let message = "is empty: write a name, or leave the key out";
            self.note(format!("{path}.name"), message);
        }
        if let Some(protocols) = &listener.protocols {
            if protocols.is_empty() {
                let message =
                    "an empty list takes nothing: name at least one, or leave the key out for all";
                self.note(format!("{path}.protocols"), message);
            }
            for (at, name) in protocols.iter().enumerate() {
                self.protocol(format!("{path}.protocols[{at}]"), name);
            }
        }
        if !self.config.routes.contains_key(&listener.routes) {
            let (path, known) = (format!("{path}.routes"), self.config.routes.keys());
            let known = known.map(String::as_str);
            self.no_such(
                path,
                ("route table", "route tables"),
                &listener.routes,
                known,
            );
        }
        let taken = listener.protocols.as_ref();
        if listener.thrift.is_some()
            && taken.is_some_and(|names| names.iter().all(|name| name != THRIFT))
        {
            let message = "is for Thrift, which `protocols` does not name: add thrift there, or leave this key out";
            self.note(format!("{path}.thrift"), message);
        }
        let max_frame = listener.thrift.as_ref().and_then(|thrift| thrift.max_frame);
        if let Some(size) = max_frame {
            self.at_least(format!("{path}.thrift.max_frame"), size.0, MIN_BYTES);
        }
        if let Some(proxy_protocol) = &listener.proxy_protocol {
            let (_, problems) = proxy_protocol.networks(&format!("{path}.proxy_protocol"));
            self.problems.extend(problems);
        }
        if let Some(tls) = &listener.tls {
            let errors = TlsAcceptor::load(tls, &[]).err();
            for error in errors.into_iter().flatten() {
                self.note(
                    format!("{path}.tls.{}", error.file.key()),
                    error.to_string(),
                );
            }
        }
        if let Err(problems) = Edits::compile(&format!("{path}.headers"), &listener.headers) {
            self.problems.extend(problems);
        }
        let timeouts = &listener.timeouts;
        for (key, span) in [
            ("handshake", timeouts.handshake),
            ("sniff", timeouts.sniff),
            ("header", timeouts.header),
            ("body_idle", timeouts.body_idle),
            ("idle", timeouts.idle),
        ] {
            if span.0 == Duration::ZERO {
                let message = "0s is too short: this time cannot be switched off";
                self.note(format!("{path}.timeouts.{key}"), message);
            }
        }
        let limits = &listener.limits;
        for (key, value, least) in [
            ("connections", limits.connections, 1),
            (
                "in_flight_per_connection",
                limits.in_flight_per_connection,
                1,
            ),
            (
                "frame",
                limits.frame.map_or(MIN_BYTES, |size| size.0),
                MIN_BYTES,
            ),
            ("header", limits.header.0, MIN_BYTES),
            ("headers", limits.headers, 1),
        ] {
            self.at_least(format!("{path}.limits.{key}"), value, least);
        }
    }

    fn listeners_together(&mut self) {
        if self.config.listeners.is_empty() {
            self.note(
                "listeners",
                "there is none: write at least one, with an `address` and `routes`",
            );
        }
        if self.config.listeners.len() > MAX_LISTENERS {
            let message = format!("there are more than {MAX_LISTENERS}");
            return self.note("listeners", message);
        }
        let mut names: HashMap<String, usize> = HashMap::new();
        for (at, listener) in self.config.listeners.iter().enumerate() {
            let name = listener.name();
            let path = format!("listeners[{at}]");
            let before = self.config.listeners.iter().take(at);
            let taken = before
                .enumerate()
                .find(|(_, other)| collide(&other.address, &listener.address));
            if let Some((first, other)) = taken {
                let message = format!(
                    "{} collides with {} of listeners[{first}]",
                    listener.address, other.address
                );
                self.note(format!("{path}.address"), message);
            } else if let Some(first) = names.get(&name) {
                let message = format!("`{name}` is the name of listeners[{first}] already");
                self.note(format!("{path}.name"), message);
            }
            names.entry(name).or_insert(at);
            if let Some(admin) = &self.config.admin
                && collide(&admin.address, &listener.address)
            {
                let message = format!("collides with {} of {path}", listener.address);
                self.note("admin.address", message);
            }
        }
    }

    fn table(&mut self, name: &str, routes: &[RouteConfig]) {
        let status = |status: &str| crate::protocols::builtin_status(status, self.protocols);
        if let Err(problems) = RouteTable::compile_with(name, routes, &status) {
            let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
            self.problems.extend(problems.into_iter().take(room));
        }
        for (path, route) in each_route(&format!("routes.{name}"), routes) {
            match &route.to {
                // The router tells what a route must have.
                None => {}
                Some(To::Cluster(cluster)) => {
                    let path = format!("{path}.to");
                    self.unserved(path.clone(), cluster, &SubsetMatch::new());
                    self.cluster(path, cluster);
                }
                Some(To::Subset(part)) => {
                    self.part(&format!("{path}.to"), &part.cluster, &part.subset)
                }
                Some(To::Named(named)) => self.named(&format!("{path}.to"), named),
                Some(To::Split(parts)) => {
                    for (at, part) in parts.iter().enumerate() {
                        self.part(&format!("{path}.to[{at}]"), &part.cluster, &part.subset);
                    }
                }
            }
            self.actions(&path, route);
            if let Some(rule) = &route.r#match {
                for named in rule.protocols(&format!("{path}.match")) {
                    self.protocol(named.path, &named.name);
                }
            }
        }
    }

    /// A cluster that a map names, and what part of it is meant.
    fn part(&mut self, path: &str, name: &str, subset: &SubsetMatch) {
        self.cluster(format!("{path}.cluster"), name);
        let key = if subset.is_empty() {
            "cluster"
        } else {
            "subset"
        };
        self.unserved(format!("{path}.{key}"), name, subset);
    }

    /// Notes why the cluster would serve none of a route's requests, as far as that can be told.
    fn unserved(&mut self, path: String, name: &str, subset: &SubsetMatch) {
        let Some(entry) = self.config.clusters.get(name) else {
            return;
        };
        let constants = subset.iter().filter_map(|(key, value)| {
            let value = value.constant()?;
            Some((key.clone(), value.to_owned()))
        });
        let constants: Metadata = constants.collect();
        let why = match constants.len() == subset.len() {
            true => {
                let choice = (!constants.is_empty()).then_some(&constants);
                entry.cluster.unserved(choice)
            }
            false => {
                let brought = subset.keys().filter(|key| !constants.contains_key(*key));
                let brought: Vec<&str> = brought.map(String::as_str).collect();
                entry.cluster.unchosen(&constants, &brought)
            }
        };
        if let Some(why) = why {
            self.note(path, why);
        }
    }

    fn cluster(&mut self, path: String, name: &str) {
        // An empty name is the router's to complain about.
        if !name.is_empty() && !self.config.clusters.contains_key(name) {
            let known = self.config.clusters.keys().map(String::as_str);
            self.no_such(path, ("cluster", "clusters"), name, known);
        }
    }
}

/// True if listening on both fails, or, where ports are shared, mixes up their connections. Names are not looked up.
fn collide(a: &Address, b: &Address) -> bool {
    if a.port() == 0 || a.port() != b.port() {
        return false;
    }
    match (a.as_socket_addr(), b.as_socket_addr()) {
        (Some(a), Some(b)) => {
            // `[::]` takes IPv4 too.
            let wild = |ip: IpAddr, other: IpAddr| {
                ip.is_unspecified() && (ip.is_ipv6() || other.is_ipv4())
            };
            let (a, b) = (a.ip(), b.ip());
            a == b || wild(a, b) || wild(b, a)
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_collides_with_its_family() {
        for (a, b, collides) in [
            ("0.0.0.0:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("a.example:1", "a.example:1", true),
            ("a.example:1", "127.0.0.1:1", false),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("[::1]:1", "127.0.0.1:1", false),
            ("[::1]:1", "0.0.0.0:1", false),
            ("[::]:1", "127.0.0.1:1", true),
            ("0.0.0.0:1", "[::]:1", true),
        ] {
            let collide = collide(&a.parse().unwrap(), &b.parse().unwrap());
            assert_eq!(collide, collides, "{a} and {b}");
        }
    }
}
