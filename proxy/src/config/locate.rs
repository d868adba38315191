//! Where in the file each key stands.
//!
//! Values lose their place once they are deserialized; what is wrong with them is often found later (a cluster that
//! does not exist, a regular expression that does not compile). The second reading of the file keeps nothing but
//! places, so that every error can point at its line.

use std::collections::HashMap;
use std::fmt;

use serde_saphyr::granit_parser::{Event, Marker, Options, Parser};

/// A line and a column, both counted from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// Where a file begins.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl From<Marker> for Place {
    fn from(marker: Marker) -> Self {
        Self {
            line: marker.line(),
            // The parser counts columns from 0.
            column: marker.col() + 1,
        }
    }
}

/// What stands at a key path: its key (its value, in a list) and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// The key's own place.
    pub(super) key: Place,
    /// The value's place.
    pub(super) value: Place,
}

/// The places of a document.
#[derive(Debug, Default)]
pub(super) struct Index {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    place: Place,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Scalar,
    /// The node that the anchor is on.
    Alias(usize),
    List(Vec<usize>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
struct Entry {
    key: String,
    place: Place,
    node: usize,
}

/// Merge keys (`<<: *base`) within merge keys that are followed. A document that parsed has few.
const MAX_MERGES: usize = 16;

impl Index {
    /// Indexes the first document of `text`, as far as it parses.
    pub(super) fn new(text: &str) -> Self {
        let mut options = Options::default();
        options.emit_comments = false;
        let mut builder = Builder::default();
        for event in Parser::new_from_str_with_options(text, options) {
            let Ok((event, span)) = event else { break };
            if builder.take(event, span.start.into()).is_none() {
                break;
            }
        }
        builder.index
    }

    /// The place of `path` (`routes.main[2].to`), or of the nearest thing around it that the file has.
    ///
    /// Keys are matched whole, so that a key with a dot in it is found by the path that has it unquoted.
    pub(super) fn find(&self, path: &str) -> Spot {
        let mut node = 0;
        let mut rest = path;
        let mut spot = match self.nodes.first() {
            Some(root) => Spot {
                key: root.place,
                value: root.place,
            },
            None => Spot {
                key: Place::START,
                value: Place::START,
            },
        };
        while !rest.is_empty() {
            let Some((next, place, tail)) = self.step(node, rest, MAX_MERGES) else {
                break;
            };
            let value = self.nodes.get(next).map_or(place, |node| node.place);
            spot = Spot { key: place, value };
            (node, rest) = (next, tail);
        }
        spot
    }

    /// The path of the key or value that stands at `place`.
    pub(super) fn path_at(&self, place: Place) -> Option<String> {
        let mut found = None;
        self.search(0, &mut String::new(), place, &mut found, 0);
        found
    }

    /// One step down from `node`: the child, its key's place, and what is left of the path.
    fn step<'p>(
        &self,
        node: usize,
        path: &'p str,
        merges: usize,
    ) -> Option<(usize, Place, &'p str)> {
        match &self.nodes.get(node)?.kind {
            Kind::Scalar => None,
            Kind::Alias(target) => self.step_target(*target, path, merges),
            Kind::List(items) => {
                let (number, tail) = path.strip_prefix('[')?.split_once(']')?;
                let item = *items.get(number.parse::<usize>().ok()?)?;
                let tail = tail.strip_prefix('.').unwrap_or(tail);
                Some((item, self.nodes.get(item)?.place, tail))
            }
            Kind::Map(entries) => {
                let direct = entries
                    .iter()
                    .filter_map(|entry| Some((entry, tail_after(path, &entry.key)?)))
                    .max_by_key(|(entry, _)| entry.key.len())
                    .map(|(entry, tail)| (entry.node, entry.place, tail));
                direct.or_else(|| {
                    let mut merged = entries.iter().filter(|entry| entry.key == "<<");
                    merged.find_map(|entry| self.step_merged(entry.node, path, merges))
                })
            }
        }
    }

    fn step_target<'p>(
        &self,
        target: usize,
        path: &'p str,
        merges: usize,
    ) -> Option<(usize, Place, &'p str)> {
        self.step(target, path, merges.checked_sub(1)?)
    }

    /// A merge key's value is a mapping or a list of them, by name or in place.
    fn step_merged<'p>(
        &self,
        node: usize,
        path: &'p str,
        merges: usize,
    ) -> Option<(usize, Place, &'p str)> {
        let merges = merges.checked_sub(1)?;
        match &self.nodes.get(node)?.kind {
            Kind::List(items) => items.iter().find_map(|item| self.step(*item, path, merges)),
            _ => self.step(node, path, merges),
        }
    }

    fn search(
        &self,
        node: usize,
        path: &mut String,
        wanted: Place,
        found: &mut Option<String>,
        depth: usize,
    ) {
        // The first reading of the file refuses deeper nesting.
        let (Some(here), true) = (self.nodes.get(node), depth < 256 && found.is_none()) else {
            return;
        };
        if here.place == wanted && !path.is_empty() {
            *found = Some(path.clone());
        }
        let length = path.len();
        match &here.kind {
            Kind::Scalar | Kind::Alias(_) => {}
            Kind::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{at}]"));
                    self.search(*item, path, wanted, found, depth + 1);
                    path.truncate(length);
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(&entry.key);
                    if entry.place == wanted && found.is_none() {
                        *found = Some(path.clone());
                    }
                    self.search(entry.node, path, wanted, found, depth + 1);
                    path.truncate(length);
                }
            }
        }
    }
}

/// What is left of `path` behind `key`, if `key` is its first step.
fn tail_after<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let tail = path.strip_prefix(key)?;
    match tail.chars().next() {
        None => Some(tail),
        Some('.') => tail.get(1..),
        Some('[') => Some(tail),
        Some(_) => None,
    }
}

#[derive(Default)]
struct Builder {
    index: Index,
    open: Vec<Open>,
    anchors: HashMap<usize, usize>,
}

/// A collection whose end has not come yet.
struct Open {
    node: usize,
    /// In a mapping, the key whose value comes next.
    key: Option<(String, Place)>,
}

impl Builder {
    /// None at the end of the document.
    fn take(&mut self, event: Event<'_>, place: Place) -> Option<()> {
        match event {
            Event::Scalar(text, _, anchor, _) => self.value(Kind::Scalar, &text, place, anchor),
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                self.value(target.map_or(Kind::Scalar, Kind::Alias), "", place, 0);
            }
            Event::SequenceStart(_, anchor, _) => self.open(Kind::List(Vec::new()), place, anchor),
            Event::MappingStart(_, anchor, _) => self.open(Kind::Map(Vec::new()), place, anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            Event::DocumentEnd => return None,
            _ => {}
        }
        Some(())
    }

    /// Something without children: a key if one is due, else a value.
    fn value(&mut self, kind: Kind, text: &str, place: Place, anchor: usize) {
        if !self.take_key(text, place) {
            self.add(kind, place, anchor);
        }
    }

    /// True if a key was due, and this is it.
    fn take_key(&mut self, text: &str, place: Place) -> bool {
        let due = self.open.last().is_some_and(|open| {
            open.key.is_none()
                && matches!(
                    self.index.nodes.get(open.node),
                    Some(Node {
                        kind: Kind::Map(_),
                        ..
                    })
                )
        });
        if due && let Some(open) = self.open.last_mut() {
            open.key = Some((text.to_owned(), place));
        }
        due
    }

    fn open(&mut self, kind: Kind, place: Place, anchor: usize) {
        // A key that is itself a collection has no path; the first reading refuses it.
        self.take_key("", place);
        let node = self.add(kind, place, anchor);
        self.open.push(Open { node, key: None });
    }

    fn add(&mut self, kind: Kind, place: Place, anchor: usize) -> usize {
        let node = self.index.nodes.len();
        self.index.nodes.push(Node { place, kind });
        if anchor != 0 {
            self.anchors.insert(anchor, node);
        }
        if let Some(open) = self.open.last_mut() {
            match self
                .index
                .nodes
                .get_mut(open.node)
                .map(|node| &mut node.kind)
            {
                Some(Kind::List(items)) => items.push(node),
                Some(Kind::Map(entries)) => {
                    if let Some((key, place)) = open.key.take() {
                        entries.push(Entry { key, place, node });
                    }
                }
                _ => {}
            }
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
base: &base
  timeout: 1s
  to: a
routes:
  main:
    - <<: *base
      name: first
    - {to: b, match: {headers: {x.y: \"1\", x: \"2\"}}}
    - *base
";

    fn value(path: &str) -> String {
        Index::new(TEXT).find(path).value.to_string()
    }

    #[test]
    fn finds_keys_and_values() {
        let index = Index::new(TEXT);
        let spot = index.find("routes.main[1].to");
        assert_eq!(
            (spot.key.to_string(), spot.value.to_string()),
            ("8:8".into(), "8:12".into())
        );
        assert_eq!(value("routes.main[1].match.headers.x.y"), "8:38");
        assert_eq!(value("routes.main[1].match.headers.x"), "8:46");
        assert_eq!(value("routes.main[0].name"), "7:13");
        assert_eq!(value(""), "1:1");
    }

    #[test]
    fn follows_aliases_and_merge_keys_to_the_text() {
        assert_eq!(value("routes.main[0].timeout"), "2:12");
        assert_eq!(value("routes.main[2].to"), "3:7");
        // The alias itself stands where it is written.
        assert_eq!(value("routes.main[2]"), "9:7");
    }

    #[test]
    fn what_is_not_there_is_where_it_would_be() {
        assert_eq!(value("routes.main[1].retry.on"), "8:7");
        assert_eq!(value("routes.main[77]"), "6:5");
        assert_eq!(value("clusters"), "1:1");
        assert_eq!(Index::new("").find("a.b").value, Place::START);
    }

    #[test]
    fn gives_the_path_of_a_place() {
        let index = Index::new(TEXT);
        let at = |line, column| index.path_at(Place { line, column });
        assert_eq!(at(8, 12).as_deref(), Some("routes.main[1].to"));
        assert_eq!(at(7, 7).as_deref(), Some("routes.main[0].name"));
        assert_eq!(at(70, 1), None);
    }

    #[test]
    fn a_document_that_breaks_off_is_indexed_so_far() {
        assert_eq!(
            Index::new("a: 1\nb: [1, }").find("b[0]").value.to_string(),
            "2:5"
        );
        for text in [
            "&a [*a]",
            "a: &a\n  <<: *a\n",
            "? [1]\n: 2\n",
            "\u{0}",
            "- - - -",
        ] {
            Index::new(text).find("a.b[0].c");
            Index::new(text).path_at(Place { line: 9, column: 9 });
        }
    }
}
