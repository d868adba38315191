//! Requests that name their cluster.

use std::collections::HashMap;

use wireloom_codecs::RequestHead;

use crate::RouteTable;
use crate::matcher::FieldName;

/// The cluster is what a header says, if that is one of those that may be named.
#[derive(Clone, Debug)]
pub struct NamedCluster {
    pub(crate) header: FieldName,
    /// By name; None for all that the table [knows](RouteTable::know).
    pub(crate) among: Option<HashMap<Box<str>, usize>>,
}

impl NamedCluster {
    /// The cluster that a request names, as an index into [`RouteTable::clusters`]; None if it names none, or one that it
    /// may not name. Of a repeated header the first value counts.
    pub fn pick(&self, head: &RequestHead, table: &RouteTable) -> Option<usize> {
        let name = std::str::from_utf8(self.value(head)?).ok()?;
        match &self.among {
            Some(among) => among.get(name).copied(),
            None => table.named(name),
        }
    }

    /// What a request names, be it a cluster or not.
    pub fn value<'a>(&'a self, head: &'a RequestHead) -> Option<&'a [u8]> {
        self.header.values(head).next()
    }

    /// The header, as it is written in the configuration.
    pub fn header(&self) -> &str {
        self.header.forms().next().unwrap_or_default()
    }

    /// The clusters that may be named; None for all that the table knows.
    pub fn clusters(&self) -> Option<impl Iterator<Item = usize>> {
        self.among.as_ref().map(|among| among.values().copied())
    }
}
