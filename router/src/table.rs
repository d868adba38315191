//! The route table: which route takes a request.

mod compile;
mod domains;
mod index;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use wireloom_codecs::Needs;

use crate::matcher::Matcher;
use crate::{Lookup, Mention, Route, SubsetRule};

use domains::Domains;
use index::Index;

/// Up to so many routes are tried one by one, which is cheaper than a hash of what is looked up.
const SCAN: usize = 16;

/// The section of the routes in front of the groups: all requests are tried on them first.
const FRONT: usize = 0;
/// The section of the routes behind the first group, which take what no group names.
const REST: usize = 1;

/// A compiled, immutable route table. The first route that matches a request takes it.
///
/// A clone shares the routes and the automata but has scratch memory for regular expressions of its own: with a
/// clone per worker, workers never meet in the pool that hands it out.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    entries: Box<[Entry]>,
    /// See [`FRONT`] and [`REST`]; then each group's routes.
    sections: Box<[Section]>,
    /// Where groups are looked up; None if there are none.
    domains: Option<Box<Domains>>,
    draws: bool,
    body: usize,
    clusters: Box<[Arc<str>]>,
    subsets: HashMap<usize, Arc<SubsetRule>>,
    /// The clusters that requests may name where a route does not say which.
    named: HashMap<Arc<str>, usize>,
    cluster_mentions: Box<[Mention]>,
    protocols: Box<[Mention]>,
    needs: Needs,
}

/// Routes that are tried in their order.
#[derive(Clone, Debug)]
struct Section {
    /// Its places among the entries.
    range: Range<usize>,
    /// None for at most [`SCAN`] routes.
    index: Option<Index>,
}

#[derive(Debug)]
struct Entry {
    matcher: Matcher,
    route: Arc<Route>,
}

impl Clone for Entry {
    fn clone(&self) -> Self {
        let route = match self.route.has_regex() {
            true => Arc::new(Route::clone(&self.route)),
            false => self.route.clone(),
        };
        Self {
            matcher: self.matcher.clone(),
            route,
        }
    }
}

impl RouteTable {
    /// The first route that matches: of those in front of the groups, then in the group that names the request most exactly,
    /// or of the rest if none does. Allocates nothing but, once per thread, a regular expression's scratch memory.
    ///
    /// A table of many routes costs one lookup each for what routes name exactly (service, method, path, host, values of
    /// headers), and then a scan over the routes under these and over those that name nothing exactly.
    pub fn route(&self, lookup: &Lookup<'_>) -> Option<&Arc<Route>> {
        let entry = self.find(FRONT, lookup).or_else(|| {
            let group = self.domains.as_ref()?.group(lookup);
            self.find(group.unwrap_or(REST), lookup)
        });
        entry.map(|entry| &entry.route)
    }

    fn find(&self, section: usize, lookup: &Lookup<'_>) -> Option<&Entry> {
        let section = self.sections.get(section)?;
        match &section.index {
            None => self.scan(section, lookup),
            Some(index) => index
                .candidates(lookup)
                .filter_map(|place| self.entries.get(place))
                .find(|entry| entry.matcher.matches(lookup)),
        }
    }

    fn scan(&self, section: &Section, lookup: &Lookup<'_>) -> Option<&Entry> {
        let entries = self.entries.get(section.range.clone())?;
        entries.iter().find(|entry| entry.matcher.matches(lookup))
    }

    /// The most bytes of an HTTP request's body that routes look at; 0 if none does. A body that is streamed must be
    /// [whole](wireloom_codecs::Body::Whole) for that.
    pub fn body(&self) -> usize {
        self.body
    }

    /// True if routes take shares of the requests, so that [`Lookup::random`] is to be random.
    pub fn draws(&self) -> bool {
        self.draws
    }

    /// Every route, in order.
    pub fn routes(&self) -> impl ExactSizeIterator<Item = &Arc<Route>> {
        self.entries.iter().map(|entry| &entry.route)
    }

    /// The fields that codecs must decode for this table.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// The clusters that [`Split::pick`](crate::Split::pick) points into, each once for every part of it that is meant.
    pub fn clusters(&self) -> &[Arc<str>] {
        &self.clusters
    }

    /// The part of the cluster at that place which is meant; None if no part is chosen.
    pub fn subset(&self, cluster: usize) -> Option<&Arc<SubsetRule>> {
        self.subsets.get(&cluster)
    }

    /// Tells of all clusters that there are, for the routes whose requests may name any of them; they are among
    /// [`Self::clusters`] then.
    pub fn know<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        if !self.names_any_cluster() {
            return;
        }
        let mut clusters = std::mem::take(&mut self.clusters).into_vec();
        let whole = clusters.iter().enumerate();
        let whole = whole.filter(|(at, _)| !self.subsets.contains_key(at));
        let whole: HashMap<_, _> = whole.map(|(at, name)| (name.clone(), at)).collect();
        for name in names {
            let (name, at) = match whole.get_key_value(name) {
                Some((name, at)) => (name.clone(), *at),
                None => {
                    clusters.push(name.into());
                    (name.into(), clusters.len() - 1)
                }
            };
            self.named.insert(name, at);
        }
        self.clusters = clusters.into();
    }

    /// Whether the requests of some route may name any cluster that there is.
    pub fn names_any_cluster(&self) -> bool {
        let mut named = self
            .entries
            .iter()
            .filter_map(|entry| entry.route.named.as_ref());
        named.any(|named| named.among.is_none())
    }

    /// The place of a cluster that the table [knows](Self::know).
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.named.get(name).copied()
    }

    /// The places of all clusters that the requests of a route may go to.
    pub fn targets(&self, route: &Route) -> Vec<usize> {
        let mut targets: Vec<usize> = route.split.clusters().collect();
        if let Some(named) = &route.named {
            match named.clusters() {
                Some(among) => targets.extend(among),
                None => targets.extend(self.named.values()),
            }
        }
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// The clusters that the table names, in the same order, with the place where each is first named, for the caller to
    /// check.
    pub fn cluster_mentions(&self) -> &[Mention] {
        &self.cluster_mentions
    }

    /// The protocols that are named, each once, for the caller to check.
    pub fn protocols(&self) -> &[Mention] {
        &self.protocols
    }
}

#[cfg(test)]
mod tests;
