//! Virtual hosts: which group of routes a request goes to, by its service or its host.

use std::collections::HashMap;
use std::net::Ipv6Addr;

use foldhash::fast::RandomState;

use crate::Lookup;
use crate::matcher::{HostKey, HostName, v6};

/// The longest pattern of a service, in bytes.
const LONGEST: usize = 1024;

/// How exactly a pattern names what it matches: the more exact is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Exact,
    Suffix,
    Prefix,
    Any,
}

/// The groups of a table by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Domains {
    services: Names,
    hosts: Names,
}

/// What stands where a name was to be added.
pub(super) enum Taken {
    /// The pattern is of no use: why.
    Bad(String),
    /// This group has the name already.
    By(usize),
}

impl Domains {
    /// Gives a pattern of services to a group.
    pub(super) fn add_service(&mut self, pattern: &str, group: usize) -> Result<(), Taken> {
        let name = service(pattern).map_err(Taken::Bad)?;
        self.services.add(name, group)
    }

    /// Gives a pattern of hosts to a group.
    pub(super) fn add_host(&mut self, pattern: &str, group: usize) -> Result<(), Taken> {
        let name = HostName::alone(pattern).map_err(Taken::Bad)?;
        self.hosts.add(name, group)
    }

    /// The group that names the request most exactly; None if none does.
    pub(super) fn group(&self, lookup: &Lookup<'_>) -> Option<usize> {
        let service = self.services.find(lookup.head.service.as_bytes());
        let host = lookup.head.http.as_deref().and_then(|http| {
            if self.hosts.is_empty() {
                return None;
            }
            match HostKey::new(http) {
                Some(host) => self.hosts.find(host.as_bytes()),
                // Longer than any name, so that only a pattern for all of them can have it.
                None => Some(Rank::Any).zip(self.hosts.any),
            }
        });
        match (service, host) {
            (Some(service), Some(host)) if host.0 < service.0 => Some(host.1),
            (Some((_, group)), _) | (None, Some((_, group))) => Some(group),
            (None, None) => None,
        }
    }
}

/// A pattern of services.
fn service(pattern: &str) -> Result<HostName, String> {
    let text = |text: &str| Box::from(text.as_bytes());
    if pattern.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let bad = || {
        format!(
            "{pattern:?} is no pattern of services: write one like com.acme.Orders, *.Orders, com.acme.* or *"
        )
    };
    let (name, rest) = if pattern == "*" {
        (HostName::Any, "x")
    } else if let Some(rest) = pattern.strip_prefix('*') {
        let rest = rest.strip_prefix('.').ok_or_else(bad)?;
        (HostName::Suffix(text(&format!(".{rest}"))), rest)
    } else if let Some(rest) = pattern.strip_suffix('*') {
        (
            HostName::Prefix(text(rest)),
            rest.strip_suffix('.').ok_or_else(bad)?,
        )
    } else {
        (HostName::Exact(text(pattern)), pattern)
    };
    match rest.is_empty() || rest.contains('*') || rest.chars().any(char::is_control) {
        true => Err(bad()),
        false => Ok(name),
    }
}

/// Groups by the patterns of one kind of name.
#[derive(Clone, Debug, Default)]
struct Names {
    exact: HashMap<Box<[u8]>, usize, RandomState>,
    v6: HashMap<Ipv6Addr, usize>,
    suffixes: Affixes,
    prefixes: Affixes,
    any: Option<usize>,
}

impl Names {
    fn is_empty(&self) -> bool {
        self.exact.is_empty()
            && self.v6.is_empty()
            && self.suffixes.lengths.is_empty()
            && self.prefixes.lengths.is_empty()
            && self.any.is_none()
    }

    fn add(&mut self, name: HostName, group: usize) -> Result<(), Taken> {
        let before = match name {
            HostName::Any => self.any.replace(group),
            HostName::Exact(name) => self.exact.insert(name, group),
            HostName::V6(address) => self.v6.insert(address, group),
            HostName::Suffix(text) => self.suffixes.add(text, group),
            HostName::Prefix(text) => self.prefixes.add(text, group),
        };
        before.map_or(Ok(()), |group| Err(Taken::By(group)))
    }

    fn find(&self, name: &[u8]) -> Option<(Rank, usize)> {
        if name.is_empty() {
            return None;
        }
        let exact = || {
            let v6 = || self.v6.get(&v6(name)?);
            self.exact.get(name).or_else(v6).copied()
        };
        // An affix is not the whole name: something must be left.
        let suffix = || {
            self.suffixes.find(|length| {
                let at = name.len().checked_sub(length).filter(|rest| *rest > 0)?;
                name.get(at..)
            })
        };
        let prefix = || {
            let prefix = |length| name.get(..length).filter(|_| name.len() > length);
            self.prefixes.find(prefix)
        };
        let of = |rank| move |group| (rank, group);
        exact()
            .map(of(Rank::Exact))
            .or_else(|| suffix().map(of(Rank::Suffix)))
            .or_else(|| prefix().map(of(Rank::Prefix)))
            .or_else(|| self.any.map(of(Rank::Any)))
    }
}

/// Groups by what names begin or end with.
#[derive(Clone, Debug, Default)]
struct Affixes {
    texts: HashMap<Box<[u8]>, usize, RandomState>,
    /// The lengths that there are, each once, the longest first: what a lookup costs is the configuration's choice.
    lengths: Vec<usize>,
}

impl Affixes {
    fn add(&mut self, text: Box<[u8]>, group: usize) -> Option<usize> {
        let length = text.len();
        if let Err(at) = self.lengths.binary_search_by(|other| length.cmp(other)) {
            self.lengths.insert(at, length);
        }
        self.texts.insert(text, group)
    }

    /// The group of the longest text that `cut` takes out of a name.
    fn find<'a>(&self, cut: impl Fn(usize) -> Option<&'a [u8]>) -> Option<usize> {
        let mut texts = self.lengths.iter().filter_map(|length| cut(*length));
        texts.find_map(|text| self.texts.get(text)).copied()
    }
}
