//! The route table: which route takes a request.

mod compile;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use wireloom_codecs::{HttpRequest, Needs, RequestHead};

use crate::Route;
use crate::config::SubsetMatch;
use crate::matcher::{HostKey, Matcher};

/// Up to so many routes are tried one by one, which is cheaper than a hash of what is looked up.
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
    subsets: HashMap<usize, Arc<SubsetMatch>>,
    cluster_mentions: Box<[Mention]>,
    protocols: Box<[Mention]>,
    needs: Needs,
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

/// A name that the table refers to without knowing whether it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: Arc<str>,
    /// Where it is written first: `routes.main[2].to`.
    pub path: String,
}

/// Places in `entries`, ascending. Each stands under the one service, else the one path, else each of the hosts that
/// its requests must name, or among the others.
///
/// The hash function need not resist chosen keys: its keys are the configuration's, and a lookup adds none.
#[derive(Clone, Debug, Default)]
struct Index {
    by_service: Places,
    by_path: Places,
    by_host: Places,
    others: Vec<usize>,
}

type Places = HashMap<Box<[u8]>, Vec<usize>, RandomState>;

impl Index {
    fn new(entries: &[Entry]) -> Self {
        let mut index = Self::default();
        let put = |places: &mut Places, key: &[u8], place| {
            let places = places.entry(key.into()).or_default();
            // A host may be named twice, with different ports.
            if places.last() != Some(&place) {
                places.push(place);
            }
        };
        for (place, Entry { matcher, .. }) in entries.iter().enumerate() {
            if let Some(service) = matcher.exact_service() {
                put(&mut index.by_service, service, place);
            } else if let Some(path) = matcher.exact_path() {
                put(&mut index.by_path, path, place);
            } else if let Some(hosts) = matcher.exact_hosts() {
                for host in hosts {
                    put(&mut index.by_host, host, place);
                }
            } else {
                index.others.push(place);
            }
        }
        index
    }

    /// The places that can match a request, ascending.
    fn candidates(&self, service: &[u8], http: Option<&HttpRequest>) -> Merged<'_> {
        let by_host = match http {
            Some(http) if !self.by_host.is_empty() => {
                HostKey::new(http).map_or(&[][..], |host| find(&self.by_host, host.as_bytes()))
            }
            _ => &[],
        };
        Merged([
            find(&self.by_service, service),
            http.map_or(&[], |http| find(&self.by_path, http.path())),
            by_host,
            &self.others,
        ])
    }
}

fn find<'a>(places: &'a Places, key: &[u8]) -> &'a [usize] {
    places.get(key).map_or(&[], Vec::as_slice)
}

/// Ascending lists as one.
struct Merged<'a>([&'a [usize]; 4]);

impl Iterator for Merged<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let lists = self.0.iter_mut();
        let (list, first) = lists
            .filter_map(|list| list.first().copied().map(|first| (list, first)))
            .min_by_key(|(_, first)| *first)?;
        *list = list.get(1..).unwrap_or_default();
        Some(first)
    }
}

impl RouteTable {
    /// The first route that matches. Allocates nothing but, once per thread, a regular expression's scratch memory.
    ///
    /// A table of many routes costs one lookup each by service, path and host, and then a scan over the routes of
    /// these and over those that are bound to none.
    pub fn route(&self, head: &RequestHead) -> Option<&Arc<Route>> {
        let entry = match &self.index {
            None => self.scan(head),
            Some(index) => index
                .candidates(head.service.as_bytes(), head.http.as_deref())
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

    /// The clusters that [`Split::pick`](crate::Split::pick) points into, each once for every part of it that is meant.
    pub fn clusters(&self) -> &[Arc<str>] {
        &self.clusters
    }

    /// The part of the cluster at that place which is meant; None if no part is chosen.
    pub fn subset(&self, cluster: usize) -> Option<&SubsetMatch> {
        self.subsets.get(&cluster).map(|subset| &**subset)
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
