//! The route table: which route takes a request.

mod compile;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use wireloom_codecs::{Needs, RequestHead};

use crate::Route;
use crate::matcher::Matcher;

/// Up to so many routes are tried one by one, which is cheaper than a hash of the service.
const SCAN: usize = 16;

/// A compiled, immutable route table. The first route that matches a request takes it.
///
/// A clone shares the routes and the automata but has scratch memory for regular expressions of its own: with a
/// clone per worker, workers never meet in the pool that hands it out.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    entries: Box<[Entry]>,
    /// None for a table of at most [`SCAN`] routes.
    index: Option<Index>,
    clusters: Box<[Arc<str>]>,
    cluster_mentions: Box<[Mention]>,
    protocols: Box<[Mention]>,
    needs: Needs,
}

#[derive(Clone, Debug)]
struct Entry {
    matcher: Matcher,
    route: Arc<Route>,
}

/// A name that the table refers to without knowing whether it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: Arc<str>,
    /// Where it is written first: `routes.main[2].to`.
    pub path: String,
}

/// Places in `entries`, ascending: those bound to one exact service by that service, and all others.
///
/// The hash function need not resist chosen keys: its keys are the configuration's, and a lookup adds none.
#[derive(Clone, Debug)]
struct Index {
    by_service: HashMap<Box<[u8]>, Vec<usize>, RandomState>,
    others: Vec<usize>,
}

impl Index {
    fn new(entries: &[Entry]) -> Self {
        let mut by_service: HashMap<Box<[u8]>, Vec<usize>, RandomState> = HashMap::default();
        let mut others = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            match entry.matcher.exact_service() {
                Some(service) => by_service.entry(service.into()).or_default().push(place),
                None => others.push(place),
            }
        }
        Self { by_service, others }
    }

    /// The places that can match a request for `service`, ascending.
    fn candidates(&self, service: &[u8]) -> Merged<'_> {
        Merged {
            a: self.by_service.get(service).map_or(&[], Vec::as_slice),
            b: &self.others,
        }
    }
}

/// Two ascending lists as one.
struct Merged<'a> {
    a: &'a [usize],
    b: &'a [usize],
}

impl Iterator for Merged<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let first = match (self.a.first(), self.b.first()) {
            (Some(a), Some(b)) if a < b => &mut self.a,
            (Some(_), None) => &mut self.a,
            _ => &mut self.b,
        };
        let (place, rest) = first.split_first()?;
        *first = rest;
        Some(*place)
    }
}

impl RouteTable {
    /// The first route that matches. Allocates nothing but, once per thread, a regular expression's scratch memory.
    ///
    /// A table of many routes costs one lookup by service and then a scan over the routes of that service and over
    /// those that are not bound to one service.
    pub fn route(&self, head: &RequestHead) -> Option<&Arc<Route>> {
        let entry = match &self.index {
            None => self.scan(head),
            Some(index) => index
                .candidates(head.service.as_bytes())
                .filter_map(|place| self.entries.get(place))
                .find(|entry| entry.matcher.matches(head)),
        };
        entry.map(|entry| &entry.route)
    }

    fn scan(&self, head: &RequestHead) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.matcher.matches(head))
    }

    /// Every route, in order.
    pub fn routes(&self) -> impl ExactSizeIterator<Item = &Arc<Route>> {
        self.entries.iter().map(|entry| &entry.route)
    }

    /// The fields that codecs must decode for this table.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// The clusters that [`Split::pick`](crate::Split::pick) points into, each once.
    pub fn clusters(&self) -> &[Arc<str>] {
        &self.clusters
    }

    /// The same clusters in the same order, with the place where each is first named, for the caller to check.
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
