//! Finding the routes that can match without judging all of them.
//!
//! Each route stands under one of the keys that its requests must have: a service, a method, a path, a host, a header field's value,
//! or a pair of them. Of the keys that it could stand under it takes the one that it shares with the fewest others. What
//! a lookup finds is judged all the same, so keys are kept as hashes: two that meet cost a comparison and no mistake.
//! The hash function need not resist chosen keys either: its keys are the configuration's, and a lookup adds none.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::Entry;
use crate::Lookup;
use crate::matcher::{FieldName, HostKey, Matcher};

/// The most header fields whose values are looked up. Routes by others are judged one by one.
const FIELDS: usize = 8;

/// What a key consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Service,
    Call,
    Method,
    Path,
    Host,
    HostPath,
    Field,
}

/// Which kinds of keys there are, so that nothing else is looked up.
#[derive(Clone, Copy, Debug, Default)]
struct Kinds(u8);

impl Kinds {
    const fn add(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u8;
    }

    const fn has(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// Places of routes, ascending: under the keys of their requests, or among the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    hasher: RandomState,
    kinds: Kinds,
    /// The fields whose values are keys.
    fields: Box<[FieldName]>,
    places: HashMap<u64, Vec<usize>, RandomState>,
    others: Vec<usize>,
}

/// Keys that a route could stand under: under all of them, for its requests have one.
type Keys = (Kind, SmallVec<[u64; 2]>);

impl Index {
    /// Indexes the entries of a range.
    pub(super) fn new(entries: &[Entry], range: Range<usize>) -> Self {
        let entries = entries.get(range.clone()).unwrap_or_default();
        let mut index = Self {
            fields: fields(entries),
            ..Self::default()
        };
        let choices: Vec<Vec<Keys>> = entries
            .iter()
            .map(|entry| index.choices(&entry.matcher))
            .collect();
        let mut sharing: HashMap<u64, usize> = HashMap::new();
        for (_, keys) in choices.iter().flatten() {
            for key in keys {
                *sharing.entry(*key).or_default() += 1;
            }
        }
        let crowd = |(_, keys): &&Keys| {
            let crowds = keys.iter().filter_map(|key| sharing.get(key));
            crowds.max().copied().unwrap_or_default()
        };
        for (place, choices) in range.zip(&choices) {
            // The first of the best: the kinds that come first are those of other routes too, most likely.
            let Some((kind, keys)) = choices.iter().min_by_key(crowd) else {
                index.others.push(place);
                continue;
            };
            index.kinds.add(*kind);
            for key in keys {
                let places = index.places.entry(*key).or_default();
                // A host may be named twice, with different ports.
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
        index
    }

    fn key(&self, kind: Kind, parts: &[&[u8]]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u8(kind as u8);
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.finish()
    }

    fn field_key(&self, at: usize, value: &[u8]) -> u64 {
        self.key(Kind::Field, &[&at.to_le_bytes(), value])
    }

    /// Everything that the requests of a route must have.
    fn choices(&self, matcher: &Matcher) -> Vec<Keys> {
        let one = |kind, parts: &[&[u8]]| (kind, SmallVec::from_iter([self.key(kind, parts)]));
        let mut choices = Vec::new();
        let (service, method) = (matcher.exact_service(), matcher.exact_method());
        let (path, hosts) = (matcher.exact_path(), matcher.exact_hosts());
        choices.extend(service.map(|service| one(Kind::Service, &[service])));
        choices.extend(path.map(|path| one(Kind::Path, &[path])));
        if let (Some(service), Some(method)) = (service, method) {
            choices.push(one(Kind::Call, &[service, method]));
        }
        if let Some(hosts) = hosts {
            let all = |parts: &dyn Fn(&[u8]) -> u64| hosts.iter().map(|host| parts(host)).collect();
            choices.push((Kind::Host, all(&|host| self.key(Kind::Host, &[host]))));
            if let Some(path) = path {
                let key = |host: &[u8]| self.key(Kind::HostPath, &[host, path]);
                choices.push((Kind::HostPath, all(&key)));
            }
        }
        choices.extend(method.map(|method| one(Kind::Method, &[method])));
        for (name, value) in matcher.exact_fields() {
            if let Some(at) = self.fields.iter().position(|field| field == name) {
                choices.push((
                    Kind::Field,
                    SmallVec::from_iter([self.field_key(at, value)]),
                ));
            }
        }
        choices
    }

    /// The places that can match a request, ascending. One may come twice.
    pub(super) fn candidates(&self, lookup: &Lookup<'_>) -> Merged<'_> {
        let head = lookup.head;
        let (service, method) = (head.service.as_bytes(), head.method.as_bytes());
        let mut lists = SmallVec::new();
        let mut add = |key| {
            if let Some(places) = self.places.get(&key) {
                lists.push(places.as_slice());
            }
        };
        if self.kinds.has(Kind::Service) {
            add(self.key(Kind::Service, &[service]));
        }
        if self.kinds.has(Kind::Call) {
            add(self.key(Kind::Call, &[service, method]));
        }
        if self.kinds.has(Kind::Method) {
            add(self.key(Kind::Method, &[method]));
        }
        if let Some(http) = &head.http {
            if self.kinds.has(Kind::Path) {
                add(self.key(Kind::Path, &[http.path()]));
            }
            if (self.kinds.has(Kind::Host) || self.kinds.has(Kind::HostPath))
                && let Some(host) = HostKey::new(http)
            {
                add(self.key(Kind::Host, &[host.as_bytes()]));
                add(self.key(Kind::HostPath, &[host.as_bytes(), http.path()]));
            }
        }
        if self.kinds.has(Kind::Field) {
            for (at, name) in self.fields.iter().enumerate() {
                for value in name.values(head) {
                    add(self.field_key(at, value));
                }
            }
        }
        if !self.others.is_empty() {
            lists.push(self.others.as_slice());
        }
        Merged(lists)
    }
}

/// The fields that most entries want a value of.
fn fields(entries: &[Entry]) -> Box<[FieldName]> {
    let mut wanted: Vec<(&FieldName, usize)> = Vec::new();
    let mut known: HashMap<&FieldName, usize> = HashMap::new();
    for entry in entries {
        for (name, _) in entry.matcher.exact_fields() {
            let at = *known.entry(name).or_insert(wanted.len());
            match wanted.get_mut(at) {
                Some((_, count)) => *count += 1,
                None => wanted.push((name, 1)),
            }
        }
    }
    wanted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let names = wanted.into_iter().map(|(name, _)| name.clone());
    names.take(FIELDS).collect()
}

/// Ascending lists as one.
pub(super) struct Merged<'a>(SmallVec<[&'a [usize]; 8]>);

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
