//! The filters of one route on one listener, in order.

use std::fmt;
use std::sync::Arc;

use super::Filter;
use crate::config::FilterConfig;

/// Filters in the order in which requests pass them; answers pass them from the last to the first.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    links: Arc<[Link]>,
}

/// A filter with the name under which the configuration has it.
#[derive(Clone)]
pub struct Link {
    /// The name, with what follows the slash.
    pub name: Arc<str>,
    /// The filter.
    pub filter: Arc<dyn Filter>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Chain {
    /// These filters, in this order.
    pub fn new(links: impl IntoIterator<Item = Link>) -> Self {
        let links = links.into_iter().collect();
        Self { links }
    }

    /// The filters, in the order of requests.
    pub fn links(&self) -> &[Link] {
        &self.links
    }
}

/// A list of filters, and the place that it stands at.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// The list's place.
    pub place: &'a str,
    /// The list.
    pub filters: &'a [FilterConfig],
}

/// What runs where several lists meet, the listener's first and the route's last, each with the place that it stands at. An
/// inner entry takes the place of an outer one of its name; the others follow. What is off does not run.
pub fn merge<'a>(layers: impl IntoIterator<Item = Layer<'a>>) -> Vec<(&'a str, &'a FilterConfig)> {
    let mut merged: Vec<(&str, &FilterConfig)> = Vec::new();
    for layer in layers {
        for entry in layer.filters {
            let outer = merged
                .iter_mut()
                .find(|(_, other)| other.name == entry.name);
            match outer {
                Some(outer) => *outer = (layer.place, entry),
                None => merged.push((layer.place, entry)),
            }
        }
    }
    merged.retain(|(_, entry)| entry.config.is_some());
    merged
}
