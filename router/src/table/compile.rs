//! From the configuration to a table, or to everything that is wrong with it.

use std::collections::HashMap;
use std::sync::Arc;

use wireloom_codecs::{Needs, http};

use super::domains::{Domains, Taken};
use super::{Entry, FRONT, Index, REST, RouteTable, SCAN, Section};
use crate::config::{
    ClusterHeader, DEFAULT_TIMEOUT, HeaderEdits, MirrorConfig, OneOrMany, RouteConfig, SubsetMatch,
    To,
};
use crate::matcher::{FieldName, Matcher};
use crate::retry::no_names;
use crate::{
    Action, Edits, HashPolicy, Mention, Mirror, NamedCluster, Problem, RetryPolicy, Route, Split,
    StatusNames, SubsetRule,
};

/// The most mirrors of a route.
const MIRRORS: usize = 16;

impl RouteTable {
    /// Compiles the table that stands under `routes.<name>`.
    ///
    /// # Errors
    /// All problems that the table has by itself, in the order of its routes. Whether the clusters and protocols
    /// that it names exist is for the caller to check.
    pub fn compile(name: &str, routes: &[RouteConfig]) -> Result<Self, Vec<Problem>> {
        Self::compile_with(name, routes, &no_names)
    }

    /// The same where statuses may stand by the names that `status` knows.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn compile_with(
        name: &str,
        routes: &[RouteConfig],
        status: &StatusNames<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let mut builder = Builder {
            sections: vec![Vec::new(), Vec::new()],
            ..Builder::default()
        };
        for (index, config) in routes.iter().enumerate() {
            let path = format!("routes.{name}[{index}]");
            match &config.routes {
                Some(routes) => builder.group(path, config, routes, status),
                None if builder.groups.is_empty() => builder.add(path, FRONT, config, status),
                None => builder.add(path, REST, config, status),
            }
        }
        builder.finish()
    }
}

/// Names in the order of their first mention.
#[derive(Default)]
struct Names {
    mentions: Vec<Mention>,
    places: HashMap<Arc<str>, usize>,
}

impl Names {
    fn intern(&mut self, name: &str, path: impl FnOnce() -> String) -> usize {
        self.intern_as(name, name, path)
    }

    /// The same for a name that means several things, told apart by their keys.
    fn intern_as(&mut self, key: &str, name: &str, path: impl FnOnce() -> String) -> usize {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let place = self.mentions.len();
        self.places.insert(key.into(), place);
        let name = name.into();
        self.mentions.push(Mention { name, path: path() });
        place
    }
}

#[derive(Default)]
struct Builder {
    /// As in the table.
    sections: Vec<Vec<(Matcher, Route)>>,
    domains: Domains,
    /// Where each group stands, in the order of their sections.
    groups: Vec<String>,
    /// A route in front of the groups that takes every request.
    everything: Option<String>,
    /// Routes so far.
    count: u64,
    clusters: Names,
    /// The parts of the clusters that are meant, by place.
    subsets: HashMap<usize, SubsetRule>,
    protocols: Names,
    routes: Names,
    problems: Vec<Problem>,
}

impl Builder {
    /// Adds a group with its routes.
    fn group(
        &mut self,
        path: String,
        config: &RouteConfig,
        routes: &[RouteConfig],
        status: &StatusNames<'_>,
    ) {
        let section = self.sections.len();
        self.sections.push(Vec::new());
        self.groups.push(path.clone());
        if let Some(path) = self.everything.take() {
            self.note(
                path,
                "takes every request, so that none reaches the groups behind it: write it behind them",
            );
        }
        for (key, there) in [
            ("name", config.name.is_some()),
            ("match", config.r#match.is_some()),
            ("to", config.to.is_some()),
            ("redirect", config.redirect.is_some()),
            ("respond", config.respond.is_some()),
            ("rewrite", config.rewrite.is_some()),
            ("headers", !config.headers.is_empty()),
            ("timeout", config.timeout != DEFAULT_TIMEOUT),
            ("retry", config.retry.is_some()),
            ("hash", !config.hash.is_empty()),
            ("mirror", !config.mirror.is_empty()),
            ("idle_timeout", config.idle_timeout.is_some()),
        ] {
            if there {
                let message =
                    "is for a route, and this entry is a group: write it in each of its `routes`";
                self.note(format!("{path}.{key}"), message);
            }
        }
        match (&config.hosts, &config.services) {
            (Some(hosts), None) => self.names(&path, "hosts", hosts, section),
            (None, Some(services)) => self.names(&path, "services", services, section),
            (None, None) => self.note(
                &path,
                "names nothing that its routes are for: write `hosts` or `services`",
            ),
            (Some(_), Some(_)) => self.note(
                format!("{path}.services"),
                "stands beside `hosts`: write one of them, and another group for the other",
            ),
        }
        if routes.is_empty() {
            self.note(
                format!("{path}.routes"),
                "the list is empty: write at least one route",
            );
        }
        for (at, route) in routes.iter().enumerate() {
            let path = format!("{path}.routes[{at}]");
            match &route.routes {
                None => self.add(path, section, route, status),
                Some(_) => self.note(
                    format!("{path}.routes"),
                    "is a group within a group: write it beside the other",
                ),
            }
        }
    }

    /// Gives its names to a group.
    fn names(&mut self, path: &str, key: &str, names: &OneOrMany, section: usize) {
        for (at, name) in names.iter().enumerate() {
            let added = match key {
                "hosts" => self.domains.add_host(name, section),
                _ => self.domains.add_service(name, section),
            };
            let message = match added {
                Ok(()) => continue,
                Err(Taken::Bad(why)) => why,
                Err(Taken::By(other)) if other == section => {
                    format!("`{name}` is in this list already")
                }
                Err(Taken::By(other)) => {
                    let other = other
                        .checked_sub(REST + 1)
                        .and_then(|at| self.groups.get(at));
                    let other = other.map_or("another group", String::as_str);
                    format!("`{name}` is taken by {other} already")
                }
            };
            let path = match names.is_one() {
                true => format!("{path}.{key}"),
                false => format!("{path}.{key}[{at}]"),
            };
            self.note(path, message);
        }
    }

    fn add(
        &mut self,
        path: String,
        section: usize,
        config: &RouteConfig,
        status: &StatusNames<'_>,
    ) {
        for (key, there) in [
            ("hosts", config.hosts.is_some()),
            ("services", config.services.is_some()),
        ] {
            if there {
                let message = "is for a group of routes, and this entry has no `routes`: match one route's requests \
                               with `match`";
                self.note(format!("{path}.{key}"), message);
            }
        }
        self.count += 1;
        if section == FRONT && config.r#match.is_none() && self.everything.is_none() {
            self.everything = Some(path.clone());
        }
        let before = self.problems.len();
        let name = self.name(&path, config);
        let matcher = self.matcher(&path, config);
        let action = Action::compile(&path, config, &mut self.problems);
        let to = format!("{path}.to");
        let (split, named) = match &config.to {
            Some(To::Named(header)) => {
                let (split, named) = self.named(&to, header);
                (Some(split), Some(Box::new(named)))
            }
            Some(target) => (self.split(&to, target), None),
            None => (Some(Split::none()), None),
        };
        let edits = self.edits(&format!("{path}.headers"), &config.headers);
        let timeout = Some(config.timeout.0).filter(|timeout| !timeout.is_zero());
        let retry = config.retry.as_ref().and_then(|retry| {
            RetryPolicy::compile(&format!("{path}.retry"), retry, timeout, status)
                .map_err(|problems| self.problems.extend(problems))
                .ok()
        });
        if config.idle_timeout.is_some_and(|span| span.0.is_zero()) {
            let message = "0s is too short: this time cannot be switched off; leave the key out for what the listener says";
            self.note(format!("{path}.idle_timeout"), message);
        }
        let mirrors = self.mirrors(&format!("{path}.mirror"), &config.mirror);
        let rule = config.r#match.as_ref();
        let hash = format!("{path}.hash");
        let hash = HashPolicy::compile(&hash, &config.hash, rule, &mut self.problems);
        self.http_only(&path, config, &matcher);
        if let (Some(action), Some(split)) = (action, split)
            && self.problems.len() == before
        {
            let route = Route {
                name,
                // Numbered at the end.
                index: 0,
                action,
                split,
                named,
                edits,
                timeout,
                idle_timeout: config.idle_timeout.map(|span| span.0),
                retry,
                hash,
                mirrors,
            };
            if let Some(routes) = self.sections.get_mut(section) {
                routes.push((matcher, route));
            }
        }
    }

    fn note(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
    }

    fn name(&mut self, path: &str, config: &RouteConfig) -> Arc<str> {
        let name = config.name.as_deref().unwrap_or(path);
        if name.is_empty() {
            self.note(
                format!("{path}.name"),
                "is empty: write a name, or leave the key out",
            );
        } else {
            let known = self.routes.mentions.len();
            let place = self.routes.intern(name, || path.to_owned());
            if let Some(first) = self.routes.mentions.get(place).filter(|_| place < known) {
                let message = format!("`{name}` is the name of {} already", first.path);
                self.note(format!("{path}.name"), message);
            }
        }
        name.into()
    }

    fn matcher(&mut self, path: &str, config: &RouteConfig) -> Matcher {
        let path = format!("{path}.match");
        let matcher = match &config.r#match {
            Some(config) => {
                Matcher::compile(&path, config, self.count).unwrap_or_else(|problems| {
                    self.problems.extend(problems);
                    Matcher::default()
                })
            }
            None => Matcher::default(),
        };
        for protocol in matcher.protocols() {
            self.protocols
                .intern(protocol, || format!("{path}.protocol"));
        }
        matcher
    }

    fn edits(&mut self, path: &str, config: &HeaderEdits) -> Option<Box<Edits>> {
        let edits = Edits::compile(path, config);
        let edits = edits
            .map_err(|problems| self.problems.extend(problems))
            .ok();
        edits.filter(|edits| !edits.is_empty()).map(Box::new)
    }

    /// What only HTTP has is a mistake on a route that takes no HTTP request.
    fn http_only(&mut self, path: &str, config: &RouteConfig, matcher: &Matcher) {
        let mut protocols = matcher.protocols().peekable();
        if protocols.peek().is_none() || protocols.any(is_http) {
            return;
        }
        let has_http = config
            .r#match
            .as_ref()
            .is_some_and(|rule| rule.http.is_some());
        let parts = config.hash.iter().enumerate();
        let parts = parts.filter_map(|(at, part)| {
            let key = match (&part.cookie, &part.query) {
                (Some(_), _) => "cookie",
                (_, Some(_)) => "query",
                _ => return None,
            };
            Some((format!("hash[{at}].{key}"), true))
        });
        for (key, there) in [
            ("match.http", has_http),
            ("redirect", config.redirect.is_some()),
            ("rewrite", config.rewrite.is_some()),
        ]
        .map(|(key, there)| (key.to_owned(), there))
        .into_iter()
        .chain(parts)
        {
            if there {
                let message =
                    "is for HTTP, and `match.protocol` names none of http1, http2, grpc and triple";
                self.note(format!("{path}.{key}"), message);
            }
        }
    }

    fn cluster(&mut self, path: String, name: &str) -> usize {
        if name.is_empty() {
            self.note(&path, "the name of a cluster cannot be empty");
        }
        self.clusters.intern(name, || path)
    }

    /// The place of a part of a cluster; of all of it if `subset` is empty.
    fn part(&mut self, path: &str, name: &str, subset: &SubsetMatch) -> usize {
        let own = format!("{path}.cluster");
        if subset.is_empty() || name.is_empty() {
            return self.cluster(own, name);
        }
        let rule = SubsetRule::compile(&format!("{path}.subset"), subset, &mut self.problems);
        // No key or value can imitate another pair: both are quoted.
        let key = format!("{name}\0{subset:?}");
        let place = self.clusters.intern_as(&key, name, || own);
        self.subsets.insert(place, rule);
        place
    }

    fn mirrors(&mut self, path: &str, config: &[MirrorConfig]) -> Box<[Mirror]> {
        if config.len() > MIRRORS {
            let message = format!("there are more than {MIRRORS} entries");
            self.note(path, message);
        }
        let mirrors = config.iter().take(MIRRORS).enumerate().map(|(at, mirror)| {
            let path = format!("{path}[{at}]");
            let cluster = self.part(&path, &mirror.cluster, &mirror.subset);
            // Drawn apart from each other and from the route.
            let salt = (self.count << 8) + at as u64 + 1;
            Mirror::compile(&path, mirror, (cluster, salt), &mut self.problems)
        });
        mirrors.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// The clusters that requests may name, and the one for those that name none.
    fn named(&mut self, path: &str, config: &ClusterHeader) -> (Split, NamedCluster) {
        if config.header.is_empty() {
            let path = format!("{path}.header");
            self.note(path, "a header's name cannot be empty");
        }
        let mut among = HashMap::new();
        for (at, name) in config.clusters.iter().flatten().enumerate() {
            let path = format!("{path}.clusters[{at}]");
            let place = self.cluster(path.clone(), name);
            if among.insert(name.as_str().into(), place).is_some() {
                self.note(path, format!("`{name}` is in this list already"));
            }
        }
        if config.clusters.as_ref().is_some_and(Vec::is_empty) {
            let message =
                "the list is empty: name at least one cluster, or leave the key out for all";
            self.note(format!("{path}.clusters"), message);
        }
        let split = match &config.otherwise {
            Some(name) => Split::one(self.cluster(format!("{path}.otherwise"), name)),
            None => Split::none(),
        };
        let named = NamedCluster {
            header: FieldName::new(&config.header),
            among: config.clusters.is_some().then_some(among),
        };
        (split, named)
    }

    fn split(&mut self, path: &str, to: &To) -> Option<Split> {
        let parts = match to {
            To::Cluster(name) => return Some(Split::one(self.cluster(path.to_owned(), name))),
            To::Subset(part) => {
                return Some(Split::one(self.part(path, &part.cluster, &part.subset)));
            }
            // Its caller sees to it.
            To::Named(_) => return Some(Split::none()),
            To::Split(parts) => parts,
        };
        let mut weights: Vec<(usize, u32)> = Vec::with_capacity(parts.len());
        for (place, part) in parts.iter().enumerate() {
            let path = format!("{path}[{place}]");
            let cluster = self.part(&path, &part.cluster, &part.subset);
            if weights.iter().any(|(other, _)| *other == cluster) {
                let message = format!(
                    "`{}` is in this list already: add the weights up",
                    part.cluster
                );
                self.note(format!("{path}.cluster"), message);
            }
            weights.push((cluster, part.weight));
        }
        let sum: u64 = weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let split = Split::weighted(weights);
        if split.is_none() {
            let message = if parts.is_empty() {
                "the list is empty: name at least one cluster".to_owned()
            } else if sum == 0 {
                "every weight is 0, so no cluster would get a request: give one a weight".to_owned()
            } else {
                format!(
                    "the weights add up to {sum}, which is more than {}: write smaller ones",
                    u32::MAX
                )
            };
            self.note(path, message);
        }
        split
    }

    fn finish(self) -> Result<RouteTable, Vec<Problem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let mut entries = Vec::new();
        let mut ranges = Vec::new();
        for routes in self.sections {
            let start = entries.len();
            for (matcher, mut route) in routes {
                route.index = entries.len();
                let route = Arc::new(route);
                entries.push(Entry { matcher, route });
            }
            ranges.push(start..entries.len());
        }
        let sections = ranges.into_iter().map(|range| Section {
            index: (range.len() > SCAN).then(|| Index::new(&entries, range.clone())),
            range,
        });
        let sections = sections.collect();
        let fields = entries.iter().flat_map(|entry| {
            let matched = entry.matcher.field_names();
            matched.chain(entry.route.field_names())
        });
        let chosen = self.subsets.values().flat_map(SubsetRule::field_names);
        let needs = Needs::fields(fields.chain(chosen));
        let clusters = self
            .clusters
            .mentions
            .iter()
            .map(|mention| mention.name.clone());
        Ok(RouteTable {
            sections,
            domains: (!self.groups.is_empty()).then(|| Box::new(self.domains)),
            body: entries
                .iter()
                .map(|entry| entry.matcher.body().max(entry.route.body()))
                .max()
                .unwrap_or_default(),
            draws: entries.iter().any(|entry| entry.matcher.draws()),
            needs,
            clusters: clusters.collect(),
            subsets: self
                .subsets
                .into_iter()
                .map(|(at, subset)| (at, Arc::new(subset)))
                .collect(),
            named: HashMap::new(),
            cluster_mentions: self.clusters.mentions.into(),
            protocols: self.protocols.mentions.into(),
            entries: entries.into(),
        })
    }
}

fn is_http(protocol: &str) -> bool {
    [http::HTTP1, http::HTTP2, http::GRPC, http::TRIPLE]
        .iter()
        .any(|id| id.as_str() == protocol)
}
