//! From the configuration to a table, or to everything that is wrong with it.

use std::collections::HashMap;
use std::sync::Arc;

use wireloom_codecs::{Needs, http};

use super::{Entry, Index, Mention, RouteTable, SCAN};
use crate::config::{HeaderEdits, RouteConfig, SubsetMatch, To};
use crate::matcher::Matcher;
use crate::retry::no_names;
use crate::{Action, Edits, Problem, RetryPolicy, Route, Split, StatusNames};

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
        let mut builder = Builder::default();
        for (index, config) in routes.iter().enumerate() {
            builder.add(format!("routes.{name}[{index}]"), index, config, status);
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
    entries: Vec<Entry>,
    clusters: Names,
    /// The parts of the clusters that are meant, by place.
    subsets: HashMap<usize, SubsetMatch>,
    protocols: Names,
    routes: Names,
    problems: Vec<Problem>,
}

impl Builder {
    fn add(&mut self, path: String, index: usize, config: &RouteConfig, status: &StatusNames<'_>) {
        let before = self.problems.len();
        let name = self.name(&path, config);
        let matcher = self.matcher(&path, config);
        let action = Action::compile(&path, config, &mut self.problems);
        let split = match &config.to {
            Some(to) => self.split(&format!("{path}.to"), to),
            None => Some(Split::none()),
        };
        let edits = self.edits(&format!("{path}.headers"), &config.headers);
        let timeout = Some(config.timeout.0).filter(|timeout| !timeout.is_zero());
        let retry = config.retry.as_ref().and_then(|retry| {
            RetryPolicy::compile(&format!("{path}.retry"), retry, timeout, status)
                .map_err(|problems| self.problems.extend(problems))
                .ok()
        });
        self.http_only(&path, config, &matcher);
        if let (Some(action), Some(split)) = (action, split)
            && self.problems.len() == before
        {
            let route = Route {
                name,
                index,
                action,
                split,
                edits,
                timeout,
                retry,
            };
            self.entries.push(Entry {
                matcher,
                route: Arc::new(route),
            });
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
            Some(config) => Matcher::compile(&path, config).unwrap_or_else(|problems| {
                self.problems.extend(problems);
                Matcher::default()
            }),
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
        for (key, there) in [
            ("match.http", has_http),
            ("redirect", config.redirect.is_some()),
            ("rewrite", config.rewrite.is_some()),
            ("headers", !config.headers.is_empty()),
        ] {
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
        let path = format!("{path}.cluster");
        if subset.is_empty() || name.is_empty() {
            return self.cluster(path, name);
        }
        // No key or value can imitate another pair: both are quoted.
        let key = format!("{name}\0{subset:?}");
        let place = self.clusters.intern_as(&key, name, || path);
        self.subsets.insert(place, subset.clone());
        place
    }

    fn split(&mut self, path: &str, to: &To) -> Option<Split> {
        let parts = match to {
            To::Cluster(name) => return Some(Split::one(self.cluster(path.to_owned(), name))),
            To::Subset(part) => {
                return Some(Split::one(self.part(path, &part.cluster, &part.subset)));
            }
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
                    "the weights add up to {sum}, which is more than {}",
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
        let fields = self
            .entries
            .iter()
            .flat_map(|entry| entry.matcher.field_names());
        let needs = Needs::fields(fields);
        let clusters = self
            .clusters
            .mentions
            .iter()
            .map(|mention| mention.name.clone());
        Ok(RouteTable {
            index: (self.entries.len() > SCAN).then(|| Index::new(&self.entries)),
            needs,
            clusters: clusters.collect(),
            subsets: self
                .subsets
                .into_iter()
                .map(|(at, subset)| (at, Arc::new(subset)))
                .collect(),
            cluster_mentions: self.clusters.mentions.into(),
            protocols: self.protocols.mentions.into(),
            entries: self.entries.into(),
        })
    }
}

fn is_http(protocol: &str) -> bool {
    [http::HTTP1, http::HTTP2, http::GRPC, http::TRIPLE]
        .iter()
        .any(|id| id.as_str() == protocol)
}
